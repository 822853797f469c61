/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_CIPHER_H
#define VPND_CRYPTO_CIPHER_H

/*
 * Ciphers and digests of the data channel by name (data channel spec, 4; control channel spec, 7.1). The tables
 * are constant; whether the loaded OpenSSL can do a cipher is asked when it matters.
 * Thread: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CIPHER_NAME_MAX 32
#define CIPHER_LIST_MAX 127         /* bytes of a joined data-ciphers list */
#define CIPHER_LIST_DEFAULT "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"
#define CIPHER_KEY_MAX 32
#define CIPHER_BLOCK_MAX 16
#define DIGEST_SIZE_MAX 64

enum cipher_kind {
    CIPHER_NONE, /* "none": packet id and payload in clear under the HMAC */
    CIPHER_AEAD,
    CIPHER_CBC,
    CIPHER_CFB,  /* CFB, CFB1 and CFB8 */
    CIPHER_OFB,
};

/** One cipher; sizes in bytes. */
struct cipher_info {
    const char *name;       /* the spelling that goes on the wire, "AES-256-GCM" */
    const char *alias;      /* another accepted spelling, or NULL */
    enum cipher_kind kind;
    uint8_t key_size;
    uint8_t block_size;     /* 1 for ChaCha20 (as link-mtu arithmetic wants), 0 for none */
    uint8_t iv_size;        /* 12 for AEAD */
    uint8_t tag_size;       /* 16 for AEAD, else 0 */
    bool usage_limited;     /* the AEAD usage limit applies (data channel spec, 9) */
};

/** One HMAC digest of `auth`. */
struct digest_info {
    const char *name;       /* "SHA256"; "none" */
    const char *alias;
    uint8_t size;           /* bytes, 0 for none */
};

/**
 * cipher_find - look a cipher up, ignoring case and accepting aliases; "none" and "[null-cipher]" are CIPHER_NONE
 * Return: a static row, or NULL when the name is unknown. Says nothing about availability.
 */
const struct cipher_info *cipher_find(const char *name);

/** cipher_available - the loaded OpenSSL can do it now (legacy ciphers need the legacy provider). */
bool cipher_available(const struct cipher_info *cipher);

/** cipher_is_weak - 64-bit blocks: renegotiates after 64 MiB by default and is warned about. */
bool cipher_is_weak(const struct cipher_info *cipher);

/** cipher_is_aead - convenience for `cipher && kind == CIPHER_AEAD`. */
bool cipher_is_aead(const struct cipher_info *cipher);

/**
 * cipher_list_normalise - a data-ciphers value in library spelling
 * @list: colon-separated; "?X" is dropped when unavailable, "DEFAULT" expands to those of CIPHER_LIST_DEFAULT
 *        that are available
 * @out: receives the joined list, duplicates removed
 * @bad: receives the first entry that is refused (NULL if not wanted)
 * Return: 0, ERR_NOT_FOUND (unknown or unavailable entry), ERR_LIMIT (longer than CIPHER_LIST_MAX),
 * ERR_FORMAT (nothing left).
 */
int cipher_list_normalise(const char *list, char out[CIPHER_LIST_MAX + 1], char bad[CIPHER_NAME_MAX]);

/** cipher_list_contains - @name is an entry of the colon-separated @list (exact comparison). */
bool cipher_list_contains(const char *list, const char *name);

/** digest_find - look an HMAC digest up, ignoring case and accepting aliases. Return: a static row or NULL. */
const struct digest_info *digest_find(const char *name);

/** digest_available - the loaded OpenSSL can do it now. */
bool digest_available(const struct digest_info *digest);

/** cipher_show - append the text of --show-ciphers. Return: 0 or ERR_LIMIT. */
int cipher_show(struct buf *out);

/** digest_show - append the text of --show-digests. Return: 0 or ERR_LIMIT. */
int digest_show(struct buf *out);

#endif
