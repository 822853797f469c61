/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/hashmap.h"
#include "base/list.h"

struct item {
    struct hash_node node;
    uint32_t key;
};

static struct item items[1000];

static struct item *find(struct hashmap *map, uint32_t key)
{
    struct hash_node *n = hashmap_first(map, hashmap_hash(map, &key, sizeof(key)));
    while (n && container_of(n, struct item, node)->key != key) {
        n = hashmap_next(n);
    }
    return n ? container_of(n, struct item, node) : NULL;
}

static void remove_odd(struct hash_node *node, void *arg)
{
    if (container_of(node, struct item, node)->key % 2) {
        cr_assert(hashmap_remove(arg, node));
    }
}

Test(hashmap, finds_what_was_inserted_across_growth)
{
    struct hashmap map;
    hashmap_init(&map);
    for (uint32_t i = 0; i < 1000; i++) {
        items[i].key = i;
        hashmap_insert(&map, &items[i].node, hashmap_hash(&map, &i, sizeof(i)));
    }
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(find(&map, i), &items[i]);
    }
    cr_assert_null(find(&map, 1000));
    hashmap_each(&map, remove_odd, &map);
    cr_assert_eq(map.count, 500);
    cr_assert_null(find(&map, 77));
    cr_assert_not_null(find(&map, 78));
    cr_assert_not(hashmap_remove(&map, &items[77].node));
    hashmap_free(&map);
}

Test(list, push_remove_iterate)
{
    struct list head;
    struct list nodes[3];
    list_init(&head);
    cr_assert(list_empty(&head));
    for (int i = 0; i < 3; i++) {
        list_init(&nodes[i]);
        list_push(&head, &nodes[i]);
    }
    int i = 0;
    list_for(node, next, &head)
    {
        cr_assert_eq(node, &nodes[i++]);
        list_remove(node);
    }
    cr_assert_eq(i, 3);
    cr_assert(list_empty(&head));
    list_remove(&nodes[0]);
}
