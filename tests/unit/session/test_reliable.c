/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "session/reliable.h"

static struct reliable r;

static void setup(void)
{
    reliable_init(&r, 2000);
}

static void teardown(void)
{
    reliable_free(&r);
}

TestSuite(reliable, .init = setup, .fini = teardown);

Test(reliable, never_more_than_six_unacknowledged)
{
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(reliable_queue(&r, 0, 4, (const uint8_t *)"x", 1), 0);
    }
    cr_assert_not(reliable_can_queue(&r));
    cr_assert_eq(reliable_queue(&r, 0, 4, (const uint8_t *)"x", 1), ERR_LIMIT);
    cr_assert(reliable_acked(&r, 0, 3));
    cr_assert_not(reliable_can_queue(&r), "the window begins at the lowest one");
    cr_assert(reliable_acked(&r, 0, 0));
    cr_assert(reliable_can_queue(&r));
    cr_assert_not(reliable_acked(&r, 0, 0), "already acknowledged");
    cr_assert_not(reliable_acked(&r, 0, 99), "never sent");
}

Test(reliable, repeats_at_0_2_6_14_30_seconds)
{
    static const uint64_t at[] = {0, 2000, 6000, 14000, 30000};
    cr_assert_eq(reliable_queue(&r, 0, 7, NULL, 0), 0);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(reliable_deadline(&r), at[i]);
        if (at[i]) {
            cr_assert_null(reliable_due(&r, at[i] - 1));
        }
        struct reliable_out *p = reliable_due(&r, at[i]);
        cr_assert_not_null(p);
        cr_assert_eq(p->id, 0);
        reliable_sent(p, at[i]);
    }
    cr_assert(reliable_acked(&r, 31000, 0));
    cr_assert_eq(reliable_deadline(&r), CLOCK_NEVER);
    cr_assert(reliable_all_acked(&r));
}

Test(reliable, three_acknowledgements_of_later_packets_hurry_a_lost_one)
{
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(reliable_queue(&r, 0, 4, NULL, 0), 0);
    }
    for (struct reliable_out *p = reliable_due(&r, 0); p; p = reliable_due(&r, 0)) {
        reliable_sent(p, 0);
    }
    reliable_acked(&r, 10, 1);
    reliable_acked(&r, 10, 2);
    cr_assert_null(reliable_due(&r, 10));
    reliable_acked(&r, 10, 3);
    struct reliable_out *p = reliable_due(&r, 10);
    cr_assert_not_null(p);
    cr_assert_eq(p->id, 0);
}

static const char *take(void)
{
    static char text[64];
    const struct reliable_in *in = reliable_next(&r);
    if (!in) {
        return NULL;
    }
    memcpy(text, in->data, in->len);
    text[in->len] = '\0';
    reliable_done(&r);
    return text;
}

static enum reliable_verdict receive(uint32_t id, const char *text)
{
    return reliable_receive(&r, id, 4, (const uint8_t *)text, strlen(text));
}

Test(reliable, order_is_restored)
{
    cr_assert_eq(receive(2, "c"), RELIABLE_STORED);
    cr_assert_eq(receive(1, "b"), RELIABLE_STORED);
    cr_assert_eq(receive(1, "b"), RELIABLE_DUPLICATE);
    cr_assert_null(take());
    cr_assert_eq(receive(0, "a"), RELIABLE_STORED);
    cr_assert_str_eq(take(), "a");
    cr_assert_str_eq(take(), "b");
    cr_assert_str_eq(take(), "c");
    cr_assert_null(take());
    cr_assert_eq(receive(0, "a"), RELIABLE_DUPLICATE);
    cr_assert_eq(receive(3 + 12, "x"), RELIABLE_OUTSIDE);
    cr_assert_eq(receive(3 + 11, "x"), RELIABLE_STORED);
}

Test(reliable, acknowledgements_are_repeated_newest_first)
{
    uint32_t ids[RELIABLE_ACKS_MAX];
    for (uint32_t i = 0; i < 3; i++) {
        receive(i, "x");
        (void)take();
    }
    cr_assert(reliable_ack_waiting(&r));
    cr_assert_eq(reliable_acks(&r, 4, ids), 3);
    cr_assert_not(reliable_ack_waiting(&r));
    receive(3, "x");
    cr_assert_eq(reliable_acks(&r, 4, ids), 4);
    cr_assert_eq(ids[0], 3, "what is new comes first");
    receive(99, "beyond the window");
    cr_assert_not(reliable_ack_waiting(&r));
    receive(0, "again");
    cr_assert(reliable_ack_waiting(&r), "the peer did not get the first acknowledgement");
}

Test(reliable, ids_near_the_wrap)
{
    r.next_receive = UINT32_MAX - 1;
    cr_assert_eq(receive(UINT32_MAX, "b"), RELIABLE_STORED);
    cr_assert_eq(receive(UINT32_MAX - 1, "a"), RELIABLE_STORED);
    cr_assert_str_eq(take(), "a");
    cr_assert_str_eq(take(), "b");
    cr_assert_eq(receive(0, "c"), RELIABLE_STORED);
    cr_assert_str_eq(take(), "c");
    cr_assert_eq(receive(UINT32_MAX, "b"), RELIABLE_OUTSIDE, "not taken for new, at least");
}

Test(reliable, a_cookie_handshake_goes_on_after_its_first_packets)
{
    reliable_skip(&r, 1, 1);
    cr_assert_eq(receive(0, "a"), RELIABLE_DUPLICATE);
    cr_assert_eq(receive(1, "b"), RELIABLE_STORED);
    cr_assert_eq(reliable_queue(&r, 0, 4, NULL, 0), 0);
    cr_assert_eq(reliable_due(&r, 0)->id, 1);
}
