/* SPDX-License-Identifier: MIT */
#include "session/cookie.h"

#include <string.h>

#include "base/err.h"
#include "base/span.h"
#include "crypto/hmac.h"
#include "session/ratelimit.h"
#include "session/wrap.h"
#include "wire/ctrl_pkt.h"

#define SLOTS_ACCEPTED 3
#define SECRET_LIFE_S 3600
#define HEADER_INPUT_MAX (4 + 19)
#define ANNOUNCED(counter) ((counter) >> 24 == 0x0f)

_Static_assert(sizeof((struct cookie_verdict *)0)->metadata >= KEYFILE_METADATA_MAX, "metadata fits");

void cookie_jar_init(struct cookie_jar *jar, const struct rand_source *rand, unsigned hand_window_s)
{
    *jar = (struct cookie_jar){.slot_s = hand_window_s ? (hand_window_s + 1) / 2 : 1};
    rand_fill(rand, jar->secret, sizeof jar->secret);
}

void cookie_jar_renew(struct cookie_jar *jar, const struct rand_source *rand, uint64_t unix_s)
{
    if (jar->since_s && unix_s >= jar->since_s && unix_s - jar->since_s < SECRET_LIFE_S) {
        return;
    }
    if (jar->since_s) {
        memcpy(jar->former, jar->secret, sizeof jar->former);
        jar->has_former = true;
        rand_fill(rand, jar->secret, sizeof jar->secret);
    }
    jar->since_s = unix_s;
}

static int make(const uint8_t secret[COOKIE_SECRET_SIZE], uint32_t slot, const union addr *source,
                const uint8_t *client_id, uint8_t out[SESSION_ID_SIZE])
{
    static const uint8_t ZERO[SESSION_ID_SIZE];
    uint8_t input[HEADER_INPUT_MAX];
    uint8_t mac[HMAC_SIZE_MAX];
    be32_store(input, slot);
    size_t len = 4 + addr_key(source, input + 4);
    const struct span parts[] = {{input, len}, {client_id, SESSION_ID_SIZE}};
    if (hmac_once("SHA256", secret, COOKIE_SECRET_SIZE, parts, 2, mac) < 0) {
        return ERR_CRYPTO;
    }
    memcpy(out, mac, SESSION_ID_SIZE);
    if (memcmp(out, ZERO, SESSION_ID_SIZE) == 0) {
        out[0] = 1; /* a session id is never zero */
    }
    return 0;
}

int cookie_make(const struct cookie_jar *jar, uint64_t unix_s, const union addr *source,
                const uint8_t client_id[SESSION_ID_SIZE], uint8_t out[SESSION_ID_SIZE])
{
    return make(jar->secret, (uint32_t)(unix_s / jar->slot_s), source, client_id, out);
}

static bool fits(const uint8_t secret[COOKIE_SECRET_SIZE], uint32_t slot, const union addr *source,
                 const uint8_t *client_id, const uint8_t *cookie)
{
    for (uint32_t back = 0; back < SLOTS_ACCEPTED; back++) {
        uint8_t good[SESSION_ID_SIZE];
        if (make(secret, slot - back, source, client_id, good)) {
            return false;
        }
        if (secret_equal(good, cookie, SESSION_ID_SIZE)) {
            return true;
        }
    }
    return false;
}

bool cookie_check(const struct cookie_jar *jar, uint64_t unix_s, const union addr *source,
                  const uint8_t client_id[SESSION_ID_SIZE], const uint8_t cookie[SESSION_ID_SIZE])
{
    uint32_t slot = (uint32_t)(unix_s / jar->slot_s);
    bool former = jar->has_former && unix_s - jar->since_s < (uint64_t)SLOTS_ACCEPTED * jar->slot_s;
    return fits(jar->secret, slot, source, client_id, cookie) ||
           (former && fits(jar->former, slot, source, client_id, cookie));
}

/* One packet under consideration. */
struct candidate {
    const struct cookie_filter *filter;
    struct clock_now now;
    const union addr *source;
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    uint8_t inner[SESSION_PACKET_MAX];
    struct keyfile_static kc;
    bool v2;
    uint32_t counter;
    struct wrap wrap;
};

static enum cookie_reason unwrap(struct candidate *c, const uint8_t *packet, size_t len, struct cookie_verdict *out)
{
    const struct wrap_config *config = c->filter->wrap;
    size_t wrapped_len = len;
    if (opcode_has_wkc(c->header.opcode)) {
        int n = wrap_config_open_wkc(config, packet, len, &c->kc, out->metadata, &wrapped_len);
        if (n < 0) {
            return n == ERR_BAD_STATE ? COOKIE_REASON_FORMAT : COOKIE_REASON_WKC;
        }
        out->metadata_len = (size_t)n;
        c->v2 = true;
        wrap_init_crypt(&c->wrap, &c->kc, true, 1, 0);
    } else if (wrap_config_mode(config) == WRAP_NONE && wrap_config_is_v2(config)) {
        return COOKIE_REASON_WRAP;
    } else {
        wrap_init(&c->wrap, config, 1, 0);
    }
    int n = wrap_open(&c->wrap, NULL, packet, wrapped_len, c->inner, &c->counter);
    if (n < 0) {
        return n == ERR_FORMAT && c->wrap.mode == WRAP_NONE ? COOKIE_REASON_FORMAT : COOKIE_REASON_WRAP;
    }
    struct rd r = rd_init(c->inner, (size_t)n);
    return ctrl_pkt_body_read(&r, c->header.opcode, &c->body) ? COOKIE_REASON_FORMAT : COOKIE_REASON_NONE;
}

static void drop(struct cookie_verdict *out, enum cookie_reason reason)
{
    out->action = COOKIE_DROP;
    out->reason = reason;
}

static void accept_session(struct candidate *c, bool from_cookie, struct cookie_verdict *out)
{
    if (c->v2) {
        if (!wrap_config_metadata_ok(c->filter->wrap, out->metadata, out->metadata_len, c->now.unix_s)) {
            drop(out, COOKIE_REASON_KEY_AGE);
            return;
        }
        out->open.client_key = secret_from(&c->kc, sizeof c->kc);
    }
    out->action = COOKIE_ACCEPT;
    out->open.from_cookie = from_cookie;
    if (from_cookie) {
        memcpy(out->open.own_id, c->body.peer_session_id, SESSION_ID_SIZE);
        memcpy(out->open.peer_id, c->header.session_id, SESSION_ID_SIZE);
    }
}

/* HARD_RESET_SERVER_V2 with the cookie as our session id; a v2 client is asked for its key once more. */
static void reply_cookie(struct candidate *c, struct cookie_verdict *out)
{
    struct ctrl_pkt_header header = {.opcode = OPCODE_HARD_RESET_SERVER_V2};
    struct ctrl_pkt_body body = {.ack_count = 1};
    uint8_t head[CTRL_PKT_HEADER_SIZE];
    uint8_t tlv[8];
    uint8_t inner[64];
    struct wr t = wr_init(tlv, sizeof tlv);
    struct wr h = wr_init(head, sizeof head);
    struct wr b = wr_init(inner, sizeof inner);
    if (cookie_make(c->filter->jar, c->now.unix_s, c->source, c->header.session_id, header.session_id)) {
        drop(out, COOKIE_REASON_NONE);
        return;
    }
    memcpy(body.peer_session_id, c->header.session_id, SESSION_ID_SIZE);
    if (c->v2) {
        ctrl_pkt_early_write(&t, CTRL_PKT_EARLY_RESEND_WKC);
        body.payload = (struct span){tlv, wr_len(&t)};
    }
    ctrl_pkt_header_write(&h, &header);
    ctrl_pkt_body_write(&b, header.opcode, &body);
    int n = wrap_seal(&c->wrap, c->now, head, inner, wr_len(&b), out->reply, sizeof out->reply);
    if (n < 0) {
        drop(out, COOKIE_REASON_NONE);
        return;
    }
    out->action = COOKIE_REPLY;
    out->reply_len = (size_t)n;
}

static void decide_reset(struct candidate *c, struct cookie_verdict *out)
{
    const struct cookie_filter *f = c->filter;
    if (c->body.message_id != 0) {
        drop(out, COOKIE_REASON_FORMAT);
        return;
    }
    if (f->tcp) {
        accept_session(c, false, out);
        return;
    }
    if (f->initial && !ratelimit_take(f->initial, c->now.mono_ms)) {
        drop(out, COOKIE_REASON_RATE);
    } else if (!c->v2 || ANNOUNCED(c->counter)) {
        reply_cookie(c, out);
    } else if (wrap_config_force_cookie(f->wrap)) {
        drop(out, COOKIE_REASON_NO_COOKIE_SUPPORT);
    } else {
        accept_session(c, false, out);
    }
}

/* The ids must be those of a third packet, so that late packets of another conversation open nothing. */
static bool is_third_packet(const struct candidate *c)
{
    const struct ctrl_pkt_body *b = &c->body;
    for (size_t i = 0; i < b->ack_count; i++) {
        if (b->acks[i] > 1) {
            return false;
        }
    }
    return b->ack_count > 0 && (c->header.opcode == OPCODE_ACK_V1 || b->message_id == 1);
}

static void decide_third(struct candidate *c, struct cookie_verdict *out)
{
    const struct cookie_filter *f = c->filter;
    if (f->tcp || !is_third_packet(c) ||
        !cookie_check(f->jar, c->now.unix_s, c->source, c->header.session_id, c->body.peer_session_id)) {
        drop(out, COOKIE_REASON_BAD_COOKIE);
        return;
    }
    accept_session(c, true, out);
}

void cookie_decide(const struct cookie_filter *filter, struct clock_now now, const union addr *source,
                   const uint8_t *packet, size_t len, struct cookie_verdict *out)
{
    memset(out, 0, sizeof *out);
    struct candidate c = {.filter = filter, .now = now, .source = source};
    struct rd r = rd_init(packet, len);
    if (len > SESSION_PACKET_MAX || ctrl_pkt_header_read(&r, &c.header) || c.header.key_id != 0 ||
        c.header.opcode == OPCODE_SOFT_RESET_V1 || c.header.opcode == OPCODE_HARD_RESET_SERVER_V2) {
        drop(out, COOKIE_REASON_FORMAT);
        return;
    }
    enum cookie_reason reason = unwrap(&c, packet, len, out);
    if (reason != COOKIE_REASON_NONE) {
        drop(out, reason);
    } else if (opcode_is_hard_reset(c.header.opcode)) {
        decide_reset(&c, out);
    } else {
        decide_third(&c, out);
    }
    secret_wipe(&c.kc, sizeof c.kc);
}
