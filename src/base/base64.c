/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_write(const void *data, size_t len, char *out, size_t cap)
{
    const uint8_t *p = data;
    if (len > INT_MAX / 2 || BASE64_SIZE(len) > cap) {
        return ERR_LIMIT;
    }
    char *at = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)p[i] << 16;
        v |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= have > 2 ? p[i + 2] : 0;
        *at++ = alphabet[v >> 18 & 63];
        *at++ = alphabet[v >> 12 & 63];
        *at++ = have > 1 ? alphabet[v >> 6 & 63] : '=';
        *at++ = have > 2 ? alphabet[v & 63] : '=';
    }
    *at = '\0';
    return (int)(at - out);
}

char *base64_encode(const void *data, size_t len)
{
    char *out = mem_zalloc(BASE64_SIZE(len));
    (void)base64_write(data, len, out, BASE64_SIZE(len));
    return out;
}

static int digit(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
    uint32_t v = 0;
    unsigned have = 0;
    unsigned pad = 0;
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        if (is_space(text[i])) {
            continue;
        }
        int d = text[i] == '=' ? 0 : digit(text[i]);
        if (d < 0 || (text[i] != '=' && pad) || (text[i] == '=' && have < 2)) {
            return ERR_FORMAT;
        }
        pad += text[i] == '=';
        v = v << 6 | (uint32_t)d;
        if (++have < 4) {
            continue;
        }
        unsigned n = 3 - pad;
        if (pad > 2 || written + n > cap || written + n > INT_MAX) {
            return pad > 2 ? ERR_FORMAT : ERR_LIMIT;
        }
        uint8_t triple[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        memcpy(out + written, triple, n);
        written += n;
        have = 0;
        v = 0;
    }
    return have ? ERR_FORMAT : (int)written;
}
