/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DEVICE_H
#define VPND_NODE_DEVICE_H

/*
 * The tunnel device: opened, given its addresses, handed to the data plane, taken down in the right order
 * (client behaviour spec, 4). Thread: the loop thread.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "dp/dp.h"
#include "sys/rtnl.h"

struct config;
struct device;

enum device_topology { DEVICE_NET30, DEVICE_P2P, DEVICE_SUBNET };

/** Everything about the device; filled from the configuration, then by pushed options. Strings are borrowed. */
struct device_plan {
    const char *dev;            /* "tun", "tap0", "null", any name with tap set right */
    const char *dev_node;       /* NULL: default */
    bool tap;
    bool null;                  /* no device at all */
    enum device_topology topology;
    unsigned queues;            /* wanted; 0 means 1 */
    bool no_offload;            /* do not ask for the virtio header */
    bool may_lack_ipv6;         /* does with its IPv4 address where the host has IPv6 turned off */
    unsigned mtu;               /* tun-mtu */
    unsigned tx_queue_len;      /* 0: leave */
    const char *lladdr;         /* "02:00:..." for tap; NULL: leave */
    struct ip_addr local4;      /* ifconfig, first argument; unset: none */
    struct ip_addr remote4;     /* second argument when it is an address (net30, p2p) */
    uint8_t bits4;              /* second argument when it is a netmask (subnet, tap) */
    struct ip_addr local6;      /* ifconfig-ipv6; unset: none */
    uint8_t bits6;
    struct ip_addr remote6;     /* second argument; unset: none */
    bool noexec;                /* ifconfig-noexec: environment only */
    const char *bridge;         /* tap: put the device into this bridge; NULL: no */
};

/**
 * device_plan_init - everything that @config (with pushed options applied) says: dev, dev-type, dev-node, topology,
 * tun-mtu, txqueuelen, lladdr, ifconfig, ifconfig-ipv6, ifconfig-noexec, bridge
 * @mtu: 0: tun-mtu of @config
 * Return: 0, or ERR_CONFIG with one line logged that names what is wrong.
 */
int device_plan_init(struct device_plan *plan, const struct config *config, unsigned mtu);

/**
 * device_plan_ifconfig - take over `ifconfig A B`, B read by topology and type
 * @a, @b: as in the option line. Return: 0, or ERR_CONFIG with one line logged that names what is wrong.
 */
int device_plan_ifconfig(struct device_plan *plan, const char *a, const char *b);

/** device_open - open or create the device. Return: 0 and *out, or negative after one error line with advice. */
int device_open(const struct device_plan *plan, struct rtnl *nl, struct device **out);

/** device_configure - MTU, MAC, queue length, addresses, bridge, up; nothing but "up" for ifconfig-noexec.
 *  Return: 0 or negative after one error line. */
int device_configure(struct device *device);

/** device_attach - hand the queues to the data plane. Return: 0 or negative. */
int device_attach(struct device *device, struct dp *dp);

/** device_matches - whether a persisted device may serve @plan unchanged (same device, addresses, MTU). */
bool device_matches(const struct device *device, const struct device_plan *plan);

/** device_deconfigure - remove the addresses we added (they go by themselves when a non-persistent device closes). */
void device_deconfigure(struct device *device);

/** device_close - detach from the data plane if attached, close the queues, release. NULL is fine. */
void device_close(struct device *device);

/** device_name - "tun0"; "null" for the null device. */
const char *device_name(const struct device *device);

/** device_index - interface index; 0 for the null device. */
uint32_t device_index(const struct device *device);

/** device_mtu - MTU in force, bytes. */
unsigned device_mtu(const struct device *device);

/** device_get_plan - the plan it was opened with (its strings belong to the device). */
const struct device_plan *device_get_plan(const struct device *device);

/** device_vpn_gateway - default gateway of routes: the remote address in net30 and p2p; unset in subnet and tap. */
struct ip_addr device_vpn_gateway(const struct device *device);

struct env; /* hooks/env.h */

/** device_export - set dev, dev_type, tun_mtu, link_mtu, ifconfig_* for scripts. */
void device_export(const struct device_plan *plan, const char *name, struct env *env);

#endif
