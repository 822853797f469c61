/* SPDX-License-Identifier: MIT */
#include "dp/user/rx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "dp/user/announce.h"
#include "dp/user/floating.h"
#include "dp/user/forward.h"
#include "dp/user/mtu_probe.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/compress.h"
#include "wire/data_pkt.h"
#include "wire/ether.h"
#include "wire/opcode.h"

#define MESSAGES_LARGE 4         /* asked for while runs of datagrams arrive */
#define LARGE_BYTES (16u * 1024)
#define CONTROL_MIN 9            /* opcode and session id */
#define SCRATCH_HEADROOM 64u     /* before a decompressed packet, for a VLAN tag */
#define SCRATCH_BYTES (4 * (65536u + 2 * SCRATCH_HEADROOM))
#define EXPANDED_MIN 1600u       /* bytes that a compressed packet may always expand to */

/* What the kernel changes in a message's header. */
static void rearm(struct rx *rx, unsigned i)
{
    rx->headers[i].msg_hdr.msg_namelen = sizeof(rx->names[i]);
    rx->headers[i].msg_hdr.msg_controllen = RX_CONTROL_BYTES;
}

/* Headers are made once: with few packets most of them are never touched again. */
static void prepare(struct rx *rx)
{
    for (unsigned i = 0; i < RX_MESSAGES_MAX; i++) {
        rx->iov[i] = (struct iovec){rx->buffers + (size_t)i * RX_BUFFER_BYTES, RX_BUFFER_BYTES};
        rx->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &rx->names[i], .msg_iov = &rx->iov[i], .msg_iovlen = 1, .msg_control = rx->control[i]};
        rearm(rx, i);
    }
}

void rx_init(struct rx *rx)
{
    memset(rx, 0, sizeof(*rx));
    void *p = mmap(NULL, (size_t)RX_MESSAGES_MAX * RX_BUFFER_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    BUG_ON(p == MAP_FAILED);
    rx->buffers = p;
    rx->messages = RX_MESSAGES_MAX;
    prepare(rx);
}

void rx_free(struct rx *rx)
{
    if (rx->buffers) {
        (void)munmap(rx->buffers, (size_t)RX_MESSAGES_MAX * RX_BUFFER_BYTES);
    }
    free(rx->scratch);
    rx->buffers = NULL;
    rx->scratch = NULL;
}

/* ------------------------------------------------------------------ to control */

static struct dp_path path_of(const struct rx *rx, unsigned source)
{
    struct dp_path path = {0};
    if (rx->conn) {
        path.conn = conn_id(rx->conn);
        return path;
    }
    path.listener = rx->listener->id;
    path.remote = rx->sources[source].remote;
    path.local = rx->sources[source].local;
    path.ifindex = rx->sources[source].ifindex;
    return path;
}

static void tell_control(struct worker *w, const uint8_t *data, size_t len, unsigned source)
{
    struct rx *rx = &w->rx;
    if (len < CONTROL_MIN || len > DP_CTRL_PACKET_MAX || !opcode_is_control(opcode_of(data[0]))) {
        worker_drop(w, DP_DROP_SHORT, 1);
        return;
    }
    struct dp_event event = {.type = DP_EV_CTRL,
                             .path = path_of(rx, source),
                             .peer = DP_PEER_ID_NONE,
                             .other = DP_PEER_ID_NONE,
                             .data = data,
                             .len = len};
    struct peer *peer = rx->conn ? conn_peer(rx->conn) : NULL;
    if (!rx->conn) {
        const struct path *path = path_find(w->user, rx->listener->id, &rx->sources[source].remote);
        peer = path ? path->peer : NULL;
    }
    if (peer) {
        event.peer = peer->id;
    }
    if (!worker_event(w, &event, EVENT_DROPPABLE)) {
        worker_drop(w, DP_DROP_RING, 1);
    }
}

static void tell_payload(struct worker *w, const struct peer *peer, const uint8_t *data, size_t len)
{
    struct dp_event event = {.type = DP_EV_PAYLOAD,
                             .peer = peer->id,
                             .other = DP_PEER_ID_NONE,
                             .data = data,
                             .len = len < DP_CTRL_PACKET_MAX ? len : DP_CTRL_PACKET_MAX};
    if (!worker_event(w, &event, EVENT_DROPPABLE)) {
        worker_drop(w, DP_DROP_RING, 1);
    }
}

/* ------------------------------------------------------------------ delivery */

void rx_to_device(struct worker *w, uint8_t *data, size_t len)
{
    struct rx *rx = &w->rx;
    if (rx->out_count == RX_BATCH_MAX) {
        rx_flush_device(w);
    }
    rx->out[rx->out_count++] = (struct gro_packet){data, (uint32_t)len};
}

void rx_flush_device(struct worker *w)
{
    struct rx *rx = &w->rx;
    if (rx->out_count) {
        tun_io_write_batch(w, rx->out, rx->out_count, &rx->merged);
        rx->out_count = 0;
    }
    rx->scratch_used = 0;
}

/* Room for @len bytes of a packet that does not stay in its receive buffer; valid until the device was written to.
 * The buffer holds several of the largest, so that one can be read while the next is written. */
static uint8_t *scratch_room(struct worker *w, size_t len)
{
    struct rx *rx = &w->rx;
    if (!rx->scratch) {
        rx->scratch = mem_array(SCRATCH_BYTES, 1);
    }
    if (rx->scratch_used + len + 2 * SCRATCH_HEADROOM > SCRATCH_BYTES) {
        rx_flush_device(w);
    }
    return rx->scratch + rx->scratch_used + SCRATCH_HEADROOM;
}

static void scratch_keep(struct rx *rx, size_t len)
{
    rx->scratch_used += (len + 2 * SCRATCH_HEADROOM + SCRATCH_HEADROOM - 1) & ~(size_t)(SCRATCH_HEADROOM - 1);
}

/* Put fragments together. The copy goes to scratch memory, as the storage is only ours under the lock. */
static bool reassemble(struct worker *w, struct peer_fragments *f, uint8_t **data, size_t *len)
{
    struct span whole;
    (void)pthread_mutex_lock(&f->lock);
    int n = fragment_receive(&f->state, w->now_ms, *data, *len, &whole);
    if (n == 1 && (whole.data < *data || whole.data >= *data + *len)) {
        *data = scratch_room(w, whole.len);
        memcpy(*data, whole.data, whole.len);
        scratch_keep(&w->rx, whole.len);
    } else if (n == 1) {
        *data = (uint8_t *)(uintptr_t)whole.data;
    }
    unsigned lost = f->state.lost + (n < 0);
    f->state.lost = 0;
    (void)pthread_mutex_unlock(&f->lock);
    if (lost) {
        worker_drop(w, DP_DROP_FRAGMENT, lost);
    }
    *len = n == 1 ? whole.len : 0;
    return n == 1;
}

/* What a compressed packet may expand to: a packet of the device's size. */
static size_t expanded_max(const struct worker *w)
{
    const struct device *d = tun_io_device(w);
    unsigned mtu = d ? atomic_load_explicit(&d->mtu, memory_order_relaxed) : 0;
    size_t max = (mtu > EXPANDED_MIN ? mtu : EXPANDED_MIN) + ETHER_HEADER_SIZE + 2 * ETHER_TAG_SIZE;
    return max < UINT16_MAX ? max : UINT16_MAX;
}

/* Undo the compression framing. */
static bool unframe(struct worker *w, enum compress_framing framing, uint8_t **data, size_t *len)
{
    struct compress_payload payload;
    bool packed = compress_is_packed(framing, *data, *len);
    size_t max = packed ? expanded_max(w) : 0;
    uint8_t *room = packed ? scratch_room(w, max) : NULL;
    int err = compress_unframe(framing, *data, *len, room, max, &payload);
    if (err || !payload.len) {
        worker_drop(w, err == ERR_LIMIT ? DP_DROP_DECOMPRESS : DP_DROP_FRAMING, 1);
        return false;
    }
    if (packed) {
        scratch_keep(&w->rx, payload.len);
    }
    *data = payload.data;
    *len = payload.len;
    return true;
}

static void deliver(struct worker *w, struct peer *peer, uint8_t *data, size_t len, uint64_t *bytes, unsigned *packets)
{
    struct peer_fragments *f = atomic_load_explicit(&peer->fragments, memory_order_acquire);
    unsigned framing = atomic_load_explicit(&peer->framing, memory_order_relaxed);
    if (f && !reassemble(w, f, &data, &len)) {
        return;
    }
    if (framing != DP_FRAMING_NONE && !unframe(w, (enum compress_framing)framing, &data, &len)) {
        return;
    }
    if (data_pkt_is_ping(data, len)) {
        return;
    }
    if (data_pkt_is_occ(data, len)) {
        if (!announce_received(peer, data, len) && !mtu_probe_received(peer, data, len)) {
            tell_payload(w, peer, data, len);
        }
        return;
    }
    *bytes += len;
    ++*packets;
    forward_from_peer(w, peer, data, len);
}

/* ------------------------------------------------------------------ opening */

static void count_received(struct worker *w, struct peer *peer, uint64_t bytes, unsigned packets, uint32_t longest)
{
    struct peer_counters *c = &peer->counters;
    worker_touch(&peer->last_rx, w->now_s);
    atomic_fetch_add_explicit(&c->link_rx_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->link_rx_packets, packets, memory_order_relaxed);
    if (longest > atomic_load_explicit(&c->link_rx_max, memory_order_relaxed)) {
        atomic_store_explicit(&c->link_rx_max, longest, memory_order_relaxed);
    }
}

static void tell_key(struct worker *w, const struct peer *peer, struct keyslot *ks)
{
    struct dp_event event = {
        .type = DP_EV_KEY_EXHAUSTED, .peer = peer->id, .other = DP_PEER_ID_NONE, .key_id = ks->key_id};
    if (!worker_event(w, &event, EVENT_IMPORTANT)) {
        atomic_store(&ks->exhausted, false);
    }
}

static void tell_decrypt_error(struct worker *w, const struct peer *peer)
{
    struct dp_event event = {.type = DP_EV_DECRYPT_ERROR,
                             .path = path_of(&w->rx, 0),
                             .peer = peer->id,
                             .other = DP_PEER_ID_NONE};
    (void)worker_event(w, &event, EVENT_IMPORTANT);
}

/* Authenticated packets from a new address: move the peer, or drop them. Return: false to drop. */
static bool source_accepted(struct worker *w, struct peer *peer, unsigned source)
{
    const struct rx *rx = &w->rx;
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    if (rx->conn) {
        return path->conn == rx->conn;
    }
    if (!path->conn && path->where.listener == rx->listener->id && path_same_source(path, &rx->sources[source].remote)) {
        return true;
    }
    struct dp_path where = path_of(rx, source);
    return floating_move(w, peer, &where);
}

/* One run of records of one key. */
static void process_run(struct worker *w, unsigned first, unsigned n)
{
    struct rx *rx = &w->rx;
    struct packet *p = &rx->packets[first];
    struct peer *peer = rx->peers[first];
    struct keyslot *ks = rx->keys[first];
    uint32_t sizes[RX_BATCH_MAX];
    for (unsigned i = 0; i < n; i++) {
        sizes[i] = p[i].len;
    }
    bool report = false;
    (void)keyslot_open(&w->crypto, ks, p, n, w->now_s, &report);
    uint64_t link_bytes = 0;
    uint64_t auth_bytes = 0;
    uint64_t tunnel_bytes = 0;
    unsigned link_packets = 0;
    unsigned tunnel_packets = 0;
    uint32_t longest = 0;
    bool forged = false;
    for (unsigned i = 0; i < n; i++) {
        if (p[i].verdict == PACKET_OK && !source_accepted(w, peer, p[i].source)) {
            p[i].verdict = DP_DROP_ADDRESS;
        }
        if (p[i].verdict != PACKET_OK) {
            forged |= p[i].verdict == DP_DROP_AUTH;
            worker_drop(w, p[i].verdict, 1);
            continue;
        }
        link_bytes += sizes[i];
        auth_bytes += p[i].len;
        longest = sizes[i] > longest ? sizes[i] : longest;
        link_packets++;
        deliver(w, peer, p[i].data, p[i].len, &tunnel_bytes, &tunnel_packets);
    }
    if (link_packets) {
        count_received(w, peer, link_bytes, link_packets, longest);
        worker_add(&w->stats.auth_rx_bytes, auth_bytes);
        atomic_fetch_add_explicit(&peer->counters.tunnel_rx_bytes, tunnel_bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&peer->counters.tunnel_rx_packets, tunnel_packets, memory_order_relaxed);
        report |= keyslot_note_carried(ks, link_bytes, link_packets);
    }
    if (report) {
        tell_key(w, peer, ks);
    }
    if (forged && rx->conn) {
        tell_decrypt_error(w, peer);
    }
}

void rx_process(struct worker *w)
{
    struct rx *rx = &w->rx;
    rx->known.peer = NULL;
    for (unsigned i = 0; i < rx->count;) {
        unsigned end = i + 1;
        while (end < rx->count && rx->peers[end] == rx->peers[i] && rx->keys[end] == rx->keys[i]) {
            end++;
        }
        process_run(w, i, end - i);
        i = end;
    }
    rx->count = 0;
    rx_flush_device(w);
}

/* The peer that a data packet belongs to. */
static struct peer *find_peer(const struct worker *w, const struct data_pkt_header *h, unsigned source)
{
    const struct rx *rx = &w->rx;
    const struct user *u = w->user;
    if (rx->conn) {
        return conn_peer(rx->conn);
    }
    if (u->dp.config.mode == DP_MODE_P2P) {
        return atomic_load_explicit(&u->peers[0], memory_order_acquire);
    }
    if (h->peer_id != DATA_PKT_PEER_ID_NONE) {
        return peer_lookup(u->peers, u->peer_slots, false, h->peer_id);
    }
    const struct path *path = path_find(u, rx->listener->id, &rx->sources[source].remote);
    return path ? path->peer : NULL;
}

void rx_record(struct worker *w, uint8_t *data, size_t len, unsigned source)
{
    struct rx *rx = &w->rx;
    worker_add(&w->stats.link_rx_bytes, len);
    struct data_pkt_header h;
    if (len == 0 || !opcode_is_data(opcode_of(data[0]))) {
        if (len == 0) {
            worker_drop(w, DP_DROP_SHORT, 1);
        } else {
            tell_control(w, data, len, source);
        }
        return;
    }
    if (data_pkt_header_read(data, len, &h)) {
        worker_drop(w, DP_DROP_SHORT, 1);
        return;
    }
    struct peer *peer = find_peer(w, &h, source);
    struct keyslot *ks = peer ? peer_rx_key(peer, h.key_id) : NULL;
    if (!ks) {
        worker_drop(w, peer ? DP_DROP_UNKNOWN_KEY : DP_DROP_UNKNOWN_PEER, 1);
        return;
    }
    if (rx->count == RX_BATCH_MAX) {
        rx_process(w);
    }
    rx->packets[rx->count] =
        (struct packet){.data = data, .len = (uint32_t)len, .verdict = PACKET_OK, .source = (uint16_t)source};
    rx->peers[rx->count] = peer;
    rx->keys[rx->count] = ks;
    rx->count++;
}

/* ------------------------------------------------------------------ datagrams */

/* Strip what a SOCKS relay puts in front. Return: false to drop. */
static bool unwrap_socks(const struct listener *l, struct rx_source *source, uint8_t **data, size_t *len)
{
    if (!addr_equal(&source->remote, &l->relay)) {
        return false;
    }
    struct rd r = rd_init(*data, *len);
    if (socks_udp_unwrap(&r, &source->remote)) {
        return false;
    }
    struct span rest = rd_rest(&r);
    *data = (uint8_t *)(uintptr_t)rest.data;
    *len = rest.len;
    return true;
}

static void take_message(struct worker *w, const struct listener *l, unsigned i)
{
    struct rx *rx = &w->rx;
    struct msghdr *msg = &rx->headers[i].msg_hdr;
    struct rx_source *source = &rx->sources[i];
    uint8_t *data = rx->iov[i].iov_base;
    size_t len = rx->headers[i].msg_len;
    unsigned segment = 0;
    source->local.family = AF_UNSPEC;
    source->ifindex = 0;
    if (addr_from_sockaddr(&source->remote, &rx->names[i].any, msg->msg_namelen)) {
        worker_drop(w, DP_DROP_SHORT, 1);
        return;
    }
    udp_io_read_control(msg, &source->local, &source->ifindex, &segment);
    if (l->multihome == DP_MULTIHOME_OFF) {
        source->local.family = AF_UNSPEC;
    }
    if (l->multihome != DP_MULTIHOME_INTERFACE) {
        source->ifindex = 0;
    }
    if (l->socks && !unwrap_socks(l, source, &data, &len)) {
        worker_drop(w, DP_DROP_ADDRESS, 1);
        return;
    }
    if (segment == 0 || segment > len) {
        segment = len ? (unsigned)len : 1;
    }
    size_t parts = (len + segment - 1) / segment;
    if (rx->count + parts > RX_BATCH_MAX) {
        rx_process(w); /* rather a short batch than a run cut in two */
    }
    do {
        size_t part = len < segment ? len : segment;
        rx_record(w, data, part, i);
        data += part;
        len -= part;
    } while (len);
}

bool rx_udp(struct worker *w, const struct listener *listener, int fd)
{
    struct rx *rx = &w->rx;
    unsigned asked = rx->messages;
    worker_syscall(w);
    int n = recvmmsg(fd, rx->headers, asked, MSG_DONTWAIT, NULL);
    if (n <= 0) {
        return false;
    }
    rx->listener = listener;
    rx->conn = NULL;
    size_t bytes = 0;
    for (unsigned i = 0; i < (unsigned)n; i++) {
        bytes += rx->headers[i].msg_len;
        take_message(w, listener, i);
        moderate_datagram(&w->moderate, rx->headers[i].msg_len, &rx->sources[i].remote);
        rearm(rx, i);
    }
    rx_process(w);
    moderate_received(&w->moderate);
    rx->messages = bytes / (unsigned)n > LARGE_BYTES ? MESSAGES_LARGE : RX_MESSAGES_MAX;
    return (unsigned)n == asked;
}
