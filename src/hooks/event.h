/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_EVENT_H
#define VPND_HOOKS_EVENT_H

/*
 * One list of events for everybody who listens: the user's scripts, plugins, the management interface, metrics,
 * the service manager. Client and server raise an event once; each listener takes the types it knows.
 *
 * Some events ask a question (may this user log in?). Listeners vote; a vote may come later, from a script or
 * a person. Any rejection wins; acceptance needs every listener that voted. Nothing blocks the loop.
 *
 * Thread: the loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "base/list.h"
#include "hooks/env.h"

enum event_type {
    /* questions */
    EVENT_DEVICE_UP,            /* `up`: args dev mtu 0 local remote-or-netmask init|restart; rejected: exit */
    EVENT_DEVICE_DOWN,          /* `down`: same args */
    EVENT_ROUTES_UP,            /* `route-up` */
    EVENT_ROUTES_PRE_DOWN,      /* `route-pre-down`: args as EVENT_DEVICE_UP, last one "init" */
    EVENT_PEER_ADDRESS,         /* `ipchange`: args "[AF_INET]ADDR PORT" */
    EVENT_TLS_VERIFY,           /* `tls-verify`: args depth, subject; data: certificate as PEM text, or NULL */
    EVENT_TLS_FINAL,            /* a key exchange was accepted (plugins only) */
    EVENT_USER_PASS,            /* login: username and password in the event; may be deferred */
    EVENT_CLIENT_CONNECT,       /* `client-connect`: answer may carry configuration lines */
    EVENT_LEARN_ADDRESS,        /* `learn-address`: args add|update|delete ADDR [CN] */
    EVENT_CR_RESPONSE,          /* `client-crresponse`: text is the base64 response */
    EVENT_TLS_CRYPT_V2_VERIFY,  /* `tls-crypt-v2-verify`: metadata in data */
    EVENT_DNS_UPDOWN,           /* `dns-updown`: args none; env dns_* */
    /* announcements: votes are ignored */
    EVENT_CLIENT_ESTABLISHED,   /* addresses assigned, hooks done */
    EVENT_CLIENT_DISCONNECT,    /* `client-disconnect` */
    EVENT_CLIENT_GONE,          /* a client, connected or not, is over: nothing more comes about it */
    EVENT_CLIENT_ADDRESS,       /* text: an address or network now leading to the client; flag: primary */
    EVENT_STATE,                /* text: state name, args[0] detail; addresses in the event */
    EVENT_ECHO,                 /* text: `echo` directive */
    EVENT_INFO_MESSAGE,         /* text: INFO or INFO_PRE from the server, without the keyword */
    EVENT_NOTIFY,               /* args severity, reason; text: message (RESTART, HALT, remote exit) */
    EVENT_AUTH_FAILED,          /* text: reason from the server, may be "" */
    EVENT_AUTH_TOKEN,           /* text: token that the server pushed */
    EVENT_FATAL,                /* text: the process is about to exit */
    EVENT_TYPE_COUNT
};

/** What is asked or announced. Everything is borrowed for the duration of event_raise() except as noted there. */
struct event {
    enum event_type type;
    struct env *env;          /* full environment for scripts; without password; may be NULL */
    const char *args[6];      /* arguments that a script gets after its own, NULL-terminated when fewer */
    const char *text;
    const void *data;
    size_t data_len;
    const char *username;     /* USER_PASS, CR_RESPONSE */
    const char *password;
    bool flag;
    bool has_client;          /* the next two mean something */
    uint64_t client_id;       /* CID of the management interface */
    uint64_t key_id;          /* KID: counts a client's key exchanges, from 0 */
    const char *tunnel4;      /* STATE: addresses as text, "" or NULL when unknown */
    const char *tunnel6;
    const char *remote_host;
    const char *remote_port;
    const char *local_host;
    const char *local_port;
};

enum event_vote {
    EVENT_ABSTAIN, /* not interested; counts as nothing */
    EVENT_ACCEPT,
    EVENT_REJECT,
    EVENT_LATER,   /* the listener keeps the request and calls event_answer() */
};

struct event_request;
struct event_bus;

/** How an event ended. */
struct event_result {
    bool accepted;          /* nobody rejected (true when nobody voted) */
    unsigned voters;        /* listeners that accepted or rejected */
    const char *reason;     /* text of the rejecting listener for the peer, or NULL */
    const char *config;     /* CLIENT_CONNECT: configuration lines gathered in listener order, "" if none */
};

/** Callbacks of the one who raised an event; both optional. They may free the asker, but not the bus. */
struct event_asker {
    void (*done)(void *arg, const struct event_result *result);
    /** a listener wants the peer told that its login waits: seconds, method ("webauth"; NULL: any), extra text.
     *  May end nothing. Return: false when the peer cannot do that. */
    bool (*pending)(void *arg, unsigned timeout_s, const char *method, const char *extra);
    void *arg;
};

/** One who listens. */
struct event_listener {
    const char *name;
    /** Look at an event; EVENT_LATER only for @request that is not NULL (announcements have none). */
    enum event_vote (*handle)(void *arg, const struct event *event, struct event_request *request);
    /** The asker lost interest in a request that this listener keeps; may be NULL. */
    void (*cancel)(void *arg, struct event_request *request);
    void *arg;
    struct list link;
};

/** event_bus_new - an empty list of listeners. */
struct event_bus *event_bus_new(void);

/** event_bus_free - listeners are only unlinked; requests that are open are dropped without a call. */
void event_bus_free(struct event_bus *bus);

/** event_listen - append @listener (kept by reference; order of registration is order of calls). */
void event_listen(struct event_bus *bus, struct event_listener *listener);

/** event_unlisten - remove it; its open votes count as rejections. */
void event_unlisten(struct event_bus *bus, struct event_listener *listener);

/** event_announce - tell every listener; no answer. */
void event_announce(struct event_bus *bus, const struct event *event);

/**
 * event_ask - put a question
 *
 * CLIENT_CONNECT asks one listener after the other and stops at a rejection; other questions ask all at once.
 * For CLIENT_CONNECT @event and all it points to (but not the struct itself) must stay valid until done.
 * @asker->done is called exactly once, possibly before this returns, unless the request is cancelled.
 *
 * Return: a handle for event_cancel() while the answer is open, or NULL when done was called already.
 */
struct event_request *event_ask(struct event_bus *bus, const struct event *event, const struct event_asker *asker);

/** event_cancel - the asker is going away: no callback will come, listeners stop what they started. */
void event_cancel(struct event_request *request);

/**
 * event_answer - a listener's late vote (EVENT_ACCEPT or EVENT_REJECT)
 * @text: rejection: reason for the peer; CLIENT_CONNECT acceptance: configuration lines; may be NULL; copied.
 */
void event_answer(struct event_request *request, struct event_listener *listener, enum event_vote vote,
                  const char *text);

/** event_note - text that goes with the vote which the listener is about to return from handle(). */
void event_note(struct event_request *request, const char *text);

/** event_type_name - the option that it belongs to ("client-connect"), for labels and log lines. */
const char *event_type_name(enum event_type type);

/** event_bus_latency - how long questions of @type took that somebody voted on. Valid as long as the bus. */
const struct histogram *event_bus_latency(const struct event_bus *bus, enum event_type type);

/** event_bus_rejections - how many of them were refused. */
uint64_t event_bus_rejections(const struct event_bus *bus, enum event_type type);

/** event_pending - pass "your login waits for METHOD" to the asker. Return: false when the peer cannot do that; the
 *  listener then rejects. */
bool event_pending(struct event_request *request, unsigned timeout_s, const char *method, const char *extra);

#endif
