/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "crypto/prf.h"
#include "vectors.h"

Test(prf, selftest_vector)
{
    json_t *root = vectors_load("control_data_keys.json");
    json_t *v = json_object_get(root, "tls1_prf_selftest");
    const char *secret = vectors_text(v, "secret");
    const char *seed = vectors_text(v, "seed");
    struct span part = {(const uint8_t *)seed, strlen(seed)};
    uint8_t out[8];
    cr_assert_eq(prf_tls1(secret, strlen(secret), &part, 1, out, sizeof(out)), 0);
    vectors_expect(v, "out", out, sizeof(out));
    json_decref(root);
}

Test(prf, master_secret_and_key_material)
{
    json_t *root = vectors_load("control_data_keys.json");
    json_t *v = json_object_get(root, "openvpn_prf");
    uint8_t pre_master[48], c1[32], s1[32], c2[32], s2[32], csid[8], ssid[8], master[48], material[256];
    vectors_hex(v, "pre_master", pre_master, 48);
    vectors_hex(v, "client_random1", c1, 32);
    vectors_hex(v, "server_random1", s1, 32);
    vectors_hex(v, "client_random2", c2, 32);
    vectors_hex(v, "server_random2", s2, 32);
    vectors_hex(v, "client_sid", csid, 8);
    vectors_hex(v, "server_sid", ssid, 8);
    struct span first[3] = {{(const uint8_t *)"OpenVPN master secret", 21}, {c1, 32}, {s1, 32}};
    cr_assert_eq(prf_tls1(pre_master, 48, first, 3, master, 48), 0);
    vectors_expect(v, "master_secret", master, 48);
    struct span second[5] = {{(const uint8_t *)"OpenVPN key expansion", 21}, {c2, 32}, {s2, 32}, {csid, 8}, {ssid, 8}};
    cr_assert_eq(prf_tls1(master, 48, second, 5, material, 256), 0);
    vectors_expect(v, "key_material", material, 256);
    vectors_expect(v, "keys1_hmac", material + 192, 64);
    json_decref(root);
}
