/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_CBC_HMAC_ENGINE_H
#define VPND_CRYPTO_CBC_HMAC_ENGINE_H

/*
 * Between cbc_hmac.c, which knows the format and chooses, and the implementations: cbc_hmac_evp.c, which can do every
 * key, and cbc_hmac_ipsecmb.c, which does common ones many packets at a time. For no one else.
 */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/cbc_hmac.h"
#include "crypto/cipher.h"

#define CBC_HMAC_BATCH_MAX 128 /* records in one call of an implementation */

struct cbc_hmac_key {
    const struct cipher_info *cipher;
    const struct digest_info *digest;
    struct cbc_hmac_layout layout;
    uint64_t serial;           /* unique within the engine; never 0: tells a reused address from the old key */
    uint8_t cipher_key[CIPHER_KEY_MAX];
    uint8_t hmac_key[DIGEST_SIZE_MAX];
    EVP_CIPHER *evp;           /* NULL for no cipher */
    const struct cbc_hmac_ops *fast; /* NULL: OpenSSL does all */
    void *expanded;            /* the fast implementation's */
};

/** One packet between parsing and formatting: IV and text lie behind each other, the tag somewhere else. */
struct cbc_hmac_record {
    uint8_t *tag;              /* digest size bytes: written by seal, read by open */
    uint8_t *iv;               /* IV size bytes, complete; directly in front of @text. Under the HMAC, too */
    uint8_t *text;             /* seal: room for a block of padding behind it */
    size_t len;                /* bytes of text before and, set by both calls, after; CBC: open gets whole blocks */
    bool ok;                   /* set by both calls */
};

/** What a fast implementation provides. All pointers named *_state are its own objects. */
struct cbc_hmac_ops {
    const char *name; /* "ipsec-mb" */
    /** Library and version for the log, at most @cap bytes with the NUL. */
    void (*describe)(char *out, size_t cap);
    /** Shared state. Return: 0 or ERR_UNSUPPORTED (CPU or build). */
    int (*engine_init)(void **engine_state);
    void (*engine_free)(void *engine_state);
    bool (*supports)(const void *engine_state, const struct cipher_info *cipher, const struct digest_info *digest);
    /** Expand the raw keys into key->expanded. */
    void (*key_init)(const void *engine_state, struct cbc_hmac_key *key);
    void (*key_free)(struct cbc_hmac_key *key);
    /** Scratch of one thread; never NULL, allocates as little as possible. */
    void *(*worker_new)(const void *engine_state);
    void (*worker_free)(void *worker_state);
    /** Whether it can do these records and does them faster than OpenSSL would. */
    bool (*takes)(void *worker_state, const struct cbc_hmac_key *key, const struct cbc_hmac_record *records, size_t n);
    /** Encrypt, then authenticate @n records (at most CBC_HMAC_BATCH_MAX) that it takes. */
    void (*seal)(void *worker_state, const struct cbc_hmac_key *key, struct cbc_hmac_record *records, size_t n);
    /** Authenticate, then decrypt those that are genuine. */
    void (*open)(void *worker_state, const struct cbc_hmac_key *key, struct cbc_hmac_record *records, size_t n);
};

/** cbc_hmac_ipsecmb_ops - the intel-ipsec-mb implementation, or NULL when it was not compiled in. */
const struct cbc_hmac_ops *cbc_hmac_ipsecmb_ops(void);

struct cbc_hmac_evp;

/** cbc_hmac_evp_new - OpenSSL's scratch of one thread. */
struct cbc_hmac_evp *cbc_hmac_evp_new(void);

/** cbc_hmac_evp_free - wipe and release. */
void cbc_hmac_evp_free(struct cbc_hmac_evp *worker);

/** cbc_hmac_evp_seal - encrypt, then authenticate @n records one after another. */
void cbc_hmac_evp_seal(struct cbc_hmac_evp *worker, const struct cbc_hmac_key *key, struct cbc_hmac_record *records,
                       size_t n);

/** cbc_hmac_evp_open - authenticate in constant time, then decrypt @n records one after another. */
void cbc_hmac_evp_open(struct cbc_hmac_evp *worker, const struct cbc_hmac_key *key, struct cbc_hmac_record *records,
                       size_t n);

#endif
