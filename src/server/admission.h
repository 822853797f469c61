/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_ADMISSION_H
#define VPND_SERVER_ADMISSION_H

/*
 * Who may become a client: the stateless answer to strangers and the limits on new ones (spec: control channel
 * session, 11.2 and 11.5). Holds no state about anybody. Loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/cookie.h"
#include "session/ratelimit.h"

struct config;

struct admission {
    struct cookie_jar jar;
    struct cookie_filter udp;
    struct cookie_filter tcp;
    struct ratelimit initial;        /* connect-freq-initial */
    struct ratelimit fresh;          /* connect-freq */
    uint64_t initial_warned_ms;      /* start of the period in which the flood was logged; 0 never */
    struct ratelimit lines;          /* of the log about strangers' packets */
    uint64_t lines_period_ms;        /* start of the period whose lines were counted last */
    uint64_t dropped[COOKIE_REASON_RATE + 1];
};

/** admission_init - @wrap must outlive it or be replaced by admission_set_wrap(). */
void admission_init(struct admission *a, const struct config *config, const struct wrap_config *wrap);

/** admission_set_wrap - new control channel keys after a reload. */
void admission_set_wrap(struct admission *a, const struct wrap_config *wrap);

/** admission_tick - every few seconds: the secret of the cookies is renewed in time. */
void admission_tick(struct admission *a, uint64_t unix_s);

/** admission_limits - take over connect-freq and connect-freq-initial. */
void admission_limits(struct admission *a, const struct config *config);

/**
 * admission_judge - what to do with a control packet that belongs to no session
 * Logs what tools look for, with rate limits. Fills @out; secret_free(&out->open.client_key) after use.
 */
void admission_judge(struct admission *a, bool tcp, const union addr *source, const uint8_t *packet, size_t len,
                     struct cookie_verdict *out);

/** admission_may_log - whether one more line about a packet that anybody can send goes to the log; says so when lines
 *  were left out. */
bool admission_may_log(struct admission *a);

/** admission_fresh - connect-freq: may one more client, @source, come in now? A refusal is logged. */
bool admission_fresh(struct admission *a, const union addr *source);

/** admission_proven - a three-way handshake was completed: connect-freq-initial gets its unit back. */
void admission_proven(struct admission *a);

#endif
