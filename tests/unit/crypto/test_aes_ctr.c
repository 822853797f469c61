/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/aes_ctr.h"

/* NIST SP 800-38A, F.5.5. */
Test(aes_ctr, sp800_38a)
{
    static const uint8_t key[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
                                    0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
                                    0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
    static const uint8_t plain[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                      0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
    static const uint8_t want[16] = {0x60, 0x1e, 0xc3, 0x13, 0x77, 0x57, 0x89, 0xa5,
                                     0xb7, 0xa7, 0xf5, 0x04, 0xbb, 0xf3, 0xd2, 0x28};
    uint8_t iv[16];
    uint8_t out[16];
    for (size_t i = 0; i < 16; i++) {
        iv[i] = (uint8_t)(0xf0 + i);
    }
    struct aes_ctr *c = aes_ctr_new(key);
    cr_assert_not_null(c);
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(aes_ctr_crypt(c, iv, plain, out, 16), 0);
        cr_assert(memcmp(out, want, 16) == 0);
    }
    cr_assert_eq(aes_ctr_crypt(c, iv, out, out, 16), 0);
    cr_assert(memcmp(out, plain, 16) == 0);
    cr_assert_eq(aes_ctr_crypt(c, iv, NULL, NULL, 0), 0);
    aes_ctr_free(c);
    cr_assert_eq(aes_ctr_once(key, iv, plain, out, 16), 0);
    cr_assert(memcmp(out, want, 16) == 0);
}

Test(aes_ctr, counter_carries_through_all_128_bits)
{
    uint8_t key[32] = {1};
    uint8_t top[16];
    uint8_t zero[16] = {0};
    uint8_t both[32] = {0};
    uint8_t second[16] = {0};
    memset(top, 0xff, sizeof(top));
    cr_assert_eq(aes_ctr_once(key, top, both, both, 32), 0);
    cr_assert_eq(aes_ctr_once(key, zero, second, second, 16), 0);
    cr_assert(memcmp(both + 16, second, 16) == 0);
}
