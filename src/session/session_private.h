/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_SESSION_PRIVATE_H
#define VPND_SESSION_SESSION_PRIVATE_H

/* What the files of the session share; not for others. */
#include "crypto/keyfile.h"
#include "session/event_queue.h"
#include "session/key_state.h"
#include "session/session.h"
#include "session/wrap.h"

#define SESSION_EXCHANGE_MAX 8192   /* a key-method message, joined from records */
#define SESSION_QUEUED_TEXTS_MAX 128

/** Everything secret, in one block of locked memory. */
struct session_secrets {
    struct keyfile_static kc;       /* tls-crypt-v2 server: the client's key */
    struct keyfile_static dynamic;
    struct key_secrets keys[2];
};

/** A control message that waits for an active key. */
struct session_text {
    struct session_text *next;
    size_t len;                     /* with its NUL */
    char text[];
};

struct session {
    const struct session_config *config;
    struct session_hooks hooks;
    void *tls_user;
    bool ask_certificate;
    struct secret memory;
    struct session_secrets *secrets;
    uint8_t own_id[SESSION_ID_SIZE];
    uint8_t peer_id[SESSION_ID_SIZE];
    bool peer_known;
    bool has_kc;
    bool dynamic;                   /* key ids 1..7 use @renewal */
    bool resend_wkc;                /* client: message id 1 has to carry the wrapped key */
    bool failed;
    bool closed;
    bool sending_chosen;            /* @sending is valid */
    uint8_t sending;                /* key id that sends data */
    struct wrap outer;
    struct wrap renewal;
    struct key_state slots[2];
    struct key_state *primary;
    struct key_state *lame;         /* the other slot, when in use */
    struct event_queue events;
    struct session_text *texts;
    struct session_text **texts_end;
    unsigned n_texts;
    unsigned hand_window_s;
    unsigned tran_window_s;
    unsigned tls_timeout_s;
    uint32_t reneg_s;               /* drawn for this session; 0 never */
    uint64_t reneg_wanted_ms;       /* asked for before the last key had taken over: then; 0 no */
    uint64_t last_receive_ms;
    uint32_t bad_wraps;
};

/** session_is_client - TLS client. */
static inline bool session_is_client(const struct session *s)
{
    return s->config->role == SESSION_CLIENT;
}

/** session_wrap_for - what protects packets of key @key_id. */
static inline struct wrap *session_wrap_for(struct session *s, uint8_t key_id)
{
    return s->dynamic && key_id != 0 ? &s->renewal : &s->outer;
}

/** session_event - queue an event without strings of its own. */
void session_event_plain(struct session *s, enum session_event_type type, const struct key_state *k);

/** session_event_text - queue an event with a copy of @text. */
void session_event_text(struct session *s, enum session_event_type type, const struct key_state *k,
                        enum session_hint hint, const char *text, size_t len);

/** session_settle - after anything happened: key steps, texts, expiry, sending key, events. */
void session_settle(struct session *s, struct clock_now now);

/** session_packet_room - payload bytes that fit into one packet of this key. */
size_t session_packet_room(struct session *s, uint8_t key_id);

#endif
