/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_EVENT_H
#define VPND_DP_USER_EVENT_H

/*
 * Events on their way to control: one bounded ring for each worker (single producer, single consumer), a short
 * locked list for the reclaimer's last words about peers, and one eventfd, written when a ring stops being empty.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "dp/dp.h"

#define EVENT_RING_BYTES (512u * 1024)

/** One worker's ring. Producer: its worker. Consumer: control. */
struct event_ring {
    uint8_t *bytes;
    int fd;                                    /* the eventfd; not owned */
    _Alignas(64) _Atomic uint64_t head;        /* bytes ever produced */
    _Alignas(64) _Atomic uint64_t tail;        /* bytes ever consumed */
};

/** Events of threads that have no ring; never dropped. */
struct event_list {
    pthread_mutex_t lock;
    struct list events;
    int fd;
};

/** How much an event matters when the ring is nearly full. */
enum event_weight {
    EVENT_DROPPABLE, /* control packets: refused when less than a quarter of the ring is free */
    EVENT_IMPORTANT,
};

/** event_ring_init - an empty ring that wakes @fd. */
void event_ring_init(struct event_ring *ring, int fd);

/** event_ring_free - release the memory. */
void event_ring_free(struct event_ring *ring);

/** event_ring_push - copy @event and its data. Return: false when it does not fit. Producer. */
bool event_ring_push(struct event_ring *ring, const struct dp_event *event, enum event_weight weight);

/** event_ring_pop - oldest event, or NULL; valid until event_ring_done(). Consumer. */
const struct dp_event *event_ring_pop(struct event_ring *ring);

/** event_ring_done - release the event that event_ring_pop() returned. Consumer. */
void event_ring_done(struct event_ring *ring);

/** event_list_init - an empty list that wakes @fd. */
void event_list_init(struct event_list *list, int fd);

/** event_list_free - drop what is left. */
void event_list_free(struct event_list *list);

/** event_list_push - append a copy of @event (without data). Any thread. */
void event_list_push(struct event_list *list, const struct dp_event *event);

/** event_list_pop - take the oldest. Return: false when there is none. Control. */
bool event_list_pop(struct event_list *list, struct dp_event *out);

/** event_wake - make the eventfd readable. Any thread. */
void event_wake(int fd);

#endif
