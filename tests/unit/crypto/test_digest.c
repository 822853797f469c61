/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "crypto/digest.h"

Test(digest, sha256_of_abc)
{
    uint8_t out[32];
    char text[DIGEST_TEXT_MAX];
    cr_assert_eq(digest_sha256("abc", 3, out), 0);
    cr_assert_str_eq(digest_format(out, 4, text), "ba:78:16:bf");
}

Test(digest, parse_is_strict)
{
    uint8_t out[4];
    cr_assert_eq(digest_parse("BA:78:16:bf", out, 4), 0);
    cr_assert(memcmp(out, "\xba\x78\x16\xbf", 4) == 0);
    cr_assert_eq(digest_parse("BA:78:16", out, 4), ERR_FORMAT);
    cr_assert_eq(digest_parse("BA:78:16:bf:00", out, 4), ERR_FORMAT);
    cr_assert_eq(digest_parse("BA7816bf", out, 4), ERR_FORMAT);
    cr_assert_eq(digest_parse("BA:78:16:b", out, 4), ERR_FORMAT);
    cr_assert_eq(digest_parse("BA:78:16:bg", out, 4), ERR_FORMAT);
    cr_assert_eq(digest_parse("", out, 4), ERR_FORMAT);
}

/* RFC 1321, A.5. */
Test(digest, md5_of_known_text)
{
    uint8_t out[DIGEST_MD5_SIZE];
    char text[DIGEST_TEXT_MAX];
    cr_assert_eq(digest_md5("abc", 3, out), 0);
    cr_assert_str_eq(digest_format(out, sizeof(out), text), "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72");
}
