/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/list.h"
#include "dp/user/table.h"

#define NODES 700u

struct node {
    struct table_node node;
    unsigned seen;
};

static struct rcu_domain rcu;
static struct table table;
static struct node nodes[NODES];

static void setup(void)
{
    rcu_domain_init(&rcu);
    cr_assert_eq(rcu_domain_start(&rcu), 0);
    table_init(&table, &rcu);
    for (unsigned i = 0; i < NODES; i++) {
        table_insert(&table, &nodes[i].node, table_hash(&table, &i, sizeof(i)));
    }
}

static void teardown(void)
{
    rcu_domain_stop(&rcu);
    table_free(&table);
}

TestSuite(table, .init = setup, .fini = teardown);

static void see(struct table_node *node, void *arg)
{
    unsigned *count = arg;
    container_of(node, struct node, node)->seen++;
    ++*count;
}

static void expect_each_seen(unsigned times)
{
    for (unsigned i = 0; i < NODES; i++) {
        cr_assert_eq(nodes[i].seen, times, "node %u was seen %u times", i, nodes[i].seen);
    }
}

Test(table, parts_make_the_whole)
{
    static const unsigned lots[] = {1, 3, 64, 700, 5000};
    unsigned count = 0;
    table_each(&table, see, &count);
    cr_assert_eq(count, NODES);
    expect_each_seen(1);
    for (unsigned n = 0; n < 5; n++) {
        for (unsigned i = 0; i < lots[n]; i++) {
            struct table_part part = {i, i + 1, lots[n]};
            table_each_part(&table, &part, see, &count);
        }
        expect_each_seen(n + 2);
    }
}

static void remove_it(struct table_node *node, void *arg)
{
    (void)arg;
    table_remove(&table, node);
}

Test(table, a_visitor_may_remove_what_it_visits)
{
    unsigned left = 0;
    struct table_part half = {0, 1, 2};
    table_each_part(&table, &half, remove_it, NULL);
    table_each_part(&table, &half, see, &left);
    cr_assert_eq(left, 0);
    table_each(&table, see, &left);
    cr_assert(left > NODES / 4 && left < NODES * 3 / 4, "%u in the other half", left);
}
