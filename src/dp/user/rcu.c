/* SPDX-License-Identifier: MIT */
#include "dp/user/rcu.h"

#include <stddef.h>
#include <urcu-qsbr.h>

/* ThreadSanitizer cannot see through the barriers of an uninstrumented liburcu: tell it what they order. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
static char order;
#define ORDER_READER_DONE() __tsan_release(&order)
#define ORDER_GRACE_OVER() __tsan_acquire(&order)
#else
#define ORDER_READER_DONE() ((void)0)
#define ORDER_GRACE_OVER() ((void)0)
#endif

void rcu_domain_init(struct rcu_domain *domain)
{
    *domain = (struct rcu_domain){0};
    (void)pthread_mutex_init(&domain->lock, NULL);
    (void)pthread_cond_init(&domain->wake, NULL);
}

static void release_all(struct rcu_item *item)
{
    while (item) {
        struct rcu_item *next = item->next;
        item->release(item);
        item = next;
    }
}

static void *reclaim(void *arg)
{
    struct rcu_domain *domain = arg;
    (void)pthread_setname_np(pthread_self(), "vpnd-reclaim");
    (void)pthread_mutex_lock(&domain->lock);
    for (;;) {
        while (!domain->waiting && !domain->stop) {
            (void)pthread_cond_wait(&domain->wake, &domain->lock);
        }
        struct rcu_item *batch = domain->waiting;
        domain->waiting = NULL;
        if (!batch) {
            break;
        }
        (void)pthread_mutex_unlock(&domain->lock);
        rcu_readers_wait();
        release_all(batch);
        (void)pthread_mutex_lock(&domain->lock);
    }
    (void)pthread_mutex_unlock(&domain->lock);
    return NULL;
}

int rcu_domain_start(struct rcu_domain *domain)
{
    if (domain->running) {
        return 0;
    }
    int err = pthread_create(&domain->thread, NULL, reclaim, domain);
    domain->running = err == 0;
    return -err;
}

void rcu_domain_stop(struct rcu_domain *domain)
{
    if (domain->running) {
        (void)pthread_mutex_lock(&domain->lock);
        domain->stop = true;
        (void)pthread_cond_signal(&domain->wake);
        (void)pthread_mutex_unlock(&domain->lock);
        (void)pthread_join(domain->thread, NULL);
        domain->running = false;
    }
    while (domain->waiting) { /* a release function may defer again */
        struct rcu_item *batch = domain->waiting;
        domain->waiting = NULL;
        release_all(batch);
    }
    (void)pthread_mutex_destroy(&domain->lock);
    (void)pthread_cond_destroy(&domain->wake);
}

void rcu_domain_defer(struct rcu_domain *domain, struct rcu_item *item, void (*release)(struct rcu_item *item))
{
    item->release = release;
    (void)pthread_mutex_lock(&domain->lock);
    item->next = domain->waiting;
    domain->waiting = item;
    (void)pthread_cond_signal(&domain->wake);
    (void)pthread_mutex_unlock(&domain->lock);
}

void rcu_readers_wait(void)
{
    synchronize_rcu();
    ORDER_GRACE_OVER();
}

void rcu_reader_start(void)
{
    rcu_register_thread();
}

void rcu_reader_stop(void)
{
    ORDER_READER_DONE();
    rcu_unregister_thread();
}

void rcu_reader_quiescent(void)
{
    ORDER_READER_DONE();
    rcu_quiescent_state();
}

void rcu_reader_offline(void)
{
    ORDER_READER_DONE();
    rcu_thread_offline();
}

void rcu_reader_online(void)
{
    rcu_thread_online();
}
