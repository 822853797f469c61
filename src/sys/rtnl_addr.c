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

int rtnl_addr_parse(const struct nlmsghdr *header, struct rtnl_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (mnl_nlmsg_get_payload_len(header) < sizeof(struct ifaddrmsg)) {
        return ERR_FORMAT;
    }
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
    if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) {
        return ERR_FORMAT;
    }
    out->ifindex = info->ifa_index;
    out->bits = info->ifa_prefixlen;
    struct ip_addr address = {0};
    uint32_t flags = info->ifa_flags;
    RTNL_EACH_ATTR(attr, header, sizeof(*info)) {
        switch (mnl_attr_get_type(attr)) {
        case IFA_LOCAL:
            read_ip(attr, info->ifa_family, &out->local);
            break;
        case IFA_ADDRESS:
            read_ip(attr, info->ifa_family, &address);
            break;
        case IFA_BROADCAST:
            out->broadcast = true;
            break;
        case IFA_FLAGS:
            if (mnl_attr_get_payload_len(attr) == sizeof(flags)) {
                flags = mnl_attr_get_u32(attr);
            }
            break;
        default:
            break;
        }
    }
    out->no_prefix_route = flags & IFA_F_NOPREFIXROUTE;
    if (out->local.family == AF_UNSPEC) {
        out->local = address; /* IPv6 without a peer names only IFA_ADDRESS */
    } else if (address.family != AF_UNSPEC && !ip_equal(&address, &out->local)) {
        out->peer = address;
    }
    return out->local.family == AF_UNSPEC ? ERR_FORMAT : 0;
}

static struct ip_addr broadcast_of(const struct rtnl_addr *addr)
{
    uint32_t mask = ip4_bits_mask(addr->bits);
    return ip4_from_u32((ip4_to_u32(&addr->local) & mask) | ~mask);
}

static struct nlmsghdr *build(struct rtnl *nl, uint16_t type, uint16_t flags, const struct rtnl_addr *addr)
{
    struct ifaddrmsg *info;
    struct nlmsghdr *header = rtnl_begin(nl, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*info), &info);
    info->ifa_family = (uint8_t)addr->local.family;
    info->ifa_prefixlen = addr->bits;
    info->ifa_index = addr->ifindex;
    info->ifa_scope = RT_SCOPE_UNIVERSE;
    rtnl_put_ip(header, IFA_LOCAL, &addr->local);
    rtnl_put_ip(header, IFA_ADDRESS, addr->peer.family != AF_UNSPEC ? &addr->peer : &addr->local);
    return header;
}

int rtnl_addr_add(struct rtnl *nl, const struct rtnl_addr *addr)
{
    struct nlmsghdr *header = build(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addr);
    uint32_t flags = addr->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0;
    if (addr->local.family == AF_INET6) {
        flags |= IFA_F_NODAD; /* nobody answers on a tunnel, and the address must work at once */
    }
    if (flags) {
        mnl_attr_put_u32(header, IFA_FLAGS, flags);
    }
    if (addr->broadcast && addr->local.family == AF_INET && addr->bits < 31) {
        struct ip_addr broadcast = broadcast_of(addr);
        rtnl_put_ip(header, IFA_BROADCAST, &broadcast);
    }
    return rtnl_transact(nl, header, NULL, NULL);
}

int rtnl_addr_del(struct rtnl *nl, const struct rtnl_addr *addr)
{
    return rtnl_transact(nl, build(nl, RTM_DELADDR, 0, addr), NULL, NULL);
}

struct addr_walk {
    uint32_t ifindex;
    int family;
    void (*fn)(const struct rtnl_addr *addr, void *arg);
    void *arg;
};

static void take_addr(const struct nlmsghdr *header, void *arg)
{
    struct addr_walk *walk = arg;
    struct rtnl_addr addr;
    if (header->nlmsg_type != RTM_NEWADDR || rtnl_addr_parse(header, &addr) < 0) {
        return;
    }
    if ((walk->ifindex == 0 || walk->ifindex == addr.ifindex) &&
        (walk->family == AF_UNSPEC || walk->family == addr.local.family)) {
        walk->fn(&addr, walk->arg);
    }
}

int rtnl_addr_each(struct rtnl *nl, uint32_t ifindex, int family, void (*fn)(const struct rtnl_addr *addr, void *arg),
                   void *arg)
{
    struct addr_walk walk = {.ifindex = ifindex, .family = family, .fn = fn, .arg = arg};
    int r = -EINTR;
    for (unsigned i = 0; i < RTNL_DUMP_TRIES && r == -EINTR; i++) {
        struct ifaddrmsg *info;
        struct nlmsghdr *header = rtnl_begin(nl, RTM_GETADDR, NLM_F_DUMP, sizeof(*info), &info);
        info->ifa_family = (uint8_t)family;
        r = rtnl_transact(nl, header, take_addr, &walk);
    }
    return r;
}
