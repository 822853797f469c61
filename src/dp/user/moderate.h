/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MODERATE_H
#define VPND_DP_USER_MODERATE_H

/*
 * What network cards call interrupt moderation. A peer that sends every datagram by itself wakes us for each; taken a
 * few at a time they cost less, and merged for the device they are acknowledged less often, which spares that peer
 * more than us. While many datagrams come a few at a time a worker sleeps for a moment before it looks again.
 *
 * Nobody else pays for that: a worker does not sleep on work that is waiting, and not while somebody else is served
 * more often than about once a millisecond, so that who waits for answers has them as fast as before.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct moderate {
    uint64_t since_ns;  /* start of the window */
    unsigned datagrams; /* in it: long and alone */
    unsigned receives;
    unsigned others;    /* served in it, but no such datagram and not of who sends them */
    bool on;
    bool fresh;         /* this turn had some */
    bool more;          /* this turn ended with work left */
    union addr bulk;    /* who sent the last long one */
};

/** moderate_datagram - count a datagram of @len bytes (or a run of several) from @source. Worker. */
void moderate_datagram(struct moderate *m, uint32_t len, const union addr *source);

/** moderate_other - something else than a datagram was read. Worker. */
static inline void moderate_other(struct moderate *m)
{
    m->others++;
}

/** moderate_more - this turn ends with work left. Worker. */
static inline void moderate_more(struct moderate *m)
{
    m->more = true;
}

/** moderate_note - a receive ended; @now_ns: monotonic. Worker. */
void moderate_note(struct moderate *m, uint64_t now_ns);

/** moderate_received - moderate_note() at this moment. Worker. */
void moderate_received(struct moderate *m);

/** moderate_naps - whether to sleep before the next turn, which begins. Worker. */
bool moderate_naps(struct moderate *m);

/** moderate_wait - sleep if that is worth it. Worker, holding no pointer from a table. */
void moderate_wait(struct moderate *m);

#endif
