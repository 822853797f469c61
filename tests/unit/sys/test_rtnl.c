/* SPDX-License-Identifier: MIT */
#include "sys/rtnl.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include "netns.h"

static struct rtnl *setup(void)
{
    struct rtnl *nl = NULL;
    cr_assert(shell("ip link add va type veth peer name vb"));
    cr_assert_eq(rtnl_open(&nl), 0);
    return nl;
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;
    cr_assert_eq(ip_parse(text, &out), 0, "%s", text);
    return out;
}

static struct ip_prefix net(const char *text)
{
    struct ip_prefix out;
    cr_assert_eq(prefix_parse(text, &out), 0, "%s", text);
    return out;
}

static uint32_t index_of(struct rtnl *nl, const char *name)
{
    struct rtnl_link link;
    cr_assert_eq(rtnl_link_find(nl, name, &link), 0);
    return link.index;
}

Test(rtnl, link_properties)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    struct rtnl_link link;
    cr_assert_eq(rtnl_link_find(nl, "va", &link), 0);
    cr_assert_str_eq(link.name, "va");
    cr_assert(link.has_mac);
    cr_assert_not(link.flags & IFF_UP);
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
    cr_assert_eq(rtnl_link_set_mtu(nl, link.index, 1400), 0);
    cr_assert_eq(rtnl_link_set_mac(nl, link.index, mac), 0);
    cr_assert_eq(rtnl_link_set_queue_len(nl, link.index, 77), 0);
    cr_assert_eq(rtnl_link_set_up(nl, link.index, true), 0);
    cr_assert_eq(rtnl_link_get(nl, link.index, &link), 0);
    cr_assert_eq(link.mtu, 1400);
    cr_assert_eq(link.tx_queue_len, 77);
    cr_assert_arr_eq(link.mac, mac, 6);
    cr_assert(link.flags & IFF_UP);
    cr_assert_eq(rtnl_link_find(nl, "nothing", &link), -ENODEV);
    cr_assert_eq(rtnl_link_del(nl, index_of(nl, "va")), 0);
    cr_assert_eq(rtnl_link_find(nl, "vb", &link), -ENODEV);
    rtnl_close(nl);
}

Test(rtnl, bridge_membership)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    if (!shell("ip link add br0 type bridge 2>/dev/null")) {
        cr_skip_test("kernel without bridges");
    }
    struct rtnl_link link;
    uint32_t bridge = index_of(nl, "br0");
    cr_assert_eq(rtnl_link_set_master(nl, index_of(nl, "va"), bridge), 0);
    cr_assert_eq(rtnl_link_find(nl, "va", &link), 0);
    cr_assert_eq(link.master, bridge);
    cr_assert_eq(rtnl_link_set_master(nl, link.index, 0), 0);
    cr_assert_eq(rtnl_link_find(nl, "va", &link), 0);
    cr_assert_eq(link.master, 0);
    rtnl_close(nl);
}

Test(rtnl, addresses_in_both_forms)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    uint32_t va = index_of(nl, "va");
    struct rtnl_addr prefix = {.ifindex = va, .local = ip("10.8.0.1"), .bits = 24, .broadcast = true};
    struct rtnl_addr peer = {.ifindex = va, .local = ip("10.9.0.1"), .peer = ip("10.9.0.2"), .bits = 32};
    struct rtnl_addr six = {.ifindex = va, .local = ip("fd00:8::1"), .bits = 64};
    cr_assert_eq(rtnl_addr_add(nl, &prefix), 0);
    cr_assert_eq(rtnl_addr_add(nl, &prefix), 0, "adding again only refreshes");
    cr_assert_eq(rtnl_addr_add(nl, &peer), 0);
    cr_assert_eq(rtnl_addr_add(nl, &six), 0);
    cr_assert(shell("ip -4 addr show dev va | grep -q 'inet 10.8.0.1/24 brd 10.8.0.255'"));
    cr_assert(shell("ip -4 addr show dev va | grep -q 'inet 10.9.0.1 peer 10.9.0.2/32'"));
    cr_assert(shell("ip -6 addr show dev va | grep 'inet6 fd00:8::1/64' | grep -q nodad"));
    cr_assert_eq(rtnl_addr_del(nl, &peer), 0);
    cr_assert_eq(rtnl_addr_del(nl, &peer), -EADDRNOTAVAIL);
    cr_assert_eq(rtnl_addr_del(nl, &six), 0);
    rtnl_close(nl);
}

static void count_addr(const struct rtnl_addr *addr, void *arg)
{
    (void)addr;
    (*(unsigned *)arg)++;
}

Test(rtnl, address_walk_filters)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    struct rtnl_addr a = {.ifindex = index_of(nl, "va"), .local = ip("10.8.0.1"), .bits = 24};
    struct rtnl_addr b = {.ifindex = index_of(nl, "vb"), .local = ip("10.8.1.1"), .bits = 24};
    struct rtnl_addr c = {.ifindex = index_of(nl, "vb"), .local = ip("fd00::1"), .bits = 64};
    cr_assert_eq(rtnl_addr_add(nl, &a) | rtnl_addr_add(nl, &b) | rtnl_addr_add(nl, &c), 0);
    unsigned n = 0;
    cr_assert_eq(rtnl_addr_each(nl, b.ifindex, AF_UNSPEC, count_addr, &n), 0);
    cr_assert_eq(n, 2);
    n = 0;
    cr_assert_eq(rtnl_addr_each(nl, 0, AF_INET, count_addr, &n), 0);
    cr_assert_eq(n, 3, "two and the loopback's: %u", n);
    rtnl_close(nl);
}

Test(rtnl, routes_are_added_once_and_removed_exactly)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    cr_assert(shell("ip addr add 10.99.0.2/24 dev va && ip link set va up && ip link set vb up"));
    struct rtnl_route route = {
        .dst = net("192.0.2.0/24"), .gateway = ip("10.99.0.1"), .metric = RTNL_METRIC_NONE};
    cr_assert_eq(rtnl_route_add(nl, &route), 0, "%s", rtnl_error_text(nl));
    cr_assert_eq(rtnl_route_add(nl, &route), -EEXIST);
    cr_assert(shell("ip route show 192.0.2.0/24 | grep -q 'via 10.99.0.1 dev va'"));
    struct rtnl_route other = route;
    other.metric = 50;
    cr_assert_eq(rtnl_route_add(nl, &other), 0);
    cr_assert_eq(rtnl_route_del(nl, &other), 0);
    cr_assert(shell("ip route show 192.0.2.0/24 | grep -q 'via 10.99.0.1'"));
    cr_assert_eq(rtnl_route_del(nl, &route), 0);
    cr_assert_eq(rtnl_route_del(nl, &route), -ESRCH);

    struct rtnl_route table = {.dst = net("198.51.100.0/24"), .ifindex = index_of(nl, "va"),
                               .metric = RTNL_METRIC_NONE, .table = 1000};
    cr_assert_eq(rtnl_route_add(nl, &table), 0);
    cr_assert(shell("ip route show table 1000 | grep -q '198.51.100.0/24 dev va'"));
    cr_assert_eq(rtnl_route_del(nl, &table), 0);

    struct rtnl_route far = {.dst = net("198.51.100.0/24"), .gateway = ip("172.31.0.1"), .metric = RTNL_METRIC_NONE};
    cr_assert_eq(rtnl_route_add(nl, &far), -ENETUNREACH);
    cr_assert_neq(rtnl_error_text(nl)[0], '\0');
    rtnl_close(nl);
}

static void find_via(const struct rtnl_route *route, void *arg)
{
    struct rtnl_route *out = arg;
    if (route->dst.bits == 24 && route->gateway.family == AF_INET6) {
        *out = *route;
    }
}

Test(rtnl, ipv4_route_with_ipv6_gateway)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    cr_assert(shell("ip -6 addr add fd00::2/64 dev va nodad && ip link set va up && ip link set vb up"));
    struct rtnl_route route = {.dst = net("192.0.2.0/24"), .gateway = ip("fd00::1"), .ifindex = index_of(nl, "va"),
                               .metric = RTNL_METRIC_NONE};
    cr_assert_eq(rtnl_route_add(nl, &route), 0, "%s", rtnl_error_text(nl));
    struct rtnl_route seen = {0};
    cr_assert_eq(rtnl_route_each(nl, AF_INET, 0, find_via, &seen), 0);
    cr_assert(ip_equal(&seen.gateway, &route.gateway));
    cr_assert_eq(rtnl_route_del(nl, &seen), 0);
    rtnl_close(nl);
}

Test(rtnl, ipv6_routes)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    cr_assert(shell("ip -6 addr add fd00::2/64 dev va nodad && ip link set va up && ip link set vb up"));
    struct rtnl_route half = {.dst = net("2000::/4"), .ifindex = index_of(nl, "va"), .metric = RTNL_METRIC_NONE};
    cr_assert_eq(rtnl_route_add(nl, &half), 0);
    cr_assert(shell("ip -6 route show 2000::/4 | grep -q 'dev va'"));
    struct rtnl_route host = {.dst = net("2001:db8::1/128"), .gateway = ip("fd00::1"), .ifindex = half.ifindex,
                              .metric = 1};
    cr_assert_eq(rtnl_route_add(nl, &host), 0);
    cr_assert(shell("ip -6 route show 2001:db8::1 | grep -q 'via fd00::1 dev va .*metric 1 '"));
    cr_assert_eq(rtnl_route_del(nl, &host), 0);
    cr_assert_eq(rtnl_route_del(nl, &half), 0);
    rtnl_close(nl);
}

Test(rtnl, lookup_and_gateway)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    struct ip_addr any4 = ip("0.0.0.0");
    struct ip_addr any6 = ip("::");
    struct ip_addr target = ip("203.0.113.5");
    struct rtnl_hop hop;
    struct rtnl_gateway gateway;
    cr_assert_eq(rtnl_gateway_for(nl, &any4, &gateway), -ENETUNREACH);
    cr_assert_eq(rtnl_route_lookup(nl, &target, 0, &hop), -ENETUNREACH);
    cr_assert(shell("ip addr add 10.99.0.2/24 dev va && ip link set va up && ip link set vb up &&"
                    "ip addr add 10.98.0.2/24 dev vb &&"
                    "ip route add default via 10.98.0.1 metric 200 && ip route add default via 10.99.0.1 metric 100 &&"
                    "ip -6 addr add fd00::2/64 dev va nodad && ip -6 route add default via fd00::1"));
    cr_assert_eq(rtnl_gateway_for(nl, &any4, &gateway), 0);
    cr_assert_str_eq(gateway.hop.ifname, "va");
    struct ip_addr expected = ip("10.99.0.1");
    cr_assert(ip_equal(&gateway.hop.gateway, &expected));
    cr_assert_eq(gateway.link_net.bits, 24);
    cr_assert(gateway.has_mac);
    expected = ip("10.99.0.2");
    cr_assert(ip_equal(&gateway.link_addr, &expected));
    cr_assert_eq(rtnl_gateway_for(nl, &any6, &gateway), 0);
    expected = ip("fd00::1");
    cr_assert(ip_equal(&gateway.hop.gateway, &expected));
    cr_assert_eq(rtnl_route_lookup(nl, &target, 0, &hop), 0);
    cr_assert_str_eq(hop.ifname, "va");
    expected = ip("10.99.0.2");
    cr_assert(ip_equal(&hop.source, &expected));
    struct ip_addr near = ip("10.99.0.77");
    cr_assert_eq(rtnl_route_lookup(nl, &near, 0, &hop), 0);
    cr_assert_eq(hop.gateway.family, AF_UNSPEC);
    struct ip_addr own = ip("10.99.0.2");
    cr_assert_eq(rtnl_route_lookup(nl, &own, 0, &hop), 0);
    cr_assert(hop.local);
    rtnl_close(nl);
}

static void count_route(const struct rtnl_route *route, void *arg)
{
    (void)route;
    (*(unsigned *)arg)++;
}

Test(rtnl, many_routes_fit_the_dump)
{
    NETNS_OR_SKIP();
    struct rtnl *nl = setup();
    cr_assert(shell("ip link set va up"));
    struct rtnl_route route = {.ifindex = index_of(nl, "va"), .metric = RTNL_METRIC_NONE};
    for (uint32_t i = 0; i < 2000; i++) {
        struct ip_addr host = ip4_from_u32(0x0A100000u + i);
        route.dst = prefix_make(&host, 32);
        cr_assert_eq(rtnl_route_add(nl, &route), 0);
    }
    unsigned n = 0;
    cr_assert_eq(rtnl_route_each(nl, AF_INET, 0, count_route, &n), 0);
    cr_assert_eq(n, 2000);
    rtnl_close(nl);
}

struct seen {
    bool link;
    bool addr;
    bool route;
    bool route_gone;
};

static void note(const struct rtnl_change *change, void *arg)
{
    struct seen *seen = arg;
    seen->link |= change->type == RTNL_CHANGE_LINK && strcmp(change->link.name, "va") == 0;
    seen->addr |= change->type == RTNL_CHANGE_ADDR && change->addr.bits == 24;
    if (change->type == RTNL_CHANGE_ROUTE && change->route.dst.bits == 0) {
        seen->route |= !change->removed;
        seen->route_gone |= change->removed;
    }
}

Test(rtnl, monitor_sees_changes)
{
    NETNS_OR_SKIP();
    struct rtnl_monitor *monitor = NULL;
    cr_assert_eq(rtnl_monitor_open(&monitor), 0);
    cr_assert(shell("ip link add va type veth peer name vb && ip addr add 10.99.0.2/24 dev va && ip link set va up &&"
                    "ip route add default via 10.99.0.1 && ip route del default"));
    struct seen seen = {0};
    struct pollfd wait = {.fd = rtnl_monitor_fd(monitor), .events = POLLIN};
    while (!(seen.link && seen.addr && seen.route && seen.route_gone)) {
        cr_assert_eq(poll(&wait, 1, 5000), 1, "nothing more came");
        cr_assert_eq(rtnl_monitor_drain(monitor, note, &seen), 0);
    }
    rtnl_monitor_close(monitor);
}
