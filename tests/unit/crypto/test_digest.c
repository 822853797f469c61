/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "crypto/digest.h"

/* RFC 1321, A.5. */
Test(digest, md5_of_known_text)
{
    uint8_t out[DIGEST_MD5_SIZE];
    char text[DIGEST_TEXT_MAX];
    cr_assert_eq(digest_md5("abc", 3, out), 0);
    cr_assert_str_eq(digest_format(out, sizeof(out), text), "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72");
}
