/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_ENGINES_H
#define VPND_CRYPTO_ENGINES_H

#include "crypto/aead.h"
#include "crypto/cbc_hmac.h"

/** What encrypts data packets, chosen together; immutable, shared by all threads. */
struct crypto_engines {
    struct aead_engine *aead;
    struct cbc_hmac_engine *cbc;
    char *text;
};

/**
 * crypto_engines_new - choose implementations and test them against each other
 * @name: "auto" (or NULL), "openssl", "ipsec-mb"
 * Return: 0 and *out, or the error of aead_engine_new() or cbc_hmac_engine_new(). Thread: control.
 */
int crypto_engines_new(const char *name, struct crypto_engines **out);

/** crypto_engines_free - release; all keys and workers must be gone. NULL is fine. */
void crypto_engines_free(struct crypto_engines *engines);

/** crypto_engines_describe - for the log: who does which ciphers. Valid as long as @engines. */
const char *crypto_engines_describe(const struct crypto_engines *engines);

#endif
