/* SPDX-License-Identifier: MIT */
#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "session/session_private.h"
#include "wire/ctrl_pkt.h"

#define KEY_ID_MAX 7
#define SETTLE_MS 1000 /* after which packets of a key are not in flight any more, and the peer has surely finished */
#define TEXT_MAX 256
#define HAND_WINDOW_DEFAULT 60
#define TRAN_WINDOW_DEFAULT 3600
#define TLS_TIMEOUT_DEFAULT 2
#define REPLAY_WINDOW_DEFAULT 64

/* ------------------------------------------------------------------ events */

void session_event_plain(struct session *s, enum session_event_type type, const struct key_state *k)
{
    struct session_event event = {.type = type, .key_id = k->id, .first = k->id == 0};
    event_queue_push(&s->events, &event, NULL, 0);
}

void session_event_text(struct session *s, enum session_event_type type, const struct key_state *k,
                        enum session_hint hint, const char *text, size_t len)
{
    char *copy = mem_strndup(text, len);
    struct session_event event = {
        .type = type, .key_id = k->id, .first = k->id == 0, .text = copy, .len = len, .hint = hint};
    if (type == SESSION_EV_ACTIVE) {
        event.tls_description = copy;
        event.text = NULL;
        event.len = 0;
    }
    event_queue_push(&s->events, &event, copy, len);
}

bool session_next_event(struct session *s, struct session_event *out)
{
    if (event_queue_pop(&s->events, out)) {
        return true;
    }
    /* Texts that found the queue full are still with TLS. */
    if (s->lame) {
        key_state_read_texts(s, s->lame);
    }
    key_state_read_texts(s, s->primary);
    return event_queue_pop(&s->events, out);
}

/* ------------------------------------------------------------------ life */

static void choose_own_id(struct session *s)
{
    static const uint8_t ZERO[SESSION_ID_SIZE];
    rand_fill(s->config->rand, s->own_id, SESSION_ID_SIZE);
    if (memcmp(s->own_id, ZERO, SESSION_ID_SIZE) == 0) {
        s->own_id[0] = 1;
    }
}

static void set_reneg(struct session *s, unsigned max_s, unsigned min_s)
{
    s->reneg_s = max_s;
    if (min_s > 0 && min_s < max_s) {
        s->reneg_s = min_s + 1 + rand_below(s->config->rand, max_s - min_s);
    }
}

static int open_wrapping(struct session *s, const struct session_open *open)
{
    const struct session_config *config = s->config;
    unsigned window = config->replay_window ? config->replay_window : REPLAY_WINDOW_DEFAULT;
    unsigned seconds = config->replay_seconds;
    if (session_is_client(s) && wrap_config_is_v2(config->wrap)) {
        wrap_init_client_v2(&s->outer, config->wrap, window, seconds);
    } else if (open->client_key.len == sizeof s->secrets->kc) {
        memcpy(&s->secrets->kc, open->client_key.data, sizeof s->secrets->kc);
        s->has_kc = true;
        wrap_init_crypt(&s->outer, &s->secrets->kc, true, window, seconds);
    } else if (open->client_key.len != 0 ||
               (wrap_config_mode(config->wrap) == WRAP_NONE && wrap_config_is_v2(config->wrap))) {
        return ERR_BAD_STATE;
    } else {
        wrap_init(&s->outer, config->wrap, window, seconds);
    }
    return 0;
}

static void start_first_key(struct session *s, const struct session_open *open, uint64_t now_ms)
{
    struct key_state *k = s->primary;
    key_state_open(s, k, 0, now_ms);
    if (session_is_client(s)) {
        bool v2 = wrap_config_is_v2(s->config->wrap);
        choose_own_id(s);
        (void)reliable_queue(&k->reliable, now_ms, v2 ? OPCODE_HARD_RESET_CLIENT_V3 : OPCODE_HARD_RESET_CLIENT_V2,
                             NULL, 0);
    } else if (open->from_cookie) {
        memcpy(s->own_id, open->own_id, SESSION_ID_SIZE);
        memcpy(s->peer_id, open->peer_id, SESSION_ID_SIZE);
        s->peer_known = true;
        s->outer.send.counter = 1; /* the stateless reset had it */
        reliable_skip(&k->reliable, 1, 1);
        k->reset_in = true;
        session_event_plain(s, SESSION_EV_STARTED, k);
    } else {
        choose_own_id(s);
    }
}

int session_new(const struct session_config *config, const struct session_open *open, struct clock_now now,
                struct session **out)
{
    struct session *s = mem_zalloc(sizeof *s);
    s->config = config;
    s->hooks = open->hooks;
    s->tls_user = open->tls_user;
    s->ask_certificate = open->ask_certificate && config->role == SESSION_CLIENT;
    s->memory = secret_alloc(sizeof(struct session_secrets));
    s->secrets = (struct session_secrets *)(void *)s->memory.data;
    for (size_t i = 0; i < 2; i++) {
        s->slots[i].secrets = &s->secrets->keys[i];
    }
    s->primary = &s->slots[0];
    s->texts_end = &s->texts;
    s->hand_window_s = config->hand_window_s ? config->hand_window_s : HAND_WINDOW_DEFAULT;
    s->tran_window_s = config->tran_window_s ? config->tran_window_s : TRAN_WINDOW_DEFAULT;
    s->tls_timeout_s = config->tls_timeout_s ? config->tls_timeout_s : TLS_TIMEOUT_DEFAULT;
    set_reneg(s, config->reneg_s, config->reneg_min_s);
    int err = open_wrapping(s, open);
    if (err) {
        session_free(s);
        return err;
    }
    start_first_key(s, open, now.mono_ms);
    *out = s;
    return 0;
}

void session_free(struct session *s)
{
    if (!s) {
        return;
    }
    key_state_close(&s->slots[0]);
    key_state_close(&s->slots[1]);
    event_queue_clear(&s->events);
    while (s->texts) {
        struct session_text *text = s->texts;
        s->texts = text->next;
        secret_wipe(text->text, text->len);
        free(text);
    }
    secret_free(&s->memory);
    free(s);
}

void session_close(struct session *s)
{
    s->closed = true;
}

/* ------------------------------------------------------------------ two keys */

static uint8_t next_key_id(const struct session *s)
{
    return s->primary->id == KEY_ID_MAX ? 1 : (uint8_t)(s->primary->id + 1);
}

static bool may_renegotiate(const struct session *s)
{
    const struct key_state *k = s->primary;
    return !s->failed && !s->closed && k->stage == KEY_STAGE_ACTIVE && k->carries_data;
}

static void expire_lame(struct session *s)
{
    if (s->lame->carries_data) {
        session_event_plain(s, SESSION_EV_KEY_EXPIRED, s->lame);
    }
    key_state_close(s->lame);
    s->lame = NULL;
    if (s->primary->stage == KEY_STAGE_ERROR && !s->failed) {
        static const char TEXT[] = "the last key expired after a failed renegotiation";
        s->failed = true;
        session_event_text(s, SESSION_EV_FAILED, s->primary, SESSION_HINT_NONE, TEXT, sizeof TEXT - 1);
    }
}

/* Steps common to both sides of a soft reset: the primary becomes the lame duck (10.3). */
static void rotate(struct session *s, uint64_t now_ms)
{
    uint8_t id = next_key_id(s);
    s->reneg_wanted_ms = 0;
    if (s->lame) {
        expire_lame(s);
    }
    s->lame = s->primary;
    s->lame->expires_ms = now_ms + (uint64_t)s->tran_window_s * 1000;
    s->lame->last_acks = 0;
    s->primary = s->lame == &s->slots[0] ? &s->slots[1] : &s->slots[0];
    key_state_open(s, s->primary, id, now_ms);
    (void)reliable_queue(&s->primary->reliable, now_ms, OPCODE_SOFT_RESET_V1, NULL, 0);
}

/* From when on the new key sends (10.4): usually its switch time, which leaves the peer time for deferred checks. If the
 * old key is too young itself, or the handshake has lasted until the switch time, 2.x takes the new one at once. A moment
 * later what overtakes the end of the handshake is not lost; nor is, with a client, all that it sends until a server has
 * heard its last acknowledgement. A server that has heard it need not wait. */
static uint64_t sends_from(const struct session *s)
{
    const struct key_state *k = s->primary;
    uint64_t span = (uint64_t)s->reneg_s * 500; /* in time before the next renegotiation */
    uint64_t settled = k->established_ms + (span && span < SETTLE_MS ? span : SETTLE_MS);
    bool late = session_is_client(s) && settled > k->switch_ms && !s->reneg_wanted_ms;
    bool hasty = late || (s->lame && s->lame->switch_ms > settled);
    return hasty ? settled : k->switch_ms;
}

static void choose_sending(struct session *s, uint64_t now_ms)
{
    const struct key_state *old = s->lame && s->lame->carries_data ? s->lame : NULL;
    bool usable = s->primary->carries_data && s->primary->stage == KEY_STAGE_ACTIVE;
    const struct key_state *chosen = usable && (!old || now_ms >= sends_from(s)) ? s->primary : old;
    if (!chosen || (s->sending_chosen && s->sending == chosen->id)) {
        return;
    }
    if (s->sending_chosen) {
        session_event_plain(s, SESSION_EV_SEND_SWITCH, chosen);
    }
    s->sending_chosen = true;
    s->sending = chosen->id;
}

/* A server has the key and knows the client for sure when its own last word leaves. It need not wait a round trip for the
 * acknowledgement: what a client sends with the key may overtake that, and what the client waits for can follow at once.
 * A client has the key of a renegotiation with the server's word: the server may send with it while acknowledgements of
 * what the client said got lost. */
static void announce_ready(struct session *s, struct key_state *k)
{
    bool early = session_is_client(s) ? k->stage == KEY_STAGE_GOT_KEY && k->id != 0 : k->stage == KEY_STAGE_SENT_KEY;
    if ((k->stage == KEY_STAGE_ACTIVE || early) && k->verdict == SESSION_AUTH_OK && !k->ready) {
        k->ready = true;
        session_event_plain(s, SESSION_EV_KEYS_READY, k);
    }
}

/* Texts leave on the newest active key. During a renegotiation they wait for its end: 2.x peers drop what comes on the
 * old key from their first packet of the new one on. Those of a server to a client that it has admitted follow its first
 * key exchange message at once: clients keep them until they are active themselves. */
static struct key_state *key_for_texts(struct session *s)
{
    struct key_state *k = s->primary;
    bool right_behind = k->stage == KEY_STAGE_SENT_KEY && k->ready && k->id == 0;
    return k->stage == KEY_STAGE_ACTIVE || right_behind ? k : k->stage == KEY_STAGE_ERROR ? s->lame : NULL;
}

static void flush_texts(struct session *s)
{
    struct key_state *k = key_for_texts(s);
    while (s->texts && k && key_state_can_write(k)) {
        struct session_text *text = s->texts;
        if (key_state_write(s, k, text->text, text->len)) {
            return;
        }
        s->texts = text->next;
        if (!s->texts) {
            s->texts_end = &s->texts;
        }
        s->n_texts--;
        secret_wipe(text->text, text->len);
        free(text);
    }
}

int session_renegotiate(struct session *s, struct clock_now now)
{
    if (!may_renegotiate(s)) {
        return ERR_BAD_STATE;
    }
    if (s->sending == s->primary->id) {
        rotate(s, now.mono_ms);
        return 0;
    }
    /* The old key still sends: what is in flight under it would find no key. First the new one takes over. */
    s->primary->switch_ms = now.mono_ms;
    s->reneg_wanted_ms = now.mono_ms + SETTLE_MS;
    choose_sending(s, now.mono_ms);
    return 0;
}

void session_settle(struct session *s, struct clock_now now)
{
    if (s->lame) {
        key_state_step(s, s->lame, now);
        announce_ready(s, s->lame);
    }
    key_state_step(s, s->primary, now);
    announce_ready(s, s->primary);
    flush_texts(s);
    choose_sending(s, now.mono_ms);
}

/* ------------------------------------------------------------------ time */

static void handshake_timed_out(struct session *s)
{
    const struct key_state *k = s->primary;
    enum session_hint hint = SESSION_HINT_STALLED;
    if (s->last_receive_ms == 0) {
        hint = s->bad_wraps > 0 ? SESSION_HINT_BAD_WRAP : SESSION_HINT_NO_REPLY;
    } else if (k->tls && tls_established(k->tls)) {
        hint = SESSION_HINT_KEY_METHOD;
    }
    char text[TEXT_MAX];
    snprintf(text, sizeof text,
             "TLS key negotiation failed to occur within %u seconds (check your network connectivity)",
             s->hand_window_s);
    key_state_fail(s, s->primary, hint, text);
}

static uint64_t reneg_due(const struct session *s)
{
    if (!may_renegotiate(s)) {
        return CLOCK_NEVER;
    }
    if (s->reneg_wanted_ms) {
        return s->reneg_wanted_ms;
    }
    return s->reneg_s ? s->primary->established_ms + (uint64_t)s->reneg_s * 1000 : CLOCK_NEVER;
}

static bool negotiating(const struct session *s)
{
    return s->primary->stage >= KEY_STAGE_PRE_START && s->primary->stage < KEY_STAGE_ACTIVE;
}

void session_tick(struct session *s, struct clock_now now)
{
    if (s->lame && now.mono_ms >= s->lame->expires_ms) {
        expire_lame(s);
    }
    if (now.mono_ms >= s->primary->negotiate_by_ms) {
        if (negotiating(s)) {
            handshake_timed_out(s);
        } else if (s->primary->stage == KEY_STAGE_ERROR) {
            reliable_free(&s->primary->reliable); /* enough of repeating a last word that nobody hears */
        }
    }
    if (now.mono_ms >= reneg_due(s)) {
        rotate(s, now.mono_ms);
    }
    session_settle(s, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t last_ack_due(const struct key_state *k)
{
    return k->last_acks > 0 ? k->last_ack_ms : CLOCK_NEVER;
}

uint64_t session_deadline(const struct session *s)
{
    const struct key_state *k = s->primary;
    uint64_t when = earlier(earlier(reliable_deadline(&k->reliable), last_ack_due(k)), reneg_due(s));
    if (negotiating(s) || (k->stage == KEY_STAGE_ERROR && !reliable_all_acked(&k->reliable))) {
        when = earlier(when, k->negotiate_by_ms);
    }
    if (s->lame) {
        when = earlier(when, earlier(reliable_deadline(&s->lame->reliable), s->lame->expires_ms));
        if (k->carries_data && k->stage == KEY_STAGE_ACTIVE && s->sending != k->id) {
            when = earlier(when, sends_from(s));
        }
    }
    return when;
}

/* ------------------------------------------------------------------ input */

/* What is wrong with the header for this session, before any cryptography. */
static int check_header(const struct session *s, const struct ctrl_pkt_header *h)
{
    bool client = session_is_client(s);
    bool from_server = h->opcode == OPCODE_HARD_RESET_SERVER_V2;
    bool from_client = h->opcode == OPCODE_HARD_RESET_CLIENT_V2 || opcode_has_wkc(h->opcode);
    if ((client && from_client) || (!client && from_server) || (opcode_has_wkc(h->opcode) && !s->has_kc) ||
        (opcode_is_hard_reset(h->opcode) && h->key_id != 0) || (h->opcode == OPCODE_SOFT_RESET_V1 && h->key_id == 0)) {
        return ERR_BAD_STATE;
    }
    if (s->peer_known) {
        return memcmp(h->session_id, s->peer_id, SESSION_ID_SIZE) == 0 ? 0 : ERR_BAD_STATE;
    }
    return opcode_is_hard_reset(h->opcode) ? 0 : ERR_BAD_STATE;
}

static int check_body(const struct session *s, const struct ctrl_pkt_header *h, const struct ctrl_pkt_body *b)
{
    unsigned opcode = h->opcode;
    if (b->ack_count > 0 && memcmp(b->peer_session_id, s->own_id, SESSION_ID_SIZE) != 0) {
        return ERR_BAD_STATE;
    }
    if (opcode == OPCODE_ACK_V1) {
        return 0;
    }
    bool reset = opcode_is_hard_reset(opcode) || opcode == OPCODE_SOFT_RESET_V1;
    /* OpenVPN 3 does not answer a soft reset with its own: its first packet of that key is a TLS one. */
    bool first = b->message_id == 0;
    return reset == first || (first && opcode == OPCODE_CONTROL_V1 && h->key_id != 0) ? 0 : ERR_FORMAT;
}

/* Only a peer that has finished a key starts the next one: then nothing of ours is missing there, whatever became of its
 * acknowledgements, and the old key is gone there. */
static void conclude(struct session *s, struct clock_now now)
{
    struct key_state *k = s->primary;
    if (k->carries_data && k->stage != KEY_STAGE_ACTIVE && k->stage != KEY_STAGE_ERROR &&
        tls_output_pending(k->tls) == 0) {
        reliable_free(&k->reliable);
        key_state_step(s, k, now);
    }
}

/* The key that a packet belongs to; a packet of the next key id starts it. */
static struct key_state *key_for(struct session *s, const struct ctrl_pkt_header *h, struct clock_now now)
{
    if (h->key_id == s->primary->id) {
        return s->primary;
    }
    if (s->lame && h->key_id == s->lame->id) {
        return s->lame;
    }
    if (h->key_id != next_key_id(s) || h->opcode == OPCODE_ACK_V1) {
        return NULL;
    }
    if (h->opcode == OPCODE_SOFT_RESET_V1) {
        conclude(s, now);
    }
    if (!may_renegotiate(s)) {
        return NULL;
    }
    rotate(s, now.mono_ms);
    return s->primary;
}

static void meet_peer(struct session *s, const struct ctrl_pkt_header *h, uint64_t now_ms)
{
    memcpy(s->peer_id, h->session_id, SESSION_ID_SIZE);
    s->peer_known = true;
    session_event_plain(s, SESSION_EV_STARTED, s->primary);
    if (!session_is_client(s)) {
        (void)reliable_queue(&s->primary->reliable, now_ms, OPCODE_HARD_RESET_SERVER_V2, NULL, 0);
    }
}

static int accept_packet(struct session *s, struct clock_now now, const struct ctrl_pkt_header *h,
                         const struct ctrl_pkt_body *b)
{
    int err = check_body(s, h, b);
    if (err) {
        return err;
    }
    struct key_state *k = key_for(s, h, now);
    if (!k) {
        return ERR_BAD_STATE;
    }
    s->last_receive_ms = now.mono_ms ? now.mono_ms : 1;
    if (!s->peer_known) {
        meet_peer(s, h, now.mono_ms);
    }
    for (size_t i = 0; i < b->ack_count; i++) {
        (void)reliable_acked(&k->reliable, now.mono_ms, b->acks[i]);
    }
    if (h->opcode != OPCODE_ACK_V1) {
        (void)reliable_receive(&k->reliable, b->message_id, h->opcode, b->payload.data, b->payload.len);
    }
    session_settle(s, now);
    return 0;
}

int session_receive(struct session *s, struct clock_now now, const uint8_t *packet, size_t len)
{
    if (s->failed) {
        return ERR_BAD_STATE;
    }
    if (len > SESSION_PACKET_MAX) {
        return ERR_FORMAT;
    }
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    if (ctrl_pkt_header_read(&r, &header)) {
        return ERR_FORMAT;
    }
    int err = check_header(s, &header);
    if (err) {
        return err;
    }
    size_t wrapped_len = len;
    struct span wkc;
    if (opcode_has_wkc(header.opcode) && ctrl_pkt_wkc_split(packet, len, &wrapped_len, &wkc)) {
        return ERR_FORMAT;
    }
    uint8_t inner[SESSION_PACKET_MAX];
    int n = wrap_open(session_wrap_for(s, header.key_id), &now, packet, wrapped_len, inner, NULL);
    if (n < 0) {
        s->bad_wraps += n == ERR_AUTH;
        return n;
    }
    struct ctrl_pkt_body body;
    struct rd b = rd_init(inner, (size_t)n);
    if (ctrl_pkt_body_read(&b, header.opcode, &body)) {
        return ERR_FORMAT;
    }
    return accept_packet(s, now, &header, &body);
}

/* ------------------------------------------------------------------ the owner's words */

static struct key_state *find_key(struct session *s, uint8_t key_id)
{
    if (s->primary->id == key_id) {
        return s->primary;
    }
    return s->lame && s->lame->id == key_id ? s->lame : NULL;
}

void session_authorize(struct session *s, struct clock_now now, uint8_t key_id, enum session_verdict verdict)
{
    struct key_state *k = find_key(s, key_id);
    if (!k || k->verdict == SESSION_AUTH_FAILED) {
        return; /* no is final */
    }
    k->verdict = verdict;
    session_settle(s, now);
}

void session_accept_certificate(struct session *s, struct clock_now now, uint8_t key_id)
{
    struct key_state *k = find_key(s, key_id);
    if (k && k->certificate_asked) {
        k->certificate_accepted = true;
        session_settle(s, now);
    }
}

int session_export_keys(struct session *s, uint8_t key_id, enum session_derivation how,
                        uint8_t out[SESSION_KEY_MATERIAL_SIZE])
{
    struct key_state *k = find_key(s, key_id);
    if (!k || !k->ready || k->carries_data || !k->tls) {
        return ERR_BAD_STATE;
    }
    int err;
    if (how == SESSION_KEYS_EXPORTER) {
        err = tls_export(k->tls, "EXPORTER-OpenVPN-datakeys", out, SESSION_KEY_MATERIAL_SIZE);
    } else {
        bool client = session_is_client(s);
        const struct keysource *own = &k->secrets->own;
        const struct keysource *peer = &k->secrets->peer;
        err = keysource_derive(client ? own : peer, client ? peer : own, client ? s->own_id : s->peer_id,
                               client ? s->peer_id : s->own_id, out);
    }
    if (!err) {
        k->carries_data = true;
        secret_wipe(k->secrets, sizeof *k->secrets);
        if (!s->sending_chosen) {
            s->sending_chosen = true;
            s->sending = k->id;
        }
    }
    return err;
}

int session_export_label(struct session *s, const char *label, void *out, size_t len)
{
    struct key_state *k = find_key(s, 0);
    return k && k->tls ? tls_export(k->tls, label, out, len) : ERR_BAD_STATE;
}

int session_enable_dynamic_crypt(struct session *s, struct clock_now now)
{
    (void)now;
    if (s->dynamic) {
        return 0;
    }
    struct keyfile_static *key = &s->secrets->dynamic;
    int err = session_export_label(s, "EXPORTER-OpenVPN-dynamic-tls-crypt", key, sizeof *key);
    if (err) {
        return err;
    }
    wrap_dynamic_key(s->config->wrap, s->has_kc ? &s->secrets->kc : NULL, key);
    wrap_init_crypt(&s->renewal, key, !session_is_client(s), s->outer.receive.size, s->config->replay_seconds);
    s->dynamic = true;
    return 0;
}

void session_set_reneg(struct session *s, struct clock_now now, unsigned seconds)
{
    (void)now;
    set_reneg(s, seconds, 0);
}

int session_message(struct session *s, struct clock_now now, const char *text)
{
    size_t len = strlen(text) + 1;
    if (len > SESSION_MESSAGE_MAX || s->n_texts >= SESSION_QUEUED_TEXTS_MAX) {
        return ERR_LIMIT;
    }
    if (s->failed) {
        return ERR_BAD_STATE;
    }
    struct session_text *item = mem_zalloc(sizeof *item + len);
    memcpy(item->text, text, len);
    item->len = len;
    *s->texts_end = item;
    s->texts_end = &item->next;
    s->n_texts++;
    session_settle(s, now);
    return 0;
}

/* ------------------------------------------------------------------ questions */

void session_ids(const struct session *s, uint8_t own[SESSION_ID_SIZE], uint8_t peer[SESSION_ID_SIZE])
{
    memcpy(own, s->own_id, SESSION_ID_SIZE);
    memcpy(peer, s->peer_id, SESSION_ID_SIZE);
}

static bool key_idle(const struct key_state *k)
{
    return k->stage == KEY_STAGE_UNUSED || k->stage == KEY_STAGE_ERROR ||
           (reliable_all_acked(&k->reliable) && !reliable_ack_waiting(&k->reliable) &&
            (!k->tls || tls_output_pending(k->tls) == 0));
}

bool session_idle(const struct session *s)
{
    return s->n_texts == 0 && key_idle(s->primary) && (!s->lame || key_idle(s->lame));
}
