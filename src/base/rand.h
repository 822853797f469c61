/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_RAND_H
#define VPND_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/** Where random bytes come from; injected into protocol code so that simulations repeat by seed. */
struct rand_source {
    void (*fill)(void *arg, void *out, size_t n);
    void *arg;
};

/** rand_system - getrandom(2); ends the process if the kernel cannot deliver. Any thread. */
const struct rand_source *rand_system(void);

/** rand_fill - @n bytes from @source. */
void rand_fill(const struct rand_source *source, void *out, size_t n);

/** rand_u32 - 32 random bits. */
uint32_t rand_u32(const struct rand_source *source);

/** rand_below - uniform in 0..@limit-1 (@limit > 0), without modulo bias. */
uint32_t rand_below(const struct rand_source *source, uint32_t limit);

/** A repeatable, insecure generator for tests (splitmix64). */
struct rand_seeded {
    uint64_t state;
    struct rand_source source;
};

/** rand_seeded_init - make @r (kept by the caller) produce the sequence of @seed. Tests only. */
void rand_seeded_init(struct rand_seeded *r, uint64_t seed);

#endif
