/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_KEEPALIVE_H
#define VPND_DP_USER_KEEPALIVE_H

/* Worker 0 looks at every peer once a second: pings, timeouts, inactivity, fragments and learnt addresses that have
 * grown old. Thousands of peers are looked at in parts over the second, so that packets do not wait for all of them. */
#include <stdbool.h>
#include <stdint.h>

struct worker;

/** A round over all peers, under way. */
struct keepalive_round {
    uint64_t began_ms; /* monotonic, a whole second */
    uint64_t due_ms;   /* when the next part is looked at */
    uint32_t next;     /* its first peer; 0: a round begins */
    unsigned probes;   /* peers whose path may still be looked at in this round */
    bool sweep;        /* this round also looks for what has grown old */
};

/** keepalive_tick - look at the next part if it is time. Worker 0. */
void keepalive_tick(struct worker *w);

/** keepalive_wait_ms - milliseconds until keepalive_tick() has something to do. Worker 0. */
int keepalive_wait_ms(const struct worker *w);

#endif
