/* SPDX-License-Identifier: MIT */
#include "server/management.h"

#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "dp/dp.h"
#include "hooks/event.h"
#include "mgmt/mgmt.h"
#include "node/loop.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/push_update.h"
#include "server/server.h"
#include "server/status.h"

/* ------------------------------------------------------------------ the process */

static int host_status(void *arg, unsigned version, const char *eol, struct buf *out)
{
    struct server *server = arg;
    return status_format(server, version ? version : server->config->status_version, eol, out);
}

static void host_signal(void *arg, int signo, const char *reason)
{
    static const struct {
        int number;
        enum loop_signal signal;
    } known[] = {{SIGHUP, LOOP_SIGNAL_HUP}, {SIGTERM, LOOP_SIGNAL_TERM}, {SIGUSR1, LOOP_SIGNAL_USR1},
                 {SIGUSR2, LOOP_SIGNAL_USR2}};
    struct server *server = arg;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == signo) {
            loop_raise(server->loop, known[i].signal, *reason ? LOOP_SOURCE_SOFT : LOOP_SOURCE_HARD, reason);
        }
    }
}

static void host_load(void *arg, struct mgmt_load *out)
{
    struct server *server = arg;
    struct dp_stats totals = {0};
    if (server->dp) {
        dp_stats(server->dp, &totals);
    }
    *out = (struct mgmt_load){.bytes_in = totals.link_rx_bytes, .bytes_out = totals.link_tx_bytes};
    list_for (at, next, &server->instances.all) {
        out->clients += instance_of(container_of(at, struct instance_entry, link))->state == INSTANCE_CONNECTED;
    }
}

/* ------------------------------------------------------------------ its clients */

static bool is_listed(const struct instance *instance)
{
    return instance->state == INSTANCE_CONNECT || instance->state == INSTANCE_CONNECTED;
}

static unsigned host_kill_name(void *arg, const char *name)
{
    struct server *server = arg;
    unsigned killed = 0;
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (is_listed(instance) && strcmp(instance->cn, name) == 0) {
            instance_close(instance, "kill");
            killed++;
        }
    }
    return killed;
}

static unsigned host_kill_address(void *arg, const union addr *address, enum mgmt_transport transport)
{
    struct server *server = arg;
    unsigned killed = 0;
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (instance->state != INSTANCE_GONE && addr_equal(&instance->entry.path.remote, address) &&
            (transport == MGMT_ANY || (transport == MGMT_TCP) == instance->tcp)) {
            instance_close(instance, "kill");
            killed++;
        }
    }
    return killed;
}

static struct instance *find(struct server *server, uint64_t client_id)
{
    struct instance_entry *entry = instances_by_client(&server->instances, client_id);
    struct instance *instance = entry ? instance_of(entry) : NULL;
    return instance && instance->state != INSTANCE_GONE ? instance : NULL;
}

static bool host_client_kill(void *arg, uint64_t client_id, const char *message)
{
    struct instance *instance = find(arg, client_id);
    if (!instance || !instance->current) {
        return false;
    }
    instance_session_send(instance->current, message);
    instance_leave(instance, "delayed-exit");
    return true;
}

static bool host_push_update(void *arg, uint64_t client_id, const char *options)
{
    struct instance *instance = find(arg, client_id);
    return instance && push_update_valid(options) && push_update_send(instance, options);
}

static unsigned host_push_update_all(void *arg, const char *options)
{
    struct server *server = arg;
    unsigned told = 0;
    if (!push_update_valid(options)) {
        return 0;
    }
    list_for (at, next, &server->instances.all) {
        told += push_update_send(instance_of(container_of(at, struct instance_entry, link)), options);
    }
    return told;
}

static void host_each_client(void *arg, void (*fn)(void *fn_arg, uint64_t client_id, uint64_t in, uint64_t out),
                             void *fn_arg)
{
    struct server *server = arg;
    list_for (at, next, &server->instances.all) {
        const struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (instance->state == INSTANCE_CONNECTED) {
            uint64_t in;
            uint64_t out;
            instance_traffic(instance, &in, &out);
            fn(fn_arg, instance->entry.client_id, in, out);
        }
    }
}

static const struct mgmt_host host = {
    .status = host_status,
    .signal = host_signal,
    .load = host_load,
    .kill_name = host_kill_name,
    .kill_address = host_kill_address,
    .client_kill = host_client_kill,
    .push_update = host_push_update,
    .push_update_all = host_push_update_all,
    .each_client = host_each_client,
};

/* ------------------------------------------------------------------ life */

int server_management_open(struct server *server)
{
    struct mgmt_open open = {
        .loop = loop_uv(server->loop),
        .bus = server->bus,
        .config = server->config,
        .host = &host,
        .host_arg = server,
        .title = server->source && server->source->title ? server->source->title : "vpnd " VERSION,
    };
    return mgmt_new(&open, &server->mgmt);
}

void server_management_close(struct server *server)
{
    mgmt_free(server->mgmt);
    server->mgmt = NULL;
}

void server_management_state(struct server *server, const char *state, const char *detail)
{
    char local4[ADDR_TEXT_MAX] = "";
    char local6[ADDR_TEXT_MAX] = "";
    bool placed = strcmp(state, "ASSIGN_IP") == 0 || strcmp(state, "CONNECTED") == 0;
    if (placed && server->own.local4.family) {
        ip_format(&server->own.local4, local4);
    }
    if (placed && server->own.local6.family) {
        ip_format(&server->own.local6, local6);
    }
    struct event event = {
        .type = EVENT_STATE,
        .env = &server->env,
        .text = state,
        .args = {detail},
        .tunnel4 = local4,
        .tunnel6 = local6,
    };
    event_announce(server->bus, &event);
}
