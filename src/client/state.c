/* SPDX-License-Identifier: MIT */
#include "client/state.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static void report(void *arg, enum config_level level, const char *text)
{
    (void)arg;
    switch (level) {
    case CONFIG_NOTE:
        log_usual("%s", text);
        break;
    case CONFIG_WARNING:
        log_warn("%s", text);
        break;
    case CONFIG_ERROR:
        log_error("%s", text);
        break;
    }
}

const struct config_reporter *client_reporter(void)
{
    static const struct config_reporter reporter = {.line = report};
    return &reporter;
}

void client_announce(struct client *c, const char *state, const char *detail)
{
    char remote_host[ADDR_TEXT_MAX] = "";
    char remote_port[8] = "";
    bool connected = strcmp(state, "CONNECTED") == 0;
    bool placed = connected || strcmp(state, "ASSIGN_IP") == 0;
    if (connected && c->attempt && c->attempt->link) {
        const union addr *remote = link_remote(c->attempt->link);
        if (remote->any.sa_family != AF_UNSPEC) {
            struct ip_addr ip = addr_to_ip(remote);
            ip_format(&ip, remote_host);
            snprintf(remote_port, sizeof(remote_port), "%u", addr_port(remote));
        }
    }
    const struct config *config = c->attempt ? c->attempt->config : c->config;
    char local6[ADDR_TEXT_MAX] = "";
    if (placed && config->ifconfig_ipv6.local.family != AF_UNSPEC) {
        ip_format(&config->ifconfig_ipv6.local, local6);
    }
    struct event event = {
        .type = EVENT_STATE,
        .env = &c->env,
        .text = state,
        .args = {detail},
        .tunnel4 = placed && config->ifconfig.local ? config->ifconfig.local : "",
        .tunnel6 = local6,
        .remote_host = remote_host,
        .remote_port = remote_port,
        .local_host = "",
        .local_port = "",
    };
    event_announce(c->events, &event);
}

void client_fail(struct client *c, enum restart_reason reason)
{
    c->retry.poll_timeout = reason == RESTART_SERVER_POLL;
    restart_raise(c->loop, &c->policy, reason);
}

void client_fatal(struct client *c)
{
    if (c->exit_code == 0) {
        log_fatal("Exiting due to fatal error");
    }
    c->exit_code = 1;
    loop_raise(c->loop, LOOP_SIGNAL_TERM, LOOP_SOURCE_SOFT, "init_instance");
}
