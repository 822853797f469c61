/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "dp/user/moderate.h"

#define MS 1000000u

static struct moderate m;
static uint64_t now;

static union addr flooder;
static union addr somebody;

static void receive(unsigned bulk, unsigned others)
{
    for (unsigned i = 0; i < bulk; i++) {
        moderate_datagram(&m, 1400, &flooder);
    }
    for (unsigned i = 0; i < others; i++) {
        moderate_datagram(&m, 100, &somebody);
    }
    moderate_note(&m, now);
}

/* @receives receives of @datagrams each, spread over one millisecond. */
static void one_ms(unsigned receives, unsigned datagrams)
{
    for (unsigned i = 0; i < receives; i++) {
        now += MS / receives;
        receive(datagrams, 0);
    }
}

static void begin(void)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse("192.0.2.1", &ip), 0);
    flooder = addr_from_ip(&ip, 1);
    somebody = addr_from_ip(&ip, 2);
    m = (struct moderate){0};
    now = 5000u * (uint64_t)MS;
    receive(1, 0);
    cr_assert_not(m.on, "the first datagram starts nothing");
    (void)moderate_naps(&m);
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
    receive(1, 0);
    cr_assert_not(m.on, "the first datagram after a pause ends it");
}

Test(moderate, long_silence_does_not_overflow)
{
    begin();
    now += 400u * 86400u * 1000u * (uint64_t)MS;
    receive(64, 0);
    cr_assert_not(m.on);
}

/* ------------------------------------------------------------------ what others notice */

/* A millisecond in which one client floods and the others send @others short datagrams. */
static void shared_ms(unsigned others)
{
    for (unsigned i = 0; i < 80; i++) {
        now += MS / 80;
        receive(1, i < others ? 1 : 0);
    }
}

Test(moderate, those_who_wait_for_answers_are_not_slowed_down)
{
    begin();
    shared_ms(0);
    cr_assert(m.on);
    shared_ms(2);
    cr_assert_not(m.on, "two of somebody else's in a millisecond");
    shared_ms(40);
    cr_assert_not(m.on);
    shared_ms(1);
    cr_assert(m.on, "one is nobody's hurry");
}

Test(moderate, what_the_flooder_sends_besides_does_not_count)
{
    begin();
    for (unsigned i = 0; i < 80; i++) {
        now += MS / 80;
        moderate_datagram(&m, 90, &flooder);
        receive(1, 0);
    }
    cr_assert(m.on);
}

Test(moderate, runs_and_connections_of_others_count)
{
    begin();
    for (unsigned i = 0; i < 80; i++) {
        now += MS / 80;
        if (i % 40 == 0) {
            moderate_datagram(&m, 30000, &somebody);
            moderate_other(&m);
        }
        receive(1, 0);
    }
    cr_assert_not(m.on);
}

Test(moderate, nobody_sleeps_on_work)
{
    begin();
    shared_ms(0);
    cr_assert(moderate_naps(&m));
    cr_assert_not(moderate_naps(&m), "the turn had nothing of the flooder: only the device, or a timer");
    receive(1, 0);
    moderate_more(&m);
    cr_assert_not(moderate_naps(&m), "more waits");
    receive(1, 0);
    cr_assert(moderate_naps(&m));
}
