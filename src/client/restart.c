/* SPDX-License-Identifier: MIT */
#include "client/restart.h"

static const struct {
    const char *text;
    enum loop_signal signal;
} reasons[RESTART_REASON_COUNT] = {
    [RESTART_SERVER_POLL] = {"server_poll", LOOP_SIGNAL_USR1},
    [RESTART_CONNECTION_FAILED] = {"connection-failed", LOOP_SIGNAL_USR1},
    [RESTART_HTTP_PROXY] = {"HTTP proxy error", LOOP_SIGNAL_USR1},
    [RESTART_SOCKS] = {"socks-error", LOOP_SIGNAL_USR1},
    [RESTART_RESOLVE] = {"socks-resolve-failure", LOOP_SIGNAL_USR1},
    [RESTART_TLS_ERROR] = {"tls-error", LOOP_SIGNAL_USR1},
    [RESTART_DECRYPTION_ERROR] = {"decryption-error", LOOP_SIGNAL_USR1},
    [RESTART_CONNECTION_RESET] = {"connection-reset", LOOP_SIGNAL_USR1},
    [RESTART_PING_RESTART] = {"ping-restart", LOOP_SIGNAL_USR1},
    [RESTART_PING_EXIT] = {"ping-exit", LOOP_SIGNAL_TERM},
    [RESTART_INACTIVE] = {"inactive", LOOP_SIGNAL_TERM},
    [RESTART_SESSION_TIMEOUT] = {"session-timeout", LOOP_SIGNAL_TERM},
    [RESTART_AUTH_FAILURE] = {"auth-failure", LOOP_SIGNAL_TERM},
    [RESTART_AUTH_RETRY] = {"auth-failure", LOOP_SIGNAL_USR1},
    [RESTART_AUTH_TOKEN] = {"auth-failure (auth-token)", LOOP_SIGNAL_USR1},
    [RESTART_AUTH_TEMPORARY] = {"auth-temp-failure (server temporary reject)", LOOP_SIGNAL_USR1},
    [RESTART_KEY_PASSWORD] = {"private-key-password-failure", LOOP_SIGNAL_USR1},
    [RESTART_NO_PUSH_REPLY] = {"no-push-reply", LOOP_SIGNAL_USR1},
    [RESTART_BAD_PUSH] = {"process-push-msg-failed", LOOP_SIGNAL_USR1},
    [RESTART_OFFENDING_OPTION] = {"Offending option received from server", LOOP_SIGNAL_USR1},
    [RESTART_INITIALISATION] = {"connection initialisation failed", LOOP_SIGNAL_USR1},
    [RESTART_SERVER_RESET] = {"server-pushed-connection-reset", LOOP_SIGNAL_USR1},
    [RESTART_SERVER_HALT] = {"server-pushed-halt", LOOP_SIGNAL_TERM},
    [RESTART_REMOTE_EXIT] = {"remote-exit", LOOP_SIGNAL_USR1},
    [RESTART_NETWORK_UNREACHABLE] = {"network-unreachable", LOOP_SIGNAL_USR1},
    [RESTART_NETWORK_CHANGED] = {"network-changed", LOOP_SIGNAL_USR1},
    [RESTART_EXIT_NOTIFIED] = {"exit-with-notification", LOOP_SIGNAL_TERM},
};

const char *restart_text(enum restart_reason reason)
{
    return reasons[reason].text;
}

enum loop_signal restart_signal(const struct restart_policy *policy, enum restart_reason reason)
{
    if (reason == RESTART_TLS_ERROR && policy->tls_exit) {
        return LOOP_SIGNAL_TERM;
    }
    return reasons[reason].signal;
}

void restart_raise(struct loop *loop, const struct restart_policy *policy, enum restart_reason reason)
{
    enum loop_signal_source source =
        reason == RESTART_CONNECTION_FAILED ? LOOP_SOURCE_CONNECTION_FAILED : LOOP_SOURCE_SOFT;
    loop_raise(loop, restart_signal(policy, reason), source, reasons[reason].text);
}
