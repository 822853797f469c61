/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"
#include "wire/mtu.h"

static bool has(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

/* Read the human description of a vector's configuration. */
static struct mtu_link link_of(const char *config)
{
    struct mtu_link link = {.kind = MTU_CIPHER_AEAD, .block_size = 16, .iv_size = 12, .hmac_size = 20};
    if (has(config, "CHACHA20")) {
        link.block_size = 1;
    } else if (has(config, "CBC")) {
        link.kind = MTU_CIPHER_CBC;
        link.iv_size = 16;
    } else if (has(config, "CFB")) {
        link.kind = MTU_CIPHER_STREAM;
        link.iv_size = 16;
    } else if (has(config, "cipher none")) {
        link.kind = MTU_CIPHER_NONE;
        link.iv_size = 0;
    } else if (has(config, "epoch")) {
        link.kind = MTU_CIPHER_EPOCH;
    }
    if (has(config, "SHA256")) {
        link.hmac_size = 32;
    } else if (has(config, "SHA512")) {
        link.hmac_size = 64;
    } else if (has(config, "auth none")) {
        link.hmac_size = 0;
    }
    link.tcp = has(config, "TCP");
    link.outer_ipv6 = has(config, "UDPv6") || has(config, "TCPv6");
    link.tap = has(config, "dev tap");
    link.fragment = has(config, "fragment");
    link.compress_marker = has(config, "comp-lzo") || has(config, "v1 compression");
    return link;
}

Test(mtu, link_mtu_of_real_programs)
{
    json_t *root = vectors_load("mtu_calculations.json");
    size_t i;
    json_t *row;
    unsigned checked = 0;
    json_array_foreach(json_object_get(root, "occ_link_mtu"), i, row) {
        const char *config = vectors_text(row, "config");
        if (has(config, "static key")) {
            continue;
        }
        struct mtu_link link = link_of(config);
        bool unset = !has(config, "cipher") || has(config, "implied");
        cr_assert_eq(mtu_link_mtu(&link, has(config, "1400") ? 1400 : 1500, unset),
                     (unsigned)vectors_number(row, "link_mtu"), "%s", config);
        checked++;
    }
    cr_assert_eq(checked, 19);
    json_decref(root);
}

Test(mtu, link_mtu_table_of_the_control_channel)
{
    json_t *root = vectors_load("control_occ_link_mtu.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "rows"), i, row) {
        const char *cipher = vectors_text(row, "cipher");
        const json_t *options = json_object_get(row, "options");
        struct mtu_link link = link_of(strcmp(cipher, "none") == 0 ? "cipher none" : cipher);
        link.hmac_size = (unsigned)vectors_number(row, "hmac_size");
        link.tcp = json_is_true(json_object_get(options, "tcp"));
        link.tap = json_is_true(json_object_get(options, "tap"));
        link.fragment = json_is_true(json_object_get(options, "frag"));
        link.compress_marker = vectors_number(options, "comp") != 0;
        long tun = vectors_number(options, "tun");
        cr_assert_eq(mtu_link_mtu(&link, tun ? (unsigned)tun : 1500, strcmp(cipher, "BF-CBC") == 0),
                     (unsigned)vectors_number(row, "link_mtu"), "row %zu", i);
    }
    json_decref(root);
}

Test(mtu, mss_of_real_programs)
{
    json_t *root = vectors_load("mtu_calculations.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "mssfix"), i, row) {
        const char *config = vectors_text(row, "config");
        struct mtu_link link = link_of(config);
        unsigned value = 1492;
        enum mtu_mode mode = MTU_MODE_MTU;
        if (strncmp(config, "mssfix ", 7) == 0) {
            value = (unsigned)strtoul(config + 7, NULL, 10);
            mode = has(config, "fixed") ? MTU_MODE_FIXED : has(config, " mtu") ? MTU_MODE_MTU : MTU_MODE_PACKET;
        } else if (strncmp(config, "fragment ", 9) == 0) {
            value = (unsigned)strtoul(config + 9, NULL, 10);
        }
        unsigned mss = mtu_mss(&link, value, mode);
        cr_assert_eq(mss, (unsigned)vectors_number(row, "mss_ipv4"), "%s: %u", config, mss);
        cr_assert_eq(mss - 20, (unsigned)vectors_number(row, "mss_ipv6"));
    }
    json_decref(root);
}

Test(mtu, fragment_chunks_of_real_programs)
{
    json_t *root = vectors_load("mtu_calculations.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "fragment"), i, row) {
        const char *config = vectors_text(row, "config");
        struct mtu_link link = link_of(config);
        unsigned value = (unsigned)strtoul(config + 9, NULL, 10);
        unsigned chunk = mtu_fragment_chunk(&link, value, has(config, " mtu") ? MTU_MODE_MTU : MTU_MODE_PACKET);
        cr_assert_eq(chunk, (unsigned)vectors_number(row, "max_fragment_payload"), "%s: %u", config, chunk);
    }
    json_decref(root);
}

Test(mtu, worked_encapsulation_sizes)
{
    struct mtu_link link = link_of("AES-256-GCM");
    cr_assert_eq(mtu_outer(&link, 1400), 1452);
    link.outer_ipv6 = true;
    cr_assert_eq(mtu_outer(&link, 1400), 1472);
    link.outer_ipv6 = false;
    link.tcp = true;
    cr_assert_eq(mtu_outer(&link, 1400), 1466);
    link = link_of("epoch");
    cr_assert_eq(mtu_outer(&link, 1400), 1456);
    link = link_of("AES-256-CBC SHA1");
    cr_assert_eq(mtu_outer(&link, 1400), 1476);
}

Test(mtu, inner_is_the_largest_that_fits)
{
    static const char *const configs[] = {"AES-256-GCM", "epoch", "AES-256-CBC SHA256", "CFB", "cipher none",
                                          "GCM fragment", "GCM comp-lzo TCP", "CBC UDPv6"};
    for (unsigned i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        struct mtu_link link = link_of(configs[i]);
        for (unsigned path = 600; path < 700; path++) {
            unsigned inner = mtu_inner(&link, path);
            cr_assert_leq(mtu_outer(&link, inner), path, "%s %u", configs[i], path);
            cr_assert_gt(mtu_outer(&link, inner + 1), path, "%s %u", configs[i], path);
        }
    }
    struct mtu_link tap = link_of("dev tap");
    cr_assert_leq(mtu_outer(&tap, mtu_inner(&tap, 1500) + 14), 1500);
    cr_assert_eq(mtu_inner(&tap, 20), 0, "no room is not a huge number");
    cr_assert_eq(mtu_mss(&tap, 60, MTU_MODE_MTU), 0);
}

/* What openvpn 2.6.14 gives its device under `link-mtu 1400`. */
Test(mtu, link_mtu_gives_the_devices_mtu)
{
    struct mtu_link link = {.kind = MTU_CIPHER_CBC, .hmac_size = 20};
    cr_assert_eq(mtu_tun_mtu(&link, 1400, true), 1375u);
    link.hmac_size = 64;
    cr_assert_eq(mtu_tun_mtu(&link, 1400, true), 1331u);
    link = (struct mtu_link){.kind = MTU_CIPHER_CBC, .hmac_size = 20, .tcp = true};
    cr_assert_eq(mtu_tun_mtu(&link, 1400, true), 1373u);
    link = (struct mtu_link){.kind = MTU_CIPHER_AEAD, .block_size = 16, .iv_size = 12, .hmac_size = 20, .tap = true};
    cr_assert_eq(mtu_tun_mtu(&link, 1400, false), 1351u);
    link = (struct mtu_link){
        .kind = MTU_CIPHER_CBC, .block_size = 16, .iv_size = 16, .hmac_size = 32, .compress_marker = true, .fragment = true};
    cr_assert_eq(mtu_tun_mtu(&link, 1400, false), 1335u);
    cr_assert_eq(mtu_tun_mtu(&link, 60, false), 0u);
}
