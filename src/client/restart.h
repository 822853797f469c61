/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_RESTART_H
#define VPND_CLIENT_RESTART_H

/*
 * Why a connection ends and which internal signal follows, with the texts that log readers and management
 * clients know (client behaviour spec, 10). Pure but for restart_raise(), which is for the loop thread.
 */
#include <stdbool.h>

#include "node/loop.h"

/** What happened. */
enum restart_reason {
    RESTART_SERVER_POLL,
    RESTART_CONNECTION_FAILED,
    RESTART_HTTP_PROXY,
    RESTART_SOCKS,
    RESTART_RESOLVE,
    RESTART_TLS_ERROR,
    RESTART_DECRYPTION_ERROR,
    RESTART_CONNECTION_RESET,
    RESTART_PING_RESTART,
    RESTART_PING_EXIT,
    RESTART_INACTIVE,
    RESTART_SESSION_TIMEOUT,
    RESTART_AUTH_FAILURE,        /* final */
    RESTART_AUTH_RETRY,          /* same credentials or newly asked ones */
    RESTART_AUTH_TOKEN,          /* a token was refused */
    RESTART_AUTH_TEMPORARY,
    RESTART_KEY_PASSWORD,
    RESTART_NO_PUSH_REPLY,
    RESTART_BAD_PUSH,
    RESTART_OFFENDING_OPTION,
    RESTART_INITIALISATION,
    RESTART_SERVER_RESET,
    RESTART_SERVER_HALT,
    RESTART_REMOTE_EXIT,
    RESTART_NETWORK_UNREACHABLE,
    RESTART_NETWORK_CHANGED,     /* the host moved to another network and the server does not answer any more */
    RESTART_EXIT_NOTIFIED,       /* the exit notification was sent */
    RESTART_REASON_COUNT
};

/** What the configuration makes of a reason. */
struct restart_policy {
    bool tls_exit; /* a TLS error ends the process */
};

/** restart_text - reason as it appears in the log line and in management notifications. */
const char *restart_text(enum restart_reason reason);

/** restart_signal - LOOP_SIGNAL_USR1 or LOOP_SIGNAL_TERM for @reason; `remap-usr1` comes later, in the loop. */
enum loop_signal restart_signal(const struct restart_policy *policy, enum restart_reason reason);

/** restart_raise - loop_raise() what @reason asks for. */
void restart_raise(struct loop *loop, const struct restart_policy *policy, enum restart_reason reason);

#endif
