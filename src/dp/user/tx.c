/* SPDX-License-Identifier: MIT */
#include "dp/user/tx.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dp/user/mtu_learn.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/compress.h"
#include "wire/ip_fragment.h"
#include "wire/mss.h"
#include "wire/stream.h"

_Static_assert((int)DP_FRAMING_LZ4_V2 == (int)COMPRESS_LZ4_V2, "framings are numbered alike");

#define COMPRESSED_MAX 70000u
#define IP4_FLAGS_OFFSET 13

void tx_init(struct tx *tx)
{
    memset(tx, 0, sizeof(*tx));
    tx->arena = mem_array(TX_ARENA_BYTES, 1);
}

void tx_free(struct tx *tx)
{
    free(tx->arena);
    free(tx->scratch);
    tx->arena = NULL;
    tx->scratch = NULL;
}

/* Where packets stand before they are cut into fragments; the rest is for compressed ones. */
static uint8_t *scratch_of(struct tx *tx)
{
    if (!tx->scratch) {
        tx->scratch = mem_array(TX_ARENA_BYTES + COMPRESSED_MAX, 1);
    }
    return tx->scratch;
}

/* Make room for so many packets. Return: false when the socket is blocked. */
static bool reserve(struct worker *w, unsigned packets, size_t bytes)
{
    struct tx *tx = &w->tx;
    if (!tx->blocked && (tx->count + packets > TX_PACKETS_MAX || tx->used + bytes > TX_ARENA_BYTES)) {
        tx_flush(w);
    }
    return !tx->blocked && packets <= TX_PACKETS_MAX && bytes <= TX_ARENA_BYTES;
}

/** All that is decided once for a peer's packets of one read. */
struct send_plan {
    struct peer *peer;
    struct keyslot *key;
    struct path *path;
    uint32_t tx_id;
    unsigned before; /* bytes in front of the record */
    unsigned head;   /* bytes of the record in front of the (framed) payload */
    unsigned tail;
    unsigned framing;
    unsigned chunk;
    bool fragment;
    bool compress;
    bool data_v1;
    bool counts;
    bool has_tos;
    uint8_t tos;
};

static bool prepare(struct worker *w, struct peer *peer, bool counts, struct send_plan *s)
{
    *s = (struct send_plan){.peer = peer, .counts = counts};
    s->key = peer_tx_key(peer);
    if (!s->key) {
        return false;
    }
    s->path = atomic_load_explicit(&peer->path, memory_order_acquire);
    s->tx_id = atomic_load_explicit(&peer->tx_id, memory_order_relaxed);
    s->data_v1 = atomic_load_explicit(&peer->data_v1, memory_order_relaxed) && s->key->format != DP_FORMAT_EPOCH;
    if (s->path->conn) {
        s->before = STREAM_HEADER_SIZE;
    } else {
        const struct listener *l = listener_get(w->user, s->path->where.listener);
        s->before = l && l->socks ? SOCKS_UDP_HEADER : 0;
    }
    s->head = keyslot_head(s->key, s->data_v1);
    s->tail = s->key->body_tail;
    s->framing = atomic_load_explicit(&peer->framing, memory_order_relaxed);
    s->fragment = atomic_load_explicit(&peer->fragments, memory_order_relaxed) != NULL;
    s->chunk = atomic_load_explicit(&peer->chunk, memory_order_relaxed);
    s->compress = counts && atomic_load_explicit(&peer->compress_tx, memory_order_relaxed);
    return !s->fragment || s->chunk;
}

/* Sealing begins when all packets are read. With thousands of peers what it needs of this one is far away: it comes
 * while the next packet is read. */
static void prefetch(const struct tx *tx, const struct send_plan *s)
{
    keyslot_prefetch(s->key);
    __builtin_prefetch(&s->peer->last_tx, 1);
    __builtin_prefetch(&s->peer->counters.link_tx_bytes, 1);
    __builtin_prefetch(&s->path->to);
    if (tx->group_count) {
        keyslot_prefetch_key(tx->groups[tx->group_count - 1].key);
    }
}

static struct tx_group *group_for(struct worker *w, const struct send_plan *s)
{
    struct tx *tx = &w->tx;
    if (tx->group_count) {
        struct tx_group *last = &tx->groups[tx->group_count - 1];
        if (last->peer == s->peer && last->key == s->key && last->path == s->path && last->counts == s->counts &&
            last->has_tos == s->has_tos && last->tos == s->tos && last->tx_id == s->tx_id &&
            last->data_v1 == s->data_v1) {
            return last;
        }
    }
    prefetch(tx, s);
    struct tx_group *g = &tx->groups[tx->group_count++];
    *g = (struct tx_group){.peer = s->peer,
                           .key = s->key,
                           .path = s->path,
                           .first = (uint16_t)tx->count,
                           .before = (uint16_t)s->before,
                           .tos = s->tos,
                           .has_tos = s->has_tos,
                           .data_v1 = s->data_v1,
                           .counts = s->counts,
                           .tx_id = s->tx_id};
    return g;
}

static void append(struct tx *tx, struct tx_group *g, uint8_t *payload, size_t len)
{
    tx->packets[tx->count++] = (struct packet){.data = payload, .len = (uint32_t)len, .verdict = PACKET_OK};
    g->count++;
}

/* Frame one payload that has COMPRESS_HEADROOM and COMPRESS_TAILROOM around it. Return: its start. */
static uint8_t *frame(struct worker *w, const struct send_plan *s, uint8_t *payload, size_t *len)
{
    if (s->compress) {
        uint8_t *packed = scratch_of(&w->tx) + TX_ARENA_BYTES;
        size_t n = compress_lz4((enum compress_framing)s->framing, payload, *len, packed, COMPRESSED_MAX);
        if (n && n <= *len) {
            memcpy(payload, packed, n);
            *len = n;
            return payload;
        }
    }
    return compress_frame((enum compress_framing)s->framing, payload, len);
}

/* Queue a framed payload behind fragment headers. */
static void append_fragments(struct worker *w, const struct send_plan *s, const uint8_t *payload, size_t len)
{
    struct fragment_plan plan;
    if (fragment_plan(len, s->chunk, &plan)) {
        worker_drop(w, DP_DROP_TOO_BIG, 1);
        return;
    }
    struct tx *tx = &w->tx;
    size_t room = s->before + s->head + FRAGMENT_HEADER_SIZE + plan.chunk + s->tail;
    if (!reserve(w, plan.count, plan.count * room)) {
        worker_drop(w, DP_DROP_SEND, 1);
        return;
    }
    uint8_t sequence = 0;
    if (plan.count > 1) {
        sequence = (uint8_t)(atomic_fetch_add_explicit(&s->peer->fragment_sequence, 1, memory_order_relaxed) + 1);
    }
    struct tx_group *g = group_for(w, s);
    for (unsigned i = 0; i < plan.count; i++) {
        size_t part;
        size_t offset = fragment_part(&plan, i, &part);
        uint8_t *at = tx->arena + tx->used + s->before + s->head;
        be32_store(at, fragment_header(&plan, sequence, i));
        memcpy(at + FRAGMENT_HEADER_SIZE, payload + offset, part);
        append(tx, g, at, FRAGMENT_HEADER_SIZE + part);
        tx->used += s->before + s->head + FRAGMENT_HEADER_SIZE + part + s->tail;
    }
}

/* Whether clamping is worth a closer look: an unfragmented TCP segment with SYN. */
static bool is_syn(const struct gso_plan *plan)
{
    return plan->segments == 1 && plan->is_ip && plan->ip.proto == IP_PROTO_TCP && plan->ip.l4_header_len &&
           plan->data[plan->l3_offset + plan->ip.header_len + IP4_FLAGS_OFFSET] & IP_TCP_SYN;
}

static void translate(struct worker *w, const struct gso_segment *segments, unsigned count, unsigned l3_offset)
{
    const struct nat_rules *nat = atomic_load_explicit(&w->user->nat, memory_order_acquire);
    for (unsigned i = 0; nat && i < count; i++) {
        (void)nat_apply(nat->rule, nat->count, NAT_TO_TUNNEL, segments[i].data + l3_offset, segments[i].len - l3_offset);
    }
}

/* What is done to finished packets: MSS clamp and address translation. */
static void finish(struct worker *w, const struct send_plan *s, const struct gso_plan *plan, unsigned count)
{
    struct gso_segment *segments = w->tx.segments;
    unsigned mss = atomic_load_explicit(&s->peer->mss, memory_order_relaxed);
    if (mss && is_syn(plan)) {
        (void)mss_clamp(segments[0].data + plan->l3_offset, segments[0].len - plan->l3_offset, mss);
    }
    translate(w, segments, count, plan->l3_offset);
}

static void account(struct tx_group *g, const struct gso_segment *segments, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g->payload += segments[i].len;
    }
    g->packets += n;
}

/* A peer with `fragment`: packets are finished in the scratch buffer, then cut into the arena. */
static void emit_fragmented(struct worker *w, const struct send_plan *s, const struct gso_plan *plan, unsigned first,
                            unsigned count)
{
    struct tx *tx = &w->tx;
    struct gso_layout layout = {.headroom = COMPRESS_HEADROOM, .tailroom = COMPRESS_TAILROOM};
    (void)gso_emit(plan, &layout, first, count, scratch_of(tx), tx->segments);
    finish(w, s, plan, count);
    for (unsigned i = 0; i < count; i++) {
        size_t len = tx->segments[i].len;
        uint8_t *payload = frame(w, s, tx->segments[i].data, &len);
        append_fragments(w, s, payload, len);
        if (tx->group_count && tx->groups[tx->group_count - 1].peer == s->peer) {
            account(&tx->groups[tx->group_count - 1], &tx->segments[i], 1);
        }
    }
}

static void emit_whole(struct worker *w, const struct send_plan *s, const struct gso_plan *plan, unsigned first,
                       unsigned count)
{
    struct tx *tx = &w->tx;
    bool framed = s->framing != DP_FRAMING_NONE;
    struct gso_layout layout = {.headroom = (uint16_t)(s->before + s->head + (framed ? COMPRESS_HEADROOM : 0)),
                                .tailroom = (uint16_t)(s->tail + (framed ? COMPRESS_TAILROOM : 0))};
    if (!reserve(w, count, gso_arena_size(plan, &layout, first, count))) {
        worker_drop(w, DP_DROP_SEND, count);
        return;
    }
    struct tx_group *g = group_for(w, s);
    tx->used += gso_emit(plan, &layout, first, count, tx->arena + tx->used, tx->segments);
    finish(w, s, plan, count);
    account(g, tx->segments, count);
    for (unsigned i = 0; i < count; i++) {
        size_t len = tx->segments[i].len;
        uint8_t *payload = framed ? frame(w, s, tx->segments[i].data, &len) : tx->segments[i].data;
        append(tx, g, payload, len);
    }
}

void tx_plan(struct worker *w, struct peer *peer, const struct gso_plan *plan)
{
    struct send_plan s;
    struct gso_plan fitted;
    if (!prepare(w, peer, true, &s)) {
        worker_drop(w, DP_DROP_NO_KEY, plan->segments);
        return;
    }
    unsigned fit_above = atomic_load_explicit(&peer->fit_above, memory_order_relaxed);
    if (__builtin_expect(fit_above && gso_longest(plan) > fit_above, 0)) {
        fitted = *plan;
        if (!mtu_learn_fit(w, peer, &fitted)) {
            return;
        }
        plan = &fitted;
    }
    if (w->user->dp.config.passtos && plan->is_ip && plan->ip.version == 4) {
        s.has_tos = true;
        s.tos = plan->data[plan->l3_offset + 1];
    }
    for (unsigned first = 0; first < plan->segments; first += TX_PACKETS_MAX) {
        unsigned left = plan->segments - first;
        unsigned count = left < TX_PACKETS_MAX ? left : TX_PACKETS_MAX;
        if (s.fragment) {
            emit_fragmented(w, &s, plan, first, count);
        } else {
            emit_whole(w, &s, plan, first, count);
        }
    }
}

/* One packet that was not read from the device. */
static bool send_payload(struct worker *w, const struct send_plan *s, const uint8_t *data, size_t len)
{
    struct tx *tx = &w->tx;
    size_t room = s->before + s->head + COMPRESS_HEADROOM + len + COMPRESS_TAILROOM + s->tail;
    if (s->fragment) {
        uint8_t *payload = scratch_of(tx) + COMPRESS_HEADROOM;
        memcpy(payload, data, len);
        size_t framed = len;
        payload = frame(w, s, payload, &framed);
        append_fragments(w, s, payload, framed);
    } else {
        if (!reserve(w, 1, room)) {
            return false;
        }
        struct tx_group *g = group_for(w, s);
        uint8_t *payload = tx->arena + tx->used + s->before + s->head + COMPRESS_HEADROOM;
        if (s->framing == DP_FRAMING_NONE) {
            payload -= COMPRESS_HEADROOM; /* so that records of equal packets lie without gaps */
            room -= COMPRESS_HEADROOM + COMPRESS_TAILROOM;
        }
        memcpy(payload, data, len);
        size_t framed = len;
        uint8_t *start = s->framing == DP_FRAMING_NONE ? payload : frame(w, s, payload, &framed);
        append(tx, g, start, framed);
        tx->used += room;
    }
    if (s->counts && tx->group_count && tx->groups[tx->group_count - 1].peer == s->peer) {
        tx->groups[tx->group_count - 1].payload += len;
        tx->groups[tx->group_count - 1].packets++;
    }
    return true;
}

bool tx_packet(struct worker *w, struct peer *peer, const uint8_t *data, size_t len, bool counts)
{
    struct send_plan s;
    return len <= UINT16_MAX && prepare(w, peer, counts, &s) && send_payload(w, &s, data, len);
}

bool tx_packet_whole(struct worker *w, struct peer *peer, const uint8_t *data, size_t len)
{
    struct send_plan s;
    if (len > UINT16_MAX || !prepare(w, peer, false, &s)) {
        return false;
    }
    s.chunk = UINT16_MAX;
    return send_payload(w, &s, data, len);
}

void tx_fragments(struct worker *w, struct peer *peer, const struct gso_plan *plan, unsigned longest)
{
    const struct gso_layout bare = {0};
    uint8_t fragment[UINT16_MAX];
    for (unsigned i = 0; i < plan->segments; i++) {
        struct gso_segment whole;
        (void)gso_emit(plan, &bare, i, 1, scratch_of(&w->tx), &whole);
        translate(w, &whole, 1, 0);
        size_t offset = 0;
        for (size_t n; (n = ip_fragment_write(whole.data, whole.len, offset, longest, fragment)) != 0;
             offset += n - IP_V4_HEADER) {
            if (!tx_packet(w, peer, fragment, n, true)) {
                worker_drop(w, DP_DROP_SEND, 1);
            }
        }
    }
}
