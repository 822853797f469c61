/* SPDX-License-Identifier: MIT */
#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/err.h"

int digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_SHA256_SIZE])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : ERR_CRYPTO;
}

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

static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_parse(const char *text, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i && *text++ != ':') {
            return ERR_FORMAT;
        }
        int high = nibble(text[0]);
        int low = high < 0 ? -1 : nibble(text[1]);
        if (low < 0) {
            return ERR_FORMAT;
        }
        out[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text ? ERR_FORMAT : 0;
}
