/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_RESTART_H
#define VPND_CLIENT_RESTART_H

/*
 * Why a connection ends and what follows: the signals of the outside world and of our own making, with their
 * priorities and the texts that log readers and management clients know (client behaviour spec, 10).
 * Pure; no thread rules.
 */
#include <stdbool.h>

/** In rising priority: a pending one is replaced only by one of equal or higher rank. */
enum restart_signal { RESTART_NONE, RESTART_USR2, RESTART_USR1, RESTART_HUP, RESTART_INT, RESTART_TERM };

/** What happened. */
enum restart_reason {
    RESTART_EXTERNAL,            /* a real signal, or a command of the management interface */
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
    RESTART_EXIT_NOTIFIED,       /* the exit notification was sent */
    RESTART_ROUTE_ERROR,
    RESTART_REASON_COUNT
};

/** What `remap-usr1` and `tls-exit` make of the default. */
struct restart_policy {
    enum restart_signal usr1; /* what SIGUSR1 becomes: RESTART_USR1, RESTART_HUP or RESTART_TERM */
    bool tls_exit;
};

/** One pending restart or end. */
struct restart {
    enum restart_signal signal;
    enum restart_reason reason;
};

/** restart_text - reason as it appears in the log line and in management notifications; "" for an external one. */
const char *restart_text(enum restart_reason reason);

/** restart_signal_name - "SIGUSR1", ...; "" for RESTART_NONE. */
const char *restart_signal_name(enum restart_signal signal);

/** restart_hook_name - `signal` variable of down scripts: "sigusr1", "sigterm", "ping-restart", ... */
const char *restart_hook_name(const struct restart *r);

/** restart_default - signal that follows @reason (RESTART_USR1 for RESTART_EXTERNAL), before any policy. */
enum restart_signal restart_default(enum restart_reason reason);

/** restart_policed - the signal for @reason under @policy. */
enum restart_signal restart_policed(const struct restart_policy *policy, enum restart_reason reason,
                                    enum restart_signal wanted);

/** restart_raise - make @signal for @reason pending unless a stronger one is. Return: whether it was taken. */
bool restart_raise(struct restart *pending, enum restart_signal signal, enum restart_reason reason);

#define RESTART_LINE_MAX 128

/** restart_format - "SIGUSR1[soft,ping-restart] received, process restarting". Return: @out. */
const char *restart_format(const struct restart *r, char out[RESTART_LINE_MAX]);

#endif
