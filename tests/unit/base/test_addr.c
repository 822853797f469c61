/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/addr.h"
#include "base/err.h"

Test(addr, formats_both_families)
{
    struct ip_addr ip;
    char text[ADDR_TEXT_MAX];
    cr_assert_eq(ip_parse("192.0.2.1", &ip), 0);
    union addr a = addr_from_ip(&ip, 1194);
    cr_assert_str_eq(addr_format(&a, text), "192.0.2.1:1194");
    cr_assert_str_eq(addr_format_log(&a, text), "[AF_INET]192.0.2.1:1194");
    cr_assert_eq(ip_parse("2001:db8::1", &ip), 0);
    a = addr_from_ip(&ip, 443);
    cr_assert_str_eq(addr_format(&a, text), "[2001:db8::1]:443");
    cr_assert_str_eq(addr_format_log(&a, text), "[AF_INET6]2001:db8::1:443");
}

Test(addr, mapped_ipv6_becomes_ipv4)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse("::ffff:10.1.2.3", &ip), 0);
    union addr mapped = addr_from_ip(&ip, 7);
    union addr out;
    cr_assert_eq(addr_from_sockaddr(&out, &mapped.any, sizeof(mapped.v6)), 0);
    char text[ADDR_TEXT_MAX];
    cr_assert_str_eq(addr_format(&out, text), "10.1.2.3:7");
    cr_assert_eq(addr_from_sockaddr(&out, &mapped.any, 3), ERR_FORMAT);
}

Test(addr, keys_differ_by_port_and_family)
{
    struct ip_addr ip;
    uint8_t a[19];
    uint8_t b[19];
    ip_parse("10.0.0.1", &ip);
    union addr one = addr_from_ip(&ip, 1);
    union addr two = addr_from_ip(&ip, 2);
    cr_assert_eq(addr_key(&one, a), 7);
    cr_assert_eq(addr_key(&two, b), 7);
    cr_assert(memcmp(a, b, 7) != 0);
    cr_assert_not(addr_equal(&one, &two));
    cr_assert(addr_equal(&one, &one));
}

Test(addr, masks_and_prefixes)
{
    cr_assert_eq(ip4_mask_bits(0xffffff00), 24);
    cr_assert_eq(ip4_mask_bits(0), 0);
    cr_assert_eq(ip4_mask_bits(0xff00ff00), -1);
    struct ip_prefix net;
    struct ip_addr ip;
    char text[ADDR_TEXT_MAX];
    cr_assert_eq(prefix_parse("10.8.0.77/20", &net), 0);
    cr_assert_str_eq(prefix_format(&net, text), "10.8.0.0/20");
    ip_parse("10.8.15.255", &ip);
    cr_assert(prefix_contains(&net, &ip));
    ip_parse("10.8.16.0", &ip);
    cr_assert_not(prefix_contains(&net, &ip));
    cr_assert_eq(prefix_parse("fd00::/129", &net), ERR_FORMAT);
    cr_assert_eq(prefix_parse("10.0.0.0", &net), ERR_FORMAT);
    cr_assert_eq(prefix_parse("10.0.0.0/-1", &net), ERR_FORMAT);
    cr_assert_eq(prefix_parse("10.0.0.0/8x", &net), ERR_FORMAT);
}
