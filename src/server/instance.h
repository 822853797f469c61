/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_INSTANCE_H
#define VPND_SERVER_INSTANCE_H

/*
 * One client of the server, from its first proven packet until the data plane has forgotten it (spec: server
 * behaviour, 3; control channel session, 10.7 and 11). It has a current session and, while the client starts
 * anew, one candidate beside it. Loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/log.h"
#include "node/data_keys.h"
#include "node/session_driver.h"
#include "server/instances.h"
#include "session/negotiate.h"
#include "session/session.h"

struct config_client;
struct connect;
struct cookie_verdict;
struct held_config;
struct instance;
struct login;
struct loop_timer;
struct server;
struct user_state;

enum instance_state {
    INSTANCE_HANDSHAKE, /* the first key exchange has not been read */
    INSTANCE_LOGIN,     /* its verdict is awaited, or the end of the handshake */
    INSTANCE_CONNECT,   /* addresses, client-config-dir, hooks */
    INSTANCE_CONNECTED,
    INSTANCE_LEAVING,   /* refused or said good-bye: lingers 5 s for retransmissions */
    INSTANCE_GONE,      /* unreachable; waits for DP_EV_PEER_GONE */
    INSTANCE_STATES
};

/** What moves an instance on. */
enum instance_step {
    INSTANCE_STEP_KEY_EXCHANGE, /* first one read */
    INSTANCE_STEP_KEYS_READY,   /* first key active and authorised */
    INSTANCE_STEP_ADMITTED,     /* connect stage done */
    INSTANCE_STEP_LEAVE,        /* AUTH_FAILED was sent, or EXIT came */
    INSTANCE_STEP_CLOSE,
    INSTANCE_STEPS
};

/** One TLS session of a client. */
struct instance_session {
    struct instance *owner;
    struct session_driver *driver;      /* NULL: ended */
    struct login *login;                /* certificate and checks of this session; outlives the driver */
    struct loop_timer *linger;          /* a refused candidate that waits for its AUTH_FAILED to arrive */
    uint8_t peer_id[SESSION_ID_SIZE];   /* the client's session id */
    bool initiated;                     /* "Peer Connection Initiated" was logged */
    bool keys_ready;
    uint64_t started_ms;                /* monotonic */
    bool push_asked;                    /* PUSH_REQUEST came, or the client wants the reply unasked */
    uint64_t push_sent_ms;              /* 0: not yet */
    uint64_t token_sent_ms;             /* 0: none */
    char *peer_info;                    /* of the latest key exchange */
    struct negotiate_peer peer;
};

/** A pool slot that is kept beside the client's own. */
struct instance_slot {
    bool held;
    unsigned number;
};

/** Addresses that the client was given. */
struct instance_addresses {
    bool from_pool;
    unsigned slot;                      /* from_pool */
    struct ip_addr local4;              /* what the server routes to it */
    struct ip_addr pushed4;             /* what it is told; differs with the alias of ifconfig-push */
    struct ip_addr remote4;             /* its second ifconfig argument: far end or netmask */
    struct ip_addr local6;
    unsigned bits6;
    struct ip_addr remote6;
    struct instance_slot moved[2];      /* of addresses given while connected (PUSH_UPDATE) */
};

struct instance {
    struct instance_entry entry;
    struct server *server;
    enum instance_state state;
    bool tcp;
    bool socket_ipv6;                   /* of our end; the client may be IPv4 all the same */
    char *tag;                          /* log prefix, "CN/addr:port" */
    struct instance_session *current;   /* NULL: a TCP connection without a packet yet */
    struct instance_session *candidate; /* NULL: none */
    struct loop_timer *timer;           /* first packet of a TCP connection; lingering; session-timeout */
    struct connect *connect;            /* connect stage under way */
    struct held_config *held;           /* what @options was made from */
    struct config_client *options;      /* its own options, from the connect stage on */
    struct instance_addresses addresses;
    struct data_negotiated negotiated;
    struct data_keys keys;
    bool has_peer;                      /* the data plane knows it */
    bool hooks_ran;                     /* client-disconnect is owed */
    char *cn;                           /* locked name, kept until the very end */
    char *username;
    struct user_state *user;            /* what it was admitted with, over all sessions */
    uint64_t began_ms;                  /* monotonic */
    uint64_t connected_unix_s;          /* of the instance, as status files print it */
    struct session_traffic control;     /* of all its sessions */
    struct dp_peer_stats final_stats;
    struct list departing_link;
    struct list routes;                 /* struct routing_entry: what leads to it */
    unsigned route_count;
    const char *compress_push;          /* compress migrate: option to push; NULL none */
    const char *close_reason;           /* word of the signal line, "ping-restart" */
};

/** instance_of - the instance that embeds @entry. */
static inline struct instance *instance_of(struct instance_entry *entry)
{
    return container_of(entry, struct instance, entry);
}

/** instance_new - a client at @path that has no session yet; @socket_ipv6: the family of our socket. When max-clients is
 *  reached, one that has dawdled in its handshake or was refused makes room. Return: NULL when there is none (logged). */
struct instance *instance_new(struct server *server, const struct dp_path *path, bool socket_ipv6);

/**
 * instance_open_session - begin a session that admission accepted, and hand it its first packet
 * It becomes the current one, or the candidate beside a client that is connected.
 * Return: 0; ERR_BAD_STATE when this client may not start anew; another negative.
 */
int instance_open_session(struct instance *instance, const struct cookie_verdict *verdict, const uint8_t *packet,
                          size_t len);

/** instance_receive - a control packet from the instance's path. Return: false when no session of it knows the packet:
 *  admission has to judge it. */
bool instance_receive(struct instance *instance, const uint8_t *packet, size_t len);

/** instance_move - an authenticated packet came from another path. */
void instance_move(struct instance *instance, const struct dp_path *path);

/** instance_refuse - AUTH_FAILED with @reason (NULL: none) on @session, then the end after 5 s; a candidate that is
 *  refused ends alone. */
void instance_refuse(struct instance_session *session, const char *reason);

/** instance_leave - end in 5 s, however often it is called. @word as in the table of signals ("remote-exit"). */
void instance_leave(struct instance *instance, const char *word);

/** instance_close - unreachable from now on; freed after the data plane's last word. @word as above. */
void instance_close(struct instance *instance, const char *word);

/** instance_defer - login or connect stage must be over in @seconds from now; without effect later. */
void instance_defer(struct instance *instance, unsigned seconds);

/** instance_reap - timer callback: free closed instances that the data plane never knew. @server: struct server. */
void instance_reap(void *server);

/** instance_gone - DP_EV_PEER_GONE: the last hooks run, the instance is freed. */
void instance_gone(struct instance *instance, const struct dp_peer_stats *stats);

/** instance_advance - take a step in the state table. Return: false when it is not allowed in this state. */
bool instance_advance(struct instance *instance, enum instance_step step);

/** instance_admitted - the connect stage is done. */
void instance_admitted(struct instance *instance);

/** instance_retag - compose the log prefix again. */
void instance_retag(struct instance *instance);

/** instance_traffic - transport bytes from and to the client so far, control and data. */
void instance_traffic(const struct instance *instance, uint64_t *in, uint64_t *out);

/** instance_name - common name, or "UNDEF". */
const char *instance_name(const struct instance *instance);

/** instance_log - one log line with the client's prefix. */
#define instance_log(instance, severity, verb, ...) log_write(severity, verb, (instance)->tag, __VA_ARGS__)

#endif
