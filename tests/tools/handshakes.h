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

struct aead_key;

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
    unsigned hold_s;             /* stay connected that long before leaving */
    unsigned ping_s;             /* meanwhile send a keepalive every so often; 0 none */
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

/** struct pinger - keepalives of clients that hold their connection. */
struct pinger;

/** One client's sending half of the data channel; zeroed: none yet. */
struct pinger_key {
    struct aead_key *key;
    uint8_t iv[8];
    uint32_t peer_id;
    uint32_t next_id;
};

/** pinger_new, pinger_free - what all clients share. */
struct pinger *pinger_new(void);
void pinger_free(struct pinger *p);

/** pinger_key_set - take the key of a client from its exported material. */
void pinger_key_set(struct pinger *p, struct pinger_key *k, const uint8_t material[SESSION_KEY_MATERIAL_SIZE],
                    const char *cipher, uint32_t peer_id);

/** pinger_key_free - release; zeroes it. */
void pinger_key_free(struct pinger_key *k);

/** pinger_send - one keepalive on the connected socket @fd. */
void pinger_send(struct pinger *p, struct pinger_key *k, int fd);

/** handshakes_event_print - one line for an event, when verbose. */
void handshakes_event_print(const struct handshakes *h, const char *who, const struct session_event *e);

#endif
