/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_CBC_HMAC_H
#define VPND_CRYPTO_CBC_HMAC_H

/*
 * CBC, CFB, OFB or no cipher under an HMAC (data channel spec, 6). What is sealed is everything after the
 * opcode header. Three objects, as in crypto/aead.h:
 *   struct cbc_hmac_engine  chosen once ("auto", "openssl", "ipsec-mb"); immutable, shared by all threads
 *   struct cbc_hmac_key     one direction's keys; immutable, shared by all threads
 *   struct cbc_hmac_worker  scratch of one thread
 * AES-CBC with an HMAC of SHA-1 or SHA-2 is several times faster in batches than packet by packet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cbc_hmac_engine;
struct cbc_hmac_key;
struct cbc_hmac_worker;

/** Room that sealing needs around a payload, bytes. */
struct cbc_hmac_layout {
    size_t head;       /* HMAC, IV and a packet id inside the ciphertext: the payload's place in @out */
    size_t tail_max;   /* padding after the payload */
    bool long_id;      /* CFB and OFB: the packet id includes a time */
};

/** One packet to seal. */
struct cbc_hmac_seal {
    const uint8_t *in;     /* payload; equal to @out + head (in place) or not overlapping @out at all */
    size_t len;            /* bytes of payload */
    uint8_t *out;          /* room for head + len + tail_max */
    size_t out_len;        /* set: bytes written */
    uint32_t id;           /* packet id, from 1 */
    uint32_t time;         /* long_id: UNIX seconds of the key's first packet */
    const uint8_t *iv;     /* NULL: random (CBC). Tests pass one. Ignored by other modes */
    bool ok;
};

/** One packet to open. */
struct cbc_hmac_open {
    uint8_t *in;           /* everything after the opcode header; decrypted in place */
    size_t len;
    uint8_t *payload;      /* set: where the payload is, inside @in */
    size_t payload_len;    /* set; may be 0 */
    uint32_t id;           /* set: packet id */
    uint32_t time;         /* set: long_id, else 0 */
    bool ok;
};

/**
 * cbc_hmac_engine_new - choose the implementation of AES-CBC and test it against OpenSSL's
 * @name: "auto" (or NULL: the fastest), "openssl", "ipsec-mb" (OpenSSL for what it cannot do here)
 * A fast implementation that fails the cross test is not used under "auto".
 * Return: 0 and *out; ERR_UNSUPPORTED (another name); ERR_CRYPTO ("ipsec-mb" failed the self-test).
 * Thread: control.
 */
int cbc_hmac_engine_new(const char *name, struct cbc_hmac_engine **out);

/** cbc_hmac_engine_free - release; all its keys and workers must be gone. NULL is fine. */
void cbc_hmac_engine_free(struct cbc_hmac_engine *engine);

/** cbc_hmac_engine_describe - for the log: "AES-CBC: intel-ipsec-mb 1.3.0". Valid as long as the engine. */
const char *cbc_hmac_engine_describe(const struct cbc_hmac_engine *engine);

/** cbc_hmac_engine_name - who handles batches of @cipher with @auth: "openssl", "ipsec-mb". */
const char *cbc_hmac_engine_name(const struct cbc_hmac_engine *engine, const char *cipher, const char *auth);

/**
 * cbc_hmac_key_new - prepare one direction's key
 * @cipher: library spelling or "none";  @cipher_key: its key size bytes
 * @auth:   digest or "none";            @hmac_key: its digest size bytes
 * Return: 0 and *out, ERR_UNSUPPORTED (unknown, AEAD, or not offered), ERR_CRYPTO (all-zero cipher key). Thread: any.
 */
int cbc_hmac_key_new(const struct cbc_hmac_engine *engine, const char *cipher, const uint8_t *cipher_key,
                     const char *auth, const uint8_t *hmac_key, struct cbc_hmac_key **out);

/** cbc_hmac_key_free - wipe and release; NULL is fine. */
void cbc_hmac_key_free(struct cbc_hmac_key *key);

/** cbc_hmac_key_layout - sizes for this key. */
struct cbc_hmac_layout cbc_hmac_key_layout(const struct cbc_hmac_key *key);

/** cbc_hmac_worker_new - scratch for one thread; allocates nothing large until a key needs it. */
struct cbc_hmac_worker *cbc_hmac_worker_new(const struct cbc_hmac_engine *engine);

/** cbc_hmac_worker_free - wipe and release; NULL is fine. */
void cbc_hmac_worker_free(struct cbc_hmac_worker *worker);

/** cbc_hmac_seal - encrypt, then authenticate @n packets. Return: number with ok set. Thread: owner of @worker. */
size_t cbc_hmac_seal(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_seal *ops,
                     size_t n);

/** cbc_hmac_open - verify in constant time, then decrypt @n packets. Return: number with ok set. Thread: owner of
 *  @worker. */
size_t cbc_hmac_open(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_open *ops,
                     size_t n);

#endif
