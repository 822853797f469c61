/* SPDX-License-Identifier: MIT */
#include "server/instances.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/span.h"

#define PATH_KEY_MAX (4 + 19)

/* TCP: the connection alone; UDP: the listener and the remote address. */
static uint64_t path_hash(const struct instances *tables, const struct dp_path *path)
{
    uint8_t key[PATH_KEY_MAX] = {0};
    size_t n = 4;
    if (path->conn != DP_NO_CONN) {
        be32_store(key, path->conn);
    } else {
        be32_store(key, path->listener);
        n += addr_key(&path->remote, key + 4);
    }
    return hashmap_hash(&tables->by_path, key, n);
}

static bool same_path(const struct dp_path *a, const struct dp_path *b)
{
    if (a->conn != DP_NO_CONN || b->conn != DP_NO_CONN) {
        return a->conn == b->conn;
    }
    return a->listener == b->listener && addr_equal(&a->remote, &b->remote);
}

void instances_init(struct instances *tables, unsigned max)
{
    *tables = (struct instances){.max = max};
    list_init(&tables->all);
    hashmap_init(&tables->by_path);
    hashmap_init(&tables->by_name);
    hashmap_init(&tables->by_client);
    tables->by_id = mem_array(max, sizeof(struct instance_entry *));
}

void instances_free(struct instances *tables)
{
    BUG_ON(tables->count != 0);
    hashmap_free(&tables->by_path);
    hashmap_free(&tables->by_name);
    hashmap_free(&tables->by_client);
    free(tables->by_id);
    *tables = (struct instances){0};
}

static uint64_t client_hash(const struct instances *tables, uint64_t client_id)
{
    return hashmap_hash(&tables->by_client, &client_id, sizeof(client_id));
}

static void link_path(struct instances *tables, struct instance_entry *entry, const struct dp_path *path)
{
    entry->path = *path;
    entry->has_path = true;
    hashmap_insert(&tables->by_path, &entry->path_node, path_hash(tables, path));
}

static void unlink_path(struct instances *tables, struct instance_entry *entry)
{
    if (entry->has_path) {
        hashmap_remove(&tables->by_path, &entry->path_node);
        entry->has_path = false;
    }
}

static void unlink_name(struct instances *tables, struct instance_entry *entry)
{
    if (entry->name) {
        hashmap_remove(&tables->by_name, &entry->name_node);
        free(entry->name);
        entry->name = NULL;
    }
}

int instances_add(struct instances *tables, struct instance_entry *entry, const struct dp_path *path)
{
    while (tables->lowest < tables->max && tables->by_id[tables->lowest]) {
        tables->lowest++;
    }
    if (tables->lowest >= tables->max) {
        return ERR_LIMIT;
    }
    entry->name = NULL;
    entry->id = tables->lowest++;
    entry->client_id = tables->next_client_id++;
    tables->by_id[entry->id] = entry;
    tables->count++;
    list_push(&tables->all, &entry->link);
    hashmap_insert(&tables->by_client, &entry->client_node, client_hash(tables, entry->client_id));
    link_path(tables, entry, path);
    return 0;
}

void instances_hide(struct instances *tables, struct instance_entry *entry)
{
    unlink_path(tables, entry);
    unlink_name(tables, entry);
}

void instances_remove(struct instances *tables, struct instance_entry *entry)
{
    instances_hide(tables, entry);
    list_remove(&entry->link);
    hashmap_remove(&tables->by_client, &entry->client_node);
    tables->by_id[entry->id] = NULL;
    tables->count--;
    if (entry->id < tables->lowest) {
        tables->lowest = entry->id;
    }
}

void instances_move(struct instances *tables, struct instance_entry *entry, const struct dp_path *path)
{
    unlink_path(tables, entry);
    link_path(tables, entry, path);
}

void instances_name(struct instances *tables, struct instance_entry *entry, const char *name)
{
    unlink_name(tables, entry);
    entry->name = mem_strdup(name);
    hashmap_insert(&tables->by_name, &entry->name_node, hashmap_hash(&tables->by_name, name, strlen(name)));
}

struct instance_entry *instances_at(const struct instances *tables, const struct dp_path *path)
{
    for (struct hash_node *n = hashmap_first(&tables->by_path, path_hash(tables, path)); n; n = hashmap_next(n)) {
        struct instance_entry *entry = container_of(n, struct instance_entry, path_node);
        if (same_path(&entry->path, path)) {
            return entry;
        }
    }
    return NULL;
}

struct instance_entry *instances_by_id(const struct instances *tables, uint32_t id)
{
    return id < tables->max ? tables->by_id[id] : NULL;
}

struct instance_entry *instances_by_client(const struct instances *tables, uint64_t client_id)
{
    struct hash_node *n = hashmap_first(&tables->by_client, client_hash(tables, client_id));
    for (; n; n = hashmap_next(n)) {
        struct instance_entry *entry = container_of(n, struct instance_entry, client_node);
        if (entry->client_id == client_id) {
            return entry;
        }
    }
    return NULL;
}

struct instance_entry *instances_named(const struct instances *tables, const char *name,
                                       const struct instance_entry *after)
{
    struct hash_node *n = after ? hashmap_next(&after->name_node)
                                : hashmap_first(&tables->by_name, hashmap_hash(&tables->by_name, name, strlen(name)));
    for (; n; n = hashmap_next(n)) {
        struct instance_entry *entry = container_of(n, struct instance_entry, name_node);
        if (strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}
