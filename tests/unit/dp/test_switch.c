/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/span.h"
#include "rig.h"

/* TAP on a server: a switch that learns which peer a MAC address is behind. */

static struct rig rig;
static uint8_t frame[200];

static const uint8_t client_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 3};
static const uint8_t server_mac[6] = {2, 0, 0, 0, 0, 0xEE}; /* the rig's device */
static const uint8_t broadcast[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

static void init(void)
{
    rig_init(&rig);
    rig.s.config.device = rig.c.config.device = DP_DEVICE_TAP;
}

/* An ARP-like frame; @vid 0: untagged. */
static size_t build(const uint8_t to[6], const uint8_t from[6], unsigned vid, uint8_t fill)
{
    size_t at = 12;
    memset(frame, fill, sizeof(frame));
    memcpy(frame, to, 6);
    memcpy(frame + 6, from, 6);
    if (vid) {
        be16_store(frame + at, 0x8100);
        be16_store(frame + at + 2, (uint16_t)vid);
        at += 4;
    }
    be16_store(frame + at, 0x0806);
    return 100;
}

static void up(const uint8_t to[6], const uint8_t from[6], uint8_t fill)
{
    size_t len = build(to, from, 0, fill);
    rig_carry(&rig, &rig.c, &rig.s, frame, len);
}

Test(switch, learns_and_forwards)
{
    init();
    rig_start(&rig);
    size_t len = build(client_mac, server_mac, 0, 1);
    rig_send(&rig, &rig.s, frame, len);
    rig_await_drops(&rig.s, DP_DROP_NO_ROUTE, 1);
    up(broadcast, client_mac, 2);
    struct dp_event e = rig_event(&rig.s, DP_EV_LEARNT);
    cr_assert_eq(e.peer, 5);
    cr_assert(e.route.is_mac);
    cr_assert_arr_eq(e.route.mac, client_mac, 6);
    len = build(client_mac, server_mac, 0, 3);
    rig_carry(&rig, &rig.s, &rig.c, frame, len);
    len = build(broadcast, server_mac, 0, 4);
    rig_carry(&rig, &rig.s, &rig.c, frame, len);
    rig_stop(&rig);
}

Test(switch, limits_what_a_peer_may_teach)
{
    init();
    rig.s.config.max_routes_per_peer = 1;
    rig_start(&rig);
    up(broadcast, client_mac, 1);
    size_t len = build(broadcast, other_mac, 0, 2);
    rig_send(&rig, &rig.c, frame, len);
    rig_await_drops(&rig.s, DP_DROP_MAC_LIMIT, 1);
    len = build(broadcast, server_mac, 0, 3);
    rig_send(&rig, &rig.c, frame, len);
    rig_await_drops(&rig.s, DP_DROP_MAC_LIMIT, 2); /* nobody is behind a peer with the server's own address */
    up(broadcast, client_mac, 4);
    rig_stop(&rig);
}

Test(switch, short_frames_are_refused)
{
    init();
    rig_start(&rig);
    build(broadcast, client_mac, 0, 1);
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, frame, 13), 0);
    rig_await_drops(&rig.s, DP_DROP_INNER, 1);
    rig_stop(&rig);
}

static void start_vlans(enum dp_vlan_accept accept)
{
    init();
    rig.s.config.vlan_tagging = true;
    rig.s.config.vlan_accept = accept;
    rig.s.config.vlan_pvid = 1;
    rig.s.peer.vlan_pvid = 30;
    rig_start(&rig);
}

Test(switch, vlans_are_tagged_on_the_device_only)
{
    static uint8_t plain[200];
    start_vlans(DP_VLAN_ACCEPT_ALL);
    size_t len = build(broadcast, client_mac, 0, 1);
    memcpy(plain, frame, len);
    rig_send(&rig, &rig.c, frame, len);
    build(broadcast, client_mac, 30, 1);
    memcpy(frame + 16, plain + 12, len - 12);
    rig_expect(&rig, &rig.s, frame, len + 4);
    /* The other way: the tag goes. */
    build(client_mac, server_mac, 0, 2);
    memcpy(plain, frame, len);
    build(client_mac, server_mac, 30, 2);
    memcpy(frame + 16, plain + 12, len - 12);
    rig_send(&rig, &rig.s, frame, len + 4);
    rig_expect(&rig, &rig.c, plain, len);
    /* Another VLAN is not this peer's. */
    build(client_mac, server_mac, 31, 3);
    rig_send(&rig, &rig.s, frame, len + 4);
    rig_await_drops(&rig.s, DP_DROP_NO_ROUTE, 1);
    /* A peer may not choose its VLAN. */
    build(broadcast, client_mac, 31, 4);
    rig_send(&rig, &rig.c, frame, len);
    rig_await_drops(&rig.s, DP_DROP_VLAN, 1);
    rig_stop(&rig);
}

Test(switch, only_tagged_means_only_tagged)
{
    start_vlans(DP_VLAN_ACCEPT_TAGGED);
    size_t len = build(broadcast, server_mac, 0, 1);
    rig_send(&rig, &rig.s, frame, len);
    rig_await_drops(&rig.s, DP_DROP_VLAN, 1);
    rig_stop(&rig);
}
