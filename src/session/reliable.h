/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_RELIABLE_H
#define VPND_SESSION_RELIABLE_H

/*
 * Order and retransmission for one key id (control channel spec, 2): windows, selective acknowledgements that are
 * repeated, fast retransmit, exponential back-off. Knows message ids and payloads, nothing of packets around them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELIABLE_SEND_WINDOW 6
#define RELIABLE_RECEIVE_WINDOW 12
#define RELIABLE_RECEIVE_SLOTS 16    /* a power of two, so that slots survive the wrap of ids */
#define RELIABLE_ACKS_MAX 8          /* in an ACK_V1, and remembered */
#define RELIABLE_ACKS_CARRIED 4      /* in any other packet */
#define RELIABLE_BACKOFF_MAX_MS 32000

/** A packet waiting for its acknowledgement. */
struct reliable_out {
    uint8_t *data;      /* owned; NULL when empty */
    uint16_t len;
    uint8_t opcode;
    bool used;
    uint8_t higher_acks; /* acknowledgements of later packets since it was last sent */
    uint32_t id;
    uint64_t due_ms;
    uint64_t timeout_ms; /* until the next retransmission, doubled each time */
};

/** A packet that arrived before its turn. */
struct reliable_in {
    uint8_t *data;
    uint16_t len;
    uint8_t opcode;
    bool used;
};

struct reliable {
    uint32_t next_send;      /* id of the next new packet */
    uint32_t next_receive;   /* id that is delivered next */
    uint64_t timeout_ms;     /* first timeout */
    struct reliable_out out[RELIABLE_SEND_WINDOW];
    struct reliable_in in[RELIABLE_RECEIVE_SLOTS]; /* slot = id modulo slots */
    uint32_t recent[RELIABLE_ACKS_MAX]; /* acknowledged ids: @n_pending new ones first, most recent first */
    uint8_t n_recent;
    uint8_t n_pending;       /* not sent yet */
    bool hurried;            /* reliable_hurry() was used */
};

/** reliable_init - @timeout_ms: first retransmission. Ids start at 0. */
void reliable_init(struct reliable *r, uint64_t timeout_ms);

/** reliable_free - release every stored packet. */
void reliable_free(struct reliable *r);

/** reliable_can_queue - the send window has room for one more packet. */
bool reliable_can_queue(const struct reliable *r);

/** reliable_queue - a new packet, due at once; @data is copied. Return: 0 or ERR_LIMIT. */
int reliable_queue(struct reliable *r, uint64_t now_ms, uint8_t opcode, const uint8_t *data, size_t len);

/** reliable_due - the packet with the lowest id that has to be sent now, or NULL. */
struct reliable_out *reliable_due(struct reliable *r, uint64_t now_ms);

/** reliable_sent - @p (of reliable_due()) went out: back off. */
void reliable_sent(struct reliable_out *p, uint64_t now_ms);

/** reliable_acked - the peer acknowledges @id; ids that are not outstanding are ignored. Return: it was. */
bool reliable_acked(struct reliable *r, uint64_t now_ms, uint32_t id);

/** reliable_outstanding - @id was queued and is not acknowledged. */
bool reliable_outstanding(const struct reliable *r, uint32_t id);

/** reliable_hurry - the peer has just appeared: everything unacknowledged is due now (works once). */
void reliable_hurry(struct reliable *r, uint64_t now_ms);

enum reliable_verdict {
    RELIABLE_STORED,    /* new */
    RELIABLE_DUPLICATE, /* acknowledged again */
    RELIABLE_OUTSIDE,   /* beyond the window: not acknowledged */
};

/** reliable_receive - a packet of the peer; @data is copied when stored. */
enum reliable_verdict reliable_receive(struct reliable *r, uint32_t id, uint8_t opcode, const uint8_t *data,
                                       size_t len);

/** reliable_next - the packet whose turn it is, or NULL; then reliable_done(). */
const struct reliable_in *reliable_next(const struct reliable *r);

/** reliable_done - release what reliable_next() returned and go on. */
void reliable_done(struct reliable *r);

/** reliable_skip - treat the first packet in each direction as exchanged already (cookie handshake): @sent ids were
 *  sent and are not kept, @received were delivered. Before any other use. */
void reliable_skip(struct reliable *r, uint32_t sent, uint32_t received);

/** reliable_acks - ids for the next packet: waiting ones first, then repeated ones, up to @max. Waiting ones that
 *  were given out count as sent. Return: how many. */
size_t reliable_acks(struct reliable *r, size_t max, uint32_t ids[RELIABLE_ACKS_MAX]);

/** reliable_ack_waiting - an acknowledgement has not been sent yet. */
bool reliable_ack_waiting(const struct reliable *r);

/** reliable_all_acked - nothing is outstanding. */
bool reliable_all_acked(const struct reliable *r);

/** reliable_deadline - when a retransmission is due, CLOCK_NEVER if nothing is outstanding. */
uint64_t reliable_deadline(const struct reliable *r);

#endif
