/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_SESSION_H
#define VPND_SESSION_SESSION_H

/*
 * One TLS session of the control channel: one hard reset and all the soft resets that follow it. No I/O, no
 * clock, no globals: packets in, packets out, a deadline and events. A peer that starts anew (hard reset with
 * an unknown session id) is a second struct session beside the first; the owner promotes it (control channel
 * spec, 10.7).
 *
 * Threads: any, one at a time for one session; TLS steps are slow, so owners run session_receive() in a pool.
 *
 * Life of a key: KEY_EXCHANGE (answer with session_authorize()), ACTIVE, KEYS_READY (on a server before ACTIVE, when
 * the answer was quick: the client's acknowledgement takes another round trip), then the owner calls
 * session_export_keys(), which makes the key one that carries data. Only then is a renegotiation possible. The owner
 * installs the first key as the one that sends; later ones send from SESSION_EV_SEND_SWITCH on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/secret.h"

struct session;
struct tls_context; /* session/tls.h: certificates, versions, ciphers, the verify callback */
struct wrap_config; /* session/wrap.h: none, tls-auth, tls-crypt, tls-crypt-v2 and their keys */

#define SESSION_ID_SIZE 8
#define SESSION_PACKET_MAX 2048
#define SESSION_MESSAGE_MAX 1024
#define SESSION_KEY_MATERIAL_SIZE 256

enum session_role { SESSION_CLIENT, SESSION_SERVER }; /* of TLS */

/** Shared by many sessions, kept alive and unchanged by the owner while any of them lives. A zero stands for the
 *  default where one is named. */
struct session_config {
    enum session_role role;
    bool tcp;                      /* transport keeps order; affects overhead and retransmission only */
    bool outer_ipv6;               /* for the size of control packets */
    const struct tls_context *tls;
    const struct wrap_config *wrap;
    const struct rand_source *rand;
    unsigned hand_window_s;        /* default 60 */
    unsigned tran_window_s;        /* default 3600 */
    unsigned tls_timeout_s;        /* first retransmission, default 2 */
    unsigned reneg_s;              /* upper limit, 0 never; the session picks uniformly from (reneg_min_s, reneg_s] */
    unsigned reneg_min_s;          /* 0 or not below reneg_s: exactly reneg_s */
    unsigned max_packet_size;      /* whole outer IP packet, default 1250 */
    unsigned replay_window;        /* tls-auth/tls-crypt, default 64 */
    unsigned replay_seconds;       /* 15 by default of the option; 0: no limit of age */
    const char *options_string;    /* our OCC string ("V4,dev-type tun,..."), owner builds it */
    const char *peer_info;         /* our IV_ lines, NULL for none (a server in multi-client mode) */
    unsigned ack_limit;            /* 8; a client towards an unwrapped server uses 4 */
};

/** Credentials of a client; asked for each key exchange, so that tokens and auth-nocache work. */
struct session_credentials {
    const char *username;          /* NULL: none are sent */
    const char *password;
};

struct session_hooks {
    /**
     * credentials - fill @out for the key exchange that is about to be sent (client only; may be NULL)
     * The strings must stay valid until credentials_used(); the session wipes its copies.
     */
    void (*credentials)(void *arg, struct session_credentials *out);
    /** credentials_used - they are encrypted or not needed any more: the owner's copy can be wiped. NULL: nobody cares. */
    void (*credentials_used)(void *arg);
    void *arg;
};

/** How a session begins. */
struct session_open {
    struct session_hooks hooks;
    bool from_cookie;                       /* server: first packet is the third of a cookie handshake */
    uint8_t own_id[SESSION_ID_SIZE];        /* from_cookie: the cookie that was given out */
    uint8_t peer_id[SESSION_ID_SIZE];       /* from_cookie */
    struct secret client_key;               /* tls-crypt-v2 server: Kc (256 bytes), copied; else empty */
    bool ask_certificate;                   /* client: wait for session_accept_certificate() in each handshake */
    void *tls_user;                         /* handed to the TLS verify callback: whose certificate it is */
};

/**
 * session_new - a session that has sent and received nothing yet
 * A client queues its hard reset at once. A server waits for the peer's, or continues a cookie handshake.
 * Return: 0 and *out, or negative.
 */
int session_new(const struct session_config *config, const struct session_open *open, struct clock_now now,
                struct session **out);

/** session_free - wipe and release; NULL is fine. */
void session_free(struct session *s);

/**
 * session_receive - one control packet, without the TCP length
 * Return: 0; a negative error when the packet was dropped (nothing changed; count it), ERR_AUTH when its wrapping
 * is wrong, ERR_REPLAY, ERR_FORMAT, ERR_BAD_STATE (another session's id, wrong role or key id). The session's own
 * failure is an event, not an error here.
 */
int session_receive(struct session *s, struct clock_now now, const uint8_t *packet, size_t len);

/** session_tick - retransmissions, windows, renegotiation: call at session_deadline() or any time. */
void session_tick(struct session *s, struct clock_now now);

/**
 * session_send - next control packet to put on the wire
 * @out: SESSION_PACKET_MAX bytes
 * Return: its length, or 0 when there is nothing (more) to send now. Call until 0 after every other call.
 */
size_t session_send(struct session *s, struct clock_now now, uint8_t *out);

/** session_deadline - mono_ms at which session_tick() has work, CLOCK_NEVER if none. */
uint64_t session_deadline(const struct session *s);

/** session_ids - our and the peer's session id (zero while unknown). */
void session_ids(const struct session *s, uint8_t own[SESSION_ID_SIZE], uint8_t peer[SESSION_ID_SIZE]);

/** Answer to a key exchange, from the owner's checks. */
enum session_verdict { SESSION_AUTH_PENDING, SESSION_AUTH_OK, SESSION_AUTH_FAILED };

enum session_event_type {
    SESSION_EV_STARTED,      /* first valid packet of the peer: "TLS: Initial packet from" */
    SESSION_EV_CERTIFICATE,  /* ask_certificate: TLS accepted the peer's chain; nothing, no password either, is sent to
                              * it before session_accept_certificate(). To refuse it, free the session */
    SESSION_EV_KEY_EXCHANGE, /* the peer's key-method-2 message was read; owner calls session_authorize() */
    SESSION_EV_ACTIVE,       /* handshake of @key_id complete in both directions */
    SESSION_EV_KEYS_READY,   /* authorised and active (on a server as good as): session_export_keys() works. Call it at once, but
                              * for @first, where cipher and derivation have to be negotiated before */
    SESSION_EV_SEND_SWITCH,  /* from now on data is sent with @key_id (10.4) */
    SESSION_EV_KEY_EXPIRED,  /* the lame duck @key_id is dead (10.5) */
    SESSION_EV_MESSAGE,      /* a control message: @text, NUL-terminated, printable, without its NUL in @len */
    SESSION_EV_RENEG_FAILED, /* a renegotiation failed; data goes on with the old key until it expires */
    SESSION_EV_FAILED,       /* the first handshake failed or the session is unusable: session_send() once more (it
                              * has the TLS alert for the peer), then free it */
};

/** What a failed handshake looked like, for the one hint line in the log. */
enum session_hint {
    SESSION_HINT_NONE,
    SESSION_HINT_NO_REPLY,      /* nothing came back at all */
    SESSION_HINT_BAD_WRAP,      /* packets came back, but their HMAC or tag was wrong: key or direction */
    SESSION_HINT_TLS_ALERT_IN,  /* the peer sent a TLS alert: @text names it */
    SESSION_HINT_TLS_ERROR,     /* our TLS library refused: @text names the reason */
    SESSION_HINT_CERT_TIME,     /* a certificate is expired or not yet valid: clocks */
    SESSION_HINT_KEY_METHOD,    /* TLS worked, the key exchange inside did not */
    SESSION_HINT_STALLED,       /* the handshake began and then stopped: MTU or loss */
};

struct session_event {
    enum session_event_type type;
    uint8_t key_id;
    bool first;                /* key_id 0 of this session */
    const char *username;      /* KEY_EXCHANGE: NULL when absent */
    const char *password;
    bool credentials_too_long; /* KEY_EXCHANGE: they were sent but exceed the limit */
    const char *peer_info;     /* KEY_EXCHANGE: "" when absent */
    const char *options_string; /* KEY_EXCHANGE: the peer's OCC string */
    const char *tls_description; /* ACTIVE: "TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: ..." */
    const char *text;          /* MESSAGE, FAILED, RENEG_FAILED */
    size_t len;
    enum session_hint hint;    /* FAILED, RENEG_FAILED */
};

/** session_next_event - next waiting event; its pointers are valid until the next call on @s.
 *  Return: false when there is none. Call until false after every other call. */
bool session_next_event(struct session *s, struct session_event *out);

/**
 * session_authorize - verdict on the key exchange of @key_id
 * PENDING keeps the key unusable until another call; how long that may last is the owner's to decide. FAILED: the
 * key never carries data, the session lives on so that the owner can send AUTH_FAILED; it closes later. Checks
 * across renegotiations (same user, same certificate) are the owner's. Clients, too, have to say OK to each key: the
 * user's programs may judge the server's certificate.
 */
void session_authorize(struct session *s, struct clock_now now, uint8_t key_id, enum session_verdict verdict);

/** session_accept_certificate - go on after SESSION_EV_CERTIFICATE of @key_id. */
void session_accept_certificate(struct session *s, struct clock_now now, uint8_t key_id);

/** How data keys are derived; fixed by the first negotiation. */
enum session_derivation { SESSION_KEYS_PRF, SESSION_KEYS_EXPORTER };

/**
 * session_export_keys - the 256 bytes of key material of @key_id (7.4)
 * Works from KEYS_READY on, once: the inputs of the PRF are wiped by it. From then on the key counts as one that
 * carries data (it can be renegotiated, and takes part in 10.4). The caller wipes @out.
 * Return: 0, ERR_BAD_STATE, ERR_CRYPTO.
 */
int session_export_keys(struct session *s, uint8_t key_id, enum session_derivation how,
                        uint8_t out[SESSION_KEY_MATERIAL_SIZE]);

/** session_export_label - RFC 5705 exporter of key id 0 (p2p peer id, tls-export hooks). Return: 0 or negative. */
int session_export_label(struct session *s, const char *label, void *out, size_t len);

/** session_enable_dynamic_crypt - negotiated: wrap renegotiations with a key derived from key id 0 (3.6). */
int session_enable_dynamic_crypt(struct session *s, struct clock_now now);

/** session_set_reneg - reneg-sec became known by negotiation or token policy; 0 never. */
void session_set_reneg(struct session *s, struct clock_now now, unsigned seconds);

/** session_renegotiate - start a soft reset now if none is running; a second after the last one's key took over. Return: 0 or ERR_BAD_STATE. */
int session_renegotiate(struct session *s, struct clock_now now);

/** session_message - queue a control message on the newest active key (before that: until one is active).
 *  A server's first key takes them from KEYS_READY on. @text without NUL, at most SESSION_MESSAGE_MAX - 1 bytes.
 *  Return: 0, ERR_LIMIT, ERR_BAD_STATE. */
int session_message(struct session *s, struct clock_now now, const char *text);

/** session_close - after AUTH_FAILED, EXIT or HALT: what is queued still goes out and is repeated, but no
 *  renegotiation starts any more and the peer's are ignored. The owner frees the session some seconds later. */
void session_close(struct session *s);

/** session_idle - everything that was sent has been acknowledged and nothing waits. */
bool session_idle(const struct session *s);

#endif
