/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "dp/user/moderate.h"

#define MS 1000000u

static struct moderate m;
static uint64_t now;

/* @receives receives of @datagrams each, spread over one millisecond. */
static void one_ms(unsigned receives, unsigned datagrams)
{
    for (unsigned i = 0; i < receives; i++) {
        now += MS / receives;
        moderate_note(&m, now, datagrams);
    }
}

static void begin(void)
{
    m = (struct moderate){0};
    now = 5000u * (uint64_t)MS;
    moderate_note(&m, now, 1);
    cr_assert_not(m.on, "the first datagram starts nothing");
}

Test(moderate, many_datagrams_one_by_one_are_waited_for)
{
    begin();
    one_ms(80, 1);
    cr_assert(m.on);
    one_ms(8, 10);
    cr_assert(m.on, "what waiting brought about does not end it");
}

Test(moderate, few_datagrams_are_not)
{
    begin();
    for (unsigned i = 0; i < 5; i++) {
        one_ms(10, 1);
        cr_assert_not(m.on);
    }
}

Test(moderate, full_receives_are_not)
{
    begin();
    one_ms(4, 20);
    cr_assert_not(m.on);
    one_ms(80, 1);
    one_ms(4, 60);
    cr_assert_not(m.on);
}

Test(moderate, it_ends_with_the_traffic)
{
    begin();
    one_ms(80, 1);
    cr_assert(m.on);
    now += 100u * (uint64_t)MS;
    moderate_note(&m, now, 1);
    cr_assert_not(m.on, "the first datagram after a pause ends it");
}

Test(moderate, long_silence_does_not_overflow)
{
    begin();
    now += 400u * 86400u * 1000u * (uint64_t)MS;
    moderate_note(&m, now, 64);
    cr_assert_not(m.on);
}
