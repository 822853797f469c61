/* SPDX-License-Identifier: MIT */
#include "dp/user/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "dp/user/keepalive.h"
#include "dp/user/tcp_io.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "sys/sandbox.h"

#define EVENTS_A_TURN 64
#define RECEIVES_A_TURN 4

int worker_new(struct user *user, unsigned index, bool thread, struct worker **out)
{
    struct worker *w = mem_aligned(64, sizeof(*w));
    w->user = user;
    w->index = index;
    w->epoll = -1;
    w->wake = -1;
    if (thread) {
        w->epoll = epoll_create1(EPOLL_CLOEXEC);
        w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (w->epoll < 0 || w->wake < 0) {
            int err = -errno;
            worker_free(w);
            return err;
        }
        rx_init(&w->rx);
        w->device_buffer = mem_array(TUN_IO_BUFFER_BYTES, 1);
        worker_watch(w, w->wake, WORKER_WATCH_WAKE, 0, true);
    }
    event_ring_init(&w->ring, user->event_fd);
    keyslot_worker_init(&w->crypto, user->engines);
    tx_init(&w->tx);
    worker_clock(w);
    *out = w;
    return 0;
}

void worker_free(struct worker *w)
{
    if (!w) {
        return;
    }
    if (w->crypto.aead) {
        keyslot_worker_free(&w->crypto);
    }
    tx_free(&w->tx);
    rx_free(&w->rx);
    event_ring_free(&w->ring);
    free(w->device_buffer);
    if (w->epoll >= 0) {
        (void)close(w->epoll);
    }
    if (w->wake >= 0) {
        (void)close(w->wake);
    }
    free(w);
}

void worker_clock(struct worker *w)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    w->now_s = (uint32_t)t.tv_sec;
    w->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ what is waited for */

static uint64_t tag(enum worker_watch what, uint32_t id)
{
    return (uint64_t)what << 32 | id;
}

void worker_watch(struct worker *w, int fd, enum worker_watch what, uint32_t id, bool reads)
{
    struct epoll_event event = {.events = reads ? EPOLLIN : 0u, .data.u64 = tag(what, id)};
    (void)epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event);
}

void worker_rewatch(struct worker *w, int fd, enum worker_watch what, uint32_t id, bool input, bool output)
{
    struct epoll_event event = {.events = (input ? EPOLLIN : 0u) | (output ? EPOLLOUT : 0u),
                                .data.u64 = tag(what, id)};
    (void)epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &event);
}

void worker_unwatch(struct worker *w, int fd)
{
    (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void worker_wake(struct worker *w)
{
    event_wake(w->wake);
}

/* ------------------------------------------------------------------ the loop */

static void udp_ready(struct worker *w, uint32_t id, uint32_t events)
{
    const struct listener *l = listener_get(w->user, id);
    if (!l) {
        return;
    }
    if (events & EPOLLOUT && w->tx.blocked) {
        tx_resume(w);
    }
    if (events & (EPOLLIN | EPOLLERR)) {
        unsigned full = 0;
        while (full < RECEIVES_A_TURN && rx_udp(w, l, listener_fd(l, w->index))) {
            full++;
        }
        if (full == RECEIVES_A_TURN) {
            moderate_more(&w->moderate);
        }
        tx_flush(w);
    }
}

static void handle(struct worker *w, const struct epoll_event *event)
{
    uint32_t id = (uint32_t)event->data.u64;
    switch ((enum worker_watch)(event->data.u64 >> 32)) {
    case WORKER_WATCH_WAKE: {
        uint64_t count;
        (void)!read(w->wake, &count, sizeof(count));
        break;
    }
    case WORKER_WATCH_DEVICE:
        tun_io_read(w, id);
        break;
    case WORKER_WATCH_UDP:
        udp_ready(w, id, event->events);
        break;
    case WORKER_WATCH_CONN: {
        struct conn *c = conn_find(w->user, id);
        if (c) {
            conn_ready(w, c, event->events & (EPOLLIN | EPOLLERR | EPOLLHUP), event->events & EPOLLOUT);
        }
        break;
    }
    }
}

/* A listener or connection that went away while it was full can never tell us that it is writable. */
static void check_blocked(struct worker *w)
{
    if (w->device_pauses & TUN_IO_PAUSE_CONN && !conn_find(w->user, w->paused_conn)) {
        tun_io_pause(w, TUN_IO_PAUSE_CONN, false);
    }
    if (w->tx.blocked && !listener_get(w->user, w->tx.blocked_listener)) {
        tx_resume(w);
    }
}

/* With a shaper the device is left alone until the last packets have had their time. */
static int shaper_wait(struct worker *w, int timeout)
{
    if (w->shaper_until_us <= w->now_ms * 1000) {
        tun_io_pause(w, TUN_IO_PAUSE_SHAPER, false);
        return timeout;
    }
    tun_io_pause(w, TUN_IO_PAUSE_SHAPER, true);
    int wait = (int)(w->shaper_until_us / 1000 - w->now_ms) + 1;
    return timeout < 0 || wait < timeout ? wait : timeout;
}

static void turn(struct worker *w)
{
    struct epoll_event events[EVENTS_A_TURN];
    int timeout = w->index == 0 ? keepalive_wait_ms(w) : -1;
    timeout = shaper_wait(w, timeout);
    rcu_reader_offline();
    moderate_wait(&w->moderate);
    int n = epoll_wait(w->epoll, events, EVENTS_A_TURN, timeout);
    rcu_reader_online();
    worker_syscall(w);
    worker_clock(w);
    for (int i = 0; i < n; i++) {
        handle(w, &events[i]);
    }
    check_blocked(w);
    if (w->index == 0) {
        keepalive_tick(w);
    }
}

static void *run(void *arg)
{
    struct worker *w = arg;
    char name[16];
    (void)snprintf(name, sizeof(name), "vpnd-worker%u", w->index);
    (void)pthread_setname_np(pthread_self(), name);
    rcu_reader_start();
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* for moderate_wait(): the default would nearly double it */
    (void)sandbox_packet_thread(); /* where there is one */
    while (!atomic_load_explicit(&w->user->stop, memory_order_acquire)) {
        turn(w);
    }
    rcu_reader_stop();
    return NULL;
}

int worker_start(struct worker *w)
{
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the control thread's */
    int err = pthread_create(&w->thread, NULL, run, w);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    w->running = err == 0;
    return -err;
}

void worker_stop(struct worker *w)
{
    if (w->running) {
        worker_wake(w);
        (void)pthread_join(w->thread, NULL);
        w->running = false;
    }
}
