/* SPDX-License-Identifier: MIT */

/* Key method 2 and the texts that it carries: options string, peer information. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    message(data, size, true);
    message(data, size, false);
    char *text = fuzz_text(data, size);
    options(text);
    info(text);
    free(text);
    return 0;
}
