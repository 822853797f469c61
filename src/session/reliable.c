/* SPDX-License-Identifier: MIT */
#include "session/reliable.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define FAST_RETRANSMIT_ACKS 3

/* Ids are compared by distance, so that a wrap of the counter is not special. */
static uint32_t distance(uint32_t from, uint32_t to)
{
    return to - from;
}

static uint8_t *copy(const uint8_t *data, size_t len)
{
    if (len == 0) {
        return NULL;
    }
    uint8_t *p = mem_zalloc(len);
    memcpy(p, data, len);
    return p;
}

static void drop_out(struct reliable_out *p)
{
    free(p->data);
    memset(p, 0, sizeof *p);
}

static void drop_in(struct reliable_in *p)
{
    free(p->data);
    memset(p, 0, sizeof *p);
}

void reliable_init(struct reliable *r, uint64_t timeout_ms)
{
    memset(r, 0, sizeof *r);
    r->timeout_ms = timeout_ms ? timeout_ms : 1;
}

void reliable_free(struct reliable *r)
{
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        drop_out(&r->out[i]);
    }
    for (size_t i = 0; i < RELIABLE_RECEIVE_SLOTS; i++) {
        drop_in(&r->in[i]);
    }
}

void reliable_skip(struct reliable *r, uint32_t sent, uint32_t received)
{
    r->next_send = sent;
    r->next_receive = received;
    r->hurried = true;
}

/* The window starts at the lowest unacknowledged id: one lost packet stops the sender after five more. */
static uint32_t lowest_outstanding(const struct reliable *r)
{
    uint32_t span = 0;
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        const struct reliable_out *p = &r->out[i];
        if (p->used && distance(p->id, r->next_send) > span) {
            span = distance(p->id, r->next_send);
        }
    }
    return r->next_send - span;
}

static size_t out_slot(const struct reliable *r, uint32_t id)
{
    size_t i = 0;
    while (i < RELIABLE_SEND_WINDOW && !(r->out[i].used && r->out[i].id == id)) {
        i++;
    }
    return i;
}

bool reliable_outstanding(const struct reliable *r, uint32_t id)
{
    return out_slot(r, id) < RELIABLE_SEND_WINDOW;
}

bool reliable_can_queue(const struct reliable *r)
{
    return distance(lowest_outstanding(r), r->next_send) < RELIABLE_SEND_WINDOW;
}

int reliable_queue(struct reliable *r, uint64_t now_ms, uint8_t opcode, const uint8_t *data, size_t len)
{
    if (!reliable_can_queue(r) || len > UINT16_MAX) {
        return ERR_LIMIT;
    }
    struct reliable_out *p = r->out;
    while (p->used) { /* fewer than the window are outstanding: one is free */
        p++;
    }
    *p = (struct reliable_out){
        .data = copy(data, len),
        .len = (uint16_t)len,
        .opcode = opcode,
        .used = true,
        .id = r->next_send++,
        .due_ms = now_ms,
        .timeout_ms = r->timeout_ms,
    };
    return 0;
}

struct reliable_out *reliable_due(struct reliable *r, uint64_t now_ms)
{
    struct reliable_out *best = NULL;
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        struct reliable_out *p = &r->out[i];
        if (p->used && p->due_ms <= now_ms &&
            (!best || distance(p->id, r->next_send) > distance(best->id, r->next_send))) {
            best = p;
        }
    }
    return best;
}

void reliable_sent(struct reliable_out *p, uint64_t now_ms)
{
    p->due_ms = now_ms + p->timeout_ms;
    p->higher_acks = 0;
    if (p->timeout_ms < RELIABLE_BACKOFF_MAX_MS) {
        p->timeout_ms *= 2;
    }
}

bool reliable_acked(struct reliable *r, uint64_t now_ms, uint32_t id)
{
    size_t acked = out_slot(r, id);
    if (acked == RELIABLE_SEND_WINDOW) {
        return false;
    }
    drop_out(&r->out[acked]);
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        struct reliable_out *p = &r->out[i];
        if (p->used && distance(p->id, r->next_send) > distance(id, r->next_send) &&
            ++p->higher_acks >= FAST_RETRANSMIT_ACKS) {
            p->higher_acks = 0;
            p->due_ms = now_ms;
        }
    }
    return true;
}

void reliable_hurry(struct reliable *r, uint64_t now_ms)
{
    if (r->hurried) {
        return;
    }
    r->hurried = true;
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        if (r->out[i].used) {
            r->out[i].due_ms = now_ms;
            r->out[i].timeout_ms = r->timeout_ms;
        }
    }
}

/*
 * recent[] holds the pending ids in order of arrival, followed by those already sent, most recent first. A new id
 * that does not fit among the pending ones is not acknowledged now: the peer repeats it.
 */
static void note_ack(struct reliable *r, uint32_t id)
{
    if (r->n_pending == RELIABLE_ACKS_MAX) {
        return;
    }
    size_t at = 0;
    while (at < r->n_recent && r->recent[at] != id) {
        at++;
    }
    if (at < r->n_pending) {
        return;
    }
    if (at == r->n_recent) {
        if (r->n_recent < RELIABLE_ACKS_MAX) {
            r->n_recent++;
        }
        at = r->n_recent - 1u;
    }
    memmove(&r->recent[r->n_pending + 1], &r->recent[r->n_pending], (at - r->n_pending) * sizeof r->recent[0]);
    r->recent[r->n_pending++] = id;
}

enum reliable_verdict reliable_receive(struct reliable *r, uint32_t id, uint8_t opcode, const uint8_t *data,
                                       size_t len)
{
    uint32_t ahead = distance(r->next_receive, id);
    if (ahead >= RELIABLE_RECEIVE_WINDOW) {
        /* Either before the window, and then it was delivered long ago, or beyond it. */
        if (ahead >= UINT32_MAX / 2 && id < r->next_receive) {
            note_ack(r, id);
            return RELIABLE_DUPLICATE;
        }
        return RELIABLE_OUTSIDE;
    }
    struct reliable_in *slot = &r->in[id % RELIABLE_RECEIVE_SLOTS];
    if (slot->used) {
        note_ack(r, id);
        return RELIABLE_DUPLICATE;
    }
    if (len > UINT16_MAX) {
        return RELIABLE_OUTSIDE;
    }
    *slot = (struct reliable_in){.data = copy(data, len), .len = (uint16_t)len, .opcode = opcode, .used = true};
    note_ack(r, id);
    return RELIABLE_STORED;
}

const struct reliable_in *reliable_next(const struct reliable *r)
{
    const struct reliable_in *slot = &r->in[r->next_receive % RELIABLE_RECEIVE_SLOTS];
    return slot->used ? slot : NULL;
}

void reliable_done(struct reliable *r)
{
    drop_in(&r->in[r->next_receive % RELIABLE_RECEIVE_SLOTS]);
    r->next_receive++;
}

/* The ids that are given out become remembered ones; the last given out is the most recent. */
size_t reliable_acks(struct reliable *r, size_t max, uint32_t ids[RELIABLE_ACKS_MAX])
{
    size_t n = r->n_recent < max ? r->n_recent : max;
    memcpy(ids, r->recent, n * sizeof ids[0]);
    size_t taken = r->n_pending < n ? r->n_pending : n;
    /* Pending ids that did not fit move to the front, in order; the sent ones follow. */
    uint32_t left[RELIABLE_ACKS_MAX];
    size_t n_left = r->n_pending - taken;
    memcpy(left, &r->recent[taken], n_left * sizeof left[0]);
    memmove(&r->recent[n_left], &r->recent[0], taken * sizeof r->recent[0]);
    memcpy(r->recent, left, n_left * sizeof left[0]);
    for (size_t i = 0; i < taken / 2; i++) { /* most recent first */
        uint32_t *a = &r->recent[n_left + i];
        uint32_t *b = &r->recent[n_left + taken - 1 - i];
        uint32_t t = *a;
        *a = *b;
        *b = t;
    }
    r->n_pending = (uint8_t)n_left;
    return n;
}

bool reliable_ack_waiting(const struct reliable *r)
{
    return r->n_pending > 0;
}

bool reliable_all_acked(const struct reliable *r)
{
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        if (r->out[i].used) {
            return false;
        }
    }
    return true;
}

uint64_t reliable_deadline(const struct reliable *r)
{
    uint64_t when = CLOCK_NEVER;
    for (size_t i = 0; i < RELIABLE_SEND_WINDOW; i++) {
        if (r->out[i].used && r->out[i].due_ms < when) {
            when = r->out[i].due_ms;
        }
    }
    return when;
}
