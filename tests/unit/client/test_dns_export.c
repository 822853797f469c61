/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "client/dns_export.h"
#include "config/config.h"
#include "hooks/env.h"

static struct config_dhcp_option option(const char *type, const char *value, const char *line)
{
    return (struct config_dhcp_option){.type = (char *)type, .value = (char *)value, .line = (char *)line};
}

Test(dns_export, dhcp_options_appear_as_they_were_pushed_and_as_one_server)
{
    struct config_dhcp_option options[] = {
        option("DNS", "10.77.0.1", "dhcp-option DNS 10.77.0.1"),
        option("DOMAIN", "example.org", "dhcp-option DOMAIN example.org"),
        option("DNS6", "fd00::1", "dhcp-option DNS6 fd00::1"),
        option("NTP", "10.77.0.9", "dhcp-option NTP 10.77.0.9"),
    };
    struct config config = {.dhcp_option = {.items = options, .count = 4}};
    struct env env = {0};
    dns_export(&config, &env);
    cr_assert_str_eq(env_get(&env, "foreign_option_1"), "dhcp-option DNS 10.77.0.1");
    cr_assert_str_eq(env_get(&env, "foreign_option_4"), "dhcp-option NTP 10.77.0.9");
    cr_assert_str_eq(env_get(&env, "dns_server_1_address_1"), "10.77.0.1");
    cr_assert_str_eq(env_get(&env, "dns_server_1_address_2"), "fd00::1");
    cr_assert_str_eq(env_get(&env, "dns_search_domain_1"), "example.org");
    cr_assert(dns_export_any(&config));
    config.dhcp_option.count = 0;
    dns_export(&config, &env);
    cr_assert_null(env_get(&env, "foreign_option_1"), "values of an earlier connection are gone");
    cr_assert_null(env_get(&env, "dns_server_1_address_1"));
    cr_assert_not(dns_export_any(&config));
    env_free(&env);
}

Test(dns_export, dns_options_in_order_of_priority)
{
    struct config_dns_address addresses[2] = {{.port = 0}, {.port = 53000}};
    cr_assert_eq(ip_parse("192.0.2.1", &addresses[0].ip), 0);
    cr_assert_eq(ip_parse("fd00::2", &addresses[1].ip), 0);
    struct config_text domains[] = {{(char *)"corp.example"}};
    struct config_dns_server servers[] = {{
        .priority = 1,
        .addresses = {.items = addresses, .count = 2},
        .resolve_domains = {.items = domains, .count = 1},
        .dnssec = CONFIG_DNSSEC_OPTIONAL,
        .transport = CONFIG_DNS_OVER_TLS,
        .sni = (char *)"dns.example",
    }};
    struct config config = {.dns = {.search_domains = {.items = domains, .count = 1},
                                    .servers = {.items = servers, .count = 1}}};
    struct env env = {0};
    dns_export(&config, &env);
    cr_assert_str_eq(env_get(&env, "dns_search_domain_1"), "corp.example");
    cr_assert_str_eq(env_get(&env, "dns_server_1_address_1"), "192.0.2.1");
    cr_assert_null(env_get(&env, "dns_server_1_port_1"));
    cr_assert_str_eq(env_get(&env, "dns_server_1_address_2"), "fd00::2");
    cr_assert_str_eq(env_get(&env, "dns_server_1_port_2"), "53000");
    cr_assert_str_eq(env_get(&env, "dns_server_1_resolve_domain_1"), "corp.example");
    cr_assert_str_eq(env_get(&env, "dns_server_1_dnssec"), "optional");
    cr_assert_str_eq(env_get(&env, "dns_server_1_transport"), "DoT");
    cr_assert_str_eq(env_get(&env, "dns_server_1_sni"), "dns.example");
    env_free(&env);
}
