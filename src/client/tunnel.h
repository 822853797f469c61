/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_TUNNEL_H
#define VPND_CLIENT_TUNNEL_H

/*
 * The inside of the connection: device, addresses, name resolution, routes and the user's programs around them,
 * brought up and taken down in OpenVPN's order (client behaviour spec, 4, 5 and 7). It may outlive a connection
 * (persist-tun). Programs, host names in routes and route-delay make it wait; it never blocks. Loop thread only.
 */
#include <stdbool.h>

#include "base/addr.h"
#include "dp/dp.h"
#include "node/loop.h"
#include "sys/rtnl.h"

struct config;
struct dns;
struct env;
struct event_bus;
struct journal;
struct kill_switch;
struct tunnel;

/** What a tunnel works with for its whole life; borrowed. */
struct tunnel_tools {
    struct loop *loop;
    struct dp *dp;
    struct rtnl *nl;
    struct event_bus *events;
    struct env *env;         /* grows by the variables of the tunnel */
    struct journal *journal; /* for routes; NULL none */
    struct dns *dns;         /* applies DNS settings; NULL none */
    struct kill_switch *kill_switch; /* learns the device's name; NULL none */
};

enum tunnel_result {
    TUNNEL_OK,
    TUNNEL_ROUTE_ERRORS, /* up, but some routes could not be set */
    TUNNEL_REFUSED,      /* what the server gave would break the host's own network; logged, nothing is open */
    TUNNEL_FAILED,       /* fatal, logged: no device, or the `up` program refused */
};

/** tunnel_new - nothing is open. */
struct tunnel *tunnel_new(const struct tunnel_tools *tools);

/** tunnel_free - what is still open is closed without running programs. NULL is fine. */
void tunnel_free(struct tunnel *t);

/** What one connection asks of the tunnel; pointers are borrowed until the next tunnel_up(). */
struct tunnel_request {
    const struct config *config; /* with pushed options applied */
    unsigned mtu;                /* of the device; 0: tun-mtu of @config */
    struct ip_addr remote;       /* outer address of the server; may be unset */
    bool device_only;            /* point-to-point before the peer answered: no routes yet */
};

/**
 * tunnel_up - open what is not open yet, then call @done in this or a later turn
 * With a device that stayed open (persist-tun), only programs and DNS are run again.
 */
void tunnel_up(struct tunnel *t, const struct tunnel_request *request,
               void (*done)(void *arg, enum tunnel_result result), void *arg);

/**
 * tunnel_down - undo tunnel_up(), or interrupt it; then call @done in this or a later turn
 * @signal: value of the `signal` variable
 * @keep:   persist-tun: device, addresses and routes stay
 */
void tunnel_down(struct tunnel *t, const char *signal, bool keep, void (*done)(void *arg), void *arg);

/** tunnel_is_busy - tunnel_up() or tunnel_down() is under way. */
bool tunnel_is_busy(const struct tunnel *t);

/** tunnel_is_open - the device is there. */
bool tunnel_is_open(const struct tunnel *t);

/** tunnel_device_name - "tun0", or "" while closed. */
const char *tunnel_device_name(const struct tunnel *t);

/** tunnel_device_index - its interface index, 0 while closed. */
uint32_t tunnel_device_index(const struct tunnel *t);

/** tunnel_network_changed - the host's routes changed: the route to the server follows. @remote: it may have
 *  another address now. */
void tunnel_network_changed(struct tunnel *t);

#endif
