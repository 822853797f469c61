/* SPDX-License-Identifier: MIT */
#include "wire/ctrl_pkt.h"

#include "base/err.h"

#define WRAPPED_MIN 49 /* header, replay id, tag: the smallest tls-crypt packet */
#define TLV_FLAGS 1

int ctrl_pkt_header_read(struct rd *r, struct ctrl_pkt_header *out)
{
    static const uint8_t zero[CTRL_PKT_SESSION_ID_SIZE];
    uint8_t first = rd_u8(r);
    rd_copy(r, out->session_id, sizeof(out->session_id));
    if (!rd_ok(r)) {
        return ERR_TRUNCATED;
    }
    out->opcode = (uint8_t)opcode_of(first);
    out->key_id = opcode_key_id(first);
    if (!opcode_is_control(out->opcode) || memcmp(out->session_id, zero, sizeof(zero)) == 0) {
        return ERR_FORMAT;
    }
    return 0;
}

void ctrl_pkt_header_write(struct wr *w, const struct ctrl_pkt_header *header)
{
    wr_u8(w, opcode_byte(header->opcode, header->key_id));
    wr_bytes(w, header->session_id, sizeof(header->session_id));
}

int ctrl_pkt_body_read(struct rd *r, unsigned opcode, struct ctrl_pkt_body *out)
{
    memset(out, 0, sizeof(*out));
    uint8_t count = rd_u8(r);
    if (count > CTRL_PKT_ACKS_MAX) {
        return ERR_FORMAT;
    }
    for (unsigned i = 0; i < count; i++) {
        out->acks[i] = rd_u32(r);
    }
    if (count) {
        rd_copy(r, out->peer_session_id, sizeof(out->peer_session_id));
    }
    out->ack_count = count;
    if (opcode != OPCODE_ACK_V1) {
        out->message_id = rd_u32(r);
        out->payload = rd_rest(r);
    }
    return rd_ok(r) ? 0 : ERR_TRUNCATED;
}

void ctrl_pkt_body_write(struct wr *w, unsigned opcode, const struct ctrl_pkt_body *body)
{
    if (body->ack_count > CTRL_PKT_ACKS_MAX) {
        w->bad = true;
        return;
    }
    wr_u8(w, body->ack_count);
    for (unsigned i = 0; i < body->ack_count; i++) {
        wr_u32(w, body->acks[i]);
    }
    if (body->ack_count) {
        wr_bytes(w, body->peer_session_id, sizeof(body->peer_session_id));
    }
    if (opcode != OPCODE_ACK_V1) {
        wr_u32(w, body->message_id);
        wr_bytes(w, body->payload.data, body->payload.len);
    }
}

int ctrl_pkt_wkc_split(const uint8_t *packet, size_t len, size_t *packet_len, struct span *wkc)
{
    if (len < WRAPPED_MIN + CTRL_PKT_WKC_MIN) {
        return ERR_TRUNCATED;
    }
    size_t wkc_len = be16_load(packet + len - 2);
    if (wkc_len < CTRL_PKT_WKC_MIN || wkc_len > CTRL_PKT_WKC_MAX || wkc_len > len - WRAPPED_MIN) {
        return ERR_FORMAT;
    }
    *packet_len = len - wkc_len;
    *wkc = (struct span){packet + *packet_len, wkc_len};
    return 0;
}

int ctrl_pkt_early_read(struct span payload, uint16_t *flags)
{
    struct rd r = rd_init(payload.data, payload.len);
    *flags = 0;
    while (rd_left(&r)) {
        uint16_t type = rd_u16(&r);
        uint16_t len = rd_u16(&r);
        const uint8_t *value = rd_bytes(&r, len);
        if (!rd_ok(&r) || (type == TLV_FLAGS && len != 2)) {
            return ERR_FORMAT;
        }
        if (type == TLV_FLAGS) {
            *flags |= be16_load(value);
        }
    }
    return 0;
}

void ctrl_pkt_early_write(struct wr *w, uint16_t flags)
{
    wr_u16(w, TLV_FLAGS);
    wr_u16(w, 2);
    wr_u16(w, flags);
}
