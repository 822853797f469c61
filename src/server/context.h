/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_CONTEXT_H
#define VPND_SERVER_CONTEXT_H

/*
 * What the parts of a running server share. Made and taken down by server.c; everything is for the loop thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/hashmap.h"
#include "base/list.h"
#include "hooks/env.h"
#include "mgmt/metrics.h"
#include "server/admission.h"
#include "server/instances.h"

struct auth_pam;
struct config;
struct device;
struct device_ask;
struct dp;
struct event_bus;
struct firewall;
struct held_config;
struct lifecycle;
struct mgmt;
struct housekeeping;
struct journal;
struct loop;
struct loop_timer;
struct plugins;
struct persist_writer;
struct pool;
struct port_share;
struct rtnl;
struct routes;
struct server_source;
struct shutdown;
struct scripts;
struct settings;
struct settings_keys;
struct server_metrics;
struct status;
struct tls_setup;
struct user_policy;

/** The server's own tunnel addresses, from `ifconfig` and `ifconfig-ipv6`. */
struct server_addresses {
    struct ip_addr local4;
    struct ip_addr netmask4;  /* subnet and tap; unset otherwise */
    struct ip_addr local6;
    unsigned bits6;
};

/** Sessions differ by transport and outer address family only. */
struct server_settings {
    struct tls_setup *setup;             /* owned by @keys */
    struct settings_keys *keys;
    struct settings *by_transport[2][2]; /* [tcp][outer IPv6] */
};

struct server {
    const struct config *config;         /* as at start: sockets, device, addresses */
    struct held_config *live;            /* the latest one: what may change under running clients */
    const struct server_source *source;
    struct lifecycle *life;
    struct loop *loop;
    struct dp *dp;
    struct rtnl *nl;
    struct device *device;
    struct routes *routes;
    struct journal *journal;             /* what a killed run would leave; NULL: nowhere to keep it */
    struct firewall *firewall;           /* NULL: nothing was set */
    struct event_bus *bus;
    struct env env;                      /* base and tunnel variables of every hook */
    struct server_addresses own;
    struct server_settings settings;
    struct user_policy *users;
    struct auth_pam *pam;                /* NULL: not configured */
    struct list listeners;
    struct port_share *port_share;       /* NULL: not configured */
    unsigned workers;                    /* of the data plane */
    struct scripts *scripts;
    struct plugins *plugins;             /* NULL: none */
    struct mgmt *mgmt;                   /* NULL: not configured */
    struct status *status;
    struct server_metrics *metrics;
    struct metrics_handshakes handshakes;
    struct housekeeping *housekeeping;
    struct admission admission;
    struct instances instances;
    struct hashmap routing;              /* struct routing_entry: who has which address */
    uint64_t full_until_ms;              /* no client has to be looked at for room; monotonic */
    struct list departing;               /* instances that wait for the data plane's last word */
    struct loop_timer *reaper;           /* instance_reap() */
    struct list waiting;                 /* connect stages that wait for an older client of the same name */
    struct pool *pool;                   /* NULL: no pool */
    struct persist_writer *persist;      /* NULL: addresses are not kept in a file */
    struct shutdown *shutdown;           /* NULL: running */
    struct device_ask *device_ask;       /* up, down ... has not answered; NULL: none is asked */
    bool up_ran;                         /* the hooks of the end are owed: down */
    bool route_up_ran;                   /* and route-pre-down */
    bool stopping;                       /* clients were told; nobody new is let in */
    int exit_status;
};

#endif
