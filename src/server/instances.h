/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_INSTANCES_H
#define VPND_SERVER_INSTANCES_H

/*
 * The server's clients, findable by where they are (path), by peer id, by client id and by common name. Knows nothing
 * of what a client is: each embeds a struct instance_entry. Control thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/hashmap.h"
#include "base/list.h"
#include "dp/dp.h"

/** What the tables need of one client; embedded, owned by the client. */
struct instance_entry {
    struct list link;             /* all clients, oldest first */
    struct hash_node path_node;
    struct hash_node name_node;
    struct hash_node client_node;
    struct dp_path path;
    char *name;                   /* common name; NULL while unknown */
    uint32_t id;                  /* peer id */
    uint64_t client_id;           /* CID of the management interface: never used twice */
    bool has_path;                /* findable by path */
};

struct instances {
    struct list all;
    struct hashmap by_path;
    struct hashmap by_name;
    struct hashmap by_client;
    struct instance_entry **by_id;
    unsigned max;
    unsigned count;
    unsigned lowest;              /* no free id is smaller */
    uint64_t next_client_id;
};

/** instances_init - empty tables for at most @max clients. */
void instances_init(struct instances *tables, unsigned max);

/** instances_free - release the tables, which must be empty. */
void instances_free(struct instances *tables);

/** instances_add - take @entry in with the lowest free peer id, findable by @path. Return: 0 or ERR_LIMIT (full). */
int instances_add(struct instances *tables, struct instance_entry *entry, const struct dp_path *path);

/** instances_hide - a client that is going away: not found by path and name any more; its peer id stays taken. */
void instances_hide(struct instances *tables, struct instance_entry *entry);

/** instances_remove - the last step: the peer id is free. */
void instances_remove(struct instances *tables, struct instance_entry *entry);

/** instances_move - the client is at @path now. */
void instances_move(struct instances *tables, struct instance_entry *entry, const struct dp_path *path);

/** instances_name - give it a common name (copied), replacing an earlier one. */
void instances_name(struct instances *tables, struct instance_entry *entry, const char *name);

/** instances_at - who is at this path; NULL if nobody. */
struct instance_entry *instances_at(const struct instances *tables, const struct dp_path *path);

/** instances_by_id - who has this peer id, hidden ones included; NULL if nobody. */
struct instance_entry *instances_by_id(const struct instances *tables, uint32_t id);

/** instances_by_client - who has this client id, hidden ones included; NULL if nobody. */
struct instance_entry *instances_by_client(const struct instances *tables, uint64_t client_id);

/** instances_named - first client with this common name, or the one after @after; NULL at the end. */
struct instance_entry *instances_named(const struct instances *tables, const char *name,
                                       const struct instance_entry *after);

#endif
