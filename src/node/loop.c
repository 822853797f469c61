/* SPDX-License-Identifier: MIT */
#include "node/loop.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define SIGNAL_COUNT 5
#define DP_BUDGET 256 /* events a turn: some 100 us of work, so that timers and handshakes keep their turn */
#define POOL_MIN 4
#define POOL_MAX 128
#define WAIT_MS_MAX 60000

struct loop {
    uv_loop_t uv;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_async_t deliver;
    loop_signal_fn on_signal;
    void *on_signal_arg;
    struct loop_signal_info pending;
    enum loop_phase phase;
    enum loop_signal remap_usr1;
    uv_poll_t *dp_poll;
    struct dp *dp;
    void (*dp_fn)(const struct dp_event *event, void *arg);
    void *dp_arg;
};

static const struct {
    int number;
    enum loop_signal signal;
    const char *name;
    const char *env;
} signal_table[SIGNAL_COUNT] = {
    {SIGUSR2, LOOP_SIGNAL_USR2, "SIGUSR2", "sigusr2"}, {SIGUSR1, LOOP_SIGNAL_USR1, "SIGUSR1", "sigusr1"},
    {SIGHUP, LOOP_SIGNAL_HUP, "SIGHUP", "sighup"},     {SIGINT, LOOP_SIGNAL_INT, "SIGINT", "sigint"},
    {SIGTERM, LOOP_SIGNAL_TERM, "SIGTERM", "sigterm"},
};

/* ------------------------------------------------------------------ signals */

const char *loop_signal_name(enum loop_signal signal)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signal_table[i].signal == signal) {
            return signal_table[i].name;
        }
    }
    return "no signal";
}

enum loop_signal loop_signal_from_name(const char *name)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (strcmp(signal_table[i].name, name) == 0) {
            return signal_table[i].signal;
        }
    }
    return LOOP_SIGNAL_NONE;
}

const char *loop_signal_env(const struct loop_signal_info *info)
{
    if (info->source != LOOP_SOURCE_HARD && info->reason[0] != '\0') {
        return info->reason;
    }
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signal_table[i].signal == info->signal) {
            return signal_table[i].env;
        }
    }
    return "";
}

void loop_signal_log(const struct loop_signal_info *info)
{
    bool exiting = info->signal == LOOP_SIGNAL_TERM || info->signal == LOOP_SIGNAL_INT;
    const char *what = exiting ? "exiting" : "restarting";
    const char *source = info->source == LOOP_SOURCE_HARD   ? "hard"
                         : info->source == LOOP_SOURCE_SOFT ? "soft"
                                                            : "connection failed(soft)";
    log_info("%s[%s,%s] received, process %s", loop_signal_name(info->signal), source, info->reason, what);
}

/* What a signal means in the present phase. Return: LOOP_SIGNAL_NONE to ignore it. */
static enum loop_signal translate(const struct loop *loop, enum loop_signal signal, bool external)
{
    if (signal == LOOP_SIGNAL_USR1 && loop->remap_usr1 != LOOP_SIGNAL_NONE) {
        signal = loop->remap_usr1;
    }
    bool restart = signal == LOOP_SIGNAL_USR1 || signal == LOOP_SIGNAL_HUP;
    switch (loop->phase) {
    case LOOP_PHASE_INITIALISING:
        return external && (restart || signal == LOOP_SIGNAL_USR2) ? LOOP_SIGNAL_NONE : signal;
    case LOOP_PHASE_CONNECTING:
        return external && signal == LOOP_SIGNAL_USR1 ? LOOP_SIGNAL_HUP : signal;
    case LOOP_PHASE_EXITING:
        if (external && (restart || signal == LOOP_SIGNAL_USR2)) {
            return LOOP_SIGNAL_NONE;
        }
        return restart ? LOOP_SIGNAL_TERM : signal;
    case LOOP_PHASE_RUNNING:
    default:
        return signal;
    }
}

static void post(struct loop *loop, enum loop_signal signal, enum loop_signal_source source, const char *reason)
{
    signal = translate(loop, signal, source == LOOP_SOURCE_HARD);
    if (signal == LOOP_SIGNAL_NONE || signal < loop->pending.signal) {
        return;
    }
    loop->pending = (struct loop_signal_info){.signal = signal, .source = source, .reason = reason};
    (void)uv_async_send(&loop->deliver);
}

void loop_raise(struct loop *loop, enum loop_signal signal, enum loop_signal_source source, const char *reason)
{
    post(loop, signal, source, reason);
}

enum loop_signal loop_signal_pending(const struct loop *loop)
{
    return loop->pending.signal;
}

static void on_uv_signal(uv_signal_t *handle, int number)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signal_table[i].number == number) {
            post(handle->data, signal_table[i].signal, LOOP_SOURCE_HARD, "");
        }
    }
}

static void on_deliver(uv_async_t *handle)
{
    struct loop *loop = handle->data;
    if (loop->pending.signal == LOOP_SIGNAL_NONE || !loop->on_signal) {
        return;
    }
    struct loop_signal_info info = loop->pending;
    loop->pending = (struct loop_signal_info){.signal = LOOP_SIGNAL_NONE};
    loop->on_signal(loop->on_signal_arg, &info);
}

void loop_on_signal(struct loop *loop, loop_signal_fn fn, void *arg)
{
    loop->on_signal = fn;
    loop->on_signal_arg = arg;
    if (fn && loop->pending.signal != LOOP_SIGNAL_NONE) {
        (void)uv_async_send(&loop->deliver);
    }
}

void loop_set_phase(struct loop *loop, enum loop_phase phase)
{
    loop->phase = phase;
}

void loop_set_remap_usr1(struct loop *loop, enum loop_signal to)
{
    loop->remap_usr1 = to;
}

/* ------------------------------------------------------------------ the loop */

void loop_pool_size(unsigned threads)
{
    if (threads == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cpus > POOL_MIN ? (unsigned)cpus : POOL_MIN;
    }
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", threads > POOL_MAX ? POOL_MAX : threads);
    (void)setenv("UV_THREADPOOL_SIZE", text, 0);
}

static int start_signals(struct loop *loop)
{
    int r = uv_async_init(&loop->uv, &loop->deliver, on_deliver);
    loop->deliver.data = loop;
    for (size_t i = 0; i < SIGNAL_COUNT && r == 0; i++) {
        r = uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        if (r == 0) {
            r = uv_signal_start(&loop->signals[i], on_uv_signal, signal_table[i].number);
        }
    }
    return r;
}

int loop_open(struct loop **out)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    loop_pool_size(0);
    struct loop *loop = mem_zalloc(sizeof(*loop));
    int r = uv_loop_init(&loop->uv);
    if (r < 0) {
        free(loop);
        return r;
    }
    r = start_signals(loop);
    if (r < 0) {
        loop_close(loop);
        return r;
    }
    *out = loop;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void quieten_handle(uv_handle_t *handle, void *arg)
{
    if (handle->type == UV_TIMER) {
        (void)uv_timer_stop((uv_timer_t *)handle);
    } else {
        close_handle(handle, arg);
    }
}

/* Work in the pool ends, and its owners free their timers, before the handles that nobody owns are closed.
 * Return: false when some is still under way at @until_ms. */
static bool finish_work(struct loop *loop, uint64_t until_ms)
{
    uv_walk(&loop->uv, quieten_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    for (;;) {
        uv_walk(&loop->uv, quieten_handle, NULL);
        if (!uv_loop_alive(&loop->uv)) {
            return true;
        }
        uint64_t now = clock_read().mono_ms;
        if (now >= until_ms) {
            return false;
        }
        uint64_t left = until_ms - now;
        bool closing = uv_backend_timeout(&loop->uv) == 0;
        struct pollfd wake = {.fd = uv_backend_fd(&loop->uv), .events = POLLIN};
        (void)poll(&wake, 1, closing ? 0 : left < WAIT_MS_MAX ? (int)left : WAIT_MS_MAX);
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
}

bool loop_close_within(struct loop *loop, uint64_t ms)
{
    if (!loop) {
        return true;
    }
    loop_detach_dp(loop);
    uint64_t now = clock_read().mono_ms;
    if (!finish_work(loop, ms < CLOCK_NEVER - now ? now + ms : CLOCK_NEVER)) {
        return false;
    }
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) == 0) { /* else something of ours is still alive in there: leaking is the safe side */
        free(loop);
    }
    return true;
}

void loop_close(struct loop *loop)
{
    (void)loop_close_within(loop, CLOCK_NEVER);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

/* ------------------------------------------------------------------ timers */

struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
};

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct loop_timer *timer = mem_zalloc(sizeof(*timer));
    BUG_ON(uv_timer_init(&loop->uv, &timer->uv) != 0);
    timer->uv.data = timer;
    timer->fn = fn;
    timer->arg = arg;
    return timer;
}

static void start(struct loop_timer *timer, uint64_t ms, uint64_t repeat)
{
    /* libuv counts from the start of the turn; without this a timer could fire early after a long turn. */
    uv_update_time(timer->uv.loop);
    BUG_ON(uv_timer_start(&timer->uv, on_timer, ms, repeat) != 0);
}

void loop_timer_after(struct loop_timer *timer, uint64_t ms)
{
    start(timer, ms, 0);
}

void loop_timer_at(struct loop_timer *timer, uint64_t mono_ms)
{
    if (mono_ms == CLOCK_NEVER) {
        loop_timer_stop(timer);
        return;
    }
    uint64_t now = clock_read().mono_ms;
    start(timer, mono_ms > now ? mono_ms - now : 0, 0);
}

void loop_timer_every(struct loop_timer *timer, uint64_t ms)
{
    start(timer, ms, ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    (void)uv_timer_stop(&timer->uv);
}

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer && !uv_is_closing((uv_handle_t *)&timer->uv)) {
        uv_close((uv_handle_t *)&timer->uv, free_timer);
    }
}

/* ------------------------------------------------------------------ file descriptors */

struct loop_watch {
    uv_poll_t uv;
    void (*fn)(void *arg);
    void *arg;
};

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *watch = handle->data;
    (void)events;
    (void)status; /* an error shows when the owner reads */
    watch->fn(watch->arg);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

int loop_watch_new(struct loop *loop, int fd, void (*fn)(void *arg), void *arg, struct loop_watch **out)
{
    struct loop_watch *watch = mem_zalloc(sizeof(*watch));
    int r = uv_poll_init(&loop->uv, &watch->uv, fd);
    if (r < 0) {
        free(watch);
        return r;
    }
    watch->uv.data = watch;
    watch->fn = fn;
    watch->arg = arg;
    r = uv_poll_start(&watch->uv, UV_READABLE, on_readable);
    if (r < 0) {
        uv_close((uv_handle_t *)&watch->uv, free_watch);
        return r;
    }
    *out = watch;
    return 0;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch && !uv_is_closing((uv_handle_t *)&watch->uv)) {
        (void)uv_poll_stop(&watch->uv);
        uv_close((uv_handle_t *)&watch->uv, free_watch);
    }
}

/* ------------------------------------------------------------------ the data plane */

static void on_dp(uv_poll_t *handle, int status, int events)
{
    struct loop *loop = handle->data;
    (void)events;
    if (status == 0 && loop->dp) {
        (void)dp_drain(loop->dp, loop->dp_fn, loop->dp_arg, DP_BUDGET);
    }
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

int loop_attach_dp(struct loop *loop, struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg)
{
    loop_detach_dp(loop);
    uv_poll_t *poll = mem_zalloc(sizeof(*poll));
    int r = uv_poll_init(&loop->uv, poll, dp_fd(dp));
    if (r < 0) {
        free(poll);
        return r;
    }
    poll->data = loop;
    loop->dp_poll = poll;
    loop->dp = dp;
    loop->dp_fn = fn;
    loop->dp_arg = arg;
    r = uv_poll_start(poll, UV_READABLE, on_dp);
    if (r < 0) {
        loop_detach_dp(loop);
    }
    return r;
}

void loop_detach_dp(struct loop *loop)
{
    loop->dp = NULL;
    if (loop->dp_poll) {
        (void)uv_poll_stop(loop->dp_poll);
        uv_close((uv_handle_t *)loop->dp_poll, free_handle);
        loop->dp_poll = NULL;
    }
}
