/* SPDX-License-Identifier: MIT */
#include "client/roaming.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/connect.h"
#include "client/state.h"
#include "client/successor.h"
#include "client/udp_return.h"
#include "sys/sock.h"

#define SETTLE_MS 60u            /* changes come in groups */
#define TICK_MS 1000u
#define ABSENT_MS 4000u          /* a tick so late, or clocks so far apart: the host slept or the process stood still */
#define CHECK_MS 40u
#define PATIENCE_MS 1000u        /* then a second connection is made next to the silent one */
#define REPEAT_MS 250u
#define GIVE_UP_MS 5000u         /* where no second connection is possible */

/** The way out to the server. */
struct way {
    bool known;
    bool reachable;
    struct rtnl_hop hop;
};

/** The ways out while there is no connection: to anywhere, and to the server where its address is known. */
struct ways {
    struct way any4;
    struct way any6;
    struct way server;
    struct ip_addr address; /* of the server */
};

struct roaming {
    struct client *client;
    struct rtnl_monitor *monitor;
    struct loop_watch *watch;
    struct loop_timer *settle;
    struct loop_timer *tick;
    struct loop_timer *check;
    struct way way;
    struct ways paused;      /* between attempts */
    bool asking;             /* whether the server still answers */
    bool rebuilding;         /* the second connection is ours */
    uint64_t asked_since;    /* mono_ms */
    uint64_t asked_last;
    uint64_t received;       /* packets that had come when we asked */
    uint64_t last_tick;      /* mono_ms */
    uint64_t slept_ms;       /* CLOCK_BOOTTIME ahead of CLOCK_MONOTONIC */
};

/* ------------------------------------------------------------------ does it answer? */

static bool connected(const struct client *c)
{
    return c->attempt && c->attempt->up && !c->ending.active && !c->notify_timer;
}

static void stop_asking(struct roaming *r)
{
    r->asking = false;
    loop_timer_stop(r->check);
}

static void rebuilt(void *arg, const char *verdict)
{
    struct roaming *r = arg;
    r->rebuilding = false;
    stop_asking(r);
    log_info("The server answers on a new connection%s%s%s: the tunnel moves there", verdict ? " (" : "",
             verdict ? verdict : "", verdict ? ")" : "");
    udp_return_connected(r->client, NULL);
}

static void not_rebuilt(void *arg, enum restart_reason reason)
{
    struct roaming *r = arg;
    (void)reason;
    r->rebuilding = false;
    if (r->asking) {
        stop_asking(r);
        client_fail(r->client, RESTART_NETWORK_CHANGED);
    }
}

static void rebuild(struct roaming *r)
{
    struct successor_request request = {
        .client = r->client, .failed = not_rebuilt, .succeeded = rebuilt, .arg = r};
    r->rebuilding = true;
    log_info("The server does not answer: making a new connection");
    successor_start(&request);
}

static void answers(struct roaming *r)
{
    stop_asking(r);
    log_info("The server still answers: the session goes on");
    if (r->rebuilding) {
        r->rebuilding = false;
        successor_free(r->client->parallel.successor);
        r->client->parallel.successor = NULL;
    }
    udp_return_now(r->client);
}

static void check(void *arg)
{
    struct roaming *r = arg;
    struct client *c = r->client;
    if (!connected(c)) {
        stop_asking(r);
        return;
    }
    uint64_t now = clock_read().mono_ms;
    bool gone = link_local_gone(c->attempt->link);
    if (!gone && link_received(c->attempt->link) != r->received) {
        answers(r);
        return;
    }
    if (now >= r->asked_last + REPEAT_MS) {
        link_probe(c->attempt->link);
        r->asked_last = now;
    }
    if (!r->rebuilding && (gone || now >= r->asked_since + PATIENCE_MS)) {
        if (successor_possible(c)) {
            rebuild(r);
        } else if (now >= r->asked_since + GIVE_UP_MS) {
            stop_asking(r);
            client_fail(c, RESTART_NETWORK_CHANGED);
            return;
        }
    }
    loop_timer_after(r->check, CHECK_MS);
}

static void ask(struct roaming *r)
{
    struct client *c = r->client;
    if (!r->rebuilding && !successor_needed(c->parallel.successor)) {
        /* a look at UDP from the old network is of no use; it is begun again when this is over */
        successor_free(c->parallel.successor);
        c->parallel.successor = NULL;
    }
    r->asking = true;
    r->asked_since = clock_read().mono_ms;
    r->asked_last = r->asked_since;
    r->received = link_received(c->attempt->link);
    link_probe(c->attempt->link);
    loop_timer_after(r->check, CHECK_MS);
}

/* ------------------------------------------------------------------ the way to the server */

static struct way way_to(const struct client *c, const struct ip_addr *ip, uint32_t mark)
{
    struct way way = {.known = true};
    way.reachable = ip->family != AF_UNSPEC && rtnl_route_lookup(c->nl, ip, mark, &way.hop) == 0 &&
                    way.hop.ifindex != tunnel_device_index(c->tunnel);
    return way;
}

static struct way look(struct roaming *r)
{
    const struct attempt *a = r->client->attempt;
    union addr outer = link_outer(a->link);
    struct ip_addr ip = addr_to_ip(&outer);
    return way_to(r->client, &ip, a->config->mark);
}

static bool same(const struct way *a, const struct way *b)
{
    return a->reachable == b->reachable &&
           (!a->reachable || (a->hop.ifindex == b->hop.ifindex && ip_equal(&a->hop.gateway, &b->hop.gateway) &&
                              ip_equal(&a->hop.source, &b->hop.source)));
}

static void say(const struct way *before, const struct way *now)
{
    char text[ADDR_TEXT_MAX];
    if (!now->reachable) {
        log_info("No way to the server: waiting for a network");
    } else {
        log_info("The way to the server %s: %s from %s", before->reachable ? "changed" : "is back", now->hop.ifname,
                 ip_format(&now->hop.source, text));
    }
}

/* ------------------------------------------------------------------ between attempts */

static struct ways look_around(const struct client *c)
{
    struct ip_addr any4;
    struct ip_addr any6;
    struct ways ways = {0};
    const struct attempt_addresses *known = &c->addresses[remotes_current(&c->remotes)];
    (void)ip_parse("192.0.2.1", &any4); /* for documentation, and so behind the default route */
    (void)ip_parse("2001:db8::1", &any6);
    if (known->count) {
        ways.address = addr_to_ip(&known->list[c->remotes.address < known->count ? c->remotes.address : 0]);
    }
    ways.any4 = way_to(c, &any4, c->config->mark);
    ways.any6 = way_to(c, &any6, c->config->mark);
    ways.server = way_to(c, &ways.address, c->config->mark);
    return ways;
}

static bool opened(const struct way *before, const struct way *now)
{
    return now->reachable && !same(before, now);
}

/* Not every change is a reason to try at once: the device that an attempt opens and closes is one, too. */
static void changed_while_paused(struct roaming *r)
{
    struct ways now = look_around(r->client);
    const struct ways *before = &r->paused;
    bool hurry = opened(&before->any4, &now.any4) || opened(&before->any6, &now.any6) ||
                 (ip_equal(&before->address, &now.address) && opened(&before->server, &now.server));
    r->paused = now;
    if (hurry) {
        connect_hurry(r->client);
    }
}

void roaming_pausing(struct roaming *r)
{
    if (r) {
        r->paused = look_around(r->client);
    }
}

/* ------------------------------------------------------------------ what the kernel says */

static void network_changed(void *arg)
{
    struct roaming *r = arg;
    struct client *c = r->client;
    if (!connected(c)) {
        changed_while_paused(r);
        return;
    }
    tunnel_network_changed(c->tunnel);
    struct way now = look(r);
    struct way before = r->way;
    r->way = now;
    if (!before.known || same(&before, &now)) {
        return;
    }
    say(&before, &now);
    if (now.reachable) {
        ask(r);
    } else {
        stop_asking(r);
    }
}

static void noticed(const struct rtnl_change *change, void *arg)
{
    (void)change;
    *(bool *)arg = true;
}

static void readable(void *arg)
{
    struct roaming *r = arg;
    bool any = false;
    (void)rtnl_monitor_drain(r->monitor, noticed, &any);
    if (any) {
        loop_timer_after(r->settle, SETTLE_MS);
    }
}

/* ------------------------------------------------------------------ clocks */

static uint64_t slept_ms(void)
{
    struct timespec boot;
    struct timespec mono;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (uint64_t)((boot.tv_sec - mono.tv_sec) * 1000 + (boot.tv_nsec - mono.tv_nsec) / 1000000);
}

static void tick(void *arg)
{
    struct roaming *r = arg;
    uint64_t now = clock_read().mono_ms;
    uint64_t slept = slept_ms();
    uint64_t absent = (slept > r->slept_ms ? slept - r->slept_ms : 0) + (now - r->last_tick);
    r->slept_ms = slept;
    r->last_tick = now;
    if (absent < ABSENT_MS) {
        return;
    }
    if (connected(r->client)) {
        log_info("This host or process stood still for %llu s: asking the server whether it still answers",
                 (unsigned long long)absent / 1000);
        tunnel_network_changed(r->client->tunnel);
        r->way = look(r);
        ask(r);
    } else {
        connect_hurry(r->client);
    }
}

/* ------------------------------------------------------------------ life */

struct roaming *roaming_new(struct client *client)
{
    struct roaming *r = mem_zalloc(sizeof(*r));
    r->client = client;
    int e = rtnl_monitor_open(&r->monitor);
    if (!e) {
        e = loop_watch_new(client->loop, rtnl_monitor_fd(r->monitor), readable, r, &r->watch);
    }
    if (e) {
        log_warn("NOTE: cannot watch the network for changes: %s", err_str(e));
        rtnl_monitor_close(r->monitor);
        free(r);
        return NULL;
    }
    r->settle = loop_timer_new(client->loop, network_changed, r);
    r->check = loop_timer_new(client->loop, check, r);
    r->tick = loop_timer_new(client->loop, tick, r);
    r->last_tick = clock_read().mono_ms;
    r->slept_ms = slept_ms();
    loop_timer_every(r->tick, TICK_MS);
    return r;
}

void roaming_connected(struct roaming *r)
{
    if (r) {
        stop_asking(r);
        r->way = look(r);
    }
}

void roaming_stop(struct roaming *r)
{
    if (r) {
        stop_asking(r);
        r->rebuilding = false;
        r->way = (struct way){0};
    }
}

void roaming_free(struct roaming *r)
{
    if (!r) {
        return;
    }
    loop_watch_free(r->watch);
    rtnl_monitor_close(r->monitor);
    loop_timer_free(r->settle);
    loop_timer_free(r->check);
    loop_timer_free(r->tick);
    free(r);
}
