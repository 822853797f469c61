/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_AES_CTR_H
#define VPND_CRYPTO_AES_CTR_H

#include <stddef.h>
#include <stdint.h>

#define AES_CTR_KEY_SIZE 32
#define AES_CTR_IV_SIZE 16

/** AES-256-CTR with a 128-bit big-endian counter under a fixed key. One thread at a time. */
struct aes_ctr;

/** aes_ctr_new - context for a key (copied). Return: NULL when the library fails. */
struct aes_ctr *aes_ctr_new(const uint8_t key[AES_CTR_KEY_SIZE]);

/** aes_ctr_free - wipe and release; NULL is fine. */
void aes_ctr_free(struct aes_ctr *c);

/** aes_ctr_crypt - encrypt or decrypt @len bytes from @in to @out (equal or not overlapping), starting with counter
 *  block @iv. Return: 0 or ERR_CRYPTO. */
int aes_ctr_crypt(struct aes_ctr *c, const uint8_t iv[AES_CTR_IV_SIZE], const uint8_t *in, uint8_t *out, size_t len);

/** aes_ctr_once - aes_ctr_crypt() under a key that is used only here. Return: 0 or ERR_CRYPTO. Any thread. */
int aes_ctr_once(const uint8_t key[AES_CTR_KEY_SIZE], const uint8_t iv[AES_CTR_IV_SIZE], const uint8_t *in,
                 uint8_t *out, size_t len);

#endif
