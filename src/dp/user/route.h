/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_ROUTE_H
#define VPND_DP_USER_ROUTE_H

/*
 * Which peer an inner address belongs to: host addresses and networks in tun mode, MAC and VLAN in tap mode, in one
 * hash table. A lookup of an address tries the prefix lengths that are in use, longest first.
 */
#include "base/list.h"
#include "dp/dp.h"
#include "dp/user/table.h"

struct peer;

#define ROUTE_KEY_MAX 18

/** One route. Published; freed after a grace period. What a lookup reads is one cache line. */
struct route {
    struct table_node node;
    struct peer *_Atomic peer;
    _Atomic uint32_t last_used;   /* monotonic seconds */
    _Atomic uint32_t last_source; /* learnt: when its peer last sent from it */
    bool learnt;
    uint8_t key_len;
    uint8_t key[ROUTE_KEY_MAX];   /* kind or family, then bits and address, or VLAN and MAC */
    struct list of_peer;          /* in peer->routes; under the lock */
    struct rcu_item rcu;
};

struct route_table {
    struct table table;
    uint32_t lengths[2][129];           /* networks in use by family and prefix length; under the lock */
    _Atomic uint64_t used4;             /* bit set of lengths 0..32 with networks */
    _Atomic uint64_t used6[3];          /* ... 0..128 */
};

/** route_table_init - empty. */
void route_table_init(struct route_table *routes, struct rcu_domain *rcu);

/** route_table_free - release everything; no reader is left. */
void route_table_free(struct route_table *routes);

/** route_set - lead @route to @peer, taking it over from another peer. Under the lock.
 *  @previous: set to the peer that had it, or NULL. Return: 0 or ERR_LIMIT (@limit addresses a peer). */
int route_set(struct route_table *routes, const struct dp_route *route, struct peer *peer, bool learnt, unsigned limit,
              uint32_t now_s, struct peer **previous);

/** route_clear - remove @route if it leads to @peer. Under the lock. Return: 0 or ERR_NOT_FOUND. */
int route_clear(struct route_table *routes, const struct dp_route *route, const struct peer *peer);

/** route_drop - unlink one route and release it after a grace period. Under the lock. */
void route_drop(struct route_table *routes, struct route *route);

/** route_describe - the public form of a route. */
void route_describe(const struct route *route, struct dp_route *out);

/** route_find_ip - peer that the address (4 or 16 bytes) leads to, or NULL. Worker. */
struct peer *route_find_ip(const struct route_table *routes, const uint8_t *address, unsigned version, uint32_t now_s);

/** Destination of a packet that was read ahead. */
struct route_target {
    const uint8_t *address; /* 4 or 16 bytes */
    unsigned version;
};

#define ROUTE_PREFETCH_MAX 16

/** route_many - whether the table is too large to stay in the cache, so that route_prefetch() pays. Worker. */
bool route_many(const struct route_table *routes);

/** route_prefetch - begin to fetch what route_find_ip() of @n targets (at most ROUTE_PREFETCH_MAX) and sending to the
 *  peers will read: the chains of pointers of all of them are followed side by side. Worker. */
void route_prefetch(const struct route_table *routes, const struct route_target *targets, unsigned n);

/** route_find_mac - route of a MAC and VLAN, or NULL. Worker. */
struct route *route_find_mac(const struct route_table *routes, const uint8_t mac[6], uint16_t vlan);

/** route_touch - note that a route was used. Worker. */
static inline void route_touch(struct route *route, uint32_t now_s)
{
    if (atomic_load_explicit(&route->last_used, memory_order_relaxed) != now_s) {
        atomic_store_explicit(&route->last_used, now_s, memory_order_relaxed);
    }
}

#endif
