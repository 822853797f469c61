/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/err.h"

Test(buf, grows_up_to_its_limit_and_fails_whole)
{
    struct buf b = BUF_INIT(300);
    for (int i = 0; i < 30; i++) {
        cr_assert_eq(buf_append(&b, "0123456789", 10), 0);
    }
    cr_assert_eq(buf_append(&b, "x", 1), ERR_LIMIT);
    cr_assert_eq(b.len, 300);
    buf_consume(&b, 295);
    cr_assert_str_eq(buf_str(&b), "56789");
    cr_assert_eq(buf_printf(&b, "%d", 42), 0);
    cr_assert_str_eq(buf_str(&b), "5678942");
    buf_consume(&b, 1000);
    cr_assert_eq(b.len, 0);
    buf_free(&b, true);
    cr_assert_str_eq(buf_str(&b), "");
}
