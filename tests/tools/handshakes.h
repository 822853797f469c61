/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_HANDSHAKES_H
#define VPND_TESTS_HANDSHAKES_H

/* A program that only shakes hands: many clients, or a server, on real UDP sockets, up to the push reply. */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "session/session.h"
#include "session/tls.h"
#include "session/wrap.h"

struct handshakes_options {
    bool server;
    const char *host;            /* numeric address */
    uint16_t port;
    const char *ca;
    const char *cert;
    const char *key;
    const char *tls_auth;
    int key_direction;           /* -1 none */
    const char *auth;
    const char *tls_crypt;
    const char *tls_crypt_v2;
    const char *tls_version;     /* "1.2", "1.3", NULL: any */
    const char *username;
    const char *password;
    unsigned count;              /* handshakes in all; a server: clients to serve, 0 endless */
    unsigned parallel;           /* at the same time */
    unsigned renegotiate;        /* soft resets after each handshake */
    unsigned hold_s;             /* stay connected (pinging nothing) that long before leaving */
    unsigned timeout_s;          /* the whole run */
    unsigned reneg_s;            /* reneg-sec of our sessions */
    bool no_export;              /* announce neither key export nor what came with it: a 2.5 client */
    bool verbose;
};

/** What both roles need; made once. */
struct handshakes {
    struct handshakes_options options;
    struct tls_context *tls;
    struct wrap_config *wrap;
    struct session_config config;
};

/** handshakes_client_run, handshakes_server_run - the exit status. */
int handshakes_client_run(const struct handshakes *h);
int handshakes_server_run(const struct handshakes *h);

/** handshakes_event_print - one line for an event, when verbose. */
void handshakes_event_print(const struct handshakes *h, const char *who, const struct session_event *e);

#endif
