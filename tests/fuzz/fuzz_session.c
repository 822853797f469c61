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
#define PACKET_ROOM (SESSION_PACKET_MAX + WRAP_OVERHEAD_MAX + KEYFILE_WKC_MAX)

static const uint8_t peer_id[SESSION_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Both ends of one wrapping. */
struct scene {
    enum session_role role;
    bool tcp;
    bool v2;
    struct keyfile_static key;
    struct span wkc;
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

/* The server's key of tls-crypt-v2, and what a client has of it; made once. */
static const struct keyfile_slot *v2_key(struct keyfile_static *kc, struct span *wkc)
{
    static struct keyfile_slot server;
    static uint8_t wrapped[KEYFILE_WKC_MAX];
    static int len;
    static const uint8_t metadata[] = {KEYFILE_METADATA_TIME, 0, 0, 0, 0, 0x65, 0x53, 0xf1, 0};
    memset(kc, 0x5a, sizeof(*kc));
    if (!len) {
        memset(&server, 0x77, sizeof(server));
        len = keyfile_wrap(&server, kc, metadata, sizeof(metadata), wrapped);
        FUZZ_REQUIRE(len > 0);
    }
    *wkc = (struct span){wrapped, (size_t)len};
    return &server;
}

static void open_wrapping(struct scene *s, uint8_t choice)
{
    static const enum wrap_mode modes[] = {WRAP_NONE, WRAP_TLS_AUTH, WRAP_TLS_CRYPT, WRAP_NONE};
    const struct keyfile_slot *server_key = v2_key(&s->key, &s->wkc);
    struct wrap_params params = {.mode = modes[choice & 3], .digest = "SHA256", .direction = KEYFILE_BIDIRECTIONAL};
    s->v2 = (choice & 3) == 3;
    s->role = s->v2 || choice & 0x40 ? SESSION_SERVER : SESSION_CLIENT;
    params.key = params.mode == WRAP_NONE ? NULL : &s->key;
    params.server = s->role == SESSION_SERVER;
    params.v2_server = s->v2 ? server_key : NULL;
    params.v2_max_age_days = 1;
    params.v2_force_cookie = choice & 0x10;
    FUZZ_REQUIRE(wrap_config_new(&params, &s->ours) == 0);
    params.server = !params.server;
    params.v2_server = NULL;
    FUZZ_REQUIRE(wrap_config_new(&params, &s->theirs) == 0);
    if (s->v2) {
        wrap_init_crypt(&s->sender, &s->key, false, 64, 15);
        s->sender.send.counter = choice & 0x20 ? REPLAY_V2_ANNOUNCE : 0;
    } else {
        wrap_init(&s->sender, s->theirs, 64, 15);
    }
}

static void open_scene(struct scene *s, uint8_t choice)
{
    struct ip_addr ip;
    memset(s, 0, sizeof(*s));
    s->tcp = choice & 0x80;
    s->now = (struct clock_now){.mono_ms = 1000, .unix_s = 1700000000};
    rand_seeded_init(&s->rand, 1);
    open_wrapping(s, choice);
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
static size_t address(uint8_t *packet, size_t len, const uint8_t own[SESSION_ID_SIZE])
{
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    if (ctrl_pkt_header_read(&r, &header) || header.session_id[0] == AS_IT_IS ||
        ctrl_pkt_body_read(&r, header.opcode, &body)) {
        return len;
    }
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

/* As a packet to the one whose id is @own. Return: its length; free @out with free(). */
static size_t wrapped(struct scene *s, const uint8_t *data, size_t size, const uint8_t own[SESSION_ID_SIZE],
                      uint8_t **out)
{
    uint8_t plain[SESSION_PACKET_MAX];
    uint8_t packet[PACKET_ROOM];
    memcpy(plain, data, size);
    size_t len = address(plain, size, own);
    if (len < WRAP_HEADER_SIZE) {
        *out = fuzz_copy(data, size);
        return size;
    }
    int n = wrap_seal(&s->sender, s->now, plain, plain + WRAP_HEADER_SIZE, len - WRAP_HEADER_SIZE, packet,
                      sizeof(packet));
    FUZZ_REQUIRE(n > 0);
    len = (size_t)n;
    if (s->v2 && opcode_has_wkc(opcode_of(plain[0]))) {
        memcpy(packet + len, s->wkc.data, s->wkc.len);
        len += s->wkc.len;
    }
    *out = fuzz_copy(packet, len);
    return len;
}

static void deliver(struct scene *s, const uint8_t *data, size_t size)
{
    uint8_t own[SESSION_ID_SIZE];
    uint8_t unused[SESSION_ID_SIZE];
    uint8_t *packet;
    FUZZ_REQUIRE(cookie_make(&s->jar, s->now.unix_s, &s->from, peer_id, own) == 0);
    size_t len = wrapped(s, data, size, own, &packet);
    filter(s, packet, len);
    free(packet);
    session_ids(s->session, own, unused);
    len = wrapped(s, data, size, own, &packet);
    (void)session_receive(s->session, s->now, packet, len);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct scene s;
    struct session_open open = {0};
    open_scene(&s, data[0]);
    struct session_config config = {.role = s.role, .tcp = s.tcp, .tls = tls(s.role), .wrap = s.ours,
                                    .rand = &s.rand.source, .options_string = "V4", .ack_limit = 8};
    if (s.v2) {
        open.client_key = secret_from(&s.key, sizeof(s.key));
    }
    FUZZ_REQUIRE(session_new(&config, &open, s.now, &s.session) == 0);
    secret_free(&open.client_key);
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
