/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_AEAD_ENGINE_H
#define VPND_CRYPTO_AEAD_ENGINE_H

/* Between aead.c, which chooses, and the implementations aead_evp.c and aead_ipsecmb.c. For no one else. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/cipher.h"

enum aead_algorithm {
    AEAD_AES_128_GCM,
    AEAD_AES_192_GCM,
    AEAD_AES_256_GCM,
    AEAD_ARIA_128_GCM,
    AEAD_ARIA_192_GCM,
    AEAD_ARIA_256_GCM,
    AEAD_CHACHA20_POLY1305,
    AEAD_ALGORITHM_COUNT,
};

/** What every implementation provides. All pointers named *_state are the implementation's own objects. */
struct aead_ops {
    const char *name; /* "openssl" */
    /** Shared state. Return: 0, ERR_UNSUPPORTED (CPU or build), ERR_CRYPTO. */
    int (*engine_init)(void **engine_state);
    void (*engine_free)(void *engine_state);
    /** Library and version for the log. */
    const char *(*describe)(const void *engine_state);
    bool (*supports)(const void *engine_state, enum aead_algorithm algorithm);
    /** Expand key->raw into key->expanded; that is all an operation may read. Return: 0 or ERR_CRYPTO. */
    int (*key_init)(const void *engine_state, struct aead_key *key);
    void (*key_free)(struct aead_key *key);
    /** Scratch of one thread; never NULL, allocates as little as possible. */
    void *(*worker_new)(const void *engine_state);
    void (*worker_free)(void *worker_state);
    /** Return: operations with ok set. */
    size_t (*seal)(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n);
    size_t (*open)(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n);
};

#define AEAD_OPS_COUNT 2 /* implementations that can exist; index 0 is OpenSSL */

struct aead_key {
    const struct aead_ops *ops;
    unsigned ops_index;          /* which of a worker's states belongs to it */
    enum aead_algorithm algorithm;
    uint64_t serial;             /* unique within the engine; never 0: tells a reused address from the old key */
    void *expanded;
    size_t expanded_size;        /* bytes of it that operations read and aead_key_prefetch() may fetch */
    size_t key_size;
    uint8_t raw[CIPHER_KEY_MAX];
};

extern const struct aead_ops aead_evp_ops;

/** aead_ipsecmb_ops - the intel-ipsec-mb implementation, or NULL when it was not compiled in. */
const struct aead_ops *aead_ipsecmb_ops(void);

/** aead_algorithm_name - library spelling. */
const char *aead_algorithm_name(enum aead_algorithm algorithm);

#endif
