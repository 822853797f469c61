/* SPDX-License-Identifier: MIT */
#include "dp/user/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/span.h"
#include "dp/user/peer.h"
#include "dp/user/tcp_io.h"
#include "dp/user/udp_io.h"
#include "dp/user/user.h"

#define KEY_MAX (4 + 19)

static size_t key_of(uint8_t key[KEY_MAX], uint32_t listener, const union addr *remote)
{
    be32_store(key, listener);
    return 4 + addr_key(remote, key + 4);
}

int path_new(struct user *user, const struct dp_path *where, struct peer *peer, struct path **out)
{
    struct path *path = mem_aligned(64, sizeof(*path));
    path->where = *where;
    path->peer = peer;
    atomic_init(&path->gso_max, user->dp.config.no_offload ? 0u : UINT16_MAX);
    if (where->conn != DP_NO_CONN) {
        path->conn = conn_find(user, where->conn);
        if (!path->conn) {
            free(path);
            return ERR_NOT_FOUND;
        }
        conn_hold(path->conn);
    } else {
        struct listener *listener = listener_get(user, where->listener);
        if (!listener) {
            free(path);
            return ERR_NOT_FOUND;
        }
        (void)addr_from_sockaddr(&path->where.remote, &where->remote.any, addr_size(&where->remote));
        path->to_len = listener_address(listener, &path->where.remote, &path->to);
    }
    *out = path;
    return 0;
}

void path_link(struct user *user, struct path *path)
{
    if (path->conn) {
        conn_set_peer(path->conn, path->peer);
        return;
    }
    uint8_t key[KEY_MAX];
    size_t len = key_of(key, path->where.listener, &path->where.remote);
    table_insert(&user->by_addr, &path->node, table_hash(&user->by_addr, key, len));
}

static void release(struct rcu_item *item)
{
    struct path *path = container_of(item, struct path, rcu);
    if (path->conn) {
        conn_release(path->conn);
    }
    free(path);
}

void path_unlink(struct user *user, struct path *path)
{
    if (path->conn) {
        conn_unset_peer(path->conn, path->peer);
    } else {
        table_remove(&user->by_addr, &path->node);
    }
    rcu_domain_defer(&user->rcu, &path->rcu, release);
}

struct path *path_find(const struct user *user, uint32_t listener, const union addr *remote)
{
    uint8_t key[KEY_MAX];
    size_t len = key_of(key, listener, remote);
    unsigned link;
    struct table_node *n = table_first(&user->by_addr, table_hash(&user->by_addr, key, len), &link);
    for (; n; n = table_next(n, link)) {
        struct path *path = container_of(n, struct path, node);
        if (path->where.listener == listener && addr_equal(&path->where.remote, remote)) {
            return path;
        }
    }
    return NULL;
}
