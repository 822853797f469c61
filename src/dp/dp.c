/* SPDX-License-Identifier: MIT */
#include "dp/dp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "dp/backend.h"

#define WORKERS_DEFAULT_MAX 4
#define MTU_MIN 68
#define MTU_MAX 65535

static const struct dp_backend *const backends[] = {&dp_user_backend, &dp_fake_backend};

static const struct dp_backend *find_backend(const char *name)
{
    const char *wanted = name ? name : "user";
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(backends[i]->name, wanted) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

static unsigned default_workers(enum dp_mode mode)
{
    if (mode == DP_MODE_P2P) {
        return 1;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > WORKERS_DEFAULT_MAX ? WORKERS_DEFAULT_MAX : (unsigned)online;
}

static void fill_defaults(struct dp_config *c)
{
    if (!c->workers) {
        c->workers = default_workers(c->mode);
    }
    c->max_peers = c->max_peers ? c->max_peers : 1024;
    c->bcast_buffers = c->bcast_buffers ? c->bcast_buffers : 256;
    c->tcp_queue_limit = c->tcp_queue_limit ? c->tcp_queue_limit : 64;
    c->max_routes_per_peer = c->max_routes_per_peer ? c->max_routes_per_peer : 256;
    c->vlan_pvid = c->vlan_pvid ? c->vlan_pvid : 1;
}

static bool config_valid(const struct dp_config *c)
{
    bool p2p = c->mode == DP_MODE_P2P;
    return (p2p || c->mode == DP_MODE_MULTIPOINT) && (c->device == DP_DEVICE_TUN || c->device == DP_DEVICE_TAP) &&
           c->workers <= DP_WORKERS_MAX && c->max_peers <= DP_PEER_ID_MAX + 1 && c->vlan_pvid <= 4094 &&
           (!c->vlan_tagging || (!p2p && c->device == DP_DEVICE_TAP)) && (p2p || !c->shaper_bytes_per_s);
}

int dp_open(const struct dp_config *config, struct dp **out)
{
    const struct dp_backend *ops = find_backend(config->backend);
    if (!ops) {
        return ERR_UNSUPPORTED;
    }
    if (!config_valid(config)) {
        return -EINVAL;
    }
    struct dp_config full = *config;
    fill_defaults(&full);
    return ops->open(&full, out);
}

void dp_close(struct dp *dp)
{
    if (dp) {
        dp->ops->close(dp);
    }
}

unsigned dp_capabilities(const struct dp *dp)
{
    return dp->capabilities;
}

int dp_describe(const struct dp *dp, char *out, size_t cap)
{
    return dp->ops->describe(dp, out, cap);
}

/* ------------------------------------------------------------------ device, settings, transport */

static void close_fds(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

int dp_device_attach(struct dp *dp, const struct dp_device *device)
{
    bool queues = device->queues >= 1 && device->queues <= dp->config.workers * DP_DEVICE_LANES;
    if (!queues || device->mtu < MTU_MIN || device->mtu > MTU_MAX) {
        close_fds(device->fds, device->queues <= DP_TUN_QUEUES_MAX ? device->queues : 0);
        return -EINVAL;
    }
    return dp->ops->device_attach(dp, device);
}

void dp_device_detach(struct dp *dp)
{
    dp->ops->device_detach(dp);
}

void dp_device_set_mtu(struct dp *dp, unsigned mtu)
{
    if (mtu >= MTU_MIN && mtu <= MTU_MAX) {
        dp->ops->device_set_mtu(dp, mtu);
    }
}

void dp_set_block_ipv6(struct dp *dp, bool on)
{
    dp->ops->set_block_ipv6(dp, on);
}

int dp_set_shaper(struct dp *dp, uint32_t bytes_per_s)
{
    return dp->config.mode == DP_MODE_P2P ? dp->ops->set_shaper(dp, bytes_per_s) : -EINVAL;
}

int dp_set_nat(struct dp *dp, const struct dp_nat *rules, unsigned count)
{
    if (dp->config.mode != DP_MODE_P2P || count > DP_NAT_MAX) {
        return -EINVAL;
    }
    return dp->ops->set_nat(dp, rules, count);
}

int dp_listener_add(struct dp *dp, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                    const union addr *socks_target, uint32_t *listener)
{
    if ((count != 1 && count != dp->config.workers) || !socks_relay != !socks_target) {
        close_fds(fds, count <= DP_WORKERS_MAX ? count : 0);
        return -EINVAL;
    }
    return dp->ops->listener_add(dp, fds, count, multihome, socks_relay, socks_target, listener);
}

void dp_listener_del(struct dp *dp, uint32_t listener)
{
    dp->ops->listener_del(dp, listener);
}

int dp_conn_add(struct dp *dp, int fd, const void *initial, size_t initial_len, uint32_t *conn)
{
    if (fd < 0 || (initial_len && !initial)) {
        return -EINVAL;
    }
    if (!(dp->capabilities & DP_CAP_TCP)) {
        (void)close(fd);
        return ERR_UNSUPPORTED;
    }
    return dp->ops->conn_add(dp, fd, initial, initial_len, conn);
}

void dp_conn_del(struct dp *dp, uint32_t conn)
{
    dp->ops->conn_del(dp, conn);
}

static bool path_valid(const struct dp_path *path)
{
    if (path->conn != DP_NO_CONN) {
        return path->listener == 0;
    }
    return path->listener != 0 && (path->remote.any.sa_family == AF_INET || path->remote.any.sa_family == AF_INET6);
}

int dp_ctrl_send(struct dp *dp, const struct dp_path *path, const void *packet, size_t len)
{
    if (!len || len > DP_CTRL_PACKET_MAX || !path_valid(path)) {
        return -EINVAL;
    }
    return dp->ops->ctrl_send(dp, path, packet, len);
}

/* ------------------------------------------------------------------ peers */

static int check_needs(const struct dp *dp, unsigned needs)
{
    return (dp->capabilities & needs) == needs ? 0 : ERR_UNSUPPORTED;
}

static unsigned peer_needs(const struct dp_peer *peer)
{
    return (peer->framing != DP_FRAMING_NONE ? DP_CAP_COMPRESS : 0u) | (peer->fragment ? DP_CAP_FRAGMENT : 0u) |
           (peer->path.conn != DP_NO_CONN ? DP_CAP_TCP : 0u);
}

static bool peer_fields_valid(const struct dp_peer *peer)
{
    return peer->tx_id <= DP_PEER_ID_NONE && peer->replay_window <= 65536 && peer->replay_seconds <= 600 &&
           peer->mssfix <= 65535 && peer->fragment <= 65535 && peer->vlan_pvid <= 4094 &&
           peer->framing <= DP_FRAMING_LZ4_V2 && peer->mssfix_mode <= DP_MSSFIX_FIXED;
}

int dp_peer_new(struct dp *dp, const struct dp_peer *peer)
{
    unsigned limit = dp->config.mode == DP_MODE_P2P ? DP_PEER_ID_MAX + 1 : dp->config.max_peers;
    if (peer->id >= limit || !path_valid(&peer->path) || !peer_fields_valid(peer) ||
        (peer->fragment && peer->path.conn != DP_NO_CONN)) {
        return -EINVAL;
    }
    int err = check_needs(dp, peer_needs(peer));
    if (err) {
        return err;
    }
    struct dp_peer full = *peer;
    full.max_routes = peer->max_routes ? peer->max_routes : dp->config.max_routes_per_peer;
    return dp->ops->peer_new(dp, &full);
}

int dp_peer_set(struct dp *dp, const struct dp_peer *peer, unsigned fields)
{
    if (!peer_fields_valid(peer)) {
        return -EINVAL;
    }
    unsigned needs = (fields & DP_SET_FRAMING && peer->framing != DP_FRAMING_NONE ? DP_CAP_COMPRESS : 0u) |
                     (fields & DP_SET_FRAGMENT && peer->fragment ? DP_CAP_FRAGMENT : 0u);
    int err = check_needs(dp, needs);
    return err ? err : dp->ops->peer_set(dp, peer, fields);
}

int dp_peer_move(struct dp *dp, uint32_t id, const struct dp_path *path)
{
    if (!path_valid(path)) {
        return -EINVAL;
    }
    int err = check_needs(dp, path->conn != DP_NO_CONN ? DP_CAP_TCP | DP_CAP_MOVE : DP_CAP_MOVE);
    return err ? err : dp->ops->peer_move(dp, id, path);
}

void dp_peer_touch(struct dp *dp, uint32_t id, bool received)
{
    dp->ops->peer_touch(dp, id, received);
}

int dp_peer_del(struct dp *dp, uint32_t id)
{
    return dp->ops->peer_del(dp, id);
}

int dp_key_new(struct dp *dp, uint32_t peer, enum dp_key_slot slot, const struct dp_key *key)
{
    static const unsigned needs[] = {
        [DP_FORMAT_AEAD] = 0, [DP_FORMAT_EPOCH] = DP_CAP_EPOCH, [DP_FORMAT_CBC] = DP_CAP_CBC};
    if (slot > DP_KEY_SECONDARY || key->key_id > 7 || key->format > DP_FORMAT_CBC || !key->cipher ||
        (key->format == DP_FORMAT_CBC && !key->auth)) {
        return -EINVAL;
    }
    int err = check_needs(dp, needs[key->format]);
    return err ? err : dp->ops->key_new(dp, peer, slot, key);
}

int dp_key_swap(struct dp *dp, uint32_t peer)
{
    return dp->ops->key_swap(dp, peer);
}

int dp_key_del(struct dp *dp, uint32_t peer, enum dp_key_slot slot)
{
    return slot > DP_KEY_SECONDARY ? -EINVAL : dp->ops->key_del(dp, peer, slot);
}

/* ------------------------------------------------------------------ routes and the rest */

static bool route_valid(const struct dp *dp, const struct dp_route *route)
{
    if (dp->config.mode != DP_MODE_MULTIPOINT || route->is_mac != (dp->config.device == DP_DEVICE_TAP)) {
        return false;
    }
    if (route->is_mac) {
        return !(route->mac[0] & 1) && route->vlan <= 4095;
    }
    size_t len = ip_len(&route->net.addr);
    return len && route->net.bits <= len * 8;
}

int dp_route_add(struct dp *dp, const struct dp_route *route, uint32_t peer)
{
    return route_valid(dp, route) ? dp->ops->route_add(dp, route, peer) : -EINVAL;
}

int dp_route_del(struct dp *dp, const struct dp_route *route, uint32_t peer)
{
    return route_valid(dp, route) ? dp->ops->route_del(dp, route, peer) : -EINVAL;
}

void dp_route_each(struct dp *dp, void (*fn)(const struct dp_route_info *info, void *arg), void *arg)
{
    dp->ops->route_each(dp, fn, arg);
}

int dp_payload_send(struct dp *dp, uint32_t peer, const void *payload, size_t len)
{
    return len && len <= MTU_MAX ? dp->ops->payload_send(dp, peer, payload, len) : -EINVAL;
}

const char *dp_drop_name(enum dp_drop reason)
{
    static const char *const names[DP_DROP_COUNT] = {
        [DP_DROP_SHORT] = "short",
        [DP_DROP_UNKNOWN_PEER] = "unknown-peer",
        [DP_DROP_UNKNOWN_KEY] = "unknown-key",
        [DP_DROP_AUTH] = "auth",
        [DP_DROP_REPLAY] = "replay",
        [DP_DROP_ADDRESS] = "address",
        [DP_DROP_FRAMING] = "framing",
        [DP_DROP_DECOMPRESS] = "decompress",
        [DP_DROP_FRAGMENT] = "fragment",
        [DP_DROP_INNER] = "inner",
        [DP_DROP_SOURCE] = "source",
        [DP_DROP_NO_ROUTE] = "no-route",
        [DP_DROP_NO_KEY] = "no-key",
        [DP_DROP_TOO_BIG] = "too-big",
        [DP_DROP_QUEUE] = "queue",
        [DP_DROP_RING] = "ring",
        [DP_DROP_DEVICE] = "device",
        [DP_DROP_SEND] = "send",
        [DP_DROP_VLAN] = "vlan",
        [DP_DROP_MAC_LIMIT] = "mac-limit",
        [DP_DROP_KEY_EXHAUSTED] = "key-exhausted",
        [DP_DROP_RECURSIVE] = "recursive",
        [DP_DROP_BLOCKED] = "blocked",
        [DP_DROP_SHAPER] = "shaper",
    };
    return (unsigned)reason < DP_DROP_COUNT ? names[reason] : "unknown";
}

int dp_peer_stats(struct dp *dp, uint32_t peer, struct dp_peer_stats *out)
{
    return dp->ops->peer_stats(dp, peer, out);
}

void dp_stats(struct dp *dp, struct dp_stats *out)
{
    dp->ops->stats(dp, out);
}

int dp_worker_stats(struct dp *dp, unsigned index, struct dp_worker_stats *out)
{
    return dp->ops->worker_stats ? dp->ops->worker_stats(dp, index, out) : ERR_NOT_FOUND;
}

int dp_fd(const struct dp *dp)
{
    return dp->ops->fd(dp);
}

unsigned dp_drain(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg, unsigned budget)
{
    return dp->ops->drain(dp, fn, arg, budget);
}
