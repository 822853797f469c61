/* SPDX-License-Identifier: MIT */
#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/err.h"

int digest_md5(const void *data, size_t len, uint8_t out[DIGEST_MD5_SIZE])
{
    return EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) == 1 ? 0 : ERR_CRYPTO;
}

const char *digest_format(const uint8_t *data, size_t len, char out[DIGEST_TEXT_MAX])
{
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < len && i < 64; i++) {
        if (i) {
            *at++ = ':';
        }
        *at++ = hex[data[i] >> 4];
        *at++ = hex[data[i] & 15];
    }
    *at = '\0';
    return out;
}
