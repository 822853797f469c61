/* SPDX-License-Identifier: MIT */
#include "dp/user/table.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/siphash.h"

#define BUCKETS_FIRST 64

static struct table_buckets *new_buckets(struct table *table, size_t count, unsigned link)
{
    struct table_buckets *b = mem_zalloc(sizeof(*b) + count * sizeof(b->heads[0]));
    b->table = table;
    b->mask = count - 1;
    b->link = link;
    return b;
}

void table_init(struct table *table, struct rcu_domain *rcu)
{
    *table = (struct table){.rcu = rcu};
    rand_fill(rand_system(), table->key, sizeof(table->key));
    atomic_init(&table->buckets, new_buckets(table, BUCKETS_FIRST, 0));
}

void table_free(struct table *table)
{
    free(atomic_load(&table->buckets));
    atomic_store(&table->buckets, NULL);
}

uint64_t table_hash(const struct table *table, const void *key, size_t len)
{
    return siphash(table->key, key, len);
}

static void link_node(struct table_buckets *b, struct table_node *node)
{
    struct table_node *_Atomic *head = &b->heads[node->hash & b->mask];
    atomic_store_explicit(&node->next[b->link], atomic_load_explicit(head, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(head, node, memory_order_release);
}

static void release_buckets(struct rcu_item *item)
{
    struct table_buckets *b = container_of(item, struct table_buckets, rcu);
    atomic_store_explicit(&b->table->growing, false, memory_order_release);
    free(b);
}

static void grow(struct table *table)
{
    struct table_buckets *old = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    struct table_buckets *b = new_buckets(table, (old->mask + 1) * 4, old->link ^ 1);
    for (size_t i = 0; i <= old->mask; i++) {
        struct table_node *n = atomic_load_explicit(&old->heads[i], memory_order_relaxed);
        for (; n; n = atomic_load_explicit(&n->next[old->link], memory_order_relaxed)) {
            link_node(b, n);
        }
    }
    atomic_store_explicit(&table->growing, true, memory_order_relaxed);
    atomic_store_explicit(&table->buckets, b, memory_order_release);
    rcu_domain_defer(table->rcu, &old->rcu, release_buckets);
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    struct table_buckets *b = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    if (table->count > b->mask && !atomic_load_explicit(&table->growing, memory_order_acquire)) {
        grow(table);
        b = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    }
    node->hash = hash;
    link_node(b, node);
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_buckets *b = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    struct table_node *_Atomic *at = &b->heads[node->hash & b->mask];
    for (struct table_node *n = atomic_load(at); n; n = atomic_load(at)) {
        if (n == node) {
            atomic_store_explicit(at, atomic_load(&n->next[b->link]), memory_order_release);
            table->count--;
            return;
        }
        at = &n->next[b->link];
    }
}

void table_each(struct table *table, void (*fn)(struct table_node *node, void *arg), void *arg)
{
    const struct table_part all = {0, 1, 1};
    table_each_part(table, &all, fn, arg);
}

void table_each_part(struct table *table, const struct table_part *part,
                     void (*fn)(struct table_node *node, void *arg), void *arg)
{
    struct table_buckets *b = atomic_load_explicit(&table->buckets, memory_order_relaxed);
    uint64_t count = b->mask + 1;
    for (uint64_t i = count * part->from / part->of; i < count * part->to / part->of; i++) {
        struct table_node *n = atomic_load(&b->heads[i]);
        while (n) {
            struct table_node *next = atomic_load(&n->next[b->link]);
            fn(n, arg);
            n = next;
        }
    }
}
