/* SPDX-License-Identifier: MIT */
#include "node/routes_plan.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

static bool is_set(const struct ip_addr *ip)
{
    return ip->family != AF_UNSPEC;
}

static bool is_default(const char *text)
{
    return !text || strcmp(text, "default") == 0;
}

bool routes_on_link(const struct routes *routes)
{
    return routes->way.hop.ifindex != 0 && !is_set(&routes->way.hop.gateway);
}

/* ------------------------------------------------------------------ lines */

/* The three names that stand for an address. Return: 1 known and set, 0 known but unset, -1 not one of them. */
static int special_address(const struct routes *routes, const char *text, struct ip_addr *out)
{
    if (strcmp(text, "vpn_gateway") == 0) {
        *out = routes->vpn4;
    } else if (strcmp(text, "net_gateway") == 0) {
        *out = routes->net4.hop.gateway;
    } else if (strcmp(text, "remote_host") == 0) {
        *out = routes->remote.family == AF_INET ? routes->remote : (struct ip_addr){0};
    } else {
        return -1;
    }
    return is_set(out);
}

static void bad_line(struct routes *routes, const char *what, const char *text)
{
    routes->failed++;
    log_warn("OpenVPN ROUTE: cannot use %s '%s': the route is skipped", what, text);
}

static bool read_gateway4(struct routes *routes, const char *text, struct ip_addr *out)
{
    if (is_default(text)) {
        *out = routes->vpn4;
        if (is_set(out)) {
            return true;
        }
        routes->failed++;
        log_warn("OpenVPN ROUTE: OpenVPN needs a gateway parameter for a --route option and no default was specified by "
                 "either --route-gateway or --ifconfig options");
        return false;
    }
    int special = special_address(routes, text, out);
    if (special > 0 || (special < 0 && ip_parse(text, out) == 0 && out->family == AF_INET)) {
        return true;
    }
    bad_line(routes, "the gateway", text);
    return false;
}

static void read_line4(struct routes *routes, const struct config_route *row, struct route_line *line)
{
    struct ip_addr mask = ip4_from_u32(0xFFFFFFFFu);
    if (!is_default(row->netmask) && (ip_parse(row->netmask, &mask) < 0 || mask.family != AF_INET)) {
        bad_line(routes, "the netmask", row->netmask);
        return;
    }
    int bits = ip4_mask_bits(ip4_to_u32(&mask));
    if (bits < 0) {
        bad_line(routes, "the netmask", row->netmask);
        return;
    }
    if (!read_gateway4(routes, row->gateway, &line->gateway)) {
        return;
    }
    line->metric = row->metric >= 0 ? (uint32_t)row->metric : routes->metric;
    line->table = row->table;
    struct ip_addr network = {0};
    int special = special_address(routes, row->network, &network);
    if (special == 0) {
        bad_line(routes, "the network", row->network);
        return;
    }
    if (special < 0 && (ip_parse(row->network, &network) < 0 || network.family != AF_INET)) {
        line->name = mem_strdup(row->network);
        network = (struct ip_addr){.family = AF_INET};
    }
    line->net = prefix_make(&network, (unsigned)bits);
    line->usable = line->name == NULL;
}

/* Over tun an IPv6 route names the device; a gateway address means something on an Ethernet only. */
static void read_line6(struct routes *routes, const struct config_route_ipv6 *row, struct route_line *line)
{
    line->net = row->network;
    line->metric = row->metric >= 0 ? (uint32_t)row->metric : routes->metric;
    line->table = row->table;
    if (row->gateway && strcmp(row->gateway, "net_gateway") == 0) {
        if (routes->net6.hop.ifindex == 0) {
            bad_line(routes, "the gateway", row->gateway);
            return;
        }
        line->gateway = routes->net6.hop.gateway;
        line->ifindex = routes->net6.hop.ifindex;
        line->usable = true;
        return;
    }
    line->ifindex = routes->ifindex;
    if (routes->tap) {
        if (!is_default(row->gateway)) {
            if (ip_parse(row->gateway, &line->gateway) < 0 || line->gateway.family != AF_INET6) {
                bad_line(routes, "the gateway", row->gateway);
                return;
            }
        } else if (row->metric != 0) {
            line->gateway = routes->vpn6;
            if (!is_set(&line->gateway)) {
                routes->failed++;
                log_warn("OpenVPN ROUTE6: OpenVPN needs a gateway parameter for a --route-ipv6 option and no default was "
                         "specified by either --route-ipv6-gateway or --ifconfig-ipv6 options");
                return;
            }
        }
    }
    line->usable = routes->ifindex != 0;
}

void routes_read_lines(struct routes *routes, const struct config *config)
{
    routes->line_count = config->route.count + config->route_ipv6.count;
    routes->lines = mem_array(routes->line_count ? routes->line_count : 1, sizeof(*routes->lines));
    for (size_t i = 0; i < config->route.count; i++) {
        read_line4(routes, &config->route.items[i], &routes->lines[i]);
    }
    for (size_t i = 0; i < config->route_ipv6.count; i++) {
        read_line6(routes, &config->route_ipv6.items[i], &routes->lines[config->route.count + i]);
    }
    if (config->route_ipv6.count > 0 && !is_set(&routes->local6) && !routes->noexec) {
        log_warn("WARNING: OpenVPN was configured to add an IPv6 route. However, no IPv6 has been configured for the "
                 "tunnel device, therefore the route installation may fail or may not work as expected.");
    }
}

void routes_add_addresses(struct routes *routes, size_t index, const struct ip_addr *addresses, size_t count)
{
    if (count == 0) {
        return;
    }
    routes->lines = mem_grow(routes->lines, routes->line_count + count, sizeof(*routes->lines));
    struct route_line *line = &routes->lines[index];
    unsigned bits = line->net.bits;
    line->net = prefix_make(&addresses[0], bits);
    line->usable = true;
    for (size_t i = 1; i < count; i++) {
        struct route_line *more = &routes->lines[routes->line_count++];
        *more = *line;
        more->name = NULL;
        more->net = prefix_make(&addresses[i], bits);
    }
}

/* ------------------------------------------------------------------ entries */

static struct route_entry *push(struct routes *routes, enum route_change change)
{
    if (routes->entry_count == routes->entry_cap) {
        routes->entry_cap = routes->entry_cap ? routes->entry_cap * 2 : 16;
        routes->entries = mem_grow(routes->entries, routes->entry_cap, sizeof(*routes->entries));
    }
    struct route_entry *entry = &routes->entries[routes->entry_count++];
    *entry = (struct route_entry){.change = change, .route = {.metric = RTNL_METRIC_NONE}};
    return entry;
}

static void add(struct routes *routes, const struct ip_prefix *net, const struct ip_addr *gateway, uint32_t ifindex,
                uint32_t metric)
{
    struct route_entry *entry = push(routes, ROUTE_ADD);
    entry->route.dst = *net;
    if (gateway) {
        entry->route.gateway = *gateway;
    }
    entry->route.ifindex = ifindex;
    entry->route.metric = metric;
}

static void add_host(struct routes *routes, uint32_t metric)
{
    const struct rtnl_hop *hop = &routes->way.hop;
    struct ip_prefix host = prefix_make(&routes->remote, 128);
    /* IPv4 leaves the device to the gateway, as the tables of section 5.2 show it. */
    bool by_gateway = routes->remote.family == AF_INET && is_set(&hop->gateway);
    routes->host = routes->entry_count;
    add(routes, &host, is_set(&hop->gateway) ? &hop->gateway : NULL, by_gateway ? 0 : hop->ifindex, metric);
}

static void add_text4(struct routes *routes, const char *net)
{
    struct ip_prefix prefix;
    BUG_ON(prefix_parse(net, &prefix) < 0);
    add(routes, &prefix, &routes->vpn4, 0, RTNL_METRIC_NONE);
}

struct default_search {
    struct rtnl_route best;
    bool found;
};

static uint32_t metric_of(const struct rtnl_route *route)
{
    return route->metric == RTNL_METRIC_NONE ? 0 : route->metric;
}

static void consider_default(const struct rtnl_route *route, void *arg)
{
    struct default_search *search = arg;
    if (route->dst.bits == 0 && (!search->found || metric_of(route) < metric_of(&search->best))) {
        search->best = *route;
        search->found = true;
    }
}

/* Without def1 the old default route makes room and comes back at the end. */
static void replace_default(struct routes *routes)
{
    struct default_search search = {.found = false};
    (void)rtnl_route_each(routes->nl, AF_INET, 0, consider_default, &search);
    if (search.found) {
        push(routes, ROUTE_TAKE_AWAY)->route = search.best;
    }
    add_text4(routes, "0.0.0.0/0");
}

/* Our own subnet goes into the tunnel, cut in two so that it wins over the connected route; the gateway stays. */
static void block_local(struct routes *routes)
{
    const struct rtnl_gateway *way = &routes->way;
    if (!is_set(&way->hop.gateway) || way->link_net.bits == 0 || way->link_net.bits >= 31 ||
        way->link_net.addr.family != AF_INET) {
        return;
    }
    struct ip_prefix gateway = prefix_make(&way->hop.gateway, 32);
    add(routes, &gateway, &way->hop.gateway, way->hop.ifindex, RTNL_METRIC_NONE);
    uint32_t network = ip4_to_u32(&way->link_net.addr);
    unsigned bits = way->link_net.bits + 1u;
    struct ip_addr upper = ip4_from_u32(network | (1u << (32 - bits)));
    struct ip_prefix halves[2] = {prefix_make(&upper, bits), prefix_make(&way->link_net.addr, bits)};
    for (unsigned i = 0; i < 2; i++) {
        add(routes, &halves[i], &routes->vpn4, 0, RTNL_METRIC_NONE);
    }
}

static void redirect_failed(struct routes *routes, const char *why)
{
    routes->failed++;
    log_warn("NOTE: unable to redirect IPv4 default gateway -- %s", why);
}

static void redirect4(struct routes *routes)
{
    unsigned flags = routes->redirect;
    if (!is_set(&routes->vpn4)) {
        redirect_failed(routes, "VPN gateway parameter (--route-gateway or --ifconfig) is missing");
        return;
    }
    bool local = flags & CONFIG_REDIRECT_LOCAL;
    if (!local && (flags & CONFIG_REDIRECT_AUTOLOCAL) && routes->remote.family == AF_INET && routes_on_link(routes)) {
        log_usual("ROUTE remote_host is LOCAL");
        local = true;
    }
    if (!local && is_set(&routes->remote)) {
        if (routes->remote.family != AF_INET) {
            log_usual("ROUTE remote_host protocol differs from tunneled");
        } else if (routes->way.hop.local) {
            log_usual("ROUTE remote_host is an address of this host");
        } else if (routes->way.hop.ifindex == 0) {
            redirect_failed(routes, "Cannot read current default gateway from system");
            return;
        } else {
            add_host(routes, RTNL_METRIC_NONE);
        }
    }
    if (flags & CONFIG_REDIRECT_DEFAULT_ROUTE) {
        if (flags & CONFIG_REDIRECT_DEF1) {
            add_text4(routes, "0.0.0.0/1");
            add_text4(routes, "128.0.0.0/1");
        } else {
            replace_default(routes);
        }
    }
    if ((flags & CONFIG_REDIRECT_BLOCK_LOCAL) && routes->remote.family == AF_INET) {
        block_local(routes);
    }
}

static void redirect6(struct routes *routes)
{
    static const char *const nets[] = {"::/3", "2000::/4", "3000::/4", "fc00::/7"};
    if (!is_set(&routes->local6) || routes->ifindex == 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
        struct ip_prefix prefix;
        BUG_ON(prefix_parse(nets[i], &prefix) < 0);
        add(routes, &prefix, routes->tap && is_set(&routes->vpn6) ? &routes->vpn6 : NULL, routes->ifindex,
            RTNL_METRIC_NONE);
    }
}

/* An IPv6 route that covers the server would send the tunnel's packets into the tunnel. */
static void protect_remote6(struct routes *routes)
{
    if (routes->remote.family != AF_INET6 || routes->host != ROUTES_NO_ENTRY || routes->way.hop.ifindex == 0 ||
        routes->way.hop.local || routes_on_link(routes)) {
        return;
    }
    for (size_t i = 0; i < routes->entry_count; i++) {
        const struct rtnl_route *route = &routes->entries[i].route;
        if (route->ifindex == routes->ifindex && prefix_contains(&route->dst, &routes->remote)) {
            char net[ADDR_TEXT_MAX];
            char remote[ADDR_TEXT_MAX];
            log_usual("ROUTE6: %s overlaps IPv6 remote %s, adding host route to VPN endpoint",
                      prefix_format(&route->dst, net), ip_format(&routes->remote, remote));
            add_host(routes, 1);
            /* It has to be there before the route that covers it. */
            struct route_entry host = routes->entries[routes->host];
            memmove(&routes->entries[i + 1], &routes->entries[i], (routes->host - i) * sizeof(host));
            routes->entries[i] = host;
            routes->host = i;
            return;
        }
    }
}

void routes_plan(struct routes *routes)
{
    routes->entry_count = 0;
    routes->host = ROUTES_NO_ENTRY;
    unsigned flags = routes->redirect;
    if ((flags & CONFIG_REDIRECT_ENABLED) && !(flags & CONFIG_REDIRECT_NOT_IPV4)) {
        redirect4(routes);
    }
    for (size_t i = 0; i < routes->line_count; i++) {
        const struct route_line *line = &routes->lines[i];
        if (line->usable) {
            add(routes, &line->net, is_set(&line->gateway) ? &line->gateway : NULL, line->ifindex, line->metric);
            routes->entries[routes->entry_count - 1].route.table = line->table;
        }
    }
    if (flags & CONFIG_REDIRECT_IPV6) {
        redirect6(routes);
    }
    protect_remote6(routes);
}
