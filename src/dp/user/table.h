/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_TABLE_H
#define VPND_DP_USER_TABLE_H

/*
 * A hash table with intrusive nodes that workers read without locks and one writer at a time (the data plane's
 * lock) changes. It grows: each node has two links, so a larger bucket array is threaded through the spare ones
 * while readers still walk the old array. Keys are hashed with a random SipHash key, as peers can choose them.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/user/rcu.h"

struct table_node {
    struct table_node *_Atomic next[2];
    uint64_t hash;
};

struct table_buckets {
    struct rcu_item rcu;
    struct table *table;
    uint64_t mask;
    unsigned link; /* which of a node's two links belongs to this array */
    struct table_node *_Atomic heads[];
};

struct table {
    struct table_buckets *_Atomic buckets;
    struct rcu_domain *rcu;
    size_t count;
    atomic_bool growing; /* the last array has not been reclaimed yet: its links are not free */
    uint8_t key[16];
};

/** table_init - an empty table. */
void table_init(struct table *table, struct rcu_domain *rcu);

/** table_free - release the bucket array; no reader is left; the objects are the caller's. */
void table_free(struct table *table);

/** table_hash - hash of key bytes for this table. Any thread. */
uint64_t table_hash(const struct table *table, const void *key, size_t len);

/** table_insert - add @node under @hash; duplicates are not looked for. Under the lock. */
void table_insert(struct table *table, struct table_node *node, uint64_t hash);

/** table_remove - unlink @node; the caller defers its release. Under the lock. */
void table_remove(struct table *table, struct table_node *node);

/** table_each - call @fn for every node; @fn may remove the node that it is given. Under the lock. */
void table_each(struct table *table, void (*fn)(struct table_node *node, void *arg), void *arg);

/** Part of a whole: from @from up to, but without, @to of @of. */
struct table_part {
    uint64_t from;
    uint64_t to;
    uint64_t of; /* not 0 */
};

/** table_each_part - table_each() for one part of the table; all parts together are all of it, if it does not grow
 *  meanwhile. Under the lock. */
void table_each_part(struct table *table, const struct table_part *part,
                     void (*fn)(struct table_node *node, void *arg), void *arg);

/** table_first - first node with exactly this @hash, or NULL. *link is for table_next(). Reader or under the lock. */
static inline struct table_node *table_first(const struct table *table, uint64_t hash, unsigned *link)
{
    const struct table_buckets *b = atomic_load_explicit(&table->buckets, memory_order_acquire);
    *link = b->link;
    struct table_node *n = atomic_load_explicit(&b->heads[hash & b->mask], memory_order_acquire);
    while (n && n->hash != hash) {
        n = atomic_load_explicit(&n->next[b->link], memory_order_acquire);
    }
    return n;
}

/** table_next - next node with the same hash, or NULL. */
static inline struct table_node *table_next(const struct table_node *node, unsigned link)
{
    struct table_node *n = atomic_load_explicit(&node->next[link], memory_order_acquire);
    while (n && n->hash != node->hash) {
        n = atomic_load_explicit(&n->next[link], memory_order_acquire);
    }
    return n;
}

#endif
