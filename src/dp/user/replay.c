/* SPDX-License-Identifier: MIT */
#include "dp/user/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define REAP_INTERVAL_S 5

void replay_init(struct replay *r, uint32_t window, uint32_t seconds)
{
    *r = (struct replay){.window = window, .seconds = seconds};
    r->words = window / 64 + 2; /* a window that does not start at a word's first bit touches one word more */
    r->seen = mem_array(r->words, sizeof(*r->seen));
    if (seconds) {
        r->times = mem_array((size_t)r->words * 64, sizeof(*r->times));
    }
}

void replay_free(struct replay *r)
{
    free(r->seen);
    free(r->times);
    *r = (struct replay){0};
}

void replay_reset(struct replay *r)
{
    r->highest = 0;
    r->expired = 0;
    memset(r->seen, 0, r->words * sizeof(*r->seen));
}

static uint64_t *word_of(const struct replay *r, uint64_t id)
{
    return &r->seen[(id >> 6) % r->words];
}

static bool was_seen(const struct replay *r, uint64_t id)
{
    return *word_of(r, id) >> (id & 63) & 1;
}

bool replay_fresh(const struct replay *r, uint64_t id)
{
    if (id == 0) {
        return false;
    }
    if (r->window == 0) {
        return r->highest == 0 || id == r->highest + 1;
    }
    if (id > r->highest) {
        return true;
    }
    return r->highest - id < r->window && id > r->expired && !was_seen(r, id);
}

/* Everything at and behind the first id that was seen too long ago is expired, seen or not. */
static void reap(struct replay *r, uint32_t now)
{
    if (now - r->last_reap < REAP_INTERVAL_S) {
        return;
    }
    r->last_reap = now;
    uint64_t oldest = r->highest > r->window ? r->highest - r->window : 0;
    for (uint64_t id = r->highest; id > oldest && id > r->expired; id--) {
        if (was_seen(r, id) && r->times[id % ((uint64_t)r->words * 64)] + r->seconds < now) {
            r->expired = id;
            return;
        }
    }
}

static void advance(struct replay *r, uint64_t id)
{
    uint64_t from = (r->highest >> 6) + 1;
    uint64_t to = id >> 6;
    if (to >= from && to - from >= r->words) {
        memset(r->seen, 0, r->words * sizeof(*r->seen));
    } else {
        for (uint64_t w = from; w <= to; w++) {
            r->seen[w % r->words] = 0;
        }
    }
    r->highest = id;
}

bool replay_accept(struct replay *r, uint64_t id, uint32_t now)
{
    if (r->seconds) {
        reap(r, now);
    }
    if (!replay_fresh(r, id)) {
        return false;
    }
    if (id > r->highest) {
        advance(r, id);
    }
    *word_of(r, id) |= UINT64_C(1) << (id & 63);
    if (r->seconds) {
        r->times[id % ((uint64_t)r->words * 64)] = now;
    }
    return true;
}

bool replay_accept_long(struct replay *r, uint32_t sent_time, uint32_t id, uint32_t now)
{
    if (sent_time < r->sent_time) {
        return false;
    }
    if (sent_time > r->sent_time) {
        if (id == 0 || (r->window == 0 && r->sent_time != 0 && id != 1)) {
            return false;
        }
        replay_reset(r);
        r->sent_time = sent_time;
    }
    return replay_accept(r, id, now);
}
