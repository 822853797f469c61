/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_WORKER_H
#define VPND_DP_USER_WORKER_H

/*
 * One thread: waits in epoll for the device queue, sockets and connections that it owns and runs every packet to
 * completion. The control thread has a context of the same kind, without a thread, for the few packets that it
 * sends itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"
#include "dp/user/event.h"
#include "dp/user/keepalive.h"
#include "dp/user/keyslot.h"
#include "dp/user/moderate.h"
#include "dp/user/rx.h"
#include "dp/user/tx.h"

struct user;

/** Counters of one worker; written by it alone, read by control. */
struct worker_stats {
    _Atomic uint64_t device_rx_bytes;
    _Atomic uint64_t device_tx_bytes;
    _Atomic uint64_t device_rx_packets;
    _Atomic uint64_t device_tx_packets;
    _Atomic uint64_t link_rx_bytes;
    _Atomic uint64_t link_tx_bytes;
    _Atomic uint64_t auth_rx_bytes;
    _Atomic uint64_t syscalls;
    _Atomic uint64_t drops[DP_DROP_COUNT];
};

struct worker {
    struct user *user;
    unsigned index;              /* the control context counts as the one after the last */
    uint32_t now_s;              /* monotonic, read once a turn */
    uint64_t now_ms;
    int epoll;
    int wake;                    /* eventfd */
    uint8_t *device_buffer;      /* one read: TUN_IO_BUFFER_BYTES */
    unsigned device_pauses;      /* enum tun_io_pause: why the device queue is not being waited for */
    uint32_t device_serial;      /* the device that was read last */
    uint32_t paused_conn;        /* TUN_IO_PAUSE_CONN: which one */
    unsigned lanes_busy;         /* bit a lane: its last turn gave several packets, gathered before they are sent */
    uint64_t shaper_until_us;    /* p2p with a shaper: when the next packet may leave */
    struct keepalive_round round; /* worker 0's */
    pthread_t thread;
    bool running;
    struct moderate moderate;
    struct event_ring ring;
    struct keyslot_worker crypto;
    struct tx tx;
    struct rx rx;
    _Alignas(64) struct worker_stats stats;
};

/** What an epoll event is about. */
enum worker_watch { WORKER_WATCH_WAKE, WORKER_WATCH_DEVICE, WORKER_WATCH_UDP, WORKER_WATCH_CONN };

/** worker_new - a context; @thread: with buffers for receiving. Return: 0 and *out, or -errno. Control thread. */
int worker_new(struct user *user, unsigned index, bool thread, struct worker **out);

/** worker_start - start its thread. Return: 0 or -errno. */
int worker_start(struct worker *w);

/** worker_stop - end the thread (user->stop is set) and wait for it. */
void worker_stop(struct worker *w);

/** worker_free - release. NULL is fine. */
void worker_free(struct worker *w);

/** worker_watch - wait for @fd; @reads: also for input. Any thread. */
void worker_watch(struct worker *w, int fd, enum worker_watch what, uint32_t id, bool reads);

/** worker_rewatch - change what is waited for. Any thread. */
void worker_rewatch(struct worker *w, int fd, enum worker_watch what, uint32_t id, bool input, bool output);

/** worker_unwatch - stop waiting for @fd. Any thread. */
void worker_unwatch(struct worker *w, int fd);

/** worker_wake - make the thread take a turn. Any thread. */
void worker_wake(struct worker *w);

/** worker_clock - read the clock into now_s and now_ms. Owner. */
void worker_clock(struct worker *w);

/** worker_event - tell control. Return: false when it did not fit (the caller says it again later). Owner. */
static inline bool worker_event(struct worker *w, const struct dp_event *event, enum event_weight weight)
{
    return event_ring_push(&w->ring, event, weight);
}

/** worker_add - add to a counter that only this worker writes. */
static inline void worker_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/** worker_drop - count dropped packets. */
static inline void worker_drop(struct worker *w, unsigned reason, unsigned n)
{
    worker_add(&w->stats.drops[reason], n);
}

/** worker_syscall - count system calls. */
static inline void worker_syscall(struct worker *w)
{
    worker_add(&w->stats.syscalls, 1);
}

/** worker_touch - store a second if it changed, sparing the cache line otherwise. */
static inline void worker_touch(_Atomic uint32_t *at, uint32_t now_s)
{
    if (atomic_load_explicit(at, memory_order_relaxed) != now_s) {
        atomic_store_explicit(at, now_s, memory_order_relaxed);
    }
}

#endif
