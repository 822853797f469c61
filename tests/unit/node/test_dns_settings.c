/* SPDX-License-Identifier: MIT */
#include "node/dns_settings.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "node/dns.h"
#include "node/dns_way.h"

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static struct config_dhcp_option option(const char *type, const char *value)
{
    return (struct config_dhcp_option){.type = text(type), .value = text(value), .line = text("")};
}

static struct ip_addr ip(const char *address)
{
    struct ip_addr out;
    cr_assert_eq(ip_parse(address, &out), 0);
    return out;
}

static struct dns_settings *fill(const struct config *config, bool expected)
{
    struct dns_settings *settings = mem_zalloc(sizeof(*settings));
    cr_assert_eq(dns_settings_fill(config, "tun0", 7, settings), expected);
    cr_assert(!expected || dns_settings_are_sane(settings));
    return settings;
}

static const char *described(const struct dns_settings *settings, unsigned abilities)
{
    static char line[1024];
    struct buf out = BUF_INIT(sizeof(line));
    dns_settings_describe(settings, dns_settings_choose(settings, abilities), &out);
    strcpy(line, buf_str(&out));
    buf_free(&out, false);
    return line;
}

Test(dns_settings, names)
{
    static const char *const good[] = {"example", "corp.example", "a.b.c.example", "_tcp.x", "xn--mnchen-3ya.de", "1.2"};
    static const char *const bad[] = {"",      ".",     "a..b",   "a b",       "a;reboot", "$(id)", "`id`", "a\nb",
                                      "a\tb",  "a/b",   "../etc", "\xc3\xa4.x", "a'b",     "a\"b",  "a#b",  "a\\b",
                                      "a\x7f", "-a|b",  "a&b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect(dns_name_is_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(dns_name_is_valid(bad[i]), "%s", bad[i]);
    }
    char label[70];
    memset(label, 'a', sizeof(label));
    label[63] = '\0';
    cr_expect(dns_name_is_valid(label));
    label[63] = 'a';
    label[64] = '\0';
    cr_expect_not(dns_name_is_valid(label));
    char name[300];
    for (size_t i = 0; i < sizeof(name); i++) {
        name[i] = i % 10 == 9 ? '.' : 'a';
    }
    name[253] = '\0';
    cr_expect(dns_name_is_valid(name));
    name[253] = 'a';
    name[254] = '\0';
    cr_expect_not(dns_name_is_valid(name));
    memset(name, 'a', sizeof(name)); /* no end within bounds */
    cr_expect_not(dns_name_is_valid(name));
}

Test(dns_settings, dhcp_options_become_one_server)
{
    struct config_dhcp_option options[] = {option("DNS", "10.8.0.1"),        option("DNS6", "fd00::1"),
                                           option("DOMAIN", "corp.example"), option("domain-search", "lab.example"),
                                           option("DOMAIN", "corp.example"), option("WINS", "10.8.0.9"),
                                           option("DISABLE-NBT", NULL),      option("DNS", "0.0.0.0"),
                                           option("DNS", "10.8.0.1; id"),    option("DOMAIN", "a; reboot")};
    struct config config = {.dhcp_option = {.items = options, .count = sizeof(options) / sizeof(options[0])}};
    struct dns_settings *settings = fill(&config, true);
    cr_expect_str_eq(described(settings, 0), "10.8.0.1, fd00::1 for all names, search corp.example, lab.example");
    free(settings);
}

Test(dns_settings, first_server_that_the_host_can_use)
{
    struct config_dns_address address[4] = {
        {.ip = ip("10.8.0.1")}, {.ip = ip("10.8.0.2")}, {.ip = ip("10.8.0.3"), .port = 5353}, {.ip = ip("10.8.0.4")}};
    struct config_text domain = {.text = text("corp.example")};
    struct config_dns_server servers[] = {
        {.addresses = {.items = &address[0], .count = 1}, .transport = CONFIG_DNS_OVER_HTTPS},
        {.addresses = {.items = &address[1], .count = 1}, .resolve_domains = {.items = &domain, .count = 1}},
        {.addresses = {.items = &address[2], .count = 1}},
        {.addresses = {.items = &address[3], .count = 1}},
    };
    struct config_dhcp_option old = option("DNS", "192.0.2.1");
    struct config config = {.dns = {.servers = {.items = servers, .count = 4}},
                            .dhcp_option = {.items = &old, .count = 1}};
    struct dns_settings *settings = fill(&config, true);
    cr_expect_str_eq(described(settings, DNS_CAN_SPLIT | DNS_CAN_PORT | DNS_CAN_TLS), "10.8.0.2 for corp.example");
    cr_expect_str_eq(described(settings, DNS_CAN_PORT), "10.8.0.3 port 5353 for all names");
    cr_expect_str_eq(described(settings, 0), "10.8.0.4 for all names");
    free(settings);
}

Test(dns_settings, server_for_no_valid_domain_does_not_become_one_for_all)
{
    struct config_dns_address address = {.ip = ip("10.8.0.1")};
    struct config_text domain = {.text = text("a;b")};
    struct config_dns_server server = {.addresses = {.items = &address, .count = 1},
                                       .resolve_domains = {.items = &domain, .count = 1}};
    struct config config = {.dns = {.servers = {.items = &server, .count = 1}}};
    free(fill(&config, false));
}

Test(dns_settings, nothing_to_say)
{
    struct config config = {0};
    free(fill(&config, false));
}

Test(dns_settings, insane_ones_are_refused)
{
    struct config_dhcp_option one = option("DNS", "10.8.0.1");
    struct config config = {.dhcp_option = {.items = &one, .count = 1}};
    struct dns_settings *s = fill(&config, true);
    s->server_count = DNS_SERVERS_MAX + 1;
    cr_expect_not(dns_settings_are_sane(s));
    s->server_count = 1;
    s->servers[0].address_count = DNS_ADDRESSES_MAX + 1;
    cr_expect_not(dns_settings_are_sane(s));
    s->servers[0].address_count = 1;
    strcpy(s->device, "../x");
    cr_expect_not(dns_settings_are_sane(s));
    memset(s->device, 'a', sizeof(s->device));
    cr_expect_not(dns_settings_are_sane(s));
    strcpy(s->device, "tun0");
    s->search.count = 1;
    strcpy(s->search.names[0], "a\nnameserver 6.6.6.6");
    cr_expect_not(dns_settings_are_sane(s));
    s->search.count = SIZE_MAX;
    cr_expect_not(dns_settings_are_sane(s));
    s->search.count = 0;
    cr_expect(dns_settings_are_sane(s));
    free(s);
}

Test(dns_settings, resolv_conf_keeps_options_of_the_host)
{
    struct config_dhcp_option options[] = {option("DNS", "10.8.0.1"), option("DOMAIN", "corp.example")};
    struct config config = {.dhcp_option = {.items = options, .count = 2}};
    struct dns_settings *settings = fill(&config, true);
    struct buf old = BUF_INIT(1024);
    struct buf fresh = BUF_INIT(1024);
    (void)buf_printf(&old, "# a comment\nnameserver 192.0.2.1\nsearch home.example\noptions edns0 timeout:1\n");
    dns_file_append(settings, dns_settings_choose(settings, 0), &old, &fresh);
    cr_expect_str_eq(buf_str(&fresh), "nameserver 10.8.0.1\nsearch corp.example\noptions edns0 timeout:1\n");
    cr_expect(dns_file_names(&fresh, "10.8.0.1"));
    cr_expect_not(dns_file_names(&fresh, "192.0.2.1"));
    buf_reset(&fresh);
    settings->server_count = 0; /* search domains alone leave the servers */
    dns_file_append(settings, NULL, &old, &fresh);
    cr_expect_str_eq(buf_str(&fresh), "search corp.example\nnameserver 192.0.2.1\noptions edns0 timeout:1\n");
    buf_free(&old, false);
    buf_free(&fresh, false);
    free(settings);
}

Test(dns_settings, scripts_take_precedence)
{
    struct config config = {0};
    cr_expect(dns_wanted(&config));
    config.up = text("/etc/vpnd/up");
    cr_expect_not(dns_wanted(&config));
    config.dns_updown.forced = true;
    cr_expect(dns_wanted(&config));
    config.dns_updown.disabled = true;
    cr_expect_not(dns_wanted(&config));
    config = (struct config){.dns_updown = {.command = text("/x")}};
    cr_expect_not(dns_wanted(&config));
    config = (struct config){.mode = CONFIG_MODE_SERVER};
    cr_expect_not(dns_wanted(&config));
}
