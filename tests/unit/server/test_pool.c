/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/err.h"
#include "server/pool.h"

static struct ip_addr ip(const char *text)
{
    struct ip_addr a;
    cr_assert_eq(ip_parse(text, &a), 0);
    return a;
}

static struct pool_config subnet(const char *start, const char *end)
{
    struct ip_addr s = ip(start);
    struct ip_addr e = ip(end);
    return (struct pool_config){.v4 = true, .start = ip4_to_u32(&s), .end = ip4_to_u32(&e)};
}

static void assert_ip(const struct ip_addr *a, const char *text)
{
    char buffer[ADDR_TEXT_MAX];
    cr_assert_str_eq(ip_format(a, buffer), text);
}

static struct pool *make(const struct pool_config *config)
{
    struct pool *pool = NULL;
    cr_assert_eq(pool_new(config, &pool, NULL), 0);
    return pool;
}

Test(pool, net30_slots_are_blocks_of_four)
{
    struct pool_config config = subnet("10.8.0.4", "10.8.0.251");
    config.net30 = true;
    struct pool *pool = make(&config);
    cr_assert_eq(pool_size(pool), 62);
    struct pool_lease lease;
    cr_assert_eq(pool_acquire(pool, "a", &lease), 0);
    assert_ip(&lease.local4, "10.8.0.6");
    assert_ip(&lease.remote4, "10.8.0.5");
    cr_assert_eq(pool_acquire(pool, "b", &lease), 0);
    assert_ip(&lease.local4, "10.8.0.10");
    struct ip_addr base = pool_slot_base4(pool, 1);
    assert_ip(&base, "10.8.0.8");
    struct ip_addr any = ip("10.8.0.11");
    cr_assert_eq(pool_slot_of4(pool, &any), 1);
    pool_free(pool);
}

Test(pool, a_name_gets_its_slot_back)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.9");
    struct pool *pool = make(&config);
    struct pool_lease a;
    struct pool_lease b;
    struct pool_lease again;
    cr_assert_eq(pool_acquire(pool, "a", &a), 0);
    cr_assert_eq(pool_acquire(pool, "b", &b), 0);
    cr_assert_eq(b.slot, 1);
    pool_release(pool, a.slot, false, 100);
    pool_release(pool, b.slot, false, 101);
    cr_assert_eq(pool_acquire(pool, "b", &again), 0);
    cr_assert_eq(again.slot, b.slot);
    pool_free(pool);
}

Test(pool, strangers_get_unused_then_longest_free)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.4");
    struct pool *pool = make(&config);
    struct pool_lease lease[3];
    cr_assert_eq(pool_acquire(pool, "a", &lease[0]), 0);
    cr_assert_eq(pool_acquire(pool, "b", &lease[1]), 0);
    pool_release(pool, 1, false, 50);
    pool_release(pool, 0, false, 60);
    struct pool_lease x;
    cr_assert_eq(pool_acquire(pool, "x", &x), 0);
    cr_assert_eq(x.slot, 2, "never used comes first");
    cr_assert_eq(pool_acquire(pool, "y", &x), 0);
    cr_assert_eq(x.slot, 1, "then the one released first");
    cr_assert_eq(pool_acquire(pool, "z", &x), 0);
    cr_assert_eq(x.slot, 0);
    cr_assert_eq(pool_used(pool), 3);
    cr_assert_eq(pool_acquire(pool, "w", &x), ERR_LIMIT);
    pool_free(pool);
}

Test(pool, equal_release_times_go_by_number)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.4");
    struct pool *pool = make(&config);
    struct pool_lease x;
    for (int i = 0; i < 3; i++) {
        char cn[8];
        (void)snprintf(cn, sizeof(cn), "c%d", i);
        cr_assert_eq(pool_acquire(pool, cn, &x), 0);
    }
    pool_release(pool, 2, false, 9);
    pool_release(pool, 0, false, 9);
    pool_release(pool, 1, false, 9);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(pool_acquire(pool, "new", &x), 0);
        cr_assert_eq(x.slot, i);
    }
    pool_free(pool);
}

Test(pool, forgetting_makes_a_slot_new)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.5");
    struct pool *pool = make(&config);
    struct pool_lease x;
    cr_assert_eq(pool_acquire(pool, "a", &x), 0);
    pool_release(pool, x.slot, true, 77);
    cr_assert_null(pool_slot_name(pool, 0));
    cr_assert_eq(pool_acquire(pool, "b", &x), 0);
    cr_assert_eq(x.slot, 0);
    pool_free(pool);
}

Test(pool, duplicate_cn_takes_the_first_free)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.5");
    config.duplicate_cn = true;
    struct pool *pool = make(&config);
    struct pool_lease x;
    cr_assert_eq(pool_acquire(pool, "same", &x), 0);
    cr_assert_eq(pool_acquire(pool, "same", &x), 0);
    cr_assert_eq(x.slot, 1);
    pool_release(pool, 0, false, 5);
    cr_assert_eq(pool_acquire(pool, "same", &x), 0);
    cr_assert_eq(x.slot, 0);
    pool_free(pool);
}

Test(pool, fixed_slots_are_only_for_their_name)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.3");
    struct pool *pool = make(&config);
    cr_assert_eq(pool_remember(pool, 0, "owner", true, 1), 0);
    struct pool_lease x;
    cr_assert_eq(pool_acquire(pool, "other", &x), 0);
    cr_assert_eq(x.slot, 1);
    cr_assert_eq(pool_acquire(pool, "third", &x), ERR_LIMIT);
    cr_assert_eq(pool_acquire(pool, "owner", &x), 0);
    cr_assert_eq(x.slot, 0);
    pool_free(pool);
}

Test(pool, both_families_share_the_slot)
{
    struct pool_config config = subnet("10.8.0.2", "10.8.0.254");
    config.v6 = true;
    config.base6 = ip("fd77::1000");
    config.bits6 = 64;
    enum pool_problem problem;
    struct pool *pool = NULL;
    cr_assert_eq(pool_new(&config, &pool, &problem), 0);
    cr_assert_eq(problem, POOL_V4_IS_SMALLER);
    struct pool_lease x;
    cr_assert_eq(pool_acquire(pool, "a", &x), 0);
    assert_ip(&x.local6, "fd77::1000");
    cr_assert_eq(pool_acquire(pool, "b", &x), 0);
    assert_ip(&x.local6, "fd77::1001");
    struct ip_addr six = ip("fd77::1001");
    cr_assert_eq(pool_slot_of6(pool, &six), 1);
    six = ip("fd78::1001");
    cr_assert_eq(pool_slot_of6(pool, &six), -1);
    pool_free(pool);
}

Test(pool, small_v6_network)
{
    struct pool_config config = {.v6 = true, .base6 = ip("fd00::"), .bits6 = 124};
    struct pool *pool = make(&config);
    cr_assert_eq(pool_size(pool), 15);
    struct pool_lease x = pool_slot_lease(pool, 0);
    assert_ip(&x.local6, "fd00::1");
    x = pool_slot_lease(pool, 14);
    assert_ip(&x.local6, "fd00::f");
    pool_free(pool);
}

Test(pool, v6_addition_carries)
{
    struct pool_config config = {.v6 = true, .base6 = ip("fd00::ffff:ffff"), .bits6 = 64};
    struct pool *pool = make(&config);
    struct pool_lease x = pool_slot_lease(pool, 1);
    assert_ip(&x.local6, "fd00::1:0:0");
    cr_assert_eq(pool_slot_of6(pool, &x.local6), 1);
    pool_free(pool);
}

Test(pool, impossible_sizes)
{
    struct pool *pool = NULL;
    enum pool_problem problem;
    struct pool_config config = subnet("10.8.0.2", "10.8.0.2");
    cr_assert_eq(pool_new(&config, &pool, &problem), ERR_CONFIG);
    cr_assert_eq(problem, POOL_V4_TOO_SMALL);
    config = subnet("10.0.0.0", "10.2.0.0");
    cr_assert_eq(pool_new(&config, &pool, &problem), ERR_CONFIG);
    cr_assert_eq(problem, POOL_TOO_LARGE);
}
