/* SPDX-License-Identifier: MIT */
#include "client/closing.h"

#include <string.h>

#include "base/log.h"
#include "client/connect.h"
#include "client/state.h"
#include "client/statistics.h"
#include "mgmt/mgmt.h"

#define NOTIFY_INTERVAL_MS 1000u

/* ------------------------------------------------------------------ after everything is down */

/* Why, in the words of >STATE: the reason, the signal's name, or where the start was interrupted. */
static const char *end_detail(const struct client *c)
{
    const struct loop_signal_info *signal = &c->ending.signal;
    if (signal->source != LOOP_SOURCE_HARD && signal->reason[0]) {
        return signal->reason;
    }
    return c->ending.interrupted ? "init_instance" : loop_signal_name(signal->signal);
}

static void after_down(void *arg)
{
    struct client *c = arg;
    if (c->ending.signal.signal != LOOP_SIGNAL_USR1 && tunnel_is_open(c->tunnel)) {
        tunnel_down(c->tunnel, loop_signal_env(&c->ending.signal), false, after_down, c);
        return;
    }
    bool comes_back = c->ending.signal.signal == LOOP_SIGNAL_USR1 || c->ending.signal.signal == LOOP_SIGNAL_HUP;
    client_announce(c, comes_back ? "RECONNECTING" : "EXITING", end_detail(c));
    switch (c->ending.signal.signal) {
    case LOOP_SIGNAL_USR1:
        c->ending.active = false;
        connect_next(c);
        break;
    case LOOP_SIGNAL_HUP:
        c->again = true;
        loop_stop(c->loop);
        break;
    default:
        loop_stop(c->loop);
        break;
    }
}

static void take_down(struct client *c)
{
    bool soft = c->ending.signal.signal == LOOP_SIGNAL_USR1;
    const struct config *config = c->attempt ? c->attempt->config : c->config;
    bool keep = soft && config->persist_tun;
    c->ending.interrupted = client_management_waits(c);
    connect_abort(c);
    loop_timer_free(c->session_timer);
    c->session_timer = NULL;
    if (!keep) {
        pull_print_free(&c->tunnel_print);
    }
    tunnel_down(c->tunnel, loop_signal_env(&c->ending.signal), keep, after_down, c);
}

/* ------------------------------------------------------------------ exit notification */

static void notified(struct client *c)
{
    loop_timer_free(c->notify_timer);
    c->notify_timer = NULL;
    loop_raise(c->loop, LOOP_SIGNAL_TERM, LOOP_SOURCE_SOFT, restart_text(RESTART_EXIT_NOTIFIED));
}

static void notify_tick(void *arg)
{
    struct client *c = arg;
    if (--c->ending.notify_left == 0 || !c->attempt || !c->attempt->link) {
        notified(c);
        return;
    }
    if (!c->ending.notified_once) {
        (void)link_send_exit(c->attempt->link);
    }
}

static bool wants_notification(const struct client *c, const struct loop_signal_info *info)
{
    const struct attempt *a = c->attempt;
    return info->source == LOOP_SOURCE_HARD &&
           (info->signal == LOOP_SIGNAL_TERM || info->signal == LOOP_SIGNAL_INT) && !c->notify_timer && a && a->link &&
           link_data_running(a->link) && !link_is_tcp(a->link) && a->config->explicit_exit_notify;
}

static void start_notification(struct client *c, const struct loop_signal_info *info)
{
    log_info("%s received, sending exit notification to peer", loop_signal_name(info->signal));
    loop_set_phase(c->loop, LOOP_PHASE_EXITING);
    c->ending.notify_left = c->attempt->config->explicit_exit_notify;
    c->ending.notified_once = link_send_exit(c->attempt->link);
    c->notify_timer = loop_timer_new(c->loop, notify_tick, c);
    loop_timer_every(c->notify_timer, NOTIFY_INTERVAL_MS);
}

/* ------------------------------------------------------------------ signals */

/* A second signal while the first is being carried out only makes it stronger. */
static void strengthen(struct client *c, const struct loop_signal_info *info)
{
    if (info->signal > c->ending.signal.signal) {
        loop_signal_log(info);
        c->ending.signal = *info;
    }
}

/* To be told to end while a password is awaited is an error, as it is for OpenVPN. */
static void complain_unanswered(struct client *c)
{
    const char *type = mgmt_ask_type(c->mgmt);
    if (type && c->exit_code == 0) {
        log_fatal("ERROR: could not read %s username/password/ok/string from management interface", type);
        log_error("Exiting due to fatal error");
        c->exit_code = 1;
    }
}

void closing_signal(void *arg, const struct loop_signal_info *info)
{
    struct client *c = arg;
    if (info->signal == LOOP_SIGNAL_USR2) {
        statistics_log(c);
        return;
    }
    if (info->signal == LOOP_SIGNAL_TERM || info->signal == LOOP_SIGNAL_INT) {
        lifecycle_stopping(c->life);
        complain_unanswered(c);
    }
    if (wants_notification(c, info)) {
        start_notification(c, info);
        return;
    }
    if (c->ending.active) {
        strengthen(c, info);
        return;
    }
    loop_signal_log(info);
    loop_timer_free(c->notify_timer);
    c->notify_timer = NULL;
    c->ending.active = true;
    c->ending.signal = *info;
    take_down(c);
}
