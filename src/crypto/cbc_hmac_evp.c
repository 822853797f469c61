/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "crypto/cbc_hmac_engine.h"
#include "crypto/hmac.h"

#define CACHE_SIZE 64 /* contexts a worker keeps; direct-mapped by key */

/* Contexts that are keyed with one key. */
struct slot {
    uint64_t serial;
    EVP_CIPHER_CTX *ctx;
    struct hmac *hmac;
    bool sealing;
};

struct cbc_hmac_evp {
    struct slot slots[CACHE_SIZE];
};

struct cbc_hmac_evp *cbc_hmac_evp_new(void)
{
    return mem_zalloc(sizeof(struct cbc_hmac_evp));
}

void cbc_hmac_evp_free(struct cbc_hmac_evp *worker)
{
    for (size_t i = 0; i < CACHE_SIZE; i++) {
        EVP_CIPHER_CTX_free(worker->slots[i].ctx);
        hmac_free(worker->slots[i].hmac);
    }
    free(worker);
}

/* Contexts for @key, or NULL when the library fails. */
static struct slot *slot_for(struct cbc_hmac_evp *worker, const struct cbc_hmac_key *key, bool sealing)
{
    struct slot *slot = &worker->slots[(key->serial * 2 + sealing) % CACHE_SIZE];
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

/* Encrypt or decrypt a record's text in place. */
static bool transform(EVP_CIPHER_CTX *ctx, struct cbc_hmac_record *r, bool sealing)
{
    int n = 0;
    int last = 0;
    if (r->len > INT_MAX || EVP_CipherInit_ex2(ctx, NULL, NULL, r->iv, sealing, NULL) != 1 ||
        EVP_CipherUpdate(ctx, r->text, &n, r->text, (int)r->len) != 1 ||
        EVP_CipherFinal_ex(ctx, r->text + n, &last) != 1) {
        return false;
    }
    r->len = (size_t)n + (size_t)last;
    return true;
}

static struct span hashed_part(const struct cbc_hmac_key *key, const struct cbc_hmac_record *r)
{
    return (struct span){r->iv, key->cipher->iv_size + r->len};
}

static bool seal_one(const struct slot *slot, const struct cbc_hmac_key *key, struct cbc_hmac_record *r)
{
    if (slot->ctx && r->len && !transform(slot->ctx, r, true)) {
        return false;
    }
    struct span hashed = hashed_part(key, r);
    return !slot->hmac || hmac_compute(slot->hmac, &hashed, 1, r->tag) == 0;
}

static bool open_one(const struct slot *slot, const struct cbc_hmac_key *key, struct cbc_hmac_record *r)
{
    struct span hashed = hashed_part(key, r);
    if (slot->hmac && !hmac_verify(slot->hmac, &hashed, 1, r->tag)) {
        return false;
    }
    return !slot->ctx || !r->len || transform(slot->ctx, r, false);
}

void cbc_hmac_evp_seal(struct cbc_hmac_evp *worker, const struct cbc_hmac_key *key, struct cbc_hmac_record *records,
                       size_t n)
{
    const struct slot *slot = slot_for(worker, key, true);
    for (size_t i = 0; i < n; i++) {
        records[i].ok = slot && seal_one(slot, key, &records[i]);
    }
}

void cbc_hmac_evp_open(struct cbc_hmac_evp *worker, const struct cbc_hmac_key *key, struct cbc_hmac_record *records,
                       size_t n)
{
    const struct slot *slot = slot_for(worker, key, false);
    for (size_t i = 0; i < n; i++) {
        records[i].ok = slot && open_one(slot, key, &records[i]);
    }
}
