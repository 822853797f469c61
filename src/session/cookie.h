/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_COOKIE_H
#define VPND_SESSION_COOKIE_H

/*
 * What a server does with control packets that belong to no session (session spec, 11.2, 11.3): no state, no TLS,
 * nothing allocated until the sender has shown that it receives what is sent to its address.
 *
 * Use it for packets from unknown addresses, and also for packets from a known client's address whose session id
 * is not that client's: the client may have restarted, and must prove its address again before the second session
 * beside the running one is opened.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "session/session.h"

#define COOKIE_SECRET_SIZE 32
#define COOKIE_REPLY_MAX 128

struct wrap_config;
struct ratelimit;

/** Makes session ids that prove themselves: MAC(secret, time slot, address, client's id). */
struct cookie_jar {
    uint8_t secret[COOKIE_SECRET_SIZE]; /* random, never stored */
    uint8_t former[COOKIE_SECRET_SIZE]; /* the one before, while cookies of it are out */
    bool has_former;
    uint64_t since_s;                   /* UNIX: @secret is in use since; 0 before the first cookie_jar_renew() */
    unsigned slot_s;                    /* (hand-window + 1) / 2 */
};

/** cookie_jar_init - fresh secret; @hand_window_s as configured. */
void cookie_jar_init(struct cookie_jar *jar, const struct rand_source *rand, unsigned hand_window_s);

/**
 * cookie_jar_renew - to be called now and then: a new secret every hour
 * Cookies that are out stay good for their time. Not while a cookie_decide() with this jar runs.
 */
void cookie_jar_renew(struct cookie_jar *jar, const struct rand_source *rand, uint64_t unix_s);

/** cookie_make - the session id for this client in the slot of @unix_s. Return: 0 or ERR_CRYPTO. */
int cookie_make(const struct cookie_jar *jar, uint64_t unix_s, const union addr *source,
                const uint8_t client_id[SESSION_ID_SIZE], uint8_t out[SESSION_ID_SIZE]);

/** cookie_check - @cookie was made in this slot or in one of the two before it. Constant time for each slot. */
bool cookie_check(const struct cookie_jar *jar, uint64_t unix_s, const union addr *source,
                  const uint8_t client_id[SESSION_ID_SIZE], const uint8_t cookie[SESSION_ID_SIZE]);

enum cookie_action {
    COOKIE_DROP,   /* forget the packet */
    COOKIE_REPLY,  /* send @reply to the source and forget the packet */
    COOKIE_ACCEPT, /* session_new() with @open, then session_receive() with this packet */
};

/** Why a packet was dropped; for counters and the few log lines that tools look for. */
enum cookie_reason {
    COOKIE_REASON_NONE,
    COOKIE_REASON_FORMAT,     /* too short, wrong opcode, key id or session id: noise */
    COOKIE_REASON_WRAP,       /* "TLS Error: cannot locate HMAC in incoming packet" / tls-crypt unwrap failed */
    COOKIE_REASON_WKC,        /* tls-crypt-v2: the client's key cannot be unwrapped */
    COOKIE_REASON_KEY_AGE,    /* tls-crypt-v2-max-age */
    COOKIE_REASON_NO_COOKIE_SUPPORT, /* force-cookie and an old client */
    COOKIE_REASON_BAD_COOKIE, /* third packet with a wrong, stale or foreign cookie, or late packet of an old session */
    COOKIE_REASON_RATE,       /* connect-freq-initial */
};

/** Everything the decision depends on; owned by the listener. */
struct cookie_filter {
    const struct cookie_jar *jar;
    const struct wrap_config *wrap;
    struct ratelimit *initial;   /* connect-freq-initial; NULL: no limit */
    bool tcp;                    /* no cookie: the connection proves the address */
};

struct cookie_verdict {
    enum cookie_action action;
    enum cookie_reason reason;
    uint8_t reply[COOKIE_REPLY_MAX];
    size_t reply_len;             /* one small packet for one packet, never more */
    struct session_open open;     /* ACCEPT: without hooks and tls_user; @open.client_key is the caller's to free */
    uint8_t metadata[735];        /* ACCEPT of a tls-crypt-v2 client: type byte and data, for the verify hook */
    size_t metadata_len;
};

/**
 * cookie_decide - what to do with a control packet of an unknown session
 * @out: filled completely; secret_free(&out->open.client_key) after use
 * A pure function of its arguments but for the rate limiter. connect-freq and max-clients are the caller's, after
 * ACCEPT. Thread: any, one at a time for one filter.
 */
void cookie_decide(const struct cookie_filter *filter, struct clock_now now, const union addr *source,
                   const uint8_t *packet, size_t len, struct cookie_verdict *out);

#endif
