/* SPDX-License-Identifier: MIT */
#include "client/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "auth/peer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/kill_switch.h"
#include "client/outfit.h"
#include "client/proxy_ask.h"
#include "client/state.h"
#include "node/settings.h"

#define RESOLVE_RETRY_MS 5000u
#define RANDOM_LABEL_BYTES 6

static void lookups(struct attempt *a);

static struct attempt_addresses *addresses(struct attempt *a)
{
    return &a->client->addresses[a->entry];
}

static void fail(struct attempt *a, enum restart_reason reason)
{
    a->events->failed(a, reason);
}

/* ------------------------------------------------------------------ the link */

static void on_started(void *arg)
{
    struct attempt *a = arg;
    if (a->events->started) {
        a->events->started(a);
    }
}

static void on_active(void *arg)
{
    struct attempt *a = arg;
    a->events->active(a);
}

static void login_known(struct client *c)
{
    if (c->attempt && c->attempt->link) {
        link_login_known(c->attempt->link);
    }
}

/* With auth-nocache a renegotiation has forgotten the login. A terminal is asked by credentials_hook(). */
static bool on_login(void *arg)
{
    struct attempt *a = arg;
    struct client *c = a->client;
    if (a != c->attempt || !client_management_asks(c) || !credentials_ask_needed(c->credentials)) {
        return false;
    }
    client_management_ask_login(c, login_known);
    return true;
}

static void on_renewed(void *arg)
{
    struct attempt *a = arg;
    credentials_forget_used(a->client->credentials);
}

static void on_message(void *arg, const char *text)
{
    struct attempt *a = arg;
    a->events->message(a, text);
}

static void make_link(struct attempt *a);

static void proxy_login_known(struct client *c)
{
    make_link(c->attempt);
}

/* In a later turn than the link's report. */
static void ask_proxy_login(void *arg)
{
    struct attempt *a = arg;
    loop_timer_free(a->again);
    a->again = NULL;
    link_free(a->link);
    a->link = NULL;
    proxy_ask_start(a->client, a->config, proxy_login_known);
}

/* Only for the attempt in charge: one person, one question. */
static bool may_ask(const struct attempt *a)
{
    return a == a->client->attempt && proxy_login_asking(a->config, &a->config->top) != PROXY_LOGIN_NEVER;
}

static void on_failed(void *arg, enum restart_reason reason)
{
    struct attempt *a = arg;
    enum proxy_refusal refusal = link_proxy_refusal(a->link);
    if (refusal == PROXY_REFUSAL_MISSING && may_ask(a)) {
        a->again = loop_timer_new(a->client->loop, ask_proxy_login, a);
        loop_timer_after(a->again, 0);
        return;
    }
    if (refusal == PROXY_REFUSAL_WRONG) {
        proxy_ask_refused(a->client, a->config);
    }
    fail(a, reason);
}

static void on_moved(void *arg, const union addr *remote)
{
    struct attempt *a = arg;
    kill_switch_exit(a->client->kill_switch, remote, attempt_is_tcp(a));
    if (a->events->moved) {
        a->events->moved(a);
    }
}

/** What a session works with; it may outlive the attempt for a moment. */
struct belongings {
    struct auth_peer *peer;
    struct credentials_copy *credentials;
};

static void release_belongings(void *arg)
{
    struct belongings *b = arg;
    auth_peer_free(b->peer);
    credentials_copy_free(b->credentials);
    free(b);
}

static void make_link(struct attempt *a)
{
    struct attempt_addresses *known = addresses(a);
    struct link_request request = {
        .loop = a->client->loop,
        .dp = a->client->dp,
        .config = a->config,
        .quiet = a->quiet,
        .peer_handle = ++a->client->peer_handles,
        .released = release_belongings,
        .callbacks = {.started = on_started, .login = on_login, .active = on_active, .renewed = on_renewed,
                      .message = on_message, .failed = on_failed, .moved = on_moved, .arg = a},
    };
    if (outfit_transport(a, &request.transport)) {
        fail(a, RESTART_INITIALISATION);
        return;
    }
    if (known->count) {
        request.accepted = known->list;
        request.accepted_count = known->count;
    }
    request.settings = outfit_settings(a, &request.transport);
    if (!request.settings) {
        proxy_free(request.transport.proxy);
        fail(a, RESTART_INITIALISATION);
        return;
    }
    a->peer = auth_peer_new(NULL);
    struct belongings *belongings = mem_zalloc(sizeof(*belongings));
    *belongings = (struct belongings){a->peer, credentials_copy_new(a->client->credentials)};
    request.released_arg = belongings;
    struct session_open open = {
        .hooks = {.credentials = credentials_hook,
                  .credentials_used = credentials_used_hook,
                  .arg = belongings->credentials},
        .ask_certificate = true,
        .tls_user = a->peer,
    };
    request.open = &open;
    request.peer = a->peer;
    request.events = a->client->events;
    request.env = &a->client->env;
    if (!a->quiet) {
        client_announce(a->client, request.transport.tcp ? "TCP_CONNECT" : "WAIT", "");
    }
    a->link = link_new(&request);
    settings_unref(request.settings);
}

/* ------------------------------------------------------------------ addresses */

static void lookup_again(void *arg)
{
    struct attempt *a = arg;
    loop_timer_free(a->again);
    a->again = NULL;
    lookups(a);
}

static void lookup_failed(struct attempt *a, const char *host, const char *port, const char *error)
{
    if (!a->quiet) {
        log_error("RESOLVE: Cannot resolve host address: %s:%s (%s)", host, port, error);
    }
    unsigned limit = a->config->resolv_retry;
    uint64_t now = clock_read().mono_ms;
    if (limit != CONFIG_INFINITE && limit != 0 && now + RESOLVE_RETRY_MS <= a->resolve_since + 1000u * (uint64_t)limit) {
        a->again = loop_timer_new(a->client->loop, lookup_again, a);
        loop_timer_after(a->again, RESOLVE_RETRY_MS);
    } else {
        fail(a, RESTART_RESOLVE);
    }
}

static void store(struct attempt_addresses *into, const union addr *list, size_t count)
{
    into->count = count;
    memcpy(into->list, list, count * sizeof(*list));
}

/* The kill switch lets questions out only while a name is looked up. */
static void look_up(struct attempt *a, const struct resolve_request *request, resolve_fn fn)
{
    struct ip_addr literal;
    a->asking = ip_parse(request->host, &literal) < 0;
    if (a->asking) {
        kill_switch_ask(a->client->kill_switch);
    }
    a->resolve = resolve_start(a->client->loop, request, fn, a);
}

static void looked_up(struct attempt *a)
{
    a->resolve = NULL;
    if (a->asking) {
        kill_switch_asked(a->client->kill_switch);
        a->asking = false;
    }
}

static void proxy_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct attempt *a = arg;
    looked_up(a);
    if (error) {
        lookup_failed(a, outfit_proxy_host(a->config), outfit_proxy_port(a->config), error);
        return;
    }
    store(&a->proxy, list, count);
    lookups(a);
}

static void remote_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct attempt *a = arg;
    looked_up(a);
    if (error) {
        lookup_failed(a, a->host, outfit_port(a->config), error);
        return;
    }
    store(addresses(a), list, count);
    a->address = 0;
    if (a->events->resolved) {
        a->events->resolved(a);
    }
    lookups(a);
}

static void local_resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct attempt *a = arg;
    looked_up(a);
    if (error || count == 0) {
        lookup_failed(a, a->config->local.items[0].host, "", error ? error : "no address");
        return;
    }
    a->local = list[0];
    lookups(a);
}

/* remote-random-hostname: a label that no cache knows. */
static char *randomised(const struct config *config, const char *host)
{
    struct ip_addr literal;
    if (!config->remote_random_hostname || ip_parse(host, &literal) == 0) {
        return mem_strdup(host);
    }
    uint8_t r[RANDOM_LABEL_BYTES];
    rand_fill(rand_system(), r, sizeof(r));
    return mem_printf("%02x%02x%02x%02x%02x%02x.%s", r[0], r[1], r[2], r[3], r[4], r[5], host);
}

static void look_up_proxy(struct attempt *a)
{
    struct resolve_request request = {
        .host = outfit_proxy_host(a->config), .service = outfit_proxy_port(a->config), .stream = true};
    look_up(a, &request, proxy_resolved);
}

static void look_up_remote(struct attempt *a)
{
    free(a->host);
    a->host = randomised(a->config, outfit_remote(a->config)->host);
    struct resolve_request request = {
        .host = a->host,
        .service = outfit_port(a->config),
        .family = outfit_proxy_host(a->config) ? AF_INET : config_proto_family(a->config->proto),
        .stream = attempt_is_tcp(a),
    };
    look_up(a, &request, remote_resolved);
}

static void look_up_local(struct attempt *a)
{
    const union addr *peer = outfit_address(a);
    struct resolve_request request = {
        .host = a->config->local.items[0].host,
        .family = peer ? peer->any.sa_family : config_proto_family(a->config->proto),
        .stream = attempt_is_tcp(a),
    };
    look_up(a, &request, local_resolved);
}

static bool asks_first(const struct attempt *a)
{
    return may_ask(a) && proxy_login_asking(a->config, &a->config->top) == PROXY_LOGIN_AT_ONCE &&
           !proxy_ask_known(a->client, a->config);
}

/* Look up what is still missing, one name after the other, then go on. */
static void lookups(struct attempt *a)
{
    const struct config *config = a->config;
    bool proxied = outfit_proxy_host(config) != NULL;
    if (proxied && a->proxy.count == 0) {
        look_up_proxy(a);
    } else if (outfit_remote(config) && addresses(a)->count == 0 && !(proxied && attempt_is_tcp(a))) {
        look_up_remote(a);
    } else if (config->local.count && config->local.items[0].host && a->local.any.sa_family == AF_UNSPEC) {
        look_up_local(a);
    } else if (asks_first(a)) {
        proxy_ask_start(a->client, a->config, proxy_login_known);
    } else {
        make_link(a);
    }
}

/* ------------------------------------------------------------------ life */

struct attempt *attempt_new(struct client *client, size_t entry, size_t address, bool quiet)
{
    struct attempt *a = mem_zalloc(sizeof(*a));
    a->client = client;
    a->entry = entry;
    a->address = address;
    a->quiet = quiet;
    a->config = outfit_entry(client, entry);
    pull_init(&a->pull);
    list_push(&client->attempts, &a->node);
    return a;
}

void attempt_begin(struct attempt *a, const struct attempt_events *events, void *owner)
{
    attempt_adopt(a, events, owner);
    a->resolve_since = clock_read().mono_ms;
    lookups(a);
}

void attempt_adopt(struct attempt *a, const struct attempt_events *events, void *owner)
{
    a->events = events;
    a->owner = owner;
}

void attempt_free(struct attempt *a)
{
    if (!a) {
        return;
    }
    list_remove(&a->node);
    loop_timer_free(a->again);
    resolve_cancel(a->resolve);
    looked_up(a);
    link_free(a->link);
    pull_free(&a->pull);
    if (a->config != a->client->tunnel_config) {
        config_free(a->config);
    }
    free(a->host);
    free(a);
}

void attempt_export_remote(const struct attempt *a, struct env *env)
{
    char text[ADDR_TEXT_MAX];
    const union addr *remote = link_remote(a->link);
    struct ip_addr ip = addr_to_ip(remote);
    env_set(env, ip.family == AF_INET6 ? "untrusted_ip6" : "untrusted_ip", ip_format(&ip, text));
    env_setf(env, "untrusted_port", "%u", addr_port(remote));
}

bool attempt_is_tcp(const struct attempt *a)
{
    return config_proto_is_tcp(a->config->proto);
}
