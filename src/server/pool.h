/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_POOL_H
#define VPND_SERVER_POOL_H

/*
 * The pool of tunnel addresses that a server hands out: numbered slots, each of which stands for an IPv4
 * address (or a /30) and an IPv6 address. It has no clock and no I/O. Control thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct pool;

#define POOL_SLOTS_MAX 65536u

/** What the pool covers; at least one family. */
struct pool_config {
    bool v4;
    bool net30;              /* a slot is a /30: client at +2, server at +1 */
    uint32_t start;          /* first and last IPv4 address, host order, inclusive */
    uint32_t end;
    bool v6;
    struct ip_addr base6;    /* first IPv6 address */
    unsigned bits6;          /* length of its network */
    bool duplicate_cn;       /* names are not remembered */
};

/** One slot's addresses; a family that the pool does not have is unset. */
struct pool_lease {
    unsigned slot;
    struct ip_addr local4;   /* the client's address */
    struct ip_addr remote4;  /* net30: the server's end of the /30; otherwise unset */
    struct ip_addr local6;
};

/** Why a pool could not be made, or a remark about one that was; pool_error_text() words it. */
enum pool_problem {
    POOL_OK,
    POOL_V4_TOO_SMALL,
    POOL_V6_TOO_SMALL,
    POOL_TOO_LARGE,
    POOL_V4_IS_SMALLER, /* only a remark: IPv4 addresses limit the number of clients */
    POOL_V6_IS_SMALLER, /* only a remark, worth a warning */
};

/** pool_new - a pool with every slot free and nameless (spec: server behaviour, 2.2)
 *  @problem: set in any case; may be NULL
 *  Return: 0 and *out, or ERR_CONFIG. */
int pool_new(const struct pool_config *config, struct pool **out, enum pool_problem *problem);

/** pool_free - NULL is fine. */
void pool_free(struct pool *pool);

/** pool_size4 - slots that the IPv4 part of @config alone would have (one more than POOL_SLOTS_MAX: too many). */
unsigned pool_size4(const struct pool_config *config);

/** pool_size6 - likewise for IPv6. */
unsigned pool_size6(const struct pool_config *config);

/** pool_problem_text - one line for the log. */
const char *pool_problem_text(enum pool_problem problem);

/** pool_size - number of slots. */
unsigned pool_size(const struct pool *pool);

/** pool_used - number of slots in use. */
unsigned pool_used(const struct pool *pool);

/**
 * pool_acquire - take a slot for @cn: the one that it had, else the one free for longest
 * @cn: NULL or "" for a client without a name
 * Return: 0, or ERR_LIMIT when every slot is in use or reserved.
 */
int pool_acquire(struct pool *pool, const char *cn, struct pool_lease *out);

/** pool_take - take this very slot, whoever had it last. Return: 0, ERR_NOT_FOUND (no such slot), ERR_BAD_STATE (in use). */
int pool_take(struct pool *pool, unsigned slot);

/**
 * pool_release - give a slot back
 * @forget: the address was never really used (a static one replaced it): its name is forgotten
 * @unix_s: now
 */
void pool_release(struct pool *pool, unsigned slot, bool forget, uint64_t unix_s);

/**
 * pool_remember - say that @cn had @slot, as read from a file
 * @fixed: nobody else may have it
 * Return: 0, or ERR_NOT_FOUND (no such slot), ERR_BAD_STATE (in use now).
 */
int pool_remember(struct pool *pool, unsigned slot, const char *cn, bool fixed, uint64_t unix_s);

/** pool_slot_of4 - slot of an IPv4 address (net30: any of its four), or -1. */
int pool_slot_of4(const struct pool *pool, const struct ip_addr *addr);

/** pool_slot_of6 - slot of an IPv6 address, or -1. */
int pool_slot_of6(const struct pool *pool, const struct ip_addr *addr);

/** pool_slot_name - name remembered for a slot, NULL if none. */
const char *pool_slot_name(const struct pool *pool, unsigned slot);

/** pool_slot_lease - addresses of a slot (which must exist), whether used or not. */
struct pool_lease pool_slot_lease(const struct pool *pool, unsigned slot);

/** pool_slot_base4 - what a persist file names in its IPv4 column: the address, or the base of the /30. */
struct ip_addr pool_slot_base4(const struct pool *pool, unsigned slot);

#endif
