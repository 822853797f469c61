/* SPDX-License-Identifier: MIT */
#include "server/shutdown.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "dp/dp.h"
#include "hooks/plugins.h"
#include "hooks/scripts.h"
#include "mgmt/mgmt.h"
#include "node/device.h"
#include "node/lifecycle.h"
#include "node/loop.h"
#include "node/routes.h"
#include "server/context.h"
#include "server/device_hooks.h"
#include "server/hook_env.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/listener.h"
#include "server/management.h"
#include "server/nat.h"
#include "server/persist_writer.h"
#include "server/status.h"

#define NOTIFY_MS 2000
#define POLL_MS 20
#define FAREWELL_LIMIT_MS 5000 /* for clients' last counters and hooks */

struct shutdown {
    struct server *server;
    struct loop_signal_info info;
    struct loop_timer *timer;
    unsigned waited_ms;
};

static void end_clients(struct server *server)
{
    list_for (at, next, &server->instances.all) {
        instance_close(instance_of(container_of(at, struct instance_entry, link)), "");
    }
}

static void stop_loop(struct shutdown *shutdown)
{
    loop_signal_log(&shutdown->info);
    loop_stop(shutdown->server->loop);
}

static void on_scripts_poll(void *arg)
{
    struct shutdown *shutdown = arg;
    shutdown->waited_ms += POLL_MS;
    const struct server *server = shutdown->server;
    bool running = scripts_running(server->scripts) > 0 || plugins_running(server->plugins) > 0;
    if (running && shutdown->waited_ms < FAREWELL_LIMIT_MS) {
        loop_timer_after(shutdown->timer, POLL_MS);
        return;
    }
    stop_loop(shutdown);
}

static void wait_for_scripts(struct server *server)
{
    struct shutdown *shutdown = server->shutdown;
    loop_timer_free(shutdown->timer);
    shutdown->timer = loop_timer_new(server->loop, on_scripts_poll, shutdown);
    loop_timer_after(shutdown->timer, 0);
}

static void close_device(struct server *server)
{
    if (server->device) {
        device_close(server->device);
        server->device = NULL;
    }
}

static void on_down_done(void *arg, bool accepted)
{
    struct server *server = arg;
    if (!accepted) {
        log_error("the down script failed");
        server->exit_status = 1;
    }
    close_device(server);
    wait_for_scripts(server);
}

static void on_pre_down_done(void *arg, bool accepted)
{
    struct server *server = arg;
    if (!accepted) {
        log_error("the route-pre-down script failed");
        server->exit_status = 1;
    }
    routes_free(server->routes);
    server->routes = NULL;
    nat_stop(server);
    if (!server->config->down_pre) {
        close_device(server);
    }
    device_hooks_ask(server, EVENT_DEVICE_DOWN, on_down_done);
}

static void take_down(struct server *server)
{
    struct shutdown *shutdown = server->shutdown;
    status_stop(server->status);
    listeners_close(server);
    persist_writer_finish(server->persist);
    if (!server->up_ran) {
        close_device(server);
        wait_for_scripts(server);
        return;
    }
    env_set(&server->env, "signal", loop_signal_env(&shutdown->info));
    if (server->route_up_ran) {
        device_hooks_ask(server, EVENT_ROUTES_PRE_DOWN, on_pre_down_done);
    } else {
        on_pre_down_done(server, true);
    }
}

static void on_clients_poll(void *arg)
{
    struct shutdown *shutdown = arg;
    struct server *server = shutdown->server;
    shutdown->waited_ms += POLL_MS;
    bool farewell = server->instances.count > 0 && shutdown->waited_ms < FAREWELL_LIMIT_MS;
    if (farewell || server->device_ask) { /* a hook of the start comes to its end, as long as it may take */
        loop_timer_after(shutdown->timer, POLL_MS);
        return;
    }
    shutdown->waited_ms = 0;
    take_down(server);
}

static void finish(void *arg)
{
    struct shutdown *shutdown = arg;
    struct server *server = shutdown->server;
    end_clients(server);
    loop_timer_free(shutdown->timer);
    shutdown->timer = loop_timer_new(server->loop, on_clients_poll, shutdown);
    loop_timer_after(shutdown->timer, 0);
}

/* RESTART to clients on UDP. Return: how many were told. */
static unsigned notify_clients(struct server *server)
{
    const char *text = server->config->explicit_exit_notify == 2 ? "RESTART,[N]" : "RESTART";
    unsigned told = 0;
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (!instance->tcp && instance->state == INSTANCE_CONNECTED) {
            instance_session_send(instance->current, text);
            told++;
        }
    }
    return told;
}

void shutdown_begin(struct server *server, const struct loop_signal_info *info)
{
    if (server->shutdown) {
        log_warn("a second signal: vpnd does not wait for clients and scripts any longer");
        device_hooks_cancel(server);
        loop_signal_log(info);
        loop_stop(server->loop);
        return;
    }
    struct shutdown *shutdown = mem_zalloc(sizeof(*shutdown));
    shutdown->server = server;
    shutdown->info = *info;
    shutdown->timer = loop_timer_new(server->loop, finish, shutdown);
    server->shutdown = shutdown;
    server->stopping = true;
    lifecycle_stopping(server->life);
    loop_set_phase(server->loop, LOOP_PHASE_EXITING);
    mgmt_ask_cancel(server->mgmt);
    if (server->device_ask) {
        log_info("%s waits for a script of the start that is still running; a second signal ends it",
                 loop_signal_name(info->signal));
    }
    server_management_state(server, "EXITING",
                            info->source != LOOP_SOURCE_HARD && info->reason[0] ? info->reason
                                                                                : loop_signal_name(info->signal));
    bool wait = server->config->explicit_exit_notify && notify_clients(server) > 0;
    loop_timer_after(shutdown->timer, wait ? NOTIFY_MS : 0);
}

void shutdown_drop_clients(struct server *server)
{
    (void)notify_clients(server);
    end_clients(server);
}

void shutdown_free(struct shutdown *shutdown)
{
    if (shutdown) {
        loop_timer_free(shutdown->timer);
        free(shutdown);
    }
}
