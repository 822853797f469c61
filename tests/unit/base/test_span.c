/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/span.h"

Test(span, reads_in_order_and_fails_once_past_the_end)
{
    const uint8_t data[] = {1, 0, 2, 0, 0, 0, 3, 9, 9};
    struct rd r = rd_init(data, sizeof(data));
    cr_assert_eq(rd_u8(&r), 1);
    cr_assert_eq(rd_u16(&r), 2);
    cr_assert_eq(rd_u32(&r), 3);
    cr_assert_eq(rd_left(&r), 2);
    cr_assert_eq(rd_u32(&r), 0);
    cr_assert_not(rd_ok(&r));
    cr_assert_eq(rd_left(&r), 0);
    cr_assert_null(rd_bytes(&r, 0 + 1));
}

Test(span, empty_reader_gives_nothing)
{
    struct rd r = rd_init(NULL, 0);
    cr_assert_eq(rd_left(&r), 0);
    cr_assert_eq(rd_rest(&r).len, 0);
    cr_assert(rd_ok(&r));
    uint8_t out[2] = {7, 7};
    rd_copy(&r, out, 2);
    cr_assert_eq(out[0], 0);
    cr_assert_not(rd_ok(&r));
}

Test(span, writer_never_passes_its_end)
{
    uint8_t buf[6] = {0};
    struct wr w = wr_init(buf, 5);
    wr_u8(&w, 0xaa);
    wr_u32(&w, 0x01020304);
    cr_assert(wr_ok(&w));
    wr_u8(&w, 0xbb);
    cr_assert_not(wr_ok(&w));
    cr_assert_eq(wr_len(&w), 5);
    cr_assert_eq(buf[5], 0);
    cr_assert_eq(be32_load(buf + 1), 0x01020304);
}
