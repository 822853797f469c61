/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/set.h"
#include "config/set_handlers.h"

/* Texts that reach the environment of scripts, routes and resolvers: printable, and no word breaks. */
static int check_word(struct set *s, int i, const char *expected)
{
    const char *text = s->argv[i];
    if (!*text || strlen(text) > 253) {
        return set_bad_value(s, i, expected);
    }
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || *text == 127 || strchr("\"'\\`$;|&<>(){}", *text)) {
            return set_bad_value(s, i, expected);
        }
    }
    return 0;
}

static bool is_address(const char *text, int family)
{
    struct ip_addr ip;
    return ip_parse(text, &ip) == 0 && ip.family == family;
}

/* An address; host names where the options allow them (always in our own files). */
static int check_address(struct set *s, int i)
{
    if (s->context == SET_PUSHED && s->config && !s->config->allow_pull_fqdn && !is_address(s->argv[i], AF_INET)) {
        return set_bad_value(s, i, "an IPv4 address (allow-pull-fqdn would accept host names)");
    }
    return check_word(s, i, "an IPv4 address or a host name");
}

int set_ifconfig(struct set *s, void *field)
{
    if (!is_address(s->argv[1], AF_INET) || !is_address(s->argv[2], AF_INET)) {
        return set_error_plain(s, "ifconfig parms '%s' and '%s' must be valid addresses (%s:%u)", s->argv[1], s->argv[2],
                               s->source, s->line);
    }
    *(struct config_ifconfig *)field =
        (struct config_ifconfig){.local = set_text(s, 1), .remote_netmask = set_text(s, 2)};
    return 0;
}

static bool is_default_word(const char *text)
{
    return strcmp(text, "default") == 0;
}

static bool is_route_keyword(const char *text)
{
    return is_default_word(text) || strcmp(text, "vpn_gateway") == 0 || strcmp(text, "net_gateway") == 0 ||
           strcmp(text, "remote_host") == 0;
}

static int route_metric(struct set *s, int i, int *out)
{
    int64_t v = -1;
    int rc = 0;
    if (s->argc > i && !is_default_word(s->argv[i])) {
        rc = set_number(s, i, 0, INT32_MAX, &v);
    }
    *out = (int)v;
    return rc;
}

int set_route(struct set *s, void *field)
{
    struct config_route route = {.metric = -1, .table = s->config->route_table};
    for (int i = 1; i < s->argc && i <= 3; i += 2) { /* network and gateway */
        if (!is_route_keyword(s->argv[i])) {
            int rc = check_address(s, i);
            if (rc != 0) {
                return rc;
            }
        }
    }
    uint32_t mask = 0;
    int rc = s->argc > 2 && !is_default_word(s->argv[2]) ? set_netmask(s, 2, &mask) : 0;
    if (rc == 0) {
        rc = route_metric(s, 4, &route.metric);
    }
    if (rc != 0) {
        return rc;
    }
    route.network = set_text(s, 1);
    route.netmask = set_text(s, 2);
    route.gateway = set_text(s, 3);
    struct config_route_list *list = field;
    *CONFIG_APPEND(s->arena, list) = route;
    return 0;
}

int set_route_ipv6(struct set *s, void *field)
{
    struct config_route_ipv6 route = {.metric = -1, .table = s->config->route_table};
    struct ip_addr ip;
    unsigned bits = 0;
    int rc = set_ipv6_bits(s, 1, &ip, &bits);
    if (rc == 0 && s->argc > 2 && !is_default_word(s->argv[2])) {
        struct ip_addr gateway;
        bool keyword = is_route_keyword(s->argv[2]);
        if (!keyword && (ip_parse(s->argv[2], &gateway) != 0 || gateway.family != AF_INET6)) {
            return set_bad_value(s, 2, "an IPv6 address, net_gateway or default");
        }
        route.gateway = set_text(s, 2);
    }
    if (rc == 0) {
        rc = route_metric(s, 3, &route.metric);
    }
    if (rc == 0) {
        route.network = prefix_make(&ip, bits);
        struct config_route_ipv6_list *list = field;
        *CONFIG_APPEND(s->arena, list) = route;
    }
    return rc;
}

static int gateway(struct set *s, int family, char **out)
{
    if (!is_address(s->argv[1], family)) {
        return set_error_plain(s, "%s parm '%s' must be a valid address (%s:%u)", s->argv[0], s->argv[1], s->source, s->line);
    }
    *out = set_text(s, 1);
    return 0;
}

int set_route_gateway(struct set *s, void *field)
{
    if (strcmp(s->argv[1], "dhcp") == 0) {
        *(char **)field = set_text(s, 1);
        return 0;
    }
    return gateway(s, AF_INET, field);
}

int set_route_ipv6_gateway(struct set *s, void *field)
{
    return gateway(s, AF_INET6, field);
}

int set_route_delay(struct set *s, void *field)
{
    struct config_route_delay delay = {.given = true, .window = 30};
    int rc = s->argc > 1 ? set_unsigned(s, 1, 0, 86400, &delay.seconds) : 0;
    if (rc == 0 && s->argc > 2) {
        rc = set_unsigned(s, 2, 0, 86400, &delay.window);
    }
    if (rc == 0) {
        *(struct config_route_delay *)field = delay;
    }
    return rc;
}

static int redirect_flags(struct set *s, unsigned *flags)
{
    static const struct config_choice words[] = {{"local", CONFIG_REDIRECT_LOCAL},
                                                 {"autolocal", CONFIG_REDIRECT_AUTOLOCAL},
                                                 {"def1", CONFIG_REDIRECT_DEF1},
                                                 {"bypass-dhcp", CONFIG_REDIRECT_BYPASS_DHCP},
                                                 {"bypass-dns", CONFIG_REDIRECT_BYPASS_DNS},
                                                 {"block-local", CONFIG_REDIRECT_BLOCK_LOCAL},
                                                 {"ipv6", CONFIG_REDIRECT_IPV6},
                                                 {"!ipv4", CONFIG_REDIRECT_NOT_IPV4},
                                                 {NULL, 0}};
    for (int i = 1; i < s->argc; i++) {
        int value = 0;
        const struct config_choice *c = words;
        for (; c->word && strcmp(c->word, s->argv[i]) != 0; c++) {
        }
        value = c->value;
        if (!c->word) {
            return set_error_plain(s, "unknown --%s flag: %s (%s:%u)", s->argv[0], s->argv[i], s->source, s->line);
        }
        *flags |= (unsigned)value;
    }
    return 0;
}

int set_redirect_gateway(struct set *s, void *field)
{
    unsigned *flags = field;
    *flags |= CONFIG_REDIRECT_ENABLED | CONFIG_REDIRECT_DEFAULT_ROUTE;
    return redirect_flags(s, flags);
}

int set_redirect_private(struct set *s, void *field)
{
    (void)field;
    s->config->redirect_gateway |= CONFIG_REDIRECT_ENABLED;
    return redirect_flags(s, &s->config->redirect_gateway);
}

int set_client_nat(struct set *s, void *field)
{
    struct config_client_nat nat = {.kind = CONFIG_NAT_SNAT};
    if (strcmp(s->argv[1], "dnat") == 0) {
        nat.kind = CONFIG_NAT_DNAT;
    } else if (strcmp(s->argv[1], "snat") != 0) {
        return set_bad_value(s, 1, "'snat' or 'dnat'");
    }
    int rc = set_ipv4(s, 2, &nat.network);
    if (rc == 0) {
        rc = set_netmask(s, 3, &nat.netmask);
    }
    if (rc == 0) {
        rc = set_ipv4(s, 4, &nat.foreign);
    }
    if (rc == 0) {
        struct config_client_nat_list *list = field;
        *CONFIG_APPEND(s->arena, list) = nat;
    }
    return rc;
}

int set_dhcp_option(struct set *s, void *field)
{
    static const char *const address_types[] = {"DNS", "DNS6", "WINS", "NTP", "NBDD", NULL};
    struct ip_addr ip;
    for (size_t i = 0; address_types[i]; i++) {
        if (strcmp(s->argv[1], address_types[i]) == 0 && (s->argc < 3 || ip_parse(s->argv[2], &ip) != 0)) {
            return set_error(s, "dhcp-option %s: '%s' is not an address", s->argv[1], s->argc > 2 ? s->argv[2] : "");
        }
    }
    for (int i = 1; i < s->argc; i++) {
        int rc = check_word(s, i, "a plain word");
        if (rc != 0) {
            return rc;
        }
    }
    struct config_dhcp_option_list *list = field;
    struct config_dhcp_option *o = CONFIG_APPEND(s->arena, list);
    o->type = set_text(s, 1);
    o->value = set_text(s, 2);
    o->line = o->value ? arena_printf(s->arena, "dhcp-option %s %s", o->type, o->value)
                       : arena_printf(s->arena, "dhcp-option %s", o->type);
    return 0;
}

/* ADDRESS, ADDRESS:PORT, [IPV6]:PORT. */
static int dns_address(struct set *s, int i, struct config_dns_address *out)
{
    char text[80];
    const char *port = NULL;
    snprintf(text, sizeof(text), "%s", s->argv[i]);
    char *host = text;
    char *end = strchr(text, ']');
    if (text[0] == '[' && end) {
        host = text + 1;
        *end = 0;
        port = end[1] == ':' ? end + 2 : end[1] ? "x" : NULL;
    } else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
        char *colon = strchr(text, ':');
        *colon = 0;
        port = colon + 1;
    }
    char *rest = NULL;
    unsigned long n = port ? strtoul(port, &rest, 10) : 0;
    bool bad_port = port && (rest == port || *rest || n == 0 || n > 65535);
    if (strlen(s->argv[i]) >= sizeof(text) || bad_port || ip_parse(host, &out->ip) != 0) {
        return set_bad_value(s, i, "ADDRESS, ADDRESS:PORT or [IPV6]:PORT");
    }
    out->port = (uint16_t)n;
    return 0;
}

/* The server of that priority, made in its place if need be. Lists are copied, as a clone may share the old one. */
static struct config_dns_server *dns_server_at(struct set *s, struct config_dns_server_list *list, int priority)
{
    struct config_dns_server_list copy = {0};
    struct config_dns_server *found = NULL;
    for (size_t i = 0; i <= list->count; i++) {
        bool past = i == list->count || list->items[i].priority > priority;
        if (past && !found) {
            struct config_dns_server *fresh = CONFIG_APPEND(s->arena, &copy);
            fresh->priority = priority;
            found = fresh;
        }
        if (i < list->count) {
            *CONFIG_APPEND(s->arena, &copy) = list->items[i];
            if (list->items[i].priority == priority) {
                found = &copy.items[copy.count - 1];
            }
        }
    }
    *list = copy;
    for (size_t i = 0; i < copy.count; i++) {
        if (copy.items[i].priority == priority) {
            return &copy.items[i];
        }
    }
    return found;
}

static int dns_domains(struct set *s, int from, struct config_text_list *list)
{
    for (int i = from; i < s->argc; i++) {
        int rc = check_word(s, i, "a domain name");
        if (rc != 0) {
            return rc;
        }
        CONFIG_APPEND(s->arena, list)->text = set_text(s, i);
    }
    return 0;
}

static int dns_server_kind(struct set *s, struct config_dns_server *server)
{
    static const struct config_choice dnssec[] = {{"no", CONFIG_DNSSEC_NO},
                                                  {"yes", CONFIG_DNSSEC_YES},
                                                  {"optional", CONFIG_DNSSEC_OPTIONAL},
                                                  {NULL, 0}};
    static const struct config_choice transports[] = {{"plain", CONFIG_DNS_PLAIN},
                                                      {"DoH", CONFIG_DNS_OVER_HTTPS},
                                                      {"DoT", CONFIG_DNS_OVER_TLS},
                                                      {NULL, 0}};
    const char *kind = s->argv[3];
    int value = 0;
    int rc = 0;
    if (strcmp(kind, "address") == 0) {
        server->addresses = (struct config_dns_address_list){0};
        for (int i = 4; i < s->argc && rc == 0; i++) {
            struct config_dns_address address = {0};
            rc = server->addresses.count == 8 ? set_error(s, "dns server: more than 8 addresses")
                                              : dns_address(s, i, &address);
            *CONFIG_APPEND(s->arena, &server->addresses) = address;
        }
    } else if (strcmp(kind, "resolve-domains") == 0) {
        server->resolve_domains = (struct config_text_list){0};
        rc = dns_domains(s, 4, &server->resolve_domains);
    } else if (strcmp(kind, "dnssec") == 0 && s->argc == 5) {
        rc = set_choice(s, 4, dnssec, &value);
        server->dnssec = (enum config_dnssec)value;
    } else if (strcmp(kind, "transport") == 0 && s->argc == 5) {
        rc = set_choice(s, 4, transports, &value);
        server->transport = (enum config_dns_transport)value;
    } else if (strcmp(kind, "sni") == 0 && s->argc == 5) {
        rc = check_word(s, 4, "a host name");
        server->sni = set_text(s, 4);
    } else {
        rc = set_error_plain(s, "--dns server %s: unknown or incomplete '%s' (%s:%u)", s->argv[2], kind, s->source,
                             s->line);
    }
    return rc;
}

int set_dns(struct set *s, void *field)
{
    struct config_dns *dns = field;
    if (strcmp(s->argv[1], "search-domains") == 0) {
        dns->search_domains.cap = dns->search_domains.count;
        return dns_domains(s, 2, &dns->search_domains);
    }
    if (strcmp(s->argv[1], "server") != 0 || s->argc < 5) {
        return set_error_plain(s, "unrecognized dns option or missing or extra parameters (%s:%u)", s->source, s->line);
    }
    int64_t priority = 0;
    int rc = set_number(s, 2, s->context == SET_PUSHED ? 0 : -128, 127, &priority);
    if (rc != 0) {
        return rc;
    }
    struct config_dns before = *dns;
    rc = dns_server_kind(s, dns_server_at(s, &dns->servers, (int)priority));
    if (rc != 0) {
        *dns = before;
    }
    return rc;
}

int set_dns_updown(struct set *s, void *field)
{
    struct config_dns_updown *updown = field;
    if (strcmp(s->argv[1], "disable") == 0) {
        updown->disabled = true;
    } else if (strcmp(s->argv[1], "force") == 0) {
        updown->disabled = false;
        updown->forced = true;
    } else {
        updown->disabled = false;
        updown->command = set_text(s, 1);
    }
    return 0;
}

static void add_variable(struct set *s, char *name, int value_at)
{
    struct config_setenv *v = CONFIG_APPEND(s->arena, &s->config->setenv);
    v->name = name;
    v->value = value_at < s->argc ? set_text(s, value_at) : arena_strdup(s->arena, "");
}

static int check_variable(struct set *s, int i)
{
    const char *name = s->argv[i];
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (!good || name[good]) {
        return set_bad_value(s, i, "a variable name of letters, digits and '_'");
    }
    return 0;
}

int set_setenv_safe(struct set *s, void *field)
{
    int rc = check_variable(s, 1);
    if (rc == 0) {
        add_variable(s, arena_printf(s->arena, "OPENVPN_%s", s->argv[1]), 2);
        *(bool *)field = true;
    }
    return rc;
}

int set_setenv(struct set *s, void *field)
{
    (void)field;
    const char *name = s->argv[1];
    if (strcmp(name, "opt") == 0) {
        if (s->argc < 3) {
            return set_error(s, "setenv opt: the option is missing; write setenv opt NAME [ARGUMENTS]");
        }
        struct set inner = *s;
        inner.argc = s->argc - 2;
        inner.argv = s->argv + 2;
        inner.tolerant = true;
        int rc = set_option(&inner);
        s->errors = inner.errors;
        return rc;
    }
    if (s->argc > 3) {
        return set_error_plain(s, "Unrecognized option or missing or extra parameter(s) in %s:%u: %s (%s)", s->source,
                               s->line, s->argv[0], VERSION);
    }
    if (strcmp(name, "GENERIC_CONFIG") == 0) {
        return set_error_plain(s, "this is a generic configuration and cannot directly be used");
    }
    if (strcmp(name, "FORWARD_COMPATIBLE") == 0) {
        s->forward_compatible = s->argc > 2 && strcmp(s->argv[2], "1") == 0;
        return 0;
    }
    if (strcmp(name, "PUSH_PEER_INFO") == 0) {
        s->config->push_peer_info = true;
        return 0;
    }
    if (strcmp(name, "SERVER_POLL_TIMEOUT") == 0 && s->argc > 2) {
        return set_unsigned(s, 2, 1, 86400, &s->connection->connect_timeout);
    }
    if (strcmp(name, "REMOTE_RANDOM_HOSTNAME") == 0) {
        s->config->remote_random_hostname = s->argc > 2 && strcmp(s->argv[2], "1") == 0;
        return 0;
    }
    int rc = check_variable(s, 1);
    if (rc == 0) {
        add_variable(s, set_text(s, 1), 2);
    }
    return rc;
}

int set_pull_filter(struct set *s, void *field)
{
    static const struct config_choice actions[] = {{"accept", CONFIG_PULL_ACCEPT},
                                                   {"ignore", CONFIG_PULL_IGNORE},
                                                   {"reject", CONFIG_PULL_REJECT},
                                                   {NULL, 0}};
    const struct config_choice *c = actions;
    for (; c->word && strcmp(c->word, s->argv[1]) != 0; c++) {
    }
    if (!c->word) {
        return set_error_plain(s, "Unknown --pull-filter type: %s (%s:%u)", s->argv[1], s->source, s->line);
    }
    struct config_pull_filter_list *list = field;
    struct config_pull_filter *f = CONFIG_APPEND(s->arena, list);
    f->action = (enum config_pull_action)c->value;
    f->text = set_text(s, 2);
    return 0;
}

int set_key_derivation(struct set *s, void *field)
{
    if (strcmp(s->argv[1], "tls-ekm") != 0) {
        return set_error_plain(s, "Unknown key-derivation method %s", s->argv[1]);
    }
    *(bool *)field = true;
    return 0;
}

int set_protocol_flags(struct set *s, void *field)
{
    static const struct config_choice words[] = {{"cc-exit", CONFIG_FLAG_CC_EXIT},
                                                 {"tls-ekm", CONFIG_FLAG_TLS_EKM},
                                                 {"dyn-tls-crypt", CONFIG_FLAG_DYN_TLS_CRYPT},
                                                 {"aead-epoch", CONFIG_FLAG_AEAD_EPOCH},
                                                 {NULL, 0}};
    unsigned flags = 0;
    for (int i = 1; i < s->argc; i++) {
        const struct config_choice *c = words;
        for (; c->word && strcmp(c->word, s->argv[i]) != 0; c++) {
        }
        if (!c->word) {
            return set_error_plain(s, "Unknown protocol-flags flag: %s", s->argv[i]);
        }
        flags |= (unsigned)c->value;
    }
    *(unsigned *)field = flags;
    return 0;
}
