/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dp/user/event.h"

static struct event_ring ring;
static int wake_fd;

static void setup(void)
{
    wake_fd = eventfd(0, EFD_NONBLOCK);
    event_ring_init(&ring, wake_fd);
}

static void teardown(void)
{
    event_ring_free(&ring);
    close(wake_fd);
}

TestSuite(event, .init = setup, .fini = teardown);

static bool woken(void)
{
    uint64_t count;
    return read(wake_fd, &count, sizeof(count)) == sizeof(count);
}

static bool push(uint32_t peer, const uint8_t *data, size_t len, enum event_weight weight)
{
    struct dp_event e = {.type = DP_EV_CTRL, .peer = peer, .data = data, .len = len};
    return event_ring_push(&ring, &e, weight);
}

Test(event, wakes_when_it_stops_being_empty)
{
    cr_assert_null(event_ring_pop(&ring));
    cr_assert(push(1, NULL, 0, EVENT_DROPPABLE));
    cr_assert(woken());
    cr_assert(push(2, NULL, 0, EVENT_DROPPABLE));
    cr_assert_not(woken());
    cr_assert_eq(event_ring_pop(&ring)->peer, 1);
    event_ring_done(&ring);
    cr_assert_eq(event_ring_pop(&ring)->peer, 2);
    event_ring_done(&ring);
    cr_assert_null(event_ring_pop(&ring));
    cr_assert(push(3, NULL, 0, EVENT_DROPPABLE));
    cr_assert(woken());
}

Test(event, a_full_ring_refuses_but_keeps_room_for_what_matters)
{
    uint8_t data[DP_CTRL_PACKET_MAX] = {0};
    unsigned n = 0;
    while (push(n, data, sizeof(data), EVENT_DROPPABLE)) {
        n++;
    }
    cr_assert_gt(n, 100);
    unsigned more = 0;
    while (push(n + more, NULL, 0, EVENT_IMPORTANT)) {
        more++;
    }
    cr_assert_gt(more, 100);
    for (unsigned i = 0; i < n + more; i++) {
        cr_assert_eq(event_ring_pop(&ring)->peer, i);
        event_ring_done(&ring);
    }
    cr_assert_null(event_ring_pop(&ring));
}

#define THROUGH 200000u

static void *produce(void *arg)
{
    (void)arg;
    uint8_t data[DP_CTRL_PACKET_MAX];
    for (uint32_t i = 0; i < THROUGH;) {
        size_t len = i * 37 % sizeof(data);
        memset(data, (int)(i & 0xFF), len);
        i += push(i, data, len, EVENT_DROPPABLE);
    }
    return NULL;
}

Test(event, all_come_through_in_order_and_whole)
{
    pthread_t producer;
    cr_assert_eq(pthread_create(&producer, NULL, produce, NULL), 0);
    for (uint32_t i = 0; i < THROUGH;) {
        const struct dp_event *e = event_ring_pop(&ring);
        if (!e) {
            usleep(50);
            continue;
        }
        cr_assert_eq(e->peer, i);
        cr_assert_eq(e->len, i * 37 % DP_CTRL_PACKET_MAX);
        if (e->len) {
            cr_assert_eq(e->data[0], i & 0xFF);
            cr_assert_eq(e->data[e->len - 1], i & 0xFF);
        }
        event_ring_done(&ring);
        i++;
    }
    pthread_join(producer, NULL);
}

Test(event, the_list_is_for_threads_without_a_ring)
{
    struct event_list list;
    struct dp_event e = {.type = DP_EV_PEER_GONE, .peer = 9, .data = (const uint8_t *)"x", .len = 1};
    event_list_init(&list, wake_fd);
    event_list_push(&list, &e);
    cr_assert(woken());
    memset(&e, 0, sizeof(e));
    cr_assert(event_list_pop(&list, &e));
    cr_assert_eq(e.peer, 9);
    cr_assert_null(e.data);
    cr_assert_not(event_list_pop(&list, &e));
    event_list_push(&list, &e);
    event_list_free(&list);
}
