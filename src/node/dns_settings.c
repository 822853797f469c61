/* SPDX-License-Identifier: MIT */
#include "node/dns_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "config/config.h"

#define LABEL_MAX 63

/* ------------------------------------------------------------------ names */

bool dns_name_is_valid(const char *name)
{
    size_t len = strnlen(name, DNS_NAME_BYTES);
    size_t label = 0;
    if (len == 0 || len > 253) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
        } else if (!(isascii(c) && isalnum(c)) && c != '-' && c != '_') {
            return false;
        } else if (++label > LABEL_MAX) {
            return false;
        }
    }
    return true;
}

static void add_domain(struct dns_domains *domains, const char *name)
{
    if (!dns_name_is_valid(name)) {
        log_warn("DNS: '%s' is not a domain name and is left out", name);
        return;
    }
    for (size_t i = 0; i < domains->count; i++) {
        if (strcasecmp(domains->names[i], name) == 0) {
            return;
        }
    }
    if (domains->count == DNS_DOMAINS_MAX) {
        log_warn("DNS: more than %d domains; '%s' is left out", DNS_DOMAINS_MAX, name);
        return;
    }
    strcpy(domains->names[domains->count++], name);
}

/* ------------------------------------------------------------------ from the configuration */

static bool is_usable(const struct ip_addr *ip)
{
    static const uint8_t none[16];
    return ip->family != AF_UNSPEC && memcmp(ip->bytes, none, ip_len(ip)) != 0;
}

static void add_address(struct dns_server *server, const struct ip_addr *ip, uint16_t port)
{
    if (!is_usable(ip) || server->address_count == DNS_ADDRESSES_MAX) {
        char text[ADDR_TEXT_MAX];
        log_warn("DNS: the server address %s is left out", ip_format(ip, text));
        return;
    }
    server->addresses[server->address_count++] = (struct dns_address){.ip = *ip, .port = port};
}

static void take_server(const struct config_dns_server *from, struct dns_server *into)
{
    static const enum dns_dnssec dnssec[] = {[CONFIG_DNSSEC_UNSET] = DNS_DNSSEC_UNSET,
                                             [CONFIG_DNSSEC_NO] = DNS_DNSSEC_NO,
                                             [CONFIG_DNSSEC_YES] = DNS_DNSSEC_YES,
                                             [CONFIG_DNSSEC_OPTIONAL] = DNS_DNSSEC_OPTIONAL};
    static const enum dns_transport transports[] = {[CONFIG_DNS_TRANSPORT_UNSET] = DNS_PLAIN,
                                                    [CONFIG_DNS_PLAIN] = DNS_PLAIN,
                                                    [CONFIG_DNS_OVER_HTTPS] = DNS_OVER_HTTPS,
                                                    [CONFIG_DNS_OVER_TLS] = DNS_OVER_TLS};
    for (size_t i = 0; i < from->addresses.count; i++) {
        add_address(into, &from->addresses.items[i].ip, from->addresses.items[i].port);
    }
    for (size_t i = 0; i < from->resolve_domains.count; i++) {
        add_domain(&into->only, from->resolve_domains.items[i].text);
    }
    into->dnssec = dnssec[from->dnssec];
    into->transport = transports[from->transport];
    if (from->sni && dns_name_is_valid(from->sni)) {
        strcpy(into->sni, from->sni);
    }
}

static void take_servers(const struct config_dns *dns, struct dns_settings *out)
{
    for (size_t i = 0; i < dns->servers.count; i++) {
        struct dns_server *server = &out->servers[out->server_count];
        if (out->server_count == DNS_SERVERS_MAX) {
            log_warn("DNS: more than %d servers; number %d is left out", DNS_SERVERS_MAX, dns->servers.items[i].priority);
            break;
        }
        take_server(&dns->servers.items[i], server);
        /* One that should answer for some domains must not answer for all because none of them is valid. */
        bool lost = dns->servers.items[i].resolve_domains.count > 0 && server->only.count == 0;
        if (server->address_count > 0 && !lost) {
            out->server_count++;
        } else {
            *server = (struct dns_server){.transport = DNS_PLAIN};
        }
    }
}

static bool is_type(const struct config_dhcp_option *option, const char *type)
{
    return option->value && strcasecmp(option->type, type) == 0;
}

static void take_dhcp_address(struct dns_server *server, const char *text)
{
    struct ip_addr ip;
    if (ip_parse(text, &ip) < 0) {
        log_warn("DNS: '%s' is not an address and is left out", text);
        return;
    }
    add_address(server, &ip, 0);
}

static void take_dhcp_options(const struct config *config, bool servers, bool domains, struct dns_settings *out)
{
    struct dns_server *server = &out->servers[0];
    for (size_t i = 0; i < config->dhcp_option.count; i++) {
        const struct config_dhcp_option *option = &config->dhcp_option.items[i];
        if (servers && (is_type(option, "DNS") || is_type(option, "DNS6"))) {
            take_dhcp_address(server, option->value);
        } else if (servers && is_type(option, "DOMAIN-ROUTE")) {
            add_domain(&server->only, option->value);
        } else if (domains && (is_type(option, "DOMAIN") || is_type(option, "ADAPTER_DOMAIN_SUFFIX") ||
                               is_type(option, "DOMAIN-SEARCH"))) {
            add_domain(&out->search, option->value);
        }
    }
    if (servers && server->address_count > 0) {
        out->server_count = 1;
    }
}

bool dns_settings_fill(const struct config *config, const char *device, uint32_t ifindex, struct dns_settings *out)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->device, sizeof(out->device), "%s", device);
    out->ifindex = ifindex;
    const struct config_dns *dns = &config->dns;
    take_servers(dns, out);
    for (size_t i = 0; i < dns->search_domains.count; i++) {
        add_domain(&out->search, dns->search_domains.items[i].text);
    }
    take_dhcp_options(config, dns->servers.count == 0, dns->search_domains.count == 0, out);
    return out->server_count > 0 || out->search.count > 0;
}

/* ------------------------------------------------------------------ from another process */

static bool domains_are_sane(const struct dns_domains *domains)
{
    if (domains->count > DNS_DOMAINS_MAX) {
        return false;
    }
    for (size_t i = 0; i < domains->count; i++) {
        if (!memchr(domains->names[i], '\0', DNS_NAME_BYTES) || !dns_name_is_valid(domains->names[i])) {
            return false;
        }
    }
    return true;
}

static bool server_is_sane(const struct dns_server *server)
{
    bool sane = server->address_count > 0 && server->address_count <= DNS_ADDRESSES_MAX &&
                domains_are_sane(&server->only) && server->dnssec <= DNS_DNSSEC_OPTIONAL &&
                server->transport <= DNS_OVER_HTTPS && memchr(server->sni, '\0', DNS_NAME_BYTES) &&
                (!server->sni[0] || dns_name_is_valid(server->sni));
    for (size_t i = 0; sane && i < server->address_count; i++) {
        uint16_t family = server->addresses[i].ip.family;
        sane = family == AF_INET || family == AF_INET6;
    }
    return sane;
}

bool dns_settings_are_sane(const struct dns_settings *settings)
{
    if (!memchr(settings->device, '\0', sizeof(settings->device)) || !settings->device[0] ||
        settings->server_count > DNS_SERVERS_MAX || !domains_are_sane(&settings->search)) {
        return false;
    }
    for (const char *at = settings->device; *at; at++) {
        if (!isgraph((unsigned char)*at) || *at == '/') {
            return false;
        }
    }
    for (size_t i = 0; i < settings->server_count; i++) {
        if (!server_is_sane(&settings->servers[i])) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ using it */

static bool can_use(const struct dns_server *server, unsigned abilities)
{
    bool ports = server->sni[0];
    for (size_t i = 0; i < server->address_count; i++) {
        ports |= server->addresses[i].port != 0 && server->addresses[i].port != 53;
    }
    return server->transport != DNS_OVER_HTTPS && (server->transport != DNS_OVER_TLS || (abilities & DNS_CAN_TLS)) &&
           (server->only.count == 0 || (abilities & DNS_CAN_SPLIT)) && (!ports || (abilities & DNS_CAN_PORT));
}

const struct dns_server *dns_settings_choose(const struct dns_settings *settings, unsigned abilities)
{
    for (size_t i = 0; i < settings->server_count; i++) {
        if (can_use(&settings->servers[i], abilities)) {
            return &settings->servers[i];
        }
    }
    return NULL;
}

static void append_domains(const struct dns_domains *domains, struct buf *out)
{
    for (size_t i = 0; i < domains->count; i++) {
        (void)buf_printf(out, "%s%s", i ? ", " : " ", domains->names[i]);
    }
}

void dns_settings_describe(const struct dns_settings *settings, const struct dns_server *server, struct buf *out)
{
    for (size_t i = 0; server && i < server->address_count; i++) {
        char text[ADDR_TEXT_MAX];
        (void)buf_printf(out, "%s%s", i ? ", " : "", ip_format(&server->addresses[i].ip, text));
        if (server->addresses[i].port) {
            (void)buf_printf(out, " port %u", server->addresses[i].port);
        }
    }
    if (server && server->only.count > 0) {
        (void)buf_printf(out, " for");
        append_domains(&server->only, out);
    } else if (server) {
        (void)buf_printf(out, " for all names");
    }
    if (server && server->transport == DNS_OVER_TLS) {
        (void)buf_printf(out, " over TLS");
    }
    if (settings->search.count > 0) {
        (void)buf_printf(out, "%ssearch", server ? ", " : "");
        append_domains(&settings->search, out);
    }
}
