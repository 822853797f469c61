/* SPDX-License-Identifier: MIT */
#include "dp/user/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "dp/user/mtu_learn.h"
#include "dp/user/tcp_io.h"
#include "dp/user/user.h"
#include "dp/user/udp_io.h"

_Static_assert(offsetof(struct peer, last_rx) == 64, "what every packet reads is one cache line");

#define FRAGMENT_PACKET_MAX 16384 /* longest packet put together, bytes; memory that is not used is not touched */

static uint32_t slot_of(const struct user *user, uint32_t id)
{
    return user->dp.config.mode == DP_MODE_P2P ? 0 : id;
}

struct peer *peer_find(const struct user *user, uint32_t id)
{
    uint32_t slot = slot_of(user, id);
    struct peer *peer = slot < user->peer_slots ? atomic_load(&user->peers[slot]) : NULL;
    return peer && peer->id == id ? peer : NULL;
}

/* ------------------------------------------------------------------ settings */

static void apply_fragment(struct peer *peer)
{
    if (peer->settings.fragment && !peer->fragments_made) {
        struct peer_fragments *f = mem_zalloc(sizeof(*f));
        (void)pthread_mutex_init(&f->lock, NULL);
        uint8_t *storage = mem_array(FRAGMENT_SLOTS, FRAGMENT_PACKET_MAX);
        fragment_init(&f->state, storage, FRAGMENT_PACKET_MAX);
        peer->fragments_made = f;
    }
    atomic_store_explicit(&peer->fragments, peer->settings.fragment ? peer->fragments_made : NULL,
                          memory_order_release);
}

static void free_fragments(struct peer *peer)
{
    if (peer->fragments_made) {
        free(peer->fragments_made->state.storage);
        (void)pthread_mutex_destroy(&peer->fragments_made->lock);
        free(peer->fragments_made);
    }
}

bool peer_link(const struct peer *peer, struct mtu_link *link)
{
    const struct keyslot *ks = peer_tx_key(peer);
    const struct path *path = atomic_load(&peer->path);
    if (!ks) {
        return false;
    }
    *link = (struct mtu_link){.tcp = path->conn != NULL,
                              .outer_ipv6 = path->where.remote.any.sa_family == AF_INET6,
                              .data_v1 = peer->settings.data_v1,
                              .tap = peer->user->dp.config.device == DP_DEVICE_TAP,
                              .fragment = peer->settings.fragment != 0};
    link->compress_marker = peer->settings.framing >= DP_FRAMING_LZO_STUB && peer->settings.framing <= DP_FRAMING_LZ4;
    const struct listener *listener = path->conn ? NULL : listener_get(peer->user, path->where.listener);
    link->socks = listener && listener->socks;
    keyslot_link(ks, link);
    return true;
}

unsigned peer_chunk(const struct peer *peer, const struct mtu_link *link)
{
    const struct dp_peer *s = &peer->settings;
    return s->fragment ? mtu_fragment_chunk(link, s->fragment, s->fragment_mtu ? MTU_MODE_MTU : MTU_MODE_PACKET) : 0;
}

void peer_resize(struct peer *peer)
{
    struct mtu_link link;
    if (!peer_link(peer, &link)) {
        return;
    }
    static const enum mtu_mode modes[] = {[DP_MSSFIX_PACKET] = MTU_MODE_PACKET,
                                          [DP_MSSFIX_MTU] = MTU_MODE_MTU,
                                          [DP_MSSFIX_FIXED] = MTU_MODE_FIXED};
    const struct dp_peer *s = &peer->settings;
    unsigned learnt = atomic_load(&peer->path_mtu);
    atomic_store(&peer->cut_max, 0);
    unsigned mss = s->mssfix ? mtu_mss(&link, s->mssfix, modes[s->mssfix_mode]) : 0;
    if (s->mssfix && learnt) {
        unsigned fits = mtu_mss(&link, learnt, MTU_MODE_MTU);
        mss = fits && fits < mss ? fits : mss;
    }
    unsigned chunk = peer_chunk(peer, &link);
    if (s->fragment && learnt) {
        unsigned fits = mtu_fragment_chunk(&link, learnt, MTU_MODE_MTU);
        chunk = fits && fits < chunk ? fits : chunk;
    }
    atomic_store_explicit(&peer->mss, (uint16_t)(mss > UINT16_MAX ? UINT16_MAX : mss), memory_order_relaxed);
    atomic_store_explicit(&peer->chunk, (uint16_t)(chunk > UINT16_MAX ? UINT16_MAX : chunk), memory_order_release);
}

static void apply_keepalive(struct peer *peer, uint32_t now_s)
{
    atomic_store(&peer->alive.interval, peer->settings.keepalive_interval_s);
    atomic_store(&peer->last_rx, now_s);
    atomic_store(&peer->last_tx, now_s);
    atomic_store(&peer->alive.timeout, peer->settings.keepalive_timeout_s);
}

static void apply_tx(struct peer *peer)
{
    atomic_store(&peer->tx_id, peer->settings.tx_id);
    atomic_store(&peer->data_v1, peer->settings.data_v1);
}

static void apply_framing(struct peer *peer)
{
    atomic_store(&peer->compress_tx, peer->settings.compress_tx);
    atomic_store(&peer->framing, (uint8_t)peer->settings.framing);
}

static void apply_inactive(struct peer *peer)
{
    atomic_store(&peer->alive.inactive_bytes, peer->settings.inactive_bytes);
    atomic_store(&peer->alive.inactive, peer->settings.inactive_s);
}

static void apply_vlan(struct peer *peer)
{
    uint16_t pvid = peer->settings.vlan_pvid ? peer->settings.vlan_pvid : peer->user->dp.config.vlan_pvid;
    atomic_store(&peer->vlan_pvid, pvid);
}

void peer_set(struct peer *peer, const struct dp_peer *settings, unsigned fields, uint32_t now_s)
{
    struct dp_peer *s = &peer->settings;
    if (fields & DP_SET_KEEPALIVE) {
        s->keepalive_interval_s = settings->keepalive_interval_s;
        s->keepalive_timeout_s = settings->keepalive_timeout_s;
        apply_keepalive(peer, now_s);
    }
    if (fields & DP_SET_MSSFIX) {
        s->mssfix = settings->mssfix;
        s->mssfix_mode = settings->mssfix_mode;
    }
    if (fields & DP_SET_FRAMING) {
        s->framing = settings->framing;
        s->compress_tx = settings->compress_tx;
        apply_framing(peer);
    }
    if (fields & DP_SET_FRAGMENT) {
        s->fragment = settings->fragment;
        s->fragment_mtu = settings->fragment_mtu;
        apply_fragment(peer);
    }
    if (fields & DP_SET_TX_ID) {
        s->tx_id = settings->tx_id;
        s->data_v1 = settings->data_v1;
        apply_tx(peer);
    }
    if (fields & DP_SET_INACTIVE) {
        s->inactive_s = settings->inactive_s;
        s->inactive_bytes = settings->inactive_bytes;
        apply_inactive(peer);
    }
    if (fields & DP_SET_REPLAY) {
        s->replay_window = settings->replay_window;
        s->replay_seconds = settings->replay_seconds;
        s->replay_strict = settings->replay_strict;
    }
    if (fields & DP_SET_VLAN) {
        s->vlan_pvid = settings->vlan_pvid;
        apply_vlan(peer);
    }
    peer_resize(peer);
}

/* ------------------------------------------------------------------ life */

int peer_new(struct user *user, const struct dp_peer *settings, uint32_t now_s)
{
    uint32_t slot = slot_of(user, settings->id);
    if (atomic_load(&user->peers[slot])) {
        return -EEXIST;
    }
    struct peer *peer = mem_aligned(64, sizeof(*peer));
    peer->user = user;
    peer->id = settings->id;
    struct path *path = NULL;
    int err = path_new(user, &settings->path, peer, &path);
    if (err) {
        free(peer);
        return err;
    }
    atomic_init(&peer->path, path);
    peer->settings = *settings;
    list_init(&peer->routes);
    atomic_init(&peer->tx_ordered, settings->tx_ordered);
    peer->may_float = (settings->may_float || user->dp.config.float_any) && !path->conn;
    peer->no_broadcast = settings->bcast != 0;
    peer->probe_path = settings->probe_path;
    atomic_init(&peer->probe.bias, MTU_PROBE_UNKNOWN);
    peer->alive.active_since = now_s;
    atomic_init(&peer->fragment_sequence, (uint8_t)rand_u32(rand_system()));
    apply_keepalive(peer, now_s);
    apply_tx(peer);
    apply_framing(peer);
    apply_inactive(peer);
    apply_vlan(peer);
    apply_fragment(peer);
    path_link(user, path);
    atomic_store_explicit(&user->peers[slot], peer, memory_order_release);
    if (slot >= user->peer_high) {
        user->peer_high = slot + 1;
    }
    return 0;
}

int peer_move(struct peer *peer, const struct dp_path *where)
{
    struct path *path = NULL;
    int err = path_new(peer->user, where, peer, &path);
    if (err) {
        return err;
    }
    struct path *old = atomic_load(&peer->path);
    path_link(peer->user, path);
    atomic_store_explicit(&peer->path, path, memory_order_release);
    path_unlink(peer->user, old); /* only now: from here on its grace period runs */
    if (path->conn) {
        conn_set_peer(path->conn, peer); /* the old path may have been the same connection */
    }
    mtu_learn_forget(peer);
    peer_resize(peer);
    return 0;
}

void peer_free(struct peer *peer)
{
    keyslot_free(atomic_load(&peer->slots[0]));
    keyslot_free(atomic_load(&peer->slots[1]));
    free_fragments(peer);
    free(peer);
}

static void release(struct rcu_item *item)
{
    struct peer *peer = container_of(item, struct peer, rcu);
    struct dp_event gone = {
        .type = DP_EV_PEER_GONE, .peer = peer->id, .other = DP_PEER_ID_NONE, .reason = DP_GONE_DELETED};
    peer_stats_read(peer, &gone.stats);
    struct user *user = peer->user;
    peer_free(peer);
    event_list_push(&user->said, &gone);
}

void peer_remove(struct peer *peer)
{
    struct user *user = peer->user;
    atomic_store_explicit(&user->peers[slot_of(user, peer->id)], NULL, memory_order_release);
    list_for(node, next, &peer->routes) {
        route_drop(&user->routes, container_of(node, struct route, of_peer));
    }
    path_unlink(user, atomic_load(&peer->path));
    rcu_domain_defer(&user->rcu, &peer->rcu, release);
}

/* ------------------------------------------------------------------ keys */

static unsigned slot_index(const struct peer *peer, enum dp_key_slot slot)
{
    return atomic_load(&peer->primary) ^ (slot == DP_KEY_SECONDARY ? 1u : 0u);
}

int peer_key_new(struct peer *peer, enum dp_key_slot slot, const struct dp_key *key)
{
    const struct dp_peer *s = &peer->settings;
    struct keyslot_replay replay = {.window = s->replay_strict   ? 0
                                              : s->replay_window ? s->replay_window
                                                                 : REPLAY_WINDOW_DEFAULT,
                                    .seconds = s->replay_strict || s->replay_window ? s->replay_seconds : 0};
    struct keyslot *ks = NULL;
    int err = keyslot_new(peer->user->engines, &peer->user->rcu, key, &replay, &ks);
    if (err) {
        return err;
    }
    unsigned at = slot_index(peer, slot);
    struct keyslot *old = atomic_exchange_explicit(&peer->slots[at], ks, memory_order_acq_rel);
    keyslot_retire(&peer->user->rcu, old);
    peer_resize(peer);
    return 0;
}

void peer_key_swap(struct peer *peer)
{
    atomic_store_explicit(&peer->primary, (uint8_t)(atomic_load(&peer->primary) ^ 1u), memory_order_release);
    peer_resize(peer);
}

void peer_key_del(struct peer *peer, enum dp_key_slot slot)
{
    struct keyslot *old =
        atomic_exchange_explicit(&peer->slots[slot_index(peer, slot)], NULL, memory_order_acq_rel);
    keyslot_retire(&peer->user->rcu, old);
}

void peer_stats_read(const struct peer *peer, struct dp_peer_stats *out)
{
    const struct peer_counters *c = &peer->counters;
    *out = (struct dp_peer_stats){
        .link_rx_bytes = atomic_load_explicit(&c->link_rx_bytes, memory_order_relaxed),
        .link_tx_bytes = atomic_load_explicit(&c->link_tx_bytes, memory_order_relaxed),
        .link_rx_packets = atomic_load_explicit(&c->link_rx_packets, memory_order_relaxed),
        .link_tx_packets = atomic_load_explicit(&c->link_tx_packets, memory_order_relaxed),
        .tunnel_rx_bytes = atomic_load_explicit(&c->tunnel_rx_bytes, memory_order_relaxed),
        .tunnel_tx_bytes = atomic_load_explicit(&c->tunnel_tx_bytes, memory_order_relaxed),
        .tunnel_rx_packets = atomic_load_explicit(&c->tunnel_rx_packets, memory_order_relaxed),
        .tunnel_tx_packets = atomic_load_explicit(&c->tunnel_tx_packets, memory_order_relaxed),
        .link_rx_max = atomic_load_explicit(&c->link_rx_max, memory_order_relaxed),
        .link_tx_max = atomic_load_explicit(&c->link_tx_max, memory_order_relaxed),
    };
}
