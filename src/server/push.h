/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PUSH_H
#define VPND_SERVER_PUSH_H

/*
 * The list of options that one client is going to be sent, in the order of control channel session spec, 8.3.
 * Pure. Control thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/** One pushed option. */
struct push_item {
    char *text;
    bool removed; /* the client owns the route */
};

/** Zero-initialise; free with push_list_free(). */
struct push_list {
    struct push_item *items;
    size_t count;
    size_t cap;
};

/** push_list_add - append @text, copied. Return: 0, or ERR_FORMAT when it contains a comma, a control character,
 *  nothing, or does not fit a push message. */
int push_list_add(struct push_list *list, const char *text);

/** push_list_addf - push_list_add() of formatted text that is known to fit. */
void push_list_addf(struct push_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** push_list_drop_route - remove `route` and `route-ipv6` items for exactly @net without gateway or metric,
 *  because it lies behind the client itself. */
void push_list_drop_route(struct push_list *list, const struct ip_prefix *net);

/** push_list_next - item after *@index that is not removed. Start with 0. Return: its text, or NULL at the end. */
const char *push_list_next(const struct push_list *list, size_t *index);

/** push_list_free - release; leaves an empty list. */
void push_list_free(struct push_list *list);

#endif
