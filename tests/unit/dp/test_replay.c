/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../wire/vectors.h"
#include "base/rand.h"
#include "dp/user/replay.h"

Test(replay, vectors)
{
    json_t *root = vectors_load("replay_window.json");
    size_t i;
    json_t *v;
    cr_assert_gt(json_array_size(root), 5);
    json_array_foreach (root, i, v) {
        struct replay r;
        size_t k;
        json_t *e;
        replay_init(&r, (uint32_t)vectors_number(v, "window"), (uint32_t)vectors_number(v, "time_backtrack"));
        json_array_foreach (json_object_get(v, "events"), k, e) {
            uint64_t id = (uint64_t)vectors_number(e, "id");
            bool want = json_is_true(json_object_get(e, "accept"));
            bool got = replay_accept(&r, id, (uint32_t)vectors_number(e, "t"));
            cr_assert_eq(got, want, "%s: event %zu, id %lu", vectors_text(v, "name"), k, (unsigned long)id);
        }
        replay_free(&r);
    }
    json_decref(root);
}

/* The window as the specification words it: a list of slots, the first of which belongs to the highest id. */
#define MODEL_MAX 300
#define UNSEEN 0
#define EXPIRED UINT32_MAX

struct model {
    uint64_t highest;
    uint32_t window;
    uint32_t seconds;
    uint32_t last_reap;
    unsigned len;
    uint32_t slot[MODEL_MAX]; /* UNSEEN, EXPIRED, or when the id came */
};

static void model_reap(struct model *m, uint32_t now)
{
    if (m->seconds == 0 || now - m->last_reap < 5) {
        return;
    }
    m->last_reap = now;
    bool expire = false;
    for (unsigned d = 0; d < m->len && m->slot[d] != EXPIRED; d++) {
        expire |= m->slot[d] != UNSEEN && m->slot[d] + m->seconds < now;
        if (expire) {
            m->slot[d] = EXPIRED;
        }
    }
}

static bool model_accept(struct model *m, uint64_t id, uint32_t now)
{
    model_reap(m, now);
    if (id == 0) {
        return false;
    }
    if (m->window == 0) {
        if (m->highest != 0 && id != m->highest + 1) {
            return false;
        }
        m->highest = id;
        return true;
    }
    if (id <= m->highest && (m->highest - id >= m->len || m->slot[m->highest - id] != UNSEEN)) {
        return false;
    }
    if (m->len == 0 || (id >= m->window && id - m->window > m->highest)) {
        m->highest = id > m->window ? id - m->window : 0;
        m->len = 0;
    }
    while (m->highest < id) {
        m->len += m->len < m->window;
        memmove(m->slot + 1, m->slot, (m->len - 1) * sizeof(m->slot[0]));
        m->slot[0] = UNSEEN;
        m->highest++;
    }
    m->slot[m->highest - id] = now;
    return true;
}

static void against_the_model(struct rand_seeded *rand, uint32_t window, uint32_t seconds)
{
    struct model m = {.window = window, .seconds = seconds};
    struct replay r;
    uint32_t now = 1000;
    uint64_t top = rand_below(&rand->source, 2) ? 1 : rand_below(&rand->source, 100000);
    replay_init(&r, window, seconds);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t kind = rand_below(&rand->source, 100);
        uint64_t id = kind < 60   ? ++top
                      : kind < 95 ? top - rand_below(&rand->source, window + 20)
                      : kind < 99 ? (top += rand_below(&rand->source, 2 * window + 2))
                                  : 0;
        if ((int64_t)id < 0) {
            id = 0;
        }
        now += rand_below(&rand->source, 20) == 0 ? rand_below(&rand->source, seconds + 2) : 0;
        bool fresh = replay_fresh(&r, id);
        bool want = model_accept(&m, id, now);
        bool got = replay_accept(&r, id, now);
        cr_assert_eq(got, want, "window %u, %u s: id %lu at %u, highest %lu", window, seconds, (unsigned long)id, now,
                     (unsigned long)r.highest);
        cr_assert(!got || fresh, "what is accepted was fresh before");
    }
    replay_free(&r);
}

Test(replay, random_ids_against_the_specification)
{
    static const uint32_t windows[] = {0, 1, 8, 63, 64, 65, 128, 256};
    static const uint32_t seconds[] = {0, 1, 15, 30};
    struct rand_seeded rand;
    rand_seeded_init(&rand, 11);
    for (unsigned w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
        for (unsigned s = 0; s < sizeof(seconds) / sizeof(seconds[0]); s++) {
            for (unsigned round = 0; round < 4; round++) {
                against_the_model(&rand, windows[w], seconds[s]);
            }
        }
    }
}

Test(replay, long_ids)
{
    struct replay r;
    replay_init(&r, 64, 0);
    cr_assert(replay_accept_long(&r, 1000, 5, 1));
    cr_assert_not(replay_accept_long(&r, 1000, 5, 1), "the same id");
    cr_assert(replay_accept_long(&r, 1000, 4, 1));
    cr_assert_not(replay_accept_long(&r, 999, 6, 1), "an older time");
    cr_assert_not(replay_accept_long(&r, 1001, 0, 1), "id 0");
    cr_assert(replay_accept_long(&r, 1001, 1, 1), "a newer time begins again");
    cr_assert_not(replay_accept_long(&r, 1000, 7, 1));
    replay_free(&r);
    replay_init(&r, 0, 0);
    cr_assert(replay_accept_long(&r, 1000, 5, 1));
    cr_assert_not(replay_accept_long(&r, 1001, 2, 1), "strict order begins with 1");
    cr_assert(replay_accept_long(&r, 1001, 1, 1));
    replay_free(&r);
}

Test(replay, a_jump_of_more_than_the_ring_forgets_everything)
{
    struct replay r;
    replay_init(&r, REPLAY_WINDOW_MAX, 0);
    cr_assert(replay_accept(&r, 1, 0));
    cr_assert(replay_accept(&r, UINT64_C(1) << 40, 0));
    cr_assert(replay_accept(&r, (UINT64_C(1) << 40) - REPLAY_WINDOW_MAX + 1, 0));
    cr_assert_not(replay_accept(&r, (UINT64_C(1) << 40) - REPLAY_WINDOW_MAX, 0));
    replay_free(&r);
}
