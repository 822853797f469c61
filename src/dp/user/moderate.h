/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MODERATE_H
#define VPND_DP_USER_MODERATE_H

/*
 * What network cards call interrupt moderation. A peer that sends every datagram by itself wakes us for each; taken a
 * few at a time they cost less, and merged for the device they are acknowledged less often, which spares that peer
 * more than us. While many datagrams come a few at a time a worker sleeps for a moment before it looks again.
 */
#include <stdbool.h>
#include <stdint.h>

struct moderate {
    uint64_t since_ns;  /* start of the window */
    unsigned datagrams; /* in it */
    unsigned receives;
    bool on;
};

/** moderate_note - one receive gave @datagrams that are long and came alone; @now_ns: monotonic. Worker. */
void moderate_note(struct moderate *m, uint64_t now_ns, unsigned datagrams);

/** moderate_received - moderate_note() at this moment. Worker. */
void moderate_received(struct moderate *m, unsigned datagrams);

/** moderate_wait - sleep if that is worth it. Worker, holding no pointer from a table. */
void moderate_wait(const struct moderate *m);

#endif
