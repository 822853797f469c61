/* SPDX-License-Identifier: MIT */
#include "node/firewall.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "node/journal.h"
#include "sys/sysctl.h"
#include "unit/sys/netns.h"

static char *snapshot(void)
{
    FILE *pipe = popen("nft list ruleset; cd /proc/sys/net; grep -H . ipv4/ip_forward ipv4/conf/*/forwarding "
                       "ipv4/conf/*/accept_redirects ipv6/conf/*/forwarding ipv6/conf/*/accept_ra",
                       "r");
    char *text = mem_zalloc(65536);
    size_t n = fread(text, 1, 65535, pipe);
    text[n] = '\0';
    pclose(pipe);
    return text;
}

static struct journal *journal_at(char path[64])
{
    struct journal *journal = NULL;
    (void)snprintf(path, 64, "/tmp/vpnd-firewall-%d", (int)getpid());
    cr_assert_eq(journal_open(path, &journal), 0);
    return journal;
}

static int forward4(void)
{
    int on = -1;
    cr_assert_eq(sysctl_read("net/ipv4/ip_forward", &on), 0);
    return on;
}

static const char *const world = "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.accept_redirects=0 "
                                 "net.ipv6.conf.all.forwarding=0 net.ipv4.conf.lo.forwarding=1 && "
                                 "nft add table inet theirs";

static void masquerade(struct firewall *firewall)
{
    struct ip_prefix nets[2];
    cr_assert_eq(prefix_parse("10.8.0.0/24", &nets[0]), 0);
    cr_assert_eq(prefix_parse("fd00:8::/64", &nets[1]), 0);
    static const uint16_t ports[] = {443, 1194, 60000};
    struct firewall_nat nat = {.nets = nets, .count = 2, .device = "tun0", .own_ports = ports, .own_port_count = 3};
    cr_assert_eq(firewall_masquerade(firewall, &nat), 0);
}

Test(firewall, masquerade_comes_and_goes_without_a_trace)
{
    NETNS_OR_SKIP();
    cr_assert(shell(world));
    char *before = snapshot();
    char path[64];
    struct journal *journal = journal_at(path);
    struct firewall *firewall = NULL;
    cr_assert_eq(firewall_new("server-12345678", journal, &firewall), 0);
    masquerade(firewall);
    cr_expect_eq(forward4(), 1);
    cr_expect(shell("nft list table inet vpnd-server-12345678 | grep -q 'ip saddr 10.8.0.0/24 .*masquerade'"));
    cr_expect(shell("nft list table inet vpnd-server-12345678 | grep -q 'masquerade to :1195-59999'"));
    cr_expect(shell("nft list table inet vpnd-server-12345678 | grep -q 'ip6 saddr fd00:8::/64 .*masquerade'"));
    firewall_free(firewall);
    char *after = snapshot();
    cr_expect_str_eq(before, after);
    cr_expect_eq(journal_count(journal, ""), 0u);
    journal_close(journal);
    cr_expect_neq(access(path, F_OK), 0);
    free(before);
    free(after);
}

Test(firewall, killed_run_is_cleaned_up_from_the_journal)
{
    NETNS_OR_SKIP();
    cr_assert(shell(world));
    char *before = snapshot();
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/vpnd-firewall-%d", (int)getpid());
    pid_t killed = fork();
    if (killed == 0) {
        struct journal *noted = NULL;
        struct firewall *firewall = NULL;
        bool good = journal_open(path, &noted) == 0 && firewall_new("x", noted, &firewall) == 0;
        if (good) {
            masquerade(firewall);
        }
        _exit(good ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(killed, &status, 0), killed);
    cr_assert_eq(status, 0);
    struct journal *journal = journal_at(path);
    firewall_recover(journal);
    char *after = snapshot();
    cr_expect_str_eq(before, after);
    cr_expect_eq(journal_count(journal, ""), 0u);
    journal_close(journal);
    free(before);
    free(after);
}

Test(firewall, last_of_two_servers_puts_forwarding_back)
{
    NETNS_OR_SKIP();
    cr_assert(shell(world));
    char *before = snapshot();
    struct firewall *a = NULL;
    struct firewall *b = NULL;
    cr_assert_eq(firewall_new("a", NULL, &a), 0);
    cr_assert_eq(firewall_new("b", NULL, &b), 0);
    masquerade(a);
    masquerade(b);
    firewall_free(a);
    cr_expect_eq(forward4(), 1, "the second server still needs it");
    firewall_free(b);
    cr_expect_eq(forward4(), 0);
    cr_expect_not(shell("nft list tables | grep -q vpnd"));
    cr_expect(strstr(before, "ipv4/ip_forward:0") != NULL);
    free(before);
}

Test(firewall, forwarding_that_was_on_stays_on)
{
    NETNS_OR_SKIP();
    cr_assert(shell("sysctl -qw net.ipv4.ip_forward=1"));
    struct firewall *firewall = NULL;
    cr_assert_eq(firewall_new("a", NULL, &firewall), 0);
    masquerade(firewall);
    firewall_free(firewall);
    cr_expect_eq(forward4(), 1);
}

static struct firewall_exit exit_to(const char *text, uint16_t port, bool tcp)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse(text, &ip), 0);
    return (struct firewall_exit){.remote = addr_from_ip(&ip, port), .tcp = tcp};
}

/* Two ends of a cable in one namespace would answer each other over the loopback: only sending is looked at. */
static bool can_send(const char *destination, unsigned port)
{
    char command[256];
    (void)snprintf(command, sizeof(command),
                   "python3 -c 'import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); "
                   "s.sendto(b\"x\",(\"%s\",%u))' 2>/dev/null",
                   destination, port);
    return shell(command);
}

Test(firewall, kill_switch_opens_only_what_is_named)
{
    NETNS_OR_SKIP();
    cr_assert(shell("ip link add vc type veth peer name vs && ip addr add 10.99.0.2/24 dev vc && ip link set vc up && "
                    "ip link set vs up && ip route add default via 10.99.0.1"));
    struct firewall *firewall = NULL;
    cr_assert_eq(firewall_new("client-1", NULL, &firewall), 0);
    struct firewall_exit exits[] = {exit_to("203.0.113.5", 1194, false), exit_to("2001:db8::5", 443, true)};
    struct firewall_openings openings = {.exits = exits, .count = 2};
    cr_expect(can_send("198.51.100.1", 9));
    cr_assert_eq(firewall_kill_switch(firewall, &openings), 0);
    cr_expect(can_send("203.0.113.5", 1194));
    cr_expect_not(can_send("203.0.113.5", 1195));
    cr_expect_not(can_send("198.51.100.1", 9));
    cr_expect_not(can_send("198.51.100.1", 53));
    cr_expect(can_send("127.0.0.1", 9));
    openings.names = true;
    cr_assert_eq(firewall_kill_switch(firewall, &openings), 0);
    cr_expect(can_send("198.51.100.1", 53));
    openings.names = false;
    openings.device = "vc";
    cr_assert_eq(firewall_kill_switch(firewall, &openings), 0);
    cr_expect(can_send("198.51.100.1", 9));
    firewall_open_up(firewall);
    cr_expect_not(shell("nft list tables | grep -q vpnd"));
    firewall_free(firewall);
}

Test(firewall, odd_device_names_never_reach_the_rules)
{
    NETNS_OR_SKIP();
    struct firewall *firewall = NULL;
    cr_assert_eq(firewall_new("../../a b", NULL, &firewall), 0);
    static const char *const names[] = {"tun*", "a\"b", "a\\b", "a b", "", "0123456789abcdefg"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct firewall_openings openings = {.device = names[i]};
        cr_expect_lt(firewall_kill_switch(firewall, &openings), 0, "%s", names[i]);
    }
    struct firewall_openings good = {.device = "tun.5@x"};
    cr_expect_eq(firewall_kill_switch(firewall, &good), 0);
    cr_expect(shell("nft list tables | grep -q '^table inet vpnd-______a_b$'"));
    firewall_free(firewall);
}

Test(firewall, self_check_sees_what_is_missing)
{
    NETNS_OR_SKIP();
    cr_assert(shell("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=1"));
    cr_expect_eq(firewall_lacks(), FIREWALL_NO_FORWARD4 | FIREWALL_NO_NAT);
    cr_assert(shell("sysctl -qw net.ipv4.ip_forward=1 && nft 'table ip n { chain p { type nat hook postrouting "
                    "priority 100; masquerade; }; }'"));
    cr_expect_eq(firewall_lacks(), 0u);
}
