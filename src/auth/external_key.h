/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_EXTERNAL_KEY_H
#define VPND_AUTH_EXTERNAL_KEY_H

/*
 * A private key that is not here: TLS gets a key object whose signatures somebody else makes (`management-external-key`;
 * management interface spec, 9). An OpenSSL provider of our own, loaded when the first such key is made.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st;

#define EXTERNAL_KEY_SIGNATURE_MAX 2048

/** Who signs, and what it can be asked for. */
struct external_key {
    /**
     * sign - make one signature; may block
     * @algorithm: as management clients of version 3 get it, "ECDSA" or "RSA_PKCS1_PSS_PADDING,hashalg=SHA256,..."
     * @data:      what is to be signed: see the spec for each algorithm
     * @sig:       EXTERNAL_KEY_SIGNATURE_MAX bytes
     * Return: length of the signature, or negative. Thread: any, several at once.
     */
    int (*sign)(void *arg, const char *algorithm, const uint8_t *data, size_t len, uint8_t *sig);
    void *arg;
    bool nopadding; /* RSA: raw operation on data that we padded (PKCS #1 only) */
    bool pkcs1;     /* RSA: PKCS #1 v1.5 padding; assumed when no flag is given */
    bool pss;       /* RSA: PSS padding */
    bool digest;    /* the whole message, not its hash */
};

/**
 * external_key_new - the key object that belongs to @public (of the certificate)
 * @key: must outlive every use of the object
 * Return: 0 and *out (EVP_PKEY_free() it), or ERR_UNSUPPORTED (neither RSA nor EC, or the library refuses). Thread:
 * control.
 */
int external_key_new(struct evp_pkey_st *public, const struct external_key *key, struct evp_pkey_st **out);

#endif
