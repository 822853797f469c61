/* SPDX-License-Identifier: MIT */
#include "server/nat.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "node/device.h"
#include "node/firewall.h"
#include "node/lifecycle.h"
#include "server/context.h"
#include "server/listener.h"

#define NETWORKS_MAX 2
#define PORTS_MAX 64

/* The smallest network that holds both ends of a range. */
static struct ip_prefix network_of_range(uint32_t start, uint32_t end)
{
    unsigned bits = 32;
    while (bits > 0 && (start ^ end) >> (32 - bits)) {
        bits--;
    }
    struct ip_addr base = ip4_from_u32(start);
    return prefix_make(&base, bits);
}

static size_t vpn_networks(const struct server *server, struct ip_prefix out[NETWORKS_MAX])
{
    const struct config *config = server->config;
    const struct server_addresses *own = &server->own;
    size_t n = 0;
    if (config->server.given) {
        struct ip_addr net = ip4_from_u32(config->server.network);
        out[n++] = prefix_make(&net, (unsigned)ip4_mask_bits(config->server.netmask));
    } else if (own->netmask4.family) {
        out[n++] = prefix_make(&own->local4, (unsigned)ip4_mask_bits(ip4_to_u32(&own->netmask4)));
    } else if (config->ifconfig_pool.given) {
        out[n++] = network_of_range(config->ifconfig_pool.start, config->ifconfig_pool.end);
    }
    if (own->local6.family) {
        out[n++] = prefix_make(&own->local6, own->bits6);
    }
    return n;
}

/* The name of the table: that of the runtime files, so that each configuration has one of its own. */
static char *table_name(const struct server *server)
{
    char *path = lifecycle_runtime_file(server->life, "nat");
    if (!path) {
        return mem_strdup(device_name(server->device));
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *name = mem_strndup(base, strlen(base) - strlen(".nat"));
    free(path);
    return name;
}

static int masquerade(struct server *server)
{
    struct ip_prefix nets[NETWORKS_MAX];
    size_t count = vpn_networks(server, nets);
    if (count == 0) {
        log_fatal("Options error: nat-masquerade: the server has no network of its own; use server or ifconfig");
        return ERR_CONFIG;
    }
    char *name = table_name(server);
    int rc = firewall_new(name, server->journal, &server->firewall);
    free(name);
    if (rc < 0) {
        log_fatal("nat-masquerade: nftables cannot be used: %s; run vpnd as root, on a kernel with nf_tables",
                  err_str(rc));
        return rc;
    }
    uint16_t ports[PORTS_MAX];
    struct firewall_nat nat = {
        .nets = nets,
        .count = count,
        .device = device_name(server->device),
        .own_ports = ports,
        .own_port_count = listeners_ports(server, ports, PORTS_MAX),
    };
    return firewall_masquerade(server->firewall, &nat);
}

/* Word @flag among those of a pushed "redirect-gateway ...". */
static bool has_flag(const char *text, const char *flag)
{
    size_t len = strlen(flag);
    for (const char *at = text; (at = strstr(at, flag)) != NULL; at += len) {
        if (at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void check_host(const struct server *server)
{
    bool four = false;
    bool six = false;
    for (size_t i = 0; i < server->config->push.count; i++) {
        const char *text = server->config->push.items[i].text;
        if (strncmp(text, "redirect-gateway", 16) == 0) {
            four = four || !has_flag(text, "!ipv4");
            six = six || has_flag(text, "ipv6");
        }
    }
    unsigned lacks = four || six ? firewall_lacks() : 0;
    bool forward4 = four && (lacks & FIREWALL_NO_FORWARD4);
    bool forward6 = six && (lacks & FIREWALL_NO_FORWARD6);
    bool nat = lacks & FIREWALL_NO_NAT;
    if (forward4 || forward6 || nat) {
        log_warn("WARNING: redirect-gateway is pushed, but this host does not%s%s%s%s; clients will not reach the "
                 "Internet. Remedy: the option nat-masquerade%s",
                 forward4 ? " forward IPv4 (sysctl net.ipv4.ip_forward is 0)" : "", forward4 && forward6 ? "," : "",
                 forward6 ? " forward IPv6 (sysctl net.ipv6.conf.all.forwarding is 0)" : "",
                 !nat                     ? ""
                 : (forward4 || forward6) ? " and has no NAT rule"
                                          : " translate addresses (no NAT rule was found)",
                 forward4 || forward6 ? "" : ", or a route to the VPN's network on your router");
    }
}

int nat_start(struct server *server)
{
    if (server->config->nat_masquerade) {
        return masquerade(server);
    }
    check_host(server);
    return 0;
}

void nat_stop(struct server *server)
{
    firewall_free(server->firewall);
    server->firewall = NULL;
}
