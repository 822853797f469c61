/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_KEYFILE_H
#define VPND_CRYPTO_KEYFILE_H

/*
 * OpenVPN's own key files (control channel spec, 3.1). Parsers take the contents of a file or inline block and do
 * no I/O; keyfile_write() is the one exception. Everything that holds a key has to be wiped by its owner.
 * Thread: any.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rand.h"

#define KEYFILE_STATIC_SIZE 256
#define KEYFILE_SERVER_SIZE 128          /* tls-crypt-v2 server and auth-token keys */
#define KEYFILE_WKC_MIN 290
#define KEYFILE_WKC_MAX 1024
#define KEYFILE_METADATA_MAX 734         /* type byte included */
#define KEYFILE_METADATA_USER 0x00       /* type bytes of the metadata */
#define KEYFILE_METADATA_TIME 0x01
#define KEYFILE_TEXT_MAX 4096            /* ceiling for every formatted key file */

#define KEYFILE_LABEL_V2_SERVER "OpenVPN tls-crypt-v2 server key"
#define KEYFILE_LABEL_V2_CLIENT "OpenVPN tls-crypt-v2 client key"
#define KEYFILE_LABEL_AUTH_TOKEN "OpenVPN auth-token server key"

/** A cipher and an HMAC slot of 64 bytes; keys are the leading bytes of a slot. */
struct keyfile_slot {
    uint8_t cipher[64];
    uint8_t hmac[64];
};

/** 256-byte static key (tls-auth, tls-crypt, Kc of tls-crypt-v2). */
struct keyfile_static {
    struct keyfile_slot slot[2];
};

/** A tls-crypt-v2 client's key file. */
struct keyfile_v2_client {
    struct keyfile_static kc;
    uint8_t wkc[KEYFILE_WKC_MAX];
    size_t wkc_len;
};

enum keyfile_direction {
    KEYFILE_BIDIRECTIONAL, /* slot 0 both ways */
    KEYFILE_NORMAL,        /* key-direction 0: sends with slot 0, receives with slot 1 */
    KEYFILE_INVERSE,       /* key-direction 1 */
};

/** keyfile_slot_out - the slot that a side with this direction sends with. */
const struct keyfile_slot *keyfile_slot_out(const struct keyfile_static *key, enum keyfile_direction direction);

/** keyfile_slot_in - the slot that a side with this direction receives with. */
const struct keyfile_slot *keyfile_slot_in(const struct keyfile_static *key, enum keyfile_direction direction);

/** keyfile_static_parse - text of a static key file. Return: 0, ERR_FORMAT (no header, not hex), ERR_TRUNCATED. */
int keyfile_static_parse(const char *text, size_t len, struct keyfile_static *out);

/** keyfile_static_format - text of a static key file, as `--genkey` writes it. Return: 0 or ERR_LIMIT. */
int keyfile_static_format(const struct keyfile_static *key, struct buf *out);

/** keyfile_server_parse - PEM block with @label (V2_SERVER or AUTH_TOKEN). Return: 0, ERR_NOT_FOUND (no such
 *  block), ERR_FORMAT (bad base64 or size). */
int keyfile_server_parse(const char *text, size_t len, const char *label, struct keyfile_slot *out);

/** keyfile_server_format - PEM block with @label. Return: 0 or ERR_LIMIT. */
int keyfile_server_format(const struct keyfile_slot *key, const char *label, struct buf *out);

/** keyfile_v2_client_parse - tls-crypt-v2 client key. Return: 0, ERR_NOT_FOUND, ERR_FORMAT. */
int keyfile_v2_client_parse(const char *text, size_t len, struct keyfile_v2_client *out);

/** keyfile_v2_client_format - PEM text of a tls-crypt-v2 client key. Return: 0 or ERR_LIMIT. */
int keyfile_v2_client_format(const struct keyfile_v2_client *key, struct buf *out);

/**
 * keyfile_wrap - WKc: @kc and @metadata sealed under the server's key (control channel spec, 3.5)
 * @metadata: type byte and data, or empty
 * Return: length of @out, ERR_LIMIT (metadata too long), ERR_CRYPTO.
 */
int keyfile_wrap(const struct keyfile_slot *server, const struct keyfile_static *kc, const uint8_t *metadata,
                 size_t metadata_len, uint8_t out[KEYFILE_WKC_MAX]);

/**
 * keyfile_unwrap - open a WKc
 * @wkc: all @len bytes, the trailing length field included
 * Return: bytes of metadata written (type byte first, 0 for none), ERR_FORMAT (bad length), ERR_AUTH, ERR_CRYPTO.
 */
int keyfile_unwrap(const struct keyfile_slot *server, const uint8_t *wkc, size_t len, struct keyfile_static *kc,
                   uint8_t metadata[KEYFILE_METADATA_MAX]);

/** keyfile_static_generate - 256 random bytes. */
void keyfile_static_generate(const struct rand_source *rand, struct keyfile_static *out);

/** keyfile_server_generate - 128 random bytes. */
void keyfile_server_generate(const struct rand_source *rand, struct keyfile_slot *out);

/**
 * keyfile_v2_client_generate - fresh Kc, wrapped for @server
 * @user_metadata: base64 of up to 733 bytes as given on the command line; NULL: creation time @unix_s
 * Return: 0, ERR_FORMAT (not base64), ERR_LIMIT (too long), ERR_CRYPTO.
 */
int keyfile_v2_client_generate(const struct rand_source *rand, const struct keyfile_slot *server,
                               const char *user_metadata, uint64_t unix_s, struct keyfile_v2_client *out);

/** What `--genkey TYPE` makes. */
enum keyfile_type { KEYFILE_SECRET, KEYFILE_V2_SERVER, KEYFILE_V2_CLIENT, KEYFILE_AUTH_TOKEN };

/** keyfile_type_find - "secret", "tls-auth", "tls-crypt" (all KEYFILE_SECRET), "tls-crypt-v2-server",
 *  "tls-crypt-v2-client", "auth-token". Return: 0 and *out, or ERR_NOT_FOUND. */
int keyfile_type_find(const char *name, enum keyfile_type *out);

/**
 * keyfile_write - put @text into @path, readable by its owner only (mode 0600, an older file's, too)
 * @path: NULL, "" or "-" mean standard output
 * Return: 0 or -errno; an incomplete file is removed, but no device.
 */
int keyfile_write(const char *path, const struct buf *text);

#endif
