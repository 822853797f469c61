/* SPDX-License-Identifier: MIT */
#include "dp/user/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "dp/user/peer.h"

#define KIND_IP4 4
#define KIND_IP6 6
#define KIND_MAC 1
#define MANY_BUCKETS 1024u

_Static_assert(offsetof(struct route, key) + ROUTE_KEY_MAX <= 64, "a lookup reads one line");

void route_table_init(struct route_table *routes, struct rcu_domain *rcu)
{
    memset(routes, 0, sizeof(*routes));
    table_init(&routes->table, rcu);
}

static void free_one(struct table_node *node, void *arg)
{
    (void)arg;
    free(container_of(node, struct route, node));
}

void route_table_free(struct route_table *routes)
{
    table_each(&routes->table, free_one, NULL);
    table_free(&routes->table);
}

/* ------------------------------------------------------------------ keys */

static unsigned ip_key(uint8_t key[ROUTE_KEY_MAX], const uint8_t *address, unsigned version, unsigned bits)
{
    unsigned len = version == 4 ? 4 : 16;
    key[0] = (uint8_t)version;
    key[1] = (uint8_t)bits;
    memset(key + 2, 0, len);
    memcpy(key + 2, address, bits / 8);
    if (bits % 8) {
        key[2 + bits / 8] = (uint8_t)(address[bits / 8] & 0xFF00u >> bits % 8);
    }
    return 2 + len;
}

static unsigned mac_key(uint8_t key[ROUTE_KEY_MAX], const uint8_t mac[6], uint16_t vlan)
{
    key[0] = KIND_MAC;
    key[1] = (uint8_t)(vlan >> 8);
    key[2] = (uint8_t)vlan;
    memcpy(key + 3, mac, 6);
    return 9;
}

static unsigned key_of(const struct dp_route *route, uint8_t key[ROUTE_KEY_MAX])
{
    if (route->is_mac) {
        return mac_key(key, route->mac, route->vlan);
    }
    return ip_key(key, route->net.addr.bytes, ip_len(&route->net.addr) == 4 ? 4 : 6, route->net.bits);
}

void route_describe(const struct route *route, struct dp_route *out)
{
    *out = (struct dp_route){.is_mac = route->key[0] == KIND_MAC};
    if (out->is_mac) {
        out->vlan = (uint16_t)(route->key[1] << 8 | route->key[2]);
        memcpy(out->mac, route->key + 3, 6);
    } else {
        out->net.addr.family = route->key[0] == KIND_IP4 ? AF_INET : AF_INET6;
        out->net.bits = route->key[1];
        memcpy(out->net.addr.bytes, route->key + 2, route->key_len - 2u);
    }
}

static struct route *find(const struct route_table *routes, const uint8_t *key, unsigned len)
{
    unsigned link;
    struct table_node *n = table_first(&routes->table, table_hash(&routes->table, key, len), &link);
    for (; n; n = table_next(n, link)) {
        struct route *r = container_of(n, struct route, node);
        if (r->key_len == len && memcmp(r->key, key, len) == 0) {
            return r;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ writers */

static void count_length(struct route_table *routes, const struct route *r, int change)
{
    if (r->key[0] == KIND_MAC) {
        return;
    }
    bool v6 = r->key[0] == KIND_IP6;
    unsigned bits = r->key[1];
    uint32_t *count = &routes->lengths[v6][bits];
    *count = (uint32_t)((int)*count + change);
    _Atomic uint64_t *used = v6 ? &routes->used6[bits / 64] : &routes->used4;
    uint64_t bit = UINT64_C(1) << bits % 64;
    if (*count) {
        atomic_fetch_or(used, bit);
    } else {
        atomic_fetch_and(used, ~bit);
    }
}

int route_set(struct route_table *routes, const struct dp_route *route, struct peer *peer, bool learnt, unsigned limit,
              uint32_t now_s, struct peer **previous)
{
    uint8_t key[ROUTE_KEY_MAX];
    unsigned len = key_of(route, key);
    struct route *r = find(routes, key, len);
    *previous = r ? atomic_load_explicit(&r->peer, memory_order_relaxed) : NULL;
    if (*previous == peer) {
        return 0;
    }
    if (peer->route_count >= limit) {
        return ERR_LIMIT;
    }
    if (r) {
        list_remove(&r->of_peer);
        (*previous)->route_count--;
        r->learnt = learnt;
        atomic_store_explicit(&r->last_source, now_s, memory_order_relaxed);
        atomic_store_explicit(&r->peer, peer, memory_order_release);
    } else {
        r = mem_aligned(64, sizeof(*r));
        memcpy(r->key, key, len);
        r->key_len = (uint8_t)len;
        r->learnt = learnt;
        atomic_init(&r->peer, peer);
        atomic_init(&r->last_used, now_s);
        atomic_init(&r->last_source, now_s);
        count_length(routes, r, 1);
        table_insert(&routes->table, &r->node, table_hash(&routes->table, key, len));
    }
    list_push(&peer->routes, &r->of_peer);
    peer->route_count++;
    return 0;
}

static void release(struct rcu_item *item)
{
    free(container_of(item, struct route, rcu));
}

void route_drop(struct route_table *routes, struct route *route)
{
    atomic_load_explicit(&route->peer, memory_order_relaxed)->route_count--;
    list_remove(&route->of_peer);
    table_remove(&routes->table, &route->node);
    count_length(routes, route, -1);
    rcu_domain_defer(routes->table.rcu, &route->rcu, release);
}

int route_clear(struct route_table *routes, const struct dp_route *route, const struct peer *peer)
{
    uint8_t key[ROUTE_KEY_MAX];
    unsigned len = key_of(route, key);
    struct route *r = find(routes, key, len);
    if (!r || atomic_load_explicit(&r->peer, memory_order_relaxed) != peer) {
        return ERR_NOT_FOUND;
    }
    route_drop(routes, r);
    return 0;
}

/* ------------------------------------------------------------------ lookups */

static struct peer *find_bits(const struct route_table *routes, const uint8_t *address, unsigned version,
                              unsigned bits, uint32_t now_s)
{
    uint8_t key[ROUTE_KEY_MAX];
    struct route *r = find(routes, key, ip_key(key, address, version, bits));
    if (!r) {
        return NULL;
    }
    route_touch(r, now_s);
    return atomic_load_explicit(&r->peer, memory_order_acquire);
}

struct peer *route_find_ip(const struct route_table *routes, const uint8_t *address, unsigned version, uint32_t now_s)
{
    unsigned words = version == 4 ? 1 : 3;
    for (unsigned w = words; w-- > 0;) {
        const _Atomic uint64_t *used = version == 4 ? &routes->used4 : &routes->used6[w];
        uint64_t lengths = atomic_load_explicit(used, memory_order_acquire);
        while (lengths) {
            unsigned bit = 63u - (unsigned)__builtin_clzll(lengths);
            struct peer *peer = find_bits(routes, address, version, w * 64 + bit, now_s);
            if (peer) {
                return peer;
            }
            lengths &= ~(UINT64_C(1) << bit);
        }
    }
    return NULL;
}

bool route_many(const struct route_table *routes)
{
    return atomic_load_explicit(&routes->table.buckets, memory_order_acquire)->mask >= MANY_BUCKETS - 1;
}

/* Of the longest prefixes in use: with many clients those are their addresses. */
static uint64_t likely_hash(const struct route_table *routes, const struct route_target *target)
{
    uint8_t key[ROUTE_KEY_MAX];
    unsigned bits = 0;
    for (unsigned word = target->version == 4 ? 1 : 3; word-- > 0 && !bits;) {
        const _Atomic uint64_t *used = target->version == 4 ? &routes->used4 : &routes->used6[word];
        uint64_t lengths = atomic_load_explicit(used, memory_order_relaxed);
        bits = lengths ? word * 64 + 63u - (unsigned)__builtin_clzll(lengths) : 0;
    }
    return table_hash(&routes->table, key, ip_key(key, target->address, target->version, bits));
}

void route_prefetch(const struct route_table *routes, const struct route_target *targets, unsigned n)
{
    const struct table_buckets *b = atomic_load_explicit(&routes->table.buckets, memory_order_acquire);
    uint64_t hash[ROUTE_PREFETCH_MAX];
    const struct peer *peer[ROUTE_PREFETCH_MAX];
    for (unsigned i = 0; i < n; i++) {
        hash[i] = likely_hash(routes, &targets[i]);
        __builtin_prefetch(&b->heads[hash[i] & b->mask]);
    }
    for (unsigned i = 0; i < n; i++) {
        __builtin_prefetch(atomic_load_explicit(&b->heads[hash[i] & b->mask], memory_order_acquire));
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned link;
        struct table_node *node = table_first(&routes->table, hash[i], &link);
        const struct route *route = node ? container_of(node, struct route, node) : NULL;
        peer[i] = route ? atomic_load_explicit(&route->peer, memory_order_acquire) : NULL;
        __builtin_prefetch(peer[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (peer[i]) {
            __builtin_prefetch(peer_tx_key(peer[i]));
            __builtin_prefetch(atomic_load_explicit(&peer[i]->path, memory_order_relaxed));
        }
    }
}

struct route *route_find_mac(const struct route_table *routes, const uint8_t mac[6], uint16_t vlan)
{
    uint8_t key[ROUTE_KEY_MAX];
    return find(routes, key, mac_key(key, mac, vlan));
}
