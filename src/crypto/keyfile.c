/* SPDX-License-Identifier: MIT */
#include "crypto/keyfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/aes_ctr.h"
#include "crypto/hmac.h"

#define STATIC_BEGIN "-----BEGIN OpenVPN Static key V1-----"
#define STATIC_END "-----END OpenVPN Static key V1-----"
#define WKC_TAG_SIZE 32
#define PEM_LINE 64
#define LABEL_LINE_MAX 80

_Static_assert(sizeof(struct keyfile_static) == KEYFILE_STATIC_SIZE, "layout of a static key file");
_Static_assert(sizeof(struct keyfile_slot) == KEYFILE_SERVER_SIZE, "layout of a server key file");

const struct keyfile_slot *keyfile_slot_out(const struct keyfile_static *key, enum keyfile_direction direction)
{
    return &key->slot[direction == KEYFILE_INVERSE];
}

const struct keyfile_slot *keyfile_slot_in(const struct keyfile_static *key, enum keyfile_direction direction)
{
    return &key->slot[direction == KEYFILE_NORMAL];
}

/* ------------------------------------------------------------------ static keys */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int keyfile_static_parse(const char *text, size_t len, struct keyfile_static *out)
{
    uint8_t bytes[KEYFILE_STATIC_SIZE] = {0};
    const char *end = text + len;
    const char *at = len ? memmem(text, len, STATIC_BEGIN, strlen(STATIC_BEGIN)) : NULL;
    size_t digits = 0;
    int err = at ? 0 : ERR_FORMAT;
    for (at = at ? at + strlen(STATIC_BEGIN) : end; !err && at < end && digits < 2 * sizeof(bytes); at++) {
        int digit = hex_digit(*at);
        if (digit >= 0) {
            bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
            digits++;
        } else if (*at == '-') {
            break;
        } else if (!isspace((unsigned char)*at)) {
            err = ERR_FORMAT;
        }
    }
    if (!err && digits < 2 * sizeof(bytes)) {
        err = ERR_TRUNCATED;
    }
    if (!err && !memmem(at, (size_t)(end - at), STATIC_END, strlen(STATIC_END))) {
        err = ERR_TRUNCATED;
    }
    if (!err) {
        memcpy(out, bytes, sizeof(bytes));
    }
    secret_wipe(bytes, sizeof(bytes));
    return err;
}

int keyfile_static_format(const struct keyfile_static *key, struct buf *out)
{
    uint8_t bytes[KEYFILE_STATIC_SIZE];
    memcpy(bytes, key, sizeof(bytes));
    int err = buf_printf(out, "#\n# 2048 bit OpenVPN static key\n#\n%s\n", STATIC_BEGIN);
    for (size_t i = 0; !err && i < sizeof(bytes); i++) {
        err = buf_printf(out, "%02x%s", bytes[i], i % 16 == 15 ? "\n" : "");
    }
    secret_wipe(bytes, sizeof(bytes));
    return err ? err : buf_printf(out, "%s\n", STATIC_END);
}

void keyfile_static_generate(const struct rand_source *rand, struct keyfile_static *out)
{
    rand_fill(rand, out, sizeof(*out));
}

/* ------------------------------------------------------------------ PEM blocks */

/* Decode the block with @label into @out. Return: bytes, ERR_NOT_FOUND or ERR_FORMAT. */
static int pem_decode(const char *text, size_t len, const char *label, uint8_t *out, size_t cap)
{
    struct buf begin = BUF_INIT(LABEL_LINE_MAX);
    struct buf end = BUF_INIT(LABEL_LINE_MAX);
    int result = ERR_NOT_FOUND;
    if (len && buf_printf(&begin, "-----BEGIN %s-----", label) == 0 && buf_printf(&end, "-----END %s-----", label) == 0) {
        const char *from = memmem(text, len, begin.data, begin.len);
        const char *body = from ? from + begin.len : NULL;
        const char *to = from ? memmem(body, len - (size_t)(body - text), end.data, end.len) : NULL;
        if (to) {
            result = base64_decode(body, (size_t)(to - body), out, cap);
        }
        if ((from && !to) || result == ERR_LIMIT) {
            result = ERR_FORMAT;
        }
    }
    buf_free(&begin, false);
    buf_free(&end, false);
    return result;
}

static int pem_encode(const uint8_t *data, size_t len, const char *label, struct buf *out)
{
    char *text = base64_encode(data, len);
    size_t text_len = strlen(text);
    int err = buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; !err && at < text_len; at += PEM_LINE) {
        err = buf_printf(out, "%.*s\n", PEM_LINE, text + at);
    }
    secret_wipe(text, text_len);
    free(text);
    return err ? err : buf_printf(out, "-----END %s-----\n", label);
}

int keyfile_server_parse(const char *text, size_t len, const char *label, struct keyfile_slot *out)
{
    uint8_t bytes[KEYFILE_SERVER_SIZE];
    int n = pem_decode(text, len, label, bytes, sizeof(bytes));
    if (n == (int)sizeof(bytes)) {
        memcpy(out, bytes, sizeof(bytes));
    }
    secret_wipe(bytes, sizeof(bytes));
    return n < 0 ? n : n == (int)sizeof(bytes) ? 0 : ERR_FORMAT;
}

int keyfile_server_format(const struct keyfile_slot *key, const char *label, struct buf *out)
{
    return pem_encode((const uint8_t *)key, sizeof(*key), label, out);
}

void keyfile_server_generate(const struct rand_source *rand, struct keyfile_slot *out)
{
    rand_fill(rand, out, sizeof(*out));
}

int keyfile_v2_client_parse(const char *text, size_t len, struct keyfile_v2_client *out)
{
    uint8_t bytes[KEYFILE_STATIC_SIZE + KEYFILE_WKC_MAX];
    int n = pem_decode(text, len, KEYFILE_LABEL_V2_CLIENT, bytes, sizeof(bytes));
    if (n >= 0 && n < KEYFILE_STATIC_SIZE + KEYFILE_WKC_MIN) {
        n = ERR_FORMAT;
    }
    if (n > 0) {
        memcpy(&out->kc, bytes, KEYFILE_STATIC_SIZE);
        out->wkc_len = (size_t)n - KEYFILE_STATIC_SIZE;
        memcpy(out->wkc, bytes + KEYFILE_STATIC_SIZE, out->wkc_len);
        if (be16_load(out->wkc + out->wkc_len - 2) != out->wkc_len) {
            secret_wipe(out, sizeof(*out));
            n = ERR_FORMAT;
        }
    }
    secret_wipe(bytes, sizeof(bytes));
    return n < 0 ? n : 0;
}

int keyfile_v2_client_format(const struct keyfile_v2_client *key, struct buf *out)
{
    uint8_t bytes[KEYFILE_STATIC_SIZE + KEYFILE_WKC_MAX];
    memcpy(bytes, &key->kc, KEYFILE_STATIC_SIZE);
    memcpy(bytes + KEYFILE_STATIC_SIZE, key->wkc, key->wkc_len);
    int err = pem_encode(bytes, KEYFILE_STATIC_SIZE + key->wkc_len, KEYFILE_LABEL_V2_CLIENT, out);
    secret_wipe(bytes, sizeof(bytes));
    return err;
}

/* ------------------------------------------------------------------ wrapping a client key */

int keyfile_wrap(const struct keyfile_slot *server, const struct keyfile_static *kc, const uint8_t *metadata,
                 size_t metadata_len, uint8_t out[KEYFILE_WKC_MAX])
{
    uint8_t plain[KEYFILE_STATIC_SIZE + KEYFILE_METADATA_MAX];
    uint8_t tag[HMAC_SIZE_MAX];
    uint8_t len_field[2];
    if (metadata_len > KEYFILE_METADATA_MAX) {
        return ERR_LIMIT;
    }
    size_t plain_len = KEYFILE_STATIC_SIZE + metadata_len;
    size_t total = WKC_TAG_SIZE + plain_len + sizeof(len_field);
    be16_store(len_field, (uint16_t)total);
    memcpy(plain, kc, KEYFILE_STATIC_SIZE);
    if (metadata_len) {
        memcpy(plain + KEYFILE_STATIC_SIZE, metadata, metadata_len);
    }
    struct span parts[2] = {{len_field, sizeof(len_field)}, {plain, plain_len}};
    int err = hmac_once("SHA256", server->hmac, 32, parts, 2, tag) == WKC_TAG_SIZE ? 0 : ERR_CRYPTO;
    if (!err) {
        memcpy(out, tag, WKC_TAG_SIZE);
        err = aes_ctr_once(server->cipher, tag, plain, out + WKC_TAG_SIZE, plain_len);
        memcpy(out + WKC_TAG_SIZE + plain_len, len_field, sizeof(len_field));
    }
    secret_wipe(plain, sizeof(plain));
    return err ? err : (int)total;
}

int keyfile_unwrap(const struct keyfile_slot *server, const uint8_t *wkc, size_t len, struct keyfile_static *kc,
                   uint8_t metadata[KEYFILE_METADATA_MAX])
{
    uint8_t plain[KEYFILE_STATIC_SIZE + KEYFILE_METADATA_MAX];
    uint8_t tag[HMAC_SIZE_MAX];
    if (len < KEYFILE_WKC_MIN || len > KEYFILE_WKC_MAX || be16_load(wkc + len - 2) != len) {
        return ERR_FORMAT;
    }
    size_t plain_len = len - WKC_TAG_SIZE - 2;
    int result = aes_ctr_once(server->cipher, wkc, wkc + WKC_TAG_SIZE, plain, plain_len);
    if (!result) {
        struct span parts[2] = {{wkc + len - 2, 2}, {plain, plain_len}};
        result = hmac_once("SHA256", server->hmac, 32, parts, 2, tag) == WKC_TAG_SIZE ? 0 : ERR_CRYPTO;
    }
    if (!result && !secret_equal(tag, wkc, WKC_TAG_SIZE)) {
        result = ERR_AUTH;
    }
    if (!result) {
        result = (int)(plain_len - KEYFILE_STATIC_SIZE);
        memcpy(kc, plain, KEYFILE_STATIC_SIZE);
        memcpy(metadata, plain + KEYFILE_STATIC_SIZE, plain_len - KEYFILE_STATIC_SIZE);
    }
    secret_wipe(plain, sizeof(plain));
    return result;
}

int keyfile_v2_client_generate(const struct rand_source *rand, const struct keyfile_slot *server,
                               const char *user_metadata, uint64_t unix_s, struct keyfile_v2_client *out)
{
    uint8_t metadata[KEYFILE_METADATA_MAX];
    size_t metadata_len = 9;
    if (user_metadata) {
        metadata[0] = KEYFILE_METADATA_USER;
        int n = base64_decode(user_metadata, strlen(user_metadata), metadata + 1, sizeof(metadata) - 1);
        if (n < 0) {
            return n;
        }
        metadata_len = 1 + (size_t)n;
    } else {
        metadata[0] = KEYFILE_METADATA_TIME;
        be64_store(metadata + 1, unix_s);
    }
    keyfile_static_generate(rand, &out->kc);
    int n = keyfile_wrap(server, &out->kc, metadata, metadata_len, out->wkc);
    if (n < 0) {
        secret_wipe(out, sizeof(*out));
        return n;
    }
    out->wkc_len = (size_t)n;
    return 0;
}

/* ------------------------------------------------------------------ --genkey */

int keyfile_type_find(const char *name, enum keyfile_type *out)
{
    static const struct {
        const char *name;
        enum keyfile_type type;
    } types[] = {
        {"secret", KEYFILE_SECRET},
        {"tls-auth", KEYFILE_SECRET},
        {"tls-crypt", KEYFILE_SECRET},
        {"tls-crypt-v2-server", KEYFILE_V2_SERVER},
        {"tls-crypt-v2-client", KEYFILE_V2_CLIENT},
        {"auth-token", KEYFILE_AUTH_TOKEN},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(name, types[i].name) == 0) {
            *out = types[i].type;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int keyfile_write(const char *path, const struct buf *text)
{
    struct stat st;
    if (!path || !path[0] || strcmp(path, "-") == 0) {
        return write_all(STDOUT_FILENO, text->data, text->len);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return -errno;
    }
    /* An older file may be readable for others; a device (/dev/stdout) is none of ours. */
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    int err = ours && fchmod(fd, S_IRUSR | S_IWUSR) ? -errno : write_all(fd, text->data, text->len);
    if (close(fd) && !err) {
        err = -errno;
    }
    if (err && ours) {
        (void)unlink(path);
    }
    return err;
}
