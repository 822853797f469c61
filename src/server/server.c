/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

#include "auth/pam.h"
#include "auth/tls_setup.h"
#include "auth/user_state.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "config/config.h"
#include "dp/dp.h"
#include "hooks/event.h"
#include "hooks/plugins.h"
#include "hooks/scripts.h"
#include "node/device.h"
#include "node/journal.h"
#include "node/lifecycle.h"
#include "node/loop.h"
#include "node/routes.h"
#include "node/settings.h"
#include "server/addresses.h"
#include "server/context.h"
#include "server/events.h"
#include "server/held_config.h"
#include "server/housekeeping.h"
#include "server/instance.h"
#include "server/listener.h"
#include "server/nat.h"
#include "server/management.h"
#include "server/metrics.h"
#include "server/persist_writer.h"
#include "server/pool.h"
#include "server/port_share.h"
#include "server/reload.h"
#include "server/shutdown.h"
#include "server/startup.h"
#include "server/status.h"

/* Those whose last word from the data plane did not come in time. All are closed first: nobody waits for another's
 * end any more, to go on then. */
static void drop_clients(struct server *server)
{
    list_for (at, next, &server->instances.all) {
        instance_close(instance_of(container_of(at, struct instance_entry, link)), "");
    }
    list_for (gone, after, &server->instances.all) {
        instance_gone(instance_of(container_of(gone, struct instance_entry, link)), NULL);
    }
}

static void release(struct server *server)
{
    lifecycle_stopping(server->life);
    drop_clients(server);
    status_free(server->status);
    housekeeping_free(server->housekeeping);
    persist_writer_free(server->persist);
    loop_timer_free(server->reaper);
    port_share_free(server->port_share);
    shutdown_free(server->shutdown);
    if (server->dp) {
        loop_detach_dp(server->loop);
        device_close(server->device);
        dp_close(server->dp);
    }
    reload_release_settings(&server->settings);
    auth_pam_free(server->pam);
    user_policy_free(server->users);
    server_management_close(server);
    server_metrics_close(server);
    scripts_free(server->scripts);
    plugins_end(server->plugins, server->exit_status != 0);
    event_bus_free(server->bus);
    pool_free(server->pool);
    instances_free(&server->instances);
    hashmap_free(&server->routing);
    env_free(&server->env);
    routes_free(server->routes); /* still there after a hurried end */
    nat_stop(server);
    journal_close(server->journal);
    rtnl_close(server->nl);
    loop_close(server->loop);
    lifecycle_end(server->life);
    held_config_unref(server->live);
}

static void on_signal(void *arg, const struct loop_signal_info *info)
{
    struct server *server = arg;
    switch (info->signal) {
    case LOOP_SIGNAL_USR2:
        status_log(server);
        break;
    case LOOP_SIGNAL_HUP:
        loop_signal_log(info);
        reload_run(server);
        break;
    case LOOP_SIGNAL_USR1:
        loop_signal_log(info);
        shutdown_drop_clients(server);
        break;
    case LOOP_SIGNAL_INT:
    case LOOP_SIGNAL_TERM:
        shutdown_begin(server, info);
        break;
    case LOOP_SIGNAL_NONE:
        break;
    }
}

int server_run(struct config *config, const struct server_source *source)
{
    struct server server = {.config = config, .source = source, .live = held_config_new(config, NULL)};
    list_init(&server.listeners);
    list_init(&server.departing);
    list_init(&server.waiting);
    instances_init(&server.instances, config->max_clients);
    hashmap_init(&server.routing);

    if (startup_prepare(&server) < 0) {
        server.exit_status = 1;
    } else {
        loop_on_signal(server.loop, on_signal, &server);
        startup_begin(&server);
        loop_run(server.loop);
    }
    release(&server);
    return server.exit_status;
}
