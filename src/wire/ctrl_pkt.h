/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_CTRL_PKT_H
#define VPND_WIRE_CTRL_PKT_H

#include "base/span.h"
#include "wire/opcode.h"

/*
 * Control packets before wrapping (control channel spec, 1.2 and 1.7): a 9-byte header that every wrapping keeps
 * in clear, and a body (acknowledgements, message id, payload).
 */
#define CTRL_PKT_SESSION_ID_SIZE 8
#define CTRL_PKT_HEADER_SIZE 9
#define CTRL_PKT_ACKS_MAX 8      /* in ACK_V1, and the most that is accepted anywhere */
#define CTRL_PKT_ACKS_PIGGYBACK 4 /* most acks put into a packet that is not ACK_V1 */
#define CTRL_PKT_WKC_MIN 290     /* length of a wrapped client key, its own length field included */
#define CTRL_PKT_WKC_MAX 1024
#define CTRL_PKT_EARLY_RESEND_WKC 0x0001u /* early negotiation flag: send the wrapped client key again */

struct ctrl_pkt_header {
    uint8_t opcode; /* enum opcode; opcode_is_control() holds after a successful read */
    uint8_t key_id;
    uint8_t session_id[CTRL_PKT_SESSION_ID_SIZE]; /* of the sender, never all zero */
};

struct ctrl_pkt_body {
    uint8_t ack_count;
    uint32_t acks[CTRL_PKT_ACKS_MAX];
    uint8_t peer_session_id[CTRL_PKT_SESSION_ID_SIZE]; /* of the receiver; only meaningful when ack_count > 0 */
    uint32_t message_id;                               /* 0 in ACK_V1 */
    struct span payload;                               /* empty in ACK_V1; borrowed from the packet */
};

/** ctrl_pkt_header_read - parse the first 9 bytes. Return: 0, ERR_TRUNCATED, or ERR_FORMAT (opcode or zero id). */
int ctrl_pkt_header_read(struct rd *r, struct ctrl_pkt_header *out);

/** ctrl_pkt_header_write - append the 9 bytes. */
void ctrl_pkt_header_write(struct wr *w, const struct ctrl_pkt_header *header);

/**
 * ctrl_pkt_body_read - parse everything after the header
 * @opcode: of the header; in ACK_V1 bytes after the ack block are ignored
 * Whether peer_session_id is ours, and whether a reset's message id is 0, is the caller's check.
 * Return: 0, ERR_TRUNCATED, or ERR_FORMAT (more than 8 acks).
 */
int ctrl_pkt_body_read(struct rd *r, unsigned opcode, struct ctrl_pkt_body *out);

/** ctrl_pkt_body_write - append the body; @body->ack_count at most CTRL_PKT_ACKS_MAX. Check wr_ok() afterwards. */
void ctrl_pkt_body_write(struct wr *w, unsigned opcode, const struct ctrl_pkt_body *body);

/** ctrl_pkt_ack_size - bytes of an ack block with @n acks: count, ids, receiver's session id. */
static inline size_t ctrl_pkt_ack_size(unsigned n)
{
    return 1 + (n ? 4u * n + CTRL_PKT_SESSION_ID_SIZE : 0);
}

/**
 * ctrl_pkt_wkc_split - separate the wrapped client key from the end of a packet that carries one (3.5)
 * @packet_len: out: length of the wrapped packet before the key, at least 49
 * @wkc: out: the key with its trailing length field, 290..1024 bytes, borrowed
 * Return: 0, ERR_TRUNCATED or ERR_FORMAT.
 */
int ctrl_pkt_wkc_split(const uint8_t *packet, size_t len, size_t *packet_len, struct span *wkc);

/** ctrl_pkt_early_read - TLVs in the payload of HARD_RESET_SERVER_V2; unknown types are skipped.
 *  Return: 0 and the flag set (0 when absent), or ERR_FORMAT: the session must be aborted. */
int ctrl_pkt_early_read(struct span payload, uint16_t *flags);

/** ctrl_pkt_early_write - append the flags TLV (6 bytes). */
void ctrl_pkt_early_write(struct wr *w, uint16_t flags);

#endif
