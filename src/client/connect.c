/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/peer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/establish.h"
#include "client/job.h"
#include "client/messages.h"
#include "client/outfit.h"
#include "client/preresolve.h"
#include "client/proxy_ask.h"
#include "client/race.h"
#include "client/roaming.h"
#include "client/state.h"
#include "client/successor.h"
#include "client/udp_return.h"

static void stop_waiting(struct client *c)
{
    loop_timer_free(c->wait);
    c->wait = NULL;
    c->pausing = false;
}

static void wait_then(struct client *c, uint64_t ms, void (*fn)(void *arg))
{
    stop_waiting(c);
    c->wait = loop_timer_new(c->loop, fn, c);
    loop_timer_after(c->wait, ms);
}

/* ------------------------------------------------------------------ the attempt in charge */

/* The ipchange program has ended: whatever waited for it goes on. */
static void address_known(void *arg, const struct event_result *result)
{
    struct client *c = arg;
    (void)result;
    void (*then)(struct client *) = c->announced;
    c->announcing = NULL;
    c->announced = NULL;
    if (then) {
        then(c);
    }
}

void connect_after_announcement(struct client *c, void (*then)(struct client *c))
{
    if (c->announcing) {
        c->announced = then;
    } else {
        then(c);
    }
}

void connect_announce_peer(struct client *c)
{
    const struct attempt *a = c->attempt;
    char text[ADDR_TEXT_MAX];
    const union addr *remote = link_remote(a->link);
    struct ip_addr ip = addr_to_ip(remote);
    const char *name = auth_peer_common_name(a->peer);
    log_info("%s%s%sPeer Connection Initiated with %s", name[0] ? "[" : "", name, name[0] ? "] " : "",
             addr_format_log(remote, text));
    env_set(&c->env, ip.family == AF_INET6 ? "trusted_ip6" : "trusted_ip", ip_format(&ip, text));
    env_setf(&c->env, "trusted_port", "%u", addr_port(remote));
    attempt_export_remote(a, &c->env);
    env_unset_prefix(&c->env, "X509_"); /* an earlier server may have had more of them */
    env_unset_prefix(&c->env, "tls_id_");
    env_unset_prefix(&c->env, "tls_digest_");
    env_unset_prefix(&c->env, "tls_serial_");
    auth_peer_export(a->peer, 0, &c->env);
    char *where = mem_printf("%s", addr_format_log(remote, text));
    char *colon = strrchr(where, ':');
    if (colon) {
        *colon = ' ';
    }
    struct event event = {.type = EVENT_PEER_ADDRESS, .env = &c->env, .args = {where}};
    struct event_asker asker = {.done = address_known, .arg = c};
    if (c->announcing) {
        event_cancel(c->announcing);
    }
    c->announcing = event_ask(c->events, &event, &asker);
    free(where);
}

static void on_resolved(struct attempt *a)
{
    remotes_resolved(&a->client->remotes, a->client->addresses[a->entry].count);
}

static void on_started(struct attempt *a)
{
    loop_set_phase(a->client->loop, LOOP_PHASE_RUNNING);
    client_announce(a->client, "AUTH", "");
}

static void on_active(struct attempt *a)
{
    struct client *c = a->client;
    connect_announce_peer(c);
    if (c->config->pull) {
        client_announce(c, "GET_CONFIG", "");
        link_pull(a->link);
    } else {
        establish_without_pull(c);
    }
}

static void on_message(struct attempt *a, const char *text)
{
    messages_receive(a->client, text);
}

static void on_failed(struct attempt *a, enum restart_reason reason)
{
    struct client *c = a->client;
    if (reason == RESTART_RESOLVE && c->config->resolv_retry == 0 && !a->up && c->remotes.failures == 0) {
        client_fatal(c);
    } else if (!successor_inherits(c->parallel.successor, reason)) {
        client_fail(c, reason);
    }
}

static void on_moved(struct attempt *a)
{
    connect_announce_peer(a->client);
}

static const struct attempt_events in_charge = {
    .resolved = on_resolved,
    .started = on_started,
    .active = on_active,
    .message = on_message,
    .failed = on_failed,
    .moved = on_moved,
};

void connect_adopt(struct client *c, struct attempt *a)
{
    attempt_adopt(a, &in_charge, c);
    a->quiet = false;
    c->attempt = a;
}

/* ------------------------------------------------------------------ one remote, or all of them at once */

static void race_won(void *arg, struct attempt *winner)
{
    struct client *c = arg;
    char *verdict = race_verdict(c->parallel.race, winner);
    race_free(c->parallel.race);
    c->parallel.race = NULL;
    remotes_resolved(&c->remotes, c->addresses[winner->entry].count);
    remotes_choose(&c->remotes, winner->entry, winner->address);
    connect_adopt(c, winner);
    on_started(winner);
    on_active(winner);
    udp_return_connected(c, verdict);
    free(verdict);
}

static void race_lost(void *arg, enum restart_reason reason)
{
    struct client *c = arg;
    race_log_failures(c->parallel.race);
    race_free(c->parallel.race);
    c->parallel.race = NULL;
    remotes_round_failed(&c->remotes);
    client_fail(c, reason);
}

static bool choose_entry(struct client *c);

/* Names only: an address is not looked up. */
static void announce_resolve(struct client *c)
{
    const struct config_remote *remote = outfit_remote(c->attempt->config);
    struct ip_addr literal;
    if (remote && c->addresses[c->attempt->entry].count == 0 && ip_parse(remote->host, &literal) < 0) {
        client_announce(c, "RESOLVE", "");
    }
}

static void set_off(struct client *c);

static void begin_attempt(struct client *c)
{
    announce_resolve(c);
    attempt_begin(c->attempt, &in_charge, c);
}

static void login_for_attempt(struct client *c)
{
    client_management_ask_login(c, begin_attempt);
}

static void remote_chosen(struct client *c, enum management_remote what)
{
    if (what == MANAGEMENT_REMOTE_SKIP) {
        attempt_free(c->attempt);
        c->attempt = NULL;
        if (choose_entry(c)) {
            set_off(c);
        }
        return;
    }
    client_unlock_key(c, login_for_attempt);
}

static bool may_ask_for_proxy(const struct client *c)
{
    for (size_t i = 0; i < outfit_count(c->config); i++) {
        if (proxy_login_asking(c->config, outfit_connection(c, i)) != PROXY_LOGIN_NEVER) {
            return true;
        }
    }
    return false;
}

/* Somebody who wants to be asked about each remote, or for the login of a proxy, gets them one by one. */
static bool races(const struct client *c)
{
    if (may_ask_for_proxy(c)) {
        return false;
    }
    return c->config->remote_parallel && !c->config->management_query_remote && !c->config->management_query_proxy;
}

static void begin_race(struct client *c)
{
    client_announce(c, "WAIT", "");
    struct race_request request = {.client = c, .won = race_won, .lost = race_lost, .arg = c};
    c->parallel.race = race_start(&request);
}

static void login_for_race(struct client *c)
{
    client_management_ask_login(c, begin_race);
}

/* Management is asked for the remote first, then for the private key, then for the login. */
static void set_off(struct client *c)
{
    if (races(c)) {
        client_unlock_key(c, login_for_race);
        return;
    }
    connect_adopt(c, attempt_new(c, remotes_current(&c->remotes), c->remotes.address, false));
    client_management_ask_remote(c, remote_chosen);
}

/* ------------------------------------------------------------------ passwords */

/* Point-to-point: the device may be there before the peer is. */
static void early_device(struct client *c)
{
    if (!c->config->pull && !c->config->up_delay) {
        establish_early_device(c, set_off);
    } else {
        set_off(c);
    }
}

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
    early_device(c);
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

static void asking_release(void *arg)
{
    struct asking *asking = arg;
    credentials_free(asking->credentials);
    free(asking);
}

static void passwords(struct client *c)
{
    if (client_management_asks(c) || !credentials_missing(c->credentials)) {
        early_device(c);
        return;
    }
    struct asking *asking = mem_zalloc(sizeof(*asking));
    *asking = (struct asking){c, credentials_ref(c->credentials)};
    c->question = job_start(c->loop, &(struct job_request){.work = asking_work, .done = asking_done,
                                                            .release = asking_release, .arg = asking});
}

/* ------------------------------------------------------------------ attempts */

static void start_attempt(struct client *c)
{
    attempt_free(c->attempt);
    c->attempt = NULL;
    c->ending.active = false;
    loop_set_phase(c->loop, LOOP_PHASE_CONNECTING);
    passwords(c);
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
    bool tcp = outfit_entry_is_tcp(c, remotes_current(&c->remotes));
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

static bool keeps_addresses(const struct client *c)
{
    return c->config->persist_remote_ip || c->config->preresolve || c->kill_switch;
}

/* Return: false when there is none (the end is under way). */
static bool choose_entry(struct client *c)
{
    enum remotes_step step = remotes_next(&c->remotes);
    struct attempt_addresses *known = &c->addresses[remotes_current(&c->remotes)];
    switch (step) {
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
        if (keeps_addresses(c)) {
            remotes_resolved(&c->remotes, known->count);
        } else {
            known->count = 0;
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
    if (first && (c->config->preresolve || c->kill_switch)) {
        c->preresolve = preresolve_start(c, start_attempt);
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
    c->pausing = true;
    roaming_pausing(c->parallel.roaming);
}

void connect_hurry(struct client *c)
{
    if (c->pausing && c->wait) {
        loop_timer_after(c->wait, 0);
    }
}

void connect_abort(struct client *c)
{
    stop_waiting(c);
    if (c->announcing) {
        event_cancel(c->announcing);
        c->announcing = NULL;
        c->announced = NULL;
    }
    roaming_stop(c->parallel.roaming);
    client_management_cancel(c);
    proxy_ask_cancel(c);
    udp_return_stop(c);
    job_cancel(c->question);
    c->question = NULL;
    preresolve_free(c->preresolve);
    c->preresolve = NULL;
    successor_free(c->parallel.successor);
    c->parallel.successor = NULL;
    race_free(c->parallel.race);
    c->parallel.race = NULL;
    attempt_free(c->attempt);
    c->attempt = NULL;
}
