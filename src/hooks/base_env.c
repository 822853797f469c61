/* SPDX-License-Identifier: MIT */
#include "hooks/base_env.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "hooks/env.h"

/* Scripts know only these three words. */
static const char *proto_word(enum config_proto proto)
{
    if (!config_proto_is_tcp(proto)) {
        return "udp";
    }
    return proto == CONFIG_PROTO_TCP_SERVER || proto == CONFIG_PROTO_TCP4_SERVER || proto == CONFIG_PROTO_TCP6_SERVER
               ? "tcp-server"
               : "tcp-client";
}

static void connection_env(struct env *env, const struct config_connection *c, unsigned n)
{
    env_set_indexed(env, "proto_", n, proto_word(c->proto));
    if (c->local.count && c->local.items[0].host) {
        env_set_indexed(env, "local_", n, c->local.items[0].host);
    }
    if (!c->nobind && c->lport) {
        env_set_indexed(env, "local_port_", n, c->lport);
    }
    if (c->remote.count && c->remote.items[0].host) {
        env_set_indexed(env, "remote_", n, c->remote.items[0].host);
    }
    if (c->rport) {
        env_set_indexed(env, "remote_port_", n, c->rport);
    }
    if (c->http_proxy.host) {
        env_set_indexed(env, "http_proxy_server_", n, c->http_proxy.host);
        env_set_indexed(env, "http_proxy_port_", n, c->http_proxy.port);
    }
    if (c->socks_proxy.host) {
        env_set_indexed(env, "socks_proxy_server_", n, c->socks_proxy.host);
        env_set_indexed(env, "socks_proxy_port_", n, c->socks_proxy.port);
    }
}

void base_env_fill(struct env *env, const struct config *config)
{
    env_set(env, "config", config->config_path ? config->config_path : "");
    env_set(env, "daemon", config->daemon ? "1" : "0");
    env_set(env, "daemon_log_redirect", config->log || config->log_append ? "1" : "0");
    env_setf(env, "daemon_start_time", "%" PRIu64, config->read_unix_s);
    env_setf(env, "daemon_pid", "%ld", (long)getpid());
    env_setf(env, "verb", "%u", log_settings_get().verb);
    if (config->connections.count == 0) {
        connection_env(env, &config->top, 1);
    }
    for (size_t i = 0; i < config->connections.count; i++) {
        connection_env(env, &config->connections.items[i], (unsigned)i + 1);
    }
    for (size_t i = 0; i < config->setenv.count; i++) {
        env_set(env, config->setenv.items[i].name, config->setenv.items[i].value);
    }
}
