/* SPDX-License-Identifier: MIT */
#include "client/remotes.h"

#include <stdlib.h>

#include "base/mem.h"

/* Rounds over the whole list before entries count as a back-off step. */
#define FREE_ROUNDS 4u
#define SHIFT_MAX 15u
#define NOINTERACT_SECONDS 10u

void remotes_init(struct remotes *r, size_t count, uint64_t retry_max, const struct rand_source *rand)
{
    *r = (struct remotes){.count = count, .retry_max = retry_max};
    r->order = mem_array(count, sizeof(*r->order));
    r->disabled = mem_array(count, sizeof(*r->disabled));
    for (size_t i = 0; i < count; i++) {
        r->order[i] = i;
    }
    if (!rand) {
        return;
    }
    for (size_t i = count; i > 1; i--) {
        size_t j = rand_below(rand, (uint32_t)i);
        size_t swap = r->order[i - 1];
        r->order[i - 1] = r->order[j];
        r->order[j] = swap;
    }
}

void remotes_free(struct remotes *r)
{
    free(r->order);
    free(r->disabled);
    *r = (struct remotes){0};
}

void remotes_disable(struct remotes *r, size_t entry)
{
    r->disabled[entry] = true;
}

size_t remotes_current(const struct remotes *r)
{
    return r->order[r->position];
}

static bool usable(const struct remotes *r)
{
    return !r->disabled[remotes_current(r)];
}

/* The first attempt starts at the head of the list and counts as no failure. */
static enum remotes_step start(struct remotes *r)
{
    r->started = true;
    r->position = 0;
    for (size_t tried = 0; tried < r->count; tried++, r->position++) {
        if (usable(r)) {
            return REMOTES_NEXT_ENTRY;
        }
    }
    r->position = 0;
    return REMOTES_NONE_USABLE;
}

static enum remotes_step next_entry(struct remotes *r)
{
    r->skip_addresses = false;
    r->address = 0;
    r->address_count = 0;
    size_t step = r->skip ? r->skip : 1;
    r->skip = 0;
    for (size_t tried = 0; tried < 2 * r->count; tried++, step = 1) {
        r->failures += step;
        r->position = (r->position + step) % r->count;
        if (usable(r)) {
            return REMOTES_NEXT_ENTRY;
        }
    }
    return REMOTES_NONE_USABLE;
}

enum remotes_step remotes_next(struct remotes *r)
{
    if (!r->started) {
        return start(r);
    }
    enum remotes_step step;
    if (r->no_advance) {
        r->no_advance = false;
        step = REMOTES_KEEP;
    } else if (r->address + 1 < r->address_count && !r->skip_addresses) {
        r->address++;
        step = REMOTES_NEXT_ADDRESS;
    } else {
        step = next_entry(r);
    }
    if (step != REMOTES_NONE_USABLE && r->retry_max && r->failures > r->count * r->retry_max) {
        return REMOTES_EXHAUSTED;
    }
    return step;
}

void remotes_resolved(struct remotes *r, size_t count)
{
    r->address = 0;
    r->address_count = count;
}

void remotes_established(struct remotes *r)
{
    r->failures = 0;
    r->no_advance = true;
}

void remotes_stay(struct remotes *r)
{
    r->no_advance = true;
}

void remotes_skip(struct remotes *r, size_t entries)
{
    r->no_advance = false;
    r->skip_addresses = true;
    r->skip = entries;
}

void remotes_advance(struct remotes *r, enum remotes_advance how)
{
    r->no_advance = how == REMOTES_ADVANCE_NO;
    if (how == REMOTES_ADVANCE_REMOTE) {
        r->skip_addresses = true;
    }
}

void remotes_choose(struct remotes *r, size_t entry, size_t address)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->order[i] == entry) {
            r->position = i;
        }
    }
    r->address = address;
}

/* The next change of entry adds one more. */
void remotes_round_failed(struct remotes *r)
{
    r->failures += r->count - 1;
    r->skip_addresses = true;
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

unsigned remotes_pause_seconds(const struct remotes *r, const struct remotes_pause *p)
{
    uint64_t seconds = p->nointeract ? NOINTERACT_SECONDS : p->retry;
    if (p->backs_off) {
        uint64_t rounds = r->failures / r->count;
        if (rounds > FREE_ROUNDS) {
            uint64_t shift = rounds - FREE_ROUNDS;
            seconds = (seconds ? seconds : 1) << (shift < SHIFT_MAX ? shift : SHIFT_MAX);
        }
        if (seconds < p->server_backoff) {
            seconds = p->server_backoff;
        }
        if (seconds > p->retry_max) {
            seconds = p->retry_max;
        }
    }
    if (p->poll_timeout) {
        seconds = 0;
    }
    return larger((unsigned)seconds, p->at_least);
}
