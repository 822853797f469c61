/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "client/remotes.h"

/* One failed attempt after another; each new entry has @addresses addresses. */
static enum remotes_step step(struct remotes *r, size_t addresses)
{
    enum remotes_step s = remotes_next(r);
    if (s == REMOTES_NEXT_ENTRY) {
        remotes_resolved(r, addresses);
    }
    return s;
}

Test(remotes, all_addresses_of_an_entry_then_the_next_entry)
{
    struct remotes r;
    remotes_init(&r, 2, 0, NULL);
    static const struct {
        size_t entry;
        size_t address;
    } want[] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 0}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        step(&r, 3);
        cr_assert_eq(remotes_current(&r), want[i].entry, "attempt %zu", i);
        cr_assert_eq(r.address, want[i].address, "attempt %zu", i);
    }
    cr_assert_eq(r.failures, 2, "only changes of entry count");
    remotes_free(&r);
}

Test(remotes, first_retry_after_success_goes_to_the_same_address)
{
    struct remotes r;
    remotes_init(&r, 3, 0, NULL);
    step(&r, 2);
    step(&r, 2);
    step(&r, 2);
    cr_assert_eq(remotes_current(&r), 1);
    remotes_established(&r);
    cr_assert_eq(r.failures, 0);
    cr_assert_eq(step(&r, 2), REMOTES_KEEP);
    cr_assert_eq(remotes_current(&r), 1);
    cr_assert_eq(r.address, 0);
    cr_assert_eq(step(&r, 2), REMOTES_NEXT_ADDRESS);
    cr_assert_eq(step(&r, 2), REMOTES_NEXT_ENTRY);
    cr_assert_eq(remotes_current(&r), 2);
    remotes_free(&r);
}

Test(remotes, temporary_refusals_move_as_far_as_the_server_says)
{
    struct remotes r;
    remotes_init(&r, 2, 0, NULL);
    step(&r, 2);
    remotes_advance(&r, REMOTES_ADVANCE_NO);
    cr_assert_eq(step(&r, 2), REMOTES_KEEP);
    remotes_stay(&r);
    remotes_advance(&r, REMOTES_ADVANCE_ADDRESS);
    cr_assert_eq(step(&r, 2), REMOTES_NEXT_ADDRESS);
    step(&r, 2);
    cr_assert_eq(remotes_current(&r), 1);
    remotes_advance(&r, REMOTES_ADVANCE_REMOTE);
    cr_assert_eq(step(&r, 2), REMOTES_NEXT_ENTRY, "the second address of entry 1 is passed over");
    cr_assert_eq(remotes_current(&r), 0);
    cr_assert_eq(step(&r, 2), REMOTES_NEXT_ADDRESS, "passing over is done once");
    remotes_free(&r);
}

Test(remotes, disabled_entries_are_passed_over_until_none_is_left)
{
    struct remotes r;
    remotes_init(&r, 3, 0, NULL);
    remotes_disable(&r, 0);
    cr_assert_eq(step(&r, 1), REMOTES_NEXT_ENTRY);
    cr_assert_eq(remotes_current(&r), 1);
    remotes_disable(&r, 2);
    cr_assert_eq(step(&r, 1), REMOTES_NEXT_ENTRY);
    cr_assert_eq(remotes_current(&r), 1);
    remotes_disable(&r, 1);
    cr_assert_eq(step(&r, 1), REMOTES_NONE_USABLE);
    remotes_free(&r);
    remotes_init(&r, 2, 0, NULL);
    remotes_disable(&r, 0);
    remotes_disable(&r, 1);
    cr_assert_eq(step(&r, 1), REMOTES_NONE_USABLE);
    remotes_free(&r);
}

Test(remotes, management_can_skip_several_entries)
{
    struct remotes r;
    remotes_init(&r, 5, 0, NULL);
    step(&r, 1);
    r.skip = 3;
    step(&r, 1);
    cr_assert_eq(remotes_current(&r), 3);
    step(&r, 1);
    cr_assert_eq(remotes_current(&r), 4);
    remotes_free(&r);
}

Test(remotes, retry_limit_counts_whole_rounds)
{
    struct remotes r;
    remotes_init(&r, 2, 3, NULL);
    step(&r, 1);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(step(&r, 1), REMOTES_NEXT_ENTRY, "change %d", i);
    }
    cr_assert_eq(step(&r, 1), REMOTES_EXHAUSTED);
    remotes_free(&r);
}

Test(remotes, success_starts_the_retry_limit_anew)
{
    struct remotes r;
    remotes_init(&r, 1, 1, NULL);
    step(&r, 1);
    step(&r, 1);
    remotes_established(&r);
    cr_assert_eq(step(&r, 1), REMOTES_KEEP);
    cr_assert_eq(step(&r, 1), REMOTES_NEXT_ENTRY);
    cr_assert_eq(step(&r, 1), REMOTES_EXHAUSTED);
    remotes_free(&r);
}

Test(remotes, shuffle_is_a_permutation_and_not_always_the_same)
{
    bool moved = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rand_seeded rand;
        rand_seeded_init(&rand, seed);
        struct remotes r;
        remotes_init(&r, 8, 0, &rand.source);
        bool seen[8] = {false};
        for (size_t i = 0; i < 8; i++) {
            cr_assert_lt(r.order[i], 8);
            cr_assert_not(seen[r.order[i]]);
            seen[r.order[i]] = true;
            moved = moved || r.order[i] != i;
        }
        remotes_free(&r);
    }
    cr_assert(moved);
}

static void expect_pauses(unsigned retry, unsigned max, const unsigned *want, size_t n)
{
    struct remotes r;
    remotes_init(&r, 1, 0, NULL);
    step(&r, 1);
    struct remotes_pause p = {.retry = retry, .retry_max = max, .backs_off = true};
    for (size_t i = 0; i < n; i++) {
        step(&r, 1);
        cr_assert_eq(remotes_pause_seconds(&r, &p), want[i], "pause %zu: %u", i, remotes_pause_seconds(&r, &p));
    }
    remotes_free(&r);
}

Test(remotes, pauses_grow_as_observed_with_2_6)
{
    static const unsigned small[] = {1, 1, 1, 1, 2, 4, 7, 7};
    static const unsigned usual[] = {1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    expect_pauses(1, 7, small, 8);
    expect_pauses(1, 300, usual, 14);
    static const unsigned zero[] = {0, 0, 0, 0, 2, 4};
    expect_pauses(0, 300, zero, 6);
}

Test(remotes, many_entries_delay_the_growth)
{
    struct remotes r;
    remotes_init(&r, 3, 0, NULL);
    step(&r, 2);
    struct remotes_pause p = {.retry = 1, .retry_max = 300, .backs_off = true};
    unsigned attempts = 0;
    while (remotes_pause_seconds(&r, &p) == 1) {
        step(&r, 2);
        attempts++;
    }
    cr_assert_eq(r.failures, 15);
    cr_assert_eq(attempts, 30, "two addresses of each entry, %u", attempts);
    remotes_free(&r);
}

Test(remotes, pause_obeys_server_poll_timeout_and_explicit_wishes)
{
    struct remotes r;
    remotes_init(&r, 1, 0, NULL);
    step(&r, 1);
    struct remotes_pause p = {.retry = 5, .retry_max = 300, .backs_off = true, .server_backoff = 20};
    cr_assert_eq(remotes_pause_seconds(&r, &p), 20);
    p.retry_max = 10;
    cr_assert_eq(remotes_pause_seconds(&r, &p), 10);
    p.poll_timeout = true;
    cr_assert_eq(remotes_pause_seconds(&r, &p), 0);
    p.at_least = 2;
    cr_assert_eq(remotes_pause_seconds(&r, &p), 2);
    p = (struct remotes_pause){.retry = 1, .retry_max = 300, .nointeract = true};
    cr_assert_eq(remotes_pause_seconds(&r, &p), 10);
    remotes_free(&r);
}

Test(remotes, shift_is_bounded)
{
    struct remotes r;
    remotes_init(&r, 1, 0, NULL);
    r.failures = UINT64_MAX - 10;
    struct remotes_pause p = {.retry = 65535, .retry_max = 300, .backs_off = true};
    cr_assert_eq(remotes_pause_seconds(&r, &p), 300);
    remotes_free(&r);
}

Test(remotes, a_lost_race_counts_as_a_whole_round)
{
    struct remotes r;
    remotes_init(&r, 3, 1, NULL);
    cr_assert_eq(remotes_next(&r), REMOTES_NEXT_ENTRY);
    remotes_round_failed(&r);
    cr_assert_eq(remotes_next(&r), REMOTES_NEXT_ENTRY);
    cr_assert_eq(r.failures, 3);
    remotes_round_failed(&r);
    cr_assert_eq(remotes_next(&r), REMOTES_EXHAUSTED, "connect-retry-max 1 allows one more round");
    remotes_free(&r);
}

Test(remotes, the_winner_of_a_race_is_where_the_next_attempt_goes)
{
    struct remotes r;
    remotes_init(&r, 3, 0, NULL);
    (void)remotes_next(&r);
    remotes_resolved(&r, 2);
    remotes_choose(&r, 2, 1);
    remotes_established(&r);
    cr_assert_eq(remotes_next(&r), REMOTES_KEEP);
    cr_assert_eq(remotes_current(&r), 2);
    cr_assert_eq(r.address, 1);
    remotes_free(&r);
}
