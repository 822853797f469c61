/* SPDX-License-Identifier: MIT */
#include "client/tunnel.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/dns_export.h"
#include "client/kill_switch.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"
#include "node/device.h"
#include "node/device_conflict.h"
#include "node/dns.h"
#include "node/routes.h"

#define CLOSE_POLL_MS 2u
#define CLOSE_LIMIT_MS 500u

/** Outcome of one step. */
enum step { STEP_DONE, STEP_WAIT, STEP_REFUSED, STEP_FAILED };

typedef enum step (*step_fn)(struct tunnel *t);

struct tunnel {
    struct tunnel_tools tools;
    struct tunnel_request request;
    struct device *device;
    struct routes *routes;
    bool opened_now;           /* this tunnel_up() opened the device, as opposed to finding it open */
    bool dns_up;               /* the DNS hook ran "up" last */
    bool hooks_up;             /* `up` ran and `down` is owed */
    bool route_up_ran;         /* route-pre-down is owed */
    bool keep;
    const char *signal;
    unsigned route_errors;
    uint32_t closed_index;     /* device that was closed last, 0 when it is gone for certain */
    uint64_t closed_at;        /* mono_ms */

    const step_fn *steps;      /* what is being done; NULL idle */
    size_t step;
    struct event_request *question;
    bool question_asked;       /* an answer may come from within event_ask() */
    struct loop_timer *delay;
    void (*up_done)(void *arg, enum tunnel_result result);
    void (*down_done)(void *arg);
    void *done_arg;
};

static void advance(struct tunnel *t);

/* ------------------------------------------------------------------ programs */

struct script_args {
    char mtu[16];
    char local[ADDR_TEXT_MAX];
    char remote[ADDR_TEXT_MAX];
};

/* Arguments of up, down and route-pre-down: dev mtu 0 local remote-or-netmask init|restart. */
static void fill_args(const struct tunnel *t, struct event *event, struct script_args *a, const char *context)
{
    const struct device_plan *plan = device_get_plan(t->device);
    snprintf(a->mtu, sizeof(a->mtu), "%u", device_mtu(t->device));
    a->local[0] = '\0';
    a->remote[0] = '\0';
    if (plan->local4.family != AF_UNSPEC) {
        struct ip_addr second = plan->remote4;
        if (second.family == AF_UNSPEC) {
            second = ip4_from_u32(ip4_bits_mask(plan->bits4));
        }
        ip_format(&plan->local4, a->local);
        ip_format(&second, a->remote);
    }
    event->args[0] = device_name(t->device);
    event->args[1] = a->mtu;
    event->args[2] = "0";
    event->args[3] = a->local;
    event->args[4] = a->remote;
    event->args[5] = context;
}

static void answered(void *arg, const struct event_result *result)
{
    struct tunnel *t = arg;
    bool accepted = result->accepted;
    t->question = NULL;
    if (!accepted && t->up_done && t->steps) {
        log_error("The up program of this configuration failed: giving up");
        t->steps = NULL;
        void (*done)(void *, enum tunnel_result) = t->up_done;
        t->up_done = NULL;
        done(t->done_arg, TUNNEL_FAILED);
        return;
    }
    advance(t);
}

static enum step ask(struct tunnel *t, enum event_type type, const char *context)
{
    struct script_args args;
    struct event event = {.type = type, .env = t->tools.env};
    if (t->device && type != EVENT_ROUTES_UP) {
        fill_args(t, &event, &args, context);
    }
    env_set(t->tools.env, "script_context", context);
    struct event_asker asker = {.done = answered, .arg = t};
    t->question = event_ask(t->tools.events, &event, &asker);
    return STEP_WAIT;
}

/* ------------------------------------------------------------------ steps up */

/* The data plane closes a device a moment after it let go of it; until then the name is taken. */
static enum step step_await_close(struct tunnel *t)
{
    char name[IF_NAMESIZE];
    if (t->device || !t->closed_index || !if_indextoname(t->closed_index, name) ||
        clock_read().mono_ms >= t->closed_at + CLOSE_LIMIT_MS) {
        t->closed_index = 0;
        return STEP_DONE;
    }
    t->step--;
    loop_timer_after(t->delay, CLOSE_POLL_MS);
    return STEP_WAIT;
}

static enum step step_open(struct tunnel *t)
{
    t->opened_now = false;
    if (t->device) {
        log_info("Preserving previous TUN/TAP instance: %s", device_name(t->device));
        return STEP_DONE;
    }
    struct device_plan plan;
    if (device_plan_init(&plan, t->request.config, t->request.mtu)) {
        return STEP_FAILED;
    }
    plan.queues = (t->request.config->workers ? t->request.config->workers : 1) * DP_DEVICE_LANES;
    if (t->request.config->pull && device_conflicts(&plan, t->tools.nl)) {
        return STEP_REFUSED;
    }
    if (device_open(&plan, t->tools.nl, &t->device)) {
        t->device = NULL;
        return STEP_FAILED;
    }
    t->opened_now = true;
    if (device_configure(t->device)) {
        return STEP_FAILED;
    }
    int e = device_attach(t->device, t->tools.dp);
    if (e) {
        log_error("The data plane does not take the device %s: %s", device_name(t->device), err_str(e));
        return STEP_FAILED;
    }
    kill_switch_device(t->tools.kill_switch, device_name(t->device));
    device_export(device_get_plan(t->device), device_name(t->device), t->tools.env);
    return STEP_DONE;
}

static enum step step_routes_prepare(struct tunnel *t)
{
    if (!t->opened_now && t->routes) {
        return STEP_DONE;
    }
    if (t->request.device_only) {
        return STEP_DONE;
    }
    const struct device_plan *plan = device_get_plan(t->device);
    struct routes_request request = {
        .config = t->request.config,
        .ifindex = device_index(t->device),
        .tap = plan->tap,
        .peer4 = device_vpn_gateway(t->device),
        .local6 = plan->local6,
        .peer6 = plan->remote6,
        .remote = t->request.remote,
        .journal = t->tools.journal,
    };
    int e = routes_new(&request, t->tools.nl, &t->routes);
    if (e) {
        log_error("ERROR: cannot read the routing table: %s", err_str(e));
        t->routes = NULL;
        return STEP_FAILED;
    }
    return STEP_DONE;
}

static enum step step_export(struct tunnel *t)
{
    if (t->routes) {
        routes_export(t->routes, t->tools.env);
    }
    dns_export(t->request.config, t->tools.env);
    return STEP_DONE;
}

static enum step step_dns_up(struct tunnel *t)
{
    if (!dns_export_any(t->request.config)) {
        return STEP_DONE;
    }
    t->dns_up = true;
    env_set(t->tools.env, "script_type", "dns-up");
    return ask(t, EVENT_DNS_UPDOWN, "init");
}

static enum step step_up_program(struct tunnel *t)
{
    if (t->hooks_up) {
        return STEP_DONE;
    }
    t->hooks_up = true;
    return ask(t, EVENT_DEVICE_UP, t->opened_now ? "init" : "restart");
}

static void resolved(void *arg)
{
    advance(arg);
}

static enum step step_routes_resolve(struct tunnel *t)
{
    if (!t->routes || routes_installed(t->routes)) {
        return STEP_DONE;
    }
    routes_resolve(t->routes, t->tools.loop, resolved, t);
    return STEP_WAIT;
}

static enum step step_route_delay(struct tunnel *t)
{
    const struct config_route_delay *delay = &t->request.config->route_delay;
    if (!t->routes || routes_installed(t->routes) || !delay->given || !delay->seconds) {
        return STEP_DONE;
    }
    loop_timer_after(t->delay, 1000u * (uint64_t)delay->seconds);
    return STEP_WAIT;
}

static enum step step_routes_install(struct tunnel *t)
{
    if (t->routes && !routes_installed(t->routes)) {
        (void)routes_install(t->routes);
        t->route_errors = routes_failed(t->routes);
        routes_export(t->routes, t->tools.env);
    }
    return STEP_DONE;
}

static void dns_applied(void *arg, bool applied)
{
    (void)applied; /* said in a line; the tunnel is of use without */
    advance(arg);
}

/* After the routes: the servers are behind them. */
static enum step step_dns_apply(struct tunnel *t)
{
    if (t->request.device_only || !dns_wanted(t->request.config)) {
        return STEP_DONE;
    }
    dns_apply(t->tools.dns, t->request.config, device_name(t->device), device_index(t->device), dns_applied, t);
    return STEP_WAIT;
}

static enum step step_route_up_program(struct tunnel *t)
{
    if (!t->routes || t->route_up_ran) {
        return STEP_DONE;
    }
    t->route_up_ran = true;
    env_set(t->tools.env, "redirect_gateway",
            t->request.config->redirect_gateway & CONFIG_REDIRECT_DEFAULT_ROUTE ? "1" : "0");
    return ask(t, EVENT_ROUTES_UP, "init");
}

static const step_fn steps_up[] = {
    step_await_close,    step_open,        step_routes_prepare, step_export,    step_dns_up,           step_up_program,
    step_routes_resolve, step_route_delay, step_routes_install, step_dns_apply, step_route_up_program, NULL,
};

/* ------------------------------------------------------------------ steps down */

static enum step step_dns_down(struct tunnel *t)
{
    dns_revert(t->tools.dns);
    if (!t->dns_up) {
        return STEP_DONE;
    }
    t->dns_up = false;
    env_set(t->tools.env, "script_type", "dns-down");
    return ask(t, EVENT_DNS_UPDOWN, "init");
}

static enum step step_route_pre_down(struct tunnel *t)
{
    if (t->keep || !t->route_up_ran) {
        return STEP_DONE;
    }
    t->route_up_ran = false;
    return ask(t, EVENT_ROUTES_PRE_DOWN, "init");
}

static enum step step_routes_remove(struct tunnel *t)
{
    if (!t->keep) {
        routes_free(t->routes);
        t->routes = NULL;
    }
    return STEP_DONE;
}

static enum step down_program(struct tunnel *t)
{
    if (!t->hooks_up || (t->keep && !t->request.config->up_restart)) {
        return STEP_DONE;
    }
    t->hooks_up = false;
    return ask(t, EVENT_DEVICE_DOWN, t->keep ? "restart" : "init");
}

static enum step step_down_before(struct tunnel *t)
{
    return t->request.config->down_pre || t->keep ? down_program(t) : STEP_DONE;
}

/* Without down-pre the program runs after the device is gone; its arguments still name it. */
static enum step step_close(struct tunnel *t)
{
    if (!t->keep && t->device) {
        kill_switch_device(t->tools.kill_switch, NULL);
        device_deconfigure(t->device);
        dp_device_detach(t->tools.dp);
    }
    return STEP_DONE;
}

static enum step step_down_after(struct tunnel *t)
{
    return t->keep ? STEP_DONE : down_program(t);
}

static enum step step_forget(struct tunnel *t)
{
    if (!t->keep) {
        t->closed_index = device_index(t->device);
        t->closed_at = clock_read().mono_ms;
        device_close(t->device);
        t->device = NULL;
        dns_export_clear(t->tools.env);
        env_unset_prefix(t->tools.env, "route_");
    }
    return STEP_DONE;
}

static const step_fn steps_down[] = {
    step_dns_down, step_route_pre_down, step_routes_remove, step_down_before,
    step_close,    step_down_after,     step_forget,        NULL,
};

/* ------------------------------------------------------------------ running them */

static void finish(struct tunnel *t, enum step last)
{
    t->steps = NULL;
    if (t->down_done) {
        void (*done)(void *) = t->down_done;
        t->down_done = NULL;
        done(t->done_arg);
    } else if (t->up_done) {
        void (*done)(void *, enum tunnel_result) = t->up_done;
        t->up_done = NULL;
        done(t->done_arg, last == STEP_FAILED    ? TUNNEL_FAILED
                          : last == STEP_REFUSED ? TUNNEL_REFUSED
                          : t->route_errors      ? TUNNEL_ROUTE_ERRORS
                                                 : TUNNEL_OK);
    }
}

/* Run steps until one has to wait. A step's answer may come from within the step itself: the loop then only
 * notes it, so that steps never nest. */
static void advance(struct tunnel *t)
{
    if (!t->steps) {
        return;
    }
    if (t->question_asked) {
        t->question_asked = false;
        return;
    }
    while (t->steps && t->steps[t->step]) {
        step_fn fn = t->steps[t->step++];
        t->question_asked = true;
        enum step result = fn(t);
        bool pending = t->question_asked;
        t->question_asked = false;
        if (result == STEP_FAILED || result == STEP_REFUSED) {
            finish(t, result);
            return;
        }
        if (result == STEP_WAIT && pending) {
            return;
        }
    }
    if (t->steps) {
        finish(t, STEP_DONE);
    }
}

static void delay_over(void *arg)
{
    advance(arg);
}

struct tunnel *tunnel_new(const struct tunnel_tools *tools)
{
    struct tunnel *t = mem_zalloc(sizeof(*t));
    t->tools = *tools;
    t->delay = loop_timer_new(tools->loop, delay_over, t);
    return t;
}

static void interrupt(struct tunnel *t)
{
    dns_revert(t->tools.dns);
    if (t->question) {
        event_cancel(t->question);
        t->question = NULL;
    }
    loop_timer_stop(t->delay);
    t->steps = NULL;
    t->up_done = NULL;
    t->down_done = NULL;
}

void tunnel_free(struct tunnel *t)
{
    if (!t) {
        return;
    }
    interrupt(t);
    routes_free(t->routes);
    device_close(t->device);
    loop_timer_free(t->delay);
    free(t);
}

void tunnel_up(struct tunnel *t, const struct tunnel_request *request,
               void (*done)(void *arg, enum tunnel_result result), void *arg)
{
    interrupt(t);
    env_unset(t->tools.env, "signal");
    t->request = *request;
    t->route_errors = 0;
    t->up_done = done;
    t->done_arg = arg;
    t->steps = steps_up;
    t->step = 0;
    advance(t);
}

void tunnel_down(struct tunnel *t, const char *signal, bool keep, void (*done)(void *arg), void *arg)
{
    interrupt(t);
    if (!t->device) {
        done(arg);
        return;
    }
    env_set(t->tools.env, "signal", signal);
    t->keep = keep;
    t->down_done = done;
    t->done_arg = arg;
    t->steps = steps_down;
    t->step = 0;
    advance(t);
}

bool tunnel_is_busy(const struct tunnel *t)
{
    return t->steps != NULL;
}

bool tunnel_is_open(const struct tunnel *t)
{
    return t->device != NULL;
}

const char *tunnel_device_name(const struct tunnel *t)
{
    return t->device ? device_name(t->device) : "";
}

uint32_t tunnel_device_index(const struct tunnel *t)
{
    return t->device ? device_index(t->device) : 0;
}

void tunnel_network_changed(struct tunnel *t)
{
    if (t->routes && routes_installed(t->routes)) {
        (void)routes_refresh(t->routes);
    }
}
