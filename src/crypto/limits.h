/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_LIMITS_H
#define VPND_CRYPTO_LIMITS_H

/* How long a data key may be used (data channel spec, 9). Pure functions; any thread. */
#include <stdbool.h>
#include <stdint.h>

#include "crypto/cipher.h"

#define LIMIT_PACKET_ID_SOFT 0xFF000000u        /* 32-bit packet ids: renegotiate from here on */
#define LIMIT_FAILED_SOFT (UINT64_C(1) << 35)   /* failed verifications: renegotiate, or next epoch */
#define LIMIT_FAILED_HARD (UINT64_C(1) << 36)   /* failed verifications: drop everything under the key */
#define LIMIT_EPOCH_RENEGOTIATE 0xF000u         /* send epoch from which a renegotiation is due */
#define LIMIT_NONE UINT64_MAX

/** limit_blocks_of - what one packet of @len bytes adds to a key's usage: its 16-byte blocks and itself. */
static inline uint64_t limit_blocks_of(uint64_t len)
{
    return (len + 15) / 16 + 1;
}

/** limit_usage - usage (blocks and packets) at which a key has to be replaced; LIMIT_NONE for none. */
uint64_t limit_usage(const struct cipher_info *cipher, bool epoch_format);

/** limit_reneg_bytes - default reneg-bytes for @cipher when the user set none: 64 MiB for weak ciphers, else 0. */
uint64_t limit_reneg_bytes(const struct cipher_info *cipher);

#endif
