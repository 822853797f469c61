/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_EPOCH_H
#define VPND_CRYPTO_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/hkdf.h"

#define EPOCH_FIRST 1
#define EPOCH_IV_SIZE 12

/** The chain of epoch secrets of one direction (data channel spec, 7). Holds a secret: wipe it with epoch_wipe(). */
struct epoch_chain {
    uint8_t secret[HKDF_SECRET_SIZE];
    uint16_t epoch;
};

/** epoch_start - epoch 1, from the first 32 bytes of that direction's cipher area. */
void epoch_start(struct epoch_chain *chain, const uint8_t cipher_area[HKDF_SECRET_SIZE]);

/** epoch_next - one step forward; the old secret is gone. Return: 0, ERR_LIMIT after epoch 65535, ERR_CRYPTO. */
int epoch_next(struct epoch_chain *chain);

/** epoch_keys - cipher key (@key_len bytes) and implicit IV of the chain's present epoch. Return: 0 or ERR_CRYPTO. */
int epoch_keys(const struct epoch_chain *chain, uint8_t *key, size_t key_len, uint8_t iv[EPOCH_IV_SIZE]);

/** epoch_wipe - forget the secret. */
void epoch_wipe(struct epoch_chain *chain);

#endif
