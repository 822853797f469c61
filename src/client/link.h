/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_LINK_H
#define VPND_CLIENT_LINK_H

/*
 * One connection to one server: transport, TLS session, the request for options, keys for the data plane. It
 * knows nothing of devices, routes or what options mean; several may live side by side. Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "client/restart.h"
#include "client/transport.h"
#include "config/config.h"
#include "dp/dp.h"
#include "node/data_keys.h"
#include "node/loop.h"
#include "node/session_driver.h"
#include "node/settings.h"

struct auth_peer;
struct env;
struct event_bus;
struct link;

/** What happens to a link. None is called from within link_new(). They must not free it: do that in a later turn. */
struct link_callbacks {
    /** First valid packet of the peer: it is there. */
    void (*started)(void *arg);
    /** A key exchange is about to tell the server who we are. Return: wait for link_login_known(). */
    bool (*login)(void *arg);
    /** The first key exchange is complete. */
    void (*active)(void *arg);
    /** A later one is. */
    void (*renewed)(void *arg);
    /** A control message: printable text. */
    void (*message)(void *arg, const char *text);
    /** It is over (logged). */
    void (*failed)(void *arg, enum restart_reason reason);
    /** The peer is reached at another address now. */
    void (*moved)(void *arg, const union addr *remote);
    void *arg;
};

/** What a link is made of. Pointers are borrowed for its whole life unless said otherwise. */
struct link_request {
    struct loop *loop;
    struct dp *dp;
    const struct config *config;       /* top level is the entry in use; no pushed options yet */
    struct settings *settings;         /* a reference is taken */
    const struct session_open *open;   /* copied */
    void (*released)(void *arg);       /* see struct session_driver_open */
    void *released_arg;
    const struct auth_peer *peer;      /* what TLS learns about the server: the tls_user of @open */
    struct event_bus *events;          /* where programs that judge its certificate listen */
    const struct env *env;             /* base of their environment */
    struct transport_request transport; /* its proxy passes */
    bool quiet;                        /* no line before the server answers, none when it does not */
    uint32_t peer_handle;              /* the data plane's id for the peer; used by no other link */
    const union addr *accepted;        /* copied: UDP without float: other senders are ignored; none: anybody */
    size_t accepted_count;
    struct link_callbacks callbacks;
};

/** link_new - begin. Return: never NULL; failures are reported through the callback. */
struct link *link_new(const struct link_request *request);

/** link_free - end at once: keys, peer, session and socket are gone. NULL is fine. */
void link_free(struct link *link);

/** link_event - offer an event of the data plane. Return: whether it belonged to this link. */
bool link_event(struct link *link, const struct dp_event *event);

/** link_login_known - what @login waited for is there; of no effect when nothing waits. */
void link_login_known(struct link *link);

/** link_pull - ask for options now, and again until link_pulled(); gives up after hand-window. */
void link_pull(struct link *link);

/** link_pull_wait - AUTH_PENDING: allow @seconds from when the session became active. */
void link_pull_wait(struct link *link, unsigned seconds);

/** link_pulled - the whole reply is here: stop asking. */
void link_pulled(struct link *link);

/**
 * link_start_data - let data flow: peer and keys go to the data plane
 * @config: with pushed options applied; replaces the one of link_new()
 * @negotiated: copied
 * Return: 0, or negative after one error line.
 */
int link_start_data(struct link *link, const struct config *config, const struct data_negotiated *negotiated);

/** link_data_running - link_start_data() succeeded. */
bool link_data_running(const struct link *link);

/** link_set_config - options changed (PUSH_UPDATE, ping): peer parameters follow. */
void link_set_config(struct link *link, const struct config *config);

/** link_set_socket - pushed sndbuf, rcvbuf and bind-dev of @config, where they differ from link_new()'s. */
void link_set_socket(struct link *link, const struct config *config);

/** link_message - send a control message. */
void link_message(struct link *link, const char *text);

/** link_renegotiate - start a new key exchange. */
void link_renegotiate(struct link *link);

/** link_send_exit - one exit notification, by the means that was negotiated. Return: whether it was a control
 *  message (which needs no repetition). */
bool link_send_exit(struct link *link);

/** link_driver - the session, for credentials and challenge answers; NULL before the transport stands. */
struct session_driver *link_driver(struct link *link);

/** link_remote - address of the peer as far as it is known. */
const union addr *link_remote(const struct link *link);

/** link_outer - whom packets really go to: the server, a proxy or its relay. AF_UNSPEC while unknown. */
union addr link_outer(const struct link *link);

/** link_probe - send something that the server answers at once, if it still knows us. */
void link_probe(struct link *link);

/** link_received - packets that the server sent over the data channel so far. */
uint64_t link_received(const struct link *link);

/** link_local_gone - TCP: this host has no longer the address that the connection uses. */
bool link_local_gone(const struct link *link);

/** link_peer_info, link_peer_options - what the peer sent in the first key exchange; "" before. */
const char *link_peer_info(const struct link *link);
const char *link_peer_options(const struct link *link);

/** link_peer_id - the data plane's id of the peer. */
uint32_t link_peer_id(const struct link *link);

/** link_key_since_ms - monotonic time at which the newest data channel key was installed; 0: there is none. */
uint64_t link_key_since_ms(const struct link *link);

/** link_is_tcp - transport. */
bool link_is_tcp(const struct link *link);

/** link_proxy_refusal - whether it failed because of the login at the proxy. */
enum proxy_refusal link_proxy_refusal(const struct link *link);

#endif
