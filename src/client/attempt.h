/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_ATTEMPT_H
#define VPND_CLIENT_ATTEMPT_H

/*
 * One try to reach one server, from its name to the end of its link. Several may live side by side: remotes that race
 * each other (race.h), a second connection next to the one in use (successor.h). Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "client/link.h"
#include "client/pull.h"
#include "client/resolve.h"
#include "client/restart.h"

struct attempt;
struct auth_peer;
struct client;
struct config;
struct env;

/** Addresses that a name gave. */
struct attempt_addresses {
    union addr list[RESOLVE_ADDRESSES_MAX];
    size_t count;
};

/** What an attempt tells whoever is in charge of it. None may free it: do that in a later turn. NULL: not interested. */
struct attempt_events {
    /** The server's name gave addresses (client.addresses of the entry). */
    void (*resolved)(struct attempt *a);
    /** First valid packet of the server. */
    void (*started)(struct attempt *a);
    /** The first key exchange is complete. */
    void (*active)(struct attempt *a);
    /** A control message. */
    void (*message)(struct attempt *a, const char *text);
    /** It is over (logged unless @quiet). */
    void (*failed)(struct attempt *a, enum restart_reason reason);
    /** The server is reached at another address. */
    void (*moved)(struct attempt *a);
};

struct attempt {
    struct client *client;
    const struct attempt_events *events;
    void *owner;                 /* of @events */
    size_t entry;                /* index in the configuration's list */
    size_t address;              /* index in the entry's addresses */
    bool quiet;                  /* say nothing until it is of use */
    struct config *config;       /* clone with the entry on top; pushed options are applied to it */
    char *host;                  /* name that was looked up last */
    struct resolve *resolve;
    bool asking;                 /* the kill switch is open for a lookup */
    struct loop_timer *again;    /* resolv-retry */
    uint64_t resolve_since;      /* mono_ms of the first lookup */
    struct attempt_addresses proxy;
    union addr local;            /* AF_UNSPEC: not looked up */
    struct link *link;
    struct auth_peer *peer;      /* of the link's session */
    struct pull pull;
    bool refused;                /* AUTH_FAILED came */
    bool up;                     /* "Initialization Sequence Completed" */
    struct list node;            /* in client.attempts */
};

/** attempt_new - for entry @entry and its address number @address; nothing happens before attempt_begin(). */
struct attempt *attempt_new(struct client *client, size_t entry, size_t address, bool quiet);

/** attempt_begin - look names up, then make the link. Events may come before this returns, except resolved and
 *  everything about the link. */
void attempt_begin(struct attempt *a, const struct attempt_events *events, void *owner);

/** attempt_adopt - somebody else is in charge from now on. */
void attempt_adopt(struct attempt *a, const struct attempt_events *events, void *owner);

/** attempt_free - end it at once. Its configuration stays while the tunnel needs it. NULL is fine. */
void attempt_free(struct attempt *a);

/** attempt_export_remote - set untrusted_ip or untrusted_ip6, and untrusted_port. */
void attempt_export_remote(const struct attempt *a, struct env *env);

/** attempt_is_tcp - by its entry. */
bool attempt_is_tcp(const struct attempt *a);

#endif
