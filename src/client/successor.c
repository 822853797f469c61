/* SPDX-License-Identifier: MIT */
#include "client/successor.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/connect.h"
#include "client/establish.h"
#include "client/race.h"
#include "client/state.h"
#include "wire/cmd.h"

struct successor {
    struct successor_request request;
    struct race *race;
    struct attempt *attempt;   /* the race's winner, until it takes over */
    char *verdict;
    struct loop_timer *end;    /* failures are reported from here, never within an attempt's event */
    bool over;
    enum restart_reason reason;
    bool inherits;             /* the connection in use is dead */
    enum restart_reason inherited;
};

bool successor_possible(struct client *c)
{
    return c->config->pull && c->attempt && c->attempt->up && !c->parallel.successor && !c->ending.active && !c->notify_timer &&
           !credentials_missing(c->credentials) && !tunnel_is_busy(c->tunnel);
}

/* ------------------------------------------------------------------ ends */

static void fail(struct successor *s, enum restart_reason reason)
{
    s->over = true;
    s->reason = reason;
    loop_timer_after(s->end, 0);
}

static void report_failure(void *arg)
{
    struct successor *s = arg;
    struct client *c = s->request.client;
    bool dead = s->inherits;
    enum restart_reason inherited = s->inherited;
    c->parallel.successor = NULL;
    s->request.failed(s->request.arg, s->reason);
    successor_free(s);
    if (dead) {
        client_fail(c, inherited);
    }
}

/* The whole PUSH_REPLY is here: change places. */
static void take_over(struct successor *s)
{
    struct client *c = s->request.client;
    struct attempt *old = c->attempt;
    struct attempt *next = s->attempt;
    s->attempt = NULL;
    c->parallel.successor = NULL;
    if (old->link && link_data_running(old->link) && !s->inherits) {
        (void)link_send_exit(old->link);
    }
    remotes_resolved(&c->remotes, c->addresses[next->entry].count);
    remotes_choose(&c->remotes, next->entry, next->address);
    connect_adopt(c, next);
    attempt_free(old);
    s->request.succeeded(s->request.arg, s->verdict);
    successor_free(s);
    connect_announce_peer(c);
    establish_pulled(c, false);
    pull_reset(&next->pull);
}

/* ------------------------------------------------------------------ the winner's events */

static void on_push(struct attempt *a, const struct cmd *message)
{
    struct successor *s = a->owner;
    switch (pull_add(&a->pull, message)) {
    case PULL_MORE:
        break;
    case PULL_BAD:
        fail(s, RESTART_BAD_PUSH);
        break;
    case PULL_COMPLETE:
        take_over(s);
        break;
    }
}

/* Whatever is no PUSH_REPLY means that this is not the moment: somebody would have to be asked, or it is refused. */
static void on_message(struct attempt *a, const char *text)
{
    struct successor *s = a->owner;
    struct cmd message = cmd_parse(text);
    if (s->over) {
        return;
    }
    switch (message.type) {
    case CMD_PUSH_REPLY:
        on_push(a, &message);
        break;
    case CMD_AUTH_FAILED:
        fail(s, RESTART_AUTH_RETRY);
        break;
    case CMD_AUTH_PENDING:
    case CMD_RESTART:
    case CMD_HALT:
    case CMD_EXIT:
        fail(s, RESTART_SERVER_RESET);
        break;
    default:
        break;
    }
}

static void on_failed(struct attempt *a, enum restart_reason reason)
{
    fail(a->owner, reason);
}

static void on_active(struct attempt *a)
{
    (void)a;
}

static const struct attempt_events waiting = {.active = on_active, .message = on_message, .failed = on_failed};

static void race_won(void *arg, struct attempt *winner)
{
    struct successor *s = arg;
    s->verdict = race_verdict(s->race, winner);
    race_free(s->race);
    s->race = NULL;
    s->attempt = winner;
    attempt_adopt(winner, &waiting, s);
    link_pull(winner->link);
}

static void race_lost(void *arg, enum restart_reason reason)
{
    struct successor *s = arg;
    race_free(s->race);
    s->race = NULL;
    fail(s, reason);
}

/* ------------------------------------------------------------------ life */

void successor_start(const struct successor_request *request)
{
    struct client *c = request->client;
    struct successor *s = mem_zalloc(sizeof(*s));
    s->request = *request;
    s->end = loop_timer_new(c->loop, report_failure, s);
    struct race_request race = {
        .client = c, .udp_only = request->udp_only, .won = race_won, .lost = race_lost, .arg = s};
    s->race = race_start(&race);
    c->parallel.successor = s;
}

bool successor_inherits(struct successor *s, enum restart_reason reason)
{
    if (!s || s->over || restart_signal(&s->request.client->policy, reason) != LOOP_SIGNAL_USR1) {
        return false;
    }
    s->inherits = true;
    s->inherited = reason;
    return true;
}

bool successor_needed(const struct successor *s)
{
    return s && s->inherits;
}

void successor_free(struct successor *s)
{
    if (!s) {
        return;
    }
    race_free(s->race);
    attempt_free(s->attempt);
    loop_timer_free(s->end);
    free(s->verdict);
    free(s);
}
