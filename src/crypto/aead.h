/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_AEAD_H
#define VPND_CRYPTO_AEAD_H

/*
 * Batches of AEAD operations. Three objects:
 *   struct aead_engine  chosen once ("auto", "openssl", "ipsec-mb"); immutable, shared by all threads
 *   struct aead_key     an expanded key; immutable, shared by all threads
 *   struct aead_worker  scratch of one thread (OpenSSL contexts, made when first needed, bounded in number)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16
#define AEAD_AAD_MAX 32

struct aead_engine;
struct aead_key;
struct aead_worker;

/**
 * One packet. @in and @out are either equal or do not overlap; @tag is where the format wants it (before or
 * after the ciphertext) and must not overlap @in's or @out's @len bytes.
 */
struct aead_op {
    const uint8_t *in;
    uint8_t *out;
    uint8_t *tag;           /* AEAD_TAG_SIZE bytes: written by seal, read by open */
    const uint8_t *aad;     /* may be NULL when aad_len is 0 */
    uint32_t len;           /* bytes of @in and of @out; 0 is allowed */
    uint16_t aad_len;       /* at most AEAD_AAD_MAX */
    bool ok;                /* set by both calls; after a failed open the contents of @out are undefined */
    uint8_t nonce[AEAD_NONCE_SIZE];
};

/**
 * aead_engine_new - choose implementations and test them against each other
 * @name: "auto" (or NULL: the fastest for each cipher), "openssl", "ipsec-mb" (OpenSSL where it has no such cipher)
 * A fast implementation that fails the cross test is not used under "auto".
 * Return: 0 and *out; ERR_UNSUPPORTED (not built in, or this CPU cannot); ERR_CRYPTO (OpenSSL or a self-test failed).
 * Thread: control.
 */
int aead_engine_new(const char *name, struct aead_engine **out);

/** aead_engine_free - release; all its keys and workers must be gone. NULL is fine. */
void aead_engine_free(struct aead_engine *engine);

/** aead_engine_describe - for the log: "AES-GCM: intel-ipsec-mb 1.3.0, ChaCha20-Poly1305: OpenSSL". Valid as
 *  long as the engine. */
const char *aead_engine_describe(const struct aead_engine *engine);

/** aead_engine_name - who would handle @cipher: "openssl", "ipsec-mb", or NULL for not an AEAD cipher. */
const char *aead_engine_name(const struct aead_engine *engine, const char *cipher);

/**
 * aead_key_new - expand a key
 * @cipher: library spelling, "AES-256-GCM"
 * @key: key size of the cipher bytes, copied; an all-zero key is refused
 * Return: 0 and *out, ERR_UNSUPPORTED, ERR_CRYPTO. Thread: any.
 */
int aead_key_new(const struct aead_engine *engine, const char *cipher, const uint8_t *key, struct aead_key **out);

/** aead_key_free - wipe and release; no worker may be using it. NULL is fine. Thread: any. */
void aead_key_free(struct aead_key *key);

/** aead_key_prefetch - begin to fetch what an operation under @key reads; the object itself should be in the cache. */
void aead_key_prefetch(const struct aead_key *key);

/** aead_worker_new - scratch for one thread; allocates nothing large until a key needs it. */
struct aead_worker *aead_worker_new(const struct aead_engine *engine);

/** aead_worker_free - wipe and release; NULL is fine. Thread: the owner, or after it has ended. */
void aead_worker_free(struct aead_worker *worker);

/**
 * aead_seal - encrypt and authenticate @n packets under one key
 * Return: number of operations with ok set; less than @n only when the crypto library failed.
 * Thread: owner of @worker.
 */
size_t aead_seal(struct aead_worker *worker, const struct aead_key *key, struct aead_op *ops, size_t n);

/**
 * aead_open - verify and decrypt @n packets under one key; each one's verdict is its ok
 * Return: number of operations with ok set. Thread: owner of @worker.
 */
size_t aead_open(struct aead_worker *worker, const struct aead_key *key, struct aead_op *ops, size_t n);

#endif
