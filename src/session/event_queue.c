/* SPDX-License-Identifier: MIT */
#include "session/event_queue.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"

struct event_queue_item {
    struct event_queue_item *next;
    struct session_event event;
    void *owned;
    size_t owned_len;
};

static void release(struct event_queue_item *item)
{
    if (item) {
        if (item->owned) {
            secret_wipe(item->owned, item->owned_len);
            free(item->owned);
        }
        free(item);
    }
}

void event_queue_push(struct event_queue *q, const struct session_event *event, void *owned, size_t owned_len)
{
    struct event_queue_item *item = mem_zalloc(sizeof *item);
    item->event = *event;
    item->owned = owned;
    item->owned_len = owned_len;
    if (q->last) {
        q->last->next = item;
    } else {
        q->first = item;
    }
    q->last = item;
    q->messages += event->type == SESSION_EV_MESSAGE;
}

bool event_queue_full(const struct event_queue *q)
{
    return q->messages >= EVENT_QUEUE_MESSAGES_MAX;
}

bool event_queue_pop(struct event_queue *q, struct session_event *out)
{
    release(q->current);
    q->current = q->first;
    if (!q->current) {
        return false;
    }
    q->first = q->current->next;
    if (!q->first) {
        q->last = NULL;
    }
    q->messages -= q->current->event.type == SESSION_EV_MESSAGE;
    *out = q->current->event;
    return true;
}

void event_queue_clear(struct event_queue *q)
{
    struct session_event ignored;
    while (event_queue_pop(q, &ignored)) {
    }
}
