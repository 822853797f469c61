/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_USER_H
#define VPND_DP_USER_USER_H

/*
 * The user-space data plane: one instance. Writers (control, and a worker for a float or a learnt address) hold
 * @lock; workers read what is published by pointer inside their turn.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/engines.h"
#include "dp/backend.h"
#include "dp/user/event.h"
#include "dp/user/rcu.h"
#include "dp/user/route.h"
#include "dp/user/table.h"
#include "wire/nat.h"

#define USER_WORKERS_MAX DP_WORKERS_MAX
#define USER_LISTENERS_MAX 64

struct conn;
struct device;
struct listener;
struct peer;
struct worker;

/** Translations in force; replaced as a whole. */
struct nat_rules {
    struct rcu_item rcu;
    unsigned count;
    struct nat_rule rule[];
};

struct user {
    struct dp dp;
    pthread_mutex_t lock;
    struct rcu_domain rcu;
    struct crypto_engines *engines;

    struct peer *_Atomic *peers;        /* multipoint: by id; p2p: one entry */
    uint32_t peer_slots;
    _Atomic uint32_t peer_high;         /* entries beyond were never used */
    struct table by_addr;               /* paths of UDP peers by listener and address */
    struct route_table routes;

    struct listener *_Atomic listeners[USER_LISTENERS_MAX];
    struct table conns;
    uint32_t next_conn;
    struct device *_Atomic device;
    uint32_t device_serial;             /* control's: of the last one */
    struct nat_rules *_Atomic nat;
    _Atomic uint32_t shaper;            /* bytes a second; 0 off */
    atomic_bool block_ipv6;

    struct worker *workers[USER_WORKERS_MAX];
    struct worker *control;             /* context of the control thread; has no thread of its own */
    bool started;
    atomic_bool stop;
    int event_fd;
    struct event_list said;             /* events of threads without a ring */
    unsigned drain_next;                /* ring to drain first */
};

/** user_of - the instance behind the public handle. */
static inline struct user *user_of(const struct dp *dp)
{
    return (struct user *)(uintptr_t)dp;
}

/** user_lock - become the writer. Any thread of the data plane. */
static inline void user_lock(struct user *user)
{
    (void)pthread_mutex_lock(&user->lock);
}

/** user_unlock - stop being the writer. */
static inline void user_unlock(struct user *user)
{
    (void)pthread_mutex_unlock(&user->lock);
}

#endif
