/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "dp/user/forward.h"
#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/ether.h"

#define MAC_DESTINATION 0
#define MAC_SOURCE 6
#define MAC_HOLD_S 5   /* a machine that moves to another peer is heard there after so long */
#define VID_PRIORITY 0 /* a tag that carries a priority, but no VLAN */

/* ------------------------------------------------------------------ device to peers */

/* Move the vnet header along with a packet that became four bytes shorter at its front. */
static uint8_t *strip_tag(uint8_t *read, size_t *len)
{
    struct vnet_header vnet;
    memcpy(&vnet, read, sizeof(vnet));
    uint8_t *frame = ether_tag_remove(read + VNET_HEADER_SIZE);
    if (vnet.flags & VNET_NEEDS_CSUM && vnet.csum_start >= ETHER_TAG_SIZE) {
        vnet.csum_start = (uint16_t)(vnet.csum_start - ETHER_TAG_SIZE);
    }
    *len -= ETHER_TAG_SIZE;
    memcpy(frame - VNET_HEADER_SIZE, &vnet, sizeof(vnet));
    return frame - VNET_HEADER_SIZE;
}

/* The VLAN of a frame from the device, and the frame as peers get it. Return: NULL to drop it. */
static uint8_t *take_vlan(const struct dp_config *c, uint8_t *read, size_t *len, uint16_t *vlan)
{
    struct ether_frame frame;
    if (ether_parse(read + VNET_HEADER_SIZE, *len - VNET_HEADER_SIZE, &frame)) {
        return NULL;
    }
    bool tagged = frame.tagged && frame.vid != VID_PRIORITY;
    *vlan = tagged ? frame.vid : c->vlan_pvid;
    if (tagged) {
        return c->vlan_accept == DP_VLAN_ACCEPT_UNTAGGED ? NULL : strip_tag(read, len);
    }
    return c->vlan_accept == DP_VLAN_ACCEPT_TAGGED && !frame.tagged ? NULL : read;
}

void forward_tap_from_device(struct worker *w, uint8_t *read, size_t len)
{
    const struct user *u = w->user;
    uint16_t vlan = 0;
    if (len < VNET_HEADER_SIZE + ETHER_HEADER_SIZE) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    if (u->dp.config.vlan_tagging) {
        read = take_vlan(&u->dp.config, read, &len, &vlan);
        if (!read) {
            worker_drop(w, DP_DROP_VLAN, 1);
            return;
        }
    }
    struct gso_plan plan;
    if (gso_parse(read, len, true, &plan)) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    if (ether_is_group(plan.data)) {
        forward_flood(w, &plan, vlan, NULL);
        return;
    }
    struct route *route = route_find_mac(&u->routes, plan.data + MAC_DESTINATION, vlan);
    if (route) {
        route_touch(route, w->now_s);
        tx_plan(w, atomic_load_explicit(&route->peer, memory_order_acquire), &plan);
    } else {
        worker_drop(w, DP_DROP_NO_ROUTE, plan.segments);
    }
}

/* ------------------------------------------------------------------ peers to the device */

static bool learnable(const struct worker *w, const uint8_t mac[6])
{
    static const uint8_t zero[6];
    const struct device *d = tun_io_device(w);
    return !ether_is_group(mac) && memcmp(mac, zero, 6) != 0 && (!d || memcmp(mac, d->mac, 6) != 0);
}

/* An address whose peer has just sent from it stays with that peer: nobody takes over what is in use. */
static bool in_use(const struct worker *w, const struct route *route)
{
    return w->now_s - atomic_load_explicit(&route->last_source, memory_order_relaxed) < MAC_HOLD_S;
}

/* Remember that a source address lives behind a peer. Return: false when it may not. */
static bool learn(struct worker *w, struct peer *peer, const uint8_t mac[6], uint16_t vlan)
{
    struct user *u = w->user;
    struct route *route = route_find_mac(&u->routes, mac, vlan);
    if (route && atomic_load_explicit(&route->peer, memory_order_acquire) == peer) {
        route_touch(route, w->now_s);
        if (atomic_load_explicit(&route->last_source, memory_order_relaxed) != w->now_s) {
            atomic_store_explicit(&route->last_source, w->now_s, memory_order_relaxed);
        }
        return true;
    }
    if (!learnable(w, mac) || (route && in_use(w, route))) {
        return false;
    }
    struct dp_event event = {.type = DP_EV_LEARNT, .peer = peer->id, .other = DP_PEER_ID_NONE};
    event.route = (struct dp_route){.is_mac = true, .vlan = vlan};
    memcpy(event.route.mac, mac, 6);
    struct peer *previous = NULL;
    int err = 0;
    user_lock(u);
    if (peer_find(u, peer->id) != peer) {
        err = ERR_NOT_FOUND; /* it was removed during this turn */
    } else {
        err = route_set(&u->routes, &event.route, peer, true, peer->settings.max_routes, w->now_s, &previous);
        event.other = previous ? previous->id : DP_PEER_ID_NONE;
        if (!err && !worker_event(w, &event, EVENT_DROPPABLE)) {
            (void)route_clear(&u->routes, &event.route, peer); /* what control does not hear of did not happen */
            err = ERR_LIMIT;
        }
    }
    user_unlock(u);
    return err == 0;
}

/* The frame as the device's side wants it. */
static uint8_t *give_vlan(const struct dp_config *c, uint8_t *data, size_t *len, uint16_t vlan, bool priority_tagged)
{
    bool home = vlan == c->vlan_pvid;
    if (c->vlan_accept == DP_VLAN_ACCEPT_UNTAGGED) {
        return home ? data : NULL;
    }
    if (c->vlan_accept == DP_VLAN_ACCEPT_ALL && home) {
        return data;
    }
    if (priority_tagged) {
        be16_store(data + 14, (uint16_t)((be16_load(data + 14) & 0xF000u) | vlan));
        return data;
    }
    *len += ETHER_TAG_SIZE;
    return ether_tag_insert(data, vlan, 0);
}

static void to_device(struct worker *w, const struct peer *peer, uint8_t *data, size_t len, uint16_t vlan,
                      const struct ether_frame *frame)
{
    forward_clamp(peer, data + frame->l3_offset, len - frame->l3_offset);
    if (w->user->dp.config.vlan_tagging) {
        data = give_vlan(&w->user->dp.config, data, &len, vlan, frame->tagged);
        if (!data) {
            worker_drop(w, DP_DROP_VLAN, 1);
            return;
        }
    }
    rx_to_device(w, data, len);
}

void forward_tap_from_peer(struct worker *w, struct peer *peer, uint8_t *data, size_t len)
{
    const struct user *u = w->user;
    const struct dp_config *c = &u->dp.config;
    struct ether_frame frame;
    if (ether_parse(data, len, &frame)) {
        worker_drop(w, DP_DROP_INNER, 1);
        return;
    }
    uint16_t vlan = 0;
    if (c->vlan_tagging) {
        vlan = atomic_load_explicit(&peer->vlan_pvid, memory_order_relaxed);
        if (frame.tagged && frame.vid != VID_PRIORITY) {
            worker_drop(w, DP_DROP_VLAN, 1);
            return;
        }
    }
    if (!learn(w, peer, data + MAC_SOURCE, vlan)) {
        worker_drop(w, DP_DROP_MAC_LIMIT, 1);
        return;
    }
    if (c->client_to_client) {
        if (ether_is_group(data)) {
            struct gso_plan plan = forward_plan_single(data, len);
            forward_flood(w, &plan, vlan, peer);
        } else {
            struct route *route = route_find_mac(&u->routes, data + MAC_DESTINATION, vlan);
            if (route) {
                struct peer *to = atomic_load_explicit(&route->peer, memory_order_acquire);
                route_touch(route, w->now_s);
                forward_clamp(to, data + frame.l3_offset, len - frame.l3_offset);
                if (!tx_packet(w, to, data, len, true)) {
                    worker_drop(w, DP_DROP_NO_KEY, 1);
                }
                return;
            }
        }
    }
    to_device(w, peer, data, len, vlan, &frame);
}
