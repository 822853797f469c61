/* SPDX-License-Identifier: MIT */
#include "server/device_hooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/mem.h"
#include "config/config.h"
#include "node/device.h"
#include "server/context.h"

/* A question that is open. */
struct device_ask {
    struct server *server;
    struct event_request *request;
    void (*done)(void *server, bool accepted);
};

static void on_answer(void *arg, const struct event_result *result)
{
    struct device_ask ask = *(struct device_ask *)arg;
    bool accepted = result->accepted;
    free(arg);
    ask.server->device_ask = NULL;
    ask.done(ask.server, accepted);
}

static const char *name_of(const struct server *server)
{
    return server->device ? device_name(server->device) : server->config->dev;
}

void device_hooks_ask(struct server *server, enum event_type type, void (*done)(void *server, bool accepted))
{
    struct device_ask *ask = mem_zalloc(sizeof(*ask));
    char mtu[16];
    char local[ADDR_TEXT_MAX] = "";
    char remote[ADDR_TEXT_MAX] = "";
    const struct config *config = server->config;

    (void)snprintf(mtu, sizeof(mtu), "%u", server->device ? device_mtu(server->device) : config->tun_mtu);
    if (server->own.local4.family) {
        ip_format(&server->own.local4, local);
    }
    if (config->ifconfig.remote_netmask) {
        (void)snprintf(remote, sizeof(remote), "%s", config->ifconfig.remote_netmask);
    }
    env_set(&server->env, "script_context", "init");
    struct event event = {.type = type, .env = &server->env};
    if (type != EVENT_ROUTES_UP) {
        const char *args[6] = {name_of(server), mtu, "0", local, remote, "init"};
        for (size_t i = 0; i < 6; i++) {
            event.args[i] = args[i];
        }
    }
    *ask = (struct device_ask){.server = server, .done = done};
    struct event_asker asker = {.done = on_answer, .arg = ask};
    server->device_ask = ask;
    struct event_request *request = event_ask(server->bus, &event, &asker);
    if (request) {
        ask->request = request; /* NULL: answered, and @ask is gone */
    }
}

void device_hooks_cancel(struct server *server)
{
    if (server->device_ask) {
        event_cancel(server->device_ask->request);
        free(server->device_ask);
        server->device_ask = NULL;
    }
}
