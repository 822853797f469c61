/* SPDX-License-Identifier: MIT */
#include "node/host_tools.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "node/device.h"
#include "sys/caps.h"
#include "sys/rtnl.h"
#include "sys/tun.h"

static void set_link(const char *name, const struct config *config)
{
    struct rtnl *nl = NULL;
    struct rtnl_link link;
    if (!config->txqueuelen || rtnl_open(&nl) < 0) {
        return;
    }
    if (rtnl_link_find(nl, name, &link) < 0 || rtnl_link_set_queue_len(nl, link.index, config->txqueuelen) < 0) {
        log_warn("cannot set txqueuelen of %s", name);
    }
    rtnl_close(nl);
}

int host_tools_persist(const struct config *config, bool on)
{
    struct device_plan plan;
    if (device_plan_init(&plan, config, config->tun_mtu ? config->tun_mtu : 1500) < 0) {
        return 1;
    }
    struct caps_identity identity = {.user = config->user, .group = config->group};
    if (caps_lookup(&identity) < 0) {
        return 1;
    }
    struct tun_options options = {.name = plan.dev, .node = plan.dev_node, .tap = plan.tap};
    char name[IFNAMSIZ];
    int r = tun_persist(&options, on, config->user ? identity.uid : TUN_ID_NONE,
                        config->group ? identity.gid : TUN_ID_NONE, name);
    if (r < 0) {
        const char *hint = tun_open_hint(r);
        log_error("Cannot make %s %s: %s%s%s", plan.dev, on ? "lasting" : "go away", err_str(r), hint[0] ? "; " : "",
                  hint);
        return 1;
    }
    if (on) {
        set_link(name, config);
    }
    log_info("TUN/TAP device %s opened", name);
    log_info("Persist state set to: %s", on ? "ON" : "OFF");
    return 0;
}

static void print_gateway(const char *word, const struct rtnl_gateway *gateway)
{
    char address[ADDR_TEXT_MAX] = "ON_LINK";
    char mask[ADDR_TEXT_MAX + 1] = "";
    char mac[32] = "";
    if (gateway->hop.gateway.family != AF_UNSPEC) {
        (void)ip_format(&gateway->hop.gateway, address);
    }
    if (gateway->link_net.addr.family == AF_INET && gateway->link_net.bits > 0) {
        struct ip_addr netmask = ip4_from_u32(ip4_bits_mask(gateway->link_net.bits));
        mask[0] = '/';
        (void)ip_format(&netmask, mask + 1);
    }
    /* HWADDR is printed for IPv4 only, as it always was. */
    if (gateway->has_mac && gateway->link_net.addr.family == AF_INET) {
        const uint8_t *m = gateway->mac;
        (void)snprintf(mac, sizeof(mac), " HWADDR=%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    }
    log_info("%s %s%s IFACE=%s%s", word, address, mask, gateway->hop.ifname, mac);
}

static void show(struct rtnl *nl, const char *word, const struct ip_addr *to)
{
    struct rtnl_gateway gateway;
    int r = rtnl_gateway_for(nl, to, &gateway);
    if (r < 0) {
        log_info("%s UNDEF", word);
    } else {
        print_gateway(word, &gateway);
    }
}

int host_tools_show_gateway(const char *target)
{
    struct rtnl *nl = NULL;
    struct ip_addr to4 = {.family = AF_INET};
    struct ip_addr to6 = {.family = AF_INET6};
    struct ip_addr at;
    if (target && ip_parse(target, &at) < 0) {
        log_error("show-gateway: '%s' is not an address", target);
        return 1;
    }
    int r = rtnl_open(&nl);
    if (r < 0) {
        log_error("cannot ask the kernel for routes: %s", err_str(r));
        return 1;
    }
    if (target && at.family == AF_INET) {
        to4 = at;
    } else if (target) {
        to6 = at;
    }
    show(nl, "ROUTE_GATEWAY", &to4);
    show(nl, "ROUTE6_GATEWAY", &to6);
    rtnl_close(nl);
    return 0;
}
