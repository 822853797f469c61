/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PEER_CHECK_H
#define VPND_CLIENT_PEER_CHECK_H

/*
 * What the user's programs think of the server: they judge its certificate before anything is sent to it, a password
 * least of all, and plugins have the last word on each key exchange. Loop thread only.
 */
#include <stdint.h>

#include "base/addr.h"
#include "session/session.h"

struct auth_peer;
struct cert_hook;
struct config;
struct env;
struct event_bus;
struct event_request;

/** One for a connection; filled by its owner, zero behind @arg. What it points to outlives it. */
struct peer_check {
    struct event_bus *events;
    const struct config *config;
    const struct env *env;        /* base of the programs' environment */
    const struct auth_peer *peer; /* whose certificate */
    void (*certificate_accepted)(void *arg, uint8_t key_id);
    void (*exchange_accepted)(void *arg, uint8_t key_id);
    void (*refused)(void *arg);   /* logged */
    void *arg;

    uint8_t key_id;               /* being judged */
    struct cert_hook *certificate;
    struct event_request *exchange;
};

/** peer_check_certificate - judge the certificate of SESSION_EV_CERTIFICATE, which may not change during a
 *  connection. The answer may come before this returns. */
void peer_check_certificate(struct peer_check *check, const struct session_event *event, const union addr *remote);

/** peer_check_exchange - judge the key exchange of SESSION_EV_KEY_EXCHANGE. As above. */
void peer_check_exchange(struct peer_check *check, const struct session_event *event, const union addr *remote);

/** peer_check_cancel - no answer comes any more. */
void peer_check_cancel(struct peer_check *check);

#endif
