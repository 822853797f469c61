/* SPDX-License-Identifier: MIT */
#include "node/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/env.h"
#include "node/journal.h"
#include "node/routes_plan.h"

#define JOURNAL_ROUTE "route "
#define JOURNAL_DEFAULT "default "
#define LINE_MAX_BYTES 256

/* ------------------------------------------------------------------ making */

static void look_at_host(struct routes *routes)
{
    struct ip_addr any4 = {.family = AF_INET};
    struct ip_addr any6 = {.family = AF_INET6};
    if (rtnl_gateway_for(routes->nl, &any4, &routes->net4) < 0) {
        memset(&routes->net4, 0, sizeof(routes->net4));
    }
    if (rtnl_gateway_for(routes->nl, &any6, &routes->net6) < 0) {
        memset(&routes->net6, 0, sizeof(routes->net6));
    }
    if (routes->remote.family == AF_UNSPEC || rtnl_gateway_for(routes->nl, &routes->remote, &routes->way) < 0) {
        memset(&routes->way, 0, sizeof(routes->way));
    }
}

static void read_gateways(struct routes *routes, const struct routes_request *request)
{
    const struct config *config = request->config;
    routes->vpn4 = request->peer4;
    routes->vpn6 = request->peer6;
    if (config->route_gateway && strcmp(config->route_gateway, "dhcp") != 0 &&
        (ip_parse(config->route_gateway, &routes->vpn4) < 0 || routes->vpn4.family != AF_INET)) {
        routes->failed++;
        routes->vpn4 = (struct ip_addr){0};
        log_warn("route-gateway: '%s' is not an IPv4 address", config->route_gateway);
    }
    if (config->route_ipv6_gateway &&
        (ip_parse(config->route_ipv6_gateway, &routes->vpn6) < 0 || routes->vpn6.family != AF_INET6)) {
        routes->failed++;
        routes->vpn6 = (struct ip_addr){0};
        log_warn("route-ipv6-gateway: '%s' is not an IPv6 address", config->route_ipv6_gateway);
    }
}

int routes_new(const struct routes_request *request, struct rtnl *nl, struct routes **out)
{
    struct routes *routes = mem_zalloc(sizeof(*routes));
    routes->nl = nl;
    routes->journal = request->journal;
    routes->noexec = request->config->route_noexec;
    routes->ifindex = request->ifindex;
    routes->tap = request->tap;
    routes->redirect = request->config->redirect_gateway;
    routes->metric = request->config->route_metric ? request->config->route_metric : RTNL_METRIC_NONE;
    routes->local6 = request->local6;
    routes->remote = request->remote;
    read_gateways(routes, request);
    look_at_host(routes);
    routes_read_lines(routes, request->config);
    routes_plan(routes);
    *out = routes;
    return 0;
}

void routes_free(struct routes *routes)
{
    if (!routes) {
        return;
    }
    routes_cancel_lookup(routes);
    routes_remove(routes);
    for (size_t i = 0; i < routes->line_count; i++) {
        free(routes->lines[i].name);
    }
    free(routes->lines);
    free(routes->entries);
    free(routes);
}

/* ------------------------------------------------------------------ journal */

static void journal_line(const char *kind, const struct rtnl_route *route, char out[LINE_MAX_BYTES])
{
    char net[ADDR_TEXT_MAX];
    char gateway[ADDR_TEXT_MAX] = "-";
    if (route->gateway.family != AF_UNSPEC) {
        (void)ip_format(&route->gateway, gateway);
    }
    (void)snprintf(out, LINE_MAX_BYTES, "%s%s %s %u %u %u %u", kind, prefix_format(&route->dst, net), gateway,
                   route->ifindex, route->metric, route->table, route->protocol);
}

static int parse_journal_line(const char *line, struct rtnl_route *out)
{
    char net[ADDR_TEXT_MAX];
    char gateway[ADDR_TEXT_MAX];
    unsigned protocol = 0;
    memset(out, 0, sizeof(*out));
    if (sscanf(line, "%*s %79s %79s %u %u %u %u", net, gateway, &out->ifindex, &out->metric, &out->table, &protocol) !=
            6 ||
        prefix_parse(net, &out->dst) < 0 || (strcmp(gateway, "-") != 0 && ip_parse(gateway, &out->gateway) < 0)) {
        return ERR_FORMAT;
    }
    out->protocol = (uint8_t)protocol;
    return 0;
}

static void note_change(struct routes *routes, const struct route_entry *entry)
{
    char line[LINE_MAX_BYTES];
    journal_line(entry->change == ROUTE_ADD ? JOURNAL_ROUTE : JOURNAL_DEFAULT, &entry->route, line);
    journal_add(routes->journal, line);
}

struct recovery {
    struct rtnl *nl;
    unsigned count;
};

static void undo_added(const char *line, void *arg)
{
    struct recovery *recovery = arg;
    struct rtnl_route route;
    if (parse_journal_line(line, &route) == 0 && rtnl_route_del(recovery->nl, &route) == 0) {
        recovery->count++;
    }
}

static void undo_removed(const char *line, void *arg)
{
    struct recovery *recovery = arg;
    struct rtnl_route route;
    if (parse_journal_line(line, &route) == 0 && rtnl_route_add(recovery->nl, &route) == 0) {
        recovery->count++;
    }
}

unsigned routes_recover(struct journal *journal, struct rtnl *nl)
{
    struct recovery recovery = {.nl = nl};
    journal_each(journal, JOURNAL_ROUTE, undo_added, &recovery);
    journal_each(journal, JOURNAL_DEFAULT, undo_removed, &recovery);
    journal_forget(journal, JOURNAL_ROUTE);
    journal_forget(journal, JOURNAL_DEFAULT);
    if (recovery.count > 0) {
        log_info("cleaned up %u route(s) that an earlier run left behind", recovery.count);
    }
    return recovery.count;
}

/* ------------------------------------------------------------------ changing the table */

static void log_change(const char *verb, const struct rtnl_route *route)
{
    char net[ADDR_TEXT_MAX];
    char gateway[ADDR_TEXT_MAX] = "[NULL]";
    char device[IF_NAMESIZE] = "[NULL]";
    if (route->gateway.family != AF_UNSPEC) {
        (void)ip_format(&route->gateway, gateway);
    }
    if (route->ifindex && !if_indextoname(route->ifindex, device)) {
        (void)snprintf(device, sizeof(device), "%u", route->ifindex);
    }
    int metric = route->metric == RTNL_METRIC_NONE ? -1 : (int)route->metric;
    log_usual("net_route_v%c_%s: %s via %s dev %s table %u metric %d", route->dst.addr.family == AF_INET6 ? '6' : '4',
              verb, prefix_format(&route->dst, net), gateway, device, route->table, metric);
}

static bool add_route(struct routes *routes, struct route_entry *entry)
{
    log_change("add", &entry->route);
    int r = rtnl_route_add(routes->nl, &entry->route);
    const char *family = entry->route.dst.addr.family == AF_INET6 ? "Linux IPv6 route" : "Linux route";
    if (r == -EEXIST) {
        log_usual("NOTE: %s add command failed because route exists", family);
        return true;
    }
    if (r < 0) {
        const char *detail = rtnl_error_text(routes->nl);
        log_warn("ERROR: %s add command failed: %s%s%s", family, err_str(r), detail[0] ? ": " : "", detail);
        return false;
    }
    entry->done = true;
    note_change(routes, entry);
    return true;
}

static bool take_away(struct routes *routes, struct route_entry *entry)
{
    note_change(routes, entry);
    log_change("del", &entry->route);
    int r = rtnl_route_del(routes->nl, &entry->route);
    entry->done = r == 0;
    if (r < 0) {
        log_warn("ERROR: Linux route delete command failed: %s", err_str(r));
    }
    return r == 0;
}

unsigned routes_install(struct routes *routes)
{
    unsigned failed = 0;
    routes->installed = true;
    if (routes->noexec) {
        return 0;
    }
    for (size_t i = 0; i < routes->entry_count; i++) {
        struct route_entry *entry = &routes->entries[i];
        if (entry->done) {
            continue;
        }
        failed += entry->change == ROUTE_ADD ? !add_route(routes, entry) : !take_away(routes, entry);
    }
    routes->failed += failed;
    return failed;
}

static void take_back(struct routes *routes, struct route_entry *entry)
{
    if (!entry->done) {
        return;
    }
    entry->done = false;
    bool added = entry->change == ROUTE_ADD;
    log_change(added ? "del" : "add", &entry->route);
    int r = added ? rtnl_route_del(routes->nl, &entry->route) : rtnl_route_add(routes->nl, &entry->route);
    /* Gone with its device, or put back by somebody else: as it should be. */
    if (r < 0 && r != -ESRCH && r != -ENODEV && r != -EEXIST) {
        log_warn("ERROR: Linux route %s command failed: %s", added ? "delete" : "add", err_str(r));
    }
}

void routes_remove(struct routes *routes)
{
    if (!routes->installed) {
        return;
    }
    for (size_t i = routes->entry_count; i-- > 0;) {
        take_back(routes, &routes->entries[i]);
    }
    journal_forget(routes->journal, JOURNAL_ROUTE);
    journal_forget(routes->journal, JOURNAL_DEFAULT);
    routes->installed = false;
}

unsigned routes_failed(const struct routes *routes)
{
    return routes->failed;
}

bool routes_installed(const struct routes *routes)
{
    return routes->installed;
}

/* ------------------------------------------------------------------ following the host */

struct way_search {
    const struct routes *routes;
    struct rtnl_route best;
    bool found;
};

static bool is_ours(const struct routes *routes, const struct rtnl_route *route)
{
    if (route->ifindex == routes->ifindex) {
        return true;
    }
    for (size_t i = 0; i < routes->entry_count; i++) {
        const struct route_entry *entry = &routes->entries[i];
        if (entry->done && entry->change == ROUTE_ADD && entry->route.dst.bits == route->dst.bits &&
            ip_equal(&entry->route.dst.addr, &route->dst.addr) && ip_equal(&entry->route.gateway, &route->gateway)) {
            return true;
        }
    }
    return false;
}

static uint32_t metric_of(const struct rtnl_route *route)
{
    return route->metric == RTNL_METRIC_NONE ? 0 : route->metric;
}

static void consider_way(const struct rtnl_route *route, void *arg)
{
    struct way_search *search = arg;
    if (!prefix_contains(&route->dst, &search->routes->remote) || is_ours(search->routes, route)) {
        return;
    }
    if (!search->found || route->dst.bits > search->best.dst.bits ||
        (route->dst.bits == search->best.dst.bits && metric_of(route) < metric_of(&search->best))) {
        search->best = *route;
        search->found = true;
    }
}

int routes_refresh(struct routes *routes)
{
    if (!routes->installed || routes->noexec || routes->host == ROUTES_NO_ENTRY) {
        return 0;
    }
    struct way_search search = {.routes = routes};
    int r = rtnl_route_each(routes->nl, routes->remote.family, 0, consider_way, &search);
    if (r < 0) {
        return r;
    }
    if (!search.found) {
        return -ENETUNREACH;
    }
    struct route_entry *entry = &routes->entries[routes->host];
    bool by_gateway = routes->remote.family == AF_INET && search.best.gateway.family != AF_UNSPEC;
    uint32_t ifindex = by_gateway ? 0 : search.best.ifindex;
    if (ip_equal(&entry->route.gateway, &search.best.gateway) && entry->route.ifindex == ifindex) {
        r = rtnl_route_add(routes->nl, &entry->route); /* a link that went down took it away */
        if (r == 0 && !entry->done) {
            entry->done = true;
            note_change(routes, entry);
        }
        return r == 0 ? 1 : r == -EEXIST ? 0 : r;
    }
    if (entry->done) {
        log_change("del", &entry->route);
        (void)rtnl_route_del(routes->nl, &entry->route);
        entry->done = false;
    }
    entry->route.gateway = search.best.gateway;
    entry->route.ifindex = ifindex;
    return add_route(routes, entry) ? 1 : -EIO;
}

/* ------------------------------------------------------------------ environment */

/* @vpn6: what an IPv6 route through a tun device names as its gateway, though the kernel needs none. */
static void export_line(const struct route_line *line, const struct ip_addr *vpn6, unsigned *n4, unsigned *n6, struct env *env)
{
    char text[ADDR_TEXT_MAX];
    char name[40];
    bool six = line->net.addr.family == AF_INET6;
    unsigned n = six ? ++*n6 : ++*n4;
    const char *stem = six ? "route_ipv6" : "route";
    (void)snprintf(name, sizeof(name), "%s_network_%u", stem, n);
    env_set(env, name, six ? prefix_format(&line->net, text) : ip_format(&line->net.addr, text));
    if (!six) {
        struct ip_addr mask = ip4_from_u32(ip4_bits_mask(line->net.bits));
        (void)snprintf(name, sizeof(name), "route_netmask_%u", n);
        env_set(env, name, ip_format(&mask, text));
    }
    const struct ip_addr *gateway = six && line->gateway.family == AF_UNSPEC ? vpn6 : &line->gateway;
    if (gateway->family != AF_UNSPEC) {
        (void)snprintf(name, sizeof(name), "%s_gateway_%u", stem, n);
        env_set(env, name, ip_format(gateway, text));
    }
    if (line->metric != RTNL_METRIC_NONE) {
        (void)snprintf(name, sizeof(name), "%s_metric_%u", stem, n);
        env_setf(env, name, "%u", line->metric);
    }
}

static void export_ip(struct env *env, const char *name, const struct ip_addr *ip)
{
    char text[ADDR_TEXT_MAX];
    if (ip->family != AF_UNSPEC) {
        env_set(env, name, ip_format(ip, text));
    }
}

/* Only programs that have IPv4 routes to look at are told their gateways; none is 0.0.0.0. */
static void export_gateways(const struct routes *routes, bool four, struct env *env)
{
    if (four) {
        export_ip(env, "route_vpn_gateway", &routes->vpn4);
        if (routes->net4.hop.gateway.family == AF_UNSPEC) {
            env_set(env, "route_net_gateway", "0.0.0.0");
        }
        export_ip(env, "route_net_gateway", &routes->net4.hop.gateway);
    }
    export_ip(env, "net_gateway_ipv6", &routes->net6.hop.gateway);
}

void routes_export(const struct routes *routes, struct env *env)
{
    unsigned n4 = 0;
    unsigned n6 = 0;
    bool four_wanted = routes->redirect;
    for (size_t i = 0; i < routes->line_count; i++) {
        four_wanted = four_wanted || routes->lines[i].net.addr.family != AF_INET6;
        if (routes->lines[i].usable) {
            export_line(&routes->lines[i], &routes->vpn6, &n4, &n6, env);
        }
    }
    unsigned flags = routes->redirect;
    export_gateways(routes, four_wanted, env);
    bool moves = flags & CONFIG_REDIRECT_DEFAULT_ROUTE;
    bool four = moves && !(flags & CONFIG_REDIRECT_NOT_IPV4);
    const char *level = flags & CONFIG_REDIRECT_BLOCK_LOCAL ? "2" : "1";
    if (routes->installed) {
        env_set(env, "redirect_gateway", four ? "1" : "0");
    }
    if (four) {
        env_set(env, "route_redirect_gateway_ipv4", level);
    }
    if (moves && (flags & CONFIG_REDIRECT_IPV6)) {
        env_set(env, "route_redirect_gateway_ipv6", level);
    }
}
