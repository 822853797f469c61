/* SPDX-License-Identifier: MIT */
#include "client/dns_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/env.h"

#define NAME_MAX_BYTES 64

static const char *const dnssec_words[] = {
    [CONFIG_DNSSEC_NO] = "no", [CONFIG_DNSSEC_YES] = "yes", [CONFIG_DNSSEC_OPTIONAL] = "optional"};
static const char *const transport_words[] = {
    [CONFIG_DNS_PLAIN] = "plain", [CONFIG_DNS_OVER_HTTPS] = "DoH", [CONFIG_DNS_OVER_TLS] = "DoT"};

void dns_export_clear(struct env *env)
{
    env_unset_prefix(env, "foreign_option_");
    env_unset_prefix(env, "dns_server_");
    env_unset_prefix(env, "dns_search_domain_");
}

static void export_server(struct env *env, unsigned n, const struct config_dns_server *server)
{
    char name[NAME_MAX_BYTES];
    for (size_t m = 0; m < server->addresses.count; m++) {
        const struct config_dns_address *a = &server->addresses.items[m];
        char text[ADDR_TEXT_MAX];
        snprintf(name, sizeof(name), "dns_server_%u_address_%zu", n, m + 1);
        env_set(env, name, ip_format(&a->ip, text));
        if (a->port) {
            snprintf(name, sizeof(name), "dns_server_%u_port_%zu", n, m + 1);
            env_setf(env, name, "%u", a->port);
        }
    }
    for (size_t m = 0; m < server->resolve_domains.count; m++) {
        snprintf(name, sizeof(name), "dns_server_%u_resolve_domain_%zu", n, m + 1);
        env_set(env, name, server->resolve_domains.items[m].text);
    }
    if (server->dnssec != CONFIG_DNSSEC_UNSET) {
        snprintf(name, sizeof(name), "dns_server_%u_dnssec", n);
        env_set(env, name, dnssec_words[server->dnssec]);
    }
    if (server->transport != CONFIG_DNS_TRANSPORT_UNSET) {
        snprintf(name, sizeof(name), "dns_server_%u_transport", n);
        env_set(env, name, transport_words[server->transport]);
    }
    if (server->sni) {
        snprintf(name, sizeof(name), "dns_server_%u_sni", n);
        env_set(env, name, server->sni);
    }
}

static bool is_server(const struct config_dhcp_option *o)
{
    return o->value && (strcasecmp(o->type, "DNS") == 0 || strcasecmp(o->type, "DNS6") == 0);
}

static bool is_domain(const struct config_dhcp_option *o)
{
    return o->value && (strcasecmp(o->type, "DOMAIN") == 0 || strcasecmp(o->type, "ADAPTER_DOMAIN_SUFFIX") == 0 ||
                        strcasecmp(o->type, "DOMAIN-SEARCH") == 0);
}

/* dhcp-options in the form of the newer `dns` option. */
static void export_converted(struct env *env, const struct config *config)
{
    unsigned servers = 0;
    unsigned domains = 0;
    for (size_t i = 0; i < config->dhcp_option.count; i++) {
        const struct config_dhcp_option *o = &config->dhcp_option.items[i];
        if (is_server(o)) {
            env_set_indexed(env, "dns_server_1_address_", ++servers, o->value);
        } else if (is_domain(o)) {
            env_set_indexed(env, "dns_search_domain_", ++domains, o->value);
        }
    }
}

/* The best server that a program for dhcp-options can use. */
static const struct config_dns_server *plain_server(const struct config_dns *dns)
{
    for (size_t i = 0; i < dns->servers.count; i++) {
        const struct config_dns_server *server = &dns->servers.items[i];
        bool plain = server->transport == CONFIG_DNS_TRANSPORT_UNSET || server->transport == CONFIG_DNS_PLAIN;
        for (size_t m = 0; m < server->addresses.count; m++) {
            plain &= server->addresses.items[m].port == 0 || server->addresses.items[m].port == 53;
        }
        if (plain && server->addresses.count > 0) {
            return server;
        }
    }
    return NULL;
}

static void export_foreign(struct env *env, unsigned *n, const char *type, const char *value)
{
    char *line = mem_printf("dhcp-option %s %s", type, value);
    env_set_indexed(env, "foreign_option_", ++*n, line);
    free(line);
}

/* `dns` options replace the dhcp-options of their kind. */
static void export_foreign_options(struct env *env, const struct config *config)
{
    const struct config_dns *dns = &config->dns;
    unsigned n = 0;
    for (size_t i = 0; i < config->dhcp_option.count; i++) {
        const struct config_dhcp_option *o = &config->dhcp_option.items[i];
        if (!(dns->servers.count > 0 && is_server(o)) && !(dns->search_domains.count > 0 && is_domain(o))) {
            env_set_indexed(env, "foreign_option_", ++n, o->line);
        }
    }
    for (size_t i = 0; i < dns->search_domains.count; i++) {
        export_foreign(env, &n, "DOMAIN", dns->search_domains.items[i].text);
    }
    const struct config_dns_server *server = plain_server(dns);
    for (size_t i = 0; server && i < server->addresses.count; i++) {
        char text[ADDR_TEXT_MAX];
        const struct ip_addr *ip = &server->addresses.items[i].ip;
        export_foreign(env, &n, ip->family == AF_INET6 ? "DNS6" : "DNS", ip_format(ip, text));
    }
}

void dns_export(const struct config *config, struct env *env)
{
    dns_export_clear(env);
    export_foreign_options(env, config);
    const struct config_dns *dns = &config->dns;
    if (dns->servers.count == 0 && dns->search_domains.count == 0) {
        export_converted(env, config);
        return;
    }
    for (size_t i = 0; i < dns->search_domains.count; i++) {
        env_set_indexed(env, "dns_search_domain_", (unsigned)i + 1, dns->search_domains.items[i].text);
    }
    for (size_t i = 0; i < dns->servers.count; i++) {
        export_server(env, (unsigned)i + 1, &dns->servers.items[i]);
    }
}

bool dns_export_any(const struct config *config)
{
    if (config->dns.servers.count || config->dns.search_domains.count) {
        return true;
    }
    for (size_t i = 0; i < config->dhcp_option.count; i++) {
        if (is_server(&config->dhcp_option.items[i]) || is_domain(&config->dhcp_option.items[i])) {
            return true;
        }
    }
    return false;
}
