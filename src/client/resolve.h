/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_RESOLVE_H
#define VPND_CLIENT_RESOLVE_H

/*
 * Names to addresses without blocking the loop. Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "node/loop.h"

#define RESOLVE_ADDRESSES_MAX 64 /* more from one name are left out */

struct resolve;

/** What to look up; strings are copied. */
struct resolve_request {
    const char *host;    /* name or literal address */
    const char *service; /* port number or service name */
    int family;          /* AF_UNSPEC, AF_INET, AF_INET6 */
    bool stream;         /* TCP */
};

/**
 * Called exactly once, in a later turn of the loop, unless cancelled; @resolve is released on return.
 * @error: NULL, or why there is no address ("Name or service not known")
 * @list: @count addresses with their port, in the resolver's order, valid during the call; mapped ones are IPv4
 */
typedef void (*resolve_fn)(void *arg, const char *error, const union addr *list, size_t count);

/** resolve_start - begin a lookup. Return: a handle for resolve_cancel(), never NULL. */
struct resolve *resolve_start(struct loop *loop, const struct resolve_request *request, resolve_fn fn, void *arg);

/** resolve_cancel - no callback will come; the lookup itself may go on in the background. NULL is fine. */
void resolve_cancel(struct resolve *resolve);

#endif
