/* SPDX-License-Identifier: MIT */
#include "server/housekeeping.h"

#include <stdlib.h>

#include "auth/tls_setup.h"
#include "auth/user_state.h"
#include "base/clock.h"
#include "base/mem.h"
#include "node/loop.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/login.h"
#include "server/push_reply.h"

#define PERIOD_MS 2000 /* a revoked client is told within this time and gone 5 s later */

struct housekeeping {
    struct server *server;
    struct loop_timer *timer;
};

static void renew_tokens(struct server *server, uint64_t mono_ms)
{
    uint64_t period_ms = 1000ULL * user_policy_token_renewal(server->users);
    if (!period_ms) {
        return;
    }
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        const struct instance_session *session = instance->current;
        if (instance->state == INSTANCE_CONNECTED && session->token_sent_ms &&
            mono_ms - session->token_sent_ms >= period_ms) {
            push_reply_token(instance);
        }
    }
}

/* Clients whose certificate was revoked while they are connected. */
static void end_revoked(struct server *server)
{
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (instance->state == INSTANCE_CONNECTED &&
            tls_setup_revoked(server->settings.setup, login_certificate(instance->current->login))) {
            instance_log(instance, LOG_SEV_WARN, 1, "the client's certificate has been revoked: its session ends");
            instance_refuse(instance->current, "certificate revoked");
        }
    }
}

static void on_period(void *arg)
{
    struct housekeeping *housekeeping = arg;
    struct clock_now now = clock_read();
    tls_setup_tick(housekeeping->server->settings.setup, now.unix_s);
    end_revoked(housekeeping->server);
    renew_tokens(housekeeping->server, now.mono_ms);
}

struct housekeeping *housekeeping_new(struct server *server)
{
    struct housekeeping *housekeeping = mem_zalloc(sizeof(*housekeeping));
    housekeeping->server = server;
    housekeeping->timer = loop_timer_new(server->loop, on_period, housekeeping);
    loop_timer_every(housekeeping->timer, PERIOD_MS);
    on_period(housekeeping);
    return housekeeping;
}

void housekeeping_free(struct housekeeping *housekeeping)
{
    if (housekeeping) {
        loop_timer_free(housekeeping->timer);
        free(housekeeping);
    }
}
