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

/* All packets of a plan, a turn at a time; @each, if any, sees them in order. */
static void emit(const struct gso_plan *plan, void (*each)(void *arg, const struct gso_segment *segment), void *arg)
{
    static const struct gso_layout layout = {24, 16};
    struct gso_segment out[TURN];
    for (unsigned first = 0; first < plan->segments; first += TURN) {
        unsigned count = plan->segments - first < TURN ? plan->segments - first : TURN;
        size_t room = gso_arena_size(plan, &layout, first, count);
        uint8_t *arena = malloc(room);
        FUZZ_REQUIRE(arena);
        FUZZ_REQUIRE(gso_emit(plan, &layout, first, count, arena, out) == room);
        for (unsigned i = 0; i < count; i++) {
            FUZZ_REQUIRE(out[i].data >= arena + layout.headroom &&
                         out[i].data + out[i].len + layout.tailroom <= arena + room);
            if (each) {
                each(arg, &out[i]);
            }
        }
        free(arena);
    }
}

static void is_short(void *arg, const struct gso_segment *segment)
{
    const uint32_t *longest = arg;
    FUZZ_REQUIRE(segment->len <= *longest);
}

static void split(const uint8_t *data, size_t size, bool tap)
{
    struct gso_plan plan;
    if (gso_parse(data, size, tap, &plan) != 0) {
        return;
    }
    emit(&plan, NULL, NULL);
    uint32_t longest = plan.l3_offset + gso_longest(&plan);
    emit(&plan, is_short, &longest);
    if (gso_shorten(&plan, 600)) {
        longest = plan.l3_offset + 600;
        emit(&plan, is_short, &longest);
    }
}

/* Packets as they were before they were merged. */
struct originals {
    uint8_t *data[GRO_PACKETS_MAX];
    uint32_t len[GRO_PACKETS_MAX];
    bool seen[GRO_PACKETS_MAX];
    unsigned count;
};

/* One that is split again is one of those, byte for byte. */
static void is_original(void *arg, const struct gso_segment *segment)
{
    struct originals *o = arg;
    unsigned i = 0;
    while (i < o->count &&
           (o->seen[i] || o->len[i] != segment->len || memcmp(o->data[i], segment->data, segment->len) != 0)) {
        i++;
    }
    FUZZ_REQUIRE(i < o->count);
    o->seen[i] = true;
}

static void split_again(const struct gro_batch *batch, const struct gro_frame *frame, bool tap, struct originals *o)
{
    size_t size = 0;
    uint8_t *read = malloc(VNET_HEADER_SIZE + (size_t)frame->len);
    FUZZ_REQUIRE(read);
    for (unsigned v = 0; v < frame->iov_count; v++) {
        const struct iovec *piece = &batch->iov[frame->iov_first + v];
        FUZZ_REQUIRE(size + piece->iov_len <= VNET_HEADER_SIZE + (size_t)frame->len);
        memcpy(read + size, piece->iov_base, piece->iov_len);
        size += piece->iov_len;
    }
    FUZZ_REQUIRE(size == VNET_HEADER_SIZE + (size_t)frame->len);
    struct gso_plan plan;
    int err = gso_parse(read, size, tap, &plan);
    FUZZ_REQUIRE(frame->packets == 1 || (err == 0 && plan.segments == frame->packets));
    if (err == 0) {
        emit(&plan, is_original, o);
    }
    free(read);
}

/* The input as packets: a length byte (times 8) and so many bytes. */
static void merge(const uint8_t *data, size_t size, bool tap)
{
    struct gro_packet packets[GRO_PACKETS_MAX];
    struct originals originals = {0};
    unsigned count = 0;
    size_t total = 0;
    while (size > 1 && count < GRO_PACKETS_MAX) {
        size_t len = (size_t)data[0] * 8;
        len = len > size - 1 ? size - 1 : len;
        if (len) {
            packets[count].data = fuzz_copy(data + 1, len);
            originals.data[count] = fuzz_copy(data + 1, len);
            originals.len[count] = (uint32_t)len;
            packets[count++].len = (uint32_t)len;
            total += len;
        }
        data += len + 1;
        size -= len + 1;
    }
    originals.count = count;
    struct gro_config config = {.tap = tap, .tso4 = true, .tso6 = true, .uso = true};
    struct gro_batch *batch = mem_zalloc(sizeof(*batch));
    unsigned frames = count ? gro_merge(&config, packets, count, batch) : 0;
    unsigned merged = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < frames; i++) {
        merged += batch->frame[i].packets;
        for (unsigned v = 1; v < batch->frame[i].iov_count; v++) {
            bytes += batch->iov[batch->frame[i].iov_first + v].iov_len;
        }
        split_again(batch, &batch->frame[i], tap, &originals);
    }
    FUZZ_REQUIRE(merged == count && bytes <= total);
    free(batch);
    for (unsigned i = 0; i < count; i++) {
        free(packets[i].data);
        free(originals.data[i]);
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
