/* SPDX-License-Identifier: MIT */
#include "server/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/span.h"
#include "config/config.h"
#include "hooks/event.h"
#include "server/context.h"
#include "server/hook_env.h"
#include "server/instance.h"

/* A question to learn-address that is open. */
struct routing_ask {
    struct routing_entry *entry;
    struct event_request *request;
    bool primary;
};

static size_t route_key(const struct dp_route *route, uint8_t out[20])
{
    memset(out, 0, 20);
    if (route->is_mac) {
        out[0] = 1;
        memcpy(out + 1, route->mac, 6);
        be16_store(out + 7, route->vlan);
    } else {
        out[0] = route->net.addr.family == AF_INET ? 4 : 6;
        out[1] = route->net.bits;
        memcpy(out + 2, route->net.addr.bytes, ip_len(&route->net.addr));
    }
    return 20;
}

static struct routing_entry *find(const struct server *server, const struct dp_route *route)
{
    uint8_t key[20];
    uint8_t other[20];
    size_t n = route_key(route, key);
    for (struct hash_node *at = hashmap_first(&server->routing, hashmap_hash(&server->routing, key, n)); at;
         at = hashmap_next(at)) {
        struct routing_entry *entry = container_of(at, struct routing_entry, node);
        route_key(&entry->route, other);
        if (memcmp(key, other, n) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void drop_ask(struct routing_entry *entry)
{
    if (entry->ask) {
        event_cancel(entry->ask->request);
        free(entry->ask);
        entry->ask = NULL;
    }
}

static void entry_free(struct server *server, struct routing_entry *entry)
{
    drop_ask(entry);
    hashmap_remove(&server->routing, &entry->node);
    list_remove(&entry->link);
    entry->instance->route_count--;
    free(entry);
}

static void ask_delete(struct server *server, const struct dp_route *route)
{
    struct env env = {0};
    char text[ADDR_TEXT_MAX];
    struct event event = {
        .type = EVENT_LEARN_ADDRESS,
        .env = &env,
        .args = {"delete", routing_format(route, text)},
    };
    event_announce(server->bus, &event);
    env_free(&env);
}

static struct instance *former_owner(const struct server *server, const struct routing_entry *entry)
{
    struct instance_entry *at = instances_by_id(&server->instances, entry->former_peer);
    bool there = at && at->client_id == entry->former_client && instance_of(at)->state == INSTANCE_CONNECTED;
    return there ? instance_of(at) : NULL;
}

/* The client does not get the address after all: it is its former owner's again, whose the data plane thinks it is; a
 * MAC address has moved there and is nobody's until its next frame. */
static void revert(struct server *server, struct routing_entry *entry)
{
    struct instance *owner = entry->taken && !entry->learnt ? former_owner(server, entry) : NULL;
    struct dp_route route = entry->route;
    bool taken = entry->taken;
    if (!owner) {
        entry_free(server, entry);
        if (taken) {
            ask_delete(server, &route);
        }
        return;
    }
    drop_ask(entry);
    list_remove(&entry->link);
    entry->instance->route_count--;
    entry->instance = owner;
    entry->taken = false;
    list_push(&owner->routes, &entry->link);
    owner->route_count++;
}

const char *routing_format(const struct dp_route *route, char out[ADDR_TEXT_MAX])
{
    if (route->is_mac) {
        const uint8_t *m = route->mac;
        (void)snprintf(out, ADDR_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x@%u", m[0], m[1], m[2], m[3], m[4], m[5],
                       route->vlan);
        return out;
    }
    if (route->net.bits == 8 * ip_len(&route->net.addr)) {
        return ip_format(&route->net.addr, out);
    }
    return prefix_format(&route->net, out);
}

static void announce_address(struct instance *instance, const char *text, bool primary)
{
    struct event event = {
        .type = EVENT_CLIENT_ADDRESS,
        .text = text,
        .flag = primary,
        .has_client = true,
        .client_id = instance->entry.client_id,
    };
    event_announce(instance->server->bus, &event);
}

/* learn-address has agreed, or nobody was asked. */
static void install(struct routing_entry *entry, bool primary)
{
    struct instance *instance = entry->instance;
    char text[ADDR_TEXT_MAX];
    int rc = entry->learnt ? 0 : dp_route_add(instance->server->dp, &entry->route, instance->entry.id);
    routing_format(&entry->route, text);
    if (rc < 0) {
        instance_log(instance, LOG_SEV_WARN, 1, "MULTI ROUTE: %s cannot be added: %s (max-routes-per-client %u)", text,
                     err_str(rc), instance->options->max_routes_per_client);
        entry_free(instance->server, entry);
        return;
    }
    instance_log(instance, LOG_SEV_USUAL, 3, "MULTI: Learn: %s -> %s", text, instance->tag);
    if (primary) {
        instance_log(instance, LOG_SEV_USUAL, 3, "MULTI: primary virtual %s for %s: %s",
                     entry->route.net.addr.family == AF_INET6 ? "IPv6" : "IP", instance->tag, text);
    }
    announce_address(instance, text, primary);
}

static void on_answer(void *arg, const struct event_result *result)
{
    struct routing_ask *ask = arg;
    struct routing_entry *entry = ask->entry;
    struct instance *instance = entry->instance;
    bool primary = ask->primary;
    char text[ADDR_TEXT_MAX];
    entry->ask = NULL;
    free(ask);
    if (result->accepted) {
        entry->taken = false;
        install(entry, primary);
        return;
    }
    instance_log(instance, LOG_SEV_WARN, 1, "MULTI: learn-address refused %s", routing_format(&entry->route, text));
    if (entry->learnt) {
        (void)dp_route_del(instance->server->dp, &entry->route, instance->entry.id);
    }
    revert(instance->server, entry);
}

/* Ask learn-address, which may answer at once or later. */
static void ask(struct routing_entry *entry, const char *operation, bool primary)
{
    struct instance *instance = entry->instance;
    struct routing_ask *ask_ = mem_zalloc(sizeof(*ask_));
    struct env env = {0};
    char text[ADDR_TEXT_MAX];

    *ask_ = (struct routing_ask){.entry = entry, .primary = primary};
    entry->ask = ask_;
    hook_env_client(instance, &env);
    struct event event = {
        .type = EVENT_LEARN_ADDRESS,
        .env = &env,
        .args = {operation, routing_format(&entry->route, text), instance->cn},
        .has_client = true,
        .client_id = instance->entry.client_id,
    };
    struct event_asker asker = {.done = on_answer, .arg = ask_};
    struct event_request *request = event_ask(instance->server->bus, &event, &asker);
    if (request) {
        ask_->request = request; /* NULL: answered, both may be gone */
    }
    env_free(&env);
}

/* One that is asked about itself passes on from whom it was taken. */
static void remember_owner(struct routing_entry *entry, const struct routing_entry *old)
{
    entry->taken = !old->ask || old->taken;
    entry->former_peer = old->ask ? old->former_peer : old->instance->entry.id;
    entry->former_client = old->ask ? old->former_client : old->instance->entry.client_id;
}

static void learn(struct instance *instance, const struct dp_route *route, bool primary, bool learnt)
{
    struct server *server = instance->server;
    struct routing_entry *old = find(server, route);
    if (old && old->instance == instance) {
        return;
    }
    if (!old && instance->route_count >= instance->options->max_routes_per_client) {
        char text[ADDR_TEXT_MAX];
        instance_log(instance, LOG_SEV_WARN, 3,
                     "MULTI ROUTE: route quota (%u) exceeded for %s (see --max-routes-per-client "
                     "option): %s",
                     instance->options->max_routes_per_client, instance->tag, routing_format(route, text));
        if (learnt) {
            (void)dp_route_del(server->dp, route, instance->entry.id);
        }
        return;
    }
    struct routing_entry *entry = mem_zalloc(sizeof(*entry));
    if (old) {
        remember_owner(entry, old);
        entry_free(server, old);
    }
    uint8_t key[20];
    size_t n = route_key(route, key);
    entry->route = *route;
    entry->instance = instance;
    entry->learnt = learnt;
    hashmap_insert(&server->routing, &entry->node, hashmap_hash(&server->routing, key, n));
    list_push(&instance->routes, &entry->link);
    instance->route_count++;
    ask(entry, old ? "update" : "add", primary);
}

void routing_learn(struct instance *instance, const struct dp_route *route, bool primary)
{
    learn(instance, route, primary, false);
}

static struct dp_route host_route(const struct ip_addr *addr)
{
    return (struct dp_route){.net = prefix_make(addr, addr->family == AF_INET ? 32 : 128)};
}

static void learn_host(struct instance *instance, const struct ip_addr *addr)
{
    if (addr->family) {
        struct dp_route route = host_route(addr);
        routing_learn(instance, &route, true);
    }
}

static void learn_networks(struct instance *instance, const struct config_network_list *networks)
{
    for (size_t i = 0; i < networks->count; i++) {
        struct dp_route route = {.net = networks->items[i].prefix};
        char text[ADDR_TEXT_MAX];
        instance_log(instance, LOG_SEV_USUAL, 3, "MULTI: internal route %s -> %s", prefix_format(&route.net, text),
                     instance->tag);
        routing_learn(instance, &route, false);
    }
}

void routing_learn_client(struct instance *instance)
{
    if (instance->server->config->dev_type == CONFIG_DEV_TAP) {
        return; /* found by their frames */
    }
    learn_host(instance, &instance->addresses.local4);
    learn_host(instance, &instance->addresses.local6);
    learn_networks(instance, &instance->options->iroute);
    learn_networks(instance, &instance->options->iroute_ipv6);
}

struct instance *routing_owner(const struct server *server, const struct ip_addr *addr)
{
    struct dp_route route = host_route(addr);
    const struct routing_entry *entry = find(server, &route);
    return entry ? entry->instance : NULL;
}

/* Its client does not have the address any more. */
static void forget(struct server *server, struct routing_entry *entry)
{
    struct dp_route route = entry->route;
    if (entry->ask) {
        revert(server, entry);
        return;
    }
    entry_free(server, entry);
    ask_delete(server, &route);
}

static void forget_host(struct instance *instance, const struct ip_addr *addr)
{
    struct dp_route route = host_route(addr);
    struct routing_entry *entry = find(instance->server, &route);
    if (entry && entry->instance == instance) {
        (void)dp_route_del(instance->server->dp, &route, instance->entry.id);
        forget(instance->server, entry);
    }
}

void routing_replace_host(struct instance *instance, const struct ip_addr *from, const struct ip_addr *to)
{
    if (instance->server->config->dev_type == CONFIG_DEV_TAP || (from->family == to->family && ip_equal(from, to))) {
        return;
    }
    if (from->family) {
        forget_host(instance, from);
    }
    learn_host(instance, to);
}

void routing_forget_client(struct instance *instance)
{
    list_for (at, next, &instance->routes) {
        struct routing_entry *entry = container_of(at, struct routing_entry, link);
        forget(instance->server, entry);
    }
}

void routing_device_learnt(struct server *server, const struct dp_event *event)
{
    struct instance_entry *at = instances_by_id(&server->instances, event->peer);
    if (at && instance_of(at)->state == INSTANCE_CONNECTED) {
        learn(instance_of(at), &event->route, false, true);
    }
}

void routing_device_forgot(struct server *server, const struct dp_event *event)
{
    struct routing_entry *entry = find(server, &event->route);
    if (entry && entry->learnt) {
        struct dp_route route = entry->route;
        entry_free(server, entry);
        ask_delete(server, &route);
    }
}
