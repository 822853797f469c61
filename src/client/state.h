/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_STATE_H
#define VPND_CLIENT_STATE_H

/*
 * The client as a whole: what its parts share. For the modules that carry a
 * connection through its life; the modules that do one thing (link, tunnel, remotes, ...) do not know it. Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "client/attempt.h"
#include "client/client.h"
#include "client/credentials.h"
#include "client/management.h"
#include "client/proxy_ask.h"
#include "client/pull.h"
#include "client/remotes.h"
#include "client/restart.h"
#include "client/tunnel.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"
#include "mgmt/status.h"
#include "node/lifecycle.h"
#include "node/loop.h"
#include "session/ratelimit.h"

struct job;
struct dns;
struct journal;
struct kill_switch;
struct mgmt;
struct client_metrics;
struct preresolve;
struct external;
struct race;
struct roaming;
struct plugins;
struct scripts;
struct successor;
struct tls_setup;

/** How the current connection ends, once that is decided. */
struct client_ending {
    bool active;                 /* closing is under way */
    bool interrupted;            /* a management client was being asked something */
    bool notified_once;          /* the exit notification needs no repetition */
    struct loop_signal_info signal;
    unsigned notify_left;        /* seconds of exit notification still to wait */
};

/** What the next pause has to know of the last end. */
struct client_retry {
    bool poll_timeout;
    unsigned server_backoff;
    unsigned at_least;
};

/** Who waits for the answer of a management client; one at a time. */
struct client_asked {
    void (*login)(struct client *c);
    void (*passphrase)(struct client *c, const char *passphrase);
    void (*certificate)(struct client *c, const char *pem);
    void (*proxy_login)(struct client *c, const char *username, const char *password);
    void (*remote)(struct client *c, enum management_remote what);
};

/** Packets of the tunnel's own connection that came back out of it (loop_guard.h). */
struct client_guard {
    struct loop_timer *timer;
    uint64_t dropped;
};

/** What a server may do to us in how much time. */
struct client_limits {
    struct ratelimit messages;  /* control messages of any kind */
    struct ratelimit questions; /* those that bother a person */
};

/** Connections besides the one in charge, and what begins them. */
struct client_parallel {
    struct race *race;
    struct successor *successor; /* second connection that may take over */
    struct roaming *roaming;
    struct loop_timer *udp_timer; /* when to look whether UDP works again */
};

struct client {
    const struct config *config;     /* as configured */
    const char *title;               /* of --version */
    struct loop *loop;
    struct lifecycle *life;
    struct event_bus *events;
    struct scripts *scripts;
    struct plugins *plugins;         /* NULL: none */
    struct mgmt *mgmt;               /* NULL: not configured */
    struct client_metrics *metrics;
    struct client_asked asked;
    void (*unlocked)(struct client *c); /* goes on with the private key */
    struct external *external;       /* management-external-key; NULL: not used */
    enum config_auth_retry auth_retry; /* as configured, until management changes it */
    struct env env;                  /* of the user's programs */
    struct rtnl *nl;
    struct journal *journal;
    struct dns *dns;                 /* helper for name resolution; NULL: none */
    struct kill_switch *kill_switch; /* NULL: not configured */
    struct credentials *credentials;
    struct proxy_ask proxy;
    struct restart_policy policy;

    struct tls_setup *tls;           /* owned by @keys */
    struct settings_keys *keys;
    struct dp *dp;
    struct remotes remotes;
    struct attempt_addresses *addresses; /* by entry */
    struct preresolve *preresolve;   /* under way; NULL otherwise */
    struct tunnel *tunnel;
    struct config *tunnel_config;    /* clone that the open tunnel was made from; may be the attempt's */
    void (*early_ready)(struct client *c); /* point-to-point: the device is open */
    struct pull_print tunnel_print;  /* of the reply that the open tunnel was made from */

    struct list attempts;            /* all of them, for the events of the data plane */
    uint32_t peer_handles;           /* last one given to a link */
    struct attempt *attempt;         /* the one in charge; NULL between attempts and while remotes race */
    struct client_parallel parallel;
    struct client_guard guard;
    struct client_limits limits;
    struct client_ending ending;
    struct client_retry retry;
    struct job *question;            /* a person is being asked */
    struct loop_timer *wait;         /* pause, resolv-retry, device reopening: one of them at a time */
    struct event_request *announcing; /* the ipchange program runs */
    void (*announced)(struct client *c); /* what waits for its end; NULL nothing */
    bool pausing;                    /* @wait is the pause between attempts */
    struct loop_timer *session_timer; /* session-timeout */
    struct loop_timer *notify_timer;
    struct loop_timer *hourly;       /* certificates and CRL */
    struct loop_timer *status_timer;
    struct status_file status_file;
    uint64_t connected_unix;
    int exit_code;
    bool again;                      /* SIGHUP: start over */
};

/** client_announce - tell listeners (management, scripts) a state: "CONNECTING", detail or "". */
void client_announce(struct client *c, const char *state, const char *detail);

/** client_unlock_key - @then goes on once the private key is loaded; management is asked for its pass phrase if need be. */
void client_unlock_key(struct client *c, void (*then)(struct client *c));

/** client_fail - raise the restart for @reason. */
void client_fail(struct client *c, enum restart_reason reason);

/** client_fatal - one error line was logged: close everything and end with status 1. */
void client_fatal(struct client *c);

/** client_reporter - messages of the configuration's parser go to the log. */
const struct config_reporter *client_reporter(void);

#endif
