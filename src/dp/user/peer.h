/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_PEER_H
#define VPND_DP_USER_PEER_H

/*
 * One peer: what every packet reads lies in the first two cache lines and changes rarely; what packets write lies
 * behind. A peer dies in two steps: unlinked everywhere, then wiped and freed after a grace period, and only then
 * does DP_EV_PEER_GONE leave.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "dp/dp.h"
#include "dp/user/keyslot.h"
#include "dp/user/mtu_learn.h"
#include "dp/user/mtu_probe.h"
#include "dp/user/path.h"
#include "wire/fragment.h"
#include "wire/mtu.h"

struct user;
struct worker;

/** Reassembly of a peer with `fragment`; made when the option is set. */
struct peer_fragments {
    pthread_mutex_t lock;
    struct fragment_state state;
};

/** Counters of a peer; relaxed atomics, added to once a batch. */
struct peer_counters {
    _Atomic uint64_t link_rx_bytes;
    _Atomic uint64_t link_rx_packets;
    _Atomic uint64_t tunnel_rx_bytes;
    _Atomic uint64_t tunnel_rx_packets;
    _Atomic uint64_t link_tx_bytes;
    _Atomic uint64_t link_tx_packets;
    _Atomic uint64_t tunnel_tx_bytes;
    _Atomic uint64_t tunnel_tx_packets;
    _Atomic uint32_t link_rx_max;
    _Atomic uint32_t link_tx_max;
};

/** Time limits of a peer; kept by worker 0. */
struct keepalive_state {
    _Atomic uint32_t interval; /* seconds; 0 off */
    _Atomic uint32_t timeout;
    _Atomic uint32_t inactive;
    _Atomic uint64_t inactive_bytes;
    uint32_t active_since;     /* start of the inactivity window */
    uint64_t active_bytes;     /* bytes carried when it began */
    bool told;                 /* DP_EV_PEER_TIMEOUT was delivered */
};

/** How often a peer floats. */
struct float_rate {
    _Atomic uint32_t second;               /* monotonic, of the last float */
    _Atomic uint32_t count;                /* in that second */
};

struct peer {
    /* read by every packet */
    struct keyslot *_Atomic slots[2];
    struct path *_Atomic path;
    struct peer_fragments *_Atomic fragments; /* NULL: payloads have no fragment header */
    uint32_t id;
    _Atomic uint32_t tx_id;
    _Atomic uint16_t mss;               /* clamp for IPv4 SYNs; 0 off */
    _Atomic uint16_t chunk;             /* `fragment`: largest payload of one datagram; 0 off */
    _Atomic uint16_t vlan_pvid;
    _Atomic uint16_t fit_above;         /* longer inner IP packets are for mtu_learn_fit(); 0 none */
    _Atomic uint8_t primary;            /* slot that sends */
    _Atomic uint8_t framing;            /* enum dp_framing */
    atomic_bool compress_tx;
    atomic_bool data_v1;
    atomic_bool tx_ordered;
    bool may_float;
    bool no_broadcast;
    bool probe_path;

    /* written by packets */
    _Alignas(64) _Atomic uint32_t last_rx; /* monotonic seconds of the last authenticated packet */
    _Atomic uint32_t last_tx;              /* ... of the last packet sent */
    _Atomic uint8_t fragment_sequence;
    struct peer_counters counters;

    /* control's and the timer's */
    _Alignas(64) struct dp_peer settings;  /* as last given; under the lock */
    struct keepalive_state alive;
    _Atomic uint32_t path_mtu;             /* learnt limit of outer packets; 0 unknown */
    struct mtu_known known_mtu;            /* what @path_mtu is made of */
    struct mtu_probe probe;
    _Atomic uint32_t inner_max;            /* longest inner IP packet that fits @path_mtu; 0 unknown */
    _Atomic uint32_t cut_max;              /* the same for the MTU of the way's first part; 0 not asked yet */
    _Atomic uint32_t announced;            /* how often our replay window was told */
    _Atomic uint32_t path_asked;           /* monotonic second in which the kernel was last asked about it */
    _Atomic uint32_t path_needed;         /* the same, for a packet that it refused or that is long */
    struct float_rate floats;
    struct peer_fragments *fragments_made; /* kept to the end once made */
    struct list routes;
    unsigned route_count;
    struct rcu_item rcu;
    struct user *user;
};

/** peer_new - add a peer. Return: 0, -EEXIST, ERR_NOT_FOUND (listener or connection). Under the lock. */
int peer_new(struct user *user, const struct dp_peer *settings, uint32_t now_s);

/** peer_find - peer by handle, or NULL. Under the lock. */
struct peer *peer_find(const struct user *user, uint32_t id);

/** peer_lookup - peer by the id in a DATA_V2 header (p2p: the one peer, whatever the id), or NULL. Worker. */
static inline struct peer *peer_lookup(struct peer *_Atomic *peers, uint32_t slots, bool p2p, uint32_t id)
{
    uint32_t at = p2p ? 0 : id;
    return at < slots ? atomic_load_explicit(&peers[at], memory_order_acquire) : NULL;
}

/** peer_set - change settings. Under the lock. */
void peer_set(struct peer *peer, const struct dp_peer *settings, unsigned fields, uint32_t now_s);

/** peer_move - another path. Return: 0 or ERR_NOT_FOUND. Under the lock. */
int peer_move(struct peer *peer, const struct dp_path *where);

/** peer_remove - unlink everywhere; freed and announced after a grace period. Under the lock. */
void peer_remove(struct peer *peer);

/** peer_free - wipe and release at once; for the end of the instance. */
void peer_free(struct peer *peer);

/** peer_key_new - put a key into a slot. Return: as dp_key_new(). Under the lock. */
int peer_key_new(struct peer *peer, enum dp_key_slot slot, const struct dp_key *key);

/** peer_key_swap - the other slot sends. Under the lock. */
void peer_key_swap(struct peer *peer);

/** peer_key_del - empty a slot. Under the lock. */
void peer_key_del(struct peer *peer, enum dp_key_slot slot);

/** peer_resize - recompute the MSS clamp and fragment size from settings, key and path. Under the lock. */
void peer_resize(struct peer *peer);

/** peer_link - all that decides the sizes of this peer's packets. Return: false without a key. Under the lock. */
bool peer_link(const struct peer *peer, struct mtu_link *link);

/** peer_chunk - what `fragment` allows in one datagram, whatever the path's MTU. Return: 0 without the option. Under
 *  the lock. */
unsigned peer_chunk(const struct peer *peer, const struct mtu_link *link);

/** peer_stats_read - copy of the counters. Any thread. */
void peer_stats_read(const struct peer *peer, struct dp_peer_stats *out);

/** peer_tx_key - key that sends now, or NULL. Worker. */
static inline struct keyslot *peer_tx_key(const struct peer *peer)
{
    unsigned slot = atomic_load_explicit(&peer->primary, memory_order_acquire);
    return atomic_load_explicit(&peer->slots[slot], memory_order_acquire);
}

/** peer_rx_key - key with this key id, or NULL. Worker. */
static inline struct keyslot *peer_rx_key(const struct peer *peer, uint8_t key_id)
{
    unsigned first = atomic_load_explicit(&peer->primary, memory_order_relaxed);
    struct keyslot *ks = atomic_load_explicit(&peer->slots[first], memory_order_acquire);
    if (ks && ks->key_id == key_id) {
        return ks;
    }
    ks = atomic_load_explicit(&peer->slots[first ^ 1], memory_order_acquire);
    return ks && ks->key_id == key_id ? ks : NULL;
}

#endif
