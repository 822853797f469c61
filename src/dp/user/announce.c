/* SPDX-License-Identifier: MIT */
#include "dp/user/announce.h"

#include "dp/user/mtu_learn.h"
#include "dp/user/peer.h"
#include "dp/user/tx.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/data_pkt.h"

#define TIMES 3           /* they may get lost, even from a peer that was heard */
#define WINDOW_MIN 1024u  /* from here on the order of packets within a turn of several workers does not matter */

/* 0: nothing to tell. */
static uint32_t own_window(const struct peer *peer)
{
    const struct dp_peer *s = &peer->settings;
    if (s->replay_strict || s->packets_only) {
        return 0;
    }
    return s->replay_window ? s->replay_window : REPLAY_WINDOW_DEFAULT;
}

void announce_tick(struct worker *w, struct peer *peer)
{
    bool heard = atomic_load_explicit(&peer->counters.link_rx_packets, memory_order_relaxed) != 0;
    if (atomic_load_explicit(&peer->announced, memory_order_relaxed) >= TIMES || !heard || !peer_tx_key(peer)) {
        return;
    }
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1 + sizeof(uint32_t)];
    struct wr out = wr_init(message, sizeof(message));
    atomic_fetch_add_explicit(&peer->announced, 1, memory_order_relaxed);
    user_lock(w->user); /* settings are control's */
    uint32_t window = own_window(peer);
    user_unlock(w->user);
    if (window >= WINDOW_MIN) {
        data_pkt_window_write(&out, window);
        (void)tx_packet(w, peer, message, wr_len(&out), false);
    }
}

bool announce_received(struct peer *peer, const uint8_t *payload, size_t len)
{
    uint32_t window = data_pkt_window_read(payload, len);
    if (window >= WINDOW_MIN && atomic_load_explicit(&peer->tx_ordered, memory_order_relaxed)) {
        atomic_store_explicit(&peer->tx_ordered, false, memory_order_relaxed);
        mtu_learn_expect(peer);
    }
    return window != 0;
}
