/* SPDX-License-Identifier: MIT */
#include "server/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/pam.h"
#include "auth/user_state.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rand.h"
#include "config/config.h"
#include "dp/dp.h"
#include "hooks/event.h"
#include "hooks/plugins.h"
#include "hooks/scripts.h"
#include "mgmt/mgmt.h"
#include "node/device.h"
#include "node/firewall.h"
#include "node/journal.h"
#include "node/lifecycle.h"
#include "node/loop.h"
#include "node/routes.h"
#include "node/settings.h"
#include "server/addresses.h"
#include "server/context.h"
#include "server/device_hooks.h"
#include "server/events.h"
#include "server/hook_env.h"
#include "server/housekeeping.h"
#include "server/instance.h"
#include "server/listener.h"
#include "server/management.h"
#include "server/nat.h"
#include "server/metrics.h"
#include "server/persist.h"
#include "server/persist_writer.h"
#include "server/pool.h"
#include "server/port_share.h"
#include "server/reload.h"
#include "server/shutdown.h"
#include "server/status.h"
#include "sys/caps.h"
#include "sys/rtnl.h"

#define WORKERS_DEFAULT_MAX 4

/* ------------------------------------------------------------------ at once */

static unsigned worker_count(const struct config *config)
{
    if (config->workers) {
        return config->workers > DP_WORKERS_MAX ? DP_WORKERS_MAX : config->workers;
    }
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : (unsigned)cpus;
}

static int open_data_plane(struct server *server)
{
    const struct config *config = server->config;
    static const char *const engines[] = {
        [CONFIG_ENGINE_AUTO] = "auto", [CONFIG_ENGINE_OPENSSL] = "openssl", [CONFIG_ENGINE_IPSEC_MB] = "ipsec-mb"};
    static const enum dp_vlan_accept accepts[] = {[CONFIG_VLAN_ALL] = DP_VLAN_ACCEPT_ALL,
                                                  [CONFIG_VLAN_TAGGED] = DP_VLAN_ACCEPT_TAGGED,
                                                  [CONFIG_VLAN_UNTAGGED] = DP_VLAN_ACCEPT_UNTAGGED};
    server->workers = worker_count(config);
    struct dp_config want = {
        .mode = DP_MODE_MULTIPOINT,
        .device = config->dev_type == CONFIG_DEV_TAP ? DP_DEVICE_TAP : DP_DEVICE_TUN,
        .workers = server->workers,
        .max_peers = config->max_clients,
        .no_offload = config->no_offload,
        .crypto_engine = engines[config->data_plane_engine],
        .client_to_client = config->client_to_client,
        .bcast_buffers = config->bcast_buffers,
        .tcp_queue_limit = config->tcp_queue_limit,
        .stale_route_age_s = config->stale_routes_check.age,
        .vlan_tagging = config->vlan_tagging,
        .vlan_accept = accepts[config->vlan_accept],
        .vlan_pvid = (uint16_t)config->vlan_pvid,
        .passtos = config->passtos,
        .block_ipv6 = config->block_ipv6,
    };
    int rc = dp_open(&want, &server->dp);
    if (rc < 0) {
        log_fatal("the data plane cannot be opened: %s", err_str(rc));
        return rc;
    }
    return loop_attach_dp(server->loop, server->dp, events_handle, server);
}

static int open_device(struct server *server)
{
    const struct config *config = server->config;
    struct device_plan plan;
    int rc = device_plan_init(&plan, config, 0);
    plan.queues = server->workers * DP_DEVICE_LANES;
    if (rc == 0) {
        rc = device_open(&plan, server->nl, &server->device);
    }
    if (rc == 0) {
        rc = device_configure(server->device);
    }
    return rc == 0 ? device_attach(server->device, server->dp) : rc;
}

/* The addresses' file is written again after the change of user. */
static int give_addresses_away(const struct config *config)
{
    struct caps_identity identity = {.user = config->user, .group = config->group};
    const char *path = config->ifconfig_pool_persist.path;
    if (!config->user || !config->ifconfig_pool_persist.seconds || config->chroot || geteuid() != 0) {
        return 0;
    }
    int rc = caps_lookup(&identity);
    int given = rc == 0 ? persist_give(path, identity.uid, identity.gid) : 0;
    if (given < 0) {
        log_warn("WARNING: ifconfig-pool-persist file %s cannot be given to user %s: %s", path, config->user,
                 err_str(given));
    }
    return rc;
}

static int make_pool(struct server *server)
{
    const struct config_pool_persist *persist = &server->config->ifconfig_pool_persist;
    int rc = addresses_make_pool(server);
    if (rc == 0 && server->pool && persist->path) {
        /* An unreadable file was named in the log; addresses are suggestions only. */
        (void)persist_load(server->pool, persist->path, persist->seconds == 0, clock_read().unix_s);
        rc = give_addresses_away(server->config);
    }
    if (rc == 0 && server->pool && persist->path && persist->seconds) {
        bool jailed = server->config->chroot != NULL;
        server->persist = persist_writer_new(server->loop, server->pool, persist->path, jailed);
    }
    return rc;
}

/* What an earlier run left behind when it was killed is taken back first. */
static void open_journal(struct server *server)
{
    char *path = lifecycle_runtime_file(server->life, "journal");
    if (path && journal_open(path, &server->journal) == 0) {
        (void)routes_recover(server->journal, server->nl); /* how many is of no interest */
        firewall_recover(server->journal);
    } else {
        server->journal = NULL;
    }
    free(path);
}

/* Apart from the script. */
static bool others_check_users(const struct server *server)
{
    return server->config->management_client_auth || server->config->auth_pam ||
           plugins_want(server->plugins, EVENT_USER_PASS);
}

/* PAM's process comes before keys are read, threads started and privileges given up. */
static int start_users(struct server *server)
{
    const struct config *config = server->config;
    if (config->auth_pam && auth_pam_new(loop_uv(server->loop), server->bus, config->auth_pam, &server->pam) < 0) {
        return ERR_CONFIG;
    }
    return user_policy_new(config, others_check_users(server), rand_system(), &server->users);
}

int startup_prepare(struct server *server)
{
    const struct config *config = server->config;
    if (plugins_start(config, &server->plugins) < 0 || lifecycle_start(config, &server->life) < 0) {
        return ERR_CONFIG;
    }
    int rc = loop_open(&server->loop);
    if (rc < 0) {
        log_fatal("the event loop cannot be made: %s", err_str(rc));
        return rc;
    }
    lifecycle_watch(server->life, server->loop);
    loop_set_phase(server->loop, LOOP_PHASE_INITIALISING);
    rc = rtnl_open(&server->nl);
    if (rc < 0) {
        log_fatal("netlink cannot be opened: %s", err_str(rc));
        return rc;
    }
    open_journal(server);
    server->bus = event_bus_new();
    plugins_listen(server->plugins, loop_uv(server->loop), server->bus, config);
    server->scripts = scripts_new(loop_uv(server->loop), server->bus, config);
    if (server_management_open(server) < 0) {
        return ERR_CONFIG;
    }
    if (server_metrics_open(server) < 0) {
        return ERR_CONFIG;
    }
    server_management_state(server, "CONNECTING", "");
    server->reaper = loop_timer_new(server->loop, instance_reap, server);
    addresses_own(server);
    if (start_users(server) < 0 || reload_make_settings(config, NULL, &server->settings) < 0 || open_data_plane(server) < 0 ||
        open_device(server) < 0 || make_pool(server) < 0) {
        return ERR_CONFIG;
    }
    admission_init(&server->admission, config, settings_wrap(server->settings.by_transport[0][0]));
    if (config->port_share.host && port_share_new(server->loop, config, &server->port_share) < 0) {
        return ERR_CONFIG;
    }
    return status_new(server, &server->status);
}

/* ------------------------------------------------------------------ on the loop */

static void fail(struct server *server, const char *why)
{
    lifecycle_failed(server->life, why);
    server->exit_status = 1;
    if (!server->stopping) {
        loop_raise(server->loop, LOOP_SIGNAL_TERM, LOOP_SOURCE_SOFT, "init-failed");
    }
}

static void complete(struct server *server)
{
    char text[400];
    if (lifecycle_drop(server->life, server->config) < 0) {
        fail(server, "privileges cannot be given up");
        return;
    }
    plugins_settle(server->plugins);
    persist_writer_start(server->persist, server->config->ifconfig_pool_persist.seconds);
    status_start(server->status);
    server->housekeeping = housekeeping_new(server);
    (void)dp_describe(server->dp, text, sizeof(text));
    log_usual("%s", text);
    loop_set_phase(server->loop, LOOP_PHASE_RUNNING);
    log_info("Initialization Sequence Completed");
    server_management_state(server, "CONNECTED", "SUCCESS");
    lifecycle_status(server->life, "Initialization Sequence Completed");
}

static void on_route_up_done(void *arg, bool accepted)
{
    struct server *server = arg;
    (void)accepted; /* route-up cannot refuse */
    server->route_up_ran = true;
    if (!server->stopping) {
        complete(server);
    }
}

static void on_routes_resolved(void *arg)
{
    struct server *server = arg;
    if (server->stopping) {
        return;
    }
    (void)routes_install(server->routes); /* failures were logged; the server serves all the same */
    hook_env_server(server);
    device_hooks_ask(server, EVENT_ROUTES_UP, on_route_up_done);
}

/* Made before the first hook, which is told of them; nothing is set yet. */
static void plan_routes(struct server *server)
{
    const struct device_plan *plan = device_get_plan(server->device);
    struct routes_request request = {
        .config = server->config,
        .ifindex = device_index(server->device),
        .tap = plan->tap,
        .peer4 = device_vpn_gateway(server->device),
        .local6 = plan->local6,
        .peer6 = plan->remote6,
        .journal = server->journal,
    };
    int rc = routes_new(&request, server->nl, &server->routes);
    if (rc < 0) {
        log_error("routes cannot be set: %s", err_str(rc));
    }
}

static void install_routes(struct server *server)
{
    if (!server->routes) {
        device_hooks_ask(server, EVENT_ROUTES_UP, on_route_up_done);
        return;
    }
    routes_resolve(server->routes, server->loop, on_routes_resolved, server);
}

static void on_up_done(void *arg, bool accepted)
{
    struct server *server = arg;
    if (!accepted) {
        log_fatal("the up script failed; the server cannot start without it");
        fail(server, "the up script failed");
        return;
    }
    server->up_ran = true;
    if (server->stopping) {
        return; /* a signal came meanwhile: shutdown.c has waited for this */
    }
    if (listeners_open(server) < 0) {
        fail(server, "a listening address cannot be bound");
        return;
    }
    if (nat_start(server) < 0) {
        fail(server, "nat-masquerade cannot be set up");
        return;
    }
    lifecycle_ready(server->life);
    if (server->config->route.count || server->config->route_ipv6.count) {
        server_management_state(server, "ADD_ROUTES", "");
    }
    install_routes(server);
}

static void go(void *arg)
{
    struct server *server = arg;
    log_usual("MULTI: multi_init called, r=%u v=%u", 256u, 256u);
    plan_routes(server);
    hook_env_server(server);
    server_management_state(server, "ASSIGN_IP", "");
    device_hooks_ask(server, EVENT_DEVICE_UP, on_up_done);
}

void startup_begin(struct server *server)
{
    if (!mgmt_hold(server->mgmt, 0, go, server)) {
        go(server);
    }
}
