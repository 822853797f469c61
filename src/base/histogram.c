/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

static const uint64_t bounds_ms[HISTOGRAM_BOUNDS] = {1,   2,   5,    10,   25,   50,    100,  250,
                                                     500, 1000, 2500, 5000, 10000, 30000, 60000};

void histogram_add(struct histogram *histogram, uint64_t ms)
{
    unsigned i = 0;
    while (i < HISTOGRAM_BOUNDS && ms > bounds_ms[i]) {
        i++;
    }
    histogram->counts[i]++;
    histogram->count++;
    histogram->sum_ms += ms;
}

uint64_t histogram_bound_ms(unsigned i)
{
    return bounds_ms[i];
}
