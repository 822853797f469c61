/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_REMOTES_H
#define VPND_CLIENT_REMOTES_H

/*
 * Which server to try next, and after what pause: the connection list as a state machine without names,
 * addresses or a clock (client behaviour spec, 2.1 and 2.2). The owner keeps the entries themselves and the
 * resolved addresses; this knows only how many there are. Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"

/** What the next attempt uses. */
enum remotes_step {
    REMOTES_KEEP,         /* the same entry and the same address */
    REMOTES_NEXT_ADDRESS, /* the same entry, its next resolved address */
    REMOTES_NEXT_ENTRY,   /* another entry: resolve its name (unless its addresses are kept) */
    REMOTES_NONE_USABLE,  /* fatal: "No usable connection profiles are present" */
    REMOTES_EXHAUSTED,    /* fatal: connect-retry-max rounds without success */
};

/** How far the server asked a client to move with AUTH_FAILED,TEMP[advance ...]. */
enum remotes_advance { REMOTES_ADVANCE_NO, REMOTES_ADVANCE_ADDRESS, REMOTES_ADVANCE_REMOTE };

struct remotes {
    size_t count;          /* entries */
    size_t *order;         /* permutation of 0..count-1: remote-random */
    bool *disabled;        /* by entry: proto-force, or refused by the management interface */
    size_t position;       /* in @order */
    size_t address;        /* current index in the resolved list */
    size_t address_count;  /* its length; 0 while nothing is resolved */
    uint64_t failures;     /* changes of entry since the last success */
    uint64_t retry_max;    /* connect-retry-max; 0 unlimited */
    size_t skip;           /* management SKIP: how many entries to go on at the next change; 0 means 1 */
    bool started;
    bool no_advance;
    bool skip_addresses;
};

/**
 * remotes_init - a list of @count entries (at least 1), shuffled once when @rand is not NULL
 * @retry_max: connect-retry-max, 0 for no limit
 */
void remotes_init(struct remotes *r, size_t count, uint64_t retry_max, const struct rand_source *rand);

/** remotes_free - release the arrays. */
void remotes_free(struct remotes *r);

/** remotes_disable - never choose @entry (index as the owner counts). */
void remotes_disable(struct remotes *r, size_t entry);

/** remotes_current - the entry to use, as the owner counts; valid after remotes_next() chose one. */
size_t remotes_current(const struct remotes *r);

/** remotes_next - choose what the coming attempt uses. Changes the state. */
enum remotes_step remotes_next(struct remotes *r);

/** remotes_resolved - the current entry's name gave @count addresses; the attempt uses number 0. */
void remotes_resolved(struct remotes *r, size_t count);

/** remotes_established - a connection came up: failures are forgotten and the first retry goes to the same server. */
void remotes_established(struct remotes *r);

/** remotes_stay - the next attempt goes to the same address (AUTH_FAILED, RESTART without the flag N). */
void remotes_stay(struct remotes *r);

/** remotes_skip - the next attempt goes @entries further in the list, whatever else was decided (management). */
void remotes_skip(struct remotes *r, size_t entries);

/** remotes_advance - what AUTH_FAILED,TEMP[advance ...] asked for, or RESTART,[N] (REMOTE). */
void remotes_advance(struct remotes *r, enum remotes_advance how);

/** remotes_choose - @entry (as the owner counts) and its address number @address are in use: all were tried at once. */
void remotes_choose(struct remotes *r, size_t entry, size_t address);

/** remotes_round_failed - every entry was tried at once and failed. */
void remotes_round_failed(struct remotes *r);

/** Everything that decides the pause before the next attempt. All times in seconds. */
struct remotes_pause {
    unsigned retry;          /* connect-retry */
    unsigned retry_max;      /* its second argument */
    bool nointeract;         /* auth-retry nointeract */
    bool backs_off;          /* TCP client, or UDP and TLS client */
    unsigned server_backoff; /* AUTH_FAILED,TEMP[backoff N]; 0 none */
    bool poll_timeout;       /* the attempt ended by server-poll-timeout */
    unsigned at_least;       /* an internal request for a longer pause */
};

/** remotes_pause_seconds - length of the "Restart pause". */
unsigned remotes_pause_seconds(const struct remotes *r, const struct remotes_pause *p);

#endif
