/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_RCU_H
#define VPND_DP_USER_RCU_H

/*
 * Publication by pointer. Workers are QSBR readers: they announce a quiescent state once a turn and are offline
 * while they block; loads of published pointers are C11 acquire loads. What was unlinked is released by a
 * reclaimer thread after a grace period, so that no writer ever waits.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** Embedded in every object that readers may still see when it is unlinked. */
struct rcu_item {
    struct rcu_item *next;
    void (*release)(struct rcu_item *item);
};

/** The reclaimer of one data plane. */
struct rcu_domain {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct rcu_item *waiting;
    bool running;
    bool stop;
};

/** rcu_domain_init - an idle domain; its thread starts with rcu_domain_start(). */
void rcu_domain_init(struct rcu_domain *domain);

/** rcu_domain_start - start the reclaimer. Return: 0 or -errno. Control thread. */
int rcu_domain_start(struct rcu_domain *domain);

/** rcu_domain_stop - release everything that waits and end the thread; no reader may be left. Control thread. */
void rcu_domain_stop(struct rcu_domain *domain);

/** rcu_domain_defer - call @release for an unlinked object after a grace period, on the reclaimer's thread.
 *  Any thread; never blocks. */
void rcu_domain_defer(struct rcu_domain *domain, struct rcu_item *item, void (*release)(struct rcu_item *item));

/** rcu_readers_wait - wait until no reader holds what was unlinked before: a turn of each worker. No reader may call
 *  it. For what has to be released before its caller goes on; everything else is deferred. */
void rcu_readers_wait(void);

/** rcu_reader_start - the calling thread becomes a reader (online). */
void rcu_reader_start(void);

/** rcu_reader_stop - the calling thread is a reader no more. */
void rcu_reader_stop(void);

/** rcu_reader_quiescent - the calling reader holds no pointer from a table. Once a turn. */
void rcu_reader_quiescent(void);

/** rcu_reader_offline - as quiescent, and grace periods do not wait for this thread until rcu_reader_online(). */
void rcu_reader_offline(void);

/** rcu_reader_online - end of rcu_reader_offline(). */
void rcu_reader_online(void);

#endif
