/* SPDX-License-Identifier: MIT */
#include "crypto/cipher.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#define AEAD_ROW(text, other, key, block, limited) {text, other, CIPHER_AEAD, key, block, 12, 16, limited}
#define CBC_ROW(text, other, key, block) {text, other, CIPHER_CBC, key, block, block, 0, false}
#define CFB_ROW(text, key, block) {text, NULL, CIPHER_CFB, key, block, block, 0, false}
#define OFB_ROW(text, key, block) {text, NULL, CIPHER_OFB, key, block, block, 0, false}
#define FAMILY_128(text, other, key)                                                                                   \
    CBC_ROW(text "-CBC", other, key, 16), CFB_ROW(text "-CFB", key, 16), CFB_ROW(text "-CFB1", key, 16),               \
        CFB_ROW(text "-CFB8", key, 16), OFB_ROW(text "-OFB", key, 16)

/* In the order of --show-ciphers: by name, 128-bit blocks and streams first. */
static const struct cipher_info ciphers[] = {
    {"none", "[null-cipher]", CIPHER_NONE, 0, 0, 0, 0, false},
    FAMILY_128("AES-128", "AES128", 16),
    AEAD_ROW("AES-128-GCM", "id-aes128-GCM", 16, 16, true),
    FAMILY_128("AES-192", "AES192", 24),
    AEAD_ROW("AES-192-GCM", "id-aes192-GCM", 24, 16, true),
    FAMILY_128("AES-256", "AES256", 32),
    AEAD_ROW("AES-256-GCM", "id-aes256-GCM", 32, 16, true),
    FAMILY_128("ARIA-128", "ARIA128", 16),
    AEAD_ROW("ARIA-128-GCM", NULL, 16, 16, true),
    FAMILY_128("ARIA-192", "ARIA192", 24),
    AEAD_ROW("ARIA-192-GCM", NULL, 24, 16, true),
    FAMILY_128("ARIA-256", "ARIA256", 32),
    AEAD_ROW("ARIA-256-GCM", NULL, 32, 16, true),
    FAMILY_128("CAMELLIA-128", "CAMELLIA128", 16),
    FAMILY_128("CAMELLIA-192", "CAMELLIA192", 24),
    FAMILY_128("CAMELLIA-256", "CAMELLIA256", 32),
    AEAD_ROW("CHACHA20-POLY1305", NULL, 32, 1, false),
    CBC_ROW("SEED-CBC", "SEED", 16, 16),
    CFB_ROW("SEED-CFB", 16, 16),
    OFB_ROW("SEED-OFB", 16, 16),
    CBC_ROW("SM4-CBC", "SM4", 16, 16),
    CFB_ROW("SM4-CFB", 16, 16),
    OFB_ROW("SM4-OFB", 16, 16),
    CBC_ROW("BF-CBC", "BLOWFISH", 16, 8),
    CFB_ROW("BF-CFB", 16, 8),
    OFB_ROW("BF-OFB", 16, 8),
    CBC_ROW("CAST5-CBC", "CAST", 16, 8),
    CFB_ROW("CAST5-CFB", 16, 8),
    OFB_ROW("CAST5-OFB", 16, 8),
    CBC_ROW("DES-CBC", "DES", 8, 8),
    CFB_ROW("DES-CFB", 8, 8),
    OFB_ROW("DES-OFB", 8, 8),
    CBC_ROW("DES-EDE-CBC", NULL, 16, 8),
    CFB_ROW("DES-EDE-CFB", 16, 8),
    OFB_ROW("DES-EDE-OFB", 16, 8),
    CBC_ROW("DES-EDE3-CBC", "DES3", 24, 8),
    CFB_ROW("DES-EDE3-CFB", 24, 8),
    CFB_ROW("DES-EDE3-CFB1", 24, 8),
    CFB_ROW("DES-EDE3-CFB8", 24, 8),
    OFB_ROW("DES-EDE3-OFB", 24, 8),
    CBC_ROW("DESX-CBC", "DESX", 24, 8),
    CBC_ROW("IDEA-CBC", "IDEA", 16, 8),
    CBC_ROW("RC2-CBC", "RC2", 16, 8),
    CFB_ROW("RC2-CFB", 16, 8),
    OFB_ROW("RC2-OFB", 16, 8),
};

static const struct digest_info digests[] = {
    {"none", "[null-digest]", 0},
    {"SHA1", "SHA-1", 20},
    {"SHA224", "SHA2-224", 28},
    {"SHA256", "SHA2-256", 32},
    {"SHA384", "SHA2-384", 48},
    {"SHA512", "SHA2-512", 64},
    {"SHA512-224", "SHA2-512/224", 28},
    {"SHA512-256", "SHA2-512/256", 32},
    {"SHA3-224", NULL, 28},
    {"SHA3-256", NULL, 32},
    {"SHA3-384", NULL, 48},
    {"SHA3-512", NULL, 64},
    {"BLAKE2s256", "BLAKE2S-256", 32},
    {"BLAKE2b512", "BLAKE2B-512", 64},
    {"SM3", NULL, 32},
    {"RIPEMD160", "RMD160", 20},
    {"MD5", "RSA-MD5", 16},
    {"MD5-SHA1", NULL, 36},
    {"MD4", NULL, 16},
    {"whirlpool", NULL, 64},
};

#define CIPHER_COUNT (sizeof(ciphers) / sizeof(ciphers[0]))
#define DIGEST_COUNT (sizeof(digests) / sizeof(digests[0]))

const struct cipher_info *cipher_find(const char *name)
{
    for (size_t i = 0; name && i < CIPHER_COUNT; i++) {
        if (!strcasecmp(name, ciphers[i].name) || (ciphers[i].alias && !strcasecmp(name, ciphers[i].alias))) {
            return &ciphers[i];
        }
    }
    return NULL;
}

/* A fetched cipher may exist and yet refuse to start (legacy ciphers under some providers). */
static bool cipher_starts(const EVP_CIPHER *evp)
{
    uint8_t key[EVP_MAX_KEY_LENGTH];
    uint8_t iv[EVP_MAX_IV_LENGTH] = {0};
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)(i * 29 + 1);
    }
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_EncryptInit_ex2(ctx, evp, key, iv, NULL) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool cipher_available(const struct cipher_info *cipher)
{
    if (!cipher || cipher->kind == CIPHER_NONE) {
        return cipher != NULL;
    }
    ERR_set_mark(); /* "no" is an answer, not an error that somebody else should find */
    EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, cipher->name, NULL);
    bool ok = evp && EVP_CIPHER_get_key_length(evp) == cipher->key_size && cipher_starts(evp);
    EVP_CIPHER_free(evp);
    ERR_pop_to_mark();
    return ok;
}

bool cipher_is_weak(const struct cipher_info *cipher)
{
    return cipher && cipher->block_size == 8;
}

bool cipher_is_aead(const struct cipher_info *cipher)
{
    return cipher && cipher->kind == CIPHER_AEAD;
}

bool cipher_list_contains(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at && *at;) {
        const char *colon = strchrnul(at, ':');
        if ((size_t)(colon - at) == len && memcmp(at, name, len) == 0) {
            return true;
        }
        at = *colon ? colon + 1 : colon;
    }
    return false;
}

static int list_append(char *out, const char *name)
{
    size_t have = strlen(out);
    size_t need = strlen(name) + (have ? 1 : 0);
    if (cipher_list_contains(out, name)) {
        return 0;
    }
    if (have + need > CIPHER_LIST_MAX) {
        return ERR_LIMIT;
    }
    if (have) {
        out[have++] = ':';
    }
    memcpy(out + have, name, strlen(name) + 1);
    return 0;
}

static int list_append_entry(char *out, const char *entry)
{
    bool optional = entry[0] == '?';
    const struct cipher_info *cipher = cipher_find(entry + optional);
    if (!cipher || !cipher_available(cipher)) {
        return optional ? 0 : ERR_NOT_FOUND;
    }
    return list_append(out, cipher->name);
}

static int list_append_defaults(char *out)
{
    static const char *const names[] = {"?AES-256-GCM", "?AES-128-GCM", "?CHACHA20-POLY1305"};
    int err = 0;
    for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
        err = list_append_entry(out, names[i]);
    }
    return err;
}

int cipher_list_normalise(const char *list, char out[CIPHER_LIST_MAX + 1], char bad[CIPHER_NAME_MAX])
{
    char entry[CIPHER_NAME_MAX];
    int err = 0;
    out[0] = '\0';
    for (const char *at = list; !err && *at;) {
        const char *colon = strchrnul(at, ':');
        size_t len = (size_t)(colon - at);
        size_t keep = len < sizeof(entry) ? len : sizeof(entry) - 1;
        memcpy(entry, at, keep);
        entry[keep] = '\0';
        if (len >= sizeof(entry)) {
            err = entry[0] == '?' ? 0 : ERR_NOT_FOUND;
        } else if (len) {
            err = strcmp(entry, "DEFAULT") == 0 ? list_append_defaults(out) : list_append_entry(out, entry);
        }
        if (err && bad) {
            memcpy(bad, entry, sizeof(entry));
        }
        at = *colon ? colon + 1 : colon;
    }
    return err ? err : out[0] ? 0 : ERR_FORMAT;
}

const struct digest_info *digest_find(const char *name)
{
    for (size_t i = 0; name && i < DIGEST_COUNT; i++) {
        if (!strcasecmp(name, digests[i].name) || (digests[i].alias && !strcasecmp(name, digests[i].alias))) {
            return &digests[i];
        }
    }
    return NULL;
}

bool digest_available(const struct digest_info *digest)
{
    if (!digest || digest->size == 0) {
        return digest != NULL;
    }
    ERR_set_mark();
    EVP_MD *md = EVP_MD_fetch(NULL, digest->name, NULL);
    bool ok = md && EVP_MD_get_size(md) == digest->size;
    EVP_MD_free(md);
    ERR_pop_to_mark();
    return ok;
}

static int show_rows(struct buf *out, bool weak)
{
    int err = 0;
    for (size_t i = 0; !err && i < CIPHER_COUNT; i++) {
        const struct cipher_info *c = &ciphers[i];
        if (c->kind == CIPHER_NONE || cipher_is_weak(c) != weak || !cipher_available(c)) {
            continue;
        }
        const char *mode = c->kind == CIPHER_CBC ? "" : ", TLS client/server mode only";
        if (c->block_size == 1) {
            err = buf_printf(out, "%s  (%d bit key, stream cipher%s)\n", c->name, c->key_size * 8, mode);
        } else {
            err = buf_printf(out, "%s  (%d bit key, %d bit block%s)\n", c->name, c->key_size * 8, c->block_size * 8,
                             mode);
        }
    }
    return err;
}

int cipher_show(struct buf *out)
{
    int err = buf_printf(out, "The following ciphers and cipher modes are available for use\n"
                              "with vpnd.  Each cipher shown below may be used as a\n"
                              "parameter to the --data-ciphers (or --cipher) option.\n\n");
    err = err ? err : show_rows(out, false);
    err = err ? err : buf_printf(out, "\nThe following ciphers have a block size of less than 128 bits, \n"
                                      "and are therefore deprecated.  Do not use unless you have to.\n\n");
    err = err ? err : show_rows(out, true);
    return err ? err : buf_printf(out, "\n");
}

int digest_show(struct buf *out)
{
    int err = buf_printf(out, "The following message digests are available for use with\n"
                              "vpnd.  A message digest is used in conjunction with\n"
                              "the HMAC function, to authenticate received packets.\n"
                              "You can specify a message digest as parameter to\n"
                              "the --auth option.\n\n");
    for (size_t i = 0; !err && i < DIGEST_COUNT; i++) {
        if (digests[i].size && digest_available(&digests[i])) {
            err = buf_printf(out, "%s %d bit digest size\n", digests[i].name, digests[i].size * 8);
        }
    }
    return err ? err : buf_printf(out, "\n");
}
