/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "session/session_private.h"
#include "wire/ctrl_pkt.h"

#define PACKET_SIZE_DEFAULT 1250
#define PACKET_SIZE_MIN 154
#define PAYLOAD_MIN 16 /* rather a packet above the limit than one with less */
#define MESSAGE_ID_SIZE 4

/* The acknowledgements of a retransmission are not known when the payload is cut: room for the most is kept. */
size_t session_packet_room(struct session *s, uint8_t key_id)
{
    size_t limit = s->config->max_packet_size ? s->config->max_packet_size : PACKET_SIZE_DEFAULT;
    limit = limit < PACKET_SIZE_MIN ? PACKET_SIZE_MIN : limit > SESSION_PACKET_MAX ? SESSION_PACKET_MAX : limit;
    size_t used = (s->config->outer_ipv6 ? 40u : 20u) + 8 + CTRL_PKT_HEADER_SIZE +
                  ctrl_pkt_ack_size(RELIABLE_ACKS_CARRIED) + MESSAGE_ID_SIZE +
                  wrap_overhead(session_wrap_for(s, key_id));
    return limit < used + PAYLOAD_MIN ? PAYLOAD_MIN : limit - used;
}

static size_t ack_limit(const struct session *s, uint8_t opcode)
{
    size_t most = opcode == OPCODE_ACK_V1 ? RELIABLE_ACKS_MAX : RELIABLE_ACKS_CARRIED;
    size_t limit = s->config->ack_limit ? s->config->ack_limit : RELIABLE_ACKS_MAX;
    return limit < most ? limit : most;
}

/* Whether the next packet of this key has to carry the client's wrapped key. */
static bool owes_wkc(const struct session *s, const struct key_state *k)
{
    return s->resend_wkc && k->id == 0 && k->reliable.next_send == 1;
}

/* Cut what TLS wants to say into packets, as far as the window allows. */
static void pump(struct session *s, struct key_state *k, uint64_t now_ms)
{
    uint8_t payload[SESSION_PACKET_MAX];
    while (k->tls && tls_output_pending(k->tls) > 0 && reliable_can_queue(&k->reliable)) {
        size_t room = session_packet_room(s, k->id);
        uint8_t opcode = OPCODE_CONTROL_V1;
        if (owes_wkc(s, k)) {
            size_t wkc = wrap_config_wkc(s->config->wrap).len;
            opcode = OPCODE_CONTROL_WKC_V1;
            room = room > wkc + PAYLOAD_MIN ? room - wkc : PAYLOAD_MIN;
        }
        size_t n = tls_output(k->tls, payload, room);
        if (n == 0 || reliable_queue(&k->reliable, now_ms, opcode, payload, n)) {
            return;
        }
    }
}

/* Return: packet length, or 0 when it cannot be built. */
static size_t build(struct session *s, struct key_state *k, struct clock_now now, uint8_t opcode, uint32_t id,
                    struct span payload, uint8_t *out)
{
    struct ctrl_pkt_header header = {.opcode = opcode, .key_id = k->id};
    struct ctrl_pkt_body body = {.message_id = id, .payload = payload};
    memcpy(header.session_id, s->own_id, SESSION_ID_SIZE);
    memcpy(body.peer_session_id, s->peer_id, SESSION_ID_SIZE);
    body.ack_count = (uint8_t)reliable_acks(&k->reliable, ack_limit(s, opcode), body.acks);
    uint8_t head[CTRL_PKT_HEADER_SIZE];
    uint8_t inner[SESSION_PACKET_MAX];
    struct wr h = wr_init(head, sizeof head);
    struct wr b = wr_init(inner, sizeof inner);
    ctrl_pkt_header_write(&h, &header);
    ctrl_pkt_body_write(&b, opcode, &body);
    if (!wr_ok(&h) || !wr_ok(&b)) {
        return 0;
    }
    int n = wrap_seal(session_wrap_for(s, k->id), now, head, inner, wr_len(&b), out, SESSION_PACKET_MAX);
    if (n < 0) {
        return 0;
    }
    if (opcode_has_wkc(opcode)) {
        struct span wkc = wrap_config_wkc(s->config->wrap);
        if (wkc.len > SESSION_PACKET_MAX - (size_t)n) {
            return 0;
        }
        memcpy(out + n, wkc.data, wkc.len);
        n += (int)wkc.len;
    }
    return (size_t)n;
}

static size_t send_key(struct session *s, struct key_state *k, struct clock_now now, uint8_t *out)
{
    if (k->stage == KEY_STAGE_UNUSED) {
        return 0;
    }
    pump(s, k, now.mono_ms);
    if (owes_wkc(s, k) && reliable_ack_waiting(&k->reliable)) {
        /* A bare ACK_V1 would not be repeated when it is lost, and the server has no key for it. */
        (void)reliable_queue(&k->reliable, now.mono_ms, OPCODE_CONTROL_WKC_V1, NULL, 0);
    }
    struct reliable_out *p = reliable_due(&k->reliable, now.mono_ms);
    size_t n;
    if (p) {
        n = build(s, k, now, p->opcode, p->id, (struct span){p->data, p->len}, out);
        reliable_sent(p, now.mono_ms);
    } else if (reliable_ack_waiting(&k->reliable)) {
        n = build(s, k, now, OPCODE_ACK_V1, 0, (struct span){NULL, 0}, out);
    } else if (k->last_acks > 0 && now.mono_ms >= k->last_ack_ms) {
        /* Its loss goes unnoticed here, but a 2.x server has no key before this arrives. */
        k->last_acks--;
        k->last_ack_ms = now.mono_ms + 2 * (now.mono_ms - k->established_ms);
        n = build(s, k, now, OPCODE_ACK_V1, 0, (struct span){NULL, 0}, out);
    } else {
        return 0;
    }
    if (n == 0) {
        key_state_fail(s, k, SESSION_HINT_NONE, "a control packet cannot be built");
    }
    return n;
}

size_t session_send(struct session *s, struct clock_now now, uint8_t *out)
{
    if (s->n_texts > 0) {
        session_settle(s, now);
    }
    size_t n = s->lame ? send_key(s, s->lame, now, out) : 0;
    return n ? n : send_key(s, s->primary, now, out);
}
