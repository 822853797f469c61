/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_RATELIMIT_H
#define VPND_SESSION_RATELIMIT_H

/* connect-freq and connect-freq-initial: at most so many in a period (session spec, 11.5). One thread at a time. */
#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
    unsigned max;       /* 0: no limit */
    unsigned period_s;
    uint64_t start_ms;  /* of the running period */
    unsigned used;
    uint64_t refused;   /* since the period began */
};

/** ratelimit_init - @max per @period_s seconds; @max or @period_s 0: no limit. */
void ratelimit_init(struct ratelimit *r, unsigned max, unsigned period_s);

/** ratelimit_take - one more. Return: whether it is allowed. */
bool ratelimit_take(struct ratelimit *r, uint64_t mono_ms);

/** ratelimit_give_back - an allowed one turned out to be honest. */
void ratelimit_give_back(struct ratelimit *r);

#endif
