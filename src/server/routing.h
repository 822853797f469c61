/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_ROUTING_H
#define VPND_SERVER_ROUTING_H

/*
 * Which addresses lead to which client: what a client is given, what lies behind it, and what the data plane
 * learns on a tap device; each asked of learn-address first (spec: server behaviour, 5). Loop thread.
 */
#include <stdbool.h>

#include "base/hashmap.h"
#include "base/list.h"
#include "dp/dp.h"

struct instance;
struct routing_ask;
struct server;

/** One address or network and whose it is. */
struct routing_entry {
    struct hash_node node;
    struct list link;          /* of the client's addresses */
    struct dp_route route;
    struct instance *instance;
    struct routing_ask *ask;   /* learn-address has not answered yet */
    bool learnt;               /* tap: the data plane found it by itself */
    bool taken;                /* until learn-address agrees: from the client of the next two */
    uint32_t former_peer;
    uint64_t former_client;
};

/** routing_learn - @route leads to @instance from now on, if learn-address agrees; takes it from another client.
 *  @primary: the client's own address. */
void routing_learn(struct instance *instance, const struct dp_route *route, bool primary);

/** routing_learn_client - primary addresses and networks behind a client that was admitted. */
void routing_learn_client(struct instance *instance);

/** routing_replace_host - the client's own address changed: @from (unset: none) no longer leads to it, @to does; what
 *  learn-address says of @to comes later. */
void routing_replace_host(struct instance *instance, const struct ip_addr *from, const struct ip_addr *to);

/** routing_owner - whose own address or host route @addr is, NULL: nobody's. */
struct instance *routing_owner(const struct server *server, const struct ip_addr *addr);

/** routing_forget_client - the client is gone: learn-address `delete` for everything that led to it. */
void routing_forget_client(struct instance *instance);

/** routing_device_learnt - DP_EV_LEARNT: a MAC address was seen behind a client. */
void routing_device_learnt(struct server *server, const struct dp_event *event);

/** routing_device_forgot - DP_EV_FORGOTTEN. */
void routing_device_forgot(struct server *server, const struct dp_event *event);

/** routing_format - "10.8.0.6", "10.8.0.0/24" or "00:ff:...@0". Return: @out. */
const char *routing_format(const struct dp_route *route, char out[ADDR_TEXT_MAX]);

#endif
