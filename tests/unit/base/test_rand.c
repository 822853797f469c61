/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/rand.h"

Test(rand, seeded_sequences_repeat_and_differ_by_seed)
{
    struct rand_seeded a;
    struct rand_seeded b;
    struct rand_seeded c;
    rand_seeded_init(&a, 1);
    rand_seeded_init(&b, 1);
    rand_seeded_init(&c, 2);
    uint8_t x[37];
    uint8_t y[37];
    uint8_t z[37];
    rand_fill(&a.source, x, sizeof(x));
    rand_fill(&b.source, y, sizeof(y));
    rand_fill(&c.source, z, sizeof(z));
    cr_assert_eq(memcmp(x, y, sizeof(x)), 0);
    cr_assert_neq(memcmp(x, z, sizeof(x)), 0);
}

Test(rand, below_stays_below_and_covers)
{
    unsigned seen[7] = {0};
    for (int i = 0; i < 2000; i++) {
        uint32_t v = rand_below(rand_system(), 7);
        cr_assert_lt(v, 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++) {
        cr_assert_gt(seen[i], 100);
    }
}
