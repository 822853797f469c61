/* SPDX-License-Identifier: MIT */
#include "dp/user/forward.h"

#include <string.h>

#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/mss.h"

#define IP4_SOURCE 12
#define IP4_DESTINATION 16
#define IP6_SOURCE 8
#define IP6_DESTINATION 24
#define TCP_FLAGS 13

static const uint8_t *ip_source(const uint8_t *ip)
{
    return ip + (ip[0] >> 4 == 4 ? IP4_SOURCE : IP6_SOURCE);
}

static const uint8_t *ip_destination(const uint8_t *ip)
{
    return ip + (ip[0] >> 4 == 4 ? IP4_DESTINATION : IP6_DESTINATION);
}

static bool is_multicast(const uint8_t *ip)
{
    const uint8_t *to = ip_destination(ip);
    return ip[0] >> 4 == 4 ? (to[0] & 0xF0) == 0xE0 : to[0] == 0xFF;
}

struct gso_plan forward_plan_single(const uint8_t *data, size_t len)
{
    return (struct gso_plan){.data = data, .len = (uint32_t)len, .segments = 1};
}

void forward_clamp(const struct peer *peer, uint8_t *ip, size_t len)
{
    unsigned mss = atomic_load_explicit(&peer->mss, memory_order_relaxed);
    size_t header = 0;
    if (len > IP_V4_HEADER + TCP_FLAGS && ip[0] >> 4 == 4 && ip[9] == IP_PROTO_TCP) {
        header = (ip[0] & 0xFu) * 4u;
    } else if (len > IP_V6_HEADER + TCP_FLAGS && ip[0] >> 4 == 6 && ip[6] == IP_PROTO_TCP) {
        header = IP_V6_HEADER;
    }
    if (mss && header && header + TCP_FLAGS < len && ip[header + TCP_FLAGS] & IP_TCP_SYN) {
        (void)mss_clamp(ip, len, mss);
    }
}

void forward_flood(struct worker *w, const struct gso_plan *plan, uint16_t vlan, const struct peer *except)
{
    const struct user *u = w->user;
    uint32_t high = atomic_load_explicit(&u->peer_high, memory_order_relaxed);
    for (uint32_t i = 0; i < high; i++) {
        struct peer *peer = atomic_load_explicit(&u->peers[i], memory_order_acquire);
        if (!peer || peer == except || peer->no_broadcast || !peer_tx_key(peer)) {
            continue;
        }
        if (vlan && atomic_load_explicit(&peer->vlan_pvid, memory_order_relaxed) != vlan) {
            continue;
        }
        tx_plan(w, peer, plan);
    }
}

/* ------------------------------------------------------------------ device to peers */

/* block-ipv6 on the device's side: tell the local stack at once. */
static bool blocked6(struct worker *w, const struct device *d, const struct gso_plan *plan)
{
    if (!plan->is_ip || plan->ip.version != 6 ||
        !atomic_load_explicit(&w->user->block_ipv6, memory_order_relaxed) || d->tap) {
        return false;
    }
    uint8_t answer[ICMP_ANSWER_MAX];
    size_t len = icmp_unreachable6(plan->data, plan->len, &d->local6, answer);
    if (len) {
        tun_io_write(w, answer, len);
    }
    worker_drop(w, DP_DROP_BLOCKED, plan->segments);
    return true;
}

/* A tunnelled packet to the peer's own outer address and port would go round in circles. */
static bool recursive(const struct worker *w, const struct peer *peer, const struct gso_plan *plan)
{
    if (w->user->dp.config.allow_recursive_routing || !plan->is_ip) {
        return false;
    }
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    const union addr *remote = &path->where.remote;
    const uint8_t *ip = plan->data + plan->l3_offset;
    uint8_t proto = path->conn ? IP_PROTO_TCP : IP_PROTO_UDP;
    if (plan->ip.proto != proto || !plan->ip.l4_header_len) {
        return false;
    }
    bool same = plan->ip.version == 4
                    ? remote->any.sa_family == AF_INET && memcmp(ip + IP4_DESTINATION, &remote->v4.sin_addr, 4) == 0
                    : remote->any.sa_family == AF_INET6 && memcmp(ip + IP6_DESTINATION, &remote->v6.sin6_addr, 16) == 0;
    return same && be16_load(ip + plan->ip.header_len + 2) == addr_port(remote);
}

static void route_tun(struct worker *w, const struct gso_plan *plan)
{
    const struct user *u = w->user;
    if (!plan->is_ip) {
        worker_drop(w, DP_DROP_INNER, plan->segments);
        return;
    }
    if (is_multicast(plan->data)) {
        forward_flood(w, plan, 0, NULL);
        return;
    }
    struct peer *peer = route_find_ip(&u->routes, ip_destination(plan->data), plan->ip.version, w->now_s);
    if (peer) {
        tx_plan(w, peer, plan);
    } else {
        worker_drop(w, DP_DROP_NO_ROUTE, plan->segments);
    }
}

bool forward_has_many(const struct worker *w)
{
    const struct user *u = w->user;
    return u->dp.config.mode == DP_MODE_MULTIPOINT && u->dp.config.device == DP_DEVICE_TUN && route_many(&u->routes);
}

void forward_prefetch(const struct worker *w, const struct tun_packet *packets, unsigned n)
{
    struct route_target targets[ROUTE_PREFETCH_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *ip = packets[i].vnet + VNET_HEADER_SIZE;
        size_t len = packets[i].len - VNET_HEADER_SIZE;
        if (len >= IP_V4_HEADER && ip[0] >> 4 == 4) {
            targets[count++] = (struct route_target){ip + IP4_DESTINATION, 4};
        } else if (len >= IP_V6_HEADER && ip[0] >> 4 == 6) {
            targets[count++] = (struct route_target){ip + IP6_DESTINATION, 6};
        }
    }
    route_prefetch(&w->user->routes, targets, count);
}

void forward_from_device(struct worker *w, const struct device *device, uint8_t *read, size_t len)
{
    const struct user *u = w->user;
    if (device->tap && u->dp.config.mode == DP_MODE_MULTIPOINT) {
        forward_tap_from_device(w, read, len);
        return;
    }
    struct gso_plan plan;
    if (gso_parse(read, len, device->tap, &plan)) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    if (blocked6(w, device, &plan)) {
        return;
    }
    if (u->dp.config.mode == DP_MODE_MULTIPOINT) {
        route_tun(w, &plan);
        return;
    }
    struct peer *peer = atomic_load_explicit(&u->peers[0], memory_order_acquire);
    if (!peer) {
        worker_drop(w, DP_DROP_NO_ROUTE, plan.segments);
    } else if (recursive(w, peer, &plan)) {
        worker_drop(w, DP_DROP_RECURSIVE, plan.segments);
    } else {
        tx_plan(w, peer, &plan);
    }
}

/* ------------------------------------------------------------------ peers to the device */

static void from_only_peer(struct worker *w, struct peer *peer, uint8_t *data, size_t len)
{
    bool tap = w->user->dp.config.device == DP_DEVICE_TAP;
    size_t l3 = 0;
    if (tap) {
        struct ether_frame frame;
        if (ether_parse(data, len, &frame)) {
            worker_drop(w, DP_DROP_INNER, 1);
            return;
        }
        l3 = frame.l3_offset;
    } else if (!ip_routable(data, len)) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    forward_clamp(peer, data + l3, len - l3);
    const struct nat_rules *nat = atomic_load_explicit(&w->user->nat, memory_order_acquire);
    if (nat) {
        (void)nat_apply(nat->rule, nat->count, NAT_FROM_TUNNEL, data + l3, len - l3);
    }
    rx_to_device(w, data, len);
}

/* Packets of one batch mostly have one source: it is looked up once. */
static bool source_allowed(struct worker *w, const struct peer *peer, const uint8_t *ip)
{
    struct rx_known *known = &w->rx.known;
    unsigned version = ip[0] >> 4;
    size_t len = version == 4 ? 4 : 16;
    if (known->peer == peer && known->version == version && memcmp(known->source, ip_source(ip), len) == 0) {
        return true;
    }
    if (route_find_ip(&w->user->routes, ip_source(ip), version, w->now_s) != peer) {
        return false;
    }
    known->peer = peer;
    known->version = (uint8_t)version;
    memcpy(known->source, ip_source(ip), len);
    return true;
}

/* block-ipv6 on the server's side: answer through the tunnel. */
static bool refused6(struct worker *w, struct peer *peer, const uint8_t *ip, size_t len)
{
    if (ip[0] >> 4 != 6 || !atomic_load_explicit(&w->user->block_ipv6, memory_order_relaxed)) {
        return false;
    }
    const struct device *d = tun_io_device(w);
    struct ip_addr from = d ? d->local6 : (struct ip_addr){0};
    uint8_t answer[ICMP_ANSWER_MAX];
    size_t answer_len = icmp_unreachable6(ip, len, &from, answer);
    if (answer_len) {
        (void)tx_packet(w, peer, answer, answer_len, true);
    }
    worker_drop(w, DP_DROP_BLOCKED, 1);
    return true;
}

void forward_from_peer(struct worker *w, struct peer *peer, uint8_t *data, size_t len)
{
    const struct user *u = w->user;
    if (u->dp.config.mode == DP_MODE_P2P) {
        from_only_peer(w, peer, data, len);
        return;
    }
    if (u->dp.config.device == DP_DEVICE_TAP) {
        forward_tap_from_peer(w, peer, data, len);
        return;
    }
    if (!ip_routable(data, len)) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    if (refused6(w, peer, data, len)) {
        return;
    }
    if (!source_allowed(w, peer, data)) {
        worker_drop(w, DP_DROP_SOURCE, 1);
        return;
    }
    if (u->dp.config.client_to_client) {
        if (is_multicast(data)) {
            struct gso_plan plan = forward_plan_single(data, len);
            forward_flood(w, &plan, 0, peer);
        } else {
            struct peer *to = route_find_ip(&u->routes, ip_destination(data), data[0] >> 4, w->now_s);
            if (to) {
                forward_clamp(to, data, len);
                if (!tx_packet(w, to, data, len, true)) {
                    worker_drop(w, DP_DROP_NO_KEY, 1);
                }
                return;
            }
        }
    }
    forward_clamp(peer, data, len);
    rx_to_device(w, data, len);
}
