/* SPDX-License-Identifier: MIT */
#include "wire/mtu_search.h"

#include <stddef.h>

#define BOTH_WAYS (MTU_SEARCH_FORWARD | MTU_SEARCH_BACKWARD)
#define TRIES 3u          /* packets get lost for other reasons, too */
#define TRIES_BETWEEN 2u  /* once a size has passed, a mistake costs few bytes */
#define TRIES_BEYOND 5u   /* each is two fragments, and a mistake would make a limit where there is none */
#define TRIES_LOSSY 10u   /* where short packets get lost as well */
#define SILENT_MAX 10u    /* seconds of asking in vain */
#define BASE 1280u        /* IPv6 everywhere, and more than that nearly everywhere */

/* Sizes that paths have: Ethernet, PPPoE, tunnels in tunnels, mobile networks. */
static const uint16_t sizes[] = {576,  768,  1024, 1200, 1280, 1300, 1320, 1340, 1350, 1360, 1372, 1380, 1390, 1400,
                                 1410, 1420, 1428, 1432, 1436, 1440, 1442, 1448, 1450, 1452, 1454, 1456, 1458, 1460,
                                 1464, 1468, 1472, 1476, 1480, 1484, 1488, 1492, 1496, 1500, 2000, 4000, 6000, 8000,
                                 8900};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

void mtu_search_begin(struct mtu_search *search, unsigned top, unsigned beyond, unsigned known)
{
    top = top < MTU_SEARCH_TOP_MAX ? top : MTU_SEARCH_TOP_MAX;
    *search = (struct mtu_search){
        .state = MTU_SEARCH_RUNNING, .size = (uint16_t)top, .top = (uint16_t)top, .known = (uint16_t)(known < top ? known : 0)};
    if (beyond > top && beyond <= MTU_SEARCH_TOP_MAX) {
        search->beyond = (uint16_t)beyond;
    }
}

static void try_size(struct mtu_search *s, unsigned size)
{
    s->size = (uint16_t)size;
    s->tries = 0;
    s->heard = 0;
    s->asked = 0;
    s->alive = 0;
}

/* The middle one of the sizes between what passed and what did not. Return: 0 when there is none. */
static unsigned between(const struct mtu_search *s)
{
    size_t first = 0;
    while (first < SIZES && sizes[first] <= s->passed) {
        first++;
    }
    size_t end = first;
    while (end < SIZES && sizes[end] < s->lost) {
        end++;
    }
    return end > first ? sizes[first + (end - first) / 2] : 0;
}

/* Nothing has passed yet: what held before, then the base, then less. Return: 0 when nothing is left. */
static unsigned below(const struct mtu_search *s)
{
    if (s->known && s->known < s->lost) {
        return s->known;
    }
    if (s->lost > BASE) {
        return BASE;
    }
    size_t n = SIZES;
    while (n > 0 && sizes[n - 1] >= s->lost) {
        n--;
    }
    return n ? sizes[n - 1] : 0;
}

static void go_on(struct mtu_search *s)
{
    unsigned next = s->passed ? between(s) : below(s);
    if (!next && s->passed && s->lost == s->top && !s->verified) {
        s->verified = true; /* bad luck may have looked like a limit */
        next = s->top;
    }
    if (next) {
        try_size(s, next);
    } else {
        s->state = s->passed ? MTU_SEARCH_DONE : MTU_SEARCH_DEAF;
    }
}

static void pass(struct mtu_search *s)
{
    s->passed = s->size;
    if (s->size < s->top) {
        go_on(s);
    } else if (s->size == s->top && s->beyond) {
        s->lost = 0;
        try_size(s, s->beyond);
    } else {
        s->lost = 0;
        s->state = MTU_SEARCH_DONE;
    }
}

static void lose(struct mtu_search *s)
{
    s->lost = s->size;
    if (s->size > s->top) {
        s->state = MTU_SEARCH_DONE; /* whole packets get through, fragments do not */
    } else {
        go_on(s);
    }
}

/* No answer to @size, nor to anything else: ask whether somebody is there. */
static unsigned wait_for_life(struct mtu_search *s)
{
    if (++s->silent >= SILENT_MAX) {
        s->state = MTU_SEARCH_DEAF;
        return 0;
    }
    return MTU_SEARCH_ALIVE;
}

static bool tried_enough(const struct mtu_search *s)
{
    unsigned tries = s->size > s->top ? TRIES_BEYOND : s->size < s->top && s->passed ? TRIES_BETWEEN : TRIES;
    bool lossy = s->heard && s->alive < s->asked; /* a loss says little then */
    return s->tries >= (lossy ? TRIES_LOSSY : tries);
}

unsigned mtu_search_tick(struct mtu_search *search, unsigned heard)
{
    if (search->state != MTU_SEARCH_RUNNING) {
        return 0;
    }
    search->heard |= (uint8_t)heard;
    search->alive = (uint8_t)(search->alive + ((heard & MTU_SEARCH_ALIVE) != 0));
    if ((search->heard & BOTH_WAYS) == BOTH_WAYS) {
        pass(search);
    } else if (tried_enough(search)) {
        if (!search->heard) {
            return wait_for_life(search);
        }
        if (search->silent) {
            try_size(search, search->size); /* the line was down meanwhile */
        } else {
            lose(search);
        }
    }
    if (search->state != MTU_SEARCH_RUNNING) {
        return 0;
    }
    search->silent = 0;
    search->tries++;
    search->asked = (uint8_t)(search->asked + (search->tries > 1));
    return (BOTH_WAYS & ~search->heard) | (search->tries > 1 ? MTU_SEARCH_ALIVE : 0u);
}

unsigned mtu_search_limit(const struct mtu_search *search, unsigned current)
{
    bool refuted = search->lost && search->passed && (!current || current >= search->lost);
    switch ((enum mtu_search_state)search->state) {
    case MTU_SEARCH_DONE:
        return search->lost ? search->passed : 0;
    case MTU_SEARCH_RUNNING:
        return refuted ? search->passed : current;
    case MTU_SEARCH_IDLE:
    case MTU_SEARCH_DEAF:
        break;
    }
    return current;
}
