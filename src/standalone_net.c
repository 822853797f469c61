/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "standalone.h"
#include "sys/caps.h"
#include "sys/rtnl.h"
#include "sys/tun.h"

static void print_gateway(const struct rtnl_gateway *gateway)
{
    char text[ADDR_TEXT_MAX];
    char mask[ADDR_TEXT_MAX];
    const struct ip_addr *ip = &gateway->hop.gateway;
    const uint8_t *m = gateway->mac;
    if (ip->family == AF_INET6) {
        log_info("ROUTE6_GATEWAY %s IFACE=%s", ip_format(ip, text), gateway->hop.ifname);
        return;
    }
    struct ip_addr netmask = ip4_from_u32(ip4_bits_mask(gateway->link_net.bits));
    ip_format(ip, text);
    ip_format(&netmask, mask);
    if (gateway->has_mac) {
        log_info("ROUTE_GATEWAY %s/%s IFACE=%s HWADDR=%02x:%02x:%02x:%02x:%02x:%02x", text, mask, gateway->hop.ifname,
                 m[0], m[1], m[2], m[3], m[4], m[5]);
    } else {
        log_info("ROUTE_GATEWAY %s/%s IFACE=%s", text, mask, gateway->hop.ifname);
    }
}

static void show_gateway(struct rtnl *nl, const char *address)
{
    struct ip_addr to;
    struct rtnl_gateway gateway;
    if (ip_parse(address, &to) != 0) {
        log_error("'%s' is not an address", address);
        return;
    }
    int rc = rtnl_gateway_for(nl, &to, &gateway);
    if (rc == 0 && gateway.hop.gateway.family != AF_UNSPEC) {
        print_gateway(&gateway);
    } else {
        log_info("%s: no gateway%s%s", address, rc == 0 ? ", it is on the link " : "",
                 rc == 0 ? gateway.hop.ifname : "");
    }
}

int standalone_gateway(const char *target)
{
    struct rtnl *nl = NULL;
    int rc = rtnl_open(&nl);
    if (rc != 0) {
        log_fatal("netlink: %s", err_str(rc));
        return 1;
    }
    if (target) {
        show_gateway(nl, target);
    } else {
        show_gateway(nl, "0.0.0.0");
        show_gateway(nl, "::");
    }
    rtnl_close(nl);
    return 0;
}

static void dress(const struct config *config, const char *name)
{
    struct rtnl *nl = NULL;
    struct rtnl_link link;
    if (!config->txqueuelen || rtnl_open(&nl) != 0) {
        return;
    }
    if (rtnl_link_find(nl, name, &link) != 0 ||
        rtnl_link_set_queue_len(nl, link.index, config->txqueuelen) != 0) {
        log_error("txqueuelen cannot be set: %s", rtnl_error_text(nl));
    }
    rtnl_close(nl);
}

int standalone_persist(const struct config *config, bool on)
{
    struct tun_options options = {
        .name = config->dev, .node = config->dev_node, .tap = config->dev_type == CONFIG_DEV_TAP};
    struct caps_identity owner = {.user = config->user, .group = config->group};
    char name[IFNAMSIZ];
    if ((config->user || config->group) && caps_lookup(&owner) != 0) {
        return 1;
    }
    int rc = tun_persist(&options, on, config->user ? owner.uid : TUN_ID_NONE,
                         config->group ? owner.gid : TUN_ID_NONE, name);
    if (rc != 0) {
        log_fatal("Cannot %s TUN/TAP device %s: %s%s%s", on ? "create" : "remove", config->dev, err_str(rc),
                  *tun_open_hint(rc) ? "; " : "", tun_open_hint(rc));
        return 1;
    }
    log_info("TUN/TAP device %s opened", name);
    if (on) {
        dress(config, name);
    }
    log_info("Persist state set to: %s", on ? "ON" : "OFF");
    return 0;
}
