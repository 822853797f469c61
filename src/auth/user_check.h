/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_USER_CHECK_H
#define VPND_AUTH_USER_CHECK_H

/*
 * Is this user allowed in? Tokens, then everybody who listens to EVENT_USER_PASS (script, plug-ins, management, PAM);
 * all who vote must accept (server behaviour spec, 8; control channel session spec, 12). Thread: loop.
 */
#include <stdbool.h>
#include <stdint.h>

#include "auth/user_state.h"

struct env;
struct event_bus;
struct user_check;

struct user_check_result {
    bool accepted;
    const char *reason;   /* refused: text for AUTH_FAILED, or NULL; valid during the callback */
};

struct user_check_request {
    struct user_policy *policy;
    struct user_state *state;   /* must outlive the check */
    struct event_bus *bus;
    const struct env *env;      /* facts about certificate, address and peer-info; copied where needed */
    const char *tag;            /* client prefix of log lines, or NULL */
    const char *username;       /* as received; NULL when absent */
    const char *password;
    bool too_long;              /* credentials exceeded the limit */
    const char *iv_sso;         /* the peer's IV_SSO, NULL if none: pending methods that it can do */
    uint64_t unix_s;
    uint64_t client_id;         /* for management */
    uint64_t key_id;
    void (*done)(void *arg, const struct user_check_result *result); /* exactly once unless cancelled */
    /** the login waits: send these texts (AUTH_PENDING ..., then INFO_PRE,... unless NULL) and extend the deadline */
    void (*pending)(void *arg, unsigned timeout_s, const char *info_pre);
    void *arg;
};

/**
 * user_check_start - judge one key exchange; @request and its texts are copied as needed
 * Return: handle for user_check_cancel(), or NULL when @done was called already.
 */
struct user_check *user_check_start(const struct user_check_request *request);

/** user_check_cancel - no callback comes any more (also when the deadline passed); NULL is fine. */
void user_check_cancel(struct user_check *check);

#endif
