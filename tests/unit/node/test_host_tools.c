/* SPDX-License-Identifier: MIT */
#include "node/host_tools.h"

#include <string.h>

#include "config/config.h"
#include "unit/sys/netns.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

Test(host_tools, mktun_and_rmtun)
{
    TUN_OR_SKIP();
    struct config config;
    memset(&config, 0, sizeof(config));
    config.dev = TEXT("tap4");
    config.dev_type = CONFIG_DEV_TAP;
    config.user = TEXT("nobody");
    config.txqueuelen = 55;
    cr_assert_eq(host_tools_persist(&config, true), 0);
    cr_assert(shell("ip -d link show tap4 | grep -q 'persist on'"));
    cr_assert(shell("ip link show tap4 | grep -q 'qlen 55'"));
    cr_assert_eq(host_tools_persist(&config, false), 0);
    cr_assert_not(shell("ip link show tap4 2>/dev/null"));
}

Test(host_tools, show_gateway)
{
    NETNS_OR_SKIP();
    cr_assert_eq(host_tools_show_gateway(NULL), 0, "none is an answer, too");
    cr_assert(shell("ip link add va type veth peer name vb && ip addr add 10.99.0.2/24 dev va && ip link set va up && "
                    "ip route add default via 10.99.0.1"));
    cr_assert_eq(host_tools_show_gateway(NULL), 0);
    cr_assert_eq(host_tools_show_gateway("10.99.0.7"), 0);
    cr_assert_eq(host_tools_show_gateway("nonsense"), 1);
}
