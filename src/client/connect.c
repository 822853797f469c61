/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/peer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/establish.h"
#include "client/job.h"
#include "client/messages.h"
#include "client/outfit.h"
#include "client/state.h"
#include "node/settings.h"

#define RESOLVE_RETRY_MS 5000u
#define RANDOM_LABEL_BYTES 6

static void lookups(struct client *c);

static struct client_addresses *addresses(struct client *c)
{
    return &c->addresses[remotes_current(&c->remotes)];
}

static const struct config *entry(const struct client *c)
{
    return c->attempt.config;
}

static void stop_waiting(struct client *c)
{
    loop_timer_free(c->wait);
    c->wait = NULL;
}

static void wait_then(struct client *c, uint64_t ms, void (*fn)(void *arg))
{
    stop_waiting(c);
    c->wait = loop_timer_new(c->loop, fn, c);
    loop_timer_after(c->wait, ms);
}

/* ------------------------------------------------------------------ link events */

static void announce_peer(struct client *c)
{
    char text[ADDR_TEXT_MAX];
    const union addr *remote = link_remote(c->attempt.link);
    struct ip_addr ip = addr_to_ip(remote);
    const char *name = auth_peer_common_name(c->attempt.peer);
    log_info("%s%s%sPeer Connection Initiated with %s", name[0] ? "[" : "", name, name[0] ? "] " : "",
             addr_format_log(remote, text));
    env_set(&c->env, ip.family == AF_INET6 ? "trusted_ip6" : "trusted_ip", ip_format(&ip, text));
    env_setf(&c->env, "trusted_port", "%u", addr_port(remote));
    auth_peer_export(c->attempt.peer, 0, &c->env);
    char *where = mem_printf("%s", addr_format_log(remote, text));
    char *colon = strrchr(where, ':');
    if (colon) {
        *colon = ' ';
    }
    struct event event = {.type = EVENT_PEER_ADDRESS, .env = &c->env, .args = {where}};
    (void)event_ask(c->events, &event, &(struct event_asker){0});
    free(where);
}

static void on_started(void *arg)
{
    struct client *c = arg;
    loop_set_phase(c->loop, LOOP_PHASE_RUNNING);
    client_announce(c, "AUTH", "");
}

static void on_active(void *arg)
{
    struct client *c = arg;
    announce_peer(c);
    if (c->config->pull) {
        client_announce(c, "GET_CONFIG", "");
        link_pull(c->attempt.link);
    } else {
        establish_without_pull(c);
    }
}

static void on_message(void *arg, const char *text)
{
    messages_receive(arg, text);
}

static void on_failed(void *arg, enum restart_reason reason)
{
    struct client *c = arg;
    if (link_proxy_refused(c->attempt.link)) {
        outfit_forget_proxy_login(c);
    }
    client_fail(c, reason);
}

static void on_moved(void *arg, const union addr *remote)
{
    (void)remote;
    announce_peer(arg);
}

static void release_peer(void *tls_user)
{
    auth_peer_free(tls_user);
}

/* ------------------------------------------------------------------ making the link */

static void make_link(struct client *c)
{
    struct client_attempt *a = &c->attempt;
    struct client_addresses *known = addresses(c);
    struct link_request request = {
        .loop = c->loop,
        .dp = c->dp,
        .config = entry(c),
        .released = release_peer,
        .callbacks = {.started = on_started, .active = on_active, .message = on_message, .failed = on_failed,
                      .moved = on_moved, .arg = c},
    };
    if (outfit_transport(c, &request.transport)) {
        client_fail(c, RESTART_INITIALISATION);
        return;
    }
    if (known->count) {
        request.accepted = known->list;
        request.accepted_count = known->count;
    }
    request.settings = outfit_settings(c, &request.transport);
    if (!request.settings) {
        proxy_free(request.transport.proxy);
        client_fail(c, RESTART_INITIALISATION);
        return;
    }
    a->peer = auth_peer_new(NULL);
    struct session_open open = {
        .hooks = {.credentials = credentials_hook, .arg = c->credentials},
        .tls_user = a->peer,
    };
    request.open = &open;
    client_announce(c, request.transport.tcp ? "TCP_CONNECT" : "WAIT", "");
    a->link = link_new(&request);
    settings_unref(request.settings);
}

/* ------------------------------------------------------------------ passwords */

static void obtained(void *arg, int result)
{
    struct client *c = arg;
    c->question = NULL;
    if (result == -ECANCELED) {
        return;
    }
    if (result) {
        client_fatal(c);
        return;
    }
    make_link(c);
}

struct asking {
    struct client *client;
    struct credentials *credentials;
};

static int asking_work(void *arg)
{
    return credentials_obtain(((struct asking *)arg)->credentials);
}

static void asking_done(void *arg, int result)
{
    obtained(((struct asking *)arg)->client, result);
}

static void passwords(struct client *c)
{
    if (client_management_asks(c)) {
        client_management_ask_login(c, make_link);
        return;
    }
    if (!credentials_missing(c->credentials)) {
        make_link(c);
        return;
    }
    struct asking *asking = mem_zalloc(sizeof(*asking));
    *asking = (struct asking){c, c->credentials};
    c->question = job_start(c->loop, &(struct job_request){.work = asking_work, .done = asking_done, .release = free,
                                                            .arg = asking});
}

static void device_ready(struct client *c)
{
    passwords(c);
}

/* ------------------------------------------------------------------ addresses */

static void lookup_again(void *arg)
{
    struct client *c = arg;
    stop_waiting(c);
    lookups(c);
}

static void lookup_failed(struct client *c, const char *host, const char *port, const char *error)
{
    log_error("RESOLVE: Cannot resolve host address: %s:%s (%s)", host, port, error);
    unsigned limit = c->config->resolv_retry;
    uint64_t now = clock_read().mono_ms;
    if (limit == 0 && !c->attempt.up && c->remotes.failures == 0) {
        client_fatal(c);
    } else if (limit != CONFIG_INFINITE && limit != 0 &&
               now + RESOLVE_RETRY_MS <= c->attempt.resolve_since + 1000u * (uint64_t)limit) {
        wait_then(c, RESOLVE_RETRY_MS, lookup_again);
    } else {
        client_fail(c, RESTART_RESOLVE);
    }
}

static void store(struct client_addresses *into, const union addr *list, size_t count)
{
    into->count = count;
    memcpy(into->list, list, count * sizeof(*list));
}

static void proxy_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct client *c = arg;
    c->attempt.resolve = NULL;
    if (error) {
        lookup_failed(c, outfit_proxy_host(entry(c)), outfit_proxy_port(entry(c)), error);
        return;
    }
    store(&c->attempt.proxy, list, count);
    lookups(c);
}

static void remote_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct client *c = arg;
    const struct config_remote *remote = outfit_remote(entry(c));
    c->attempt.resolve = NULL;
    if (error) {
        lookup_failed(c, remote->host, outfit_port(entry(c)), error);
        return;
    }
    store(addresses(c), list, count);
    remotes_resolved(&c->remotes, count);
    lookups(c);
}

static void local_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct client *c = arg;
    c->attempt.resolve = NULL;
    if (error || count == 0) {
        lookup_failed(c, entry(c)->local.items[0].host, "", error ? error : "no address");
        return;
    }
    c->attempt.local = list[0];
    lookups(c);
}

static char *randomised(const struct client *c, const char *host)
{
    struct ip_addr literal;
    if (!c->config->remote_random_hostname || ip_parse(host, &literal) == 0) {
        return mem_strdup(host);
    }
    uint8_t r[RANDOM_LABEL_BYTES];
    rand_fill(rand_system(), r, sizeof(r));
    return mem_printf("%02x%02x%02x%02x%02x%02x.%s", r[0], r[1], r[2], r[3], r[4], r[5], host);
}

/* Look up what is still missing, one name after the other, then go on. */
static void lookups(struct client *c)
{
    const struct config *config = entry(c);
    const struct config_remote *remote = outfit_remote(config);
    const char *proxy_host = outfit_proxy_host(config);
    bool tcp = config_proto_is_tcp(config->proto);
    if (proxy_host && c->attempt.proxy.count == 0) {
        struct resolve_request request = {.host = proxy_host, .service = outfit_proxy_port(config), .stream = true};
        c->attempt.resolve = resolve_start(c->loop, &request, proxy_resolved, c);
        return;
    }
    if (remote && addresses(c)->count == 0 && !(proxy_host && tcp)) {
        char *host = randomised(c, remote->host);
        struct resolve_request request = {
            .host = host,
            .service = outfit_port(config),
            .family = proxy_host ? AF_INET : config_proto_family(config->proto),
            .stream = tcp,
        };
        c->attempt.resolve = resolve_start(c->loop, &request, remote_resolved, c);
        free(host);
        return;
    }
    if (config->local.count && config->local.items[0].host && c->attempt.local.any.sa_family == AF_UNSPEC) {
        const union addr *peer = outfit_address(c);
        struct resolve_request request = {
            .host = config->local.items[0].host,
            .service = NULL,
            .family = peer ? peer->any.sa_family : config_proto_family(config->proto),
            .stream = tcp,
        };
        c->attempt.resolve = resolve_start(c->loop, &request, local_resolved, c);
        return;
    }
    if (!c->config->pull && !c->config->up_delay) {
        establish_early_device(c, device_ready);
    } else {
        passwords(c);
    }
}

/* ------------------------------------------------------------------ attempts */

static void start_attempt(struct client *c);

static void drop_config(struct client *c)
{
    if (c->attempt.config && c->attempt.config != c->tunnel_config) {
        config_free(c->attempt.config);
    }
    c->attempt.config = NULL;
}

static bool choose_entry(struct client *c);

/* Names only: an address is not looked up. */
static void announce_resolve(struct client *c)
{
    const struct config_remote *remote = outfit_remote(entry(c));
    struct ip_addr literal;
    if (remote && addresses(c)->count == 0 && ip_parse(remote->host, &literal) < 0) {
        client_announce(c, "RESOLVE", "");
    }
}

static void remote_chosen(struct client *c, enum management_remote what)
{
    if (what == MANAGEMENT_REMOTE_SKIP) {
        if (choose_entry(c)) {
            start_attempt(c);
        }
        return;
    }
    c->attempt.resolve_since = clock_read().mono_ms;
    loop_set_phase(c->loop, LOOP_PHASE_CONNECTING);
    announce_resolve(c);
    lookups(c);
}

static void start_attempt(struct client *c)
{
    drop_config(c);
    c->attempt = (struct client_attempt){0};
    c->ending.active = false;
    c->attempt.config = outfit_entry(c, remotes_current(&c->remotes));
    client_management_ask_remote(c, remote_chosen);
}

static void pause_over(void *arg)
{
    struct client *c = arg;
    stop_waiting(c);
    start_attempt(c);
}

static unsigned pause_seconds(struct client *c)
{
    const struct config_connection *e = outfit_connection(c, remotes_current(&c->remotes));
    bool tcp = config_proto_is_tcp(e->proto);
    struct remotes_pause pause = {
        .retry = e->connect_retry,
        .retry_max = e->connect_retry_limit,
        .nointeract = c->auth_retry == CONFIG_AUTH_RETRY_NOINTERACT,
        .backs_off = tcp || !c->config->tls_server,
        .server_backoff = c->retry.server_backoff,
        .poll_timeout = c->retry.poll_timeout,
        .at_least = c->retry.at_least,
    };
    c->retry = (struct client_retry){0};
    return remotes_pause_seconds(&c->remotes, &pause);
}

/* Return: false when there is none (the end is under way). */
static bool choose_entry(struct client *c)
{
    switch (remotes_next(&c->remotes)) {
    case REMOTES_NONE_USABLE:
        log_error("No usable connection profiles are present");
        client_fatal(c);
        return false;
    case REMOTES_EXHAUSTED:
        log_error("All connections have been connect-retry-max (%llu) times unsuccessful, exiting",
                  (unsigned long long)c->remotes.retry_max);
        client_fatal(c);
        return false;
    case REMOTES_NEXT_ENTRY:
        if (c->config->persist_remote_ip) {
            remotes_resolved(&c->remotes, addresses(c)->count);
        } else {
            addresses(c)->count = 0;
        }
        break;
    case REMOTES_KEEP:
    case REMOTES_NEXT_ADDRESS:
        break;
    }
    return true;
}

void connect_next(struct client *c)
{
    bool first = !c->remotes.started;
    if (!choose_entry(c)) {
        return;
    }
    if (first) {
        start_attempt(c);
        return;
    }
    unsigned seconds = pause_seconds(c);
    if (client_management_hold(c, seconds, pause_over)) {
        return;
    }
    if (seconds) {
        log_info("Restart pause, %u second(s)", seconds);
    }
    wait_then(c, 1000u * (uint64_t)seconds, pause_over);
}

void connect_abort(struct client *c)
{
    struct client_attempt *a = &c->attempt;
    stop_waiting(c);
    client_management_cancel(c);
    job_cancel(c->question);
    c->question = NULL;
    resolve_cancel(a->resolve);
    a->resolve = NULL;
    link_free(a->link);
    a->link = NULL;
    a->peer = NULL;
    pull_reset(&c->pull);
}
