/* SPDX-License-Identifier: MIT */
#include "hooks/base_env.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "hooks/env.h"

static void connection_env(struct env *env, const struct config_connection *c, unsigned n)
{
    const struct config_local *first = c->local.count ? &c->local.items[0] : NULL;
    env_set_indexed(env, "proto_", n, config_proto_name(first && first->proto_given ? first->proto : c->proto));
    if (c->local.count && c->local.items[0].host) {
        env_set_indexed(env, "local_", n, c->local.items[0].host);
    }
    if (!c->nobind && c->lport) {
        env_set_indexed(env, "local_port_", n, first && first->port ? first->port : c->lport);
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

/* Further `local` lines of a server: each is a socket of its own. */
static void listener_env(struct env *env, const struct config_connection *c)
{
    for (size_t i = 1; i < c->local.count; i++) {
        const struct config_local *local = &c->local.items[i];
        const char *port = local->port ? local->port : c->lport;
        unsigned n = (unsigned)i + 1;
        env_set_indexed(env, "proto_", n, config_proto_name(local->proto_given ? local->proto : c->proto));
        if (local->host) {
            env_set_indexed(env, "local_", n, local->host);
        }
        if (port) {
            env_set_indexed(env, "local_port_", n, port);
        }
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
        listener_env(env, &config->top);
    }
    for (size_t i = 0; i < config->connections.count; i++) {
        connection_env(env, &config->connections.items[i], (unsigned)i + 1);
    }
    for (size_t i = 0; i < config->setenv.count; i++) {
        env_set(env, config->setenv.items[i].name, config->setenv.items[i].value);
    }
}
