/* SPDX-License-Identifier: MIT */
#include "dp/user/user.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/tun_io.h"
#include "dp/user/udp_io.h"
#include "dp/user/worker.h"

/* ------------------------------------------------------------------ instance */

static int make_workers(struct user *u)
{
    unsigned n = u->dp.config.workers;
    for (unsigned i = 0; i < n; i++) {
        int err = worker_new(u, i, true, &u->workers[i]);
        if (err) {
            return err;
        }
    }
    return worker_new(u, n, false, &u->control);
}

static void free_contexts(struct user *u)
{
    for (unsigned i = 0; i < u->dp.config.workers; i++) {
        worker_free(u->workers[i]);
    }
    worker_free(u->control);
}

static int open_user(const struct dp_config *config, struct dp **out)
{
    struct crypto_engines *engines = NULL;
    int err = crypto_engines_new(config->crypto_engine, &engines);
    if (err) {
        return err;
    }
    struct user *u = mem_zalloc(sizeof(*u));
    u->dp.ops = &dp_user_backend;
    u->dp.config = *config;
    u->dp.config.backend = NULL;
    u->dp.config.crypto_engine = NULL;
    u->dp.capabilities = DP_CAP_TAP | DP_CAP_TCP | DP_CAP_CBC | DP_CAP_COMPRESS | DP_CAP_FRAGMENT | DP_CAP_EPOCH |
                         DP_CAP_MOVE;
    u->engines = engines;
    (void)pthread_mutex_init(&u->lock, NULL);
    rcu_domain_init(&u->rcu);
    u->peer_slots = config->mode == DP_MODE_P2P ? 1 : config->max_peers;
    u->peers = mem_array(u->peer_slots, sizeof(u->peers[0]));
    table_init(&u->by_addr, &u->rcu);
    table_init(&u->conns, &u->rcu);
    route_table_init(&u->routes, &u->rcu);
    atomic_init(&u->shaper, config->shaper_bytes_per_s);
    atomic_init(&u->block_ipv6, config->block_ipv6);
    u->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    event_list_init(&u->said, u->event_fd);
    err = u->event_fd < 0 ? -errno : make_workers(u);
    if (err) {
        dp_close(&u->dp);
        return err;
    }
    *out = &u->dp;
    return 0;
}

/* Threads are born when there is something to do, so that the process may still fork before. */
static int start(struct user *u)
{
    if (u->started) {
        return 0;
    }
    int err = rcu_domain_start(&u->rcu);
    for (unsigned i = 0; !err && i < u->dp.config.workers; i++) {
        err = worker_start(u->workers[i]);
    }
    u->started = err == 0;
    return err;
}

static void free_peers(struct user *u)
{
    for (uint32_t i = 0; u->peers && i < u->peer_slots; i++) {
        struct peer *peer = atomic_load(&u->peers[i]);
        if (peer) {
            peer_remove(peer);
        }
    }
}

static void close_user(struct dp *dp)
{
    struct user *u = user_of(dp);
    atomic_store_explicit(&u->stop, true, memory_order_release);
    for (unsigned i = 0; i < u->dp.config.workers; i++) {
        if (u->workers[i]) {
            worker_stop(u->workers[i]);
        }
    }
    free_peers(u);
    for (uint32_t i = 0; i < USER_LISTENERS_MAX; i++) {
        if (atomic_load(&u->listeners[i])) {
            listener_del(u, i + 1);
        }
    }
    struct nat_rules *nat = atomic_load(&u->nat);
    rcu_domain_stop(&u->rcu);
    conn_free_all(u);
    device_free(atomic_load(&u->device));
    route_table_free(&u->routes);
    table_free(&u->by_addr);
    free(nat);
    free(u->peers);
    event_list_free(&u->said);
    if (u->event_fd >= 0) {
        (void)close(u->event_fd);
    }
    free_contexts(u);
    crypto_engines_free(u->engines);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

static const char *describe_device(const struct device *d)
{
    if (!d) {
        return "none";
    }
    if (!d->vnet_header) {
        return "no segmentation offload";
    }
    return !d->gro.tso4 ? "no TSO" : d->gro.uso ? "TSO and USO" : "TSO, no USO";
}

static const char *describe_socket(const struct listener *l)
{
    if (!l) {
        return "no socket";
    }
    return l->gso ? (l->gro ? "GSO, GRO" : "GSO, no GRO") : l->gro ? "no GSO, GRO" : "no GSO, no GRO";
}

static int describe(const struct dp *dp, char *out, size_t cap)
{
    const struct user *u = user_of(dp);
    const struct device *d = atomic_load(&u->device);
    const struct listener *l = NULL;
    for (uint32_t i = 0; i < USER_LISTENERS_MAX && !l; i++) {
        l = atomic_load(&u->listeners[i]);
    }
    bool all = (!d || (d->vnet_header && d->gro.tso4 && d->gro.uso)) && (!l || (l->gso && l->gro));
    const char *why = all ? "" : u->dp.config.no_offload ? " (no-offload)" : " (what is missing is refused by the kernel)";
    return snprintf(out, cap, "data plane: %u worker%s; %s; device: %s, %u queue%s; UDP: %s%s", u->dp.config.workers,
                    u->dp.config.workers == 1 ? "" : "s", crypto_engines_describe(u->engines), describe_device(d),
                    d ? d->queues : 0, d && d->queues == 1 ? "" : "s", describe_socket(l), why);
}

/* ------------------------------------------------------------------ device, settings, transport */

static int attach(struct dp *dp, const struct dp_device *device)
{
    struct user *u = user_of(dp);
    int err = start(u);
    if (err) {
        for (unsigned i = 0; i < device->queues; i++) {
            (void)close(device->fds[i]);
        }
        return err;
    }
    return tun_io_attach(u, device);
}

static void detach(struct dp *dp)
{
    tun_io_detach(user_of(dp));
}

static void set_mtu(struct dp *dp, unsigned mtu)
{
    struct device *d = atomic_load(&user_of(dp)->device);
    if (d) {
        atomic_store(&d->mtu, mtu);
    }
}

static void set_block_ipv6(struct dp *dp, bool on)
{
    atomic_store(&user_of(dp)->block_ipv6, on);
}

static int set_shaper(struct dp *dp, uint32_t bytes_per_s)
{
    atomic_store(&user_of(dp)->shaper, bytes_per_s);
    return 0;
}

static void release_nat(struct rcu_item *item)
{
    free(container_of(item, struct nat_rules, rcu));
}

static int set_nat(struct dp *dp, const struct dp_nat *rules, unsigned count)
{
    struct user *u = user_of(dp);
    struct nat_rules *n = NULL;
    if (count) {
        n = mem_zalloc(sizeof(*n) + count * sizeof(n->rule[0]));
        n->count = count;
    }
    for (unsigned i = 0; i < count; i++) {
        n->rule[i] = (struct nat_rule){.kind = rules[i].snat ? NAT_SOURCE : NAT_DESTINATION,
                                       .network = rules[i].network & rules[i].mask,
                                       .mask = rules[i].mask,
                                       .alias = rules[i].alias & rules[i].mask};
    }
    struct nat_rules *old = atomic_exchange(&u->nat, n);
    if (old) {
        rcu_domain_defer(&u->rcu, &old->rcu, release_nat);
    }
    return 0;
}

static int add_listener(struct dp *dp, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                        const union addr *socks_target, uint32_t *listener)
{
    struct user *u = user_of(dp);
    int err = start(u);
    if (err) {
        for (unsigned i = 0; i < count; i++) {
            (void)close(fds[i]);
        }
        return err;
    }
    return listener_add(u, fds, count, multihome, socks_relay, socks_target, listener);
}

static void del_listener(struct dp *dp, uint32_t listener)
{
    struct user *u = user_of(dp);
    user_lock(u);
    listener_del(u, listener);
    user_unlock(u);
    for (unsigned i = 0; i < u->dp.config.workers; i++) {
        worker_wake(u->workers[i]);
    }
}

static int add_conn(struct dp *dp, int fd, const void *initial, size_t initial_len, uint32_t *conn)
{
    struct user *u = user_of(dp);
    int err = start(u);
    if (err) {
        (void)close(fd);
        return err;
    }
    return conn_add(u, fd, initial, initial_len, conn);
}

static void del_conn(struct dp *dp, uint32_t conn)
{
    struct user *u = user_of(dp);
    worker_clock(u->control);
    user_lock(u);
    conn_del(u, conn);
    user_unlock(u);
}

static int send_ctrl(struct dp *dp, const struct dp_path *path, const void *packet, size_t len)
{
    struct user *u = user_of(dp);
    int err = ERR_NOT_FOUND;
    worker_clock(u->control);
    user_lock(u);
    if (path->conn != DP_NO_CONN) {
        struct conn *c = conn_find(u, path->conn);
        err = c ? conn_send_control(u, c, packet, len) : ERR_NOT_FOUND;
    } else {
        const struct listener *l = listener_get(u, path->listener);
        err = l ? udp_io_send_one(l, path, packet, len) : ERR_NOT_FOUND;
    }
    if (!err) {
        worker_add(&u->control->stats.link_tx_bytes, len);
    }
    user_unlock(u);
    return err;
}

/* ------------------------------------------------------------------ peers and keys */

static uint32_t now_s(struct user *u)
{
    worker_clock(u->control);
    return u->control->now_s;
}

static int new_peer(struct dp *dp, const struct dp_peer *peer)
{
    struct user *u = user_of(dp);
    uint32_t now = now_s(u);
    user_lock(u);
    int err = peer_new(u, peer, now);
    user_unlock(u);
    return err;
}

static int set_peer(struct dp *dp, const struct dp_peer *settings, unsigned fields)
{
    struct user *u = user_of(dp);
    uint32_t now = now_s(u);
    user_lock(u);
    struct peer *peer = peer_find(u, settings->id);
    if (peer) {
        peer_set(peer, settings, fields, now);
    }
    user_unlock(u);
    return peer ? 0 : ERR_NOT_FOUND;
}

static int move_peer(struct dp *dp, uint32_t id, const struct dp_path *path)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    int err = peer ? peer_move(peer, path) : ERR_NOT_FOUND;
    user_unlock(u);
    return err;
}

static void touch_peer(struct dp *dp, uint32_t id, bool received)
{
    struct user *u = user_of(dp);
    uint32_t now = now_s(u);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    if (peer) {
        worker_touch(received ? &peer->last_rx : &peer->last_tx, now);
    }
    user_unlock(u);
}

static int del_peer(struct dp *dp, uint32_t id)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    if (peer) {
        peer_remove(peer);
    }
    user_unlock(u);
    return peer ? 0 : ERR_NOT_FOUND;
}

static int new_key(struct dp *dp, uint32_t id, enum dp_key_slot slot, const struct dp_key *key)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    int err = peer ? peer_key_new(peer, slot, key) : ERR_NOT_FOUND;
    user_unlock(u);
    return err;
}

static int swap_key(struct dp *dp, uint32_t id)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    if (peer) {
        peer_key_swap(peer);
    }
    user_unlock(u);
    return peer ? 0 : ERR_NOT_FOUND;
}

static int del_key(struct dp *dp, uint32_t id, enum dp_key_slot slot)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    if (peer) {
        peer_key_del(peer, slot);
    }
    user_unlock(u);
    return peer ? 0 : ERR_NOT_FOUND;
}

/* ------------------------------------------------------------------ routes, payloads, statistics */

static int add_route(struct dp *dp, const struct dp_route *route, uint32_t id)
{
    struct user *u = user_of(dp);
    uint32_t now = now_s(u);
    struct peer *previous;
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    int err = peer ? route_set(&u->routes, route, peer, false, peer->settings.max_routes, now, &previous)
                   : ERR_NOT_FOUND;
    user_unlock(u);
    return err;
}

static int del_route(struct dp *dp, const struct dp_route *route, uint32_t id)
{
    struct user *u = user_of(dp);
    user_lock(u);
    struct peer *peer = peer_find(u, id);
    int err = peer ? route_clear(&u->routes, route, peer) : ERR_NOT_FOUND;
    user_unlock(u);
    return err;
}

struct visit {
    void (*fn)(const struct dp_route_info *info, void *arg);
    void *arg;
    uint64_t unix_offset; /* UNIX time of monotonic second 0 */
};

static void visit_route(struct table_node *node, void *arg)
{
    const struct route *r = container_of(node, struct route, node);
    const struct visit *v = arg;
    struct dp_route_info info = {.peer = atomic_load(&r->peer)->id, .learnt = r->learnt};
    route_describe(r, &info.route);
    info.last_used_unix_s = v->unix_offset + atomic_load(&r->last_used);
    v->fn(&info, v->arg);
}

static void each_route(struct dp *dp, void (*fn)(const struct dp_route_info *info, void *arg), void *arg)
{
    struct user *u = user_of(dp);
    struct visit v = {.fn = fn, .arg = arg, .unix_offset = (uint64_t)time(NULL) - now_s(u)};
    user_lock(u);
    table_each(&u->routes.table, visit_route, &v);
    user_unlock(u);
}

static int send_payload(struct dp *dp, uint32_t id, const void *payload, size_t len)
{
    struct user *u = user_of(dp);
    (void)now_s(u);
    user_lock(u);
    rcu_reader_start(); /* keys may be replaced by a worker at any time */
    struct peer *peer = peer_find(u, id);
    bool sent = peer && tx_packet(u->control, peer, payload, len, false);
    tx_flush(u->control);
    rcu_reader_stop();
    user_unlock(u);
    return !peer ? ERR_NOT_FOUND : sent ? 0 : ERR_BAD_STATE;
}

static int read_peer_stats(struct dp *dp, uint32_t id, struct dp_peer_stats *out)
{
    struct user *u = user_of(dp);
    user_lock(u);
    const struct peer *peer = peer_find(u, id);
    if (peer) {
        peer_stats_read(peer, out);
    }
    user_unlock(u);
    return peer ? 0 : ERR_NOT_FOUND;
}

static void add_stats(const struct worker *w, struct dp_stats *out)
{
    const struct worker_stats *s = &w->stats;
    out->device_rx_bytes += atomic_load_explicit(&s->device_rx_bytes, memory_order_relaxed);
    out->device_tx_bytes += atomic_load_explicit(&s->device_tx_bytes, memory_order_relaxed);
    out->device_rx_packets += atomic_load_explicit(&s->device_rx_packets, memory_order_relaxed);
    out->device_tx_packets += atomic_load_explicit(&s->device_tx_packets, memory_order_relaxed);
    out->link_rx_bytes += atomic_load_explicit(&s->link_rx_bytes, memory_order_relaxed);
    out->link_tx_bytes += atomic_load_explicit(&s->link_tx_bytes, memory_order_relaxed);
    out->auth_rx_bytes += atomic_load_explicit(&s->auth_rx_bytes, memory_order_relaxed);
    out->syscalls += atomic_load_explicit(&s->syscalls, memory_order_relaxed);
    for (unsigned i = 0; i < DP_DROP_COUNT; i++) {
        out->drops[i] += atomic_load_explicit(&s->drops[i], memory_order_relaxed);
    }
}

static void read_stats(struct dp *dp, struct dp_stats *out)
{
    const struct user *u = user_of(dp);
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < u->dp.config.workers; i++) {
        add_stats(u->workers[i], out);
    }
    add_stats(u->control, out);
}

static int read_worker_stats(struct dp *dp, unsigned index, struct dp_worker_stats *out)
{
    const struct user *u = user_of(dp);
    clockid_t clock;
    struct timespec cpu = {0};
    if (index >= u->dp.config.workers) {
        return ERR_NOT_FOUND;
    }
    const struct worker *w = u->workers[index];
    if (w->running && pthread_getcpuclockid(w->thread, &clock) == 0) {
        (void)clock_gettime(clock, &cpu);
    }
    *out = (struct dp_worker_stats){
        .cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec,
        .link_rx_bytes = atomic_load_explicit(&w->stats.link_rx_bytes, memory_order_relaxed),
        .link_tx_bytes = atomic_load_explicit(&w->stats.link_tx_bytes, memory_order_relaxed),
    };
    return 0;
}

/* ------------------------------------------------------------------ events */

static int event_fd(const struct dp *dp)
{
    return user_of(dp)->event_fd;
}

static struct event_ring *ring_number(struct user *u, unsigned i)
{
    return i < u->dp.config.workers ? &u->workers[i]->ring : &u->control->ring;
}

static unsigned drain(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg, unsigned budget)
{
    struct user *u = user_of(dp);
    uint64_t count;
    (void)!read(u->event_fd, &count, sizeof(count));
    unsigned n = 0;
    struct dp_event said;
    while (n < budget && event_list_pop(&u->said, &said)) {
        fn(&said, arg);
        n++;
    }
    unsigned rings = u->dp.config.workers + 1;
    unsigned idle = 0;
    while (n < budget && idle < rings) { /* in turn, so that a flooded worker does not silence the others */
        struct event_ring *ring = ring_number(u, u->drain_next++ % rings);
        const struct dp_event *event = event_ring_pop(ring);
        if (!event) {
            idle++;
            continue;
        }
        idle = 0;
        fn(event, arg);
        event_ring_done(ring);
        n++;
    }
    if (n == budget) {
        event_wake(u->event_fd);
    }
    return n;
}

const struct dp_backend dp_user_backend = {
    .name = "user",
    .open = open_user,
    .close = close_user,
    .describe = describe,
    .device_attach = attach,
    .device_detach = detach,
    .device_set_mtu = set_mtu,
    .set_block_ipv6 = set_block_ipv6,
    .set_shaper = set_shaper,
    .set_nat = set_nat,
    .listener_add = add_listener,
    .listener_del = del_listener,
    .conn_add = add_conn,
    .conn_del = del_conn,
    .ctrl_send = send_ctrl,
    .peer_new = new_peer,
    .peer_set = set_peer,
    .peer_move = move_peer,
    .peer_touch = touch_peer,
    .peer_del = del_peer,
    .key_new = new_key,
    .key_swap = swap_key,
    .key_del = del_key,
    .route_add = add_route,
    .route_del = del_route,
    .route_each = each_route,
    .payload_send = send_payload,
    .peer_stats = read_peer_stats,
    .stats = read_stats,
    .worker_stats = read_worker_stats,
    .fd = event_fd,
    .drain = drain,
};
