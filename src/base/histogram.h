/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_HISTOGRAM_H
#define VPND_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 15

/** How long something took, in buckets between 1 ms and 60 s. Zero-initialise. One thread at a time. */
struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last one: longer than every bound */
    uint64_t count;
    uint64_t sum_ms;
};

/** histogram_add - one more that took @ms milliseconds. */
void histogram_add(struct histogram *histogram, uint64_t ms);

/** histogram_bound_ms - upper bound (inclusive) of bucket @i, which is less than HISTOGRAM_BOUNDS. */
uint64_t histogram_bound_ms(unsigned i);

#endif
