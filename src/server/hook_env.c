/* SPDX-License-Identifier: MIT */
#include "server/hook_env.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "config/config.h"
#include "node/device.h"
#include "node/routes.h"
#include "server/addresses.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/login.h"

void hook_env_server(struct server *server)
{
    env_free(&server->env);
    if (server->device) {
        device_export(device_get_plan(server->device), device_name(server->device), &server->env);
    }
    if (server->routes) {
        routes_export(server->routes, &server->env);
    }
}

static void set_ip(struct env *env, const char *name, const struct ip_addr *ip)
{
    char text[ADDR_TEXT_MAX];
    if (ip->family) {
        env_set(env, name, ip_format(ip, text));
    }
}

static void set_outer(struct env *env, const char *stem, const union addr *addr)
{
    struct ip_addr ip = addr_to_ip(addr);
    char text[ADDR_TEXT_MAX];
    env_setf(env, ip.family == AF_INET6 ? "untrusted_ip6" : "untrusted_ip", "%s", ip_format(&ip, text));
    env_setf(env, "untrusted_port", "%u", addr_port(addr));
    if (*stem) {
        env_setf(env, ip.family == AF_INET6 ? "trusted_ip6" : "trusted_ip", "%s", text);
        env_setf(env, "trusted_port", "%u", addr_port(addr));
    }
}

static void set_addresses(const struct instance *instance, struct env *env)
{
    const struct instance_addresses *a = &instance->addresses;
    bool netmask = addresses_have_netmask(instance->server->config);
    if (a->local4.family) {
        set_ip(env, "ifconfig_pool_remote_ip", &a->local4);
        set_ip(env, netmask ? "ifconfig_pool_netmask" : "ifconfig_pool_local_ip", &a->remote4);
    }
    if (a->local6.family) {
        set_ip(env, "ifconfig_pool_remote_ip6", &a->local6);
        set_ip(env, "ifconfig_pool_local_ip6", &a->remote6);
        env_setf(env, "ifconfig_pool_ip6_netbits", "%u", a->bits6);
    }
}

void hook_env_stranger(const struct instance *instance, struct env *env)
{
    env_merge(env, &instance->server->env);
    set_outer(env, "", &instance->entry.path.remote);
}

void hook_env_address(const struct instance *instance, struct env *env)
{
    set_outer(env, "trusted", &instance->entry.path.remote);
}

void hook_env_client(const struct instance *instance, struct env *env)
{
    bool trusted = instance->state != INSTANCE_HANDSHAKE && instance->state != INSTANCE_LOGIN;
    time_t since = (time_t)instance->connected_unix_s;
    struct tm tm;
    char text[32] = "";

    env_merge(env, &instance->server->env);
    set_outer(env, trusted ? "trusted" : "", &instance->entry.path.remote);
    if (instance->current && instance->current->login) {
        login_export(instance->current->login, env);
    }
    if (!trusted) {
        return;
    }
    env_set(env, "common_name", instance->cn ? instance->cn : "");
    if (instance->username) {
        env_set(env, "username", instance->username);
    }
    set_addresses(instance, env);
    if (localtime_r(&since, &tm)) {
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    }
    env_set(env, "time_ascii", text);
    env_setf(env, "time_unix", "%" PRIu64, instance->connected_unix_s);
}

void hook_env_farewell(const struct instance *instance, struct env *env)
{
    uint64_t now = clock_read().unix_s;
    uint64_t in;
    uint64_t out;
    instance_traffic(instance, &in, &out);
    hook_env_client(instance, env);
    env_setf(env, "bytes_received", "%" PRIu64, in);
    env_setf(env, "bytes_sent", "%" PRIu64, out);
    env_setf(env, "time_duration", "%" PRIu64, now > instance->connected_unix_s ? now - instance->connected_unix_s : 0);
}
