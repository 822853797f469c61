/* SPDX-License-Identifier: MIT */
#include "node/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/env.h"
#include "sys/tun.h"

#define MTU_MIN 68
#define MTU_MAX 65536
#define ADDRESSES_MAX 2

struct device {
    struct device_plan plan; /* strings are ours */
    struct rtnl *nl;
    struct tun_device tun;
    struct dp *dp;           /* attached to it; the queues are its own then */
    uint8_t mac[6];
    struct rtnl_addr addresses[ADDRESSES_MAX]; /* that we added */
    unsigned address_count;
    bool bridged;
};

/* ------------------------------------------------------------------ the plan */

int device_plan_ifconfig(struct device_plan *plan, const char *a, const char *b)
{
    plan->remote4 = (struct ip_addr){0};
    plan->bits4 = 32;
    if (ip_parse(a, &plan->local4) < 0 || plan->local4.family != AF_INET) {
        log_error("ifconfig: '%s' is not an IPv4 address", a);
        return ERR_CONFIG;
    }
    struct ip_addr second;
    if (ip_parse(b, &second) < 0 || second.family != AF_INET) {
        log_error("ifconfig: '%s' is not an IPv4 address or netmask", b);
        return ERR_CONFIG;
    }
    int bits = ip4_mask_bits(ip4_to_u32(&second));
    if (plan->tap || plan->topology == DEVICE_SUBNET) {
        if (bits <= 0) {
            log_error("ifconfig: '%s' is not a netmask; %s needs one as second argument (or choose --topology net30)", b,
                      plan->tap ? "a tap device" : "topology subnet");
            return ERR_CONFIG;
        }
        plan->bits4 = (uint8_t)bits;
        return 0;
    }
    if (bits > 0) {
        log_warn("WARNING: ifconfig: '%s' looks like a netmask, but this topology needs the peer's address here: "
                 "should it be --topology subnet?", b);
    }
    plan->remote4 = second;
    return 0;
}

static int plan_addresses(struct device_plan *plan, const struct config *config)
{
    if (config->ifconfig.local) {
        int r = device_plan_ifconfig(plan, config->ifconfig.local,
                                     config->ifconfig.remote_netmask ? config->ifconfig.remote_netmask : "");
        if (r < 0) {
            return r;
        }
    }
    plan->local6 = config->ifconfig_ipv6.local;
    plan->bits6 = (uint8_t)config->ifconfig_ipv6.bits;
    plan->remote6 = config->ifconfig_ipv6.remote;
    return 0;
}

int device_plan_init(struct device_plan *plan, const struct config *config, unsigned mtu)
{
    memset(plan, 0, sizeof(*plan));
    plan->dev = config->dev ? config->dev : "tun";
    plan->dev_node = config->dev_node;
    plan->null = config->dev_type == CONFIG_DEV_NULL || strcmp(plan->dev, "null") == 0;
    plan->tap = config->dev_type == CONFIG_DEV_TAP ||
                (config->dev_type == CONFIG_DEV_TYPE_UNSET && tun_type_from_name(plan->dev) == 1);
    if (!plan->null && config->dev_type == CONFIG_DEV_TYPE_UNSET && tun_type_from_name(plan->dev) < 0) {
        log_error("dev %s: the name does not tell whether it is a tun or a tap device; add dev-type tun or dev-type tap",
                  plan->dev);
        return ERR_CONFIG;
    }
    plan->topology = config->topology == CONFIG_TOPOLOGY_SUBNET ? DEVICE_SUBNET
                     : config->topology == CONFIG_TOPOLOGY_P2P  ? DEVICE_P2P
                                                                : DEVICE_NET30;
    plan->mtu = mtu ? mtu : config->tun_mtu;
    if (plan->mtu < MTU_MIN || plan->mtu > MTU_MAX) {
        log_error("tun-mtu %u is out of range (%d to %d)", plan->mtu, MTU_MIN, MTU_MAX);
        return ERR_CONFIG;
    }
    plan->tx_queue_len = config->txqueuelen;
    plan->lladdr = config->lladdr;
    plan->noexec = config->ifconfig_noexec;
    plan->bridge = config->bridge;
    plan->no_offload = config->no_offload;
    plan->may_lack_ipv6 = config->mode != CONFIG_MODE_SERVER;
    return plan_addresses(plan, config);
}

static int parse_mac(const char *text, uint8_t mac[6])
{
    unsigned v[6];
    char rest;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &rest) != 6) {
        return ERR_FORMAT;
    }
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)v[i];
    }
    return 0;
}

/* ------------------------------------------------------------------ opening */

static void free_device(struct device *device)
{
    free((char *)(uintptr_t)device->plan.dev);
    free((char *)(uintptr_t)device->plan.dev_node);
    free((char *)(uintptr_t)device->plan.lladdr);
    free((char *)(uintptr_t)device->plan.bridge);
    free(device);
}

static void log_open_failure(const struct device_plan *plan, int r)
{
    const char *node = plan->dev_node ? plan->dev_node : TUN_NODE_DEFAULT;
    const char *hint = tun_open_hint(r);
    log_error("ERROR: Cannot open TUN/TAP dev %s (%s): %s%s%s", plan->dev, node, err_str(r), hint[0] ? "; " : "", hint);
}

int device_open(const struct device_plan *plan, struct rtnl *nl, struct device **out)
{
    struct device *device = mem_zalloc(sizeof(*device));
    device->plan = *plan;
    device->plan.dev = mem_strdup(plan->dev);
    device->plan.dev_node = mem_strdup(plan->dev_node);
    device->plan.lladdr = mem_strdup(plan->lladdr);
    device->plan.bridge = mem_strdup(plan->bridge);
    device->nl = nl;
    *out = device;
    if (plan->null) {
        return 0;
    }
    struct tun_options options = {.name = plan->dev,
                                  .node = plan->dev_node,
                                  .tap = plan->tap,
                                  .queues = plan->queues,
                                  .vnet_header = !plan->no_offload};
    int r = tun_open(&options, &device->tun);
    if (r < 0) {
        log_open_failure(plan, r);
        free_device(device);
        *out = NULL;
        return r;
    }
    log_info("TUN/TAP device %s opened", device->tun.name);
    return 0;
}

/* ------------------------------------------------------------------ addresses */

static int failed(const struct device *device, const char *what, int r)
{
    const char *detail = rtnl_error_text(device->nl);
    log_error("cannot set %s of %s: %s%s%s", what, device->tun.name, err_str(r), detail[0] ? ": " : "", detail);
    return r;
}

static int set_link(struct device *device)
{
    uint32_t index = device->tun.ifindex;
    const struct device_plan *plan = &device->plan;
    int r = 0;
    if (plan->lladdr && plan->tap) {
        uint8_t mac[6];
        if (parse_mac(plan->lladdr, mac) < 0) {
            log_error("lladdr: '%s' is not a MAC address like 02:00:00:00:00:01", plan->lladdr);
            return ERR_CONFIG;
        }
        r = rtnl_link_set_mac(device->nl, index, mac);
        if (r < 0) {
            return failed(device, "the MAC address", r);
        }
    }
    if (plan->tx_queue_len) {
        r = rtnl_link_set_queue_len(device->nl, index, plan->tx_queue_len);
        if (r < 0) {
            return failed(device, "the queue length", r);
        }
    }
    if (plan->noexec) {
        return 0;
    }
    r = rtnl_link_set_mtu(device->nl, index, plan->mtu);
    if (r < 0) {
        return failed(device, "the MTU", r);
    }
    r = rtnl_link_set_up(device->nl, index, true);
    if (r < 0) {
        return failed(device, "the state", r);
    }
    log_usual("net_iface_mtu_set: mtu %u for %s", plan->mtu, device->tun.name);
    log_usual("net_iface_up: set %s up", device->tun.name);
    return 0;
}

/* -EACCES: by a switch of the device (net.ipv6.conf.*.disable_ipv6); -EOPNOTSUPP: the whole kernel (ipv6.disable=1). */
static bool is_bearable(const struct device *device, const struct rtnl_addr *addr, int r)
{
    return (r == -EACCES || r == -EOPNOTSUPP) && addr->local.family == AF_INET6 && device->plan.may_lack_ipv6 &&
           device->plan.local4.family == AF_INET;
}

static int add_address(struct device *device, const struct rtnl_addr *addr)
{
    int r = rtnl_addr_add(device->nl, addr);
    if (is_bearable(device, addr, r)) {
        log_warn("IPv6 is turned off on this host (sysctl net.ipv6.conf.default.disable_ipv6): %s goes on with IPv4 only",
                 device->tun.name);
        return 0;
    }
    if (r < 0) {
        return failed(device, "an address", r);
    }
    device->addresses[device->address_count++] = *addr;
    char local[ADDR_TEXT_MAX];
    char peer[ADDR_TEXT_MAX];
    if (addr->peer.family != AF_UNSPEC) {
        log_usual("net_addr_ptp_v4_add: %s peer %s dev %s", ip_format(&addr->local, local), ip_format(&addr->peer, peer),
                  device->tun.name);
    } else {
        log_usual("net_addr_v%c_add: %s/%u dev %s", addr->local.family == AF_INET6 ? '6' : '4',
                  ip_format(&addr->local, local), addr->bits, device->tun.name);
    }
    return 0;
}

static int set_addresses(struct device *device)
{
    const struct device_plan *plan = &device->plan;
    int r = 0;
    if (plan->local4.family == AF_INET) {
        struct rtnl_addr addr = {.ifindex = device->tun.ifindex,
                                 .local = plan->local4,
                                 .peer = plan->remote4,
                                 .bits = plan->bits4,
                                 .broadcast = plan->tap};
        r = add_address(device, &addr);
    }
    if (r == 0 && plan->local6.family == AF_INET6) {
        struct rtnl_addr addr = {.ifindex = device->tun.ifindex, .local = plan->local6, .bits = plan->bits6};
        r = add_address(device, &addr);
    }
    return r;
}

static int join_bridge(struct device *device)
{
    struct rtnl_link bridge;
    int r = rtnl_link_find(device->nl, device->plan.bridge, &bridge);
    if (r < 0) {
        log_error("bridge %s: %s; make it first (ip link add %s type bridge)", device->plan.bridge, err_str(r),
                  device->plan.bridge);
        return r;
    }
    r = rtnl_link_set_master(device->nl, device->tun.ifindex, bridge.index);
    if (r < 0) {
        return failed(device, "the bridge", r);
    }
    device->bridged = true;
    return 0;
}

int device_configure(struct device *device)
{
    if (device->plan.null) {
        return 0;
    }
    int r = set_link(device);
    if (r == 0 && !device->plan.noexec) {
        r = set_addresses(device);
    }
    if (r == 0 && device->plan.bridge && device->plan.tap) {
        r = join_bridge(device);
    }
    struct rtnl_link link;
    if (r == 0 && rtnl_link_get(device->nl, device->tun.ifindex, &link) == 0) {
        memcpy(device->mac, link.mac, sizeof(device->mac));
    }
    return r;
}

int device_attach(struct device *device, struct dp *dp)
{
    if (device->plan.null) {
        return 0;
    }
    struct dp_device queues = {.queues = device->tun.queues,
                               .vnet_header = device->tun.vnet_header,
                               .mtu = device->plan.mtu,
                               .local4 = device->plan.local4,
                               .local6 = device->plan.local6};
    memcpy(queues.mac, device->mac, sizeof(queues.mac));
    for (unsigned i = 0; i < device->tun.queues; i++) {
        queues.fds[i] = device->tun.fds[i];
        device->tun.fds[i] = -1; /* the data plane's from now on, whatever happens */
    }
    int r = dp_device_attach(dp, &queues);
    if (r < 0) {
        log_error("cannot hand %s to the data plane: %s", device->tun.name, err_str(r));
        return r;
    }
    device->dp = dp;
    return 0;
}

_Static_assert(TUN_QUEUES_MAX == DP_TUN_QUEUES_MAX, "every queue that can be opened can be handed over");

/* ------------------------------------------------------------------ closing */

void device_deconfigure(struct device *device)
{
    while (device->address_count > 0) {
        const struct rtnl_addr *addr = &device->addresses[--device->address_count];
        int r = rtnl_addr_del(device->nl, addr);
        char text[ADDR_TEXT_MAX];
        if (r == 0) {
            log_usual("net_addr_v%c_del: %s dev %s", addr->local.family == AF_INET6 ? '6' : '4',
                      ip_format(&addr->local, text), device->tun.name);
        } else if (r != -EADDRNOTAVAIL && r != -ENODEV) {
            (void)failed(device, "back an address", r);
        }
    }
    if (device->bridged) {
        (void)rtnl_link_set_master(device->nl, device->tun.ifindex, 0);
        device->bridged = false;
    }
}

void device_close(struct device *device)
{
    if (!device) {
        return;
    }
    if (!device->plan.null) {
        log_usual("Closing TUN/TAP interface");
        device_deconfigure(device);
        if (device->dp) {
            dp_device_detach(device->dp);
        }
        tun_close(&device->tun);
    }
    free_device(device);
}

/* ------------------------------------------------------------------ questions */

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

bool device_matches(const struct device *device, const struct device_plan *plan)
{
    const struct device_plan *own = &device->plan;
    return same_text(own->dev, plan->dev) && same_text(own->dev_node, plan->dev_node) &&
           same_text(own->lladdr, plan->lladdr) && same_text(own->bridge, plan->bridge) && own->tap == plan->tap &&
           own->null == plan->null && own->topology == plan->topology && own->mtu == plan->mtu &&
           own->tx_queue_len == plan->tx_queue_len && own->noexec == plan->noexec &&
           ip_equal(&own->local4, &plan->local4) && ip_equal(&own->remote4, &plan->remote4) &&
           own->bits4 == plan->bits4 && ip_equal(&own->local6, &plan->local6) && own->bits6 == plan->bits6;
}

const char *device_name(const struct device *device)
{
    return device->plan.null ? "null" : device->tun.name;
}

uint32_t device_index(const struct device *device)
{
    return device->tun.ifindex;
}

unsigned device_mtu(const struct device *device)
{
    return device->plan.mtu;
}

const struct device_plan *device_get_plan(const struct device *device)
{
    return &device->plan;
}

struct ip_addr device_vpn_gateway(const struct device *device)
{
    return device->plan.remote4;
}

void device_export(const struct device_plan *plan, const char *name, struct env *env)
{
    char text[ADDR_TEXT_MAX];
    env_set(env, "dev", name);
    env_set(env, "dev_type", plan->null ? "null" : plan->tap ? "tap" : "tun");
    env_setf(env, "tun_mtu", "%u", plan->mtu);
    if (plan->local4.family == AF_INET) {
        env_set(env, "ifconfig_local", ip_format(&plan->local4, text));
        if (plan->remote4.family == AF_INET) {
            env_set(env, "ifconfig_remote", ip_format(&plan->remote4, text));
        } else {
            struct ip_addr mask = ip4_from_u32(ip4_bits_mask(plan->bits4));
            env_set(env, "ifconfig_netmask", ip_format(&mask, text));
        }
    }
    if (plan->local6.family == AF_INET6) {
        env_set(env, "ifconfig_ipv6_local", ip_format(&plan->local6, text));
        env_setf(env, "ifconfig_ipv6_netbits", "%u", plan->bits6);
        if (plan->remote6.family == AF_INET6) {
            env_set(env, "ifconfig_ipv6_remote", ip_format(&plan->remote6, text));
        }
    }
}
