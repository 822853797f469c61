/* SPDX-License-Identifier: MIT */
#include "dp/user/event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

/* A record: its size, the event, its data; sizes are multiples of 16, so a record's start is aligned. */
struct record {
    uint64_t size; /* of the whole record; SKIP: nothing more up to the ring's end */
    uint64_t unused;
    struct dp_event event;
};

#define SKIP UINT64_MAX
#define RESERVE (EVENT_RING_BYTES / 4)

void event_wake(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof(one));
}

void event_ring_init(struct event_ring *ring, int fd)
{
    *ring = (struct event_ring){.fd = fd};
    ring->bytes = mem_zalloc(EVENT_RING_BYTES); /* untouched pages cost nothing */
}

void event_ring_free(struct event_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

static struct record *record_at(struct event_ring *ring, uint64_t position)
{
    return (struct record *)(void *)(ring->bytes + position % EVENT_RING_BYTES);
}

bool event_ring_push(struct event_ring *ring, const struct dp_event *event, enum event_weight weight)
{
    uint64_t size = (sizeof(struct record) + event->len + 15) & ~UINT64_C(15);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t to_end = EVENT_RING_BYTES - head % EVENT_RING_BYTES;
    uint64_t skip = to_end < size ? to_end : 0;
    uint64_t reserve = weight == EVENT_DROPPABLE ? RESERVE : 0;
    if (head - tail + skip + size + reserve > EVENT_RING_BYTES) {
        return false;
    }
    if (skip) {
        record_at(ring, head)->size = SKIP;
    }
    struct record *r = record_at(ring, head + skip);
    r->size = size;
    r->event = *event;
    if (event->len) {
        memcpy(r + 1, event->data, event->len);
    }
    atomic_store(&ring->head, head + skip + size);
    if (atomic_load(&ring->tail) == head) {
        event_wake(ring->fd);
    }
    return true;
}

const struct dp_event *event_ring_pop(struct event_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (atomic_load(&ring->head) == tail) {
        return NULL;
    }
    struct record *r = record_at(ring, tail);
    if (r->size == SKIP) {
        tail += EVENT_RING_BYTES - tail % EVENT_RING_BYTES;
        atomic_store(&ring->tail, tail);
        r = record_at(ring, tail);
    }
    r->event.data = r->event.len ? (const uint8_t *)(r + 1) : NULL;
    return &r->event;
}

void event_ring_done(struct event_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store(&ring->tail, tail + record_at(ring, tail)->size);
}

/* ------------------------------------------------------------------ the list */

struct listed {
    struct list node;
    struct dp_event event;
};

void event_list_init(struct event_list *list, int fd)
{
    list->fd = fd;
    list_init(&list->events);
    (void)pthread_mutex_init(&list->lock, NULL);
}

void event_list_free(struct event_list *list)
{
    struct dp_event unused;
    while (event_list_pop(list, &unused)) {
    }
    (void)pthread_mutex_destroy(&list->lock);
}

void event_list_push(struct event_list *list, const struct dp_event *event)
{
    struct listed *e = mem_zalloc(sizeof(*e));
    e->event = *event;
    e->event.data = NULL;
    e->event.len = 0;
    (void)pthread_mutex_lock(&list->lock);
    list_push(&list->events, &e->node);
    (void)pthread_mutex_unlock(&list->lock);
    event_wake(list->fd);
}

bool event_list_pop(struct event_list *list, struct dp_event *out)
{
    struct listed *e = NULL;
    (void)pthread_mutex_lock(&list->lock);
    if (!list_empty(&list->events)) {
        e = container_of(list->events.next, struct listed, node);
        list_remove(&e->node);
    }
    (void)pthread_mutex_unlock(&list->lock);
    if (e) {
        *out = e->event;
        free(e);
    }
    return e != NULL;
}
