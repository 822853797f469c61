/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_PATH_H
#define VPND_DP_USER_PATH_H

/* Where a peer is reached: an immutable, published object; a move or float replaces it. */
#include "dp/dp.h"
#include "dp/user/table.h"

struct conn;
struct peer;
struct user;

struct path {
    struct conn *conn;            /* TCP: counted reference */
    struct peer *peer;
    _Atomic uint32_t gso_max;     /* largest datagram that goes with UDP_SEGMENT; 0: the path refuses it */
    _Atomic uint32_t probed_s;    /* monotonic second in which a long datagram last went alone; 0 never */
    atomic_bool strict;           /* a single datagram was refused for its size: nothing fragments */
    socklen_t to_len;
    union addr to;                /* as the listener's socket wants it (maybe v4-mapped) */
    struct dp_path where;         /* as control sees it; the address is never v4-mapped */
    struct table_node node;       /* UDP: in user->by_addr */
    struct rcu_item rcu;
};

/** path_new - make the object. Return: 0 and *out, or ERR_NOT_FOUND (no such listener or connection). Under the lock. */
int path_new(struct user *user, const struct dp_path *where, struct peer *peer, struct path **out);

/** path_link - UDP: let the address lead to its peer. Under the lock. */
void path_link(struct user *user, struct path *path);

/** path_unlink - undo path_link() and release after a grace period. Under the lock. */
void path_unlink(struct user *user, struct path *path);

/** path_find - path of the UDP peer at @remote behind @listener, or NULL. Worker, or under the lock. */
struct path *path_find(const struct user *user, uint32_t listener, const union addr *remote);

/** path_same_source - whether a datagram's source (plain form) is this path's remote. Worker. */
static inline bool path_same_source(const struct path *path, const union addr *source)
{
    const union addr *a = &path->where.remote;
    if (a->any.sa_family != source->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET) {
        return a->v4.sin_port == source->v4.sin_port && a->v4.sin_addr.s_addr == source->v4.sin_addr.s_addr;
    }
    return addr_equal(a, source);
}

#endif
