/* SPDX-License-Identifier: MIT */
#include "crypto/hkdf.h"

#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/hmac.h"

#define LABEL_PREFIX "ovpn "
#define LABEL_MAX 32

int hkdf_expand_sha256(const void *prk, size_t prk_len, const void *info, size_t info_len, uint8_t *out, size_t len)
{
    if (len > 255 * 32) {
        return ERR_CRYPTO;
    }
    struct hmac *h = hmac_new("SHA256", prk, prk_len);
    if (!h) {
        return ERR_CRYPTO;
    }
    uint8_t block[32];
    uint8_t counter = 0;
    int err = 0;
    for (size_t at = 0; !err && at < len; at += sizeof(block)) {
        counter++;
        struct span parts[3] = {{block, at ? sizeof(block) : 0}, {info, info_len}, {&counter, 1}};
        uint8_t next[32];
        err = hmac_compute(h, parts, 3, next);
        memcpy(block, next, sizeof(block));
        size_t left = len - at;
        memcpy(out + at, block, left < sizeof(block) ? left : sizeof(block));
        secret_wipe(next, sizeof(next));
    }
    secret_wipe(block, sizeof(block));
    hmac_free(h);
    return err;
}

int hkdf_label(const uint8_t secret[HKDF_SECRET_SIZE], const char *label, uint8_t *out, size_t len)
{
    uint8_t info[2 + 1 + sizeof(LABEL_PREFIX) + LABEL_MAX + 1];
    size_t label_len = strlen(label);
    if (label_len > LABEL_MAX || len > 255 * 32) {
        return ERR_CRYPTO;
    }
    struct wr w = wr_init(info, sizeof(info));
    wr_u16(&w, (uint16_t)len);
    wr_u8(&w, (uint8_t)(strlen(LABEL_PREFIX) + label_len));
    wr_bytes(&w, LABEL_PREFIX, strlen(LABEL_PREFIX));
    wr_bytes(&w, label, label_len);
    wr_u8(&w, 0);
    return hkdf_expand_sha256(secret, HKDF_SECRET_SIZE, info, wr_len(&w), out, len);
}
