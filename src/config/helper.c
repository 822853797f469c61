/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/arena.h"
#include "config/validate.h"

static void push(struct check *k, char *text)
{
    CONFIG_APPEND(k->c->arena, &k->c->push)->text = text;
}

static char *ip4_text(struct check *k, uint32_t address)
{
    char text[ADDR_TEXT_MAX];
    struct ip_addr ip = ip4_from_u32(address);
    return arena_strdup(k->c->arena, ip_format(&ip, text));
}

static struct ip_addr ip6_plus(const struct ip_prefix *net, unsigned n)
{
    struct ip_addr ip = net->addr;
    for (int i = 15; n && i >= 0; i--) {
        unsigned sum = ip.bytes[i] + (n & 0xFF);
        ip.bytes[i] = (uint8_t)sum;
        n = (n >> 8) + (sum >> 8);
    }
    return ip;
}

static void be_server(struct check *k)
{
    k->c->mode = CONFIG_MODE_SERVER;
    k->c->tls_server = true;
    enum config_proto *proto = &k->c->proto;
    if (*proto >= CONFIG_PROTO_TCP) {
        *proto = (enum config_proto)(*proto - CONFIG_PROTO_TCP + CONFIG_PROTO_TCP_SERVER);
    }
}

static void server_ipv6(struct check *k)
{
    struct config *c = k->c;
    if (c->server_ipv6.addr.family == AF_UNSPEC) {
        return;
    }
    if (check_given(k, CONFIG_OPT_client)) {
        check_error(k, "--server-ipv6 and --client cannot be used together");
    }
    if (c->server.nopool) {
        check_error(k, "--server-ipv6 is incompatible with 'nopool' option");
    }
    if (c->ifconfig_ipv6_pool.given) {
        check_error(k, "--server-ipv6 already defines an ifconfig-ipv6-pool, so you can't also specify --ifconfig-pool "
                       "explicitly");
    }
    be_server(k);
    unsigned bits = c->server_ipv6.bits;
    c->ifconfig_ipv6.local = ip6_plus(&c->server_ipv6, 1);
    c->ifconfig_ipv6.remote = ip6_plus(&c->server_ipv6, 2);
    c->ifconfig_ipv6.bits = bits;
    c->ifconfig_ipv6_pool = (struct config_pool_ipv6){
        .given = true, .base = ip6_plus(&c->server_ipv6, bits < 112 ? 0x1000 : 2), .bits = bits};
    push(k, arena_strdup(c->arena, "tun-ipv6"));
}

static bool server_network_ok(struct check *k)
{
    struct config *c = k->c;
    bool tap = c->dev_type == CONFIG_DEV_TAP;
    int bits = ip4_mask_bits(c->server.netmask);
    if (c->server.network & ~c->server.netmask) {
        check_error(k, "--server directive network/netmask combination is invalid");
    } else if (bits < 16) {
        check_error(k, "--server directive netmask allows for too many host addresses (subnet must be 255.255.0.0 "
                       "(/16) or higher)");
    } else if (tap && bits > 30) {
        check_error(k, "--server directive when used with --dev tap must define a subnet of 255.255.255.252 (/30) or "
                       "lower");
    } else if (!tap && bits > 29) {
        check_error(k, "--server directive when used with --dev tun must define a subnet of 255.255.255.248 (/29) or "
                       "lower");
    } else {
        return true;
    }
    return false;
}

/* net30 and p2p: the server's end is a link N+1 -> N+2, with a route to the rest of the network. */
static void server_point_to_point(struct check *k)
{
    struct config *c = k->c;
    uint32_t net = c->server.network;
    uint32_t broadcast = net | ~c->server.netmask;
    char *netmask = ip4_text(k, c->server.netmask);
    c->ifconfig = (struct config_ifconfig){ip4_text(k, net + 1), ip4_text(k, net + 2)};
    if (!c->server.nopool) {
        uint32_t last = ip4_mask_bits(c->server.netmask) == 29 ? broadcast : broadcast - 4;
        c->ifconfig_pool = (struct config_pool){.given = true, .start = net + 4, .end = last};
    }
    struct config_route *route = CONFIG_APPEND(c->arena, &c->route);
    *route = (struct config_route){.network = ip4_text(k, net), .netmask = netmask, .metric = -1};
    if (c->client_to_client) {
        push(k, arena_printf(c->arena, "route %s %s", ip4_text(k, net), netmask));
    } else if (c->topology == CONFIG_TOPOLOGY_NET30) {
        push(k, arena_printf(c->arena, "route %s", c->ifconfig.local));
    }
}

/* subnet, and tap: the server is the first host of the network. */
static void server_subnet(struct check *k, bool tap)
{
    struct config *c = k->c;
    uint32_t net = c->server.network;
    uint32_t broadcast = net | ~c->server.netmask;
    c->ifconfig = (struct config_ifconfig){ip4_text(k, net + 1), ip4_text(k, c->server.netmask)};
    if (!c->server.nopool) {
        c->ifconfig_pool =
            (struct config_pool){.given = true, .start = net + 2, .end = broadcast - 1, .netmask = c->server.netmask};
    }
    if (!c->ifconfig_push_constraint.given) {
        c->ifconfig_push_constraint = (struct config_constraint){true, net, c->server.netmask};
    }
    push(k, arena_printf(c->arena, "route-gateway %s", c->ifconfig.local));
    if (!tap && !c->route_gateway) {
        c->route_gateway = ip4_text(k, net + 2);
    }
}

static void server_ipv4(struct check *k)
{
    struct config *c = k->c;
    if (!c->server.given) {
        return;
    }
    if (check_given(k, CONFIG_OPT_client)) {
        check_error(k, "--server and --client cannot be used together");
    }
    if (c->server_bridge.kind != CONFIG_BRIDGE_OFF) {
        check_error(k, "--server and --server-bridge cannot be used together");
    }
    if (c->ifconfig_pool.given && !c->server.nopool) {
        check_error(k, "--server already defines an ifconfig-pool, so you can't also specify --ifconfig-pool "
                       "explicitly");
    }
    if (c->dev_type != CONFIG_DEV_TUN && c->dev_type != CONFIG_DEV_TAP) {
        check_error(k, "--server directive only makes sense with --dev tun or --dev tap");
    }
    be_server(k);
    if (!server_network_ok(k)) {
        return;
    }
    bool tap = c->dev_type == CONFIG_DEV_TAP;
    if (tap || c->topology == CONFIG_TOPOLOGY_SUBNET) {
        server_subnet(k, tap);
    } else {
        server_point_to_point(k);
    }
    if (!tap) {
        const char *names[] = {"net30", "p2p", "subnet"};
        push(k, arena_printf(c->arena, "topology %s", names[c->topology]));
    }
}

static void server_bridge(struct check *k)
{
    struct config *c = k->c;
    const struct config_server_bridge *b = &c->server_bridge;
    if (b->kind == CONFIG_BRIDGE_OFF) {
        return;
    }
    if (check_given(k, CONFIG_OPT_client)) {
        check_error(k, "--server-bridge and --client cannot be used together");
    }
    if (c->dev_type != CONFIG_DEV_TAP) {
        check_error(k, "--server-bridge directive only makes sense with --dev tap");
    }
    if (b->kind == CONFIG_BRIDGE_POOL) {
        if (c->ifconfig_pool.given) {
            check_error(k, "--server-bridge already defines an ifconfig-pool, so you can't also specify "
                           "--ifconfig-pool explicitly");
        }
        if ((b->gateway ^ b->start) & b->netmask || (b->gateway ^ b->end) & b->netmask || b->start > b->end) {
            check_error(k, "--server-bridge IP addresses are not in the same subnet");
        }
        c->ifconfig_pool =
            (struct config_pool){.given = true, .start = b->start, .end = b->end, .netmask = b->netmask};
        push(k, arena_printf(c->arena, "route-gateway %s", ip4_text(k, b->gateway)));
    } else if (b->kind == CONFIG_BRIDGE_DHCP) {
        push(k, arena_strdup(c->arena, "route-gateway dhcp"));
    }
    be_server(k);
}

static void keepalive(struct check *k)
{
    struct config *c = k->c;
    unsigned interval = c->keepalive.interval;
    unsigned timeout = c->keepalive.timeout;
    if (!c->keepalive.given) {
        return;
    }
    if (c->ping || c->ping_restart || c->ping_exit) {
        check_error(k, "--keepalive conflicts with --ping, --ping-exit, or --ping-restart.  If you use --keepalive, you "
                       "don't need any of the other --ping directives.");
        return;
    }
    if (timeout < interval * 2) {
        check_error(k, "the second parameter to --keepalive (restart timeout=%u) must be at least twice the value of "
                       "the first parameter (ping interval=%u).  A ratio of 1:5 or 1:6 would be even better.  "
                       "Recommended setting is --keepalive 10 60.", timeout, interval);
        return;
    }
    c->ping = interval;
    c->ping_restart_given = true;
    c->ping_restart = timeout;
    if (c->mode == CONFIG_MODE_SERVER) {
        c->ping_restart = timeout * 2;
        push(k, arena_printf(c->arena, "ping %u", interval));
        push(k, arena_printf(c->arena, "ping-restart %u", timeout));
    }
}

void helper_expand(struct check *k)
{
    struct config *c = k->c;
    server_ipv6(k);
    server_ipv4(k);
    server_bridge(k);
    keepalive(k);
    if (c->tcp_nodelay && c->mode == CONFIG_MODE_SERVER) {
        push(k, arena_strdup(c->arena, "socket-flags TCP_NODELAY"));
    }
}
