/* SPDX-License-Identifier: MIT */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/tls_setup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/closing.h"
#include "client/connect.h"
#include "client/external.h"
#include "client/kill_switch.h"
#include "client/messages.h"
#include "client/metrics.h"
#include "client/loop_guard.h"
#include "client/outfit.h"
#include "client/roaming.h"
#include "client/state.h"
#include "client/statistics.h"
#include "hooks/base_env.h"
#include "hooks/plugins.h"
#include "hooks/scripts.h"
#include "mgmt/mgmt.h"
#include "node/dns.h"
#include "node/firewall.h"
#include "node/journal.h"
#include "node/routes.h"
#include "node/settings.h"

#define PASSPHRASE_MAX 512
#define PASSPHRASE_TRIES 3
#define LOOKUP_PATIENCE_MS 500 /* at the end, for a lookup that goes on: no name server answers */
#define HOUR_MS (3600u * 1000u)

/* ------------------------------------------------------------------ before the process detaches */

static int try_keys(struct client *c, const char *passphrase, const char *certificate)
{
    struct tls_setup_request request = {
        .config = c->config,
        .server = c->config->tls_server,
        .passphrase = passphrase,
        .certificate = certificate,
        .external = c->external ? external_key(c->external) : NULL,
    };
    return tls_setup_new(&request, &c->tls);
}

static int keys_loaded(struct client *c)
{
    tls_setup_tick(c->tls, clock_read().unix_s);
    return settings_keys_load(c->config, tls_setup_context(c->tls), tls_setup_release, &c->keys);
}

/* Read keys and certificates; an encrypted key without `askpass FILE` is asked for on the terminal. */
static int load_keys(struct client *c)
{
    if (c->config->management_external_key.enabled) {
        return 0; /* management has it: client_unlock_key() */
    }
    int e = try_keys(c, NULL, NULL);
    if (e == ERR_AUTH && c->config->management_query_passwords && !c->config->askpass.path) {
        return 0; /* likewise */
    }
    for (int i = 0; e == ERR_AUTH && i < PASSPHRASE_TRIES && !c->config->askpass.path; i++) {
        char passphrase[PASSPHRASE_MAX];
        int n = prompt_ask("Enter Private Key Password:", false, -1, passphrase, sizeof(passphrase));
        if (n < 0) {
            log_error("The private key needs a pass phrase and nobody can be asked (%s); put it into a file and name it"
                      " with askpass",
                      err_str(n));
            return ERR_CONFIG;
        }
        e = try_keys(c, passphrase, NULL);
        secret_wipe(passphrase, sizeof(passphrase));
    }
    if (e == ERR_AUTH) {
        log_error("Error: private key password verification failed");
    }
    return e ? ERR_CONFIG : keys_loaded(c);
}

static int obtain_passwords(struct client *c)
{
    c->credentials = credentials_new(c->config, NULL);
    if (proxy_ask_before_detaching(c)) {
        return ERR_CONFIG;
    }
    if (!credentials_wanted(c->credentials) || c->config->management_query_passwords) {
        return 0;
    }
    int e = credentials_obtain(c->credentials);
    if (!e && !c->config->auth_nocache) {
        log_warn("WARNING: this configuration may cache passwords in memory -- use the auth-nocache option to prevent"
                 " this");
    }
    return e;
}

/* ------------------------------------------------------------------ one configuration, from start to SIGHUP */

static void dp_event(const struct dp_event *event, void *arg)
{
    struct client *c = arg;
    if (event->type == DP_EV_DEVICE_ERROR) {
        log_error("read from TUN/TAP: %s", err_str(event->error));
        return;
    }
    list_for (node, next, &c->attempts) {
        struct attempt *a = container_of(node, struct attempt, node);
        if (a->link && link_event(a->link, event)) {
            return;
        }
    }
}

static bool is_tap(const struct config *config)
{
    return config->dev_type == CONFIG_DEV_TAP ||
           (config->dev_type == CONFIG_DEV_TYPE_UNSET && config->dev && strncmp(config->dev, "tap", 3) == 0);
}

static int open_data_plane(struct client *c)
{
    static const char *const engines[] = {
        [CONFIG_ENGINE_AUTO] = "auto", [CONFIG_ENGINE_OPENSSL] = "openssl", [CONFIG_ENGINE_IPSEC_MB] = "ipsec-mb"};
    struct dp_config config = {
        .mode = DP_MODE_P2P,
        .device = is_tap(c->config) ? DP_DEVICE_TAP : DP_DEVICE_TUN,
        .workers = c->config->workers,
        .no_offload = c->config->no_offload,
        .crypto_engine = engines[c->config->data_plane_engine],
        .passtos = c->config->passtos,
        .block_ipv6 = c->config->block_ipv6,
        .shaper_bytes_per_s = c->config->shaper,
        .allow_recursive_routing = c->config->allow_recursive_routing,
        .float_any = c->config->float_,
    };
    int e = dp_open(&config, &c->dp);
    if (e) {
        log_error("Cannot open the data plane: %s", err_str(e));
        return e;
    }
    return loop_attach_dp(c->loop, c->dp, dp_event, c);
}

static void fill_remotes(struct client *c)
{
    size_t n = outfit_count(c->config);
    remotes_init(&c->remotes, n, c->config->connect_retry_max == CONFIG_INFINITE ? 0 : c->config->connect_retry_max,
                 c->config->remote_random ? rand_system() : NULL);
    c->addresses = mem_array(n, sizeof(*c->addresses));
    if (c->config->proto_force == CONFIG_TRANSPORT_ANY) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool tcp = outfit_entry_is_tcp(c, i);
        if (tcp != (c->config->proto_force == CONFIG_TRANSPORT_TCP)) {
            remotes_disable(&c->remotes, i);
        }
    }
}

static void hourly(void *arg)
{
    struct client *c = arg;
    if (c->tls) {
        tls_setup_tick(c->tls, clock_read().unix_s);
    }
}

static enum loop_signal remapped(enum config_remap remap)
{
    switch (remap) {
    case CONFIG_REMAP_SIGHUP:
        return LOOP_SIGNAL_HUP;
    case CONFIG_REMAP_SIGTERM:
        return LOOP_SIGNAL_TERM;
    case CONFIG_REMAP_NONE:
        break;
    }
    return LOOP_SIGNAL_NONE;
}

/* Everything that depends on the configuration and lives until SIGHUP. */
static int prepare(struct client *c)
{
    c->policy = (struct restart_policy){.tls_exit = c->config->tls_exit};
    c->auth_retry = c->config->auth_retry;
    loop_set_remap_usr1(c->loop, remapped(c->config->remap_usr1));
    env_free(&c->env);
    base_env_fill(&c->env, c->config);
    if (open_data_plane(c) || statistics_start(c)) {
        return ERR_CONFIG;
    }
    fill_remotes(c);
    struct tunnel_tools tools = {
        .loop = c->loop,
        .dp = c->dp,
        .nl = c->nl,
        .events = c->events,
        .env = &c->env,
        .journal = c->journal,
        .dns = c->dns,
        .kill_switch = c->kill_switch,
    };
    c->tunnel = tunnel_new(&tools);
    c->parallel.roaming = roaming_new(c);
    loop_guard_start(c);
    c->hourly = loop_timer_new(c->loop, hourly, c);
    loop_timer_every(c->hourly, HOUR_MS);
    return 0;
}

static void unprepare(struct client *c)
{
    connect_abort(c);
    credentials_cancel(c->credentials);
    statistics_stop(c);
    loop_guard_stop(c);
    roaming_free(c->parallel.roaming);
    c->parallel.roaming = NULL;
    tunnel_free(c->tunnel);
    c->tunnel = NULL;
    config_free(c->tunnel_config);
    c->tunnel_config = NULL;
    c->ending = (struct client_ending){0};
    c->retry = (struct client_retry){0};
    pull_print_free(&c->tunnel_print);
    loop_timer_free(c->hourly);
    loop_timer_free(c->session_timer);
    loop_timer_free(c->notify_timer);
    c->hourly = NULL;
    c->session_timer = NULL;
    c->notify_timer = NULL;
    remotes_free(&c->remotes);
    free(c->addresses);
    c->addresses = NULL;
    loop_detach_dp(c->loop);
    dp_close(c->dp);
    c->dp = NULL;
    settings_keys_unref(c->keys);
    c->keys = NULL;
    c->tls = NULL;
}

/* ------------------------------------------------------------------ what a management client is asked first */

static void passphrase_given(struct client *c, const char *passphrase)
{
    int e = try_keys(c, passphrase, NULL);
    if (e == ERR_AUTH && c->auth_retry != CONFIG_AUTH_RETRY_NONE) {
        (void)client_management_ask_passphrase(c, true, passphrase_given);
        return;
    }
    if (e == ERR_AUTH) {
        log_error("Error: private key password verification failed");
    }
    if (e || keys_loaded(c)) {
        client_fatal(c);
        return;
    }
    c->unlocked(c);
}

static void certificate_given(struct client *c, const char *pem)
{
    if (try_keys(c, NULL, pem) || keys_loaded(c)) {
        client_fatal(c);
        return;
    }
    c->unlocked(c);
}

static void use_external_key(struct client *c)
{
    if (!c->external) {
        c->external = external_new(c);
    }
    if (!c->config->management_external_cert) {
        certificate_given(c, NULL);
    } else if (!client_management_ask_certificate(c, certificate_given)) {
        client_fatal(c);
    }
}

void client_unlock_key(struct client *c, void (*then)(struct client *c))
{
    c->unlocked = then;
    if (c->tls) {
        then(c);
    } else if (c->config->management_external_key.enabled) {
        use_external_key(c);
    } else if (!client_management_ask_passphrase(c, false, passphrase_given)) {
        client_fatal(c);
    }
}

static void released(void *arg)
{
    client_management_ask_login(arg, connect_next);
}

static void begin(struct client *c)
{
    client_announce(c, "CONNECTING", "");
    if (!client_management_hold(c, 0, released)) {
        released(c);
    }
}

static void run(struct client *c)
{
    c->again = false;
    if (prepare(c)) {
        c->exit_code = 1;
    } else {
        loop_on_signal(c->loop, closing_signal, c);
        lifecycle_ready(c->life);
        begin(c);
        loop_run(c->loop);
    }
    unprepare(c);
}

/* ------------------------------------------------------------------ the process */

/* What an earlier run left behind when it was killed is taken back first. */
static void open_journal(struct client *c)
{
    char *path = lifecycle_runtime_file(c->life, "journal");
    int r = path ? journal_open(path, &c->journal) : -ENOENT;
    if (r == 0) {
        (void)routes_recover(c->journal, c->nl);
    } else {
        c->journal = NULL;
        log_warn("What this run changes on the host cannot be noted down%s%s: %s; after a crash the next start cannot "
                 "clean up",
                 path ? " in " : "", path ? path : "",
                 r == -EWOULDBLOCK ? "another vpnd runs with this configuration" : err_str(r));
    }
    free(path);
}

/* Up before the first packet; a table that a killed run left is replaced without a gap. */
static int set_kill_switch(struct client *c)
{
    if (!c->config->kill_switch) {
        kill_switch_free(c->kill_switch);
        c->kill_switch = NULL;
        firewall_recover(c->journal);
        return 0;
    }
    return c->kill_switch ? 0 : kill_switch_new(lifecycle_name(c->life), c->journal, &c->kill_switch);
}

static void start_dns(struct client *c)
{
    if (!dns_wanted(c->config)) {
        return;
    }
    int e = dns_start(&c->dns);
    if (e) {
        log_warn("DNS settings of the tunnel cannot be applied: %s", err_str(e));
    }
}

static int attach_dns(struct client *c)
{
    if (!c->dns) {
        return 0;
    }
    char *path = lifecycle_runtime_file(c->life, "dns");
    int e = dns_attach(c->dns, c->loop, path);
    free(path);
    return e;
}

static int start_process(struct client *c)
{
    /* Processes of their own come before secrets, threads and the loop. */
    if (plugins_start(c->config, &c->plugins)) {
        return ERR_CONFIG;
    }
    start_dns(c);
    if (obtain_passwords(c) || load_keys(c) || lifecycle_start(c->config, &c->life)) {
        return ERR_CONFIG;
    }
    int e = loop_open(&c->loop);
    if (!e) {
        e = rtnl_open(&c->nl);
    }
    if (!e) {
        e = attach_dns(c);
    }
    if (e) {
        log_fatal("Cannot start: %s", err_str(e));
        return e;
    }
    lifecycle_watch(c->life, c->loop);
    c->events = event_bus_new();
    c->scripts = scripts_new(loop_uv(c->loop), c->events, c->config);
    plugins_listen(c->plugins, loop_uv(c->loop), c->events, c->config);
    open_journal(c);
    return set_kill_switch(c) < 0 || client_management_open(c) || client_metrics_open(c) ? ERR_CONFIG : 0;
}

static int end_process(struct client *c)
{
    lifecycle_stopping(c->life);
    settings_keys_unref(c->keys);
    client_management_close(c);
    scripts_free(c->scripts);
    plugins_end(c->plugins, c->exit_code != 0);
    client_metrics_close(c);
    if (c->events) {
        event_bus_free(c->events);
    }
    dns_stop(c->dns);
    external_stop(c->external);
    int status = c->exit_code | (loop_close_within(c->loop, LOOKUP_PATIENCE_MS) ? 0 : CLIENT_LEAVE_AT_ONCE);
    external_free(c->external);
    credentials_free(c->credentials);
    proxy_ask_forget(c);
    rtnl_close(c->nl);
    env_free(&c->env);
    kill_switch_free(c->kill_switch);
    journal_close(c->journal);
    lifecycle_end(c->life);
    return status;
}

/* SIGHUP: the new configuration takes over, or the process ends. */
static int reread(struct client *c, const struct client_source *source, struct config **owned)
{
    struct config *now = NULL;
    if (source && source->reread(source->arg, &now)) {
        return ERR_CONFIG;
    }
    if (now) {
        scripts_set_config(c->scripts, now); /* what still runs goes on */
        plugins_set_config(c->plugins, now);
        if (*owned) {
            source->release(source->arg, *owned);
        }
        *owned = now;
        c->config = now;
    }
    credentials_free(c->credentials);
    c->credentials = credentials_new(c->config, NULL);
    proxy_ask_forget(c);
    (void)lifecycle_reload(c->life, c->config);
    if (dns_wanted(c->config) && !c->dns) {
        log_warn("DNS settings of the tunnel are applied from the next start of vpnd on: its helper cannot be made now");
    }
    mgmt_set_config(c->mgmt, c->config);
    /* questions are put once the loop runs, which signals can end */
    return load_keys(c) || set_kill_switch(c) ? ERR_CONFIG : 0;
}

int client_run(struct config *config, const struct client_source *source)
{
    struct client c = {.config = config, .title = source && source->title ? source->title : "vpnd " VERSION};
    list_init(&c.attempts);
    messages_init(&c);
    struct config *owned = NULL;
    c.status_file.fd = -1;
    if (start_process(&c)) {
        c.exit_code = 1;
    } else {
        run(&c);
        while (c.again && c.exit_code == 0) {
            if (reread(&c, source, &owned)) {
                c.exit_code = 1;
            } else {
                run(&c);
            }
        }
    }
    int status = end_process(&c);
    if (owned) {
        source->release(source->arg, owned);
    }
    return status;
}
