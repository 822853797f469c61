/* SPDX-License-Identifier: MIT */
#include "crypto/cbc_hmac.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/cipher.h"
#include "crypto/hmac.h"

#define SHORT_ID_SIZE 4
#define LONG_ID_SIZE 8
#define CACHE_SIZE 64          /* contexts a worker keeps; direct-mapped by key */
#define RANDOM_SIZE 4096       /* IVs are drawn in bulk */

struct cbc_hmac_key {
    const struct cipher_info *cipher;
    EVP_CIPHER *evp;           /* NULL for none */
    const struct digest_info *digest;
    uint64_t serial;           /* unique, never 0: tells a reused address from the old key */
    uint8_t cipher_key[CIPHER_KEY_MAX];
    uint8_t hmac_key[DIGEST_SIZE_MAX];
};

/* Contexts that are keyed with one key. */
struct slot {
    uint64_t serial;
    EVP_CIPHER_CTX *ctx;
    struct hmac *hmac;
    bool sealing;
};

struct cbc_hmac_worker {
    struct slot slots[CACHE_SIZE];
    uint8_t random[RANDOM_SIZE];
    size_t random_left;
};

/* ------------------------------------------------------------------ keys */

/* Random rather than counted: keys are made by any thread and there is no object that all of them share. */
static uint64_t new_serial(void)
{
    uint64_t serial;
    rand_fill(rand_system(), &serial, sizeof(serial));
    return serial | 1;
}

int cbc_hmac_key_new(const char *cipher, const uint8_t *cipher_key, const char *auth, const uint8_t *hmac_key,
                     struct cbc_hmac_key **out)
{
    static const uint8_t zero[CIPHER_KEY_MAX];
    const struct cipher_info *info = cipher_find(cipher);
    const struct digest_info *digest = digest_find(auth);
    if (!info || !digest || cipher_is_aead(info) || !cipher_available(info) || !digest_available(digest)) {
        return ERR_UNSUPPORTED;
    }
    if (info->key_size && secret_equal(cipher_key, zero, info->key_size)) {
        return ERR_CRYPTO;
    }
    struct cbc_hmac_key *key = mem_zalloc(sizeof(*key));
    key->cipher = info;
    key->digest = digest;
    key->serial = new_serial();
    if (info->key_size) {
        memcpy(key->cipher_key, cipher_key, info->key_size);
        key->evp = EVP_CIPHER_fetch(NULL, info->name, NULL);
    }
    if (digest->size) {
        memcpy(key->hmac_key, hmac_key, digest->size);
    }
    if (info->key_size && !key->evp) {
        cbc_hmac_key_free(key);
        return ERR_UNSUPPORTED;
    }
    *out = key;
    return 0;
}

void cbc_hmac_key_free(struct cbc_hmac_key *key)
{
    if (key) {
        EVP_CIPHER_free(key->evp);
        secret_wipe(key, sizeof(*key));
        free(key);
    }
}

static bool has_long_id(const struct cbc_hmac_key *key)
{
    return key->cipher->kind == CIPHER_CFB || key->cipher->kind == CIPHER_OFB;
}

struct cbc_hmac_layout cbc_hmac_key_layout(const struct cbc_hmac_key *key)
{
    bool long_id = has_long_id(key);
    return (struct cbc_hmac_layout){
        .head = (size_t)key->digest->size + key->cipher->iv_size + (long_id ? 0 : SHORT_ID_SIZE),
        .tail_max = key->cipher->kind == CIPHER_CBC ? key->cipher->block_size : 0,
        .long_id = long_id,
    };
}

/* ------------------------------------------------------------------ workers */

struct cbc_hmac_worker *cbc_hmac_worker_new(void)
{
    return mem_zalloc(sizeof(struct cbc_hmac_worker));
}

void cbc_hmac_worker_free(struct cbc_hmac_worker *worker)
{
    for (size_t i = 0; worker && i < CACHE_SIZE; i++) {
        EVP_CIPHER_CTX_free(worker->slots[i].ctx);
        hmac_free(worker->slots[i].hmac);
    }
    if (worker) {
        secret_wipe(worker->random, sizeof(worker->random));
    }
    free(worker);
}

/* Contexts for @key, or NULL when the library fails. */
static struct slot *slot_for(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, bool sealing)
{
    struct slot *slot = &worker->slots[((key->serial >> 1) * 2 + sealing) % CACHE_SIZE];
    if (slot->serial == key->serial && slot->sealing == sealing) {
        return slot;
    }
    EVP_CIPHER_CTX_free(slot->ctx);
    hmac_free(slot->hmac);
    *slot = (struct slot){.sealing = sealing};
    if (key->evp) {
        slot->ctx = EVP_CIPHER_CTX_new();
        if (!slot->ctx || EVP_CipherInit_ex2(slot->ctx, key->evp, key->cipher_key, NULL, sealing, NULL) != 1) {
            return NULL;
        }
    }
    if (key->digest->size) {
        slot->hmac = hmac_new(key->digest->name, key->hmac_key, key->digest->size);
        if (!slot->hmac) {
            return NULL;
        }
    }
    slot->serial = key->serial;
    return slot;
}

static bool take_random(struct cbc_hmac_worker *worker, uint8_t *out, size_t n)
{
    if (worker->random_left < n) {
        if (RAND_bytes(worker->random, sizeof(worker->random)) != 1) {
            return false;
        }
        worker->random_left = sizeof(worker->random);
    }
    worker->random_left -= n;
    memcpy(out, worker->random + worker->random_left, n);
    return true;
}

/* ------------------------------------------------------------------ sealing */

/* IV and, in front of the payload at @at, the packet id: everything that is not payload. */
static bool write_head(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, const struct cbc_hmac_seal *op,
                       uint8_t *iv)
{
    size_t iv_size = key->cipher->iv_size;
    if (has_long_id(key)) {
        memset(iv, 0, iv_size);
        be32_store(iv, op->id);
        be32_store(iv + 4, op->time);
        return true;
    }
    be32_store(iv + iv_size, op->id);
    if (op->iv && iv_size) {
        memcpy(iv, op->iv, iv_size);
        return true;
    }
    return iv_size == 0 || take_random(worker, iv, iv_size);
}

/* Encrypt @len bytes at @text in place. Return: bytes afterwards, or 0 on failure. */
static size_t encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *iv, uint8_t *text, size_t len)
{
    int n = 0;
    int last = 0;
    if (len > INT_MAX || EVP_CipherInit_ex2(ctx, NULL, NULL, iv, 1, NULL) != 1 ||
        EVP_CipherUpdate(ctx, text, &n, text, (int)len) != 1 || EVP_CipherFinal_ex(ctx, text + n, &last) != 1) {
        return 0;
    }
    return (size_t)n + (size_t)last;
}

static bool seal_one(struct cbc_hmac_worker *worker, struct slot *slot, const struct cbc_hmac_key *key,
                     struct cbc_hmac_seal *op)
{
    struct cbc_hmac_layout layout = cbc_hmac_key_layout(key);
    size_t tag_size = key->digest->size;
    uint8_t *iv = op->out + tag_size;
    uint8_t *text = iv + key->cipher->iv_size;
    if (op->len && op->in != op->out + layout.head) {
        memcpy(op->out + layout.head, op->in, op->len);
    }
    if (!write_head(worker, key, op, iv)) {
        return false;
    }
    size_t text_len = op->len + (layout.long_id ? 0 : SHORT_ID_SIZE);
    if (slot->ctx && text_len) {
        text_len = encrypt(slot->ctx, iv, text, text_len);
        if (text_len == 0) {
            return false;
        }
    }
    struct span hashed = {iv, key->cipher->iv_size + text_len};
    if (slot->hmac && hmac_compute(slot->hmac, &hashed, 1, op->out) != 0) {
        return false;
    }
    op->out_len = tag_size + hashed.len;
    return true;
}

size_t cbc_hmac_seal(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_seal *ops,
                     size_t n)
{
    struct slot *slot = slot_for(worker, key, true);
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = slot && seal_one(worker, slot, key, &ops[i]);
        done += ops[i].ok;
    }
    return done;
}

/* ------------------------------------------------------------------ opening */

/* Decrypt @len bytes at @text in place. Return: bytes of plaintext, negative on failure. */
static long decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *iv, uint8_t *text, size_t len)
{
    int n = 0;
    int last = 0;
    if (len > INT_MAX || EVP_CipherInit_ex2(ctx, NULL, NULL, iv, 0, NULL) != 1 ||
        EVP_CipherUpdate(ctx, text, &n, text, (int)len) != 1 || EVP_CipherFinal_ex(ctx, text + n, &last) != 1) {
        return -1;
    }
    return (long)n + last;
}

static bool open_one(struct slot *slot, const struct cbc_hmac_key *key, struct cbc_hmac_open *op)
{
    struct rd r = rd_init(op->in, op->len);
    const uint8_t *tag = rd_bytes(&r, key->digest->size);
    struct span hashed = {r.p, rd_left(&r)};
    const uint8_t *iv = rd_bytes(&r, key->cipher->iv_size);
    if (!rd_ok(&r) || (slot->hmac && !hmac_verify(slot->hmac, &hashed, 1, tag))) {
        return false;
    }
    uint8_t *text = op->in + key->digest->size + key->cipher->iv_size;
    size_t text_len = rd_left(&r);
    bool long_id = has_long_id(key);
    op->id = long_id ? be32_load(iv) : 0;
    op->time = long_id ? be32_load(iv + 4) : 0;
    if (slot->ctx && text_len) {
        long n = decrypt(slot->ctx, iv, text, text_len);
        if (n < 0) {
            return false;
        }
        text_len = (size_t)n;
    }
    if (!long_id) {
        if (text_len < SHORT_ID_SIZE) {
            return false;
        }
        op->id = be32_load(text);
        text += SHORT_ID_SIZE;
        text_len -= SHORT_ID_SIZE;
    }
    op->payload = text;
    op->payload_len = text_len;
    return true;
}

size_t cbc_hmac_open(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_open *ops,
                     size_t n)
{
    struct slot *slot = slot_for(worker, key, false);
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = slot && open_one(slot, key, &ops[i]);
        done += ops[i].ok;
    }
    return done;
}
