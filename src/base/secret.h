/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_SECRET_H
#define VPND_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Key material or a password in its own locked, undumpable pages, wiped on release. */
struct secret {
    uint8_t *data;
    size_t len;
    size_t mapped; /* bytes of its pages; 0: ordinary memory, where the system has no more mappings for us */
};

/** secret_wipe - overwrite @n bytes; the compiler may not remove it. */
void secret_wipe(void *p, size_t n);

/** secret_equal - compare @n bytes in constant time. */
bool secret_equal(const void *a, const void *b, size_t n);

/**
 * secret_alloc - zeroed locked memory for @len bytes (locking is best effort under RLIMIT_MEMLOCK)
 *
 * The pages are excluded from core dumps. A process may have some 65,000 mappings: a server with more clients than that
 * goes on with ordinary memory, which is wiped all the same. Never fails (see base/mem.h).
 * Return: pass to secret_free().
 */
struct secret secret_alloc(size_t len);

/** secret_from - secret_alloc() and copy @len bytes of @data into it. */
struct secret secret_from(const void *data, size_t len);

/** secret_free - wipe and release; safe on an all-zero struct. */
void secret_free(struct secret *s);

#endif
