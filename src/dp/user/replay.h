/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_REPLAY_H
#define VPND_DP_USER_REPLAY_H

/*
 * The window of packet ids that one receive key has seen (data channel spec, 8). Not thread-safe: the key slot's
 * receive lock covers it.
 */
#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW_DEFAULT 8192
#define REPLAY_WINDOW_MAX 65536

struct replay {
    uint64_t highest;
    uint64_t expired;   /* ids up to here are too old by time */
    uint32_t window;    /* ids; 0 means strict order */
    uint32_t words;     /* of the bit ring */
    uint32_t seconds;   /* 0: no limit by time */
    uint32_t last_reap; /* second of the last look for expired ids */
    uint32_t sent_time; /* long ids: the sender's time stamp that the window belongs to */
    uint64_t *seen;     /* ring of bits by id */
    uint32_t *times;    /* ring of arrival seconds by id; NULL without a limit by time */
};

/** replay_init - an empty window of @window ids (0: strict order), at most @seconds old (0: no limit). */
void replay_init(struct replay *r, uint32_t window, uint32_t seconds);

/** replay_free - release what replay_init() allocated. */
void replay_free(struct replay *r);

/** replay_reset - forget all ids; the size stays. */
void replay_reset(struct replay *r);

/** replay_fresh - whether @id would be accepted now; changes nothing. */
bool replay_fresh(const struct replay *r, uint64_t id);

/** replay_accept - take an authenticated @id at second @now. Return: false for a replay. */
bool replay_accept(struct replay *r, uint64_t id, uint32_t now);

/** replay_accept_long - the same for an id that is a pair of sender's time and counter (CFB, OFB). */
bool replay_accept_long(struct replay *r, uint32_t sent_time, uint32_t id, uint32_t now);

#endif
