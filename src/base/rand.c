/* SPDX-License-Identifier: MIT */
#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/mem.h"

static void system_fill(void *arg, void *out, size_t n)
{
    (void)arg;
    uint8_t *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        BUG_ON(got <= 0);
        p += got;
        n -= (size_t)got;
    }
}

const struct rand_source *rand_system(void)
{
    static const struct rand_source source = {system_fill, NULL};
    return &source;
}

void rand_fill(const struct rand_source *source, void *out, size_t n)
{
    source->fill(source->arg, out, n);
}

uint32_t rand_u32(const struct rand_source *source)
{
    uint32_t v;
    rand_fill(source, &v, sizeof(v));
    return v;
}

uint32_t rand_below(const struct rand_source *source, uint32_t limit)
{
    BUG_ON(limit == 0);
    uint32_t reject_under = (uint32_t)(-limit) % limit;
    for (;;) {
        uint32_t v = rand_u32(source);
        if (v >= reject_under) {
            return v % limit;
        }
    }
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void seeded_fill(void *arg, void *out, size_t n)
{
    uint64_t *state = arg;
    uint8_t *p = out;
    while (n) {
        uint64_t v = splitmix64(state);
        size_t take = n < sizeof(v) ? n : sizeof(v);
        memcpy(p, &v, take);
        p += take;
        n -= take;
    }
}

void rand_seeded_init(struct rand_seeded *r, uint64_t seed)
{
    r->state = seed;
    r->source = (struct rand_source){seeded_fill, &r->state};
}
