/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_EVENT_QUEUE_H
#define VPND_SESSION_EVENT_QUEUE_H

/* Events of a session on their way to its owner, with the memory their strings point into. */
#include <stdbool.h>
#include <stddef.h>

#include "session/session.h"

#define EVENT_QUEUE_MESSAGES_MAX 64 /* control messages that may wait; a peer's further ones are dropped */

struct event_queue_item;

struct event_queue {
    struct event_queue_item *first;
    struct event_queue_item *last;
    struct event_queue_item *current; /* given out; freed at the next call */
    unsigned messages;
};

/** event_queue_push - append @event; @owned (malloc'd, may be NULL) holds its strings and is wiped and freed with
 *  it. */
void event_queue_push(struct event_queue *q, const struct session_event *event, void *owned, size_t owned_len);

/** event_queue_full - another control message would be one too many. */
bool event_queue_full(const struct event_queue *q);

/** event_queue_pop - next event; the one given out before is released. Return: false when there is none. */
bool event_queue_pop(struct event_queue *q, struct session_event *out);

/** event_queue_clear - release everything. */
void event_queue_clear(struct event_queue *q);

#endif
