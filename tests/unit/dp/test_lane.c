/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "dp/user/lane.h"
#include "inner.h"

#define LANES 8
#define FLOWS 200

static uint8_t packet[INNER_MAX];

static size_t build(unsigned version, bool udp, bool tap, unsigned flow, unsigned payload)
{
    struct inner p = {.version = version, .udp = udp, .tap = tap, .tags = tap ? flow % 3 : 0, .flow = flow, .ttl = 64,
                      .flags = 0x10, .payload = payload, .fill = (uint8_t)payload, .seq = payload};
    return inner_build(&p, packet);
}

Test(lane, flows_keep_theirs_and_spread)
{
    for (unsigned kind = 0; kind < 8; kind++) {
        unsigned version = kind & 1 ? 4 : 6;
        unsigned used[LANES] = {0};
        for (unsigned flow = 0; flow < FLOWS; flow++) {
            size_t len = build(version, kind & 2, kind & 4, flow, 10);
            unsigned lane = lane_of_packet(packet, len, kind & 4, LANES);
            cr_assert_lt(lane, LANES);
            used[lane]++;
            len = build(version, kind & 2, kind & 4, flow, 1300);
            cr_assert_eq(lane_of_packet(packet, len, kind & 4, LANES), lane);
        }
        cr_assert_eq(used[0], 0, "the first lane is for others");
        for (unsigned i = 1; i < LANES; i++) {
            cr_assert(used[i] > FLOWS / LANES / 3 && used[i] < 3 * FLOWS / LANES, "kind %u: %u of %u flows in lane %u",
                      kind, used[i], FLOWS, i);
        }
    }
}

Test(lane, others_have_the_first)
{
    size_t len = build(4, true, false, 1, 40);
    packet[9] = 1; /* ICMP */
    cr_assert_eq(lane_of_packet(packet, len, false, LANES), 0);
    len = build(6, true, false, 1, 40);
    packet[6] = 58;
    cr_assert_eq(lane_of_packet(packet, len, false, LANES), 0);
    len = build(4, true, true, 0, 40);
    be16_store(packet + 12, 0x0806); /* ARP */
    cr_assert_eq(lane_of_packet(packet, len, true, LANES), 0);
}

Test(lane, fragments_stay_together)
{
    size_t len = build(4, true, false, 7, 400);
    be16_store(packet + 6, 0x2000);
    unsigned lane = lane_of_packet(packet, len, false, LANES);
    be16_store(packet + 6, 0x0032); /* the second: no ports, other bytes in their place */
    memset(packet + 20, 0xA5, 8);
    cr_assert_eq(lane_of_packet(packet, len, false, LANES), lane);
}

Test(lane, anything_has_one)
{
    for (unsigned lanes = 1; lanes <= LANES; lanes++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            size_t whole = build(kind & 1 ? 4 : 6, true, kind & 2, 3, 60);
            for (size_t len = 0; len <= whole; len++) {
                uint8_t *exact = len ? memcpy(malloc(len), packet, len) : NULL; /* for ASan: not a byte more */
                cr_assert_lt(lane_of_packet(exact, len, kind & 2, lanes), lanes);
                free(exact);
            }
        }
    }
    size_t len = build(4, false, false, 3, 60);
    packet[0] = 0x4F; /* options longer than the packet */
    cr_assert_lt(lane_of_packet(packet, len < 60 ? len : 59, false, LANES), LANES);
}
