/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "vectors.h"
#include "wire/fragment.h"

#define SLOT 2048

static uint8_t storage[FRAGMENT_SLOTS * SLOT];

Test(fragment, split_vectors)
{
    json_t *root = vectors_load("fragment.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "split"), i, row) {
        struct fragment_plan plan;
        size_t len = (size_t)vectors_number(row, "length");
        cr_assert_eq(fragment_plan(len, (unsigned)vectors_number(row, "max_fragment_payload"), &plan), 0);
        const json_t *headers = json_object_get(row, "headers");
        const json_t *lengths = json_object_get(row, "chunk_lengths");
        cr_assert_eq(plan.count, json_array_size(headers), "row %zu", i);
        for (unsigned k = 0; k < plan.count; k++) {
            size_t part;
            fragment_part(&plan, k, &part);
            uint32_t want = (uint32_t)strtoul(json_string_value(json_array_get(headers, k)), NULL, 16);
            cr_assert_eq(fragment_header(&plan, (uint8_t)vectors_number(row, "seq"), k), want, "row %zu.%u", i, k);
            cr_assert_eq(part, (size_t)json_integer_value(json_array_get(lengths, k)));
        }
    }
    json_decref(root);
}

Test(fragment, captured_packets_are_put_together)
{
    json_t *root = vectors_load("fragment.json");
    size_t i;
    json_t *row;
    struct fragment_state state;
    fragment_init(&state, storage, SLOT);
    json_array_foreach(json_object_get(root, "captured"), i, row) {
        uint8_t whole[SLOT];
        uint8_t part[SLOT];
        struct span packet = {NULL, 0};
        size_t whole_len = vectors_hex(row, "whole_packet", whole, sizeof(whole));
        const json_t *fragments = json_object_get(row, "fragments");
        size_t count = json_array_size(fragments);
        for (size_t k = 0; k < count; k++) {
            size_t at = (k + 2) % count; /* out of order */
            size_t len = vectors_decode(json_string_value(json_array_get(fragments, at)), part, sizeof(part));
            cr_assert_eq(fragment_receive(&state, 1, part, len, &packet), k + 1 == count);
        }
        cr_assert_eq(packet.len, whole_len);
        cr_assert_arr_eq(packet.data, whole, whole_len);
        size_t len = vectors_hex(row, "whole_example", part, sizeof(part));
        cr_assert_eq(fragment_receive(&state, 1, part, len, &packet), 1);
        cr_assert_eq(packet.len, len - 4);
    }
    json_decref(root);
}

struct part {
    uint8_t data[600];
    size_t len;
    unsigned packet;
};

/* Cut @len random bytes into @parts with headers. */
static unsigned cut(struct rand_seeded *r, uint8_t *payload, size_t len, unsigned max, uint8_t sequence,
                    struct part *parts)
{
    struct fragment_plan plan;
    rand_fill(&r->source, payload, len);
    cr_assert_eq(fragment_plan(len, max, &plan), 0);
    for (unsigned i = 0; i < plan.count; i++) {
        size_t part_len;
        size_t offset = fragment_part(&plan, i, &part_len);
        cr_assert_leq(part_len, max);
        be32_store(parts[i].data, fragment_header(&plan, sequence, i));
        memcpy(parts[i].data + 4, payload + offset, part_len);
        parts[i].len = part_len + 4;
    }
    return plan.count;
}

Test(fragment, random_packets_in_random_order)
{
    struct rand_seeded r;
    struct fragment_state state;
    static struct part parts[FRAGMENT_PARTS_MAX];
    uint8_t payload[SLOT];
    fragment_init(&state, storage, SLOT);
    rand_seeded_init(&r, 10);
    uint8_t sequence = 250; /* wraps early */
    for (unsigned round = 0; round < 3000; round++) {
        size_t len = 1 + rand_below(&r.source, SLOT);
        unsigned max = 68 + rand_below(&r.source, 500);
        unsigned count = cut(&r, payload, len, max, sequence++, parts);
        for (unsigned i = count; i > 1; i--) {
            unsigned k = rand_below(&r.source, i);
            struct part swap = parts[i - 1];
            parts[i - 1] = parts[k];
            parts[k] = swap;
        }
        for (unsigned i = 0; i < count; i++) {
            struct span packet;
            int got = fragment_receive(&state, round, parts[i].data, parts[i].len, &packet);
            cr_assert_eq(got, i + 1 == count, "round %u", round);
            if (got == 1) {
                cr_assert_eq(packet.len, len);
                cr_assert_arr_eq(packet.data, payload, len);
            }
        }
    }
}

static int receive(struct fragment_state *state, uint64_t now, uint32_t header, size_t len)
{
    uint8_t data[1100] = {0};
    struct span packet;
    be32_store(data, header);
    return fragment_receive(state, now, data, 4 + len, &packet);
}

Test(fragment, malformed_headers)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    cr_assert_eq(receive(&state, 0, 3, 8), ERR_FORMAT, "type 3");
    cr_assert_eq(receive(&state, 0, 4, 8), ERR_FORMAT, "whole packet with a sequence id");
    cr_assert_eq(receive(&state, 0, 1, 7), ERR_FORMAT, "size no multiple of 4");
    cr_assert_eq(receive(&state, 0, 2, 8), ERR_FORMAT, "last part with chunk size 0");
    cr_assert_eq(receive(&state, 0, 2 | 1u << 15, 8), ERR_FORMAT, "last part longer than the others");
    cr_assert_eq(receive(&state, 0, 1, 0), ERR_TRUNCATED);
    cr_assert_eq(receive(&state, 0, 1 | 31u << 10, 512), ERR_LIMIT, "beyond the slot");
    cr_assert_eq(receive(&state, 0, 2 | 31u << 10 | 0x3FFFu << 15, 4), ERR_LIMIT);
    uint8_t data[3] = {0};
    struct span packet;
    cr_assert_eq(fragment_receive(&state, 0, data, 3, &packet), ERR_TRUNCATED);
}

Test(fragment, window_slides_and_forgets)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    uint32_t first = 1, last = 2 | 1u << 10 | 2u << 15;
    cr_assert_eq(receive(&state, 0, first | 10u << 2, 8), 0);
    cr_assert_eq(receive(&state, 0, first | 34u << 2, 8), 0, "24 newer: still in the window");
    cr_assert_eq(receive(&state, 0, last | 10u << 2, 8), 1);
    cr_assert_eq(receive(&state, 0, first | 11u << 2, 8), 0);
    cr_assert_eq(receive(&state, 0, first | 36u << 2, 8), 0, "25 newer than 11");
    cr_assert_eq(receive(&state, 0, last | 11u << 2, 8), 0, "11 was far behind: the window began anew");
    cr_assert_eq(receive(&state, 0, last | 36u << 2, 8), 0, "and 36 was forgotten with it");
}

Test(fragment, other_size_starts_the_packet_anew)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    cr_assert_eq(receive(&state, 0, 1, 8), 0);
    cr_assert_eq(receive(&state, 0, 2 | 1u << 10 | 3u << 15, 12), 0);
    cr_assert_eq(receive(&state, 0, 1, 12), 1);
}

/* The parts between two ends were never received: what stood there before must not get out. */
Test(fragment, a_second_end_starts_the_packet_anew)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    uint32_t end_at_1 = 2 | 1u << 10 | 2u << 15;
    uint32_t end_at_5 = 2 | 5u << 10 | 2u << 15;
    cr_assert_eq(receive(&state, 0, end_at_1, 8), 0);
    cr_assert_eq(receive(&state, 0, end_at_5, 8), 0);
    cr_assert_eq(receive(&state, 0, 1, 8), 0, "parts 1 to 4 are missing");
    cr_assert_eq(state.lost, 1u);
    for (uint32_t i = 1; i < 5; i++) {
        cr_assert_eq(receive(&state, 0, 1 | i << 10, 8), i == 4);
    }
    cr_assert_eq(receive(&state, 0, end_at_1, 8), 0);
    cr_assert_eq(receive(&state, 0, end_at_1, 8), 0, "the same end twice changes nothing");
    cr_assert_eq(receive(&state, 0, 1, 8), 1);
    cr_assert_eq(state.lost, 1u);
}

Test(fragment, a_flood_of_beginnings_is_counted)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(receive(&state, 0, 1 | (i & 0xFFu) << 2, 8), 0);
    }
    cr_assert_eq(state.lost, 1000u - FRAGMENT_SLOTS);
}

Test(fragment, unfinished_packets_expire)
{
    struct fragment_state state;
    fragment_init(&state, storage, 1024);
    cr_assert_eq(receive(&state, 1000, 1, 8), 0);
    cr_assert_eq(fragment_expire(&state, 11000), 0);
    cr_assert_eq(fragment_expire(&state, 11001), 1);
    cr_assert_eq(receive(&state, 11001, 2 | 1u << 10 | 2u << 15, 8), 0, "its first part is gone");
}

Test(fragment, too_many_parts)
{
    struct fragment_plan plan;
    cr_assert_eq(fragment_plan(32 * 68 + 1, 68, &plan), ERR_LIMIT);
    cr_assert_eq(fragment_plan(32 * 68, 68, &plan), 0);
    cr_assert_eq(plan.count, 32);
    cr_assert_eq(fragment_plan(100, 3, &plan), ERR_LIMIT);
    cr_assert_eq(fragment_plan(0, 100, &plan), ERR_FORMAT);
}
