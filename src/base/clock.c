/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

struct clock_now clock_read(void)
{
    struct timespec mono;
    struct timespec real;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &real);
    return (struct clock_now){
        .mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
        .unix_s = (uint64_t)real.tv_sec,
    };
}
