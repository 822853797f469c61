/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "crypto/hkdf.h"
#include "vectors.h"

/* RFC 5869, A.1. */
Test(hkdf, rfc5869)
{
    static const uint8_t prk[32] = {0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf, 0x0d, 0xdc, 0x3f,
                                    0x0d, 0xc4, 0x7b, 0xba, 0x63, 0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f,
                                    0x9c, 0x31, 0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5};
    static const uint8_t info[10] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9};
    static const uint8_t start[4] = {0x3c, 0xb2, 0x5f, 0x25};
    static const uint8_t end[4] = {0x87, 0x18, 0x58, 0x65};
    uint8_t out[42];
    cr_assert_eq(hkdf_expand_sha256(prk, 32, info, 10, out, 42), 0);
    cr_assert(memcmp(out, start, 4) == 0);
    cr_assert(memcmp(out + 38, end, 4) == 0, "%02x%02x%02x%02x", out[38], out[39], out[40], out[41]);
}

Test(hkdf, label_vector)
{
    json_t *root = vectors_load("control_epoch_keys.json");
    json_t *v = json_object_get(root, "expand_label_check");
    uint8_t secret[32];
    uint8_t out[16];
    vectors_hex(v, "secret", secret, 32);
    cr_assert_eq(hkdf_label(secret, vectors_text(v, "label"), out, 16), 0);
    vectors_expect(v, "out", out, 16);
    cr_assert_eq(hkdf_label(secret, "a label that is far too long to be expanded here", out, 16), ERR_CRYPTO);
    json_decref(root);
}
