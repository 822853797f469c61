/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/rand.h"
#include "wire/mtu_search.h"

/** A path and a peer, as the search sees them. */
struct world {
    unsigned forward;  /* longest packet that arrives */
    unsigned backward;
    bool fragments;    /* those beyond the top arrive */
    bool answers;
    bool pads;         /* the peer answers long questions, too */
    unsigned loss;     /* percent of the packets and their answers that get lost */
    struct rand_seeded *dice;
    unsigned delay;    /* seconds before the peer answers anything */
    unsigned seconds;
    unsigned sent;
};

/* A question and its answer. */
static bool arrives(const struct world *w)
{
    return !w->loss || (rand_below(&w->dice->source, 100) >= w->loss && rand_below(&w->dice->source, 100) >= w->loss);
}

static unsigned signs_of(const struct world *w, const struct mtu_search *s, unsigned sent)
{
    unsigned heard = 0;
    if (!w->answers || w->seconds <= w->delay) {
        return 0;
    }
    bool cut = s->size > s->top;
    if ((cut ? w->fragments : s->size <= w->forward) && w->pads && arrives(w)) {
        heard |= sent & MTU_SEARCH_FORWARD;
    }
    if ((cut ? w->fragments : s->size <= w->backward) && arrives(w)) {
        heard |= sent & MTU_SEARCH_BACKWARD;
    }
    return heard | (arrives(w) ? sent & MTU_SEARCH_ALIVE : 0);
}

/* Until the search ends. Return: the limit. */
static unsigned run(struct mtu_search *s, struct world *w, unsigned current)
{
    unsigned heard = 0;
    do {
        unsigned sent = mtu_search_tick(s, heard);
        w->seconds++;
        w->sent += sent != 0;
        heard = signs_of(w, s, sent);
        current = mtu_search_limit(s, current);
        cr_assert_lt(w->seconds, 200, "it does not end");
    } while (s->state == MTU_SEARCH_RUNNING);
    cr_assert_eq(mtu_search_tick(s, MTU_SEARCH_FORWARD | MTU_SEARCH_BACKWARD), 0u);
    return current;
}

static struct world open_path(void)
{
    return (struct world){.forward = 1500, .backward = 1500, .fragments = true, .answers = true, .pads = true};
}

Test(mtu_search, an_ordinary_path_is_known_after_two_answers)
{
    struct mtu_search s;
    struct world w = open_path();
    mtu_search_begin(&s, 1500, 1552, 0);
    cr_assert_eq(run(&s, &w, 0), 0u);
    cr_assert_eq(s.passed, 1552);
    cr_assert_eq(w.sent, 2u);
}

Test(mtu_search, every_common_size_is_found_exactly)
{
    static const unsigned common[] = {576, 1200, 1280, 1380, 1400, 1420, 1432, 1452, 1472, 1480, 1492};
    for (unsigned i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        struct mtu_search s;
        struct world w = open_path();
        w.forward = w.backward = common[i];
        mtu_search_begin(&s, 1500, 1552, 0);
        cr_assert_eq(run(&s, &w, 0), common[i], "%u", common[i]);
        cr_assert_leq(w.seconds, 24u, "%u s for %u", w.seconds, common[i]);
    }
}

Test(mtu_search, no_size_above_the_path_is_ever_taken)
{
    for (unsigned mtu = 576; mtu < 1500; mtu++) {
        struct mtu_search s;
        struct world w = open_path();
        w.forward = mtu;
        w.backward = mtu % 3 ? 1500 : mtu;
        mtu_search_begin(&s, 1500, 1552, 0);
        unsigned limit = run(&s, &w, 0);
        cr_assert(limit && limit <= mtu && limit + (mtu < 1280 ? 260 : 20) > mtu, "%u for %u", limit, mtu);
    }
}

Test(mtu_search, the_narrower_direction_counts)
{
    struct mtu_search s;
    struct world w = open_path();
    w.backward = 1400;
    mtu_search_begin(&s, 1500, 0, 0);
    cr_assert_eq(run(&s, &w, 0), 1400u);
}

Test(mtu_search, traffic_flows_as_soon_as_the_base_has_passed)
{
    struct mtu_search s;
    struct world w = open_path();
    w.forward = 1400;
    mtu_search_begin(&s, 1500, 1552, 0);
    unsigned heard = 0;
    unsigned limit = 0;
    for (unsigned second = 0; second < 6; second++) {
        unsigned sent = mtu_search_tick(&s, heard);
        w.seconds++;
        heard = signs_of(&w, &s, sent);
        limit = mtu_search_limit(&s, limit);
    }
    cr_assert_eq(s.state, MTU_SEARCH_RUNNING);
    cr_assert(limit >= 1280 && limit <= 1400, "%u after 5 s", limit);
}

Test(mtu_search, lost_fragments_make_a_limit)
{
    struct mtu_search s;
    struct world w = open_path();
    w.fragments = false;
    mtu_search_begin(&s, 1500, 1552, 0);
    cr_assert_eq(run(&s, &w, 0), 1500u);
}

Test(mtu_search, a_wider_path_lifts_the_limit)
{
    struct mtu_search s;
    struct world w = open_path();
    mtu_search_begin(&s, 1500, 1552, 1400);
    cr_assert_eq(run(&s, &w, 1400), 0u);
}

Test(mtu_search, a_known_limit_is_tried_first_and_kept_meanwhile)
{
    struct mtu_search s;
    struct world w = open_path();
    w.forward = 1400;
    mtu_search_begin(&s, 1500, 1552, 1400);
    unsigned heard = 0;
    while (s.state == MTU_SEARCH_RUNNING) {
        unsigned sent = mtu_search_tick(&s, heard);
        w.seconds++;
        heard = signs_of(&w, &s, sent);
        cr_assert_eq(mtu_search_limit(&s, 1400), 1400u);
    }
    cr_assert_eq(s.passed, 1400);
}

Test(mtu_search, who_does_not_answer_is_left_alone)
{
    struct mtu_search s;
    struct world w = open_path();
    w.answers = false;
    mtu_search_begin(&s, 1500, 1552, 0);
    cr_assert_eq(run(&s, &w, 0), 0u);
    cr_assert_eq(s.state, MTU_SEARCH_DEAF);
    cr_assert_leq(w.sent, 13u);
    cr_assert_eq(mtu_search_limit(&s, 1400), 1400u, "a limit that held goes on");
}

Test(mtu_search, who_answers_short_questions_only_gets_no_limit)
{
    struct mtu_search s;
    struct world w = open_path();
    w.pads = false;
    mtu_search_begin(&s, 1500, 1552, 0);
    cr_assert_eq(run(&s, &w, 0), 0u);
    cr_assert_eq(s.state, MTU_SEARCH_DEAF);
}

Test(mtu_search, a_peer_that_is_ready_late_is_no_narrow_path)
{
    for (unsigned delay = 1; delay < 10; delay++) {
        struct mtu_search s;
        struct world w = open_path();
        w.delay = delay;
        mtu_search_begin(&s, 1500, 1552, 0);
        cr_assert_eq(run(&s, &w, 0), 0u, "%u s", delay);
        cr_assert_eq(s.state, MTU_SEARCH_DONE, "%u s", delay);
    }
}

Test(mtu_search, a_bad_line_is_rarely_taken_for_a_narrow_one)
{
    unsigned wrong = 0;
    for (unsigned seed = 0; seed < 1000; seed++) {
        struct rand_seeded dice;
        rand_seeded_init(&dice, seed);
        struct mtu_search s;
        struct world w = open_path();
        w.loss = 20;
        w.dice = &dice;
        mtu_search_begin(&s, 1500, 1552, 0);
        wrong += run(&s, &w, 0) != 0;
    }
    cr_assert_leq(wrong, 30u, "%u of 1000 at 20 percent loss", wrong);
}

Test(mtu_search, sizes_stay_in_bounds)
{
    struct mtu_search s;
    mtu_search_begin(&s, 70000, 70052, 70000);
    cr_assert_eq(s.top, MTU_SEARCH_TOP_MAX);
    cr_assert_eq(s.beyond, 0);
    cr_assert_eq(s.known, 0);
    mtu_search_begin(&s, 400, 452, 0); /* a small tunnel */
    struct world w = open_path();
    w.forward = 300;
    cr_assert_eq(run(&s, &w, 0), 0u);
    cr_assert_eq(s.state, MTU_SEARCH_DEAF);
}
