/* SPDX-License-Identifier: MIT */
#include "dp/fake/fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/secret.h"
#include "dp/backend.h"

#define OP_COUNT (DP_FAKE_PAYLOAD_SEND + 1)

struct fake_key {
    bool set;
    struct dp_key key;
    char cipher[40];
    char auth[40];
};

struct fake_peer {
    struct list node;
    struct dp_peer peer;
    struct fake_key keys[2];
    struct dp_peer_stats stats;
};

struct fake_route {
    struct list node;
    struct dp_route route;
    uint32_t peer;
};

struct fake_event {
    struct list node;
    struct dp_event event;
    uint8_t data[];
};

struct fake {
    struct dp dp;
    int fd;
    struct list peers;
    struct list routes;
    struct list events;
    struct dp_fake_call **calls;
    size_t call_count;
    uint32_t next_handle;
    struct {
        int err;
        unsigned times;
    } failures[OP_COUNT];
};

static struct fake *fake_of(const struct dp *dp)
{
    return container_of(dp, struct fake, dp);
}

/* ------------------------------------------------------------------ records */

static struct dp_fake_call *record(struct dp *dp, enum dp_fake_op op, uint32_t id)
{
    struct fake *f = fake_of(dp);
    struct dp_fake_call *call = mem_zalloc(sizeof(*call));
    call->op = op;
    call->id = id;
    f->calls = mem_grow(f->calls, f->call_count + 1, sizeof(struct dp_fake_call *));
    f->calls[f->call_count++] = call;
    if (f->failures[op].times) {
        f->failures[op].times--;
        call->result = f->failures[op].err;
    }
    return call;
}

static void record_data(struct dp_fake_call *call, const void *data, size_t len)
{
    if (len) {
        call->data = mem_array(len, 1);
        memcpy(call->data, data, len);
        call->len = len;
    }
}

static void copy_key(const struct dp_key *from, struct dp_key *to, char cipher[40], char auth[40])
{
    *to = *from;
    (void)snprintf(cipher, 40, "%s", from->cipher);
    (void)snprintf(auth, 40, "%s", from->auth ? from->auth : "");
    to->cipher = cipher;
    to->auth = from->auth ? auth : NULL;
}

size_t dp_fake_calls(const struct dp *dp)
{
    return fake_of(dp)->call_count;
}

const struct dp_fake_call *dp_fake_call(const struct dp *dp, size_t i)
{
    const struct fake *f = fake_of(dp);
    return i < f->call_count ? f->calls[i] : NULL;
}

const struct dp_fake_call *dp_fake_last(const struct dp *dp, enum dp_fake_op op)
{
    const struct fake *f = fake_of(dp);
    for (size_t i = f->call_count; i > 0; i--) {
        if (f->calls[i - 1]->op == op) {
            return f->calls[i - 1];
        }
    }
    return NULL;
}

size_t dp_fake_count(const struct dp *dp, enum dp_fake_op op)
{
    const struct fake *f = fake_of(dp);
    size_t n = 0;
    for (size_t i = 0; i < f->call_count; i++) {
        n += f->calls[i]->op == op;
    }
    return n;
}

void dp_fake_forget(struct dp *dp)
{
    struct fake *f = fake_of(dp);
    for (size_t i = 0; i < f->call_count; i++) {
        free(f->calls[i]->data);
        secret_wipe(f->calls[i], sizeof(*f->calls[i]));
        free(f->calls[i]);
    }
    free(f->calls);
    f->calls = NULL;
    f->call_count = 0;
}

void dp_fake_fail(struct dp *dp, enum dp_fake_op op, int err, unsigned times)
{
    fake_of(dp)->failures[op].err = err;
    fake_of(dp)->failures[op].times = times;
}

void dp_fake_capabilities(struct dp *dp, unsigned capabilities)
{
    dp->capabilities = capabilities;
}

void dp_fake_event(struct dp *dp, const struct dp_event *event)
{
    struct fake *f = fake_of(dp);
    struct fake_event *e = mem_zalloc(sizeof(*e) + event->len);
    e->event = *event;
    if (event->len) {
        memcpy(e->data, event->data, event->len);
        e->event.data = e->data;
    }
    list_push(&f->events, &e->node);
    uint64_t one = 1;
    (void)!write(f->fd, &one, sizeof(one));
}

/* ------------------------------------------------------------------ state */

static struct fake_peer *find_peer(const struct dp *dp, uint32_t id)
{
    struct fake *f = fake_of(dp);
    list_for(node, next, &f->peers) {
        struct fake_peer *p = container_of(node, struct fake_peer, node);
        if (p->peer.id == id) {
            return p;
        }
    }
    return NULL;
}

static bool route_equal(const struct dp_route *a, const struct dp_route *b)
{
    if (a->is_mac != b->is_mac) {
        return false;
    }
    if (a->is_mac) {
        return memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && a->vlan == b->vlan;
    }
    return a->net.bits == b->net.bits && ip_equal(&a->net.addr, &b->net.addr);
}

static struct fake_route *find_route(const struct dp *dp, const struct dp_route *route)
{
    struct fake *f = fake_of(dp);
    list_for(node, next, &f->routes) {
        struct fake_route *r = container_of(node, struct fake_route, node);
        if (route_equal(&r->route, route)) {
            return r;
        }
    }
    return NULL;
}

const struct dp_peer *dp_fake_peer(const struct dp *dp, uint32_t id)
{
    const struct fake_peer *p = find_peer(dp, id);
    return p ? &p->peer : NULL;
}

const struct dp_key *dp_fake_key(const struct dp *dp, uint32_t id, enum dp_key_slot slot)
{
    const struct fake_peer *p = find_peer(dp, id);
    return p && p->keys[slot].set ? &p->keys[slot].key : NULL;
}

uint32_t dp_fake_route(const struct dp *dp, const struct dp_route *route)
{
    const struct fake_route *r = find_route(dp, route);
    return r ? r->peer : DP_PEER_ID_NONE;
}

void dp_fake_set_stats(struct dp *dp, uint32_t id, const struct dp_peer_stats *stats)
{
    struct fake_peer *p = find_peer(dp, id);
    if (p) {
        p->stats = *stats;
    }
}

static void drop_peer(struct dp *dp, struct fake_peer *p)
{
    struct fake *f = fake_of(dp);
    list_for(node, next, &f->routes) {
        struct fake_route *r = container_of(node, struct fake_route, node);
        if (r->peer == p->peer.id) {
            list_remove(node);
            free(r);
        }
    }
    list_remove(&p->node);
    secret_wipe(p, sizeof(*p));
    free(p);
}

/* ------------------------------------------------------------------ the back end's calls */

static int fake_open(const struct dp_config *config, struct dp **out)
{
    struct fake *f = mem_zalloc(sizeof(*f));
    f->dp.ops = &dp_fake_backend;
    f->dp.config = *config;
    f->dp.capabilities = DP_CAP_TAP | DP_CAP_TCP | DP_CAP_CBC | DP_CAP_COMPRESS | DP_CAP_FRAGMENT | DP_CAP_EPOCH |
                         DP_CAP_MOVE;
    list_init(&f->peers);
    list_init(&f->routes);
    list_init(&f->events);
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->fd < 0) {
        int err = -errno;
        free(f);
        return err;
    }
    *out = &f->dp;
    return 0;
}

static void fake_close(struct dp *dp)
{
    struct fake *f = fake_of(dp);
    list_for(node, next, &f->peers) {
        drop_peer(dp, container_of(node, struct fake_peer, node));
    }
    list_for(event_node, event_next, &f->events) {
        list_remove(event_node);
        free(container_of(event_node, struct fake_event, node));
    }
    dp_fake_forget(dp);
    (void)close(f->fd);
    free(f);
}

static int fake_describe(const struct dp *dp, char *out, size_t cap)
{
    (void)dp;
    return snprintf(out, cap, "data plane: fake");
}

static int fake_device_attach(struct dp *dp, const struct dp_device *device)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_DEVICE_ATTACH, 0);
    call->device = *device;
    for (unsigned i = 0; i < device->queues; i++) {
        (void)close(device->fds[i]);
    }
    return call->result;
}

static void fake_device_detach(struct dp *dp)
{
    (void)record(dp, DP_FAKE_DEVICE_DETACH, 0);
}

static void fake_device_set_mtu(struct dp *dp, unsigned mtu)
{
    record(dp, DP_FAKE_DEVICE_SET_MTU, 0)->value = mtu;
}

static void fake_set_block_ipv6(struct dp *dp, bool on)
{
    record(dp, DP_FAKE_SET_BLOCK_IPV6, 0)->flag = on;
}

static int fake_set_shaper(struct dp *dp, uint32_t bytes_per_s)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_SET_SHAPER, 0);
    call->value = bytes_per_s;
    return call->result;
}

static int fake_set_nat(struct dp *dp, const struct dp_nat *rules, unsigned count)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_SET_NAT, 0);
    call->value = count;
    record_data(call, rules, count * sizeof(*rules));
    return call->result;
}

static int fake_listener_add(struct dp *dp, const int *fds, unsigned count, enum dp_multihome multihome,
                             const union addr *socks_relay, const union addr *socks_target, uint32_t *listener)
{
    (void)socks_relay;
    (void)socks_target;
    struct dp_fake_call *call = record(dp, DP_FAKE_LISTENER_ADD, 0);
    call->flag = multihome != DP_MULTIHOME_OFF;
    for (unsigned i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
    if (call->result == 0) {
        call->id = *listener = ++fake_of(dp)->next_handle;
    }
    return call->result;
}

static void fake_listener_del(struct dp *dp, uint32_t listener)
{
    (void)record(dp, DP_FAKE_LISTENER_DEL, listener);
}

static int fake_conn_add(struct dp *dp, int fd, const void *initial, size_t initial_len, uint32_t *conn)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_CONN_ADD, 0);
    record_data(call, initial, initial_len);
    (void)close(fd);
    if (call->result == 0) {
        call->id = *conn = ++fake_of(dp)->next_handle;
    }
    return call->result;
}

static void fake_conn_del(struct dp *dp, uint32_t conn)
{
    (void)record(dp, DP_FAKE_CONN_DEL, conn);
}

static int fake_ctrl_send(struct dp *dp, const struct dp_path *path, const void *packet, size_t len)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_CTRL_SEND, path->conn ? path->conn : path->listener);
    call->path = *path;
    record_data(call, packet, len);
    return call->result;
}

static int fake_peer_new(struct dp *dp, const struct dp_peer *peer)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_PEER_NEW, peer->id);
    call->peer = *peer;
    if (call->result == 0 && find_peer(dp, peer->id)) {
        call->result = -EEXIST;
    }
    if (call->result == 0) {
        struct fake_peer *p = mem_zalloc(sizeof(*p));
        p->peer = *peer;
        list_push(&fake_of(dp)->peers, &p->node);
    }
    return call->result;
}

static void apply_fields(struct dp_peer *to, const struct dp_peer *from, unsigned fields)
{
    struct dp_peer old = *to;
    *to = *from;
    to->path = old.path;
    if (!(fields & DP_SET_KEEPALIVE)) {
        to->keepalive_interval_s = old.keepalive_interval_s;
        to->keepalive_timeout_s = old.keepalive_timeout_s;
    }
    if (!(fields & DP_SET_MSSFIX)) {
        to->mssfix = old.mssfix;
        to->mssfix_mode = old.mssfix_mode;
    }
    if (!(fields & DP_SET_FRAMING)) {
        to->framing = old.framing;
        to->compress_tx = old.compress_tx;
    }
    if (!(fields & DP_SET_FRAGMENT)) {
        to->fragment = old.fragment;
        to->fragment_mtu = old.fragment_mtu;
    }
    if (!(fields & DP_SET_TX_ID)) {
        to->tx_id = old.tx_id;
        to->data_v1 = old.data_v1;
    }
    if (!(fields & DP_SET_INACTIVE)) {
        to->inactive_s = old.inactive_s;
        to->inactive_bytes = old.inactive_bytes;
    }
    if (!(fields & DP_SET_REPLAY)) {
        to->replay_window = old.replay_window;
        to->replay_seconds = old.replay_seconds;
        to->replay_strict = old.replay_strict;
    }
    if (!(fields & DP_SET_VLAN)) {
        to->vlan_pvid = old.vlan_pvid;
    }
    to->tx_ordered = old.tx_ordered;
    to->may_float = old.may_float;
    to->bcast = old.bcast;
}

static int fake_peer_set(struct dp *dp, const struct dp_peer *peer, unsigned fields)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_PEER_SET, peer->id);
    call->peer = *peer;
    call->fields = fields;
    struct fake_peer *p = find_peer(dp, peer->id);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        apply_fields(&p->peer, peer, fields);
    }
    return call->result;
}

static int fake_peer_move(struct dp *dp, uint32_t id, const struct dp_path *path)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_PEER_MOVE, id);
    call->path = *path;
    struct fake_peer *p = find_peer(dp, id);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        p->peer.path = *path;
    }
    return call->result;
}

static void fake_peer_touch(struct dp *dp, uint32_t id, bool received)
{
    record(dp, DP_FAKE_PEER_TOUCH, id)->flag = received;
}

static int fake_peer_del(struct dp *dp, uint32_t id)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_PEER_DEL, id);
    struct fake_peer *p = find_peer(dp, id);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        struct dp_event gone = {
            .type = DP_EV_PEER_GONE, .peer = id, .reason = DP_GONE_DELETED, .other = DP_PEER_ID_NONE, .stats = p->stats};
        drop_peer(dp, p);
        dp_fake_event(dp, &gone);
    }
    return call->result;
}

static int fake_key_new(struct dp *dp, uint32_t peer, enum dp_key_slot slot, const struct dp_key *key)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_KEY_NEW, peer);
    call->slot = slot;
    copy_key(key, &call->key, call->cipher, call->auth);
    struct fake_peer *p = find_peer(dp, peer);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        copy_key(key, &p->keys[slot].key, p->keys[slot].cipher, p->keys[slot].auth);
        p->keys[slot].set = true;
    }
    return call->result;
}

static int fake_key_swap(struct dp *dp, uint32_t peer)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_KEY_SWAP, peer);
    struct fake_peer *p = find_peer(dp, peer);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        struct fake_key primary = p->keys[0];
        p->keys[0] = p->keys[1];
        p->keys[1] = primary;
        for (unsigned i = 0; i < 2; i++) {
            p->keys[i].key.cipher = p->keys[i].cipher;
            p->keys[i].key.auth = p->keys[i].key.auth ? p->keys[i].auth : NULL;
        }
        secret_wipe(&primary, sizeof(primary));
    }
    return call->result;
}

static int fake_key_del(struct dp *dp, uint32_t peer, enum dp_key_slot slot)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_KEY_DEL, peer);
    call->slot = slot;
    struct fake_peer *p = find_peer(dp, peer);
    if (call->result == 0 && !p) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        secret_wipe(&p->keys[slot], sizeof(p->keys[slot]));
    }
    return call->result;
}

static int fake_route_add(struct dp *dp, const struct dp_route *route, uint32_t peer)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_ROUTE_ADD, peer);
    call->route = *route;
    if (call->result == 0 && !find_peer(dp, peer)) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        struct fake_route *r = find_route(dp, route);
        if (!r) {
            r = mem_zalloc(sizeof(*r));
            r->route = *route;
            list_push(&fake_of(dp)->routes, &r->node);
        }
        r->peer = peer;
    }
    return call->result;
}

static int fake_route_del(struct dp *dp, const struct dp_route *route, uint32_t peer)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_ROUTE_DEL, peer);
    call->route = *route;
    struct fake_route *r = find_route(dp, route);
    if (call->result == 0 && (!r || r->peer != peer)) {
        call->result = ERR_NOT_FOUND;
    }
    if (call->result == 0) {
        list_remove(&r->node);
        free(r);
    }
    return call->result;
}

static void fake_route_each(struct dp *dp, void (*fn)(const struct dp_route_info *info, void *arg), void *arg)
{
    struct fake *f = fake_of(dp);
    list_for(node, next, &f->routes) {
        const struct fake_route *r = container_of(node, struct fake_route, node);
        struct dp_route_info info = {.route = r->route, .peer = r->peer};
        fn(&info, arg);
    }
}

static int fake_payload_send(struct dp *dp, uint32_t peer, const void *payload, size_t len)
{
    struct dp_fake_call *call = record(dp, DP_FAKE_PAYLOAD_SEND, peer);
    record_data(call, payload, len);
    return call->result;
}

static int fake_peer_stats(struct dp *dp, uint32_t peer, struct dp_peer_stats *out)
{
    const struct fake_peer *p = find_peer(dp, peer);
    if (!p) {
        return ERR_NOT_FOUND;
    }
    *out = p->stats;
    return 0;
}

static void fake_stats(struct dp *dp, struct dp_stats *out)
{
    (void)dp;
    *out = (struct dp_stats){0};
}

static int fake_fd(const struct dp *dp)
{
    return fake_of(dp)->fd;
}

static unsigned fake_drain(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg,
                           unsigned budget)
{
    struct fake *f = fake_of(dp);
    unsigned n = 0;
    while (n < budget && !list_empty(&f->events)) {
        struct fake_event *e = container_of(f->events.next, struct fake_event, node);
        list_remove(&e->node);
        fn(&e->event, arg);
        free(e);
        n++;
    }
    if (list_empty(&f->events)) {
        uint64_t count;
        (void)!read(f->fd, &count, sizeof(count));
    }
    return n;
}

const struct dp_backend dp_fake_backend = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .describe = fake_describe,
    .device_attach = fake_device_attach,
    .device_detach = fake_device_detach,
    .device_set_mtu = fake_device_set_mtu,
    .set_block_ipv6 = fake_set_block_ipv6,
    .set_shaper = fake_set_shaper,
    .set_nat = fake_set_nat,
    .listener_add = fake_listener_add,
    .listener_del = fake_listener_del,
    .conn_add = fake_conn_add,
    .conn_del = fake_conn_del,
    .ctrl_send = fake_ctrl_send,
    .peer_new = fake_peer_new,
    .peer_set = fake_peer_set,
    .peer_move = fake_peer_move,
    .peer_touch = fake_peer_touch,
    .peer_del = fake_peer_del,
    .key_new = fake_key_new,
    .key_swap = fake_key_swap,
    .key_del = fake_key_del,
    .route_add = fake_route_add,
    .route_del = fake_route_del,
    .route_each = fake_route_each,
    .payload_send = fake_payload_send,
    .peer_stats = fake_peer_stats,
    .stats = fake_stats,
    .fd = fake_fd,
    .drain = fake_drain,
};
