/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_HANDSHAKE_REPORT_H
#define VPND_CLIENT_HANDSHAKE_REPORT_H

/*
 * What a handshake has to tell the user: failures with OpenVPN's wording and one line of advice from the
 * evidence, and differences between both ends' options. Writes to the log only. Loop thread only.
 */
#include "base/addr.h"
#include "session/session.h"

/**
 * handshake_report_failure - the lines for SESSION_EV_FAILED or SESSION_EV_RENEG_FAILED
 * @window_s: hand-window;  @tcp: transport;  @wrapped: a tls-auth or tls-crypt key is configured
 */
void handshake_report_failure(const struct session_event *event, const union addr *remote, unsigned window_s, bool tcp,
                              bool wrapped);

/** handshake_report_hint - the line of advice for @hint, "" for none (static text). */
const char *handshake_report_hint(enum session_hint hint, bool tcp, bool wrapped);

/** handshake_report_options - one warning for each option in which the peer differs.
 *  @expected: what the peer should send;  @received: what it sent */
void handshake_report_options(const char *expected, const char *received);

/** handshake_report_dropped - a packet was refused by session_receive() with @error. */
void handshake_report_dropped(int error, const union addr *remote);

#endif
