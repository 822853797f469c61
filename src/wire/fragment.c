/* SPDX-License-Identifier: MIT */
#include "wire/fragment.h"

#include "base/err.h"

#define TYPE_WHOLE 0u
#define TYPE_PART 1u
#define TYPE_LAST 2u
#define TYPE_MASK 3u
#define SEQUENCE_SHIFT 2
#define INDEX_SHIFT 10
#define INDEX_MASK 31u
#define SIZE_SHIFT 15
#define SIZE_MASK 0x3FFFu
#define WHOLE_RESERVED 0xFCu /* bits 2..7 of a whole packet must be clear */
#define ALL_PARTS 0xFFFFFFFFu

int fragment_plan(size_t len, unsigned max, struct fragment_plan *plan)
{
    *plan = (struct fragment_plan){.chunk = (unsigned)len, .count = 1, .len = len};
    if (len <= max) {
        return len ? 0 : ERR_FORMAT;
    }
    unsigned full = max & ~3u;
    if (full == 0) {
        return ERR_LIMIT;
    }
    unsigned quotient = (unsigned)(len / full);
    unsigned rest = (unsigned)(len % full);
    unsigned size = full;
    if (rest > 0 && rest < full * 3 / 4) {
        /* A short last part would waste a datagram's worth of overhead: make all parts about equal. */
        unsigned even = (max - (max - rest) / (quotient + 1) + 3) & ~3u;
        size = even < full ? even : full;
    }
    if (len > (size_t)size * FRAGMENT_PARTS_MAX || size / 4 > SIZE_MASK) {
        return ERR_LIMIT;
    }
    plan->chunk = size;
    plan->count = (unsigned)((len + size - 1) / size);
    return 0;
}

uint32_t fragment_header(const struct fragment_plan *plan, uint8_t sequence, unsigned index)
{
    if (plan->count == 1) {
        return TYPE_WHOLE;
    }
    uint32_t common = (uint32_t)sequence << SEQUENCE_SHIFT | (index & INDEX_MASK) << INDEX_SHIFT;
    if (index + 1 < plan->count) {
        return common | TYPE_PART;
    }
    return common | TYPE_LAST | (uint32_t)(plan->chunk / 4) << SIZE_SHIFT;
}

void fragment_init(struct fragment_state *state, uint8_t *storage, size_t slot_size)
{
    memset(state, 0, sizeof(*state));
    state->storage = storage;
    state->slot_size = slot_size;
}

/* Give up what is in a slot. */
static void clear(struct fragment_state *state, struct fragment_slot *slot)
{
    state->lost += slot->chunk != 0;
    slot->chunk = 0;
}

static void clear_all(struct fragment_state *state)
{
    for (unsigned i = 0; i < FRAGMENT_SLOTS; i++) {
        clear(state, &state->slots[i]);
    }
}

/* Index of the slot for @sequence; the window slides when it is newer than all others. */
static unsigned slot_for(struct fragment_state *state, uint8_t sequence)
{
    int ahead = (int8_t)(uint8_t)(sequence - state->newest);
    if (ahead >= FRAGMENT_SLOTS || ahead <= -FRAGMENT_SLOTS) {
        clear_all(state);
        state->newest = sequence;
        return state->head;
    }
    for (; ahead > 0; ahead--) {
        state->head = (state->head + 1) % FRAGMENT_SLOTS;
        clear(state, &state->slots[state->head]);
        state->newest++;
    }
    return (state->head + FRAGMENT_SLOTS - (unsigned)-ahead) % FRAGMENT_SLOTS;
}

static int store(struct fragment_state *state, unsigned index, uint32_t header, uint64_t now_ms, struct span part,
                 struct span *packet)
{
    struct fragment_slot *slot = &state->slots[index];
    uint8_t *data = state->storage + index * state->slot_size;
    bool last = (header & TYPE_MASK) == TYPE_LAST;
    uint32_t chunk = last ? (header >> SIZE_SHIFT & SIZE_MASK) * 4 : (uint32_t)part.len;
    unsigned number = header >> INDEX_SHIFT & INDEX_MASK;
    size_t offset = (size_t)number * chunk;
    bool other_end = last && slot->len && slot->len != offset + part.len; /* would leave holes with old bytes in them */
    if (slot->chunk != chunk || other_end) {
        clear(state, slot);
        *slot = (struct fragment_slot){.chunk = chunk};
    }
    if (offset > state->slot_size || part.len > state->slot_size - offset) {
        return ERR_LIMIT;
    }
    memcpy(data + offset, part.data, part.len);
    slot->touched_ms = now_ms;
    slot->have |= last ? ALL_PARTS << number : 1u << number;
    if (last) {
        slot->len = (uint32_t)(offset + part.len);
    }
    if (slot->have != ALL_PARTS) {
        return 0;
    }
    *packet = (struct span){data, slot->len};
    slot->chunk = 0;
    return slot->len ? 1 : ERR_FORMAT;
}

int fragment_receive(struct fragment_state *state, uint64_t now_ms, uint8_t *data, size_t len, struct span *packet)
{
    if (len <= FRAGMENT_HEADER_SIZE) {
        return ERR_TRUNCATED;
    }
    uint32_t header = be32_load(data);
    struct span part = {data + FRAGMENT_HEADER_SIZE, len - FRAGMENT_HEADER_SIZE};
    unsigned type = header & TYPE_MASK;
    if (type == TYPE_WHOLE) {
        *packet = part;
        return header & WHOLE_RESERVED ? ERR_FORMAT : 1;
    }
    uint32_t chunk = type == TYPE_LAST ? (header >> SIZE_SHIFT & SIZE_MASK) * 4 : (uint32_t)part.len;
    if ((type != TYPE_PART && type != TYPE_LAST) || chunk == 0 || chunk % 4 != 0 || part.len > chunk) {
        return ERR_FORMAT;
    }
    return store(state, slot_for(state, (uint8_t)(header >> SEQUENCE_SHIFT)), header, now_ms, part, packet);
}

unsigned fragment_expire(struct fragment_state *state, uint64_t now_ms)
{
    unsigned dropped = 0;
    for (unsigned i = 0; i < FRAGMENT_SLOTS; i++) {
        struct fragment_slot *slot = &state->slots[i];
        if (slot->chunk && now_ms - slot->touched_ms > FRAGMENT_LIFETIME_MS) {
            slot->chunk = 0;
            dropped++;
        }
    }
    return dropped;
}
