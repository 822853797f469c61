/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/histogram.h"

Test(histogram, a_value_on_a_bound_belongs_below_it)
{
    struct histogram h = {0};
    histogram_add(&h, 0);
    histogram_add(&h, 1);
    histogram_add(&h, 2);
    histogram_add(&h, 60000);
    histogram_add(&h, 60001);
    cr_assert_eq(h.counts[0], 2);
    cr_assert_eq(h.counts[1], 1);
    cr_assert_eq(h.counts[HISTOGRAM_BOUNDS - 1], 1);
    cr_assert_eq(h.counts[HISTOGRAM_BOUNDS], 1);
    cr_assert_eq(h.count, 5);
    cr_assert_eq(h.sum_ms, 120004);
}

Test(histogram, bounds_rise)
{
    for (unsigned i = 1; i < HISTOGRAM_BOUNDS; i++) {
        cr_assert_gt(histogram_bound_ms(i), histogram_bound_ms(i - 1));
    }
}
