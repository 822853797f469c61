/* SPDX-License-Identifier: MIT */
#include "dp/user/floating.h"

#include "dp/user/path.h"
#include "dp/user/peer.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"

#define FLOATS_A_SECOND 8

static bool too_often(const struct worker *w, struct peer *peer)
{
    if (atomic_load_explicit(&peer->floats.second, memory_order_relaxed) != w->now_s) {
        atomic_store_explicit(&peer->floats.second, w->now_s, memory_order_relaxed);
        atomic_store_explicit(&peer->floats.count, 0, memory_order_relaxed);
    }
    return atomic_fetch_add_explicit(&peer->floats.count, 1, memory_order_relaxed) >= FLOATS_A_SECOND;
}

bool floating_move(struct worker *w, struct peer *peer, const struct dp_path *where)
{
    struct user *u = w->user;
    if (!peer->may_float) {
        return false;
    }
    if (too_often(w, peer)) {
        return true; /* the packet is genuine; the address can wait */
    }
    struct dp_event event = {.type = DP_EV_FLOATED, .path = *where, .peer = peer->id, .other = DP_PEER_ID_NONE};
    user_lock(u);
    if (peer_find(u, peer->id) != peer) {
        user_unlock(u);
        return false; /* it was removed during this turn */
    }
    const struct path *taken = path_find(u, where->listener, &where->remote);
    const struct path *now = atomic_load(&peer->path);
    bool moved = false;
    if (taken && taken->peer != peer) {
        event.type = DP_EV_FLOAT_CONFLICT;
        event.other = taken->peer->id;
        (void)worker_event(w, &event, EVENT_DROPPABLE);
    } else if (now == taken) {
        moved = true; /* another worker was faster */
    } else if (worker_event(w, &event, EVENT_IMPORTANT)) {
        moved = peer_move(peer, where) == 0;
    }
    user_unlock(u);
    return moved;
}
