/* SPDX-License-Identifier: MIT */
#include "client/loop_guard.h"

#include "base/log.h"
#include "client/state.h"

#define LOOK_MS 1000u

static void look(void *arg)
{
    struct client *c = arg;
    struct dp_stats stats;
    char to[ADDR_TEXT_MAX];
    dp_stats(c->dp, &stats);
    uint64_t dropped = stats.drops[DP_DROP_RECURSIVE] - c->guard.dropped;
    c->guard.dropped = stats.drops[DP_DROP_RECURSIVE];
    if (!dropped || !c->attempt || !c->attempt->link) {
        return;
    }
    const char *own = env_get(&c->env, "ifconfig_local");
    union addr remote = link_outer(c->attempt->link);
    log_warn("Recursive routing detected, packet dropped %s -> %s (%llu packets; a route into the tunnel covers the"
             " server's own address)",
             own ? own : "tunnel", addr_format_log(&remote, to), (unsigned long long)dropped);
}

void loop_guard_start(struct client *c)
{
    if (c->config->allow_recursive_routing) {
        return;
    }
    c->guard.dropped = 0;
    c->guard.timer = loop_timer_new(c->loop, look, c);
    loop_timer_every(c->guard.timer, LOOK_MS);
}

void loop_guard_stop(struct client *c)
{
    loop_timer_free(c->guard.timer);
    c->guard.timer = NULL;
}
