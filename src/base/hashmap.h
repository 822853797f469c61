/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_HASHMAP_H
#define VPND_BASE_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Intrusive chained hash table, keyed with a random SipHash key so that peers cannot choose collisions. It
 * grows by itself and never owns its objects. Control thread only (the data plane has its own RCU tables).
 */
struct hash_node {
    struct hash_node *next;
    uint64_t hash;
};

struct hashmap {
    struct hash_node **buckets;
    size_t mask;
    size_t count;
    uint8_t key[16];
};

/** hashmap_init - an empty table with a fresh random key. */
void hashmap_init(struct hashmap *map);

/** hashmap_free - release the bucket array; the objects stay the caller's. */
void hashmap_free(struct hashmap *map);

/** hashmap_hash - hash of key bytes for this table. */
uint64_t hashmap_hash(const struct hashmap *map, const void *key, size_t len);

/** hashmap_insert - add @node under @hash; duplicates are not looked for. */
void hashmap_insert(struct hashmap *map, struct hash_node *node, uint64_t hash);

/** hashmap_remove - take @node out. Return: false if it was not in the table. */
bool hashmap_remove(struct hashmap *map, struct hash_node *node);

/** hashmap_first - first node with exactly this @hash, or NULL; compare its key, then go on with hashmap_next(). */
struct hash_node *hashmap_first(const struct hashmap *map, uint64_t hash);

/** hashmap_next - next node with the same hash as @node, or NULL. */
struct hash_node *hashmap_next(const struct hash_node *node);

/** hashmap_each - call @fn for every node; @fn may remove (and free) the node it is given, nothing else. */
void hashmap_each(struct hashmap *map, void (*fn)(struct hash_node *node, void *arg), void *arg);

#endif
