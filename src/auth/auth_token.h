/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_AUTH_TOKEN_H
#define VPND_AUTH_AUTH_TOKEN_H

/* Tokens that a server gives out in place of a password (control channel session spec, 12.2). Pure; any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_TOKEN_PREFIX "SESS_ID_AT_"
#define AUTH_TOKEN_ID_SIZE 12
#define AUTH_TOKEN_LEN 91 /* characters, without NUL */
#define AUTH_TOKEN_KEY_SIZE 32

enum auth_token_state {
    AUTH_TOKEN_INVALID,
    AUTH_TOKEN_VALID,
    AUTH_TOKEN_EXPIRED,
};

struct auth_token {
    uint8_t id[AUTH_TOKEN_ID_SIZE]; /* kept over renewals */
    uint64_t initial;               /* UNIX seconds of the login */
    uint64_t renewed;               /* UNIX seconds of this token */
};

/** auth_token_is_one - @password has the form of a token (says nothing about its validity). */
bool auth_token_is_one(const char *password);

/** auth_token_format - text of a token for @username. Return: 0 or ERR_CRYPTO. */
int auth_token_format(const uint8_t key[AUTH_TOKEN_KEY_SIZE], const struct auth_token *token, const char *username,
                      char out[AUTH_TOKEN_LEN + 1]);

/**
 * auth_token_check - judge a token
 * @username:   as the peer sent it
 * @lifetime:   seconds since the login, 0 unlimited;  @renewal: seconds between renewals, 0 unlimited
 * @empty_user: set when the token was made for no user name
 * @out:        filled unless INVALID
 */
enum auth_token_state auth_token_check(const uint8_t key[AUTH_TOKEN_KEY_SIZE], const char *text, const char *username,
                                       uint64_t unix_s, unsigned lifetime, unsigned renewal, bool *empty_user,
                                       struct auth_token *out);

#endif
