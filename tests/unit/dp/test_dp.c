/* SPDX-License-Identifier: MIT */
#include "dp/dp.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dp/fake/fake.h"

static struct dp *open_fake(enum dp_mode mode, enum dp_device_type device)
{
    struct dp_config config = {.backend = "fake", .mode = mode, .device = device, .workers = 2};
    struct dp *dp = NULL;
    cr_assert_eq(dp_open(&config, &dp), 0);
    return dp;
}

static struct dp_peer udp_peer(uint32_t id)
{
    struct dp_peer peer = {.id = id, .tx_id = id, .path = {.listener = 1}};
    struct ip_addr ip = ip4_from_u32(0x0A000001);
    peer.path.remote = addr_from_ip(&ip, 1194);
    return peer;
}

Test(dp, open_refuses_what_cannot_be)
{
    struct dp *dp = NULL;
    cr_assert_eq(dp_open(&(struct dp_config){.backend = "none"}, &dp), ERR_UNSUPPORTED);
    cr_assert_eq(dp_open(&(struct dp_config){.backend = "fake", .workers = 17}, &dp), -EINVAL);
    cr_assert_eq(dp_open(&(struct dp_config){.backend = "fake", .vlan_pvid = 4095}, &dp), -EINVAL);
    cr_assert_eq(dp_open(&(struct dp_config){.backend = "fake", .vlan_tagging = true}, &dp), -EINVAL);
    cr_assert_eq(
        dp_open(&(struct dp_config){.backend = "fake", .mode = DP_MODE_MULTIPOINT, .shaper_bytes_per_s = 9}, &dp),
        -EINVAL);
}

Test(dp, peer_arguments)
{
    struct dp *dp = open_fake(DP_MODE_MULTIPOINT, DP_DEVICE_TUN);
    struct dp_peer peer = udp_peer(1024);
    cr_expect_eq(dp_peer_new(dp, &peer), -EINVAL, "id beyond max_peers");
    peer = udp_peer(3);
    peer.path.remote.any.sa_family = AF_UNSPEC;
    cr_expect_eq(dp_peer_new(dp, &peer), -EINVAL, "UDP without a remote");
    peer = udp_peer(3);
    peer.path.conn = 1;
    cr_expect_eq(dp_peer_new(dp, &peer), -EINVAL, "both UDP and TCP");
    peer.path.listener = 0;
    peer.fragment = 1300;
    cr_expect_eq(dp_peer_new(dp, &peer), -EINVAL, "fragment over TCP");
    peer.fragment = 0;
    cr_expect_eq(dp_peer_new(dp, &peer), 0);
    cr_expect_eq(dp_peer_new(dp, &peer), -EEXIST);
    dp_close(dp);
}

Test(dp, capabilities_are_compared)
{
    struct dp *dp = open_fake(DP_MODE_MULTIPOINT, DP_DEVICE_TUN);
    dp_fake_capabilities(dp, 0);
    struct dp_peer peer = udp_peer(3);
    peer.framing = DP_FRAMING_LZ4;
    cr_expect_eq(dp_peer_new(dp, &peer), ERR_UNSUPPORTED);
    peer.framing = DP_FRAMING_NONE;
    cr_expect_eq(dp_peer_new(dp, &peer), 0);
    struct dp_key key = {.format = DP_FORMAT_CBC, .cipher = "AES-256-CBC", .auth = "SHA256"};
    cr_expect_eq(dp_key_new(dp, 3, DP_KEY_PRIMARY, &key), ERR_UNSUPPORTED);
    key.format = DP_FORMAT_EPOCH;
    cr_expect_eq(dp_key_new(dp, 3, DP_KEY_PRIMARY, &key), ERR_UNSUPPORTED);
    key.format = DP_FORMAT_AEAD;
    cr_expect_eq(dp_key_new(dp, 3, DP_KEY_PRIMARY, &key), 0);
    key.key_id = 8;
    cr_expect_eq(dp_key_new(dp, 3, DP_KEY_PRIMARY, &key), -EINVAL);
    dp_close(dp);
}

Test(dp, routes_fit_the_device)
{
    struct dp *tun = open_fake(DP_MODE_MULTIPOINT, DP_DEVICE_TUN);
    struct dp *tap = open_fake(DP_MODE_MULTIPOINT, DP_DEVICE_TAP);
    struct dp_peer peer = udp_peer(3);
    cr_assert_eq(dp_peer_new(tun, &peer), 0);
    cr_assert_eq(dp_peer_new(tap, &peer), 0);
    struct dp_route mac = {.is_mac = true, .mac = {2, 0, 0, 0, 0, 1}};
    struct dp_route net = {.net = prefix_make(&(struct ip_addr){AF_INET, {10, 8, 0, 2}}, 32)};
    cr_expect_eq(dp_route_add(tun, &mac, 3), -EINVAL);
    cr_expect_eq(dp_route_add(tap, &mac, 3), 0);
    cr_expect_eq(dp_route_add(tap, &net, 3), -EINVAL);
    cr_expect_eq(dp_route_add(tun, &net, 3), 0);
    mac.mac[0] = 1;
    cr_expect_eq(dp_route_add(tap, &mac, 3), -EINVAL, "multicast address");
    net.net.bits = 33;
    cr_expect_eq(dp_route_add(tun, &net, 3), -EINVAL);
    dp_close(tun);
    dp_close(tap);
}

Test(dp, every_drop_reason_has_its_own_name)
{
    for (unsigned i = 0; i < DP_DROP_COUNT; i++) {
        cr_assert_not_null(dp_drop_name(i));
        for (unsigned j = 0; j < i; j++) {
            cr_assert_str_neq(dp_drop_name(i), dp_drop_name(j));
        }
    }
}
