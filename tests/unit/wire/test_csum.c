/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/rand.h"
#include "base/span.h"
#include "wire/csum.h"

/* RFC 1071, a word at a time. */
static uint16_t naive(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += be16_load(data + i);
    }
    if (len & 1) {
        sum += (uint32_t)data[len - 1] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint16_t stored(uint16_t memory_order)
{
    uint8_t b[2];
    csum_store16(b, memory_order);
    return be16_load(b);
}

Test(csum, equals_the_naive_sum_for_all_lengths_and_alignments)
{
    uint8_t data[2200];
    uint8_t copy[2200];
    struct rand_seeded r;
    rand_seeded_init(&r, 5);
    rand_fill(&r.source, data, sizeof(data));
    for (size_t offset = 0; offset < 8; offset++) {
        for (size_t len = 0; len < 600; len++) {
            cr_assert_eq(stored(csum_finish(csum_partial(data + offset, len))), naive(data + offset, len));
            memset(copy, 0xEE, sizeof(copy));
            uint64_t sum = csum_copy(copy + 3, data + offset, len);
            cr_assert_eq(stored(csum_finish(sum)), naive(data + offset, len), "copy of %zu", len);
            cr_assert_arr_eq(copy + 3, data + offset, len);
            cr_assert_eq(copy[2], 0xEE);
            cr_assert_eq(copy[3 + len], 0xEE);
        }
    }
    cr_assert_eq(stored(csum_finish(csum_partial(data, sizeof(data)))), naive(data, sizeof(data)));
}

Test(csum, carries_are_never_lost)
{
    static uint8_t ones[65535];
    memset(ones, 0xFF, sizeof(ones));
    for (size_t len = 2; len < sizeof(ones); len = len * 3 + 1) {
        cr_assert_eq(stored(csum_finish(csum_partial(ones, len))), naive(ones, len), "%zu", len);
    }
    cr_assert_eq(csum_fold16(csum_add(UINT64_MAX, UINT64_MAX)), 0xFFFF);
    cr_assert_eq(csum_fold16(0), 0);
}

Test(csum, incremental_updates_equal_recomputation)
{
    uint8_t data[40];
    struct rand_seeded r;
    rand_seeded_init(&r, 6);
    for (unsigned round = 0; round < 5000; round++) {
        rand_fill(&r.source, data, sizeof(data));
        csum_store16(data, 0);
        csum_store16(data, csum_finish(csum_partial(data, sizeof(data))));
        size_t at = 4 + 2 * rand_below(&r.source, 17);
        uint16_t from = csum_load16(data + at);
        csum_store16(data + at, (uint16_t)rand_u32(&r.source));
        csum_store16(data, csum_update16(csum_load16(data), from, csum_load16(data + at)));
        cr_assert_eq(csum_fold16(csum_partial(data, sizeof(data))), 0xFFFF);
        uint32_t from32;
        uint32_t to32 = rand_u32(&r.source);
        memcpy(&from32, data + at, 4);
        memcpy(data + at, &to32, 4);
        csum_store16(data, csum_update32(csum_load16(data), from32, to32));
        cr_assert_eq(csum_fold16(csum_partial(data, sizeof(data))), 0xFFFF);
    }
}

Test(csum, pseudo_headers)
{
    uint8_t ip4[20] = {[9] = 17, [12] = 192, [13] = 0, [14] = 2, [15] = 1, [16] = 198, [17] = 51, [18] = 100, [19] = 7};
    const uint8_t pseudo4[] = {192, 0, 2, 1, 198, 51, 100, 7, 0, 17, 0x12, 0x34};
    cr_assert_eq(stored(csum_finish(csum_pseudo4(ip4, 17, 0x1234))), naive(pseudo4, sizeof(pseudo4)));
    uint8_t ip6[40];
    uint8_t pseudo6[40] = {0};
    for (unsigned i = 0; i < 32; i++) {
        ip6[8 + i] = pseudo6[i] = (uint8_t)(i * 37 + 1);
    }
    be32_store(pseudo6 + 32, 0x10234);
    pseudo6[39] = 6;
    cr_assert_eq(stored(csum_finish(csum_pseudo6(ip6, 6, 0x10234))), naive(pseudo6, sizeof(pseudo6)));
}

Test(csum, header_checksum_of_a_known_packet)
{
    uint8_t ip[20] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xAA, 0xAA, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
    csum_ip4_header(ip, sizeof(ip));
    cr_assert_eq(be16_load(ip + 10), 0xb861);
}
