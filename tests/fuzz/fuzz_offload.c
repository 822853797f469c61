/* SPDX-License-Identifier: MIT */

/* Splitting what the device reads, merging what is written to it, and the queue that it is written to. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dp/user/gro.h"
#include "dp/user/gso.h"
#include "dp/user/lane.h"
#include "fuzz.h"

#define TURN 64

static void split(const uint8_t *data, size_t size, bool tap)
{
    static const struct gso_layout layout = {24, 16};
    struct gso_plan plan;
    if (gso_parse(data, size, tap, &plan) != 0) {
        return;
    }
    struct gso_segment out[TURN];
    for (unsigned first = 0; first < plan.segments; first += TURN) {
        unsigned count = plan.segments - first < TURN ? plan.segments - first : TURN;
        size_t room = gso_arena_size(&plan, &layout, first, count);
        uint8_t *arena = malloc(room);
        FUZZ_REQUIRE(arena);
        FUZZ_REQUIRE(gso_emit(&plan, &layout, first, count, arena, out) == room);
        for (unsigned i = 0; i < count; i++) {
            FUZZ_REQUIRE(out[i].data >= arena + layout.headroom &&
                         out[i].data + out[i].len + layout.tailroom <= arena + room);
        }
        free(arena);
    }
}

/* The input as packets: a length byte (times 8) and so many bytes. */
static void merge(const uint8_t *data, size_t size, bool tap)
{
    struct gro_packet packets[GRO_PACKETS_MAX];
    unsigned count = 0;
    size_t total = 0;
    while (size > 1 && count < GRO_PACKETS_MAX) {
        size_t len = (size_t)data[0] * 8;
        len = len > size - 1 ? size - 1 : len;
        if (len) {
            packets[count].data = fuzz_copy(data + 1, len);
            packets[count++].len = (uint32_t)len;
            total += len;
        }
        data += len + 1;
        size -= len + 1;
    }
    static const struct gro_config all = {.tso4 = true, .tso6 = true, .uso = true};
    struct gro_config config = all;
    config.tap = tap;
    struct gro_batch *batch = mem_zalloc(sizeof(*batch));
    unsigned frames = count ? gro_merge(&config, packets, count, batch) : 0;
    unsigned merged = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < frames; i++) {
        merged += batch->frame[i].packets;
        for (unsigned v = 1; v < batch->frame[i].iov_count; v++) {
            bytes += batch->iov[batch->frame[i].iov_first + v].iov_len;
        }
    }
    FUZZ_REQUIRE(merged == count && bytes <= total);
    free(batch);
    for (unsigned i = 0; i < count; i++) {
        free(packets[i].data);
    }
}

static void lane(const uint8_t *data, size_t size, bool tap)
{
    FUZZ_REQUIRE(lane_of_packet(data, size, tap, 8) < 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int tap = 0; tap < 2; tap++) {
        uint8_t *copy = fuzz_copy(data, size);
        split(copy, size, tap);
        lane(copy, size, tap);
        free(copy);
        merge(data, size, tap);
    }
    return 0;
}
