/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_HANDSHAKES_H
#define VPND_TESTS_HANDSHAKES_H

/* A program that only shakes hands: many clients, or a server, on real sockets (clients also TCP), up to the push reply. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "session/session.h"
#include "session/tls.h"
#include "session/wrap.h"

struct aead_key;

struct handshakes_options {
    bool server;
    const char *host;            /* numeric address */
    uint16_t port;
    bool tcp;                    /* clients */
    unsigned deaf;               /* so many clients read nothing more once they are connected */
    bool reset;                  /* they end with a RST; TCP */
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

/** One client's socket. */
struct link {
    int fd;
    bool tcp;
    uint8_t *in;                 /* TCP: read, but not a whole record yet */
    size_t have;
};

/** link_open - connect client number @number (each has an address of its own on loopback) to the server. */
void link_open(struct link *l, const struct handshakes_options *o, unsigned number);

/** link_close - @reset: TCP ends with a RST. */
void link_close(struct link *l, bool reset);

/** link_send - Return: false when a TCP connection took less than all of it. */
bool link_send(struct link *l, const void *packet, size_t len);

/** link_receive - Return: length of the next packet, 0: none now, negative: the connection has ended. */
ssize_t link_receive(struct link *l, uint8_t packet[SESSION_PACKET_MAX]);

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

/** pinger_send - one keepalive. */
void pinger_send(struct pinger *p, struct pinger_key *k, struct link *l);

/** handshakes_event_print - one line for an event, when verbose. */
void handshakes_event_print(const struct handshakes *h, const char *who, const struct session_event *e);

#endif
