/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_STATIC_NAMES_H
#define VPND_SERVER_STATIC_NAMES_H

/* Host names in `ifconfig-push`, looked up when the client connects (spec: server behaviour, 2.4). Loop thread. */
#include "base/addr.h"

struct config_ifconfig_push;
struct loop;
struct static_names;

/** `ifconfig-push LOCAL REMOTE [ALIAS]` as addresses; alias is unset when there is none. */
struct static_ifconfig {
    struct ip_addr local;
    struct ip_addr remote;
    struct ip_addr alias;
};

/** Called once unless cancelled. @failed: the word that has no IPv4 address, or NULL and @found is complete. */
typedef void (*static_names_fn)(void *arg, const struct static_ifconfig *found, const char *failed);

/** static_names_start - @push is borrowed until the end. Return: a handle, or NULL when @done was called already. */
struct static_names *static_names_start(struct loop *loop, const struct config_ifconfig_push *push,
                                        static_names_fn done, void *arg);

/** static_names_cancel - no callback comes any more; NULL is fine. */
void static_names_cancel(struct static_names *names);

#endif
