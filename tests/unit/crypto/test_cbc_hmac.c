/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "crypto/cbc_hmac.h"
#include "crypto/cipher.h"
#include "vectors.h"

#define PACKET_MAX 4096

static struct cbc_hmac_engine *engine_of(const char *name)
{
    struct cbc_hmac_engine *engine = NULL;
    cr_assert_eq(cbc_hmac_engine_new(name, &engine), 0);
    return engine;
}

static struct cbc_hmac_key *key_of(const struct cbc_hmac_engine *engine, const json_t *v)
{
    uint8_t cipher_key[64] = {0}, hmac_key[64] = {0};
    struct cbc_hmac_key *key = NULL;
    if (json_is_string(json_object_get(v, "cipher_key"))) {
        vectors_hex(v, "cipher_key", cipher_key, sizeof(cipher_key));
    }
    if (json_is_string(json_object_get(v, "hmac_key"))) {
        vectors_hex(v, "hmac_key", hmac_key, sizeof(hmac_key));
    }
    int err = cbc_hmac_key_new(engine, vectors_text(v, "cipher"), cipher_key, vectors_text(v, "auth"), hmac_key, &key);
    return err == ERR_UNSUPPORTED ? NULL : key;
}

/* Seal and open one vector. Return: false when the library does not offer its cipher. */
static bool check_vector(const struct cbc_hmac_engine *engine, struct cbc_hmac_worker *worker, const json_t *v)
{
    uint8_t payload[PACKET_MAX], wire[PACKET_MAX], out[PACKET_MAX], header[8], iv[16];
    struct cbc_hmac_key *key = key_of(engine, v);
    if (!key) {
        return false;
    }
    struct cbc_hmac_layout layout = cbc_hmac_key_layout(key);
    size_t header_len = vectors_hex(v, "header", header, sizeof(header));
    size_t wire_len = vectors_hex(v, "wire", wire, sizeof(wire)) - header_len;
    struct cbc_hmac_seal seal = {.in = payload, .out = out, .id = (uint32_t)vectors_number(v, "packet_id")};
    seal.len = vectors_hex(v, "payload", payload, sizeof(payload));
    if (layout.long_id) {
        seal.time = (uint32_t)vectors_number(v, "packet_time");
    } else if (json_is_string(json_object_get(v, "iv"))) {
        vectors_hex(v, "iv", iv, sizeof(iv));
        seal.iv = iv;
    }
    cr_assert_eq(cbc_hmac_seal(worker, key, &seal, 1), 1);
    cr_assert_eq(seal.out_len, wire_len);
    cr_assert(memcmp(out, wire + header_len, wire_len) == 0);
    struct cbc_hmac_open open = {.in = out, .len = wire_len};
    cr_assert_eq(cbc_hmac_open(worker, key, &open, 1), 1);
    cr_assert_eq(open.payload_len, seal.len);
    cr_assert(memcmp(open.payload, payload, seal.len) == 0);
    cr_assert_eq(open.id, seal.id);
    cr_assert_eq(open.time, seal.time);
    cbc_hmac_key_free(key);
    return true;
}

static void check_vectors(const char *name)
{
    struct cbc_hmac_engine *engine = engine_of(name);
    struct cbc_hmac_worker *worker = cbc_hmac_worker_new(engine);
    json_t *root = vectors_load("data_cbc_cfb_ofb_none.json");
    size_t i;
    unsigned done = 0;
    json_t *v;
    json_array_foreach (root, i, v) {
        done += check_vector(engine, worker, v);
    }
    cr_assert_gt(done, 40);
    json_decref(root);
    cbc_hmac_worker_free(worker);
    cbc_hmac_engine_free(engine);
}

Test(cbc_hmac, vectors_openssl)
{
    check_vectors("openssl");
}

Test(cbc_hmac, vectors_auto)
{
    check_vectors("auto");
}

static const char *const cases[][2] = {{"AES-256-CBC", "SHA256"}, {"AES-128-CBC", "SHA1"},     {"AES-128-CFB", "SHA512"},
                                       {"AES-256-OFB", "SHA1"},   {"none", "SHA256"},          {"AES-128-CBC", "none"},
                                       {"none", "none"},          {"CAMELLIA-192-CBC", "MD5"}, {"DES-EDE3-CBC", "SHA1"}};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void every_length(const char *name)
{
    struct cbc_hmac_engine *engine = engine_of(name);
    struct cbc_hmac_worker *worker = cbc_hmac_worker_new(engine);
    struct rand_seeded rand;
    static uint8_t plain[1600], packet[1800];
    rand_seeded_init(&rand, 3);
    rand_fill(&rand.source, plain, sizeof(plain));
    for (size_t c = 0; c < CASES; c++) {
        struct cbc_hmac_key *key = NULL;
        cr_assert_eq(cbc_hmac_key_new(engine, cases[c][0], plain, cases[c][1], plain + 100, &key), 0, "%s", cases[c][0]);
        struct cbc_hmac_layout layout = cbc_hmac_key_layout(key);
        for (size_t len = 0; len <= 1500; len += len < 70 ? 1 : 131) {
            memcpy(packet + layout.head, plain, len);
            struct cbc_hmac_seal seal = {.in = packet + layout.head, .len = len, .out = packet, .id = 9, .time = 0};
            cr_assert_eq(cbc_hmac_seal(worker, key, &seal, 1), 1);
            cr_assert_leq(seal.out_len, layout.head + len + layout.tail_max);
            struct cbc_hmac_open open = {.in = packet, .len = seal.out_len};
            cr_assert_eq(cbc_hmac_open(worker, key, &open, 1), 1, "%s length %zu", cases[c][0], len);
            cr_assert_eq(open.payload_len, len);
            cr_assert_eq(open.id, 9);
            cr_assert(memcmp(open.payload, plain, len) == 0);
        }
        cbc_hmac_key_free(key);
    }
    cbc_hmac_worker_free(worker);
    cbc_hmac_engine_free(engine);
}

Test(cbc_hmac, every_length_in_place_openssl)
{
    every_length("openssl");
}

Test(cbc_hmac, every_length_in_place_auto)
{
    every_length("auto");
}

static void forgeries(const char *name)
{
    struct cbc_hmac_engine *engine = engine_of(name);
    struct cbc_hmac_worker *worker = cbc_hmac_worker_new(engine);
    uint8_t raw[128] = {1, 2, 3}, packet[256], copy[256];
    for (size_t c = 0; c < CASES; c++) {
        struct cbc_hmac_key *key = NULL;
        bool authenticated = strcmp(cases[c][1], "none") != 0;
        cr_assert_eq(cbc_hmac_key_new(engine, cases[c][0], raw, cases[c][1], raw, &key), 0);
        struct cbc_hmac_seal seal = {.in = raw, .len = 40, .out = packet, .id = 1};
        cr_assert_eq(cbc_hmac_seal(worker, key, &seal, 1), 1);
        for (size_t i = 0; authenticated && i < seal.out_len; i++) {
            memcpy(copy, packet, seal.out_len);
            copy[i] ^= 1;
            struct cbc_hmac_open open = {.in = copy, .len = seal.out_len};
            cr_assert_eq(cbc_hmac_open(worker, key, &open, 1), 0);
            cr_assert_not(open.ok);
        }
        for (size_t len = 0; len < seal.out_len; len++) {
            memcpy(copy, packet, len);
            struct cbc_hmac_open open = {.in = copy, .len = len};
            size_t opened = cbc_hmac_open(worker, key, &open, 1);
            cr_assert(!authenticated || opened == 0);
        }
        cbc_hmac_key_free(key);
    }
    cbc_hmac_worker_free(worker);
    cbc_hmac_engine_free(engine);
}

Test(cbc_hmac, forgeries_and_short_packets_openssl)
{
    forgeries("openssl");
}

Test(cbc_hmac, forgeries_and_short_packets_auto)
{
    forgeries("auto");
}

Test(cbc_hmac, ivs_are_fresh)
{
    struct cbc_hmac_engine *engine = engine_of("auto");
    struct cbc_hmac_worker *worker = cbc_hmac_worker_new(engine);
    struct cbc_hmac_key *key = NULL;
    uint8_t raw[64] = {7}, packets[600][96];
    cr_assert_eq(cbc_hmac_key_new(engine, "AES-256-CBC", raw, "SHA1", raw, &key), 0);
    for (size_t i = 0; i < 600; i++) {
        struct cbc_hmac_seal seal = {.in = raw, .len = 16, .out = packets[i], .id = 1};
        cr_assert_eq(cbc_hmac_seal(worker, key, &seal, 1), 1);
        for (size_t j = 0; j < i; j++) {
            cr_assert(memcmp(packets[i] + 20, packets[j] + 20, 16) != 0);
        }
    }
    cbc_hmac_key_free(key);
    cbc_hmac_worker_free(worker);
    cbc_hmac_engine_free(engine);
}

Test(cbc_hmac, refusals)
{
    struct cbc_hmac_engine *engine = NULL;
    cr_assert_eq(cbc_hmac_engine_new("magic", &engine), ERR_UNSUPPORTED);
    engine = engine_of("openssl");
    cr_assert_str_eq(cbc_hmac_engine_name(engine, "AES-256-CBC", "SHA256"), "openssl");
    cr_assert_str_eq(cbc_hmac_engine_describe(engine), "AES-CBC: OpenSSL");
    struct cbc_hmac_key *key = NULL;
    uint8_t zero[64] = {0}, raw[64] = {1};
    cr_assert_eq(cbc_hmac_key_new(engine, "AES-256-GCM", raw, "SHA1", raw, &key), ERR_UNSUPPORTED);
    cr_assert_eq(cbc_hmac_key_new(engine, "NO-CBC", raw, "SHA1", raw, &key), ERR_UNSUPPORTED);
    cr_assert_eq(cbc_hmac_key_new(engine, "AES-256-CBC", raw, "SHA3", raw, &key), ERR_UNSUPPORTED);
    cr_assert_eq(cbc_hmac_key_new(engine, "AES-256-CBC", zero, "SHA1", raw, &key), ERR_CRYPTO);
    cbc_hmac_key_free(NULL);
    cbc_hmac_worker_free(NULL);
    cbc_hmac_engine_free(engine);
    cbc_hmac_engine_free(NULL);
}
