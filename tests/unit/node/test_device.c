/* SPDX-License-Identifier: MIT */
#include "node/device.h"

#include <string.h>

#include "base/err.h"
#include "config/config.h"
#include "dp/fake/fake.h"
#include "hooks/env.h"
#include "unit/sys/netns.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct config plain(void)
{
    struct config config;
    memset(&config, 0, sizeof(config));
    config.dev = TEXT("tun");
    config.dev_type = CONFIG_DEV_TUN;
    config.tun_mtu = 1400;
    return config;
}

static struct dp *fake_dp(void)
{
    struct dp_config config = {.backend = "fake"};
    struct dp *dp = NULL;
    cr_assert_eq(dp_open(&config, &dp), 0);
    return dp;
}

static struct device *bring_up(const struct config *config, struct rtnl *nl)
{
    struct device_plan plan;
    struct device *device = NULL;
    cr_assert_eq(device_plan_init(&plan, config, 0), 0);
    cr_assert_eq(device_open(&plan, nl, &device), 0);
    cr_assert_eq(device_configure(device), 0);
    return device;
}

Test(device, subnet_with_both_families)
{
    TUN_OR_SKIP();
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.topology = CONFIG_TOPOLOGY_SUBNET;
    config.ifconfig.local = TEXT("10.8.0.2");
    config.ifconfig.remote_netmask = TEXT("255.255.255.0");
    cr_assert_eq(ip_parse("fd08::2", &config.ifconfig_ipv6.local), 0);
    config.ifconfig_ipv6.bits = 64;
    config.txqueuelen = 321;
    struct device *device = bring_up(&config, nl);
    cr_assert_str_eq(device_name(device), "tun0");
    cr_assert(shell("ip addr show dev tun0 | grep -q 'inet 10.8.0.2/24'"));
    cr_assert(shell("ip addr show dev tun0 | grep -q 'inet6 fd08::2/64'"));
    cr_assert(shell("ip link show dev tun0 | grep 'mtu 1400' | grep 'qlen 321' | grep -q ',UP'"));
    struct env env = {0};
    device_export(device_get_plan(device), device_name(device), &env);
    cr_assert_str_eq(env_get(&env, "dev"), "tun0");
    cr_assert_str_eq(env_get(&env, "dev_type"), "tun");
    cr_assert_str_eq(env_get(&env, "tun_mtu"), "1400");
    cr_assert_str_eq(env_get(&env, "ifconfig_local"), "10.8.0.2");
    cr_assert_str_eq(env_get(&env, "ifconfig_netmask"), "255.255.255.0");
    cr_assert_null(env_get(&env, "ifconfig_remote"));
    cr_assert_str_eq(env_get(&env, "ifconfig_ipv6_local"), "fd08::2");
    cr_assert_str_eq(env_get(&env, "ifconfig_ipv6_netbits"), "64");
    env_free(&env);
    device_close(device);
    cr_assert_not(shell("ip link show dev tun0 2>/dev/null"));
    rtnl_close(nl);
}

Test(device, net30_has_a_peer)
{
    TUN_OR_SKIP();
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.ifconfig.local = TEXT("10.8.0.6");
    config.ifconfig.remote_netmask = TEXT("10.8.0.5");
    struct device *device = bring_up(&config, nl);
    cr_assert(shell("ip addr show dev tun0 | grep -q 'inet 10.8.0.6 peer 10.8.0.5/32'"));
    struct ip_addr gateway = device_vpn_gateway(device);
    struct ip_addr expected;
    cr_assert_eq(ip_parse("10.8.0.5", &expected), 0);
    cr_assert(ip_equal(&gateway, &expected));
    struct device_plan again;
    cr_assert_eq(device_plan_init(&again, &config, 0), 0);
    cr_assert(device_matches(device, &again));
    again.mtu = 1300;
    cr_assert_not(device_matches(device, &again));
    device_close(device);
    rtnl_close(nl);
}

Test(device, tap_joins_a_bridge_and_is_handed_over)
{
    TUN_OR_SKIP();
    if (!shell("ip link add br0 type bridge 2>/dev/null")) {
        cr_skip_test("kernel without bridges");
    }
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.dev = TEXT("tap3");
    config.dev_type = CONFIG_DEV_TAP;
    config.lladdr = TEXT("02:00:00:00:00:42");
    config.bridge = TEXT("br0");
    struct device *device = bring_up(&config, nl);
    cr_assert(shell("ip link show dev tap3 | grep -q 'master br0'"));
    cr_assert(shell("ip link show dev tap3 | grep -q 02:00:00:00:00:42"));
    struct dp *dp = fake_dp();
    cr_assert_eq(device_attach(device, dp), 0);
    const struct dp_fake_call *call = dp_fake_last(dp, DP_FAKE_DEVICE_ATTACH);
    cr_assert_not_null(call);
    cr_assert_eq(call->device.queues, 1);
    cr_assert_eq(call->device.mtu, 1400);
    cr_assert_eq(call->device.mac[5], 0x42);
    device_close(device);
    cr_assert_not_null(dp_fake_last(dp, DP_FAKE_DEVICE_DETACH));
    dp_close(dp);
    rtnl_close(nl);
}

Test(device, noexec_sets_nothing)
{
    TUN_OR_SKIP();
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.ifconfig.local = TEXT("10.8.0.6");
    config.ifconfig.remote_netmask = TEXT("10.8.0.5");
    config.ifconfig_noexec = true;
    struct device *device = bring_up(&config, nl);
    cr_assert_not(shell("ip addr show dev tun0 | grep -q 'inet '"));
    cr_assert_not(shell("ip link show dev tun0 | grep -q ',UP'"));
    device_close(device);
    rtnl_close(nl);
}

Test(device, addresses_leave_a_persistent_device)
{
    TUN_OR_SKIP();
    cr_assert(shell("ip tuntap add dev tun9 mode tun"));
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.dev = TEXT("tun9");
    config.topology = CONFIG_TOPOLOGY_SUBNET;
    config.ifconfig.local = TEXT("10.8.0.2");
    config.ifconfig.remote_netmask = TEXT("255.255.255.0");
    struct device *device = bring_up(&config, nl);
    device_close(device);
    cr_assert(shell("ip link show dev tun9 >/dev/null"));
    cr_assert_not(shell("ip addr show dev tun9 | grep -q 'inet '"));
    rtnl_close(nl);
}

Test(device, null_device)
{
    struct config config = plain();
    config.dev = TEXT("null");
    config.dev_type = CONFIG_DEV_NULL;
    struct device *device = bring_up(&config, NULL);
    cr_assert_str_eq(device_name(device), "null");
    cr_assert_eq(device_index(device), 0);
    cr_assert_eq(device_attach(device, NULL), 0);
    device_close(device);
}

Test(device, plans_that_cannot_work)
{
    struct config config = plain();
    struct device_plan plan;
    config.topology = CONFIG_TOPOLOGY_SUBNET;
    config.ifconfig.local = TEXT("10.8.0.6");
    config.ifconfig.remote_netmask = TEXT("10.8.0.5");
    cr_assert_eq(device_plan_init(&plan, &config, 0), ERR_CONFIG);
    config.ifconfig.local = TEXT("vpn.example");
    cr_assert_eq(device_plan_init(&plan, &config, 0), ERR_CONFIG);
    config = plain();
    config.dev = TEXT("office");
    config.dev_type = CONFIG_DEV_TYPE_UNSET;
    cr_assert_eq(device_plan_init(&plan, &config, 0), ERR_CONFIG);
    config = plain();
    cr_assert_eq(device_plan_init(&plan, &config, 3), ERR_CONFIG);
}

Test(device, missing_bridge_or_bad_mac)
{
    TUN_OR_SKIP();
    struct rtnl *nl = NULL;
    cr_assert_eq(rtnl_open(&nl), 0);
    struct config config = plain();
    config.dev = TEXT("tap");
    config.dev_type = CONFIG_DEV_TAP;
    config.bridge = TEXT("br-none");
    struct device_plan plan;
    struct device *device = NULL;
    cr_assert_eq(device_plan_init(&plan, &config, 0), 0);
    cr_assert_eq(device_open(&plan, nl, &device), 0);
    cr_assert_lt(device_configure(device), 0);
    device_close(device);
    config.bridge = NULL;
    config.lladdr = TEXT("02:00:00:00:00");
    cr_assert_eq(device_plan_init(&plan, &config, 0), 0);
    cr_assert_eq(device_open(&plan, nl, &device), 0);
    cr_assert_eq(device_configure(device), ERR_CONFIG);
    device_close(device);
    rtnl_close(nl);
}
