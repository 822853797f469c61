/* SPDX-License-Identifier: MIT */
#include "base/hashmap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/siphash.h"

#define INITIAL_BUCKETS 16

void hashmap_init(struct hashmap *map)
{
    map->buckets = mem_array(INITIAL_BUCKETS, sizeof(*map->buckets));
    map->mask = INITIAL_BUCKETS - 1;
    map->count = 0;
    rand_fill(rand_system(), map->key, sizeof(map->key));
}

void hashmap_free(struct hashmap *map)
{
    free(map->buckets);
    map->buckets = NULL;
    map->count = 0;
}

uint64_t hashmap_hash(const struct hashmap *map, const void *key, size_t len)
{
    return siphash(map->key, key, len);
}

static void link_node(struct hash_node **buckets, size_t mask, struct hash_node *node)
{
    struct hash_node **slot = &buckets[node->hash & mask];
    node->next = *slot;
    *slot = node;
}

static void double_buckets(struct hashmap *map)
{
    size_t size = (map->mask + 1) * 2;
    struct hash_node **fresh = mem_array(size, sizeof(*fresh));
    for (size_t i = 0; i <= map->mask; i++) {
        struct hash_node *node = map->buckets[i];
        while (node) {
            struct hash_node *next = node->next;
            link_node(fresh, size - 1, node);
            node = next;
        }
    }
    free(map->buckets);
    map->buckets = fresh;
    map->mask = size - 1;
}

void hashmap_insert(struct hashmap *map, struct hash_node *node, uint64_t hash)
{
    if (map->count > map->mask) {
        double_buckets(map);
    }
    node->hash = hash;
    link_node(map->buckets, map->mask, node);
    map->count++;
}

bool hashmap_remove(struct hashmap *map, struct hash_node *node)
{
    for (struct hash_node **at = &map->buckets[node->hash & map->mask]; *at; at = &(*at)->next) {
        if (*at == node) {
            *at = node->next;
            node->next = NULL;
            map->count--;
            return true;
        }
    }
    return false;
}

static struct hash_node *find_hash(struct hash_node *node, uint64_t hash)
{
    while (node && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct hash_node *hashmap_first(const struct hashmap *map, uint64_t hash)
{
    return find_hash(map->buckets[hash & map->mask], hash);
}

struct hash_node *hashmap_next(const struct hash_node *node)
{
    return find_hash(node->next, node->hash);
}

void hashmap_each(struct hashmap *map, void (*fn)(struct hash_node *node, void *arg), void *arg)
{
    for (size_t i = 0; i <= map->mask; i++) {
        struct hash_node *node = map->buckets[i];
        while (node) {
            struct hash_node *next = node->next;
            fn(node, arg);
            node = next;
        }
    }
}
