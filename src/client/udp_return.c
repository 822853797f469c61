/* SPDX-License-Identifier: MIT */
#include "client/udp_return.h"

#include "base/log.h"
#include "client/outfit.h"
#include "client/state.h"
#include "client/successor.h"

static void look(void *arg);

static bool has_udp(const struct client *c)
{
    for (size_t i = 0; i < c->remotes.count; i++) {
        if (!c->remotes.disabled[i] && !outfit_entry_is_tcp(c, i)) {
            return true;
        }
    }
    return false;
}

static void again(struct client *c)
{
    if (!c->parallel.udp_timer) {
        c->parallel.udp_timer = loop_timer_new(c->loop, look, c);
    }
    loop_timer_after(c->parallel.udp_timer, 1000u * (uint64_t)c->config->remote_parallel);
}

static void still_blocked(void *arg, enum restart_reason reason)
{
    struct client *c = arg;
    log_debug("UDP still does not work (%s); trying it again in %u s", restart_text(reason), c->config->remote_parallel);
    again(c);
}

static void moved(void *arg, const char *verdict)
{
    struct client *c = arg;
    log_info("%s again: moving from TCP to UDP", verdict ? verdict : "UDP works");
    udp_return_stop(c);
}

static void look(void *arg)
{
    struct client *c = arg;
    if (!successor_possible(c)) {
        again(c);
        return;
    }
    struct successor_request request = {
        .client = c, .udp_only = true, .failed = still_blocked, .succeeded = moved, .arg = c};
    successor_start(&request);
}

void udp_return_connected(struct client *c, const char *verdict)
{
    udp_return_stop(c);
    if (!c->config->remote_parallel || !c->attempt) {
        return;
    }
    bool returns = attempt_is_tcp(c->attempt) && has_udp(c);
    if (verdict && returns) {
        log_info("%s: using TCP, trying UDP again every %u s", verdict, c->config->remote_parallel);
    } else if (verdict) {
        log_info("%s: using %s", verdict, attempt_is_tcp(c->attempt) ? "TCP" : "UDP");
    }
    if (returns) {
        again(c);
    }
}

void udp_return_now(struct client *c)
{
    if (c->parallel.udp_timer) {
        loop_timer_after(c->parallel.udp_timer, 0);
    }
}

void udp_return_stop(struct client *c)
{
    loop_timer_free(c->parallel.udp_timer);
    c->parallel.udp_timer = NULL;
}
