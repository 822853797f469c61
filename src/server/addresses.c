/* SPDX-License-Identifier: MIT */
#include "server/addresses.h"

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/instance.h"
#include "server/routing.h"
#include "server/static_names.h"

static bool is_tap(const struct config *config)
{
    return config->dev_type == CONFIG_DEV_TAP;
}

bool addresses_have_netmask(const struct config *config)
{
    return is_tap(config) || config->topology == CONFIG_TOPOLOGY_SUBNET;
}

void addresses_own(struct server *server)
{
    const struct config *config = server->config;
    server->own = (struct server_addresses){0};
    if (config->ifconfig.local && ip_parse(config->ifconfig.local, &server->own.local4) == 0 &&
        addresses_have_netmask(config) &&
        config->ifconfig.remote_netmask) {
        (void)ip_parse(config->ifconfig.remote_netmask, &server->own.netmask4); /* validated */
    }
    if (config->ifconfig_ipv6.local.family) {
        server->own.local6 = config->ifconfig_ipv6.local;
        server->own.bits6 = config->ifconfig_ipv6.bits;
    }
}

static void log_pool(const struct server *server, const struct pool_config *pool)
{
    char text[ADDR_TEXT_MAX];
    if (pool->v4) {
        struct ip_addr base = pool_slot_base4(server->pool, 0);
        log_usual("IFCONFIG POOL IPv4: base=%s size=%u", ip_format(&base, text), pool_size4(pool));
    }
    if (pool->v6) {
        struct pool_lease first = pool_slot_lease(server->pool, 0);
        log_usual("IFCONFIG POOL IPv6: base=%s size=%u netbits=%u", ip_format(&first.local6, text), pool_size6(pool),
                  pool->bits6);
    }
}

int addresses_make_pool(struct server *server)
{
    const struct config *config = server->config;
    struct pool_config want = {
        .v4 = config->ifconfig_pool.given,
        .net30 = !is_tap(config) && config->topology == CONFIG_TOPOLOGY_NET30,
        .start = config->ifconfig_pool.start,
        .end = config->ifconfig_pool.end,
        .v6 = config->ifconfig_ipv6_pool.given,
        .base6 = config->ifconfig_ipv6_pool.base,
        .bits6 = config->ifconfig_ipv6_pool.bits,
        .duplicate_cn = config->duplicate_cn,
    };
    enum pool_problem problem;
    if (!want.v4 && !want.v6) {
        return 0;
    }
    int rc = pool_new(&want, &server->pool, &problem);
    if (rc < 0) {
        log_fatal("Options error: %s", pool_problem_text(problem));
        return rc;
    }
    log_pool(server, &want);
    if (problem == POOL_V4_IS_SMALLER) {
        log_usual(
            "NOTE: IPv4 pool size is %u, IPv6 pool size is %u. IPv4 pool size limits the number of clients that can be "
            "served from the pool",
            pool_size4(&want), pool_size6(&want));
    } else if (problem == POOL_V6_IS_SMALLER) {
        log_warn("WARNING: IPv4 pool size is %u, IPv6 pool size is %u. IPv6 pool size limits the number of clients "
                 "that can be "
                 "served from the pool. This is likely a MISTAKE - please check your configuration",
                 pool_size4(&want), pool_size6(&want));
    }
    return 0;
}

/* Addresses of a slot as this topology presents them. */
static void fill_from_lease(struct instance *instance, const struct pool_lease *lease)
{
    const struct config *config = instance->server->config;
    const struct server_addresses *own = &instance->server->own;
    struct instance_addresses *a = &instance->addresses;

    a->from_pool = true;
    a->slot = lease->slot;
    if (lease->local4.family) {
        a->local4 = lease->local4;
        a->pushed4 = lease->local4;
        if (addresses_have_netmask(config)) {
            a->remote4 = config->ifconfig_pool.netmask ? ip4_from_u32(config->ifconfig_pool.netmask) : own->netmask4;
        } else {
            a->remote4 = lease->remote4.family ? lease->remote4 : own->local4;
        }
    }
    if (lease->local6.family) {
        a->local6 = lease->local6;
        a->bits6 = own->bits6 ? own->bits6 : config->ifconfig_ipv6_pool.bits;
        a->remote6 = own->local6;
    }
}

/* An address without its second half is of no use to the client, which takes the whole reply for an error. */
static void drop_half_address(struct instance *instance)
{
    struct instance_addresses *a = &instance->addresses;
    if (!a->local4.family || a->remote4.family) {
        return;
    }
    instance_log(instance, LOG_SEV_ERROR, 1, "MULTI: no %s is available to push to %s",
                 addresses_have_netmask(instance->server->config) ? "--ifconfig-pool netmask parameter"
                                                                  : "--ifconfig address of the server",
                 instance->tag);
    a->local4 = (struct ip_addr){0};
    a->pushed4 = (struct ip_addr){0};
}

void addresses_choose_dynamic(struct instance *instance)
{
    struct server *server = instance->server;
    struct pool_lease lease;
    char v4[ADDR_TEXT_MAX] = "(Not enabled)";
    char v6[ADDR_TEXT_MAX] = "(Not enabled)";

    addresses_release(instance);
    instance->addresses = (struct instance_addresses){0};
    if (!server->pool) {
        return;
    }
    if (pool_acquire(server->pool, held_config_get(server->live)->duplicate_cn ? NULL : instance->cn, &lease) < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "MULTI: no free --ifconfig-pool addresses are available");
        return;
    }
    fill_from_lease(instance, &lease);
    if (lease.local4.family) {
        ip_format(&lease.local4, v4);
    }
    if (lease.local6.family) {
        ip_format(&lease.local6, v6);
    }
    instance_log(instance, LOG_SEV_USUAL, 3, "MULTI_sva: pool returned IPv4=%s, IPv6=%s", v4, v6);
    drop_half_address(instance);
}

static void check_constraint(const struct instance *instance)
{
    const struct config_constraint *c = &instance->server->config->ifconfig_push_constraint;
    uint32_t address = ip4_to_u32(&instance->addresses.local4);
    char text[ADDR_TEXT_MAX];
    if (c->given && (address & c->netmask) != c->network) {
        struct ip_addr net = ip4_from_u32(c->network);
        struct ip_prefix prefix = {.addr = net, .bits = (uint8_t)ip4_mask_bits(c->netmask)};
        char network[ADDR_TEXT_MAX];
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "MULTI ERROR: primary virtual IP for %s (%s) violates tunnel network/netmask constraint (%s)",
                     instance->tag, ip_format(&instance->addresses.local4, text), prefix_format(&prefix, network));
    }
}

static void take_static4(struct instance *instance, const struct static_ifconfig *found)
{
    struct instance_addresses *a = &instance->addresses;
    if (a->from_pool) {
        pool_release(instance->server->pool, a->slot, true, clock_read().unix_s);
        *a = (struct instance_addresses){0};
    }
    a->local4 = found->local;
    a->pushed4 = found->alias.family ? found->alias : found->local;
    a->remote4 = found->remote;
    check_constraint(instance);
}

void addresses_choose_static(struct instance *instance, const struct static_ifconfig *found)
{
    const struct config_client *options = instance->options;
    struct instance_addresses *a = &instance->addresses;
    if (found) {
        take_static4(instance, found);
    }
    const struct config_ifconfig_ipv6 *push = &options->ifconfig_ipv6_push;
    const struct ip_addr *remote = push->remote.family ? &push->remote : &instance->server->own.local6;
    if (push->local.family && !remote->family) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "Options error: second argument to --ifconfig-ipv6-push missing and no global --ifconfig-ipv6 "
                     "address set");
    } else if (push->local.family) {
        a->local6 = push->local;
        a->bits6 = push->bits;
        a->remote6 = *remote;
    }
}

void addresses_report_none(const struct instance *instance)
{
    if (!instance->addresses.pushed4.family) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "MULTI: no dynamic or static remote --ifconfig address is available for %s", instance->tag);
    }
}

/* ------------------------------------------------------------------ changes while the client is connected */

static bool refuse_change(const struct instance *instance, const struct ip_addr *addr, const char *why)
{
    char text[ADDR_TEXT_MAX];
    instance_log(instance, LOG_SEV_ERROR, 1, "push-update: %s %s", ip_format(addr, text), why);
    return false;
}

static bool owns_slot(const struct instance_addresses *a, unsigned number)
{
    return (a->from_pool && a->slot == number) || (a->moved[0].held && a->moved[0].number == number) ||
           (a->moved[1].held && a->moved[1].number == number);
}

/* The slot of an address in the pool, -1 for any other. */
static int slot_of(const struct instance *instance, const struct ip_addr *addr)
{
    const struct pool *pool = instance->server->pool;
    if (!pool || !addr->family) {
        return -1;
    }
    return addr->family == AF_INET ? pool_slot_of4(pool, addr) : pool_slot_of6(pool, addr);
}

static bool reserve(struct instance *instance, const struct ip_addr *addr, struct instance_slot *out)
{
    const struct server_addresses *own = &instance->server->own;
    const struct instance *owner = routing_owner(instance->server, addr);
    int slot = slot_of(instance, addr);
    if (ip_equal(addr, &own->local4) || ip_equal(addr, &own->local6)) {
        return refuse_change(instance, addr, "is the server's own address");
    }
    if (owner && owner != instance) {
        return refuse_change(instance, addr, "belongs to another client");
    }
    if (slot < 0 || owns_slot(&instance->addresses, (unsigned)slot)) {
        return true;
    }
    if (pool_take(instance->server->pool, (unsigned)slot) < 0) {
        return refuse_change(instance, addr, "is reserved for another client");
    }
    *out = (struct instance_slot){.held = true, .number = (unsigned)slot};
    return true;
}

static void drop_slot(struct instance *instance, struct instance_slot *slot)
{
    if (slot->held && instance->server->pool) {
        pool_release(instance->server->pool, slot->number, false, clock_read().unix_s);
    }
    *slot = (struct instance_slot){0};
}

/* Slots that no address stands for any more go, @taken ones come: there are two addresses, so there is room. */
static void settle_slots(struct instance *instance, const struct instance_slot taken[2])
{
    struct instance_addresses *a = &instance->addresses;
    int slot4 = slot_of(instance, &a->local4);
    int slot6 = slot_of(instance, &a->local6);
    for (unsigned i = 0; i < 2; i++) {
        if (a->moved[i].held && (int)a->moved[i].number != slot4 && (int)a->moved[i].number != slot6) {
            drop_slot(instance, &a->moved[i]);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (taken[i].held) {
            a->moved[a->moved[0].held] = taken[i];
        }
    }
}

bool addresses_change(struct instance *instance, const struct addresses_change *change)
{
    struct instance_addresses *a = &instance->addresses;
    struct instance_slot taken[2] = {0};
    if (change->v4 && change->local4.family && !reserve(instance, &change->local4, &taken[0])) {
        return false;
    }
    bool same_slot = taken[0].held && slot_of(instance, &change->local6) == (int)taken[0].number;
    if (change->v6 && change->local6.family && !same_slot && !reserve(instance, &change->local6, &taken[1])) {
        drop_slot(instance, &taken[0]);
        return false;
    }
    if (change->v4) {
        routing_replace_host(instance, &a->local4, &change->local4);
        a->local4 = change->local4;
        a->pushed4 = change->local4;
        a->remote4 = change->remote4;
    }
    if (change->v6) {
        routing_replace_host(instance, &a->local6, &change->local6);
        a->local6 = change->local6;
        a->bits6 = change->bits6;
        a->remote6 = change->remote6;
    }
    settle_slots(instance, taken);
    return true;
}

void addresses_release(struct instance *instance)
{
    struct instance_addresses *a = &instance->addresses;
    drop_slot(instance, &a->moved[0]);
    drop_slot(instance, &a->moved[1]);
    if (a->from_pool && instance->server->pool) {
        pool_release(instance->server->pool, a->slot, false, clock_read().unix_s);
        a->from_pool = false;
    }
}
