/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "session/negotiate.h"

#define GCM "AES-256-GCM:AES-128-GCM"

static const struct negotiate_policy SERVER = {.data_ciphers = GCM, .proto = NEGOTIATE_PROTO_CLIENT};

static int serve(const struct negotiate_policy *policy, const char *info, const char *occ, struct negotiated *out,
                 const char **refusal)
{
    struct negotiate_peer peer;
    negotiate_peer_parse(info, occ, &peer);
    *refusal = NULL;
    return negotiate_server(policy, &peer, out, refusal);
}

static void expect_cipher(const struct negotiate_policy *policy, const char *info, const char *occ, const char *cipher,
                          bool pushed)
{
    struct negotiated n;
    const char *refusal;
    cr_assert_eq(serve(policy, info, occ, &n, &refusal), 0, "%s %s", info, occ);
    cr_assert_str_eq(n.cipher, cipher);
    cr_assert_eq(n.push_cipher, pushed);
}

static void expect_refused(const struct negotiate_policy *policy, const char *info, const char *occ, const char *start)
{
    struct negotiated n;
    const char *refusal;
    cr_assert_lt(serve(policy, info, occ, &n, &refusal), 0, "%s %s", info, occ);
    cr_assert_eq(strncmp(refusal, start, strlen(start)), 0, "%s", refusal);
}

Test(negotiate, a_server_chooses_in_its_own_order)
{
    expect_cipher(&SERVER, "IV_CIPHERS=AES-128-GCM\n", "", "AES-128-GCM", true);
    expect_cipher(&SERVER, "IV_CIPHERS=AES-128-GCM:AES-256-GCM\n", "", "AES-256-GCM", true);
    expect_cipher(&SERVER, "IV_NCP=2\n", "", "AES-256-GCM", true);
    expect_cipher(&SERVER, "IV_NCP=2\nIV_CIPHERS=AES-128-GCM\n", "V4,cipher AES-256-GCM", "AES-128-GCM", true);
    expect_cipher(&SERVER, "", "V4,dev-type tun,cipher AES-128-GCM,auth SHA1", "AES-128-GCM", false);
}

Test(negotiate, what_has_nothing_in_common_is_refused)
{
    static const char text[] = "Data channel cipher negotiation failed (no shared cipher)";
    struct negotiate_policy fallback = SERVER;
    fallback.fallback = "AES-256-CBC";
    expect_refused(&SERVER, "", "V4,cipher AES-256-CBC", text);
    expect_refused(&SERVER, "IV_CIPHERS=CAMELLIA-128-CBC\n", "V4,cipher AES-256-GCM", text);
    expect_refused(&SERVER, "", "", text);
    expect_refused(&SERVER, "", "V4,ciphers AES-256-GCM", text);
    expect_cipher(&fallback, "", "", "AES-256-CBC", false);
    expect_refused(&fallback, "", "V4,cipher BF-CBC", text);
    fallback.fallback = "aes-256-cbc";
    expect_cipher(&fallback, "", "", "AES-256-CBC", false);
}

Test(negotiate, a_peer_of_2_4)
{
    struct negotiate_peer peer;
    struct negotiated n;
    const char *refusal;
    char flags[NEGOTIATE_TEXT_MAX];
    negotiate_peer_parse("IV_VER=2.4.12\nIV_PROTO=2\nIV_NCP=2\n", "V4,cipher AES-256-CBC", &peer);
    cr_assert_eq(negotiate_server(&SERVER, &peer, &n, &refusal), 0);
    cr_assert(n.data_v2);
    cr_assert(n.push_cipher);
    cr_assert_eq(n.derivation, SESSION_KEYS_PRF);
    cr_assert_not(n.epoch || n.cc_exit || n.dynamic_crypt || n.push_mtu);
    cr_assert_str_eq(negotiate_flags_option(&peer, &n, flags), "");
}

Test(negotiate, peers_of_2_6_and_2_7)
{
    struct negotiate_peer peer;
    struct negotiated n;
    const char *refusal;
    char flags[NEGOTIATE_TEXT_MAX];
    negotiate_peer_parse("IV_PROTO=990\nIV_NCP=2\nIV_CIPHERS=AES-256-GCM\nIV_MTU=1600\n", "", &peer);
    cr_assert_eq(negotiate_server(&SERVER, &peer, &n, &refusal), 0);
    cr_assert_eq(n.derivation, SESSION_KEYS_EXPORTER);
    cr_assert(n.cc_exit && n.dynamic_crypt && n.push_mtu && !n.epoch);
    cr_assert_str_eq(negotiate_flags_option(&peer, &n, flags), "protocol-flags cc-exit tls-ekm dyn-tls-crypt");
    negotiate_peer_parse("IV_PROTO=8094\nIV_CIPHERS=AES-256-GCM\n", "", &peer);
    cr_assert_eq(negotiate_server(&SERVER, &peer, &n, &refusal), 0);
    cr_assert(n.epoch);
    cr_assert_not_null(strstr(negotiate_flags_option(&peer, &n, flags), "aead-epoch"));
    /* Key export without CC_EXIT: the old option. */
    negotiate_peer_parse("IV_PROTO=14\nIV_NCP=2\n", "", &peer);
    cr_assert_eq(negotiate_server(&SERVER, &peer, &n, &refusal), 0);
    cr_assert_str_eq(negotiate_flags_option(&peer, &n, flags), "key-derivation tls-ekm");
}

Test(negotiate, nonsense_in_iv_proto_means_no_features)
{
    static const char *const values[] = {"", "IV_PROTO=0\n", "IV_PROTO=-1\n", "IV_PROTO=99999999999\n", "IV_PROTO=abc\n",
                                         "IV_PROTO=\n", "UV_X=IV_PROTO=990\n"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct negotiate_peer peer;
        negotiate_peer_parse(values[i], "", &peer);
        cr_assert_eq(peer.proto, 0, "%s", values[i]);
    }
}

Test(negotiate, key_export_can_be_required)
{
    struct negotiate_policy policy = SERVER;
    policy.force_key_export = true;
    expect_refused(&policy, "IV_PROTO=2\nIV_NCP=2\n", "",
                   "Client incompatible with this server. Keying Material Exporters (RFC 5705) support missing.");
    expect_cipher(&policy, "IV_PROTO=990\nIV_NCP=2\n", "", "AES-256-GCM", true);
}

static int take(const struct negotiate_pushed *pushed, struct negotiated *out)
{
    char error[NEGOTIATE_TEXT_MAX];
    char unknown[CIPHER_NAME_MAX];
    struct negotiate_policy policy = {.data_ciphers = GCM, .fallback = "aes-256-cbc", .proto = NEGOTIATE_PROTO_CLIENT};
    return negotiate_client(&policy, pushed, out, error, unknown);
}

Test(negotiate, a_client_takes_what_it_allows)
{
    struct negotiated n;
    cr_assert_eq(take(&(struct negotiate_pushed){.cipher = "AES-128-GCM", .has_peer_id = true,
                                                 .protocol_flags = "cc-exit tls-ekm dyn-tls-crypt aead-epoch"},
                      &n),
                 0);
    cr_assert_str_eq(n.cipher, "AES-128-GCM");
    cr_assert(n.epoch && n.cc_exit && n.dynamic_crypt && n.data_v2);
    cr_assert_eq(n.derivation, SESSION_KEYS_EXPORTER);
    cr_assert_eq(take(&(struct negotiate_pushed){.cipher = "AES-256-CBC"}, &n), 0, "the fallback may be pushed");
    cr_assert_lt(take(&(struct negotiate_pushed){.cipher = "BF-CBC"}, &n), 0);
    cr_assert_lt(take(&(struct negotiate_pushed){.cipher = "AES-128-GCM", .protocol_flags = "tls-ekm aead-epoch"}, &n), 0,
                 "epoch keys need a peer id");
    cr_assert_eq(take(&(struct negotiate_pushed){.cipher = "AES-128-GCM", .key_derivation = "tls-ekm"}, &n), 0);
    cr_assert_eq(n.derivation, SESSION_KEYS_EXPORTER);
    cr_assert_eq(take(&(struct negotiate_pushed){.server_options = "V4,cipher AES-128-GCM"}, &n), 0);
    cr_assert_str_eq(n.cipher, "AES-128-GCM");
    cr_assert_eq(n.derivation, SESSION_KEYS_PRF);
    cr_assert_eq(take(&(struct negotiate_pushed){.server_options = "V4"}, &n), 0);
    cr_assert_str_eq(n.cipher, "AES-256-CBC");
}

Test(negotiate, point_to_point)
{
    struct negotiate_policy policy = {.data_ciphers = "CHACHA20-POLY1305:AES-256-GCM", .proto = NEGOTIATE_PROTO_P2P};
    struct negotiate_peer peer;
    struct negotiated n;
    negotiate_peer_parse("IV_CIPHERS=AES-256-GCM:CHACHA20-POLY1305\nIV_PROTO=746\n", "", &peer);
    cr_assert_eq(negotiate_p2p(&policy, &peer, true, &n), 0);
    cr_assert_str_eq(n.cipher, "CHACHA20-POLY1305", "the TLS server's order counts");
    cr_assert_eq(negotiate_p2p(&policy, &peer, false, &n), 0);
    cr_assert_str_eq(n.cipher, "AES-256-GCM");
    cr_assert(n.data_v2 && n.cc_exit && n.dynamic_crypt && !n.epoch);
    cr_assert_eq(n.derivation, SESSION_KEYS_EXPORTER);
    negotiate_peer_parse("IV_CIPHERS=AES-256-GCM\nIV_PROTO=714\n", "", &peer);
    cr_assert_eq(negotiate_p2p(&policy, &peer, true, &n), 0);
    cr_assert_not(n.data_v2 || n.cc_exit, "without bit 5 nothing is agreed");
    negotiate_peer_parse("", "V4,cipher AES-256-GCM", &peer);
    cr_assert_lt(negotiate_p2p(&policy, &peer, true, &n), 0);
    policy.fallback = "AES-256-CBC";
    cr_assert_eq(negotiate_p2p(&policy, &peer, true, &n), 0);
    cr_assert_str_eq(n.cipher, "AES-256-CBC");
}
