/* SPDX-License-Identifier: MIT */

/*
 * Control packets of one who has the key, or who needs none: the filter for strangers, and sessions of both roles.
 * The input is written before wrapping, so that nothing has to be guessed: a byte that chooses the wrapping and the
 * role, then packets as header and plain body behind a length of two bytes.
 */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "session/cookie.h"
#include "session/session.h"
#include "session/tls.h"
#include "session/wrap.h"
#include "wire/ctrl_pkt.h"
#include "wire/opcode.h"

#define AS_IT_IS 0xff /* first byte of a session id: nothing is put right in this packet */
#define PACKET_ROOM (SESSION_PACKET_MAX + WRAP_OVERHEAD_MAX)

static const uint8_t peer_id[SESSION_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Both ends of one wrapping. */
struct scene {
    enum session_role role;
    bool tcp;
    struct wrap_config *ours;
    struct wrap_config *theirs;
    struct wrap sender;
    struct session *session;
    struct clock_now now;
    struct rand_seeded rand;
    union addr from;
    struct cookie_jar jar;
};

static const struct tls_context *tls(enum session_role role)
{
    static struct tls_context *contexts[2];
    if (!contexts[role]) {
        SSL_CTX *ctx = SSL_CTX_new(role == SESSION_SERVER ? TLS_server_method() : TLS_client_method());
        FUZZ_REQUIRE(ctx);
        contexts[role] = tls_context_new(ctx, NULL, NULL);
        SSL_CTX_free(ctx);
    }
    return contexts[role];
}

static void open_scene(struct scene *s, uint8_t choice, struct keyfile_static *key)
{
    enum wrap_mode mode = choice % 3 == 0 ? WRAP_NONE : choice % 3 == 1 ? WRAP_TLS_AUTH : WRAP_TLS_CRYPT;
    memset(s, 0, sizeof(*s));
    memset(key, 0x5a, sizeof(*key));
    s->role = choice & 0x40 ? SESSION_SERVER : SESSION_CLIENT;
    s->tcp = choice & 0x80;
    s->now = (struct clock_now){.mono_ms = 1000, .unix_s = 1700000000};
    rand_seeded_init(&s->rand, 1);
    struct wrap_params params = {.mode = mode, .key = mode == WRAP_NONE ? NULL : key, .digest = "SHA256",
                                 .direction = KEYFILE_BIDIRECTIONAL, .server = s->role == SESSION_SERVER};
    FUZZ_REQUIRE(wrap_config_new(&params, &s->ours) == 0);
    params.server = !params.server;
    FUZZ_REQUIRE(wrap_config_new(&params, &s->theirs) == 0);
    wrap_init(&s->sender, s->theirs, 64, 15);
    struct ip_addr ip;
    FUZZ_REQUIRE(ip_parse("192.0.2.1", &ip) == 0);
    s->from = addr_from_ip(&ip, 1194);
    cookie_jar_init(&s->jar, &s->rand.source, 60);
}

/* What the session says, and what it wants to know. */
static void attend(struct scene *s)
{
    uint8_t out[SESSION_PACKET_MAX];
    struct session_event event;
    while (session_next_event(s->session, &event)) {
        if (event.type == SESSION_EV_KEY_EXCHANGE) {
            session_authorize(s->session, s->now, event.key_id, SESSION_AUTH_OK);
        }
    }
    for (size_t len; (len = session_send(s->session, s->now, out)) != 0;) {
        FUZZ_REQUIRE(len <= sizeof(out) && opcode_is_control(opcode_of(out[0])));
    }
}

/* Put the ids right: guessing 16 bytes is no use. */
static size_t address(const struct scene *s, uint8_t *packet, size_t len)
{
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    uint8_t own[SESSION_ID_SIZE];
    uint8_t unused[SESSION_ID_SIZE];
    if (ctrl_pkt_header_read(&r, &header) || header.session_id[0] == AS_IT_IS ||
        ctrl_pkt_body_read(&r, header.opcode, &body)) {
        return len;
    }
    session_ids(s->session, own, unused);
    memcpy(header.session_id, peer_id, SESSION_ID_SIZE);
    memcpy(body.peer_session_id, own, SESSION_ID_SIZE);
    uint8_t again[SESSION_PACKET_MAX];
    struct wr w = wr_init(again, sizeof(again));
    ctrl_pkt_header_write(&w, &header);
    ctrl_pkt_body_write(&w, header.opcode, &body);
    FUZZ_REQUIRE(wr_ok(&w) && wr_len(&w) <= len);
    memcpy(packet, again, wr_len(&w));
    return wr_len(&w);
}

static void filter(const struct scene *s, const uint8_t *packet, size_t len)
{
    struct cookie_filter f = {.jar = &s->jar, .wrap = s->ours, .tcp = s->tcp};
    struct cookie_verdict verdict;
    cookie_decide(&f, s->now, &s->from, packet, len, &verdict);
    FUZZ_REQUIRE(verdict.reply_len <= COOKIE_REPLY_MAX && (verdict.reply_len > 0) == (verdict.action == COOKIE_REPLY));
    FUZZ_REQUIRE(verdict.reason == COOKIE_REASON_NONE || verdict.action == COOKIE_DROP);
    secret_free(&verdict.open.client_key);
}

static void deliver(struct scene *s, const uint8_t *data, size_t size)
{
    uint8_t plain[SESSION_PACKET_MAX];
    uint8_t packet[PACKET_ROOM];
    memcpy(plain, data, size);
    size_t len = address(s, plain, size);
    if (len < WRAP_HEADER_SIZE) {
        filter(s, data, size);
        (void)session_receive(s->session, s->now, data, size);
        return;
    }
    int n = wrap_seal(&s->sender, s->now, plain, plain + WRAP_HEADER_SIZE, len - WRAP_HEADER_SIZE, packet,
                      sizeof(packet));
    FUZZ_REQUIRE(n > 0);
    uint8_t *exact = fuzz_copy(packet, (size_t)n);
    filter(s, exact, (size_t)n);
    (void)session_receive(s->session, s->now, exact, (size_t)n);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct scene s;
    struct keyfile_static key;
    open_scene(&s, data[0], &key);
    struct session_config config = {.role = s.role, .tcp = s.tcp, .tls = tls(s.role), .wrap = s.ours,
                                    .rand = &s.rand.source, .options_string = "V4", .ack_limit = 8};
    FUZZ_REQUIRE(session_new(&config, &(struct session_open){0}, s.now, &s.session) == 0);
    attend(&s);
    struct rd r = rd_init(data + 1, size - 1);
    while (rd_left(&r) > 2) {
        size_t len = rd_u16(&r);
        len = len > rd_left(&r) ? rd_left(&r) : len;
        len = len > SESSION_PACKET_MAX ? SESSION_PACKET_MAX : len;
        deliver(&s, rd_bytes(&r, len), len);
        attend(&s);
        s.now.mono_ms += 700;
        session_tick(s.session, s.now);
        attend(&s);
    }
    session_free(s.session);
    wrap_config_free(s.ours);
    wrap_config_free(s.theirs);
    return 0;
}
