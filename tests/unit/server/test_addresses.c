/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "server/addresses.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/instance.h"
#include "server/static_names.h"

static struct config *config;
static struct server server;
static struct instance clients[3];
static struct config_client options;

static void begin(enum config_topology topology, uint32_t start, uint32_t last, uint32_t netmask)
{
    static char own[] = "10.8.0.1";
    static char mask[] = "255.255.255.0";
    static char far_end[] = "10.8.0.2";
    static char names[3][5] = {"anna", "bob", "carl"};
    config = calloc(1, sizeof(*config));
    config->dev_type = CONFIG_DEV_TUN;
    config->topology = topology;
    config->ifconfig.local = own;
    config->ifconfig.remote_netmask = topology == CONFIG_TOPOLOGY_SUBNET ? mask : far_end;
    config->ifconfig_pool = (struct config_pool){.given = true, .start = start, .end = last, .netmask = netmask};
    server = (struct server){.config = config, .live = held_config_new(config, NULL)};
    addresses_own(&server);
    cr_assert_eq(addresses_make_pool(&server), 0);
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = (struct instance){.server = &server, .cn = names[i], .tag = names[i], .options = &options};
    }
}

static void end(void)
{
    pool_free(server.pool);
    held_config_unref(server.live);
    free(config);
}

TestSuite(addresses, .fini = end);

static bool is(const struct ip_addr *ip, const char *text)
{
    struct ip_addr other = {0};
    return *text ? ip_parse(text, &other) == 0 && ip_equal(ip, &other) : ip->family == 0;
}

#define NET 0x0A080000u /* 10.8.0.0 */

Test(addresses, subnet)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 254, 0xFFFFFF00u);
    addresses_choose_dynamic(&clients[0]);
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.2"));
    cr_expect(is(&clients[0].addresses.pushed4, "10.8.0.2"));
    cr_expect(is(&clients[0].addresses.remote4, "255.255.255.0"));
}

Test(addresses, net30)
{
    begin(CONFIG_TOPOLOGY_NET30, NET + 4, NET + 251, 0);
    addresses_choose_dynamic(&clients[0]);
    addresses_choose_dynamic(&clients[1]);
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.6"));
    cr_expect(is(&clients[0].addresses.remote4, "10.8.0.5"));
    cr_expect(is(&clients[1].addresses.local4, "10.8.0.10"));
}

Test(addresses, p2p)
{
    begin(CONFIG_TOPOLOGY_P2P, NET + 4, NET + 251, 0);
    addresses_choose_dynamic(&clients[0]);
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.4"));
    cr_expect(is(&clients[0].addresses.remote4, "10.8.0.1"));
}

Test(addresses, a_pool_without_netmask_gives_no_address)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 254, 0);
    server.own.netmask4 = (struct ip_addr){0};
    addresses_choose_dynamic(&clients[0]);
    cr_expect(is(&clients[0].addresses.local4, ""));
    cr_expect(is(&clients[0].addresses.pushed4, ""));
    cr_expect(clients[0].addresses.from_pool, "it goes back with the client");
}

Test(addresses, exhausted_pool_leaves_the_client_without)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 3, 0xFFFFFF00u);
    for (unsigned i = 0; i < 3; i++) {
        addresses_choose_dynamic(&clients[i]);
    }
    cr_expect(is(&clients[2].addresses.local4, ""));
    cr_expect(!clients[2].addresses.from_pool);
    addresses_release(&clients[0]);
    addresses_choose_dynamic(&clients[2]);
    cr_expect(is(&clients[2].addresses.local4, "10.8.0.2"));
}

Test(addresses, static_one_gives_the_slot_back)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 3, 0xFFFFFF00u);
    struct static_ifconfig found = {0};
    cr_assert_eq(ip_parse("10.8.0.77", &found.local), 0);
    cr_assert_eq(ip_parse("255.255.255.0", &found.remote), 0);
    cr_assert_eq(ip_parse("192.168.5.5", &found.alias), 0);
    addresses_choose_dynamic(&clients[0]);
    addresses_choose_static(&clients[0], &found);
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.77"));
    cr_expect(is(&clients[0].addresses.pushed4, "192.168.5.5"));
    cr_expect(!clients[0].addresses.from_pool);
    cr_expect_eq(pool_used(server.pool), 0);
}

Test(addresses, static_ipv6_with_an_address_of_the_pool)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 3, 0xFFFFFF00u);
    addresses_choose_dynamic(&clients[0]);
    cr_assert_eq(ip_parse("fd00::7", &options.ifconfig_ipv6_push.local), 0);
    options.ifconfig_ipv6_push.bits = 64;
    addresses_choose_static(&clients[0], NULL);
    cr_expect(is(&clients[0].addresses.local6, ""), "there is no far end to push");
    cr_assert_eq(ip_parse("fd00::1", &server.own.local6), 0);
    addresses_choose_static(&clients[0], NULL);
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.2"));
    cr_expect(is(&clients[0].addresses.local6, "fd00::7"));
    cr_expect(is(&clients[0].addresses.remote6, "fd00::1"));
    cr_expect_eq(clients[0].addresses.bits6, 64);
}

static struct ip_addr address(const char *text)
{
    struct ip_addr ip = {0};
    cr_assert_eq(ip_parse(text, &ip), 0);
    return ip;
}

static struct addresses_change to4(const char *text)
{
    return (struct addresses_change){.v4 = true, .local4 = address(text), .remote4 = address("255.255.255.0")};
}

/* What a connected client is given is taken from the pool, and given back with the next change. */
Test(addresses, changes_reserve_slots)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 4, 0xFFFFFF00u);
    config->dev_type = CONFIG_DEV_TAP; /* no routes */
    hashmap_init(&server.routing);
    addresses_choose_dynamic(&clients[0]);
    addresses_choose_dynamic(&clients[1]);
    struct addresses_change change = to4("10.8.0.4");
    cr_assert(addresses_change(&clients[0], &change));
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.4"));
    cr_expect(is(&clients[0].addresses.pushed4, "10.8.0.4"));
    cr_expect_eq(pool_used(server.pool), 3);
    cr_expect(addresses_change(&clients[0], &change), "the same again");
    cr_expect_eq(pool_used(server.pool), 3);
    change = to4("10.9.9.9");
    cr_expect(addresses_change(&clients[0], &change), "outside the pool");
    cr_expect_eq(pool_used(server.pool), 2);
    change = to4("10.8.0.2");
    cr_expect(addresses_change(&clients[0], &change), "back to its own");
    cr_expect_eq(pool_used(server.pool), 2);
    change = (struct addresses_change){.v4 = true};
    cr_expect(addresses_change(&clients[0], &change), "none");
    cr_expect(is(&clients[0].addresses.local4, ""));
    addresses_release(&clients[0]);
    addresses_release(&clients[1]);
    cr_expect_eq(pool_used(server.pool), 0);
    hashmap_free(&server.routing);
}

Test(addresses, changes_take_nothing_from_others)
{
    begin(CONFIG_TOPOLOGY_SUBNET, NET + 2, NET + 4, 0xFFFFFF00u);
    config->dev_type = CONFIG_DEV_TAP;
    hashmap_init(&server.routing);
    addresses_choose_dynamic(&clients[0]);
    addresses_choose_dynamic(&clients[1]);
    struct addresses_change change = to4("10.8.0.3");
    cr_expect_not(addresses_change(&clients[0], &change), "another client's");
    change = to4("10.8.0.1");
    cr_expect_not(addresses_change(&clients[0], &change), "the server's");
    cr_expect(is(&clients[0].addresses.local4, "10.8.0.2"));
    cr_expect_eq(pool_used(server.pool), 2);
    hashmap_free(&server.routing);
}
