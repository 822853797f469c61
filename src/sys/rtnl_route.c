/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "sys/rtnl_message.h"

static void read_ip(const struct nlattr *attr, int family, struct ip_addr *out)
{
    size_t len = family == AF_INET6 ? 16 : 4;
    if (mnl_attr_get_payload_len(attr) == len) {
        out->family = (uint16_t)family;
        memcpy(out->bytes, mnl_attr_get_payload(attr), len);
    }
}

static uint32_t read_u32(const struct nlattr *attr)
{
    return mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

/* RTA_VIA: an IPv6 next hop of an IPv4 route; family, then address. */
static void read_via(const struct nlattr *attr, struct ip_addr *out)
{
    const struct rtvia *via = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr);
    if (len == sizeof(*via) + 16 && via->rtvia_family == AF_INET6) {
        out->family = AF_INET6;
        memcpy(out->bytes, via->rtvia_addr, 16);
    }
}

/* Of several next hops the first stands for all. */
static void read_multipath(const struct nlattr *attr, int family, struct rtnl_route *out)
{
    const struct rtnexthop *hop = mnl_attr_get_payload(attr);
    size_t len = mnl_attr_get_payload_len(attr);
    if (len < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > len) {
        return;
    }
    out->ifindex = (uint32_t)hop->rtnh_ifindex;
    const char *p = (const char *)hop + sizeof(*hop);
    int left = (int)(hop->rtnh_len - sizeof(*hop));
    const struct nlattr *inner = (const struct nlattr *)(const void *)p;
    while (mnl_attr_ok(inner, left)) {
        if (mnl_attr_get_type(inner) == RTA_GATEWAY) {
            read_ip(inner, family, &out->gateway);
        }
        left -= MNL_ALIGN((int)inner->nla_len);
        inner = mnl_attr_next(inner);
    }
}

static void read_route_attr(const struct nlattr *attr, int family, struct rtnl_route *out)
{
    switch (mnl_attr_get_type(attr)) {
    case RTA_DST:
        read_ip(attr, family, &out->dst.addr);
        break;
    case RTA_GATEWAY:
        read_ip(attr, family, &out->gateway);
        break;
    case RTA_VIA:
        read_via(attr, &out->gateway);
        break;
    case RTA_OIF:
        out->ifindex = read_u32(attr);
        break;
    case RTA_PRIORITY:
        out->metric = read_u32(attr);
        break;
    case RTA_TABLE:
        out->table = read_u32(attr);
        break;
    case RTA_PREFSRC:
        read_ip(attr, family, &out->source);
        break;
    case RTA_MULTIPATH:
        read_multipath(attr, family, out);
        break;
    default:
        break;
    }
}

int rtnl_route_parse(const struct nlmsghdr *header, struct rtnl_route *out)
{
    memset(out, 0, sizeof(*out));
    if (mnl_nlmsg_get_payload_len(header) < sizeof(struct rtmsg)) {
        return ERR_FORMAT;
    }
    const struct rtmsg *info = mnl_nlmsg_get_payload(header);
    if ((info->rtm_family != AF_INET && info->rtm_family != AF_INET6) || (info->rtm_flags & RTM_F_CLONED) ||
        info->rtm_type != RTN_UNICAST) {
        return ERR_FORMAT;
    }
    out->dst.addr.family = info->rtm_family;
    out->dst.bits = info->rtm_dst_len;
    out->metric = RTNL_METRIC_NONE;
    out->table = info->rtm_table;
    out->protocol = info->rtm_protocol;
    out->scope = info->rtm_scope;
    out->onlink = info->rtm_flags & RTNH_F_ONLINK;
    RTNL_EACH_ATTR(attr, header, sizeof(*info)) {
        read_route_attr(attr, info->rtm_family, out);
    }
    return 0;
}

static void put_via(struct nlmsghdr *header, const struct ip_addr *gateway)
{
    uint8_t via[sizeof(struct rtvia) + 16] = {0};
    uint16_t family = AF_INET6;
    memcpy(via, &family, sizeof(family));
    memcpy(via + sizeof(struct rtvia), gateway->bytes, 16);
    mnl_attr_put(header, RTA_VIA, sizeof(via), via);
}

static struct nlmsghdr *build(struct rtnl *nl, uint16_t type, uint16_t flags, const struct rtnl_route *route)
{
    struct rtmsg *info;
    struct nlmsghdr *header = rtnl_begin(nl, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*info), &info);
    uint32_t table = route->table ? route->table : RT_TABLE_MAIN;
    info->rtm_family = (uint8_t)route->dst.addr.family;
    info->rtm_dst_len = route->dst.bits;
    info->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
    info->rtm_flags = route->onlink ? RTNH_F_ONLINK : 0;
    if (type == RTM_NEWROUTE) {
        info->rtm_type = RTN_UNICAST;
        info->rtm_protocol = route->protocol ? route->protocol : RTPROT_BOOT;
        info->rtm_scope = route->gateway.family == AF_UNSPEC && route->dst.addr.family == AF_INET ? RT_SCOPE_LINK
                                                                                                  : RT_SCOPE_UNIVERSE;
    } else {
        info->rtm_scope = RT_SCOPE_NOWHERE; /* any */
    }
    if (table >= 256) {
        mnl_attr_put_u32(header, RTA_TABLE, table);
    }
    if (route->dst.bits > 0) {
        rtnl_put_ip(header, RTA_DST, &route->dst.addr);
    }
    if (route->gateway.family == route->dst.addr.family) {
        rtnl_put_ip(header, RTA_GATEWAY, &route->gateway);
    } else if (route->gateway.family == AF_INET6) {
        put_via(header, &route->gateway);
    }
    if (route->ifindex) {
        mnl_attr_put_u32(header, RTA_OIF, route->ifindex);
    }
    if (route->metric != RTNL_METRIC_NONE) {
        mnl_attr_put_u32(header, RTA_PRIORITY, route->metric);
    }
    if (route->source.family != AF_UNSPEC && type == RTM_NEWROUTE) {
        rtnl_put_ip(header, RTA_PREFSRC, &route->source);
    }
    return header;
}

int rtnl_route_add(struct rtnl *nl, const struct rtnl_route *route)
{
    bool six = route->dst.addr.family == AF_INET6;
    uint16_t flags = six ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE;
    return rtnl_transact(nl, build(nl, RTM_NEWROUTE, flags, route), NULL, NULL);
}

int rtnl_route_del(struct rtnl *nl, const struct rtnl_route *route)
{
    return rtnl_transact(nl, build(nl, RTM_DELROUTE, 0, route), NULL, NULL);
}

struct route_walk {
    uint32_t table;
    int family;
    void (*fn)(const struct rtnl_route *route, void *arg);
    void *arg;
};

static void take_route(const struct nlmsghdr *header, void *arg)
{
    struct route_walk *walk = arg;
    struct rtnl_route route;
    if (header->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(header, &route) < 0) {
        return;
    }
    if (route.table == walk->table && route.dst.addr.family == walk->family) {
        walk->fn(&route, walk->arg);
    }
}

int rtnl_route_each(struct rtnl *nl, int family, uint32_t table, void (*fn)(const struct rtnl_route *route, void *arg),
                    void *arg)
{
    struct route_walk walk = {.table = table ? table : RT_TABLE_MAIN, .family = family, .fn = fn, .arg = arg};
    int r = -EINTR;
    for (unsigned i = 0; i < RTNL_DUMP_TRIES && r == -EINTR; i++) {
        struct rtmsg *info;
        struct nlmsghdr *header = rtnl_begin(nl, RTM_GETROUTE, NLM_F_DUMP, sizeof(*info), &info);
        info->rtm_family = (uint8_t)family;
        r = rtnl_transact(nl, header, take_route, &walk);
    }
    return r;
}

struct lookup {
    struct rtnl_hop *out;
    int family;
    bool found;
    bool unreachable;
};

static void take_hop(const struct nlmsghdr *header, void *arg)
{
    struct lookup *lookup = arg;
    if (header->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(header) < sizeof(struct rtmsg)) {
        return;
    }
    const struct rtmsg *info = mnl_nlmsg_get_payload(header);
    struct rtnl_route route = {.metric = RTNL_METRIC_NONE};
    RTNL_EACH_ATTR(attr, header, sizeof(*info)) {
        read_route_attr(attr, lookup->family, &route);
    }
    lookup->found = true;
    lookup->unreachable = info->rtm_type != RTN_UNICAST && info->rtm_type != RTN_LOCAL;
    lookup->out->local = info->rtm_type == RTN_LOCAL;
    lookup->out->ifindex = route.ifindex;
    lookup->out->gateway = route.gateway;
    lookup->out->source = route.source;
}

int rtnl_route_lookup(struct rtnl *nl, const struct ip_addr *dst, uint32_t mark, struct rtnl_hop *out)
{
    struct rtmsg *info;
    struct nlmsghdr *header = rtnl_begin(nl, RTM_GETROUTE, NLM_F_ACK, sizeof(*info), &info);
    memset(out, 0, sizeof(*out));
    info->rtm_family = (uint8_t)dst->family;
    info->rtm_dst_len = (uint8_t)(ip_len(dst) * 8);
    rtnl_put_ip(header, RTA_DST, dst);
    if (mark) {
        mnl_attr_put_u32(header, RTA_MARK, mark);
    }
    struct lookup lookup = {.out = out, .family = dst->family};
    int r = rtnl_transact(nl, header, take_hop, &lookup);
    if (r < 0) {
        return r == -EHOSTUNREACH ? -ENETUNREACH : r;
    }
    if (!lookup.found || lookup.unreachable) {
        return -ENETUNREACH;
    }
    struct rtnl_link link;
    r = rtnl_link_get(nl, out->ifindex, &link);
    if (r == 0) {
        memcpy(out->ifname, link.name, sizeof(out->ifname));
    }
    return r;
}

struct default_search {
    bool found;
    struct rtnl_route best;
};

static uint32_t effective_metric(const struct rtnl_route *route)
{
    return route->metric == RTNL_METRIC_NONE ? 0 : route->metric;
}

static void consider_default(const struct rtnl_route *route, void *arg)
{
    struct default_search *search = arg;
    if (route->dst.bits != 0 || route->ifindex == 0) {
        return;
    }
    if (!search->found || effective_metric(route) < effective_metric(&search->best)) {
        search->best = *route;
        search->found = true;
    }
}

struct net_search {
    struct rtnl_gateway *out;
    const struct ip_addr *wanted;
};

static void consider_net(const struct rtnl_addr *addr, void *arg)
{
    struct net_search *search = arg;
    struct ip_prefix net = prefix_make(addr->peer.family != AF_UNSPEC ? &addr->peer : &addr->local, addr->bits);
    if (prefix_contains(&net, search->wanted) && net.bits > search->out->link_net.bits) {
        search->out->link_net = net;
        search->out->link_addr = addr->local;
    }
}

static bool is_unspecified(const struct ip_addr *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip->bytes, zero, ip_len(ip)) == 0;
}

int rtnl_gateway_for(struct rtnl *nl, const struct ip_addr *dst, struct rtnl_gateway *out)
{
    memset(out, 0, sizeof(*out));
    int r;
    if (is_unspecified(dst)) {
        struct default_search search = {.found = false};
        r = rtnl_route_each(nl, dst->family, RT_TABLE_MAIN, consider_default, &search);
        if (r < 0 || !search.found) {
            return r < 0 ? r : -ENETUNREACH;
        }
        out->hop.ifindex = search.best.ifindex;
        out->hop.gateway = search.best.gateway;
        out->hop.source = search.best.source;
        out->metric = effective_metric(&search.best);
    } else {
        r = rtnl_route_lookup(nl, dst, 0, &out->hop);
        if (r < 0) {
            return r;
        }
    }
    struct rtnl_link link;
    r = rtnl_link_get(nl, out->hop.ifindex, &link);
    if (r < 0) {
        return r;
    }
    memcpy(out->hop.ifname, link.name, sizeof(out->hop.ifname));
    memcpy(out->mac, link.mac, sizeof(out->mac));
    out->has_mac = link.has_mac;
    const struct ip_addr *wanted = out->hop.gateway.family == dst->family ? &out->hop.gateway : &out->hop.source;
    if (wanted->family == AF_UNSPEC) {
        return 0;
    }
    struct net_search search = {.out = out, .wanted = wanted};
    return rtnl_addr_each(nl, out->hop.ifindex, dst->family, consider_net, &search);
}
