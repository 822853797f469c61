/* SPDX-License-Identifier: MIT */

/* Key method 2, the texts that it carries (options string, peer information), and what is negotiated from them. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "session/negotiate.h"
#include "wire/keymethod.h"
#include "wire/occ.h"
#include "wire/peer_info.h"

static void difference(void *arg, const struct occ_difference *d)
{
    (void)arg;
    (void)d;
}

static void message(const uint8_t *data, size_t size, bool from_client)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct keymethod_message m;
    memset(&m, 0, sizeof(m));
    (void)keymethod_decode(copy, size, from_client, KEYMETHOD_CREDENTIAL_MAX, &m);
    free(copy);
}

static void options(const char *text)
{
    char cipher[64];
    struct span value;
    (void)occ_cipher(text, cipher, sizeof(cipher));
    (void)occ_item(text, "cipher", &value);
    (void)occ_item(text, "link-mtu", &value);
    (void)occ_compare("V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,tls-server", text, difference, NULL);
    (void)occ_compare(text, "V4,dev-type tun,link-mtu 1541", difference, NULL);
}

static void info(const char *text)
{
    struct span rest = {(const uint8_t *)text, strlen(text)};
    struct peer_info_line line;
    char clean[64];
    while (peer_info_next(&rest, &line)) {
        (void)peer_info_exported(line.name);
        size_t n = peer_info_sanitise(line.value, clean, sizeof(clean));
        FUZZ_REQUIRE(n < sizeof(clean) && clean[n] == '\0' && !strpbrk(clean, "$(` \t\r\n"));
    }
    (void)peer_info_proto(text);
    (void)peer_info_number(text, "IV_MTU", 65535, 0);
}

static void agreed(int result, const struct negotiated *outcome)
{
    FUZZ_REQUIRE(result != 0 || (outcome->cipher[0] && strlen(outcome->cipher) < sizeof(outcome->cipher)));
}

/* @text is whatever the peer may have said, @options its options string. */
static void negotiate(const char *text, const char *options)
{
    static const struct negotiate_policy policy = {.data_ciphers = "AES-256-GCM:CHACHA20-POLY1305:AES-256-CBC",
                                                   .fallback = "AES-256-CBC", .proto = NEGOTIATE_PROTO_CLIENT};
    struct negotiate_peer peer;
    struct negotiated outcome;
    const char *refusal;
    char flags[NEGOTIATE_TEXT_MAX];
    char error[NEGOTIATE_TEXT_MAX];
    char unknown[CIPHER_NAME_MAX];
    negotiate_peer_parse(text, options, &peer);
    int result = negotiate_server(&policy, &peer, &outcome, &refusal);
    agreed(result, &outcome);
    if (result == 0) {
        FUZZ_REQUIRE(strlen(negotiate_flags_option(&peer, &outcome, flags)) < sizeof(flags));
    } else {
        FUZZ_REQUIRE(refusal);
    }
    agreed(negotiate_p2p(&policy, &peer, true, &outcome), &outcome);
    struct negotiate_pushed pushed = {.protocol_flags = text, .key_derivation = text, .server_options = options};
    agreed(negotiate_client(&policy, &pushed, &outcome, error, unknown), &outcome);
    pushed = (struct negotiate_pushed){.cipher = text, .has_peer_id = true};
    agreed(negotiate_client(&policy, &pushed, &outcome, error, unknown), &outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    message(data, size, true);
    message(data, size, false);
    char *text = fuzz_text(data, size);
    options(text);
    info(text);
    negotiate(text, NULL);
    negotiate("IV_PROTO=8094\nIV_CIPHERS=BF-CBC\n", text);
    negotiate(text, text);
    free(text);
    return 0;
}
