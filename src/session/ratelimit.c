/* SPDX-License-Identifier: MIT */
#include "session/ratelimit.h"

void ratelimit_init(struct ratelimit *r, unsigned max, unsigned period_s)
{
    *r = (struct ratelimit){.max = period_s ? max : 0, .period_s = period_s};
}

bool ratelimit_take(struct ratelimit *r, uint64_t mono_ms)
{
    if (r->max == 0) {
        return true;
    }
    if (mono_ms < r->start_ms || mono_ms - r->start_ms >= (uint64_t)r->period_s * 1000) {
        r->start_ms = mono_ms;
        r->used = 0;
        r->refused = 0;
    }
    if (r->used >= r->max) {
        r->refused++;
        return false;
    }
    r->used++;
    return true;
}

void ratelimit_give_back(struct ratelimit *r)
{
    if (r->used > 0) {
        r->used--;
    }
}
