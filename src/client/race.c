/* SPDX-License-Identifier: MIT */
#include "client/race.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/outfit.h"
#include "client/state.h"

#define STAGGER_MS 250u          /* RFC 8305: Connection Attempt Delay */
#define TCP_AFTER_MS 300u        /* TCP does not start before: a UDP handshake on a usual path is done by then */
#define UDP_PATIENCE_MS 1500u    /* a finished TCP handshake waits so long for UDP's first answer */
#define UDP_ANSWERED_MS 4000u    /* and so long for the rest of a UDP handshake that was answered */
#define SILENCE_MS 10000u        /* an attempt without any answer makes room for others */
#define ALIVE_MAX 8u
#define FAILURES_SHOWN 8u
#define MESSAGES_MAX 64u

/** One address of one entry. */
struct runner {
    struct race *race;
    size_t entry;
    size_t address;
    bool tcp;
    bool started;             /* its attempt was begun (and may be over) */
    bool answered;
    bool active;
    bool failed;
    enum restart_reason reason;
    uint64_t since;           /* mono_ms of its start, then of its first answer */
    struct attempt *attempt;  /* NULL before and after */
    char *messages[MESSAGES_MAX]; /* what the server said while it waits for UDP */
    size_t message_count;
};

struct race {
    struct race_request request;
    struct runner **runners;  /* in the order of their start */
    size_t count;
    size_t cap;
    struct loop_timer *timer; /* everything happens here, never within an attempt's event */
    uint64_t since;
    uint64_t next_start;
    bool any_failed;
    enum restart_reason reason;
};

static void soon(struct race *r)
{
    loop_timer_after(r->timer, 0);
}

/* ------------------------------------------------------------------ the runners */

static void insert(struct race *r, size_t at, size_t entry, size_t address, bool tcp)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->runners = mem_grow(r->runners, r->cap, sizeof(struct runner *));
    }
    struct runner *n = mem_zalloc(sizeof(*n));
    *n = (struct runner){.race = r, .entry = entry, .address = address, .tcp = tcp};
    memmove(&r->runners[at + 1], &r->runners[at], (r->count - at) * sizeof(struct runner *));
    r->runners[at] = n;
    r->count++;
}

static size_t position(const struct race *r, const struct runner *n)
{
    size_t at = 0;
    while (r->runners[at] != n) {
        at++;
    }
    return at;
}

/* Further addresses of the same name come right behind it. */
static void on_resolved(struct attempt *a)
{
    struct runner *n = a->owner;
    size_t count = a->client->addresses[a->entry].count;
    size_t at = position(n->race, n);
    for (size_t i = 1; i < count && n->address == 0; i++) {
        insert(n->race, at + i, n->entry, i, n->tcp);
    }
}

static void on_started(struct attempt *a)
{
    struct runner *n = a->owner;
    n->answered = true;
    n->since = clock_read().mono_ms;
}

static void on_active(struct attempt *a)
{
    struct runner *n = a->owner;
    n->active = true;
    soon(n->race);
}

static void on_message(struct attempt *a, const char *text)
{
    struct runner *n = a->owner;
    if (n->message_count < MESSAGES_MAX) {
        n->messages[n->message_count++] = mem_strdup(text);
    }
}

static void on_failed(struct attempt *a, enum restart_reason reason)
{
    struct runner *n = a->owner;
    n->failed = true;
    n->active = false;
    n->reason = reason;
    if (!n->race->any_failed) {
        n->race->any_failed = true;
        n->race->reason = reason;
    }
    n->race->next_start = 0;
    soon(n->race);
}

static const struct attempt_events running = {
    .resolved = on_resolved,
    .started = on_started,
    .active = on_active,
    .message = on_message,
    .failed = on_failed,
};

static void stop(struct runner *n)
{
    attempt_free(n->attempt);
    n->attempt = NULL;
}

/* ------------------------------------------------------------------ who wins */

static void finish(struct race *r, struct runner *n)
{
    struct attempt *winner = n->attempt;
    char *messages[MESSAGES_MAX];
    size_t count = n->message_count;
    memcpy(messages, n->messages, count * sizeof(*messages));
    n->message_count = 0;
    n->attempt = NULL;
    r->request.won(r->request.arg, winner);
    for (size_t i = 0; i < count; i++) {
        winner->events->message(winner, messages[i]);
        free(messages[i]);
    }
}

/* Whether a finished TCP handshake should go on waiting for UDP. */
static bool udp_may_come(const struct race *r, uint64_t now)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct runner *n = r->runners[i];
        if (n->tcp || n->failed) {
            continue;
        }
        if (n->answered ? now < n->since + UDP_ANSWERED_MS : now < r->since + UDP_PATIENCE_MS) {
            return true;
        }
    }
    return false;
}

static struct runner *winner(const struct race *r, uint64_t now)
{
    struct runner *tcp = NULL;
    for (size_t i = 0; i < r->count; i++) {
        struct runner *n = r->runners[i];
        if (n->active && !n->tcp) {
            return n;
        }
        if (n->active && !tcp) {
            tcp = n;
        }
    }
    return tcp && !udp_may_come(r, now) ? tcp : NULL;
}

/* ------------------------------------------------------------------ who starts */

static void give_up_silent(struct race *r, uint64_t now)
{
    for (size_t i = 0; i < r->count; i++) {
        struct runner *n = r->runners[i];
        if (n->attempt && !n->answered && !n->failed && now >= n->since + SILENCE_MS) {
            n->failed = true;
            n->reason = RESTART_SERVER_POLL;
            if (!r->any_failed) {
                r->any_failed = true;
                r->reason = RESTART_SERVER_POLL;
            }
        }
        if (n->failed) {
            stop(n);
        }
    }
}

static size_t alive(const struct race *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        count += r->runners[i]->attempt != NULL;
    }
    return count;
}

static struct runner *next_runner(const struct race *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!r->runners[i]->started) {
            return r->runners[i];
        }
    }
    return NULL;
}

static bool udp_answers(const struct race *r, uint64_t now)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct runner *n = r->runners[i];
        if (!n->tcp && n->answered && !n->failed && now < n->since + UDP_ANSWERED_MS) {
            return true;
        }
    }
    return false;
}

/* Return: when the next one may start, CLOCK_NEVER when nobody is left or others have to end first. */
static uint64_t next_start(const struct race *r, uint64_t now)
{
    const struct runner *n = next_runner(r);
    if (!n || alive(r) >= ALIVE_MAX || (n->tcp && udp_answers(r, now))) {
        return CLOCK_NEVER;
    }
    uint64_t at = r->next_start;
    bool waits = n->tcp && n != r->runners[0] && !r->any_failed;
    return waits && at < r->since + TCP_AFTER_MS ? r->since + TCP_AFTER_MS : at;
}

static void start(struct race *r, uint64_t now)
{
    struct runner *n = next_runner(r);
    n->started = true;
    n->since = now;
    r->next_start = now + STAGGER_MS;
    n->attempt = attempt_new(r->request.client, n->entry, n->address, true);
    attempt_begin(n->attempt, &running, n);
}

/* ------------------------------------------------------------------ one turn */

static void turn(void *arg)
{
    struct race *r = arg;
    uint64_t now = clock_read().mono_ms;
    give_up_silent(r, now);
    struct runner *best = winner(r, now);
    if (best) {
        finish(r, best);
        return;
    }
    while (next_start(r, now) <= now) {
        start(r, now);
    }
    if (alive(r) == 0 && !next_runner(r)) {
        r->request.lost(r->request.arg, r->reason);
        return;
    }
    uint64_t at = next_start(r, now);
    loop_timer_at(r->timer, at < now + STAGGER_MS ? at : now + STAGGER_MS);
}

/* Entries in the list's order from the current one on, UDP and TCP alternating once UDP had its turn. */
static void line_up(struct race *r, const struct race_request *request)
{
    const struct remotes *list = &request->client->remotes;
    size_t udp = 0;
    for (int tcp = 0; tcp <= (request->udp_only ? 0 : 1); tcp++) {
        size_t at = tcp ? 2 : 0;
        for (size_t i = 0; i < list->count; i++) {
            size_t entry = list->order[(list->position + i) % list->count];
            if (list->disabled[entry] || outfit_entry_is_tcp(request->client, entry) != (tcp != 0)) {
                continue;
            }
            insert(r, at < r->count ? at : r->count, entry, 0, tcp != 0);
            at += tcp && at + 1 < 2 * udp ? 2 : 1;
            udp += !tcp;
        }
    }
}

struct race *race_start(const struct race_request *request)
{
    struct race *r = mem_zalloc(sizeof(*r));
    r->request = *request;
    r->reason = RESTART_CONNECTION_FAILED;
    r->timer = loop_timer_new(request->client->loop, turn, r);
    r->since = clock_read().mono_ms;
    line_up(r, request);
    soon(r);
    return r;
}

void race_free(struct race *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        struct runner *n = r->runners[i];
        stop(n);
        for (size_t m = 0; m < n->message_count; m++) {
            free(n->messages[m]);
        }
        free(n);
    }
    free(r->runners);
    loop_timer_free(r->timer);
    free(r);
}

/* ------------------------------------------------------------------ words */

static const struct runner *first_udp(const struct race *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!r->runners[i]->tcp && r->runners[i]->started) {
            return r->runners[i];
        }
    }
    return NULL;
}

char *race_verdict(const struct race *r, const struct attempt *a)
{
    const struct config *config = a->config;
    const struct config_remote *to = outfit_remote(config);
    if (!attempt_is_tcp(a)) {
        return mem_printf("UDP to %s:%s works", to->host, outfit_port(config));
    }
    const struct runner *udp = first_udp(r);
    if (!udp) {
        return NULL;
    }
    const struct config_remote *remote = outfit_entry_remote(r->request.client, udp->entry);
    bool same = strcmp(remote->host, to->host) == 0;
    const char *port = outfit_entry_port(r->request.client, udp->entry);
    char *text = mem_printf("UDP to %s:%s %s%s%s, TCP %s%s%s works", remote->host, port,
                            udp->answered ? "does not get through (" : "gets no answer",
                            udp->answered ? restart_text(udp->failed ? udp->reason : RESTART_TLS_ERROR) : "",
                            udp->answered ? ")" : "", same ? "" : to->host, same ? "" : ":", outfit_port(config));
    return text;
}

static const char *failure_text(const struct runner *n)
{
    if (n->reason == RESTART_RESOLVE) {
        return "the name cannot be resolved";
    }
    return n->reason == RESTART_SERVER_POLL && !n->answered ? "no answer" : restart_text(n->reason);
}

void race_log_failures(const struct race *r)
{
    for (size_t i = 0; i < r->count && i < FAILURES_SHOWN; i++) {
        const struct runner *n = r->runners[i];
        const struct config_remote *remote = outfit_entry_remote(r->request.client, n->entry);
        log_error("%s %s:%s: %s", n->tcp ? "TCP" : "UDP", remote->host, outfit_entry_port(r->request.client, n->entry),
                  failure_text(n));
    }
    if (r->count > FAILURES_SHOWN) {
        log_error("None of the other %zu addresses can be reached either", r->count - FAILURES_SHOWN);
    }
}
