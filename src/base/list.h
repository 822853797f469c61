/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_LIST_H
#define VPND_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** Intrusive doubly linked list; a head is a node that belongs to no object. */
struct list {
    struct list *next;
    struct list *prev;
};

/** container_of - the object that embeds @member at @ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** list_init - make @l an empty head, or a node in no list. */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/** list_empty - head has no elements (or node is in no list). */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/** list_push - insert @node before @head, that is at the tail. */
static inline void list_push(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/** list_remove - take @node out of its list; harmless when it is in none. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/** list_for - iterate; @next is a second cursor so that @node may be removed. */
#define list_for(node, next_node, head)                                                                                \
    for (struct list *node = (head)->next, *next_node = node->next; node != (head);                                    \
         node = next_node, next_node = node->next)

#endif
