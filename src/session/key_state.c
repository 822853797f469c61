/* SPDX-License-Identifier: MIT */
#include "session/key_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "session/session_private.h"
#include "wire/cmd.h"
#include "wire/ctrl_pkt.h"

#define BACKLOG_MAX 32768 /* TLS bytes in either direction beyond which nothing more is taken from the peer */
#define WRITE_BACKLOG_MAX 8192
#define LAST_ACKS 3 /* further ones, 100, 300 and 900 ms after the first: before this end sends with a late key */
#define LAST_ACK_MS 100

void key_state_open(struct session *s, struct key_state *k, uint8_t id, uint64_t now_ms)
{
    struct key_secrets *secrets = k->secrets;
    uint64_t hand_ms = (uint64_t)s->hand_window_s * 1000;
    uint64_t half_ms = (uint64_t)s->reneg_s * 500;
    *k = (struct key_state){
        .stage = KEY_STAGE_PRE_START,
        .id = id,
        .secrets = secrets,
        .verdict = SESSION_AUTH_PENDING,
        .created_ms = now_ms,
        .negotiate_by_ms = now_ms + hand_ms,
        .switch_ms = now_ms + (half_ms && half_ms < hand_ms ? half_ms : hand_ms),
    };
    reliable_init(&k->reliable, (uint64_t)s->tls_timeout_s * 1000);
}

static void drop_exchange(struct key_state *k)
{
    if (k->exchange) {
        secret_wipe(k->exchange, SESSION_EXCHANGE_MAX);
        free(k->exchange);
        k->exchange = NULL;
    }
    k->exchange_len = 0;
}

void key_state_close(struct key_state *k)
{
    struct key_secrets *secrets = k->secrets;
    if (k->stage != KEY_STAGE_UNUSED) {
        reliable_free(&k->reliable);
        tls_free(k->tls);
        drop_exchange(k);
        secret_wipe(secrets, sizeof *secrets);
    }
    *k = (struct key_state){.secrets = secrets};
}

void key_state_fail(struct session *s, struct key_state *k, enum session_hint hint, const char *text)
{
    if (k->stage == KEY_STAGE_ERROR || k->stage == KEY_STAGE_UNUSED) {
        return;
    }
    k->stage = KEY_STAGE_ERROR;
    drop_exchange(k);
    if (k == s->lame) {
        return; /* its keys go on carrying data until it expires; nobody needs to know more */
    }
    bool goes_on = s->lame && s->lame->carries_data;
    s->failed = s->failed || !goes_on;
    session_event_text(s, goes_on ? SESSION_EV_RENEG_FAILED : SESSION_EV_FAILED, k, hint, text, strlen(text));
}

/* Fail for a reason that TLS knows. */
static int fail_tls(struct session *s, struct key_state *k)
{
    static const enum session_hint HINTS[] = {
        [TLS_FAILURE_NONE] = SESSION_HINT_TLS_ERROR,   [TLS_FAILURE_ALERT_IN] = SESSION_HINT_TLS_ALERT_IN,
        [TLS_FAILURE_CERT_TIME] = SESSION_HINT_CERT_TIME, [TLS_FAILURE_LOCAL] = SESSION_HINT_TLS_ERROR,
        [TLS_FAILURE_CLOSED] = SESSION_HINT_NONE,      [TLS_FAILURE_FLOOD] = SESSION_HINT_TLS_ERROR,
    };
    const char *text = "";
    enum tls_failure failure = tls_failure(k->tls, &text);
    key_state_fail(s, k, HINTS[failure], text);
    return ERR_AUTH;
}

/* ------------------------------------------------------------------ input: reliability to TLS */

static void take_reset(struct session *s, struct key_state *k, const struct reliable_in *in, uint64_t now_ms)
{
    k->reset_in = true;
    reliable_hurry(&k->reliable, now_ms);
    if (in->opcode == OPCODE_HARD_RESET_SERVER_V2 && in->len > 0) {
        uint16_t flags = 0;
        if (ctrl_pkt_early_read((struct span){in->data, in->len}, &flags)) {
            key_state_fail(s, k, SESSION_HINT_NONE, "malformed early negotiation in the server's reset");
        } else if (flags & CTRL_PKT_EARLY_RESEND_WKC && wrap_config_wkc(s->config->wrap).len > 0) {
            s->resend_wkc = true;
        }
    }
}

/* Hand over what is in order, unless TLS has so much to chew on that the peer must wait. */
static void deliver(struct session *s, struct key_state *k, uint64_t now_ms)
{
    const struct reliable_in *in;
    while (k->stage != KEY_STAGE_ERROR && (in = reliable_next(&k->reliable))) {
        if (in->opcode == OPCODE_CONTROL_V1 && k->reliable.next_receive == 0) {
            k->reset_in = true; /* implied: the peer answers our soft reset without one */
        }
        if (in->opcode != OPCODE_CONTROL_V1 && in->opcode != OPCODE_CONTROL_WKC_V1) {
            take_reset(s, k, in, now_ms);
        } else if (!k->tls || tls_input_pending(k->tls) > BACKLOG_MAX || tls_output_pending(k->tls) > BACKLOG_MAX) {
            break;
        } else if (tls_input(k->tls, in->data, in->len)) {
            key_state_fail(s, k, SESSION_HINT_TLS_ERROR, "too much unread TLS input");
        }
        reliable_done(&k->reliable);
    }
}

/* ------------------------------------------------------------------ stages */

/* Steps return 1 to go to the next stage, 0 to wait, negative when the key has failed. */

static int step_begin(struct session *s, struct key_state *k, struct clock_now now)
{
    (void)now;
    if (!k->reset_in || reliable_outstanding(&k->reliable, 0)) {
        return 0;
    }
    k->tls = tls_new(s->config->tls, !session_is_client(s), s->tls_user);
    if (!k->tls) {
        key_state_fail(s, k, SESSION_HINT_TLS_ERROR, "the TLS library cannot make a connection object");
        return ERR_CRYPTO;
    }
    deliver(s, k, now.mono_ms);
    return 1;
}

static int advance_tls(struct session *s, struct key_state *k)
{
    if (tls_handshake(k->tls)) {
        return fail_tls(s, k);
    }
    return tls_established(k->tls) ? 1 : 0;
}

/* The owner looks at the server's certificate before anything is sent to it. */
static bool certificate_awaits(struct session *s, struct key_state *k)
{
    if (!s->ask_certificate || k->certificate_accepted) {
        return false;
    }
    if (!k->certificate_asked) {
        k->certificate_asked = true;
        session_event_plain(s, SESSION_EV_CERTIFICATE, k);
    }
    return true;
}

static int step_send_key(struct session *s, struct key_state *k, struct clock_now now)
{
    (void)now;
    int ready = advance_tls(s, k);
    if (ready <= 0 || certificate_awaits(s, k)) {
        return ready < 0 ? ready : 0;
    }
    bool client = session_is_client(s);
    struct session_credentials credentials = {NULL, NULL};
    if (client && s->hooks.credentials) {
        s->hooks.credentials(s->hooks.arg, &credentials);
    }
    struct keysource *own = &k->secrets->own;
    keysource_fill(own, s->config->rand, client);
    struct keymethod_message message = {
        .from_client = client,
        .options = s->config->options_string ? s->config->options_string : "",
        .username = credentials.username,
        .password = credentials.password,
        .peer_info = s->config->peer_info,
    };
    memcpy(message.pre_master, own->pre_master, sizeof message.pre_master);
    memcpy(message.random1, own->random1, sizeof message.random1);
    memcpy(message.random2, own->random2, sizeof message.random2);
    uint8_t *record = mem_zalloc(SESSION_EXCHANGE_MAX);
    struct wr w = wr_init(record, SESSION_EXCHANGE_MAX);
    int err = keymethod_encode(&w, &message);
    if (err) {
        key_state_fail(s, k, SESSION_HINT_KEY_METHOD, "options, credentials and peer info do not fit one message");
    } else if (tls_write(k->tls, record, wr_len(&w))) {
        err = fail_tls(s, k);
    }
    secret_wipe(&message, sizeof message);
    secret_wipe(record, SESSION_EXCHANGE_MAX);
    free(record);
    if (client && s->hooks.credentials_used) {
        s->hooks.credentials_used(s->hooks.arg);
    }
    return err ? err : 1;
}

/* Add TLS records to the peer's message until it is complete. Return: as steps. */
static int join_exchange(struct session *s, struct key_state *k, struct keymethod_message *message)
{
    uint8_t record[TLS_RECORD_MAX];
    for (;;) {
        int n = tls_read(k->tls, record);
        if (n <= 0) {
            return n == 0 ? 0 : fail_tls(s, k);
        }
        if (!k->exchange) {
            k->exchange = mem_zalloc(SESSION_EXCHANGE_MAX);
        }
        bool fits = (size_t)n <= SESSION_EXCHANGE_MAX - k->exchange_len;
        if (fits) {
            memcpy(k->exchange + k->exchange_len, record, (size_t)n);
            k->exchange_len += (size_t)n;
        }
        secret_wipe(record, (size_t)n);
        int err = !fits ? ERR_LIMIT
                        : keymethod_decode(k->exchange, k->exchange_len, !session_is_client(s),
                                           KEYMETHOD_CREDENTIAL_MAX_LARGE, message);
        if (err == 0) {
            return 1;
        }
        if (err != ERR_TRUNCATED) {
            key_state_fail(s, k, SESSION_HINT_KEY_METHOD, "the peer's key exchange message is malformed");
            return err;
        }
    }
}

static int step_take_key(struct session *s, struct key_state *k, struct clock_now now)
{
    (void)now;
    int ready = advance_tls(s, k);
    if (ready <= 0) {
        return ready;
    }
    struct keymethod_message message;
    ready = join_exchange(s, k, &message);
    if (ready <= 0) {
        return ready;
    }
    struct keysource *peer = &k->secrets->peer;
    memcpy(peer->pre_master, message.pre_master, sizeof peer->pre_master);
    memcpy(peer->random1, message.random1, sizeof peer->random1);
    memcpy(peer->random2, message.random2, sizeof peer->random2);
    struct session_event event = {
        .type = SESSION_EV_KEY_EXCHANGE,
        .key_id = k->id,
        .first = k->id == 0,
        .username = message.username,
        .password = message.password,
        .credentials_too_long = message.credentials_too_long,
        .peer_info = message.peer_info ? message.peer_info : "",
        .options_string = message.options ? message.options : "",
    };
    secret_wipe(&message, sizeof message);
    event_queue_push(&s->events, &event, k->exchange, SESSION_EXCHANGE_MAX);
    k->exchange = NULL;
    k->exchange_len = 0;
    return 1;
}

static int step_activate(struct session *s, struct key_state *k, struct clock_now now)
{
    if (!reliable_all_acked(&k->reliable) || tls_output_pending(k->tls) > 0) {
        return 0;
    }
    if (session_is_client(s) && k->verdict != SESSION_AUTH_OK) {
        return 0; /* nothing is asked of a server, or heard from it, that programs have not accepted */
    }
    k->established_ms = now.mono_ms;
    char text[TLS_TEXT_MAX];
    tls_describe(k->tls, text);
    session_event_text(s, SESSION_EV_ACTIVE, k, SESSION_HINT_NONE, text, strlen(text));
    if (session_is_client(s) && k->id != 0) { /* after the first key a request follows, which acknowledges as well */
        k->last_acks = LAST_ACKS;
        k->last_ack_ms = now.mono_ms + LAST_ACK_MS;
    }
    return 1;
}

enum { ROLE_CLIENT = 1, ROLE_SERVER = 2, ROLE_BOTH = 3 };

static const struct transition {
    enum key_stage from;
    int roles;
    int (*step)(struct session *s, struct key_state *k, struct clock_now now);
    enum key_stage to;
} TRANSITIONS[] = {
    {KEY_STAGE_PRE_START, ROLE_BOTH, step_begin, KEY_STAGE_START},
    {KEY_STAGE_START, ROLE_CLIENT, step_send_key, KEY_STAGE_SENT_KEY},
    {KEY_STAGE_START, ROLE_SERVER, step_take_key, KEY_STAGE_GOT_KEY},
    {KEY_STAGE_SENT_KEY, ROLE_CLIENT, step_take_key, KEY_STAGE_GOT_KEY},
    {KEY_STAGE_GOT_KEY, ROLE_SERVER, step_send_key, KEY_STAGE_SENT_KEY},
    {KEY_STAGE_GOT_KEY, ROLE_CLIENT, step_activate, KEY_STAGE_ACTIVE},
    {KEY_STAGE_SENT_KEY, ROLE_SERVER, step_activate, KEY_STAGE_ACTIVE},
};

static const struct transition *transition_from(const struct session *s, enum key_stage stage)
{
    int role = session_is_client(s) ? ROLE_CLIENT : ROLE_SERVER;
    for (size_t i = 0; i < sizeof TRANSITIONS / sizeof TRANSITIONS[0]; i++) {
        if (TRANSITIONS[i].from == stage && TRANSITIONS[i].roles & role) {
            return &TRANSITIONS[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ texts */

void key_state_read_texts(struct session *s, struct key_state *k)
{
    uint8_t record[TLS_RECORD_MAX];
    if (k->stage != KEY_STAGE_ACTIVE) {
        return;
    }
    while (!event_queue_full(&s->events)) {
        int n = tls_read(k->tls, record);
        if (n < 0) {
            (void)fail_tls(s, k);
        }
        if (n <= 0) {
            return;
        }
        struct rd r = rd_init(record, (size_t)n);
        struct span text;
        int found;
        while ((found = cmd_record_next(&r, &text)) != 0) {
            if (found > 0 && !event_queue_full(&s->events)) {
                session_event_text(s, SESSION_EV_MESSAGE, k, SESSION_HINT_NONE, (const char *)text.data, text.len);
            }
        }
        secret_wipe(record, (size_t)n); /* tokens */
    }
}

void key_state_step(struct session *s, struct key_state *k, struct clock_now now)
{
    if (k->stage == KEY_STAGE_UNUSED) {
        return;
    }
    deliver(s, k, now.mono_ms);
    const struct transition *t;
    while (k->stage != KEY_STAGE_ERROR && (t = transition_from(s, k->stage))) {
        if (t->step(s, k, now) <= 0) {
            return;
        }
        k->stage = t->to;
    }
    key_state_read_texts(s, k);
}

bool key_state_can_write(const struct key_state *k)
{
    bool open = k->stage == KEY_STAGE_ACTIVE || k->stage == KEY_STAGE_SENT_KEY;
    return open && tls_output_pending(k->tls) < WRITE_BACKLOG_MAX;
}

int key_state_write(struct session *s, struct key_state *k, const char *text, size_t len)
{
    return tls_write(k->tls, text, len) ? fail_tls(s, k) : 0;
}
