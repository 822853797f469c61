/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/peer_info.h"

Test(peer_info, finds_whole_names_only)
{
    const char *text = "XIV_PROTO=1\nUV_NOTE=IV_PROTO=4\nbad line\n=x\nIV-X=1\nIV_PROTO=990\nIV_EMPTY=\n";
    struct span value;
    cr_assert_eq(peer_info_proto(text), 990);
    cr_assert(peer_info_find(text, "UV_NOTE", &value));
    cr_assert_eq(value.len, 10);
    cr_assert(peer_info_find(text, "IV_EMPTY", &value));
    cr_assert_eq(value.len, 0);
    cr_assert_not(peer_info_find(text, "PROTO", &value));
    cr_assert_not(peer_info_find(NULL, "IV_PROTO", &value));
}

Test(peer_info, counts_only_wellformed_lines)
{
    const char *text = "IV_VER=2.6\r\n\n\nnonsense\nIV_PLAT=linux";
    struct span rest = {(const uint8_t *)text, strlen(text)};
    struct peer_info_line line;
    cr_assert(peer_info_next(&rest, &line));
    cr_assert_eq(line.value.len, 3, "carriage return is no part of the value");
    cr_assert(peer_info_next(&rest, &line));
    cr_assert_eq(line.value.len, 5);
    cr_assert_not(peer_info_next(&rest, &line));
}

Test(peer_info, nonsense_proto_means_no_features)
{
    static const char *const texts[] = {"", "IV_PROTO=\n", "IV_PROTO=0\n", "IV_PROTO=-2\n", "IV_PROTO=99999999999\n",
                                        "IV_PROTO=abc\n", "IV_PROTO=2x\n", "IV_PROTO= 2\n"};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_assert_eq(peer_info_proto(texts[i]), 0, "%s", texts[i]);
    }
    cr_assert_eq(peer_info_proto(NULL), 0);
    cr_assert_eq(peer_info_number("IV_MTU=1600\n", "IV_MTU", 65535, 0), 1600);
    cr_assert_eq(peer_info_number("IV_MTU=70000\n", "IV_MTU", 65535, 7), 7);
}

Test(peer_info, long_lines_are_cut)
{
    char text[2000];
    memset(text, 'x', sizeof(text));
    memcpy(text, "UV_A=", 5);
    memcpy(text + 1500, "\nIV_PROTO=2\n", 13);
    struct span value;
    cr_assert(peer_info_find(text, "UV_A", &value));
    cr_assert_eq(value.len, PEER_INFO_LINE_MAX - 5);
    cr_assert_eq(peer_info_proto(text), 2);
}

Test(peer_info, values_are_made_harmless)
{
    char out[32];
    const char *bad = "a b$(c)`d\x01\xff;e";
    cr_assert_eq(peer_info_sanitise((struct span){(const uint8_t *)bad, strlen(bad)}, out, sizeof(out)), strlen(bad));
    cr_assert_str_eq(out, "a_b__c)_d__;e");
    cr_assert_eq(peer_info_sanitise((struct span){(const uint8_t *)bad, strlen(bad)}, out, 4), 3);
    cr_assert_str_eq(out, "a_b");
    cr_assert(peer_info_exported((struct span){(const uint8_t *)"UV_X", 4}));
    cr_assert_not(peer_info_exported((struct span){(const uint8_t *)"LD_PRELOAD", 10}));
    cr_assert_not(peer_info_exported((struct span){(const uint8_t *)"IV_", 3}));
}

Test(peer_info, pull_client_matches_2_7)
{
    struct peer_info_fields f = {.level = PEER_INFO_PULL, .version = "2.7.6", .platform = "linux", .mtu = 1600,
                                 .ncp = true, .ciphers = "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305", .proto = 8094,
                                 .hardware_address = "00:00:00:00:00:00"};
    char out[PEER_INFO_MAX];
    int len = peer_info_build(&f, out, sizeof(out));
    cr_assert_str_eq(out, "IV_VER=2.7.6\nIV_PLAT=linux\nIV_TCPNL=1\nIV_MTU=1600\nIV_NCP=2\n"
                          "IV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305\nIV_PROTO=8094\n");
    cr_assert_eq((size_t)len, strlen(out));
    cr_assert_eq(peer_info_build(&f, out, (size_t)len), ERR_LIMIT);
}

Test(peer_info, levels_and_extras)
{
    const char *extra[] = {"UV_SITE=x", NULL};
    struct peer_info_fields f = {.level = PEER_INFO_PUSH, .version = "v", .proto = 2, .ciphers = "A",
                                 .compress = PEER_INFO_COMPRESS_STUB, .hardware_address = "aa", .extra = extra};
    char out[PEER_INFO_MAX];
    struct span value;
    cr_assert_geq(peer_info_build(&f, out, sizeof(out)), 0);
    cr_assert(peer_info_find(out, "IV_HWADDR", &value));
    cr_assert(peer_info_find(out, "UV_SITE", &value));
    cr_assert(peer_info_find(out, "IV_COMP_STUBv2", &value));
    cr_assert_not(peer_info_find(out, "IV_LZ4", &value));
    f.level = PEER_INFO_P2P;
    peer_info_build(&f, out, sizeof(out));
    cr_assert_str_eq(out, "IV_CIPHERS=A\nIV_PROTO=2\n");
    f.level = PEER_INFO_NONE;
    cr_assert_eq(peer_info_build(&f, out, sizeof(out)), 0);
    cr_assert_str_eq(out, "");
}
