/* SPDX-License-Identifier: MIT */
#include "crypto/aes_ctr.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

struct aes_ctr {
    EVP_CIPHER_CTX *evp;
};

struct aes_ctr *aes_ctr_new(const uint8_t key[AES_CTR_KEY_SIZE])
{
    struct aes_ctr *c = mem_zalloc(sizeof(*c));
    c->evp = EVP_CIPHER_CTX_new();
    if (!c->evp || EVP_EncryptInit_ex2(c->evp, EVP_aes_256_ctr(), key, NULL, NULL) != 1) {
        aes_ctr_free(c);
        return NULL;
    }
    return c;
}

void aes_ctr_free(struct aes_ctr *c)
{
    if (c) {
        EVP_CIPHER_CTX_free(c->evp);
        free(c);
    }
}

int aes_ctr_crypt(struct aes_ctr *c, const uint8_t iv[AES_CTR_IV_SIZE], const uint8_t *in, uint8_t *out, size_t len)
{
    int written = 0;
    if (len > INT_MAX || EVP_EncryptInit_ex2(c->evp, NULL, NULL, iv, NULL) != 1) {
        return ERR_CRYPTO;
    }
    if (len && (EVP_EncryptUpdate(c->evp, out, &written, in, (int)len) != 1 || written != (int)len)) {
        return ERR_CRYPTO;
    }
    return 0;
}

int aes_ctr_once(const uint8_t key[AES_CTR_KEY_SIZE], const uint8_t iv[AES_CTR_IV_SIZE], const uint8_t *in,
                 uint8_t *out, size_t len)
{
    struct aes_ctr *c = aes_ctr_new(key);
    if (!c) {
        return ERR_CRYPTO;
    }
    int err = aes_ctr_crypt(c, iv, in, out, len);
    aes_ctr_free(c);
    return err;
}
