/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/err.h"
#include "server/instances.h"

static struct dp_path udp(const char *address, uint16_t port)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse(address, &ip), 0);
    return (struct dp_path){.listener = 1, .remote = addr_from_ip(&ip, port)};
}

Test(instances, lowest_free_peer_id)
{
    struct instances t;
    struct instance_entry e[3] = {0};
    instances_init(&t, 2);
    struct dp_path a = udp("192.0.2.1", 1000);
    struct dp_path b = udp("192.0.2.1", 1001);
    cr_assert_eq(instances_add(&t, &e[0], &a), 0);
    cr_assert_eq(instances_add(&t, &e[1], &b), 0);
    cr_assert_eq(e[0].id, 0);
    cr_assert_eq(e[1].id, 1);
    cr_assert_eq(instances_add(&t, &e[2], &a), ERR_LIMIT);
    instances_remove(&t, &e[0]);
    cr_assert_eq(instances_add(&t, &e[2], &a), 0);
    cr_assert_eq(e[2].id, 0);
    cr_assert_eq(e[2].client_id, 2, "client ids are not used twice");
    cr_assert_eq(instances_by_id(&t, 1), &e[1]);
    cr_assert_null(instances_by_id(&t, 99));
    cr_assert_null(instances_by_client(&t, 0), "it is gone");
    cr_assert_eq(instances_by_client(&t, 1), &e[1]);
    cr_assert_eq(instances_by_client(&t, 2), &e[2]);
    instances_remove(&t, &e[1]);
    instances_remove(&t, &e[2]);
    instances_free(&t);
}

Test(instances, by_path)
{
    struct instances t;
    struct instance_entry e[2] = {0};
    instances_init(&t, 4);
    struct dp_path a = udp("2001:db8::1", 1000);
    struct dp_path tcp = a;
    tcp.listener = 0;
    tcp.conn = 7;
    cr_assert_eq(instances_add(&t, &e[0], &a), 0);
    cr_assert_eq(instances_add(&t, &e[1], &tcp), 0);
    cr_assert_eq(instances_at(&t, &a), &e[0]);
    cr_assert_eq(instances_at(&t, &tcp), &e[1]);
    struct dp_path other = a;
    other.listener = 2;
    cr_assert_null(instances_at(&t, &other), "the same source at another socket is somebody else");
    struct dp_path moved = udp("192.0.2.9", 5);
    instances_move(&t, &e[0], &moved);
    cr_assert_null(instances_at(&t, &a));
    cr_assert_eq(instances_at(&t, &moved), &e[0]);
    instances_hide(&t, &e[0]);
    cr_assert_null(instances_at(&t, &moved));
    cr_assert_eq(instances_by_id(&t, e[0].id), &e[0], "the id stays taken until the end");
    cr_assert_eq(instances_by_client(&t, e[0].client_id), &e[0]);
    instances_remove(&t, &e[0]);
    instances_remove(&t, &e[1]);
    instances_free(&t);
}

Test(instances, by_name)
{
    struct instances t;
    struct instance_entry e[3] = {0};
    instances_init(&t, 4);
    for (uint16_t i = 0; i < 3; i++) {
        struct dp_path p = udp("192.0.2.1", (uint16_t)(1000 + i));
        cr_assert_eq(instances_add(&t, &e[i], &p), 0);
        instances_name(&t, &e[i], i == 1 ? "bob" : "alice");
    }
    unsigned seen = 0;
    for (struct instance_entry *x = instances_named(&t, "alice", NULL); x; x = instances_named(&t, "alice", x)) {
        cr_assert_neq(x, &e[1]);
        seen++;
    }
    cr_assert_eq(seen, 2);
    instances_name(&t, &e[0], "carol");
    cr_assert_eq(instances_named(&t, "carol", NULL), &e[0]);
    cr_assert_eq(instances_named(&t, "alice", NULL), &e[2]);
    cr_assert_null(instances_named(&t, "alice", &e[2]));
    for (int i = 0; i < 3; i++) {
        instances_remove(&t, &e[i]);
    }
    instances_free(&t);
}
