/* SPDX-License-Identifier: MIT */

/*
 * What a peer says inside TLS, once its certificate is accepted: key exchange and messages, in records as it likes. The
 * input is a byte that chooses the session's role and its answer to the login, then records behind lengths of two bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "session/session.h"
#include "session/tls.h"
#include "session/wrap.h"
#include "sim_tls.h"
#include "wire/ctrl_pkt.h"
#include "wire/opcode.h"

#define PIECE 1000 /* bytes of TLS in a packet */
#define ROUNDS_MAX 1000

/* The session, and the peer as far as it takes to get through the handshake. */
struct scene {
    struct session *session;
    enum session_verdict verdict;
    struct clock_now now;
    struct tls *tls;
    struct ctrl_pkt_body acks;
    uint32_t next_in;
    uint32_t next_out;
    bool failed;
};

static void deliver(struct scene *s, enum opcode opcode, struct span payload)
{
    struct ctrl_pkt_header header = {.opcode = opcode, .session_id = {1, 2, 3, 4, 5, 6, 7, 8}};
    struct ctrl_pkt_body body = s->acks;
    uint8_t unused[SESSION_ID_SIZE];
    uint8_t out[SESSION_PACKET_MAX];
    struct wr w = wr_init(out, sizeof(out));
    session_ids(s->session, body.peer_session_id, unused);
    body.payload = payload;
    body.message_id = opcode == OPCODE_ACK_V1 ? 0 : s->next_out++;
    s->acks.ack_count = 0;
    ctrl_pkt_header_write(&w, &header);
    ctrl_pkt_body_write(&w, opcode, &body);
    FUZZ_REQUIRE(wr_ok(&w));
    (void)session_receive(s->session, s->now, out, wr_len(&w));
}

static void take(struct scene *s, const uint8_t *packet, size_t len)
{
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    FUZZ_REQUIRE(ctrl_pkt_header_read(&r, &header) == 0 && ctrl_pkt_body_read(&r, header.opcode, &body) == 0);
    if (header.opcode == OPCODE_ACK_V1) {
        return;
    }
    if (s->acks.ack_count == CTRL_PKT_ACKS_MAX) {
        deliver(s, OPCODE_ACK_V1, (struct span){0});
    }
    s->acks.acks[s->acks.ack_count++] = body.message_id;
    if (body.message_id == s->next_in) {
        s->next_in++;
        if (body.payload.len) {
            s->failed |= tls_input(s->tls, body.payload.data, body.payload.len) != 0;
        }
    }
}

static void attend(struct scene *s)
{
    struct session_event event;
    uint8_t keys[SESSION_KEY_MATERIAL_SIZE];
    while (session_next_event(s->session, &event)) {
        switch (event.type) {
        case SESSION_EV_KEY_EXCHANGE:
            FUZZ_REQUIRE(event.peer_info && event.options_string);
            session_authorize(s->session, s->now, event.key_id, s->verdict);
            break;
        case SESSION_EV_KEYS_READY:
            FUZZ_REQUIRE(session_export_keys(s->session, event.key_id, SESSION_KEYS_EXPORTER, keys) == 0);
            break;
        case SESSION_EV_MESSAGE:
            FUZZ_REQUIRE(strlen(event.text) == event.len);
            for (size_t i = 0; i < event.len; i++) {
                FUZZ_REQUIRE((unsigned char)event.text[i] >= 0x20 && event.text[i] != 0x7f);
            }
            break;
        case SESSION_EV_FAILED:
            s->failed = true;
            break;
        default:
            break;
        }
    }
}

/* The peer is not interested. */
static void hear(struct scene *s)
{
    static uint8_t record[TLS_RECORD_MAX];
    s->failed |= tls_handshake(s->tls) != 0;
    while (!s->failed && tls_established(s->tls)) {
        int n = tls_read(s->tls, record);
        s->failed |= n < 0;
        if (n <= 0) {
            return;
        }
    }
}

/* Packets back and forth until both ends have nothing to say. */
static void talk(struct scene *s)
{
    uint8_t packet[SESSION_PACKET_MAX];
    bool more = true;
    for (unsigned round = 0; more; round++) {
        FUZZ_REQUIRE(round < ROUNDS_MAX);
        more = false;
        attend(s);
        for (size_t len; (len = session_send(s->session, s->now, packet)) != 0; more = true) {
            take(s, packet, len);
        }
        hear(s);
        size_t len = tls_output(s->tls, packet, PIECE);
        if (len) {
            deliver(s, OPCODE_CONTROL_V1, (struct span){packet, len});
            more = true;
        } else if (s->acks.ack_count) {
            deliver(s, OPCODE_ACK_V1, (struct span){0});
            more = true;
        }
    }
}

static void speak(struct scene *s, struct rd *r)
{
    talk(s);
    while (rd_left(r) > 2 && !s->failed) {
        size_t len = rd_u16(r);
        len = len > rd_left(r) ? rd_left(r) : len;
        if (len && tls_write(s->tls, rd_bytes(r, len), len) != 0) {
            return;
        }
        talk(s);
        s->now.mono_ms += 300;
        session_tick(s->session, s->now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wrap_config *plain;
    if (size < 1 || data[0] > 3) {
        return 0; /* the handshake costs too much for seeds of other targets */
    }
    if (!plain) {
        sim_tls_setup();
        FUZZ_REQUIRE(wrap_config_new(&(struct wrap_params){0}, &plain) == 0);
    }
    bool server = data[0] & 1;
    struct rand_seeded rand;
    rand_seeded_init(&rand, 1);
    struct session_config config = {.role = server ? SESSION_SERVER : SESSION_CLIENT, .wrap = plain,
                                    .tls = sim_tls_context(SIM_TLS_1_3, server), .rand = &rand.source,
                                    .options_string = "V4,dev-type tun", .ack_limit = 8};
    struct scene s = {.now = {.mono_ms = 1000, .unix_s = 1700000000}, .next_in = 0,
                      .verdict = data[0] & 2 ? SESSION_AUTH_FAILED : SESSION_AUTH_OK};
    s.tls = tls_new(sim_tls_context(SIM_TLS_1_3, !server), !server, NULL);
    FUZZ_REQUIRE(s.tls && session_new(&config, &(struct session_open){0}, s.now, &s.session) == 0);
    if (server) {
        deliver(&s, OPCODE_HARD_RESET_CLIENT_V2, (struct span){0});
    } else {
        uint8_t packet[SESSION_PACKET_MAX];
        size_t len = session_send(s.session, s.now, packet);
        FUZZ_REQUIRE(len > 0);
        take(&s, packet, len);
        deliver(&s, OPCODE_HARD_RESET_SERVER_V2, (struct span){0});
    }
    struct rd r = rd_init(data + 1, size - 1);
    speak(&s, &r);
    session_free(s.session);
    tls_free(s.tls);
    return 0;
}
