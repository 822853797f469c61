/* SPDX-License-Identifier: MIT */
#include "node/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "hooks/env.h"
#include "node/journal.h"
#include "sys/tun.h"
#include "unit/sys/netns.h"

/*
 *   this namespace:  vc 10.99.0.2/24 --- (gateway 10.99.0.1, behind it the server 203.0.113.5)
 *                    fd99::2/64      --- (gateway fd99::1, behind it 2001:db8::5)
 *                    tun0 10.77.0.2/24, gateway 10.77.0.1
 */
struct world {
    struct rtnl *nl;
    struct tun_device tun;
    struct config config;
    struct config_route route[4];
    struct config_route_ipv6 route6[2];
    struct routes *routes;
    struct routes_request request;
    char *before;
};

static char *table(void)
{
    FILE *pipe = popen("ip route show; ip -6 route show | grep -v fe80; ip route show table 1000 2>/dev/null", "r");
    char *text = mem_zalloc(16384);
    size_t n = fread(text, 1, 16383, pipe);
    text[n] = '\0';
    pclose(pipe);
    return text;
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr out = {0};
    cr_assert_eq(ip_parse(text, &out), 0, "%s", text);
    return out;
}

static void build(struct world *world)
{
    cr_assert(shell("ip link add vc type veth peer name vs && ip link set vc up && ip link set vs up && "
                    "ip addr add 10.99.0.2/24 dev vc && ip route add default via 10.99.0.1 && "
                    "ip -6 addr add fd99::2/64 dev vc nodad && ip -6 route add default via fd99::1"));
    struct tun_options options = {.name = "tun"};
    cr_assert_eq(tun_open(&options, &world->tun), 0);
    cr_assert(shell("ip addr add 10.77.0.2/24 dev tun0 && ip -6 addr add fd77::2/64 dev tun0 nodad && "
                    "ip link set tun0 up"));
    cr_assert_eq(rtnl_open(&world->nl), 0);
    world->config.route.items = world->route;
    world->config.route_ipv6.items = world->route6;
    world->config.route_gateway = (char *)(uintptr_t) "10.77.0.1";
    world->request = (struct routes_request){.config = &world->config,
                                             .ifindex = world->tun.ifindex,
                                             .local6 = ip("fd77::2"),
                                             .remote = ip("203.0.113.5")};
    world->before = table();
}

static void install(struct world *world, unsigned redirect)
{
    world->config.redirect_gateway = redirect ? redirect | CONFIG_REDIRECT_ENABLED : 0;
    cr_assert_eq(routes_new(&world->request, world->nl, &world->routes), 0);
    (void)routes_install(world->routes);
}

static bool has(const char *line)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "{ ip route; ip -6 route; } | sed 's/ *$//' | grep -qx -e '%s.*'", line);
    return shell(command);
}

#define HAS(line) cr_assert(has(line), "missing: %s\n%s", line, table())
#define HAS_NOT(line) cr_assert_not(has(line), "unexpected: %s\n%s", line, table())

static void finish(struct world *world)
{
    routes_free(world->routes);
    char *after = table();
    cr_assert_str_eq(after, world->before);
    free(after);
    free(world->before);
    tun_close(&world->tun);
    rtnl_close(world->nl);
}

#define WORLD                                                                                                          \
    TUN_OR_SKIP();                                                                                                     \
    struct world world = {0};                                                                                          \
    build(&world)

TestSuite(routes, .timeout = 30);

Test(routes, def1)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    HAS("0.0.0.0/1 via 10.77.0.1 dev tun0");
    HAS("128.0.0.0/1 via 10.77.0.1 dev tun0");
    HAS("default via 10.99.0.1 dev vc");
    cr_assert_eq(routes_failed(world.routes), 0);
    finish(&world);
}

Test(routes, plain_redirect_replaces_the_default_route_and_puts_it_back)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE);
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    HAS("default via 10.77.0.1 dev tun0");
    HAS_NOT("default via 10.99.0.1");
    finish(&world);
}

Test(routes, def1_local)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_LOCAL);
    HAS_NOT("203.0.113.5");
    HAS("0.0.0.0/1 via 10.77.0.1");
    finish(&world);
}

Test(routes, autolocal_with_the_server_on_the_subnet)
{
    WORLD;
    world.request.remote = ip("10.99.0.1");
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_AUTOLOCAL);
    HAS_NOT("10.99.0.1 ");
    HAS("128.0.0.0/1 via 10.77.0.1");
    finish(&world);
}

Test(routes, autolocal_with_a_far_server)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_AUTOLOCAL);
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    finish(&world);
}

Test(routes, def1_with_the_server_on_the_subnet)
{
    WORLD;
    world.request.remote = ip("10.99.0.1");
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    HAS("10.99.0.1 dev vc scope link");
    HAS("0.0.0.0/1 via 10.77.0.1");
    finish(&world);
}

Test(routes, def1_block_local)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_BLOCK_LOCAL);
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    HAS("10.99.0.1 via 10.99.0.1 dev vc");
    HAS("10.99.0.128/25 via 10.77.0.1 dev tun0");
    HAS("10.99.0.0/25 via 10.77.0.1 dev tun0");
    struct env env = {0};
    routes_export(world.routes, &env);
    cr_assert_str_eq(env_get(&env, "route_redirect_gateway_ipv4"), "2");
    cr_assert_str_eq(env_get(&env, "redirect_gateway"), "1");
    cr_assert_str_eq(env_get(&env, "route_net_gateway"), "10.99.0.1");
    cr_assert_str_eq(env_get(&env, "route_vpn_gateway"), "10.77.0.1");
    cr_assert_str_eq(env_get(&env, "net_gateway_ipv6"), "fd99::1");
    env_free(&env);
    finish(&world);
}

Test(routes, bypass_flags_change_nothing)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_BYPASS_DHCP |
                        CONFIG_REDIRECT_BYPASS_DNS);
    HAS("0.0.0.0/1 via 10.77.0.1");
    finish(&world);
}

Test(routes, ipv6_with_ipv4_transport)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_IPV6);
    HAS("::/3 dev tun0");
    HAS("2000::/4 dev tun0");
    HAS("3000::/4 dev tun0");
    HAS("fc00::/7 dev tun0");
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    finish(&world);
}

Test(routes, ipv6_flag_without_ipv6_inside)
{
    WORLD;
    world.request.local6 = (struct ip_addr){0};
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_IPV6);
    HAS_NOT("2000::/4");
    finish(&world);
}

Test(routes, ipv6_with_ipv6_transport)
{
    WORLD;
    world.request.remote = ip("2001:db8::5");
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_IPV6);
    HAS("2001:db8::5 via fd99::1 dev vc metric 1");
    HAS("2000::/4 dev tun0");
    HAS("0.0.0.0/1 via 10.77.0.1");
    HAS_NOT("203.0.113.5");
    cr_assert_eq(routes_failed(world.routes), 0);
    finish(&world);
}

Test(routes, not_ipv4)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_IPV6 |
                        CONFIG_REDIRECT_NOT_IPV4);
    HAS("2000::/4 dev tun0");
    HAS_NOT("0.0.0.0/1");
    HAS_NOT("203.0.113.5");
    finish(&world);
}

Test(routes, redirect_private_leaves_the_default_route)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEF1 | CONFIG_REDIRECT_IPV6 | CONFIG_REDIRECT_BLOCK_LOCAL);
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    HAS("10.99.0.0/25 via 10.77.0.1");
    HAS("2000::/4 dev tun0");
    HAS_NOT("0.0.0.0/1");
    finish(&world);
}

Test(routes, no_default_gateway_is_an_error)
{
    WORLD;
    cr_assert(shell("ip route del default"));
    free(world.before);
    world.before = table();
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    HAS_NOT("0.0.0.0/1");
    cr_assert_eq(routes_failed(world.routes), 1);
    finish(&world);
}

Test(routes, missing_vpn_gateway)
{
    WORLD;
    world.config.route_gateway = NULL;
    world.route[0] = (struct config_route){.network = (char *)(uintptr_t) "192.0.2.0",
                                           .netmask = (char *)(uintptr_t) "255.255.255.0", .metric = -1};
    world.config.route.count = 1;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    cr_assert_eq(routes_failed(world.routes), 2);
    finish(&world);
}

#define TEXT(literal) ((char *)(uintptr_t)(literal))

Test(routes, lines)
{
    WORLD;
    world.config.route_metric = 7;
    world.route[0] = (struct config_route){.network = TEXT("192.0.2.0"), .netmask = TEXT("255.255.255.0"), .metric = -1};
    world.route[1] = (struct config_route){.network = TEXT("198.51.100.9"), .gateway = TEXT("net_gateway"), .metric = 3};
    world.route[2] = (struct config_route){.network = TEXT("remote_host"), .netmask = TEXT("default"),
                                           .gateway = TEXT("net_gateway"), .metric = 0};
    world.route[3] = (struct config_route){.network = TEXT("203.0.112.0"), .netmask = TEXT("255.255.255.0"),
                                           .gateway = TEXT("vpn_gateway"), .metric = -1, .table = 1000};
    world.config.route.count = 4;
    cr_assert_eq(prefix_parse("fd01::/48", &world.route6[0].network), 0);
    world.route6[0].metric = -1;
    cr_assert_eq(prefix_parse("fd02::/48", &world.route6[1].network), 0);
    world.route6[1].gateway = TEXT("net_gateway");
    world.route6[1].metric = 9;
    world.config.route_ipv6.count = 2;
    install(&world, 0);
    HAS("192.0.2.0/24 via 10.77.0.1 dev tun0 metric 7");
    HAS("198.51.100.9 via 10.99.0.1 dev vc metric 3");
    HAS("203.0.113.5 via 10.99.0.1 dev vc");
    cr_assert(shell("ip route show table 1000 | grep -q '203.0.112.0/24 via 10.77.0.1 dev tun0 metric 7'"));
    HAS("fd01::/48 dev tun0 metric 7");
    HAS("fd02::/48 via fd99::1 dev vc metric 9");
    struct env env = {0};
    routes_export(world.routes, &env);
    cr_assert_str_eq(env_get(&env, "route_network_1"), "192.0.2.0");
    cr_assert_str_eq(env_get(&env, "route_netmask_1"), "255.255.255.0");
    cr_assert_str_eq(env_get(&env, "route_gateway_1"), "10.77.0.1");
    cr_assert_str_eq(env_get(&env, "route_metric_1"), "7");
    cr_assert_str_eq(env_get(&env, "route_network_3"), "203.0.113.5");
    cr_assert_str_eq(env_get(&env, "route_ipv6_network_1"), "fd01::/48");
    env_free(&env);
    finish(&world);
}

Test(routes, a_route_that_was_there_stays)
{
    WORLD;
    cr_assert(shell("ip route add 192.0.2.0/24 via 10.99.0.1"));
    free(world.before);
    world.before = table();
    world.route[0] = (struct config_route){.network = TEXT("192.0.2.0"), .netmask = TEXT("255.255.255.0"), .metric = -1};
    world.config.route.count = 1;
    install(&world, 0);
    cr_assert_eq(routes_failed(world.routes), 0);
    HAS("192.0.2.0/24 via 10.99.0.1 dev vc");
    finish(&world);
}

Test(routes, bad_lines_are_skipped)
{
    WORLD;
    world.route[0] = (struct config_route){.network = TEXT("192.0.2.0"), .netmask = TEXT("255.0.255.0"), .metric = -1};
    world.route[1] = (struct config_route){.network = TEXT("192.0.2.0"), .gateway = TEXT("nonsense"), .metric = -1};
    world.route[2] = (struct config_route){.network = TEXT("192.0.2.1"), .gateway = TEXT("172.31.9.9"), .metric = -1};
    world.route[3] = (struct config_route){.network = TEXT("192.0.2.2"), .metric = -1};
    world.config.route.count = 4;
    install(&world, 0);
    cr_assert_eq(routes_failed(world.routes), 3);
    HAS("192.0.2.2 via 10.77.0.1");
    finish(&world);
}

Test(routes, noexec_only_exports)
{
    WORLD;
    world.config.route_noexec = true;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    char *now = table();
    cr_assert_str_eq(now, world.before);
    free(now);
    finish(&world);
}

Test(routes, refresh_follows_the_default_route)
{
    WORLD;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    cr_assert_eq(routes_refresh(world.routes), 0);
    cr_assert(shell("ip addr add 10.98.0.2/24 dev vc && ip route replace default via 10.98.0.1"));
    cr_assert_eq(routes_refresh(world.routes), 1);
    HAS("203.0.113.5 via 10.98.0.1 dev vc");
    HAS_NOT("203.0.113.5 via 10.99.0.1");
    cr_assert(shell("ip route del 203.0.113.5"));
    cr_assert_eq(routes_refresh(world.routes), 1, "put back");
    HAS("203.0.113.5 via 10.98.0.1 dev vc");
    cr_assert(shell("ip route del default"));
    cr_assert_eq(routes_refresh(world.routes), -ENETUNREACH);
    cr_assert(shell("ip route add default via 10.99.0.1 && ip addr del 10.98.0.2/24 dev vc"));
    cr_assert_eq(routes_refresh(world.routes), 1);
    finish(&world);
}

static struct journal *open_journal(char path[64])
{
    struct journal *journal = NULL;
    (void)snprintf(path, 64, "/tmp/vpnd-test-%d-journal", getpid());
    cr_assert_eq(journal_open(path, &journal), 0);
    return journal;
}

Test(routes, what_a_killed_run_left_is_taken_back)
{
    WORLD;
    char path[64];
    world.request.journal = open_journal(path);
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE);
    HAS("default via 10.77.0.1 dev tun0");
    /* As after kill -9: the device and its routes are gone, the rest stays, nobody holds the journal. */
    cr_assert_eq(journal_count(world.request.journal, "route "), 2);
    journal_close(world.request.journal);
    tun_close(&world.tun);
    cr_assert(shell("ip route show | grep -q 203.0.113.5"));
    cr_assert_not(shell("ip route show | grep -q default"));

    struct journal *next = open_journal(path);
    cr_assert_eq(routes_recover(next, world.nl), 2);
    cr_assert_eq(journal_count(next, ""), 0);
    journal_close(next);
    cr_assert_eq(access(path, F_OK), -1);
    HAS("default via 10.99.0.1 dev vc");
    HAS_NOT("203.0.113.5");
}

Test(routes, orderly_end_leaves_an_empty_journal)
{
    WORLD;
    char path[64];
    struct journal *journal = open_journal(path);
    world.request.journal = journal;
    install(&world, CONFIG_REDIRECT_DEFAULT_ROUTE | CONFIG_REDIRECT_DEF1);
    cr_assert_eq(journal_count(journal, "route "), 3);
    finish(&world);
    cr_assert_eq(journal_count(journal, ""), 0);
    journal_close(journal);
}

struct waiter {
    struct loop *loop;
    bool done;
};

static void on_done(void *arg)
{
    struct waiter *waiter = arg;
    waiter->done = true;
}

/* A label of 64 characters: it fails without a question to anybody. */
#define NO_HOST "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid"

Test(routes, host_names_are_looked_up)
{
    WORLD;
    struct waiter waiter = {0};
    cr_assert_eq(loop_open(&waiter.loop), 0);
    world.route[0] = (struct config_route){.network = TEXT("localhost"), .metric = -1};
    world.route[1] = (struct config_route){.network = TEXT(NO_HOST), .metric = -1};
    world.route[2] = (struct config_route){.network = TEXT("192.0.2.7"), .metric = -1};
    world.config.route.count = 3;
    cr_assert_eq(routes_new(&world.request, world.nl, &world.routes), 0);
    routes_resolve(world.routes, waiter.loop, on_done, &waiter);
    while (!waiter.done) {
        uv_run(loop_uv(waiter.loop), UV_RUN_ONCE);
    }
    (void)routes_install(world.routes);
    HAS("127.0.0.1 via 10.77.0.1");
    HAS("192.0.2.7 via 10.77.0.1");
    cr_assert_eq(routes_failed(world.routes), 1);
    finish(&world);
    loop_close(waiter.loop);
}

Test(routes, lookup_is_cancelled_by_free)
{
    WORLD;
    struct waiter waiter = {0};
    cr_assert_eq(loop_open(&waiter.loop), 0);
    world.route[0] = (struct config_route){.network = TEXT(NO_HOST), .metric = -1};
    world.config.route.count = 1;
    cr_assert_eq(routes_new(&world.request, world.nl, &world.routes), 0);
    routes_resolve(world.routes, waiter.loop, on_done, &waiter);
    finish(&world);
    loop_close(waiter.loop);
    cr_assert_not(waiter.done);
}
