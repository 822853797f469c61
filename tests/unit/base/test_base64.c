/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"

/* RFC 4648, section 10. */
Test(base64, rfc4648_vectors)
{
    static const char *const pairs[][2] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},
                                           {"foo", "Zm9v"},  {"foob", "Zm9vYg=="},  {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char *text = base64_encode(pairs[i][0], strlen(pairs[i][0]));
        cr_assert_str_eq(text, pairs[i][1]);
        uint8_t back[16] = {0};
        int n = base64_decode(text, strlen(text), back, sizeof(back));
        cr_assert_eq(n, (int)strlen(pairs[i][0]));
        cr_assert_eq(memcmp(back, pairs[i][0], (size_t)n), 0);
        free(text);
    }
}

Test(base64, refuses_what_is_not_base64)
{
    uint8_t out[8];
    static const char *const bad[] = {"Zg=", "Z", "Zg=g", "====", "Zg==Z", "Z*==", "=Zg="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(base64_decode(bad[i], strlen(bad[i]), out, sizeof(out)), ERR_FORMAT, "%s", bad[i]);
    }
    cr_assert_eq(base64_decode("Zm9vYmFy", 8, out, 5), ERR_LIMIT);
    cr_assert_eq(base64_decode("Zm9v\r\nYmFy\n", 11, out, 8), 6);
}

Test(base64, writes_into_a_buffer_that_is_large_enough)
{
    char out[9];
    cr_assert_eq(base64_write("foob", 4, out, sizeof(out)), 8);
    cr_assert_str_eq(out, "Zm9vYg==");
    cr_assert_eq(base64_write("foob", 4, out, 8), ERR_LIMIT);
    cr_assert_eq(base64_write("", 0, out, 1), 0);
    cr_assert_str_eq(out, "");
}
