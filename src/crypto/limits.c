/* SPDX-License-Identifier: MIT */
#include "crypto/limits.h"

#define GCM_USAGE ((UINT64_C(1) << 36) - 1)

uint64_t limit_usage(const struct cipher_info *cipher, bool epoch_format)
{
    if (!cipher || !cipher->usage_limited) {
        return LIMIT_NONE;
    }
    return epoch_format ? GCM_USAGE : GCM_USAGE / 8 * 7;
}

uint64_t limit_reneg_bytes(const struct cipher_info *cipher)
{
    return cipher_is_weak(cipher) ? UINT64_C(64) << 20 : 0;
}
