/* SPDX-License-Identifier: MIT */
#include "session/replay.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

int replay_send_next(struct replay_send *s, uint64_t unix_s, uint32_t *counter, uint32_t *time)
{
    if (s->time == 0) {
        s->time = (uint32_t)unix_s;
    }
    if (s->counter == UINT32_MAX) {
        if ((uint32_t)unix_s <= s->time) {
            return ERR_LIMIT;
        }
        s->time = (uint32_t)unix_s;
        s->counter = 0;
    }
    *counter = ++s->counter;
    *time = s->time;
    return 0;
}

void replay_window_init(struct replay_window *w, unsigned size, unsigned seconds)
{
    memset(w, 0, sizeof *w);
    w->size = size < 1 ? 1 : size > SESSION_REPLAY_WINDOW_MAX ? SESSION_REPLAY_WINDOW_MAX : size;
    w->seconds = seconds;
}

static bool seen_get(const struct replay_window *w, uint32_t counter)
{
    uint32_t bit = counter % SESSION_REPLAY_WINDOW_MAX;
    return w->seen[bit / 64] >> (bit % 64) & 1;
}

static void seen_set(struct replay_window *w, uint32_t counter, bool on)
{
    uint32_t bit = counter % SESSION_REPLAY_WINDOW_MAX;
    uint64_t mask = (uint64_t)1 << (bit % 64);
    w->seen[bit / 64] = on ? w->seen[bit / 64] | mask : w->seen[bit / 64] & ~mask;
}

/*
 * What lies behind a packet received more than @seconds ago is too old. Two marks, the older at least @seconds old
 * when it becomes the limit, give that with an error of at most as long again.
 */
static void age(struct replay_window *w, uint64_t mono_ms)
{
    uint64_t limit = (uint64_t)w->seconds * 1000;
    if (w->seconds == 0 || mono_ms - w->mark_ms <= limit) {
        return;
    }
    w->aged = w->mark;
    w->mark = w->highest;
    w->mark_ms = mono_ms;
}

static void advance(struct replay_window *w, uint32_t counter)
{
    uint32_t steps = counter - w->highest;
    if (steps >= SESSION_REPLAY_WINDOW_MAX) {
        memset(w->seen, 0, sizeof w->seen);
    } else {
        for (uint32_t c = w->highest + 1; c != counter; c++) {
            seen_set(w, c, false);
        }
    }
    seen_set(w, counter, true);
    w->highest = counter;
}

int replay_window_check(struct replay_window *w, uint64_t mono_ms, uint32_t counter, uint32_t time)
{
    if (counter == 0 || time < w->time) {
        return ERR_REPLAY;
    }
    if (time > w->time) {
        unsigned size = w->size;
        unsigned seconds = w->seconds;
        replay_window_init(w, size, seconds);
        w->time = time;
        w->highest = counter;
        w->mark = counter;
        w->mark_ms = mono_ms;
        seen_set(w, counter, true);
        return 0;
    }
    age(w, mono_ms);
    if (counter > w->highest) {
        advance(w, counter);
        return 0;
    }
    if (w->highest - counter >= w->size || counter < w->aged || seen_get(w, counter)) {
        return ERR_REPLAY;
    }
    seen_set(w, counter, true);
    return 0;
}
