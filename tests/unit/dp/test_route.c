/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "dp/user/peer.h"
#include "dp/user/route.h"

#define PEERS 20
#define NETWORKS 600
#define NO_LIMIT 100000

static struct rcu_domain rcu;
static struct route_table routes;
static struct peer *peers[PEERS];

static void setup(void)
{
    rcu_domain_init(&rcu);
    cr_assert_eq(rcu_domain_start(&rcu), 0);
    route_table_init(&routes, &rcu);
    for (unsigned i = 0; i < PEERS; i++) {
        peers[i] = mem_aligned(64, sizeof(struct peer));
        peers[i]->id = i;
        list_init(&peers[i]->routes);
    }
}

static void teardown(void)
{
    rcu_domain_stop(&rcu);
    route_table_free(&routes);
    for (unsigned i = 0; i < PEERS; i++) {
        free(peers[i]);
    }
}

TestSuite(route, .init = setup, .fini = teardown);

static struct dp_route network(const char *text)
{
    struct dp_route r = {0};
    cr_assert_eq(prefix_parse(text, &r.net), 0, "%s", text);
    return r;
}

static int add(const char *text, unsigned peer)
{
    struct dp_route r = network(text);
    struct peer *previous;
    return route_set(&routes, &r, peers[peer], false, NO_LIMIT, 1, &previous);
}

static int at(const char *text)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse(text, &ip), 0);
    struct peer *p = route_find_ip(&routes, ip.bytes, ip.family == AF_INET ? 4 : 6, 1);
    return p ? (int)p->id : -1;
}

Test(route, longest_prefix_wins)
{
    cr_assert_eq(at("10.0.0.1"), -1);
    cr_assert_eq(add("0.0.0.0/0", 1), 0);
    cr_assert_eq(add("10.0.0.0/8", 2), 0);
    cr_assert_eq(add("10.1.2.0/23", 3), 0);
    cr_assert_eq(add("10.1.2.3/32", 4), 0);
    cr_assert_eq(add("fd00::/8", 5), 0);
    cr_assert_eq(add("fd00:1::/33", 6), 0);
    cr_assert_eq(add("fd00:1::7/128", 7), 0);
    cr_assert_eq(at("192.0.2.1"), 1);
    cr_assert_eq(at("10.200.0.1"), 2);
    cr_assert_eq(at("10.1.3.255"), 3);
    cr_assert_eq(at("10.1.4.0"), 2);
    cr_assert_eq(at("10.1.2.3"), 4);
    cr_assert_eq(at("fd00:1:8000::1"), 5);
    cr_assert_eq(at("fd00:1:7fff::1"), 6);
    cr_assert_eq(at("fd00:1::7"), 7);
    cr_assert_eq(at("fe80::1"), -1, "no IPv6 default route");
    struct dp_route host = network("10.1.2.3/32");
    cr_assert_eq(route_clear(&routes, &host, peers[5]), ERR_NOT_FOUND, "it is another peer's");
    cr_assert_eq(route_clear(&routes, &host, peers[4]), 0);
    cr_assert_eq(at("10.1.2.3"), 3);
}

Test(route, takes_over_and_counts)
{
    struct dp_route r = network("10.0.0.0/8");
    struct peer *previous = peers[0];
    cr_assert_eq(route_set(&routes, &r, peers[1], false, 1, 1, &previous), 0);
    cr_assert_null(previous);
    cr_assert_eq(route_set(&routes, &r, peers[2], false, 1, 1, &previous), 0);
    cr_assert_eq(previous, peers[1]);
    cr_assert_eq(peers[1]->route_count, 0);
    cr_assert_eq(peers[2]->route_count, 1);
    cr_assert_eq(route_set(&routes, &r, peers[2], false, 1, 1, &previous), 0, "again is no more");
    r = network("11.0.0.0/8");
    cr_assert_eq(route_set(&routes, &r, peers[2], false, 1, 1, &previous), ERR_LIMIT);
    cr_assert_eq(at("11.0.0.1"), -1);
}

Test(route, macs_by_vlan)
{
    struct dp_route r = {.is_mac = true, .mac = {2, 0, 0, 0, 0, 1}, .vlan = 5};
    struct peer *previous;
    cr_assert_eq(route_set(&routes, &r, peers[3], true, NO_LIMIT, 1, &previous), 0);
    cr_assert_null(route_find_mac(&routes, r.mac, 0));
    struct route *found = route_find_mac(&routes, r.mac, 5);
    cr_assert_not_null(found);
    cr_assert_eq(atomic_load(&found->peer), peers[3]);
    struct dp_route back;
    route_describe(found, &back);
    cr_assert(back.is_mac && back.vlan == 5);
    cr_assert_arr_eq(back.mac, r.mac, 6);
}

/* Random networks against looking at all of them; also makes the table grow and shrink. */
struct naive {
    struct dp_route route;
    int peer; /* -1: not there */
};

static bool contains(const struct ip_prefix *net, const uint8_t *address)
{
    for (unsigned bit = 0; bit < net->bits; bit++) {
        unsigned mask = 0x80u >> bit % 8;
        if ((net->addr.bytes[bit / 8] ^ address[bit / 8]) & mask) {
            return false;
        }
    }
    return true;
}

static int naive_find(const struct naive *all, const uint8_t *address, sa_family_t family)
{
    int best = -1;
    int bits = -1;
    for (unsigned i = 0; i < NETWORKS; i++) {
        const struct ip_prefix *net = &all[i].route.net;
        if (all[i].peer >= 0 && net->addr.family == family && net->bits > bits && contains(net, address)) {
            best = all[i].peer;
            bits = net->bits;
        }
    }
    return best;
}

/* A network that is in the table already stands there under its first entry. */
static struct naive *entry_of(struct naive *all, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (memcmp(&all[k].route, &all[i].route, sizeof(all[i].route)) == 0) {
            return &all[k];
        }
    }
    return &all[i];
}

static void random_network(struct rand_seeded *r, struct dp_route *route)
{
    bool v6 = rand_below(&r->source, 3) == 0;
    *route = (struct dp_route){0};
    route->net.addr.family = v6 ? AF_INET6 : AF_INET;
    route->net.bits = (uint8_t)rand_below(&r->source, v6 ? 129 : 33);
    for (unsigned bit = 0; bit < route->net.bits; bit++) { /* few different bits, so that networks nest */
        if (bit % 8 >= 6 && rand_below(&r->source, 2)) {
            route->net.addr.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
        }
    }
}

Test(route, random_networks_against_a_list)
{
    static struct naive all[NETWORKS];
    struct rand_seeded r;
    rand_seeded_init(&r, 5);
    for (unsigned i = 0; i < NETWORKS; i++) {
        random_network(&r, &all[i].route);
        all[i].peer = -1;
    }
    for (unsigned step = 0; step < 6000; step++) {
        struct naive *n = entry_of(all, rand_below(&r.source, NETWORKS));
        struct peer *previous;
        if (n->peer < 0 || rand_below(&r.source, 3)) {
            unsigned peer = rand_below(&r.source, PEERS);
            cr_assert_eq(route_set(&routes, &n->route, peers[peer], false, NO_LIMIT, 1, &previous), 0);
            cr_assert_eq(previous ? (int)previous->id : -1, n->peer);
            n->peer = (int)peer;
        } else {
            cr_assert_eq(route_clear(&routes, &n->route, peers[n->peer]), 0);
            n->peer = -1;
        }
        struct dp_route probe;
        random_network(&r, &probe);
        struct peer *got = route_find_ip(&routes, probe.net.addr.bytes, probe.net.addr.family == AF_INET ? 4 : 6, 1);
        cr_assert_eq(got ? (int)got->id : -1, naive_find(all, probe.net.addr.bytes, probe.net.addr.family));
    }
}
