/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_CLOCK_H
#define VPND_BASE_CLOCK_H

#include <stdint.h>

/** The two clocks that protocol code is given; it never reads one itself, so that tests can invent them. */
struct clock_now {
    uint64_t mono_ms; /* CLOCK_MONOTONIC, milliseconds: deadlines */
    uint64_t unix_s;  /* CLOCK_REALTIME, seconds: replay ids, certificates, tokens */
};

#define CLOCK_NEVER UINT64_MAX

/** clock_read - both clocks, now. Any thread. */
struct clock_now clock_read(void);

#endif
