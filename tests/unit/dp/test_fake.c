/* SPDX-License-Identifier: MIT */
#include "dp/fake/fake.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"

struct seen {
    unsigned count;
    struct dp_event last;
    char data[64];
};

static void remember(const struct dp_event *event, void *arg)
{
    struct seen *seen = arg;
    seen->count++;
    seen->last = *event;
    if (event->len && event->len < sizeof(seen->data)) {
        memcpy(seen->data, event->data, event->len);
    }
}

static struct dp *open_fake(void)
{
    struct dp_config config = {.backend = "fake", .mode = DP_MODE_MULTIPOINT};
    struct dp *dp = NULL;
    cr_assert_eq(dp_open(&config, &dp), 0);
    return dp;
}

static bool readable(const struct dp *dp)
{
    struct pollfd p = {.fd = dp_fd(dp), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

Test(fake, injected_events_come_out_in_order)
{
    struct dp *dp = open_fake();
    struct seen seen = {0};
    cr_assert_not(readable(dp));
    for (unsigned i = 0; i < 3; i++) {
        char text[8] = {(char)('a' + i)};
        dp_fake_event(dp, &(struct dp_event){.type = DP_EV_CTRL, .data = (uint8_t *)text, .len = 1});
    }
    cr_assert(readable(dp));
    cr_assert_eq(dp_drain(dp, remember, &seen, 2), 2);
    cr_assert_eq(seen.data[0], 'b');
    cr_assert(readable(dp));
    cr_assert_eq(dp_drain(dp, remember, &seen, 2), 1);
    cr_assert_eq(seen.data[0], 'c');
    cr_assert_not(readable(dp));
    dp_close(dp);
}

Test(fake, a_peer_lives_and_dies)
{
    struct dp *dp = open_fake();
    struct dp_peer peer = {.id = 5, .tx_id = 5, .path = {.conn = 9}, .mssfix = 1400};
    cr_assert_eq(dp_peer_new(dp, &peer), 0);
    struct dp_key key = {.key_id = 2, .format = DP_FORMAT_AEAD, .cipher = "AES-256-GCM"};
    cr_assert_eq(dp_key_new(dp, 5, DP_KEY_SECONDARY, &key), 0);
    cr_assert_eq(dp_key_swap(dp, 5), 0);
    cr_assert_null(dp_fake_key(dp, 5, DP_KEY_SECONDARY));
    cr_assert_str_eq(dp_fake_key(dp, 5, DP_KEY_PRIMARY)->cipher, "AES-256-GCM");
    peer.mssfix = 1300;
    peer.keepalive_interval_s = 10;
    cr_assert_eq(dp_peer_set(dp, &peer, DP_SET_KEEPALIVE), 0);
    cr_assert_eq(dp_fake_peer(dp, 5)->mssfix, 1400);
    cr_assert_eq(dp_fake_peer(dp, 5)->keepalive_interval_s, 10);
    struct dp_route route = {.net = prefix_make(&(struct ip_addr){AF_INET, {10, 8, 0, 2}}, 32)};
    cr_assert_eq(dp_route_add(dp, &route, 5), 0);
    cr_assert_eq(dp_fake_route(dp, &route), 5);
    cr_assert_eq(dp_peer_del(dp, 5), 0);
    cr_assert_eq(dp_peer_del(dp, 5), ERR_NOT_FOUND);
    cr_assert_eq(dp_fake_route(dp, &route), DP_PEER_ID_NONE);
    struct seen seen = {0};
    cr_assert_eq(dp_drain(dp, remember, &seen, 100), 1);
    cr_assert_eq(seen.last.type, DP_EV_PEER_GONE);
    cr_assert_eq(seen.last.peer, 5);
    dp_close(dp);
}

Test(fake, calls_are_recorded_and_can_be_made_to_fail)
{
    struct dp *dp = open_fake();
    struct dp_path path = {.conn = 4};
    dp_fake_fail(dp, DP_FAKE_CTRL_SEND, -EAGAIN, 1);
    cr_assert_eq(dp_ctrl_send(dp, &path, "abc", 3), -EAGAIN);
    cr_assert_eq(dp_ctrl_send(dp, &path, "de", 2), 0);
    cr_assert_eq(dp_fake_count(dp, DP_FAKE_CTRL_SEND), 2);
    cr_assert_eq(dp_fake_last(dp, DP_FAKE_CTRL_SEND)->len, 2);
    cr_assert_eq(memcmp(dp_fake_call(dp, 0)->data, "abc", 3), 0);
    dp_fake_forget(dp);
    cr_assert_eq(dp_fake_calls(dp), 0);
    dp_close(dp);
}
