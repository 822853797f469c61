/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_KEYMETHOD_H
#define VPND_WIRE_KEYMETHOD_H

#include "base/span.h"

/* The key-method-2 message, the first application data on each TLS connection (control channel spec, 4.3). */
#define KEYMETHOD_MESSAGE_MAX 2048
#define KEYMETHOD_OPTIONS_MAX 512          /* options string with its NUL */
#define KEYMETHOD_CREDENTIAL_MAX 128       /* user name and password, each with its NUL, as 2.x accepts by default */
#define KEYMETHOD_CREDENTIAL_MAX_LARGE 4096 /* ... in builds with PKCS#11; bounded by KEYMETHOD_MESSAGE_MAX anyway */
#define KEYMETHOD_PRE_MASTER_SIZE 48
#define KEYMETHOD_RANDOM_SIZE 32

struct keymethod_message {
    bool from_client; /* a client's message has a pre-master secret */
    uint8_t pre_master[KEYMETHOD_PRE_MASTER_SIZE];
    uint8_t random1[KEYMETHOD_RANDOM_SIZE];
    uint8_t random2[KEYMETHOD_RANDOM_SIZE];
    const char *options;   /* "" when empty */
    const char *username;  /* NULL when absent */
    const char *password;  /* NULL when absent */
    const char *peer_info; /* NULL when absent */
    bool credentials_too_long; /* decode only: skipped; username and password are NULL */
};

/**
 * keymethod_encode - append a message; absent strings are written as a zero length
 * The output holds secrets: the caller wipes it and @message after use.
 * Return: 0, or ERR_LIMIT when it does not fit @w or a string exceeds 65534 bytes.
 */
int keymethod_encode(struct wr *w, const struct keymethod_message *message);

/**
 * keymethod_decode - parse a message in place
 * @data:  modified: the last byte of each string is forced to NUL; @out points into it
 * @from_client: which of the two layouts
 * @credential_max: longest user name or password accepted, NUL included (KEYMETHOD_CREDENTIAL_MAX)
 *
 * A message may end after the options string or after any later string.
 * Return: 0; ERR_TRUNCATED (inside a field: with a v3 peer the rest may come in another record); ERR_FORMAT
 * (not method 2); ERR_LIMIT (options string too long).
 */
int keymethod_decode(uint8_t *data, size_t len, bool from_client, size_t credential_max,
                     struct keymethod_message *out);

#endif
