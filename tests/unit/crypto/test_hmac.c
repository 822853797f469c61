/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "crypto/hmac.h"

/* RFC 4231, test cases 2 and 6. */
Test(hmac, rfc4231)
{
    static const uint8_t case2[32] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                      0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                      0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const uint8_t case6[8] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f};
    uint8_t out[HMAC_SIZE_MAX];
    struct span text = {(const uint8_t *)"what do ya want for nothing?", 28};
    cr_assert_eq(hmac_once("SHA256", "Jefe", 4, &text, 1, out), 32);
    cr_assert(memcmp(out, case2, 32) == 0);
    uint8_t key[131];
    memset(key, 0xaa, sizeof(key));
    text = (struct span){(const uint8_t *)"Test Using Larger Than Block-Size Key - Hash Key First", 54};
    cr_assert_eq(hmac_once("SHA256", key, sizeof(key), &text, 1, out), 32);
    cr_assert(memcmp(out, case6, sizeof(case6)) == 0);
}

Test(hmac, every_digest_agrees_with_the_library)
{
    static const char *const names[] = {"MD5",    "SHA1",     "SHA224",    "SHA256",     "SHA384",
                                        "SHA512", "SHA3-224", "RIPEMD160", "BLAKE2b512", "SHA512-256"};
    uint8_t key[64];
    uint8_t data[300];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
        key[i % 64] = (uint8_t)(i * 13);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint8_t want[EVP_MAX_MD_SIZE];
        uint8_t got[HMAC_SIZE_MAX];
        unsigned want_len = 0;
        HMAC(EVP_get_digestbyname(names[i]), key, 20, data, sizeof(data), want, &want_len);
        struct hmac *h = hmac_new(names[i], key, 20);
        cr_assert_not_null(h, "%s", names[i]);
        cr_assert_eq(hmac_size(h), want_len);
        struct span parts[3] = {{data, 100}, {NULL, 0}, {data + 100, 200}};
        for (int again = 0; again < 3; again++) {
            cr_assert_eq(hmac_compute(h, parts, 3, got), 0);
            cr_assert(memcmp(want, got, want_len) == 0, "%s", names[i]);
        }
        cr_assert(hmac_verify(h, parts, 3, want));
        want[want_len - 1] ^= 1;
        cr_assert_not(hmac_verify(h, parts, 3, want));
        hmac_free(h);
    }
}

Test(hmac, refuses_what_is_no_hmac_digest)
{
    cr_assert_null(hmac_new("SHAKE256", "k", 1));
    cr_assert_null(hmac_new("no such digest", "k", 1));
    hmac_free(NULL);
}
