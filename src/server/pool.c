/* SPDX-License-Identifier: MIT */
#include "server/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hashmap.h"
#include "base/list.h"
#include "base/mem.h"

/* Free slots stand in one list, ordered by time of release and then by number: its head is the next victim.
 * Never-used slots have time 0. Names are found through a hash table, so a storm of logins costs O(1) each. */
struct slot {
    struct list free_node;
    struct hash_node name_node;
    char *cn;
    uint64_t released_s;
    bool in_use;
    bool fixed;
};

struct pool {
    struct pool_config config;
    struct slot *slots;
    unsigned count;
    unsigned used;
    unsigned lowest;        /* no free slot has a smaller number */
    uint32_t base4;
    uint32_t host6;         /* host part of the first IPv6 address, its low 32 bits */
    struct list free_slots;
    struct hashmap names;
};

static unsigned slot_number(const struct pool *pool, const struct slot *slot)
{
    return (unsigned)(slot - pool->slots);
}

static uint64_t name_hash(const struct pool *pool, const char *cn)
{
    return hashmap_hash(&pool->names, cn, strlen(cn));
}

static void slot_forget(struct pool *pool, struct slot *slot)
{
    if (slot->cn) {
        hashmap_remove(&pool->names, &slot->name_node);
        free(slot->cn);
        slot->cn = NULL;
    }
}

static void slot_name(struct pool *pool, struct slot *slot, const char *cn)
{
    slot_forget(pool, slot);
    if (cn && *cn) {
        slot->cn = mem_strdup(cn);
        hashmap_insert(&pool->names, &slot->name_node, name_hash(pool, cn));
    }
}

/* Put a slot where its time belongs: near the tail for recent ones, near the head for time 0. */
static void free_list_insert(struct pool *pool, struct slot *slot)
{
    struct list *at;
    if (slot->released_s == 0) {
        for (at = pool->free_slots.next; at != &pool->free_slots; at = at->next) {
            struct slot *other = container_of(at, struct slot, free_node);
            if (other->released_s > 0 || other > slot) {
                break;
            }
        }
    } else {
        for (at = &pool->free_slots; at->prev != &pool->free_slots; at = at->prev) {
            struct slot *other = container_of(at->prev, struct slot, free_node);
            if (other->released_s < slot->released_s || (other->released_s == slot->released_s && other < slot)) {
                break;
            }
        }
    }
    list_push(at, &slot->free_node);
}

static unsigned size4(const struct pool_config *config, uint32_t *base)
{
    *base = config->net30 ? config->start & ~3u : config->start;
    if (config->end < config->start) {
        return 0;
    }
    uint64_t span = (uint64_t)(config->net30 ? config->end | 3u : config->end) - *base + 1;
    uint64_t n = config->net30 ? span / 4 : span;
    return n > POOL_SLOTS_MAX ? POOL_SLOTS_MAX + 1 : (unsigned)n;
}

static unsigned size6(const struct pool_config *config, uint32_t *host)
{
    const uint8_t *low = config->base6.bytes + 12;
    uint32_t h = (uint32_t)low[0] << 24 | (uint32_t)low[1] << 16 | (uint32_t)low[2] << 8 | low[3];
    unsigned host_bits = 128 - config->bits6;
    h &= host_bits >= 32 ? UINT32_MAX : (1u << host_bits) - 1;
    if (h == 0) {
        h = 1; /* the all-zero host is the subnet-router anycast address */
    }
    *host = h;
    if (config->bits6 < 112) {
        return POOL_SLOTS_MAX;
    }
    uint32_t n = 1u << host_bits;
    return n > h ? n - h : 0;
}

static enum pool_problem judge(const struct pool_config *config, unsigned n4, unsigned n6)
{
    if (config->v4 && n4 > POOL_SLOTS_MAX) {
        return POOL_TOO_LARGE;
    }
    if (config->v4 && n4 < 2) {
        return POOL_V4_TOO_SMALL;
    }
    if (config->v6 && n6 < 2) {
        return POOL_V6_TOO_SMALL;
    }
    if (config->v4 && config->v6 && n4 != n6) {
        return n4 < n6 ? POOL_V4_IS_SMALLER : POOL_V6_IS_SMALLER;
    }
    return POOL_OK;
}

int pool_new(const struct pool_config *config, struct pool **out, enum pool_problem *problem)
{
    uint32_t base = 0;
    uint32_t host = 0;
    unsigned n4 = config->v4 ? size4(config, &base) : 0;
    unsigned n6 = config->v6 ? size6(config, &host) : 0;
    enum pool_problem found = judge(config, n4, n6);

    if (problem) {
        *problem = found;
    }
    if (found == POOL_TOO_LARGE || found == POOL_V4_TOO_SMALL || found == POOL_V6_TOO_SMALL || (!n4 && !n6)) {
        return ERR_CONFIG;
    }
    struct pool *pool = mem_zalloc(sizeof(*pool));
    pool->config = *config;
    pool->base4 = base;
    pool->host6 = host;
    pool->count = !n6 || (n4 && n4 < n6) ? n4 : n6;
    pool->slots = mem_array(pool->count, sizeof(*pool->slots));
    list_init(&pool->free_slots);
    hashmap_init(&pool->names);
    for (unsigned i = 0; i < pool->count; i++) {
        list_push(&pool->free_slots, &pool->slots[i].free_node);
    }
    *out = pool;
    return 0;
}

unsigned pool_size4(const struct pool_config *config)
{
    uint32_t base;
    return config->v4 ? size4(config, &base) : 0;
}

unsigned pool_size6(const struct pool_config *config)
{
    uint32_t host;
    return config->v6 ? size6(config, &host) : 0;
}

void pool_free(struct pool *pool)
{
    if (!pool) {
        return;
    }
    for (unsigned i = 0; i < pool->count; i++) {
        slot_forget(pool, &pool->slots[i]);
    }
    hashmap_free(&pool->names);
    free(pool->slots);
    free(pool);
}

const char *pool_problem_text(enum pool_problem problem)
{
    switch (problem) {
    case POOL_OK:
        return "the address pool is fine";
    case POOL_V4_TOO_SMALL:
        return "the IPv4 pool is too small, it must have at least 2 entries";
    case POOL_V6_TOO_SMALL:
        return "the IPv6 pool is too small, it must have at least 2 entries";
    case POOL_TOO_LARGE:
        return "the IPv4 pool is too large, it may have at most 65536 entries";
    case POOL_V4_IS_SMALLER:
        return "NOTE: IPv4 pool size is smaller than IPv6 pool size; the IPv4 addresses limit the number of clients";
    case POOL_V6_IS_SMALLER:
        return "WARNING: IPv6 pool size is smaller than IPv4 pool size; the IPv6 addresses limit the number of clients";
    }
    return "unknown";
}

unsigned pool_size(const struct pool *pool)
{
    return pool->count;
}

unsigned pool_used(const struct pool *pool)
{
    return pool->used;
}

static struct slot *find_first_free(struct pool *pool)
{
    while (pool->lowest < pool->count && pool->slots[pool->lowest].in_use) {
        pool->lowest++;
    }
    return pool->lowest < pool->count ? &pool->slots[pool->lowest] : NULL;
}

static struct slot *find_by_name(struct pool *pool, const char *cn)
{
    struct slot *best = NULL;
    for (struct hash_node *n = hashmap_first(&pool->names, name_hash(pool, cn)); n; n = hashmap_next(n)) {
        struct slot *slot = container_of(n, struct slot, name_node);
        if (!slot->in_use && strcmp(slot->cn, cn) == 0 && (!best || slot < best)) {
            best = slot;
        }
    }
    return best;
}

static struct slot *find_oldest(struct pool *pool)
{
    list_for (at, next, &pool->free_slots) {
        struct slot *slot = container_of(at, struct slot, free_node);
        if (!slot->fixed) {
            return slot;
        }
    }
    return NULL;
}

static void use(struct pool *pool, struct slot *slot)
{
    list_remove(&slot->free_node);
    slot->in_use = true;
    pool->used++;
}

int pool_acquire(struct pool *pool, const char *cn, struct pool_lease *out)
{
    struct slot *slot = NULL;
    if (pool->config.duplicate_cn) {
        slot = find_first_free(pool);
    } else {
        slot = cn && *cn ? find_by_name(pool, cn) : NULL;
        if (!slot) {
            slot = find_oldest(pool);
        }
    }
    if (!slot) {
        return ERR_LIMIT;
    }
    use(pool, slot);
    if (pool->config.duplicate_cn) {
        slot_forget(pool, slot);
    } else if (!slot->cn || !cn || strcmp(slot->cn, cn) != 0) {
        slot_name(pool, slot, cn);
    }
    *out = pool_slot_lease(pool, slot_number(pool, slot));
    return 0;
}

int pool_take(struct pool *pool, unsigned number)
{
    if (number >= pool->count) {
        return ERR_NOT_FOUND;
    }
    if (pool->slots[number].in_use) {
        return ERR_BAD_STATE;
    }
    use(pool, &pool->slots[number]);
    return 0;
}

void pool_release(struct pool *pool, unsigned number, bool forget, uint64_t unix_s)
{
    BUG_ON(number >= pool->count || !pool->slots[number].in_use);
    struct slot *slot = &pool->slots[number];
    slot->in_use = false;
    pool->used--;
    if (number < pool->lowest) {
        pool->lowest = number;
    }
    if (forget) {
        slot_forget(pool, slot);
    }
    slot->released_s = forget ? 0 : unix_s;
    free_list_insert(pool, slot);
}

int pool_remember(struct pool *pool, unsigned number, const char *cn, bool fixed, uint64_t unix_s)
{
    if (number >= pool->count) {
        return ERR_NOT_FOUND;
    }
    struct slot *slot = &pool->slots[number];
    if (slot->in_use) {
        return ERR_BAD_STATE;
    }
    list_remove(&slot->free_node);
    slot_name(pool, slot, cn);
    slot->fixed = fixed;
    slot->released_s = unix_s;
    free_list_insert(pool, slot);
    return 0;
}

int pool_slot_of4(const struct pool *pool, const struct ip_addr *addr)
{
    uint32_t v = ip4_to_u32(addr);
    if (!pool->config.v4 || addr->family != AF_INET || v < pool->base4) {
        return -1;
    }
    uint32_t n = (v - pool->base4) / (pool->config.net30 ? 4 : 1);
    return n < pool->count ? (int)n : -1;
}

/* The address of a slot: network bits of the base, host part of the base plus the slot's number. */
static struct ip_addr slot_addr6(const struct pool *pool, unsigned number)
{
    struct ip_addr a = pool->config.base6;
    a.family = AF_INET6;
    unsigned host_bits = 128 - pool->config.bits6;
    uint64_t sum = (uint64_t)pool->host6 + number; /* below 2^33; carries into the next bytes where they are host */
    uint32_t keep = host_bits >= 32 ? 0 : ~((1u << host_bits) - 1);
    uint32_t low = (uint32_t)a.bytes[12] << 24 | (uint32_t)a.bytes[13] << 16 | (uint32_t)a.bytes[14] << 8 | a.bytes[15];
    low = (low & keep) | ((uint32_t)sum & ~keep);
    for (unsigned i = 0; i < 4; i++) {
        a.bytes[12 + i] = (uint8_t)(low >> (24 - 8 * i));
    }
    if (host_bits > 32 && sum >> 32) {
        for (int i = 11; i >= 0 && ++a.bytes[i] == 0; i--) {
        }
    }
    return a;
}

int pool_slot_of6(const struct pool *pool, const struct ip_addr *addr)
{
    if (!pool->config.v6 || addr->family != AF_INET6) {
        return -1;
    }
    uint32_t low = (uint32_t)addr->bytes[12] << 24 | (uint32_t)addr->bytes[13] << 16 | (uint32_t)addr->bytes[14] << 8 |
                   addr->bytes[15];
    unsigned host_bits = 128 - pool->config.bits6;
    uint32_t host = host_bits >= 32 ? low : low & ((1u << host_bits) - 1);
    uint32_t n = host - pool->host6; /* modulo 2^32, as the carry goes into higher bytes */
    if (n >= pool->count) {
        return -1;
    }
    struct ip_addr want = slot_addr6(pool, n);
    return ip_equal(&want, addr) ? (int)n : -1;
}

const char *pool_slot_name(const struct pool *pool, unsigned slot)
{
    return slot < pool->count ? pool->slots[slot].cn : NULL;
}

struct pool_lease pool_slot_lease(const struct pool *pool, unsigned number)
{
    struct pool_lease lease = {.slot = number};
    if (pool->config.v4 && pool->config.net30) {
        lease.remote4 = ip4_from_u32(pool->base4 + 4 * number + 1);
        lease.local4 = ip4_from_u32(pool->base4 + 4 * number + 2);
    } else if (pool->config.v4) {
        lease.local4 = ip4_from_u32(pool->base4 + number);
    }
    if (pool->config.v6) {
        lease.local6 = slot_addr6(pool, number);
    }
    return lease;
}

struct ip_addr pool_slot_base4(const struct pool *pool, unsigned number)
{
    if (!pool->config.v4) {
        return (struct ip_addr){.family = AF_UNSPEC};
    }
    return ip4_from_u32(pool->base4 + (pool->config.net30 ? 4 : 1) * number);
}
