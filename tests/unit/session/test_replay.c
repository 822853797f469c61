/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "../crypto/vectors.h"
#include "base/err.h"
#include "session/replay.h"

Test(replay, vectors)
{
    json_t *root = vectors_load("replay_window.json");
    size_t i, j;
    json_t *v, *e;
    json_array_foreach(root, i, v)
    {
        struct replay_window w;
        if (vectors_number(v, "window") == 0) {
            continue; /* strictly sequential: a mode of old peers on the data channel, see the data plane's tests */
        }
        replay_window_init(&w, (unsigned)vectors_number(v, "window"), (unsigned)vectors_number(v, "time_backtrack"));
        json_array_foreach(json_object_get(v, "events"), j, e)
        {
            bool accept = json_is_true(json_object_get(e, "accept"));
            int r = replay_window_check(&w, vectors_number(e, "t") * 1000, (uint32_t)vectors_number(e, "id"), 7);
            cr_assert_eq(r, accept ? 0 : ERR_REPLAY, "%s, event %zu", vectors_text(v, "name"), j);
        }
    }
    json_decref(root);
}

Test(replay, a_later_time_begins_anew_and_an_earlier_one_is_refused)
{
    struct replay_window w;
    replay_window_init(&w, 64, 15);
    cr_assert_eq(replay_window_check(&w, 1000, 100, 50), 0);
    cr_assert_eq(replay_window_check(&w, 1000, 1, 51), 0);
    cr_assert_eq(replay_window_check(&w, 1000, 101, 50), ERR_REPLAY);
    cr_assert_eq(replay_window_check(&w, 1000, 1, 51), ERR_REPLAY);
    cr_assert_eq(replay_window_check(&w, 1000, 2, 51), 0);
}

Test(replay, the_largest_counter)
{
    struct replay_window w;
    replay_window_init(&w, 64, 0);
    cr_assert_eq(replay_window_check(&w, 1000, UINT32_MAX, 50), 0);
    cr_assert_eq(replay_window_check(&w, 1000, UINT32_MAX, 50), ERR_REPLAY);
    cr_assert_eq(replay_window_check(&w, 1000, UINT32_MAX - 63, 50), 0);
    cr_assert_eq(replay_window_check(&w, 1000, UINT32_MAX - 64, 50), ERR_REPLAY);
    cr_assert_eq(replay_window_check(&w, 1000, 0, 50), ERR_REPLAY);
}

Test(replay, a_sender_runs_out_of_counters)
{
    struct replay_send s = {.counter = UINT32_MAX - 1, .time = 100};
    uint32_t counter, time;
    cr_assert_eq(replay_send_next(&s, 100, &counter, &time), 0);
    cr_assert_eq(counter, UINT32_MAX);
    cr_assert_eq(replay_send_next(&s, 100, &counter, &time), ERR_LIMIT, "the clock has not moved");
    cr_assert_eq(replay_send_next(&s, 101, &counter, &time), 0);
    cr_assert_eq(counter, 1);
    cr_assert_eq(time, 101);
}
