/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_KEY_STATE_H
#define VPND_SESSION_KEY_STATE_H

/*
 * One key of a session: its own message ids, its own TLS connection, its own key exchange (session spec, 10.1).
 * The stages are a table in key_state.c; this is all that happens to a key between its reset and its end.
 */
#include "session/keysource.h"
#include "session/reliable.h"
#include "session/session.h"
#include "session/tls.h"

enum key_stage {
    KEY_STAGE_UNUSED,
    KEY_STAGE_PRE_START, /* our reset is out, or the peer's is awaited */
    KEY_STAGE_START,     /* TLS */
    KEY_STAGE_SENT_KEY,
    KEY_STAGE_GOT_KEY,
    KEY_STAGE_ACTIVE,
    KEY_STAGE_ERROR,     /* only what TLS has left to say goes out */
};

/** Both contributions of one key; in the session's secret memory. */
struct key_secrets {
    struct keysource own;
    struct keysource peer;
};

struct key_state {
    enum key_stage stage;
    uint8_t id;
    bool reset_in;           /* the peer's reset was delivered */
    bool certificate_asked;  /* CERTIFICATE was given */
    bool certificate_accepted;
    bool ready;              /* KEYS_READY was given */
    bool carries_data;       /* session_export_keys() worked */
    enum session_verdict verdict;
    struct reliable reliable;
    struct tls *tls;
    struct key_secrets *secrets;
    uint8_t *exchange;       /* the peer's key-method message as far as it is there; malloc'd, secret */
    size_t exchange_len;
    uint64_t created_ms;
    uint64_t negotiate_by_ms;
    uint64_t switch_ms;
    uint64_t established_ms;
    uint64_t expires_ms;     /* of a lame duck */
    uint64_t last_ack_ms;    /* when the last acknowledgement of a renegotiation is sent once more */
    unsigned last_acks;      /* how many more times; the pauses become longer threefold */
};

/** key_state_open - a fresh key: reliability and deadlines, no packet queued. */
void key_state_open(struct session *s, struct key_state *k, uint8_t id, uint64_t now_ms);

/** key_state_close - wipe and release everything; the stage becomes UNUSED. */
void key_state_close(struct key_state *k);

/** key_state_step - take in what was delivered and go on as far as possible; gives events. */
void key_state_step(struct session *s, struct key_state *k, struct clock_now now);

/** key_state_read_texts - control messages of the peer that TLS has decrypted, as many as the event queue takes. */
void key_state_read_texts(struct session *s, struct key_state *k);

/** key_state_fail - the handshake, or the connection after it, is over. */
void key_state_fail(struct session *s, struct key_state *k, enum session_hint hint, const char *text);

/** key_state_write - one control message (with its NUL) in one record. Return: 0 or negative. */
int key_state_write(struct session *s, struct key_state *k, const char *text, size_t len);

/** key_state_can_write - active, or as good as (it has said its own part of the key exchange), and without a backlog. */
bool key_state_can_write(const struct key_state *k);

#endif
