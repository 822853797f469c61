/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/push.h"

static void assert_list(const struct push_list *list, const char *want)
{
    struct buf out = BUF_INIT(4096);
    size_t at = 0;
    for (const char *t = push_list_next(list, &at); t; t = push_list_next(list, &at)) {
        cr_assert_eq(buf_printf(&out, "%s%s", out.len ? "|" : "", t), 0);
    }
    cr_assert_str_eq(buf_str(&out), want);
    buf_free(&out, false);
}

static struct push_list sample(void)
{
    struct push_list list = {0};
    cr_assert_eq(push_list_add(&list, "route 10.1.0.0 255.255.0.0"), 0);
    cr_assert_eq(push_list_add(&list, "route 10.2.0.0 255.255.0.0 vpn_gateway 5"), 0);
    cr_assert_eq(push_list_add(&list, "route-gateway 10.8.0.1"), 0);
    cr_assert_eq(push_list_add(&list, "topology subnet"), 0);
    return list;
}

Test(push, order_is_kept)
{
    struct push_list list = sample();
    push_list_addf(&list, "ping %d", 10);
    assert_list(&list, "route 10.1.0.0 255.255.0.0|route 10.2.0.0 255.255.0.0 vpn_gateway 5|route-gateway 10.8.0.1|"
                       "topology subnet|ping 10");
    push_list_free(&list);
}

Test(push, own_networks_are_not_pushed)
{
    struct push_list list = sample();
    cr_assert_eq(push_list_add(&list, "route-ipv6 fd01::/64"), 0);
    struct ip_prefix net;
    cr_assert_eq(prefix_parse("10.1.0.0/16", &net), 0);
    push_list_drop_route(&list, &net);
    cr_assert_eq(prefix_parse("10.2.0.0/16", &net), 0);
    push_list_drop_route(&list, &net);
    cr_assert_eq(prefix_parse("fd01::/64", &net), 0);
    push_list_drop_route(&list, &net);
    assert_list(&list, "route 10.2.0.0 255.255.0.0 vpn_gateway 5|route-gateway 10.8.0.1|topology subnet");
    push_list_free(&list);
}

Test(push, what_cannot_be_pushed)
{
    struct push_list list = {0};
    char longer[1025];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_assert_eq(push_list_add(&list, "a,b"), ERR_FORMAT);
    cr_assert_eq(push_list_add(&list, "a\nb"), ERR_FORMAT);
    cr_assert_eq(push_list_add(&list, ""), ERR_FORMAT);
    cr_assert_eq(push_list_add(&list, longer), ERR_FORMAT);
    assert_list(&list, "");
    push_list_free(&list);
}
