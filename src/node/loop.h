/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_LOOP_H
#define VPND_NODE_LOOP_H

/*
 * The control thread's event loop: libuv with OpenVPN's signal semantics, one-shot timers and the data plane's
 * events. Thread: everything here is for the loop thread only.
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "dp/dp.h"

struct loop;

/* ------------------------------------------------------------------ signals (client behaviour spec, 10) */

/** Rising priority: a pending signal is replaced only by one of equal or higher priority. */
enum loop_signal {
    LOOP_SIGNAL_NONE,
    LOOP_SIGNAL_USR2,
    LOOP_SIGNAL_USR1,
    LOOP_SIGNAL_HUP,
    LOOP_SIGNAL_INT,
    LOOP_SIGNAL_TERM,
};

/** Where it came from; decides the word in the log line. */
enum loop_signal_source { LOOP_SOURCE_HARD, LOOP_SOURCE_SOFT, LOOP_SOURCE_CONNECTION_FAILED };

/** What the process is doing; decides what external signals mean (10). */
enum loop_phase {
    LOOP_PHASE_RUNNING,      /* everything is delivered */
    LOOP_PHASE_INITIALISING, /* HUP, USR1 and USR2 are ignored */
    LOOP_PHASE_CONNECTING,   /* waiting for resolver, TCP connect or proxy: an external USR1 becomes HUP */
    LOOP_PHASE_EXITING,      /* exit notification under way: external USR1, HUP, USR2 ignored, internal become TERM */
};

struct loop_signal_info {
    enum loop_signal signal;
    enum loop_signal_source source;
    const char *reason; /* "" for external ones; a static string such as "ping-restart" */
};

/** Called on the loop thread, never from within loop_raise(). */
typedef void (*loop_signal_fn)(void *arg, const struct loop_signal_info *info);

/** loop_pool_size - threads for handshakes and other slow steps (libuv's pool); 0: one for each CPU, at least 4.
 *  Before the first loop_open(); without a call that default holds. UV_THREADPOOL_SIZE in the environment wins. */
void loop_pool_size(unsigned threads);

/**
 * loop_open - make the loop, block SIGPIPE, catch SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2
 * Call after daemon_detach() and before any other thread exists.
 * Return: 0 and *out, or a negative libuv error (which is -errno).
 */
int loop_open(struct loop **out);

/** loop_close - close what is left on the loop, run until that is done, release. NULL is fine. */
void loop_close(struct loop *loop);

/**
 * loop_close_within - as loop_close(), but give up after @ms when work in the pool lasts longer: nobody can interrupt
 * the system's lookup of a name
 * Return: false when it gave up. Then @loop is still there (try again, or leave it), and exit() would wait
 * for the pool, too: _exit() does not.
 */
bool loop_close_within(struct loop *loop, uint64_t ms);

/** loop_uv - the libuv loop, for modules with handles of their own. */
uv_loop_t *loop_uv(struct loop *loop);

/** loop_run - handle events until loop_stop(). */
void loop_run(struct loop *loop);

/** loop_stop - make loop_run() return after the current turn. */
void loop_stop(struct loop *loop);

/** loop_on_signal - one receiver of signals; NULL: they stay pending. */
void loop_on_signal(struct loop *loop, loop_signal_fn fn, void *arg);

/** loop_set_phase - see enum loop_phase. */
void loop_set_phase(struct loop *loop, enum loop_phase phase);

/** loop_set_remap_usr1 - `remap-usr1`: LOOP_SIGNAL_HUP, LOOP_SIGNAL_TERM, or NONE for off. */
void loop_set_remap_usr1(struct loop *loop, enum loop_signal to);

/**
 * loop_raise - an internal signal; delivered in a later turn, unless a pending one has higher priority
 * @reason: static text, as in the table of section 10
 */
void loop_raise(struct loop *loop, enum loop_signal signal, enum loop_signal_source source, const char *reason);

/** loop_signal_pending - the signal that waits for delivery, LOOP_SIGNAL_NONE if none. */
enum loop_signal loop_signal_pending(const struct loop *loop);

/** loop_signal_name - "SIGTERM". */
const char *loop_signal_name(enum loop_signal signal);

/** loop_signal_from_name - "SIGHUP" and so on. Return: LOOP_SIGNAL_NONE when unknown. */
enum loop_signal loop_signal_from_name(const char *name);

/** loop_signal_log - "SIGTERM[hard,] received, process exiting" or "SIGUSR1[soft,ping-restart] received, process
 *  restarting". */
void loop_signal_log(const struct loop_signal_info *info);

/** loop_signal_env - value of the `signal` variable of down scripts: the reason, or "sigterm" for an external one. */
const char *loop_signal_env(const struct loop_signal_info *info);

/* ------------------------------------------------------------------ timers */

struct loop_timer;

/** loop_timer_new - a stopped timer. @fn may free it. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg);

/** loop_timer_after - (re)arm: once, in @ms milliseconds. */
void loop_timer_after(struct loop_timer *timer, uint64_t ms);

/** loop_timer_at - (re)arm: once, at clock_read().mono_ms == @mono_ms; CLOCK_NEVER stops it. */
void loop_timer_at(struct loop_timer *timer, uint64_t mono_ms);

/** loop_timer_every - (re)arm: every @ms milliseconds. */
void loop_timer_every(struct loop_timer *timer, uint64_t ms);

/** loop_timer_stop - it does not fire any more until armed again. */
void loop_timer_stop(struct loop_timer *timer);

/** loop_timer_free - stop and release (also from within its own callback); NULL is fine. */
void loop_timer_free(struct loop_timer *timer);

/* ------------------------------------------------------------------ file descriptors and the data plane */

struct loop_watch;

/** loop_watch_new - call @fn whenever @fd (not owned) is readable. Return: 0 and *out, or negative. */
int loop_watch_new(struct loop *loop, int fd, void (*fn)(void *arg), void *arg, struct loop_watch **out);

/** loop_watch_free - stop watching; @fd may be closed right after. NULL is fine. */
void loop_watch_free(struct loop_watch *watch);

/**
 * loop_attach_dp - deliver the events of @dp on the loop
 * A turn drains at most a fixed budget, so that timers and handshakes are not starved by a flood.
 * Return: 0 or negative.
 */
int loop_attach_dp(struct loop *loop, struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg);

/** loop_detach_dp - stop delivering; call before dp_close(). */
void loop_detach_dp(struct loop *loop);

#endif
