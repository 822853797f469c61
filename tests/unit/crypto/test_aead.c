/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/span.h"
#include "crypto/aead.h"
#include "crypto/cipher.h"
#include "vectors.h"

#define LEN_MAX 2048

static const char *const ciphers[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "ARIA-256-GCM"};
#define CIPHERS (sizeof(ciphers) / sizeof(ciphers[0]))

static struct aead_engine *engine_or_skip(const char *name)
{
    struct aead_engine *engine = NULL;
    int err = aead_engine_new(name, &engine);
    if (err == ERR_UNSUPPORTED && strcmp(name, "ipsec-mb") == 0) {
        cr_skip_test("no intel-ipsec-mb here");
    }
    cr_assert_eq(err, 0, "%s: %s", name, err_str(err));
    return engine;
}

static void check_packet(struct aead_engine *engine, const json_t *v, bool tag_last, size_t header)
{
    uint8_t raw[32], wire[4096], aad[32], plain[4096], tag[16], out[4096];
    struct aead_key *key = NULL;
    vectors_hex(v, tag_last ? "data_key" : "cipher_key", raw, sizeof(raw));
    cr_assert_eq(aead_key_new(engine, vectors_text(v, "cipher"), raw, &key), 0);
    struct aead_worker *worker = aead_worker_new(engine);
    size_t plain_len = vectors_hex(v, "plaintext", plain, sizeof(plain));
    struct aead_op op = {.in = plain, .out = out, .tag = tag, .aad = aad, .len = (uint32_t)plain_len};
    op.aad_len = (uint16_t)vectors_hex(v, "aad", aad, sizeof(aad));
    cr_assert_eq(vectors_hex(v, "nonce", op.nonce, sizeof(op.nonce)), AEAD_NONCE_SIZE);
    cr_assert_eq(aead_seal(worker, key, &op, 1), 1);
    vectors_expect(v, "tag", tag, 16);
    size_t wire_len = vectors_hex(v, "wire", wire, sizeof(wire));
    cr_assert_eq(wire_len, header + 16 + plain_len);
    op.tag = tag_last ? wire + wire_len - 16 : wire + header;
    op.in = tag_last ? wire + header : wire + header + 16;
    cr_assert(memcmp(op.in, out, plain_len) == 0);
    cr_assert_eq(aead_open(worker, key, &op, 1), 1);
    cr_assert(memcmp(out, plain, plain_len) == 0);
    op.tag[3] ^= 4;
    cr_assert_eq(aead_open(worker, key, &op, 1), 0);
    cr_assert_not(op.ok);
    aead_worker_free(worker);
    aead_key_free(key);
}

static void check_vectors(const char *name)
{
    struct aead_engine *engine = engine_or_skip(name);
    json_t *root = vectors_load("data_aead.json");
    size_t i;
    json_t *v;
    cr_assert_gt(json_array_size(root), 10);
    json_array_foreach (root, i, v) {
        check_packet(engine, v, false, strcmp(vectors_text(v, "opcode"), "DATA_V2") ? 5 : 8);
    }
    json_decref(root);
    root = vectors_load("data_epoch.json");
    json_array_foreach (json_object_get(root, "packets"), i, v) {
        check_packet(engine, v, true, 12);
    }
    json_decref(root);
    aead_engine_free(engine);
}

Test(aead, vectors_openssl)
{
    check_vectors("openssl");
}

Test(aead, vectors_ipsec_mb)
{
    check_vectors("ipsec-mb");
}

/* Two engines, each length, three AAD sizes, in place and not, unaligned: same bytes and each opens the other's. */
static void cross(struct aead_engine *a, struct aead_engine *b, const char *cipher)
{
    static uint8_t plain[LEN_MAX], one[LEN_MAX + 1], two[LEN_MAX];
    uint8_t raw[32], aad[12], tag_one[17], tag_two[16];
    struct rand_seeded rand;
    struct aead_key *key_a = NULL;
    struct aead_key *key_b = NULL;
    rand_seeded_init(&rand, 7);
    rand_fill(&rand.source, raw, sizeof(raw));
    rand_fill(&rand.source, plain, sizeof(plain));
    cr_assert_eq(aead_key_new(a, cipher, raw, &key_a), 0);
    cr_assert_eq(aead_key_new(b, cipher, raw, &key_b), 0);
    struct aead_worker *wa = aead_worker_new(a);
    struct aead_worker *wb = aead_worker_new(b);
    for (uint32_t len = 0; len <= LEN_MAX; len++) {
        struct aead_op x = {.in = one + 1, .out = one + 1, .tag = tag_one + 1, .aad = aad, .len = len};
        rand_fill(&rand.source, aad, sizeof(aad));
        rand_fill(&rand.source, x.nonce, sizeof(x.nonce));
        x.aad_len = (uint16_t)(4 * (1 + len % 3));
        struct aead_op y = x;
        y.in = plain;
        y.out = two;
        y.tag = tag_two;
        memcpy(one + 1, plain, len);
        cr_assert_eq(aead_seal(wa, key_a, &x, 1), 1);
        cr_assert_eq(aead_seal(wb, key_b, &y, 1), 1);
        cr_assert(memcmp(one + 1, two, len) == 0, "%s length %u", cipher, len);
        cr_assert(memcmp(tag_one + 1, tag_two, 16) == 0, "%s tag, length %u", cipher, len);
        y.in = two;
        cr_assert_eq(aead_open(wa, key_a, &x, 1), 1);
        cr_assert_eq(aead_open(wb, key_b, &y, 1), 1);
        cr_assert(memcmp(one + 1, plain, len) == 0 && memcmp(two, plain, len) == 0);
    }
    aead_worker_free(wa);
    aead_worker_free(wb);
    aead_key_free(key_a);
    aead_key_free(key_b);
}

Test(aead, engines_agree_on_every_length)
{
    struct aead_engine *fast = engine_or_skip("ipsec-mb");
    struct aead_engine *evp = engine_or_skip("openssl");
    cr_assert_str_eq(aead_engine_name(fast, "AES-256-GCM"), "ipsec-mb");
    cr_assert_str_eq(aead_engine_name(evp, "AES-256-GCM"), "openssl");
    for (size_t i = 0; i < CIPHERS; i++) {
        cross(fast, evp, ciphers[i]);
    }
    aead_engine_free(fast);
    aead_engine_free(evp);
}

static void forgeries(const char *name)
{
    struct aead_engine *engine = engine_or_skip(name);
    struct aead_worker *worker = aead_worker_new(engine);
    for (size_t c = 0; c < CIPHERS; c++) {
        uint8_t raw[32] = {9, 8, 7};
        uint8_t data[40] = {0}, out[40], aad[8] = {1}, tag[16];
        struct aead_key *key = NULL;
        cr_assert_eq(aead_key_new(engine, ciphers[c], raw, &key), 0);
        struct aead_op op = {.in = data, .out = data, .tag = tag, .aad = aad, .len = 40, .aad_len = 8, .nonce = {5}};
        cr_assert_eq(aead_seal(worker, key, &op, 1), 1);
        op.out = out;
        uint8_t *parts[] = {data, aad, tag, op.nonce};
        size_t sizes[] = {40, 8, 16, 12};
        for (size_t p = 0; p < 4; p++) {
            for (size_t i = 0; i < sizes[p]; i++) {
                parts[p][i] ^= 0x80;
                cr_assert_eq(aead_open(worker, key, &op, 1), 0, "%s part %zu byte %zu", ciphers[c], p, i);
                parts[p][i] ^= 0x80;
            }
        }
        cr_assert_eq(aead_open(worker, key, &op, 1), 1);
        aead_key_free(key);
    }
    aead_worker_free(worker);
    aead_engine_free(engine);
}

Test(aead, forgeries_openssl)
{
    forgeries("openssl");
}

Test(aead, forgeries_ipsec_mb)
{
    forgeries("ipsec-mb");
}

/* More keys than a worker caches contexts for, both directions at once, a key freed and its address reused. */
Test(aead, many_keys_share_a_worker)
{
    enum { KEYS = 700 };
    struct aead_engine *engine = engine_or_skip("openssl");
    struct aead_worker *worker = aead_worker_new(engine);
    struct aead_key *keys[KEYS];
    uint8_t text[32], tag[16];
    for (int i = 0; i < KEYS; i++) {
        uint8_t raw[32] = {1, (uint8_t)i, (uint8_t)(i >> 8)};
        cr_assert_eq(aead_key_new(engine, i % 2 ? "AES-256-GCM" : "CHACHA20-POLY1305", raw, &keys[i]), 0);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            memset(text, i, sizeof(text));
            struct aead_op op = {.in = text, .out = text, .tag = tag, .len = sizeof(text), .nonce = {3}};
            cr_assert_eq(aead_seal(worker, keys[i], &op, 1), 1);
            cr_assert_eq(aead_open(worker, keys[(i + 256) % KEYS], &op, 1), 0);
            memset(text, i, sizeof(text));
            cr_assert_eq(aead_seal(worker, keys[i], &op, 1), 1);
            cr_assert_eq(aead_open(worker, keys[i], &op, 1), 1);
        }
    }
    for (int i = 0; i < KEYS; i++) {
        aead_key_free(keys[i]);
    }
    aead_worker_free(worker);
    aead_engine_free(engine);
}

Test(aead, batch_verdicts_are_separate)
{
    struct aead_engine *engine = engine_or_skip("auto");
    struct aead_worker *worker = aead_worker_new(engine);
    uint8_t raw[32] = {1};
    uint8_t text[8][100] = {{0}}, tags[8][16];
    struct aead_op ops[8];
    struct aead_key *key = NULL;
    cr_assert_eq(aead_key_new(engine, "AES-128-GCM", raw, &key), 0);
    for (uint8_t i = 0; i < 8; i++) {
        ops[i] = (struct aead_op){.in = text[i], .out = text[i], .tag = tags[i], .len = 100, .nonce = {i}};
    }
    cr_assert_eq(aead_seal(worker, key, ops, 8), 8);
    text[3][0] ^= 1;
    tags[6][15] ^= 1;
    cr_assert_eq(aead_open(worker, key, ops, 8), 6);
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(ops[i].ok, i != 3 && i != 6);
    }
    aead_key_free(key);
    aead_worker_free(worker);
    aead_engine_free(engine);
}

Test(aead, refusals)
{
    struct aead_engine *engine = NULL;
    struct aead_key *key = NULL;
    uint8_t zero[32] = {0};
    uint8_t raw[32] = {1};
    cr_assert_eq(aead_engine_new("magic", &engine), ERR_UNSUPPORTED);
    engine = engine_or_skip("auto");
    cr_assert_eq(aead_key_new(engine, "AES-256-GCM", zero, &key), ERR_CRYPTO);
    cr_assert_eq(aead_key_new(engine, "AES-256-CBC", raw, &key), ERR_UNSUPPORTED);
    cr_assert_null(aead_engine_name(engine, "AES-256-CBC"));
    cr_assert_neq(strstr(aead_engine_describe(engine), "AES-GCM: "), NULL);
    aead_key_free(NULL);
    aead_worker_free(NULL);
    aead_engine_free(engine);
    aead_engine_free(NULL);
}
