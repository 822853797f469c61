/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/limits.h"
#include "dp/user/keyslot.h"
#include "dp/user/peer.h"
#include "dp/user/user.h"
#include "node/data_keys.h"
#include "session/wrap.h"
#include "sim/sim_tls.h"
#include "unit/dp/rig.h"

/*
 * Sessions and data planes of two ends together: a data key comes to one of its limits, a renegotiation replaces it,
 * and no packet gets lost. The limits are far away, so that keys are aged by hand.
 */
#define TURNS_MAX 4000   /* packets each way before a test gives up */
#define TURN_MS 20       /* how far the sessions' clock moves with each */
#define TURNS_AFTERWARDS 100

struct end {
    struct rig_end *rig;
    struct session *session;
    struct session_config config;
    struct data_keys keys;
    enum session_role role;
    bool up;
    unsigned exhausted; /* events of the data plane */
};

static struct rig rig;
static struct end ends[2];
static struct data_negotiated negotiated;
static struct wrap_config *wrap;
static struct clock_now now;

static void handle(struct end *e, const struct session_event *event)
{
    switch (event->type) {
    case SESSION_EV_KEY_EXCHANGE:
        session_authorize(e->session, now, event->key_id, SESSION_AUTH_OK);
        break;
    case SESSION_EV_KEYS_READY:
        cr_assert_eq(data_keys_install(&e->keys, e->session, e->role, &negotiated, event->key_id), 0);
        e->up = true;
        break;
    case SESSION_EV_SEND_SWITCH:
        cr_assert_eq(data_keys_switch(&e->keys, event->key_id), 0);
        break;
    case SESSION_EV_KEY_EXPIRED:
        (void)data_keys_expire(&e->keys, event->key_id);
        break;
    case SESSION_EV_FAILED:
    case SESSION_EV_RENEG_FAILED:
        cr_assert_fail("%s", event->text);
        break;
    default:
        break;
    }
}

/* Events and packets of both ends until there are none. */
static void converse(void)
{
    uint8_t packet[SESSION_PACKET_MAX];
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < 2; i++) {
            struct session_event event;
            size_t len;
            if (session_deadline(ends[i].session) <= now.mono_ms) {
                session_tick(ends[i].session, now);
            }
            while (session_next_event(ends[i].session, &event)) {
                handle(&ends[i], &event);
                again = true;
            }
            while ((len = session_send(ends[i].session, now, packet)) > 0) {
                (void)session_receive(ends[!i].session, now, packet, len);
                again = true;
            }
        }
    }
}

static void open_end(struct end *e, enum session_role role)
{
    *e = (struct end){.rig = role == SESSION_SERVER ? &rig.s : &rig.c, .role = role};
    e->config = (struct session_config){.role = role,
                                        .tcp = true,
                                        .tls = sim_tls_context(SIM_TLS_1_3, role == SESSION_SERVER),
                                        .wrap = wrap,
                                        .rand = rand_system(),
                                        .options_string = "V4",
                                        .ack_limit = 4};
    cr_assert_eq(session_new(&e->config, &(struct session_open){0}, now, &e->session), 0);
    data_keys_init(&e->keys, e->rig->dp, e->rig->peer.id);
}

static void start(const char *cipher, bool epoch)
{
    now = (struct clock_now){.mono_ms = 1000, .unix_s = 1700000000};
    negotiated = (struct data_negotiated){.auth = "SHA256"};
    negotiated.outcome.epoch = epoch;
    negotiated.outcome.derivation = SESSION_KEYS_EXPORTER;
    strncpy(negotiated.outcome.cipher, cipher, sizeof(negotiated.outcome.cipher) - 1);
    cr_assert_eq(wrap_config_new(&(struct wrap_params){0}, &wrap), 0);
    sim_tls_setup();
    rig_init(&rig);
    rig_start(&rig);
    open_end(&ends[0], SESSION_CLIENT);
    open_end(&ends[1], SESSION_SERVER);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(dp_key_del(ends[i].rig->dp, ends[i].rig->peer.id, DP_KEY_PRIMARY), 0); /* the rig's own */
    }
    converse();
    cr_assert(ends[0].up && ends[1].up);
}

static void stop(void)
{
    session_free(ends[0].session);
    session_free(ends[1].session);
    rig_stop(&rig);
    sim_tls_teardown();
    wrap_config_free(wrap);
}

/* The data key in use at @e, for ageing. */
static struct keyslot *key_of(const struct end *e)
{
    struct user *user = user_of(e->rig->dp);
    user_lock(user);
    struct keyslot *key = peer_tx_key(peer_find(user, e->rig->peer.id));
    user_unlock(user);
    cr_assert_not_null(key);
    return key;
}

/* What the daemon's two roles do with the event. */
static void hear(struct end *e)
{
    rig_drain(e->rig);
    for (unsigned i = 0; i < e->rig->event_count; i++) {
        if (e->rig->events[i].type == DP_EV_KEY_EXHAUSTED) {
            e->exhausted++;
            (void)session_renegotiate(e->session, now);
        }
    }
    e->rig->event_count = 0;
}

static void turn(unsigned number)
{
    static uint8_t packet[RIG_PACKET_MAX];
    size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 100, number);
    rig_carry(&rig, &rig.c, &rig.s, packet, len);
    len = rig_udp4(packet, RIG_SERVER_ADDRESS, RIG_CLIENT_ADDRESS, 100, number + 1);
    rig_carry(&rig, &rig.s, &rig.c, packet, len);
    hear(&ends[0]);
    hear(&ends[1]);
    now.mono_ms += TURN_MS;
    converse();
}

/* Traffic until both ends send with key @id, and some more of it. */
static void carry_until(uint8_t id)
{
    unsigned turns = 0;
    while (ends[0].keys.primary != id || ends[1].keys.primary != id) {
        cr_assert_lt(turns, TURNS_MAX, "no renegotiation");
        turn(turns++);
    }
    for (unsigned i = 0; i < TURNS_AFTERWARDS; i++) {
        turn(i);
    }
    struct dp_stats stats;
    for (unsigned i = 0; i < 2; i++) {
        dp_stats(ends[i].rig->dp, &stats);
        for (unsigned reason = 0; reason < DP_DROP_COUNT; reason++) {
            cr_assert_eq(stats.drops[reason], 0, "%s", dp_drop_name(reason));
        }
    }
}

TestSuite(key_renewal, .timeout = 60);

Test(key_renewal, before_packet_ids_run_out)
{
    static const char *const ciphers[] = {"AES-256-GCM", "AES-256-CBC"};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned who = 0; who < 2; who++) {
            start(ciphers[i], false);
            atomic_store(&key_of(&ends[who])->tx_next, (uint64_t)LIMIT_PACKET_ID_SOFT - 50);
            carry_until(1);
            cr_assert_eq(ends[who].exhausted, 1);
            cr_assert_eq(ends[!who].exhausted, 0);
            atomic_store(&key_of(&ends[!who])->tx_next, (uint64_t)LIMIT_PACKET_ID_SOFT - 1);
            carry_until(2);
            stop();
        }
    }
}

Test(key_renewal, at_the_usage_limit_of_gcm)
{
    for (unsigned who = 0; who < 2; who++) {
        start("AES-256-GCM", false);
        struct keyslot *key = key_of(&ends[who]);
        atomic_store(&key->tx_usage, key->usage_soft - 200);
        carry_until(1);
        key = key_of(&ends[who]);
        atomic_store(&key->rx_usage, key->usage_soft - 200); /* the receiver may be the first to see it */
        carry_until(2);
        cr_assert_eq(ends[who].exhausted, 2);
        cr_assert_eq(ends[!who].exhausted, 0);
        stop();
    }
}

Test(key_renewal, by_both_ends_in_one_instant)
{
    start("CHACHA20-POLY1305", false);
    for (uint8_t id = 1; id <= 9; id++) {
        for (unsigned i = 0; i < 2; i++) {
            atomic_store(&key_of(&ends[i])->tx_next, (uint64_t)LIMIT_PACKET_ID_SOFT - 1);
        }
        carry_until(id <= 7 ? id : id - 7);
    }
    stop();
}

Test(key_renewal, an_epoch_key_moves_on_without_one)
{
    start("AES-256-GCM", true);
    struct keyslot *key = key_of(&ends[0]);
    atomic_store(&key->tx_next, (uint64_t)UINT32_MAX); /* of no meaning for this format */
    for (unsigned i = 0; i < TURNS_AFTERWARDS; i++) {
        turn(i);
    }
    cr_assert_eq(ends[0].exhausted + ends[1].exhausted, 0);
    cr_assert_eq(ends[0].keys.primary, 0);
    stop();
}
