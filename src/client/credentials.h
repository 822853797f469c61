/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_CREDENTIALS_H
#define VPND_CLIENT_CREDENTIALS_H

/*
 * User name and password of a client: from a file, the configuration, a person, or a token that the server gave;
 * static and dynamic challenges (client behaviour spec, 8; control channel spec, 12). Calls may come from the
 * loop thread and, for the hook, from pool threads; a lock inside keeps them apart.
 */
#include <stdbool.h>
#include <stddef.h>

#include "client/prompt.h"
#include "session/session.h"
#include "wire/cmd.h"

struct config;
struct credentials;

#define CREDENTIALS_TEXT_MAX 4096

/** How a person is asked; prompt_ask() unless a test or another interface stands in. Same contract. */
typedef int (*credentials_ask_fn)(const char *text, bool echo, int cancel, char *out, size_t cap);

/** credentials_new - nothing read yet. @config is borrowed; @ask NULL means prompt_ask(). */
struct credentials *credentials_new(const struct config *config, credentials_ask_fn ask);

/** credentials_ref - one more user, for a thread that may outlive the owner. Return: @c; credentials_free() it. */
struct credentials *credentials_ref(struct credentials *c);

/** credentials_free - let go; wiped and released when nobody else uses it any more. NULL is fine. */
void credentials_free(struct credentials *c);

/** What one session sends, while it does; lives as long as the session. */
struct credentials_copy;

/** credentials_copy_new - for one session. Return: never NULL. */
struct credentials_copy *credentials_copy_new(struct credentials *c);

/** credentials_copy_free - wipe and release; the session is gone. NULL is fine. */
void credentials_copy_free(struct credentials_copy *copy);

/** credentials_wanted - `auth-user-pass` is configured. */
bool credentials_wanted(const struct credentials *c);

/**
 * credentials_obtain - read the file and ask for what is missing; blocks (start, or a pool thread)
 * Return: 0 (also when there is nothing to do); ERR_CONFIG or ERR_AUTH after one error line; -ECANCELED.
 */
int credentials_obtain(struct credentials *c);

/** credentials_missing - credentials_obtain() would have something to read or ask. */
bool credentials_missing(struct credentials *c);

/** credentials_ask_needed - like credentials_missing() for one who answers with credentials_given(): what a file or the
 *  configuration has is read first. */
bool credentials_ask_needed(struct credentials *c);

/** credentials_challenged - the server's dynamic challenge waits for its answer. */
bool credentials_challenged(struct credentials *c);

/** credentials_given - user name and password from the management interface, sent as they are: answers to challenges
 *  are part of the password. */
void credentials_given(struct credentials *c, const char *username, const char *password);

/** credentials_cancel - make a credentials_obtain() that waits for a person return -ECANCELED, now and later. */
void credentials_cancel(struct credentials *c);

/** credentials_hook - struct session_hooks.credentials; @arg is the session's struct credentials_copy. */
void credentials_hook(void *arg, struct session_credentials *out);

/** credentials_used_hook - struct session_hooks.credentials_used: the copy is wiped. */
void credentials_used_hook(void *arg);

/** credentials_set_token - the server pushed auth-token; @user64: auth-token-user in base64, or NULL. */
void credentials_set_token(struct credentials *c, const char *token, const char *user64);

/** credentials_drop_token - forget the token. Return: whether there was one. */
bool credentials_drop_token(struct credentials *c);

/** credentials_forget - user name, password and challenge answers are asked for again. */
void credentials_forget(struct credentials *c);

/** credentials_forget_used - `auth-nocache`: forget what the last key exchange used, unless a token does its work. */
void credentials_forget_used(struct credentials *c);

/** credentials_challenge - AUTH_FAILED,CRV1: the next login answers it. Return: 0 or ERR_FORMAT. */
int credentials_challenge(struct credentials *c, const char *crv1);

/** credentials_username - user name as far as known, "" if not; valid until the next call. Loop thread. */
const char *credentials_username(struct credentials *c);

#endif
