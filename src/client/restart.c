/* SPDX-License-Identifier: MIT */
#include "client/restart.h"

#include <stdio.h>

static const struct {
    const char *text;
    enum restart_signal signal;
} reasons[RESTART_REASON_COUNT] = {
    [RESTART_EXTERNAL] = {"", RESTART_USR1},
    [RESTART_SERVER_POLL] = {"server_poll", RESTART_USR1},
    [RESTART_CONNECTION_FAILED] = {"connection-failed", RESTART_USR1},
    [RESTART_HTTP_PROXY] = {"HTTP proxy error", RESTART_USR1},
    [RESTART_SOCKS] = {"socks-error", RESTART_USR1},
    [RESTART_RESOLVE] = {"socks-resolve-failure", RESTART_USR1},
    [RESTART_TLS_ERROR] = {"tls-error", RESTART_USR1},
    [RESTART_DECRYPTION_ERROR] = {"decryption-error", RESTART_USR1},
    [RESTART_CONNECTION_RESET] = {"connection-reset", RESTART_USR1},
    [RESTART_PING_RESTART] = {"ping-restart", RESTART_USR1},
    [RESTART_PING_EXIT] = {"ping-exit", RESTART_TERM},
    [RESTART_INACTIVE] = {"inactive", RESTART_TERM},
    [RESTART_SESSION_TIMEOUT] = {"session-timeout", RESTART_TERM},
    [RESTART_AUTH_FAILURE] = {"auth-failure", RESTART_TERM},
    [RESTART_AUTH_RETRY] = {"auth-failure", RESTART_USR1},
    [RESTART_AUTH_TOKEN] = {"auth-failure (auth-token)", RESTART_USR1},
    [RESTART_AUTH_TEMPORARY] = {"auth-temp-failure (server temporary reject)", RESTART_USR1},
    [RESTART_KEY_PASSWORD] = {"private-key-password-failure", RESTART_USR1},
    [RESTART_NO_PUSH_REPLY] = {"no-push-reply", RESTART_USR1},
    [RESTART_BAD_PUSH] = {"process-push-msg-failed", RESTART_USR1},
    [RESTART_OFFENDING_OPTION] = {"Offending option received from server", RESTART_USR1},
    [RESTART_INITIALISATION] = {"connection initialisation failed", RESTART_USR1},
    [RESTART_SERVER_RESET] = {"server-pushed-connection-reset", RESTART_USR1},
    [RESTART_SERVER_HALT] = {"server-pushed-halt", RESTART_TERM},
    [RESTART_REMOTE_EXIT] = {"remote-exit", RESTART_USR1},
    [RESTART_NETWORK_UNREACHABLE] = {"network-unreachable", RESTART_USR1},
    [RESTART_EXIT_NOTIFIED] = {"exit-with-notification", RESTART_TERM},
    [RESTART_ROUTE_ERROR] = {"route-error", RESTART_USR1},
};

static const struct {
    const char *name;
    const char *hook;
    const char *verb;
} signals[] = {
    [RESTART_NONE] = {"", "", ""},
    [RESTART_USR2] = {"SIGUSR2", "sigusr2", "process status"},
    [RESTART_USR1] = {"SIGUSR1", "sigusr1", "process restarting"},
    [RESTART_HUP] = {"SIGHUP", "sighup", "process restarting"},
    [RESTART_INT] = {"SIGINT", "sigint", "process exiting"},
    [RESTART_TERM] = {"SIGTERM", "sigterm", "process exiting"},
};

const char *restart_text(enum restart_reason reason)
{
    return reasons[reason].text;
}

const char *restart_signal_name(enum restart_signal signal)
{
    return signals[signal].name;
}

const char *restart_hook_name(const struct restart *r)
{
    return r->reason == RESTART_EXTERNAL ? signals[r->signal].hook : reasons[r->reason].text;
}

enum restart_signal restart_default(enum restart_reason reason)
{
    return reasons[reason].signal;
}

enum restart_signal restart_policed(const struct restart_policy *policy, enum restart_reason reason,
                                    enum restart_signal wanted)
{
    if (reason == RESTART_TLS_ERROR && policy->tls_exit) {
        return RESTART_TERM;
    }
    if (wanted == RESTART_USR1 && policy->usr1 != RESTART_NONE) {
        return policy->usr1;
    }
    return wanted;
}

bool restart_raise(struct restart *pending, enum restart_signal signal, enum restart_reason reason)
{
    if (signal < pending->signal || signal == RESTART_NONE) {
        return false;
    }
    *pending = (struct restart){signal, reason};
    return true;
}

const char *restart_format(const struct restart *r, char out[RESTART_LINE_MAX])
{
    const char *name = signals[r->signal].name;
    const char *verb = signals[r->signal].verb;
    if (r->reason == RESTART_CONNECTION_FAILED && r->signal == RESTART_USR1) {
        snprintf(out, RESTART_LINE_MAX, "%s[connection failed(soft),%s] received, %s", name, reasons[r->reason].text,
                 verb);
    } else {
        snprintf(out, RESTART_LINE_MAX, "%s[%s,%s] received, %s", name, r->reason == RESTART_EXTERNAL ? "hard" : "soft",
                 reasons[r->reason].text, verb);
    }
    return out;
}
