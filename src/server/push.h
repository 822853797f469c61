/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PUSH_H
#define VPND_SERVER_PUSH_H

/*
 * The list of options that one client is going to be sent: the global list, changed by its own configuration
 * (spec: control channel session, 8.3; server behaviour, 3.2). Pure. Control thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/** One pushed option. */
struct push_item {
    char *text;
    bool removed; /* by push-remove or because the client owns the route */
};

/** Zero-initialise; free with push_list_free(). */
struct push_list {
    struct push_item *items;
    size_t count;
    size_t cap;
    bool no_ifconfig;      /* push-remove ifconfig */
    bool no_ifconfig_ipv6; /* push-remove ifconfig-ipv6 */
};

/** push_list_add - append @text, copied. Return: 0, or ERR_FORMAT when it contains a comma, a control character,
 *  nothing, or does not fit a push message. */
int push_list_add(struct push_list *list, const char *text);

/** push_list_addf - push_list_add() of formatted text that is known to fit. */
void push_list_addf(struct push_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** push_list_inherit - append everything of @global that is not removed. */
void push_list_inherit(struct push_list *list, const struct push_list *global);

/** push_list_reset - push-reset: forget all items (not what push-remove said). */
void push_list_reset(struct push_list *list);

/** push_list_remove - push-remove: every item that begins with @prefix; also the two address options, exactly. */
void push_list_remove(struct push_list *list, const char *prefix);

/** push_list_drop_route - remove `route` and `route-ipv6` items for exactly @net without gateway or metric,
 *  because it lies behind the client itself. */
void push_list_drop_route(struct push_list *list, const struct ip_prefix *net);

/** push_list_next - item after *@index that is not removed. Start with 0. Return: its text, or NULL at the end. */
const char *push_list_next(const struct push_list *list, size_t *index);

/** push_list_free - release; leaves an empty list. */
void push_list_free(struct push_list *list);

#endif
