/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_SIPHASH_H
#define VPND_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * siphash - SipHash-2-4 of @len bytes under a 16-byte key (Aumasson and Bernstein, 2012)
 *
 * For hash tables whose keys a peer can choose, and for cookies' bucket choice; not a MAC for anything else.
 */
uint64_t siphash(const uint8_t key[16], const void *data, size_t len);

#endif
