/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "config/set.h"
#include "config/set_handlers.h"

int set_server(struct set *s, void *field)
{
    struct config_server_network net = {.given = true};
    int rc = set_ipv4(s, 1, &net.network);
    if (rc == 0) {
        rc = set_netmask(s, 2, &net.netmask);
    }
    if (rc == 0 && s->argc > 3) {
        if (strcmp(s->argv[3], "nopool") != 0) {
            return set_error_plain(s, "error parsing --server: %s is not a recognized flag (%s:%u)", s->argv[3],
                                   s->source, s->line);
        }
        net.nopool = true;
    }
    if (rc == 0) {
        *(struct config_server_network *)field = net;
    }
    return rc;
}

int set_server_ipv6(struct set *s, void *field)
{
    struct ip_addr ip;
    unsigned bits = 0;
    int rc = set_ipv6_bits(s, 1, &ip, &bits);
    if (rc != 0) {
        return rc;
    }
    if (bits < 64 || bits > 124) {
        return set_error_plain(s, "--server-ipv6 settings: network must be between /64 and /124 (not /%u) (%s:%u)", bits,
                               s->source, s->line);
    }
    *(struct ip_prefix *)field = prefix_make(&ip, bits);
    return 0;
}

int set_server_bridge(struct set *s, void *field)
{
    struct config_server_bridge b = {.kind = CONFIG_BRIDGE_POOL};
    int rc = 0;
    if (s->argc == 1) {
        b.kind = CONFIG_BRIDGE_DHCP;
    } else if (s->argc == 2 && strcmp(s->argv[1], "nogw") == 0) {
        b.kind = CONFIG_BRIDGE_NOGW;
    } else if (s->argc == 5) {
        rc = set_ipv4(s, 1, &b.gateway);
        rc = rc == 0 ? set_netmask(s, 2, &b.netmask) : rc;
        rc = rc == 0 ? set_ipv4(s, 3, &b.start) : rc;
        rc = rc == 0 ? set_ipv4(s, 4, &b.end) : rc;
    } else {
        return set_error(s, "server-bridge needs GATEWAY NETMASK START END, 'nogw', or nothing");
    }
    if (rc == 0) {
        *(struct config_server_bridge *)field = b;
    }
    return rc;
}

int set_ifconfig_pool(struct set *s, void *field)
{
    struct config_pool pool = {.given = true};
    int rc = set_ipv4(s, 1, &pool.start);
    rc = rc == 0 ? set_ipv4(s, 2, &pool.end) : rc;
    if (rc == 0 && s->argc > 3) {
        rc = set_netmask(s, 3, &pool.netmask);
    }
    if (rc == 0 && pool.start > pool.end) {
        return set_error_plain(s, "--ifconfig-pool start IP [%s] is greater than end IP [%s] (%s:%u)", s->argv[1],
                               s->argv[2], s->source, s->line);
    }
    if (rc == 0 && pool.end - pool.start >= 65536) {
        return set_error_plain(s, "--ifconfig-pool address range is too large [%s -> %s].  Current maximum is 65536 "
                               "addresses, as defined by IFCONFIG_POOL_MAX variable. (%s:%u)", s->argv[1], s->argv[2],
                               s->source, s->line);
    }
    if (rc == 0) {
        *(struct config_pool *)field = pool;
    }
    return rc;
}

int set_ifconfig_ipv6_pool(struct set *s, void *field)
{
    struct config_pool_ipv6 pool = {.given = true};
    int rc = set_ipv6_bits(s, 1, &pool.base, &pool.bits);
    if (rc == 0 && (pool.bits < 64 || pool.bits > 124)) {
        return set_error_plain(s, "--ifconfig-ipv6-pool settings: network must be between /64 and /124 (not /%u) "
                               "(%s:%u)", pool.bits, s->source, s->line);
    }
    if (rc == 0) {
        *(struct config_pool_ipv6 *)field = pool;
    }
    return rc;
}

int set_pool_persist(struct set *s, void *field)
{
    struct config_pool_persist p = {.seconds = 600};
    int rc = s->argc > 2 ? set_unsigned(s, 2, 0, 86400 * 365, &p.seconds) : 0;
    if (rc == 0) {
        p.path = set_text(s, 1);
        *(struct config_pool_persist *)field = p;
    }
    return rc;
}

int set_push_constraint(struct set *s, void *field)
{
    struct config_constraint c = {.given = true};
    int rc = set_ipv4(s, 1, &c.network);
    rc = rc == 0 ? set_netmask(s, 2, &c.netmask) : rc;
    if (rc == 0) {
        *(struct config_constraint *)field = c;
    }
    return rc;
}

int set_rate(struct set *s, void *field)
{
    struct config_rate rate = {0};
    int rc = set_unsigned(s, 1, 1, INT32_MAX, &rate.count);
    rc = rc == 0 ? set_unsigned(s, 2, 1, INT32_MAX, &rate.seconds) : rc;
    if (rc == 0) {
        *(struct config_rate *)field = rate;
    }
    return rc;
}

int set_stale_routes(struct set *s, void *field)
{
    struct config_stale_routes r = {0};
    int rc = set_unsigned(s, 1, 1, INT32_MAX, &r.age);
    r.interval = r.age;
    if (rc == 0 && s->argc > 2) {
        rc = set_unsigned(s, 2, 1, INT32_MAX, &r.interval);
    }
    if (rc == 0) {
        *(struct config_stale_routes *)field = r;
    }
    return rc;
}

int set_port_share(struct set *s, void *field)
{
    struct config_port_share share = {0};
    int rc = set_port_text(s, 2, &share.port);
    if (rc == 0) {
        share.host = set_text(s, 1);
        share.dir = set_text(s, 3);
        *(struct config_port_share *)field = share;
    }
    return rc;
}

int set_client(struct set *s, void *field)
{
    (void)field;
    s->config->pull = true;
    s->config->tls_client = true;
    return 0;
}

int set_keepalive(struct set *s, void *field)
{
    struct config_keepalive k = {.given = true};
    int rc = set_unsigned(s, 1, 1, 86400, &k.interval);
    rc = rc == 0 ? set_unsigned(s, 2, 1, 86400, &k.timeout) : rc;
    if (rc == 0) {
        *(struct config_keepalive *)field = k;
    }
    return rc;
}
