/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "dp/user/mtu_learn.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/tun_io.h"
#include "dp/user/tx.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/stream.h"

#define SOL_UDP_LEVEL 17
#define PROBE_BYTES_MIN 1200u /* shorter datagrams fit any path */
#define PROBE_INTERVAL_S 10u

/* ------------------------------------------------------------------ sealing */

static void tell_exhausted(struct worker *w, const struct tx_group *g)
{
    struct dp_event event = {.type = DP_EV_KEY_EXHAUSTED,
                             .peer = g->peer->id,
                             .other = DP_PEER_ID_NONE,
                             .key_id = g->key->key_id};
    if (!worker_event(w, &event, EVENT_IMPORTANT)) {
        atomic_store(&g->key->exhausted, false);
    }
}

/* Return: the user's limit of the key was passed just now. */
static bool count_sent(struct worker *w, const struct tx_group *g)
{
    const struct packet *p = &w->tx.packets[g->first];
    struct peer_counters *c = &g->peer->counters;
    uint64_t bytes = 0;
    unsigned sent = 0;
    uint32_t longest = 0;
    for (unsigned i = 0; i < g->count; i++) {
        if (p[i].verdict != PACKET_OK) {
            worker_drop(w, p[i].verdict, 1);
            continue;
        }
        bytes += p[i].len;
        longest = p[i].len > longest ? p[i].len : longest;
        sent++;
    }
    if (!sent) {
        return false;
    }
    worker_touch(&g->peer->last_tx, w->now_s);
    worker_add(&w->stats.link_tx_bytes, bytes);
    atomic_fetch_add_explicit(&c->link_tx_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->link_tx_packets, sent, memory_order_relaxed);
    if (longest > atomic_load_explicit(&c->link_tx_max, memory_order_relaxed)) {
        atomic_store_explicit(&c->link_tx_max, longest, memory_order_relaxed);
    }
    if (g->counts) {
        atomic_fetch_add_explicit(&c->tunnel_tx_bytes, g->payload, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->tunnel_tx_packets, g->packets, memory_order_relaxed);
    }
    return keyslot_note_carried(g->key, bytes, sent);
}

static void seal_group(struct worker *w, struct tx_group *g)
{
    struct keyslot_header header = {.tx_id = g->tx_id, .data_v1 = g->data_v1};
    bool report = false;
    (void)keyslot_seal(&w->crypto, g->key, &header, &w->tx.packets[g->first], g->count, &report);
    report |= count_sent(w, g);
    if (report) {
        tell_exhausted(w, g);
    }
}

/* ------------------------------------------------------------------ messages */

static size_t write_tos(uint8_t *at, const union addr *to, uint8_t tos)
{
    bool v4 = to->any.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&to->v6.sin6_addr);
    struct cmsghdr *c = (struct cmsghdr *)(void *)at;
    int value = tos;
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(value)),
                          .cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6,
                          .cmsg_type = v4 ? IP_TOS : IPV6_TCLASS};
    memcpy(CMSG_DATA(c), &value, sizeof(value));
    return CMSG_SPACE(sizeof(value));
}

static void start_message(struct tx *tx, const struct listener *l, const struct tx_group *g, uint8_t *data,
                          uint32_t len)
{
    struct tx_message *m = &tx->messages[tx->message_count++];
    m->listener = l->id;
    m->peer = g->peer->id;
    m->segment = 0;
    m->iov_first = (uint16_t)tx->iov_count;
    m->iov_count = 1;
    m->packets = 1;
    m->bytes = len;
    m->to = g->path->to;
    m->control_len = udp_io_local_control(l, &g->path->where, m->control);
    if (g->has_tos) {
        m->control_len += write_tos(m->control + m->control_len, &m->to, g->tos);
    }
    tx->iov[tx->iov_count++] = (struct iovec){data, len};
}

/* Whether the next datagram may join the run: equal sizes, and only the last one shorter. */
static bool joins(const struct tx_message *m, uint32_t first_len, uint32_t len)
{
    return m->packets < UDP_IO_SEGMENTS_MAX && len <= first_len && m->bytes == m->packets * first_len &&
           m->bytes + len <= UDP_IO_DATAGRAM_MAX;
}

static void join(struct tx *tx, struct tx_message *m, uint8_t *data, uint32_t len)
{
    struct iovec *last = &tx->iov[tx->iov_count - 1];
    if ((uint8_t *)last->iov_base + last->iov_len == data) {
        last->iov_len += len;
    } else {
        tx->iov[tx->iov_count++] = (struct iovec){data, len};
        m->iov_count++;
    }
    m->packets++;
    m->bytes += len;
}

/* Whether a long datagram should go alone now. Linux sets "don't fragment" on it then, but not on a longer run, and so
 * a narrow path makes itself known instead of being fragmented by routers for ever. */
static bool probes_path(const struct worker *w, struct path *path, uint32_t len)
{
    uint32_t last = atomic_load_explicit(&path->probed_s, memory_order_relaxed);
    if (len < PROBE_BYTES_MIN || (last && w->now_s - last < PROBE_INTERVAL_S)) {
        return false;
    }
    atomic_store_explicit(&path->probed_s, w->now_s, memory_order_relaxed);
    return true;
}

/* Messages of one sealed group. */
static void queue_datagrams(struct worker *w, const struct tx_group *g)
{
    struct tx *tx = &w->tx;
    const struct listener *l = listener_get(w->user, g->path->where.listener);
    if (!l) {
        worker_drop(w, DP_DROP_SEND, g->count);
        return;
    }
    uint32_t gso_max = l->gso ? atomic_load_explicit(&g->path->gso_max, memory_order_relaxed) : 0;
    struct tx_message *open = NULL;
    uint32_t first_len = 0;
    for (unsigned i = g->first; i < (unsigned)g->first + g->count; i++) {
        const struct packet *p = &tx->packets[i];
        if (p->verdict != PACKET_OK) {
            continue;
        }
        uint8_t *data = p->data - g->before;
        uint32_t len = p->len + g->before;
        if (g->before) {
            memcpy(data, l->socks_header, g->before);
        }
        if (open && joins(open, first_len, len)) {
            join(tx, open, data, len);
            open->segment = (uint16_t)first_len;
            continue;
        }
        start_message(tx, l, g, data, len);
        open = len <= gso_max && !probes_path(w, g->path, len) ? &tx->messages[tx->message_count - 1] : NULL;
        first_len = len;
    }
}

/* Return: bytes on the wire, if every record went alone. */
static uint64_t queue_records(struct worker *w, const struct tx_group *g)
{
    uint64_t bytes = 0;
    for (unsigned i = g->first; i < (unsigned)g->first + g->count; i++) {
        bytes += w->tx.packets[i].len + STREAM_HEADER_SIZE + IP_V4_HEADER + IP_TCP_HEADER;
    }
    conn_send(w, g->path->conn, &w->tx.packets[g->first], g->count);
    return bytes;
}

/* ------------------------------------------------------------------ the kernel */

static void build_header(struct tx *tx, unsigned i)
{
    struct tx_message *m = &tx->messages[i];
    size_t control = m->control_len;
    if (m->segment) {
        struct cmsghdr *c = (struct cmsghdr *)(void *)(m->control + control);
        *c = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(m->segment)), .cmsg_level = SOL_UDP_LEVEL, .cmsg_type = UDP_SEGMENT};
        memcpy(CMSG_DATA(c), &m->segment, sizeof(m->segment));
        control += CMSG_SPACE(sizeof(m->segment));
    }
    tx->headers[i].msg_hdr = (struct msghdr){.msg_name = &m->to,
                                             .msg_namelen = addr_size(&m->to),
                                             .msg_iov = &tx->iov[m->iov_first],
                                             .msg_iovlen = m->iov_count,
                                             .msg_control = control ? m->control : NULL,
                                             .msg_controllen = control};
}

static struct peer *peer_of(const struct worker *w, uint32_t id)
{
    const struct user *u = w->user;
    struct peer *peer = peer_lookup(u->peers, u->peer_slots, u->dp.config.mode == DP_MODE_P2P, id);
    return peer && peer->id == id ? peer : NULL;
}

/* The kernel refused a run: remember for this path what it does take. */
static void limit_runs(struct worker *w, const struct tx_message *m, int error)
{
    struct peer *peer = peer_of(w, m->peer);
    if (!peer) {
        return;
    }
    struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    bool narrow = error == EMSGSIZE || error == EINVAL; /* longer than the path MTU, even if single ones get fragmented */
    if (narrow && atomic_load_explicit(&peer->path_needed, memory_order_relaxed) == w->now_s) {
        return; /* nothing is asked twice in a second: a later refused run asks again */
    }
    atomic_store_explicit(&path->gso_max, error == EIO ? 0u : m->segment - 1u, memory_order_relaxed);
    if (narrow) {
        mtu_learn(w, peer, m->segment);
    }
}

/* @packets of @size bytes each were refused. */
static void note_failure(struct worker *w, const struct tx_message *m, int error, unsigned packets, uint32_t size)
{
    worker_drop(w, error == EMSGSIZE ? DP_DROP_TOO_BIG : DP_DROP_SEND, packets);
    struct peer *peer = error == EMSGSIZE ? peer_of(w, m->peer) : NULL;
    if (peer) {
        struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
        atomic_store_explicit(&path->strict, true, memory_order_relaxed);
        mtu_learn(w, peer, size);
    }
}

/* Send the datagrams of a refused run one by one. */
static void send_singly(struct worker *w, struct tx_message *m, int fd)
{
    struct tx *tx = &w->tx;
    for (unsigned v = m->iov_first; v < (unsigned)m->iov_first + m->iov_count; v++) {
        uint8_t *at = tx->iov[v].iov_base;
        size_t left = tx->iov[v].iov_len;
        while (left) {
            size_t len = left < m->segment ? left : m->segment;
            struct iovec iov = {at, len};
            struct msghdr msg = {.msg_name = &m->to,
                                 .msg_namelen = addr_size(&m->to),
                                 .msg_iov = &iov,
                                 .msg_iovlen = 1,
                                 .msg_control = m->control_len ? m->control : NULL,
                                 .msg_controllen = m->control_len};
            worker_syscall(w);
            if (sendmsg(fd, &msg, MSG_DONTWAIT) < 0) {
                note_failure(w, m, errno, 1, (uint32_t)len);
            }
            at += len;
            left -= len;
        }
    }
}

static void handle_error(struct worker *w, struct tx_message *m, int fd, int error)
{
    if (m->segment && (error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP)) {
        limit_runs(w, m, error);
        send_singly(w, m, fd);
        return;
    }
    note_failure(w, m, error, m->packets, m->segment ? m->segment : m->bytes);
}

/* Send messages of one listener. Return: false when the socket took no more. */
static bool send_some(struct worker *w, unsigned end, int fd)
{
    struct tx *tx = &w->tx;
    while (tx->message_next < end) {
        worker_syscall(w);
        int n = sendmmsg(fd, &tx->headers[tx->message_next], end - tx->message_next, MSG_DONTWAIT);
        if (n > 0) {
            tx->message_next += (unsigned)n;
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            return false;
        }
        handle_error(w, &tx->messages[tx->message_next], fd, errno);
        tx->message_next++;
    }
    return true;
}

static void block(struct worker *w, const struct listener *l)
{
    struct tx *tx = &w->tx;
    tx->blocked = true;
    tx->blocked_listener = l->id;
    bool reads = l->count > 1 || w->index == (l->id - 1) % w->user->dp.config.workers;
    worker_rewatch(w, listener_fd(l, w->index), WORKER_WATCH_UDP, l->id, reads, true);
    tun_io_pause(w, TUN_IO_PAUSE_SOCKET, true);
}

static void send_messages(struct worker *w)
{
    struct tx *tx = &w->tx;
    while (!tx->blocked && tx->message_next < tx->message_count) {
        uint32_t id = tx->messages[tx->message_next].listener;
        unsigned end = tx->message_next;
        while (end < tx->message_count && tx->messages[end].listener == id) {
            build_header(tx, end++);
        }
        const struct listener *l = listener_get(w->user, id);
        if (!l) {
            worker_drop(w, DP_DROP_SEND, end - tx->message_next);
            tx->message_next = end;
        } else if (!send_some(w, end, listener_fd(l, w->index))) {
            if (w->epoll < 0) { /* the control thread never waits */
                worker_drop(w, DP_DROP_SEND, tx->message_count - tx->message_next);
                tx->message_next = tx->message_count;
            } else {
                block(w, l);
            }
        }
    }
}

static void reset(struct tx *tx)
{
    tx->used = 0;
    tx->count = 0;
    tx->group_count = 0;
    tx->message_count = 0;
    tx->message_next = 0;
    tx->iov_count = 0;
}

/* A bounded rate of outgoing bytes: the device is not read before this batch would have left. @stream: bytes of it that
 * TCP carries. */
static void shape(struct worker *w, uint64_t stream)
{
    uint32_t rate = atomic_load_explicit(&w->user->shaper, memory_order_relaxed);
    uint64_t bytes = stream;
    if (!rate || (!stream && w->tx.message_count == 0)) {
        return;
    }
    for (unsigned i = 0; i < w->tx.message_count; i++) {
        bytes += w->tx.messages[i].bytes + w->tx.messages[i].packets * (IP_V4_HEADER + IP_UDP_HEADER);
    }
    uint64_t now_us = w->now_ms * 1000;
    uint64_t from = w->shaper_until_us > now_us ? w->shaper_until_us : now_us;
    w->shaper_until_us = from + bytes * 1000000 / rate;
}

void tx_flush(struct worker *w)
{
    struct tx *tx = &w->tx;
    if (tx->blocked) {
        return;
    }
    bool several = w->user->dp.config.workers > 1;
    uint64_t stream = 0;
    for (unsigned i = 0; i < tx->group_count; i++) {
        struct tx_group *g = &tx->groups[i];
        bool ordered = several && atomic_load_explicit(&g->peer->tx_ordered, memory_order_relaxed);
        if (ordered) { /* a small replay window: no other worker's ids may come between ours and the wire */
            send_messages(w);
            (void)pthread_mutex_lock(&g->key->tx_lock);
        }
        seal_group(w, g);
        if (g->path->conn) {
            stream += queue_records(w, g);
        } else {
            queue_datagrams(w, g);
        }
        if (ordered) {
            send_messages(w);
            (void)pthread_mutex_unlock(&g->key->tx_lock);
        }
    }
    tx->group_count = 0;
    tx->count = 0;
    shape(w, stream);
    send_messages(w);
    if (!tx->blocked) {
        reset(tx);
    }
}

void tx_resume(struct worker *w)
{
    struct tx *tx = &w->tx;
    const struct listener *l = listener_get(w->user, tx->blocked_listener);
    if (!tx->blocked) {
        return;
    }
    tx->blocked = false;
    if (l) {
        bool reads = l->count > 1 || w->index == (l->id - 1) % w->user->dp.config.workers;
        worker_rewatch(w, listener_fd(l, w->index), WORKER_WATCH_UDP, l->id, reads, false);
    }
    send_messages(w);
    if (!tx->blocked) {
        reset(tx);
        tun_io_pause(w, TUN_IO_PAUSE_SOCKET, false);
    }
}
