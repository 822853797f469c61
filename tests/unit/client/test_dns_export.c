/* SPDX-License-Identifier: MIT */
#include "client/dns_export.h"

#include <criterion/criterion.h>
#include <stdint.h>

#include "config/config.h"
#include "hooks/env.h"

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static void expect(const struct env *env, const char *name, const char *value)
{
    const char *found = env_get(env, name);
    cr_expect(value ? found && strcmp(found, value) == 0 : !found, "%s is %s", name, found ? found : "unset");
}

static struct config_dhcp_option dhcp[] = {
    {.type = (char *)(uintptr_t) "DNS", .value = (char *)(uintptr_t) "10.8.0.1", .line = (char *)(uintptr_t) "dhcp-option DNS 10.8.0.1"},
    {.type = (char *)(uintptr_t) "NTP", .value = (char *)(uintptr_t) "10.8.0.4", .line = (char *)(uintptr_t) "dhcp-option NTP 10.8.0.4"},
    {.type = (char *)(uintptr_t) "DOMAIN", .value = (char *)(uintptr_t) "old.example", .line = (char *)(uintptr_t) "dhcp-option DOMAIN old.example"},
};

Test(dns_export, dhcp_options_in_both_forms)
{
    struct config config = {.dhcp_option = {.items = dhcp, .count = 3}};
    struct env env = {0};
    dns_export(&config, &env);
    expect(&env, "foreign_option_1", "dhcp-option DNS 10.8.0.1");
    expect(&env, "foreign_option_2", "dhcp-option NTP 10.8.0.4");
    expect(&env, "foreign_option_3", "dhcp-option DOMAIN old.example");
    expect(&env, "foreign_option_4", NULL);
    expect(&env, "dns_server_1_address_1", "10.8.0.1");
    expect(&env, "dns_search_domain_1", "old.example");
    dns_export_clear(&env);
    cr_expect_eq(env.count, 0u);
    env_free(&env);
}

Test(dns_export, dns_options_in_both_forms)
{
    struct config_dns_address address[2] = {{.port = 853}, {.port = 0}};
    struct config_dns_address six = {0};
    cr_assert_eq(ip_parse("10.8.0.2", &address[0].ip), 0);
    cr_assert_eq(ip_parse("10.8.0.3", &address[1].ip), 0);
    cr_assert_eq(ip_parse("fd00::3", &six.ip), 0);
    struct config_dns_address second[2] = {address[1], six};
    struct config_dns_server servers[2] = {
        {.addresses = {.items = address, .count = 1}, .transport = CONFIG_DNS_OVER_TLS, .sni = text("dns.example")},
        {.addresses = {.items = second, .count = 2}, .dnssec = CONFIG_DNSSEC_OPTIONAL},
    };
    struct config_text domain = {.text = text("new.example")};
    struct config config = {
        .dhcp_option = {.items = dhcp, .count = 3},
        .dns = {.servers = {.items = servers, .count = 2}, .search_domains = {.items = &domain, .count = 1}},
    };
    struct env env = {0};
    dns_export(&config, &env);
    expect(&env, "foreign_option_1", "dhcp-option NTP 10.8.0.4");
    expect(&env, "foreign_option_2", "dhcp-option DOMAIN new.example");
    expect(&env, "foreign_option_3", "dhcp-option DNS 10.8.0.3");
    expect(&env, "foreign_option_4", "dhcp-option DNS6 fd00::3");
    expect(&env, "foreign_option_5", NULL);
    expect(&env, "dns_server_1_address_1", "10.8.0.2");
    expect(&env, "dns_server_1_port_1", "853");
    expect(&env, "dns_server_1_transport", "DoT");
    expect(&env, "dns_server_1_sni", "dns.example");
    expect(&env, "dns_server_2_address_2", "fd00::3");
    expect(&env, "dns_server_2_dnssec", "optional");
    expect(&env, "dns_search_domain_1", "new.example");
    env_free(&env);
}
