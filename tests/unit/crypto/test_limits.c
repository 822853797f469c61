/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "crypto/limits.h"

Test(limits, usage)
{
    const struct cipher_info *gcm = cipher_find("AES-256-GCM");
    cr_assert_eq(limit_usage(gcm, false), UINT64_C(60129542137));
    cr_assert_eq(limit_usage(gcm, true), UINT64_C(68719476735));
    cr_assert_eq(limit_usage(cipher_find("CHACHA20-POLY1305"), false), LIMIT_NONE);
    cr_assert_eq(limit_usage(cipher_find("AES-256-CBC"), false), LIMIT_NONE);
    cr_assert_eq(limit_blocks_of(0), 1);
    cr_assert_eq(limit_blocks_of(16), 2);
    cr_assert_eq(limit_blocks_of(17), 3);
}

Test(limits, weak_ciphers_renegotiate_by_bytes)
{
    cr_assert_eq(limit_reneg_bytes(cipher_find("BF-CBC")), 67108864);
    cr_assert_eq(limit_reneg_bytes(cipher_find("DES-EDE3-CBC")), 67108864);
    cr_assert_eq(limit_reneg_bytes(cipher_find("AES-128-CBC")), 0);
    cr_assert_eq(limit_reneg_bytes(cipher_find("none")), 0);
}
