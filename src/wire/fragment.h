/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_FRAGMENT_H
#define VPND_WIRE_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* The `fragment` option's header, splitting and reassembly (data channel spec, 13.3). */
#define FRAGMENT_HEADER_SIZE 4
#define FRAGMENT_PARTS_MAX 32
#define FRAGMENT_SLOTS 25
#define FRAGMENT_LIFETIME_MS 10000u

/** How a payload is cut. @count 1: it is sent whole. */
struct fragment_plan {
    unsigned chunk; /* length of every part but the last */
    unsigned count;
    size_t len;     /* of the payload */
};

/** fragment_plan - cut a payload of @len bytes for datagrams of at most @max (mtu_fragment_chunk()).
 *  Return: 0 or ERR_LIMIT (more than 32 parts). */
int fragment_plan(size_t len, unsigned max, struct fragment_plan *plan);

/** fragment_header - header of part @index; @sequence is ignored for a whole packet. Store with be32_store(). */
uint32_t fragment_header(const struct fragment_plan *plan, uint8_t sequence, unsigned index);

/** fragment_part - which bytes of the payload part @index carries: offset and length. */
static inline size_t fragment_part(const struct fragment_plan *plan, unsigned index, size_t *part_len)
{
    size_t offset = (size_t)index * plan->chunk;
    *part_len = index + 1 == plan->count ? plan->len - offset : plan->chunk;
    return offset;
}

/** One packet being put together. */
struct fragment_slot {
    uint32_t have;     /* bit set of the parts received */
    uint32_t chunk;    /* 0: slot is empty */
    uint32_t len;      /* bytes of the packet known so far */
    uint64_t touched_ms;
};

/** Reassembly of one peer. One thread at a time. */
struct fragment_state {
    struct fragment_slot slots[FRAGMENT_SLOTS];
    uint8_t *storage;  /* FRAGMENT_SLOTS * slot_size bytes, the caller's */
    size_t slot_size;  /* longest packet that can be put together */
    unsigned head;     /* slot of @newest */
    uint8_t newest;    /* newest sequence id */
    unsigned lost;     /* unfinished packets given up for newer ones; counts up, the caller's to clear */
};

/** fragment_init - forget everything; @storage has FRAGMENT_SLOTS * @slot_size bytes. */
void fragment_init(struct fragment_state *state, uint8_t *storage, size_t slot_size);

/**
 * fragment_receive - one decrypted payload that begins with the fragment header
 * @packet: out: the whole payload (before decompression); inside @data for whole packets, else inside the storage
 *          and valid until the next call
 * Return: 1 when @packet is complete; 0 when more parts are missing; ERR_TRUNCATED, ERR_FORMAT or ERR_LIMIT (dropped).
 */
int fragment_receive(struct fragment_state *state, uint64_t now_ms, uint8_t *data, size_t len, struct span *packet);

/** fragment_expire - drop packets whose last part came over 10 s ago. Call every few seconds. Return: how many. */
unsigned fragment_expire(struct fragment_state *state, uint64_t now_ms);

#endif
