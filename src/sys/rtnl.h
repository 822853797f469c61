/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_RTNL_H
#define VPND_SYS_RTNL_H

/*
 * Links, addresses and routes through rtnetlink (rtnetlink(7)). A handle belongs to one thread at a time; calls
 * block only for the kernel's immediate answer.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct rtnl;

/** rtnl_open - a handle in the caller's network namespace. Return: 0 and *out, or -errno. */
int rtnl_open(struct rtnl **out);

/** rtnl_close - release; NULL is fine. */
void rtnl_close(struct rtnl *nl);

/** rtnl_error_text - the kernel's own words about the last failed call (extended ack), or "". */
const char *rtnl_error_text(const struct rtnl *nl);

/* ------------------------------------------------------------------ links */

struct rtnl_link {
    uint32_t index;
    char name[IFNAMSIZ];
    unsigned flags;      /* IFF_UP, IFF_RUNNING, IFF_POINTOPOINT, IFF_LOOPBACK, ... */
    unsigned mtu;
    uint8_t mac[6];      /* zero when the link has no Ethernet address */
    bool has_mac;
    uint32_t master;     /* bridge it belongs to; 0 none */
    uint32_t tx_queue_len;
};

/** rtnl_link_find - look a link up by name. Return: 0 or -errno (-ENODEV). */
int rtnl_link_find(struct rtnl *nl, const char *name, struct rtnl_link *out);

/** rtnl_link_get - look a link up by index. Return: 0 or -errno (-ENODEV). */
int rtnl_link_get(struct rtnl *nl, uint32_t index, struct rtnl_link *out);

/** rtnl_link_set_up - bring a link up or down. Return: 0 or -errno. */
int rtnl_link_set_up(struct rtnl *nl, uint32_t index, bool up);

/** rtnl_link_set_mtu - MTU in bytes. Return: 0 or -errno. */
int rtnl_link_set_mtu(struct rtnl *nl, uint32_t index, unsigned mtu);

/** rtnl_link_set_mac - Ethernet address. Return: 0 or -errno. */
int rtnl_link_set_mac(struct rtnl *nl, uint32_t index, const uint8_t mac[6]);

/** rtnl_link_set_queue_len - transmit queue length, packets. Return: 0 or -errno. */
int rtnl_link_set_queue_len(struct rtnl *nl, uint32_t index, unsigned packets);

/** rtnl_link_set_master - put the link into the bridge @master; 0 takes it out. Return: 0 or -errno. */
int rtnl_link_set_master(struct rtnl *nl, uint32_t index, uint32_t master);

/** rtnl_link_del - delete a link (a persistent tun). Return: 0 or -errno. */
int rtnl_link_del(struct rtnl *nl, uint32_t index);

/* ------------------------------------------------------------------ addresses */

/** An address of a link. With @peer set, the link is point-to-point and @bits belongs to the peer (usually 32). */
struct rtnl_addr {
    uint32_t ifindex;
    struct ip_addr local;
    struct ip_addr peer;      /* unset: plain address/prefix */
    uint8_t bits;
    bool broadcast;           /* IPv4: also set the prefix's broadcast address */
    bool no_prefix_route;     /* do not add the connected route */
};

/** rtnl_addr_add - add (or refresh) an address; IPv6 without duplicate address detection.
 *  Return: 0 or -errno. */
int rtnl_addr_add(struct rtnl *nl, const struct rtnl_addr *addr);

/** rtnl_addr_del - remove an address. Return: 0 or -errno (-EADDRNOTAVAIL). */
int rtnl_addr_del(struct rtnl *nl, const struct rtnl_addr *addr);

/** rtnl_addr_each - call @fn for every address of @ifindex (0: of all links) and @family (AF_UNSPEC: both).
 *  @fn may not use @nl; it sees addresses again when the list changes meanwhile. Return: 0 or -errno. */
int rtnl_addr_each(struct rtnl *nl, uint32_t ifindex, int family, void (*fn)(const struct rtnl_addr *addr, void *arg),
                   void *arg);

/* ------------------------------------------------------------------ routes */

#define RTNL_METRIC_NONE UINT32_MAX

/** A unicast route. @dst with 0 bits is the default route. */
struct rtnl_route {
    struct ip_prefix dst;
    struct ip_addr gateway;   /* unset: on-link */
    uint32_t ifindex;         /* 0: by gateway */
    uint32_t metric;          /* RTNL_METRIC_NONE: leave it to the kernel */
    uint32_t table;           /* 0: main */
    uint8_t protocol;         /* RTPROT_* (kernel, boot, dhcp, ...); 0 when adding: boot */
    uint8_t scope;            /* read only: RT_SCOPE_* */
    struct ip_addr source;    /* preferred source; unset: none */
    bool onlink;              /* gateway is reachable although no address covers it */
};

/** rtnl_route_add - add, never replace. An IPv4 route goes before one that leads elsewhere with the same metric.
 *  Return: 0; -EEXIST (the same was there before: not ours to delete); -errno. */
int rtnl_route_add(struct rtnl *nl, const struct rtnl_route *route);

/** rtnl_route_del - remove exactly this route. Return: 0; -ESRCH (not there); -errno. */
int rtnl_route_del(struct rtnl *nl, const struct rtnl_route *route);

/** rtnl_route_each - call @fn for every unicast route of @family in @table (0: main). @fn may not use @nl; it sees
 *  routes again when the list changes meanwhile. Return: 0 or -errno. */
int rtnl_route_each(struct rtnl *nl, int family, uint32_t table, void (*fn)(const struct rtnl_route *route, void *arg),
                    void *arg);

/** Where a packet would leave. */
struct rtnl_hop {
    uint32_t ifindex;
    char ifname[IFNAMSIZ];
    struct ip_addr gateway;   /* unset: @dst is on the link itself */
    struct ip_addr source;    /* address the kernel would use; unset if it names none */
    bool local;               /* @dst is an address of this host */
};

/** rtnl_route_lookup - `ip route get @dst mark @mark`. Return: 0; -ENETUNREACH; -errno. */
int rtnl_route_lookup(struct rtnl *nl, const struct ip_addr *dst, uint32_t mark, struct rtnl_hop *out);

/** A default gateway with what scripts and block-local need to know of its link. */
struct rtnl_gateway {
    struct rtnl_hop hop;
    uint32_t metric;
    struct ip_prefix link_net; /* the network on the link that contains the gateway (or our source); bits 0: unknown */
    struct ip_addr link_addr;  /* our address in it */
    uint8_t mac[6];            /* of our interface */
    bool has_mac;
};

/**
 * rtnl_gateway_for - the way to @dst (unspecified address of a family: the default gateway)
 * Return: 0; -ENETUNREACH when there is none; -errno.
 */
int rtnl_gateway_for(struct rtnl *nl, const struct ip_addr *dst, struct rtnl_gateway *out);

/* ------------------------------------------------------------------ watching */

enum rtnl_change_type { RTNL_CHANGE_LINK, RTNL_CHANGE_ADDR, RTNL_CHANGE_ROUTE, RTNL_CHANGE_LOST };

/** One change. LOST: the socket overflowed, look at everything again. */
struct rtnl_change {
    enum rtnl_change_type type;
    bool removed;
    struct rtnl_link link;
    struct rtnl_addr addr;
    struct rtnl_route route; /* main table only */
};

struct rtnl_monitor;

/** rtnl_monitor_open - subscribe to links, addresses and routes of both families. Return: 0 or -errno. */
int rtnl_monitor_open(struct rtnl_monitor **out);

/** rtnl_monitor_close - release; NULL is fine. */
void rtnl_monitor_close(struct rtnl_monitor *monitor);

/** rtnl_monitor_fd - readable when rtnl_monitor_drain() has something. Owned by the monitor. */
int rtnl_monitor_fd(const struct rtnl_monitor *monitor);

/** rtnl_monitor_drain - report everything that waits. Return: 0 or -errno. */
int rtnl_monitor_drain(struct rtnl_monitor *monitor, void (*fn)(const struct rtnl_change *change, void *arg),
                       void *arg);

#endif
