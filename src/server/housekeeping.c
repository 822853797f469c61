/* SPDX-License-Identifier: MIT */
#include "server/housekeeping.h"

#include <stdlib.h>

#include "auth/tls_setup.h"
#include "auth/user_state.h"
#include "base/clock.h"
#include "base/mem.h"
#include "node/loop.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/instance.h"
#include "server/login.h"
#include "server/push_reply.h"

#define PERIOD_MS 2000 /* a revoked client is told within this time and gone 5 s later */

struct housekeeping {
    struct server *server;
    struct loop_timer *timer;
    const struct tls_setup *setup; /* what the two below are of */
    uint64_t revocations;          /* their version */
    uint64_t look_until_ms;        /* monotonic */
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

/* Whether clients have to be looked at: ten thousand are not, every time, for nothing. A change is good for as long as
 * a handshake that began before it may last. */
static bool revocations_changed(struct housekeeping *housekeeping, uint64_t mono_ms)
{
    const struct server *server = housekeeping->server;
    const struct tls_setup *setup = server->settings.setup;
    uint64_t now = tls_setup_revocations(setup);
    if (setup != housekeeping->setup || now != housekeeping->revocations) {
        housekeeping->setup = setup;
        housekeeping->revocations = now;
        housekeeping->look_until_ms = mono_ms + 1000ULL * held_config_get(server->live)->hand_window + PERIOD_MS;
    }
    return now && mono_ms < housekeeping->look_until_ms;
}

/* Clients whose certificate was revoked after their handshake. */
static void end_revoked(struct server *server)
{
    list_for (at, next, &server->instances.all) {
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        bool past_handshake = instance->state == INSTANCE_LOGIN || instance->state == INSTANCE_CONNECT ||
                              instance->state == INSTANCE_CONNECTED;
        if (past_handshake &&
            tls_setup_revoked(server->settings.setup, login_certificate(instance->current->login))) {
            instance_log(instance, LOG_SEV_WARN, 1, "the client's certificate has been revoked: its session ends");
            login_end(instance->current->login);
            instance_refuse(instance->current, "certificate revoked");
        }
    }
}

static void on_period(void *arg)
{
    struct housekeeping *housekeeping = arg;
    struct clock_now now = clock_read();
    tls_setup_tick(housekeeping->server->settings.setup, now.unix_s);
    admission_tick(&housekeeping->server->admission, now.unix_s);
    if (revocations_changed(housekeeping, now.mono_ms)) {
        end_revoked(housekeeping->server);
    }
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
