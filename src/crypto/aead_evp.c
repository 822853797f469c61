/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/aead_engine.h"

/*
 * An EVP context holds about 1.2 KB of expanded key and cannot be shared by threads. A worker keeps a bounded,
 * direct-mapped cache of them, one entry for a key and direction: a hit only sets the nonce, a miss re-keys.
 */
#define CACHE_SIZE 256

struct evp_engine {
    EVP_CIPHER *ciphers[AEAD_ALGORITHM_COUNT]; /* NULL: not offered */
};

struct evp_slot {
    EVP_CIPHER_CTX *ctx;
    uint64_t serial;
    const EVP_CIPHER *cipher;
    bool sealing;
};

struct evp_worker {
    struct evp_slot slots[CACHE_SIZE];
};

static int evp_engine_init(void **engine_state)
{
    struct evp_engine *engine = mem_zalloc(sizeof(*engine));
    for (unsigned i = 0; i < AEAD_ALGORITHM_COUNT; i++) {
        const struct cipher_info *info = cipher_find(aead_algorithm_name((enum aead_algorithm)i));
        if (cipher_available(info)) {
            engine->ciphers[i] = EVP_CIPHER_fetch(NULL, info->name, NULL);
        }
    }
    *engine_state = engine;
    return 0;
}

static void evp_engine_free(void *engine_state)
{
    struct evp_engine *engine = engine_state;
    for (unsigned i = 0; i < AEAD_ALGORITHM_COUNT; i++) {
        EVP_CIPHER_free(engine->ciphers[i]);
    }
    free(engine);
}

static const char *evp_describe(const void *engine_state)
{
    (void)engine_state;
    return "OpenSSL";
}

static bool evp_supports(const void *engine_state, enum aead_algorithm algorithm)
{
    const struct evp_engine *engine = engine_state;
    return engine->ciphers[algorithm] != NULL;
}

static int evp_key_init(const void *engine_state, struct aead_key *key)
{
    const struct evp_engine *engine = engine_state;
    key->expanded = engine->ciphers[key->algorithm];
    return key->expanded ? 0 : ERR_CRYPTO;
}

static void evp_key_free(struct aead_key *key)
{
    key->expanded = NULL; /* the engine's */
}

static void *evp_worker_new(const void *engine_state)
{
    (void)engine_state;
    return mem_zalloc(sizeof(struct evp_worker));
}

static void evp_worker_free(void *worker_state)
{
    struct evp_worker *worker = worker_state;
    for (unsigned i = 0; i < CACHE_SIZE; i++) {
        EVP_CIPHER_CTX_free(worker->slots[i].ctx);
    }
    free(worker);
}

/* A context that is keyed with @key for this direction, or NULL. */
static EVP_CIPHER_CTX *context_for(struct evp_worker *worker, const struct aead_key *key, bool sealing)
{
    struct evp_slot *slot = &worker->slots[(key->serial * 2 + sealing) % CACHE_SIZE];
    if (slot->serial == key->serial && slot->sealing == sealing) {
        return slot->ctx;
    }
    if (!slot->ctx) {
        slot->ctx = EVP_CIPHER_CTX_new();
    }
    slot->serial = 0;
    const EVP_CIPHER *cipher = key->expanded;
    bool same = slot->cipher == cipher;
    slot->cipher = NULL;
    if (!slot->ctx || EVP_CipherInit_ex2(slot->ctx, same ? NULL : cipher, key->raw, NULL, sealing, NULL) != 1) {
        return NULL;
    }
    slot->cipher = cipher;
    slot->serial = key->serial;
    slot->sealing = sealing;
    return slot->ctx;
}

static bool feed(EVP_CIPHER_CTX *ctx, const struct aead_op *op, bool sealing)
{
    int n;
    if (EVP_CipherInit_ex2(ctx, NULL, NULL, op->nonce, sealing, NULL) != 1 ||
        (op->aad_len && EVP_CipherUpdate(ctx, NULL, &n, op->aad, op->aad_len) != 1)) {
        return false;
    }
    return op->len == 0 || EVP_CipherUpdate(ctx, op->out, &n, op->in, (int)op->len) == 1;
}

static size_t evp_seal(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    EVP_CIPHER_CTX *ctx = context_for(worker_state, key, true);
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int rest_len;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = ctx && feed(ctx, &ops[i], true) && EVP_CipherFinal_ex(ctx, rest, &rest_len) == 1 &&
                    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, ops[i].tag) == 1;
        done += ops[i].ok;
    }
    return done;
}

static size_t evp_open(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    EVP_CIPHER_CTX *ctx = context_for(worker_state, key, false);
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int rest_len;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = ctx && feed(ctx, &ops[i], false) &&
                    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, ops[i].tag) == 1 &&
                    EVP_CipherFinal_ex(ctx, rest, &rest_len) == 1;
        done += ops[i].ok;
    }
    return done;
}

const struct aead_ops aead_evp_ops = {
    .name = "openssl",
    .engine_init = evp_engine_init,
    .engine_free = evp_engine_free,
    .describe = evp_describe,
    .supports = evp_supports,
    .key_init = evp_key_init,
    .key_free = evp_key_free,
    .worker_new = evp_worker_new,
    .worker_free = evp_worker_free,
    .seal = evp_seal,
    .open = evp_open,
};
