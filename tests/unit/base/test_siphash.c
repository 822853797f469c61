/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/siphash.h"

/* Appendix A of the SipHash paper: key 00..0f, message 00..0e; and the reference vectors of length 0 and 8. */
Test(siphash, reference_vectors)
{
    uint8_t key[16];
    uint8_t message[15];
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = i;
    }
    for (uint8_t i = 0; i < 15; i++) {
        message[i] = i;
    }
    cr_assert_eq(siphash(key, message, 15), UINT64_C(0xa129ca6149be45e5));
    cr_assert_eq(siphash(key, message, 0), UINT64_C(0x726fdb47dd0e0e31));
    cr_assert_eq(siphash(key, message, 8), UINT64_C(0x93f5f5799a932462));
}
