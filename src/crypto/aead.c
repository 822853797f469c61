/* SPDX-License-Identifier: MIT */
#include "crypto/aead.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/aead_engine.h"

#define OPENSSL_INDEX 0
#define IPSECMB_INDEX 1
#define SELF_TEST_MAX 1400
#define DESCRIBE_MAX 256
#define CACHE_LINE 64

struct aead_engine {
    const struct aead_ops *ops[AEAD_OPS_COUNT]; /* NULL: not there */
    void *state[AEAD_OPS_COUNT];
    int8_t chosen[AEAD_ALGORITHM_COUNT];        /* index into ops, -1 for none */
    _Atomic uint64_t next_serial;
    struct buf text;
};

struct aead_worker {
    const struct aead_engine *engine;
    void *state[AEAD_OPS_COUNT];
};

static const char *const names[AEAD_ALGORITHM_COUNT] = {
    [AEAD_AES_128_GCM] = "AES-128-GCM",   [AEAD_AES_192_GCM] = "AES-192-GCM",
    [AEAD_AES_256_GCM] = "AES-256-GCM",   [AEAD_ARIA_128_GCM] = "ARIA-128-GCM",
    [AEAD_ARIA_192_GCM] = "ARIA-192-GCM", [AEAD_ARIA_256_GCM] = "ARIA-256-GCM",
    [AEAD_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
};

const char *aead_algorithm_name(enum aead_algorithm algorithm)
{
    return names[algorithm];
}

static int algorithm_find(const char *cipher)
{
    for (int i = 0; i < AEAD_ALGORITHM_COUNT; i++) {
        if (strcmp(names[i], cipher) == 0) {
            return i;
        }
    }
    return -1;
}

/* ------------------------------------------------------------------ keys */

static int key_make(struct aead_engine *engine, unsigned index, enum aead_algorithm algorithm, const uint8_t *raw,
                    struct aead_key **out)
{
    struct aead_key *key = mem_aligned(64, sizeof(*key));
    key->ops = engine->ops[index];
    key->ops_index = index;
    key->algorithm = algorithm;
    key->serial = atomic_fetch_add_explicit(&engine->next_serial, 1, memory_order_relaxed) + 1;
    key->key_size = cipher_find(names[algorithm])->key_size;
    memcpy(key->raw, raw, key->key_size);
    int err = key->ops->key_init(engine->state[index], key);
    if (err) {
        aead_key_free(key);
        return err;
    }
    *out = key;
    return 0;
}

int aead_key_new(const struct aead_engine *engine, const char *cipher, const uint8_t *key, struct aead_key **out)
{
    static const uint8_t zero[CIPHER_KEY_MAX];
    int algorithm = algorithm_find(cipher);
    if (algorithm < 0 || engine->chosen[algorithm] < 0) {
        return ERR_UNSUPPORTED;
    }
    if (secret_equal(key, zero, cipher_find(cipher)->key_size)) {
        return ERR_CRYPTO;
    }
    /* Only the serial changes, and it is atomic. */
    return key_make((struct aead_engine *)(uintptr_t)engine, (unsigned)engine->chosen[algorithm],
                    (enum aead_algorithm)algorithm, key, out);
}

void aead_key_free(struct aead_key *key)
{
    if (key) {
        key->ops->key_free(key);
        secret_wipe(key, sizeof(*key));
        free(key);
    }
}

void aead_key_prefetch(const struct aead_key *key)
{
    const uint8_t *at = key->expanded;
    for (size_t i = 0; i < key->expanded_size; i += CACHE_LINE) {
        __builtin_prefetch(at + i);
    }
}

/* ------------------------------------------------------------------ operations */

struct aead_worker *aead_worker_new(const struct aead_engine *engine)
{
    struct aead_worker *worker = mem_zalloc(sizeof(*worker));
    worker->engine = engine;
    for (unsigned i = 0; i < AEAD_OPS_COUNT; i++) {
        worker->state[i] = engine->ops[i] ? engine->ops[i]->worker_new(engine->state[i]) : NULL;
    }
    return worker;
}

void aead_worker_free(struct aead_worker *worker)
{
    for (unsigned i = 0; worker && i < AEAD_OPS_COUNT; i++) {
        if (worker->state[i]) {
            worker->engine->ops[i]->worker_free(worker->state[i]);
        }
    }
    free(worker);
}

size_t aead_seal(struct aead_worker *worker, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    return key->ops->seal(worker->state[key->ops_index], key, ops, n);
}

size_t aead_open(struct aead_worker *worker, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    return key->ops->open(worker->state[key->ops_index], key, ops, n);
}

/* ------------------------------------------------------------------ self-test */

/* Seal with one, compare with the other's result, open with the one, and refuse a forgery. */
static bool sizes_agree(struct aead_worker *worker, const struct aead_key *tested, const struct aead_key *reference)
{
    static const uint32_t lengths[] = {0, 1, 15, 16, 17, 64, 255, 256, 257, 1024, SELF_TEST_MAX};
    uint8_t plain[SELF_TEST_MAX];
    uint8_t got[SELF_TEST_MAX];
    uint8_t want[SELF_TEST_MAX];
    uint8_t tags[2][AEAD_TAG_SIZE];
    uint8_t aad[12] = "aad for test";
    bool ok = true;
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i * 31 + 7);
    }
    for (size_t i = 0; ok && i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t len = lengths[i];
        struct aead_op a = {.in = plain, .out = got, .tag = tags[0], .aad = aad, .len = len, .aad_len = 8,
                            .nonce = {(uint8_t)i, 2, 3}};
        struct aead_op b = a;
        b.out = want;
        b.tag = tags[1];
        ok = aead_seal(worker, tested, &a, 1) == 1 && aead_seal(worker, reference, &b, 1) == 1 &&
             memcmp(got, want, len) == 0 && memcmp(tags[0], tags[1], AEAD_TAG_SIZE) == 0;
        a.in = got;
        ok = ok && aead_open(worker, tested, &a, 1) == 1 && memcmp(got, plain, len) == 0;
        a.in = want;
        tags[0][i] ^= 1;
        ok = ok && aead_open(worker, tested, &a, 1) == 0 && !a.ok;
    }
    return ok;
}

static bool algorithm_passes(struct aead_engine *engine, enum aead_algorithm algorithm)
{
    uint8_t raw[CIPHER_KEY_MAX];
    struct aead_key *tested = NULL;
    struct aead_key *reference = NULL;
    for (size_t i = 0; i < sizeof(raw); i++) {
        raw[i] = (uint8_t)(0xa5 ^ i * 3);
    }
    struct aead_worker *worker = aead_worker_new(engine);
    bool ok = key_make(engine, IPSECMB_INDEX, algorithm, raw, &tested) == 0 &&
              key_make(engine, OPENSSL_INDEX, algorithm, raw, &reference) == 0 &&
              sizes_agree(worker, tested, reference);
    aead_worker_free(worker);
    aead_key_free(tested);
    aead_key_free(reference);
    return ok;
}

/* ------------------------------------------------------------------ choosing */

static int choose(struct aead_engine *engine, bool wanted)
{
    for (unsigned i = 0; i < AEAD_ALGORITHM_COUNT; i++) {
        enum aead_algorithm algorithm = (enum aead_algorithm)i;
        bool evp = engine->ops[OPENSSL_INDEX]->supports(engine->state[OPENSSL_INDEX], algorithm);
        const struct aead_ops *fast = engine->ops[IPSECMB_INDEX];
        engine->chosen[i] = evp ? OPENSSL_INDEX : -1;
        if (!fast || !evp || !fast->supports(engine->state[IPSECMB_INDEX], algorithm)) {
            continue;
        }
        if (algorithm_passes(engine, algorithm)) {
            engine->chosen[i] = IPSECMB_INDEX;
        } else if (wanted) {
            return ERR_CRYPTO;
        } else {
            log_warn("WARNING: %s and OpenSSL disagree about %s; using OpenSSL", fast->name, names[i]);
        }
    }
    return 0;
}

static void describe(struct aead_engine *engine)
{
    engine->text = BUF_INIT(DESCRIBE_MAX);
    int gcm = engine->chosen[AEAD_AES_256_GCM];
    int chacha = engine->chosen[AEAD_CHACHA20_POLY1305];
    const char *gcm_by = gcm < 0 ? "none" : engine->ops[gcm]->describe(engine->state[gcm]);
    const char *chacha_by = chacha < 0 ? "none" : engine->ops[chacha]->describe(engine->state[chacha]);
    (void)buf_printf(&engine->text, "AES-GCM: %s, ChaCha20-Poly1305: %s", gcm_by, chacha_by);
}

static int engine_start(struct aead_engine *engine, unsigned index, const struct aead_ops *ops)
{
    int err = ops ? ops->engine_init(&engine->state[index]) : ERR_UNSUPPORTED;
    if (!err) {
        engine->ops[index] = ops;
    }
    return err;
}

int aead_engine_new(const char *name, struct aead_engine **out)
{
    bool automatic = !name || strcmp(name, "auto") == 0;
    bool fast = name && strcmp(name, "ipsec-mb") == 0;
    if (!automatic && !fast && strcmp(name, "openssl") != 0) {
        return ERR_UNSUPPORTED;
    }
    struct aead_engine *engine = mem_zalloc(sizeof(*engine));
    int err = engine_start(engine, OPENSSL_INDEX, &aead_evp_ops);
    if (!err && (automatic || fast)) {
        int fast_err = engine_start(engine, IPSECMB_INDEX, aead_ipsecmb_ops());
        err = fast ? fast_err : 0;
    }
    if (!err) {
        err = choose(engine, fast);
    }
    if (err) {
        aead_engine_free(engine);
        return err;
    }
    describe(engine);
    *out = engine;
    return 0;
}

void aead_engine_free(struct aead_engine *engine)
{
    if (!engine) {
        return;
    }
    for (unsigned i = 0; i < AEAD_OPS_COUNT; i++) {
        if (engine->ops[i]) {
            engine->ops[i]->engine_free(engine->state[i]);
        }
    }
    buf_free(&engine->text, false);
    free(engine);
}

const char *aead_engine_describe(const struct aead_engine *engine)
{
    return buf_str(&engine->text);
}

const char *aead_engine_name(const struct aead_engine *engine, const char *cipher)
{
    int algorithm = algorithm_find(cipher);
    int index = algorithm < 0 ? -1 : engine->chosen[algorithm];
    return index < 0 ? NULL : engine->ops[index]->name;
}
