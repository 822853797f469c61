/* SPDX-License-Identifier: MIT */
#include "dp/user/keepalive.h"

#include "dp/user/announce.h"
#include "dp/user/mtu_learn.h"
#include "dp/user/mtu_probe.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/data_pkt.h"

#define SWEEP_INTERVAL_S 5
#define ROUND_MS 1000
#define PART 256             /* peers at a time: even if all want a ping, others wait for a millisecond or two */
#define PROBED_A_SECOND 128u /* peers whose path is looked at, at most */

static bool tell_timeout(struct worker *w, const struct peer *peer, enum dp_gone_reason reason)
{
    struct dp_event event = {
        .type = DP_EV_PEER_TIMEOUT, .peer = peer->id, .other = DP_PEER_ID_NONE, .reason = reason};
    return worker_event(w, &event, EVENT_IMPORTANT);
}

static void check_timeout(struct worker *w, struct peer *peer)
{
    uint32_t timeout = atomic_load_explicit(&peer->alive.timeout, memory_order_relaxed);
    uint32_t silent = w->now_s - atomic_load_explicit(&peer->last_rx, memory_order_relaxed);
    if (!timeout || silent < timeout || silent > INT32_MAX) {
        peer->alive.told = false;
    } else if (!peer->alive.told) {
        peer->alive.told = tell_timeout(w, peer, DP_GONE_TIMEOUT);
    }
}

static void check_inactive(struct worker *w, struct peer *peer)
{
    uint32_t limit = atomic_load_explicit(&peer->alive.inactive, memory_order_relaxed);
    if (!limit) {
        peer->alive.active_since = w->now_s;
        return;
    }
    const struct peer_counters *c = &peer->counters;
    uint64_t carried = atomic_load_explicit(&c->tunnel_rx_bytes, memory_order_relaxed) +
                       atomic_load_explicit(&c->tunnel_tx_bytes, memory_order_relaxed);
    uint64_t wanted = atomic_load_explicit(&peer->alive.inactive_bytes, memory_order_relaxed);
    uint64_t since = carried - peer->alive.active_bytes;
    if (since && since >= wanted) {
        peer->alive.active_since = w->now_s;
        peer->alive.active_bytes = carried;
    } else if (w->now_s - peer->alive.active_since >= limit && tell_timeout(w, peer, DP_GONE_INACTIVE)) {
        peer->alive.active_since = w->now_s;
    }
}

static void check_ping(struct worker *w, struct peer *peer)
{
    uint32_t interval = atomic_load_explicit(&peer->alive.interval, memory_order_relaxed);
    uint32_t silent = w->now_s - atomic_load_explicit(&peer->last_tx, memory_order_relaxed);
    if (interval && silent >= interval && silent <= INT32_MAX && peer_tx_key(peer)) {
        (void)tx_packet(w, peer, data_pkt_ping, DATA_PKT_MAGIC_SIZE, false);
    }
}

static void expire_fragments(struct worker *w, struct peer *peer)
{
    struct peer_fragments *f = atomic_load_explicit(&peer->fragments, memory_order_acquire);
    if (f) {
        (void)pthread_mutex_lock(&f->lock);
        unsigned lost = fragment_expire(&f->state, w->now_ms);
        (void)pthread_mutex_unlock(&f->lock);
        worker_drop(w, DP_DROP_FRAGMENT, lost);
    }
}

static void age(struct table_node *node, void *arg)
{
    struct route *r = container_of(node, struct route, node);
    struct worker *w = arg;
    uint32_t unused = w->now_s - atomic_load_explicit(&r->last_used, memory_order_relaxed);
    if (!r->learnt || unused < w->user->dp.config.stale_route_age_s || unused > INT32_MAX) {
        return;
    }
    struct dp_event event = {.type = DP_EV_FORGOTTEN, .peer = atomic_load(&r->peer)->id, .other = DP_PEER_ID_NONE};
    route_describe(r, &event.route);
    if (worker_event(w, &event, EVENT_DROPPABLE)) {
        route_drop(&w->user->routes, r);
    }
}

static void look_at(struct worker *w, struct peer *peer)
{
    check_timeout(w, peer);
    check_inactive(w, peer);
    announce_tick(w, peer);
    check_ping(w, peer);
    mtu_learn_refresh(w, peer);
    mtu_probe_tick(w, peer, &w->round.probes);
    if (w->round.sweep) {
        expire_fragments(w, peer);
    }
}

static void begin_round(struct worker *w)
{
    w->round = (struct keepalive_round){.began_ms = w->now_ms - w->now_ms % ROUND_MS,
                                        .probes = PROBED_A_SECOND,
                                        .sweep = w->now_s % SWEEP_INTERVAL_S == 0};
}

static void end_round(struct worker *w)
{
    struct user *u = w->user;
    if (w->round.sweep && u->dp.config.stale_route_age_s) {
        user_lock(u);
        table_each(&u->routes.table, age, w);
        user_unlock(u);
    }
    w->round.next = 0;
    w->round.due_ms = w->round.began_ms + ROUND_MS;
}

void keepalive_tick(struct worker *w)
{
    struct user *u = w->user;
    struct keepalive_round *round = &w->round;
    if (w->now_ms < round->due_ms) {
        return;
    }
    if (round->next == 0) {
        begin_round(w);
    }
    uint32_t high = atomic_load_explicit(&u->peer_high, memory_order_relaxed);
    uint32_t end = high - round->next > PART ? round->next + PART : high;
    struct table_part part = {round->next, end, high};
    conn_tick(w, high ? &part : &(struct table_part){0, 1, 1});
    for (; round->next < end; round->next++) {
        struct peer *peer = atomic_load_explicit(&u->peers[round->next], memory_order_acquire);
        if (peer) {
            look_at(w, peer);
        }
    }
    if (end == high) {
        end_round(w);
    } else {
        round->due_ms = round->began_ms + (uint64_t)ROUND_MS * end / high;
    }
    tx_flush(w);
}

int keepalive_wait_ms(const struct worker *w)
{
    return w->round.due_ms > w->now_ms ? (int)(w->round.due_ms - w->now_ms) : 0;
}
