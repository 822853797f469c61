/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "config/set.h"
#include "config/set_handlers.h"

#define DATA_CIPHERS_DEFAULT "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"

int set_nothing(struct set *s, void *field)
{
    (void)s;
    (void)field;
    return 0;
}

int set_push(struct set *s, void *field)
{
    if (strchr(s->argv[1], ',')) {
        return set_error(s, "push: an option that contains a comma cannot be sent; push its parts separately");
    }
    struct config_text_list *list = field;
    CONFIG_APPEND(s->arena, list)->text = set_text(s, 1);
    return 0;
}

int set_push_reset(struct set *s, void *field)
{
    (void)field;
    s->client->push = (struct config_text_list){0};
    return 0;
}

int set_push_remove(struct set *s, void *field)
{
    const char *prefix = s->argv[1];
    struct config_text_list kept = {0};
    for (size_t i = 0; i < s->client->push.count; i++) {
        char *text = s->client->push.items[i].text;
        if (strncmp(text, prefix, strlen(prefix)) != 0) {
            CONFIG_APPEND(s->arena, &kept)->text = text;
        }
    }
    s->client->push = kept;
    s->client->push_ifconfig_blocked |= strcmp(prefix, "ifconfig") == 0;
    s->client->push_ifconfig_ipv6_blocked |= strcmp(prefix, "ifconfig-ipv6") == 0;
    struct config_text_list *list = field;
    CONFIG_APPEND(s->arena, list)->text = set_text(s, 1);
    return 0;
}

int set_iroute(struct set *s, void *field)
{
    uint32_t network = 0;
    uint32_t netmask = 0xFFFFFFFFu;
    int rc = set_ipv4(s, 1, &network);
    if (rc == 0 && s->argc > 2) {
        rc = set_netmask(s, 2, &netmask);
    }
    if (rc != 0) {
        return rc;
    }
    if (network & ~netmask) {
        return set_error(s, "iroute: %s is not the address of a network with mask %s; clear its host bits", s->argv[1],
                         s->argc > 2 ? s->argv[2] : "");
    }
    struct config_network_list *list = field;
    struct ip_addr ip = ip4_from_u32(network);
    CONFIG_APPEND(s->arena, list)->prefix = prefix_make(&ip, (unsigned)ip4_mask_bits(netmask));
    return 0;
}

int set_iroute_ipv6(struct set *s, void *field)
{
    struct ip_addr ip;
    unsigned bits = 0;
    int rc = set_ipv6_bits(s, 1, &ip, &bits);
    if (rc == 0) {
        struct config_network_list *list = field;
        CONFIG_APPEND(s->arena, list)->prefix = prefix_make(&ip, bits);
    }
    return rc;
}

int set_ifconfig_push(struct set *s, void *field)
{
    for (int i = 1; i < s->argc; i++) {
        struct ip_addr ip;
        bool numeric = strspn(s->argv[i], "0123456789.") == strlen(s->argv[i]);
        if (!s->argv[i][0] || strlen(s->argv[i]) > 253 || strpbrk(s->argv[i], " \t,\"'/\\") ||
            (numeric && (ip_parse(s->argv[i], &ip) != 0 || ip.family != AF_INET))) {
            return set_bad_value(s, i, "an IPv4 address or a host name");
        }
    }
    *(struct config_ifconfig_push *)field =
        (struct config_ifconfig_push){.local = set_text(s, 1), .remote_netmask = set_text(s, 2), .alias = set_text(s, 3)};
    return 0;
}

static int address_v6(struct set *s, int i, struct ip_addr *out)
{
    if (ip_parse(s->argv[i], out) != 0 || out->family != AF_INET6) {
        return set_bad_value(s, i, "an IPv6 address");
    }
    return 0;
}

int set_ifconfig_ipv6_push(struct set *s, void *field)
{
    struct config_ifconfig_ipv6 v = {0};
    int rc = set_ipv6_bits(s, 1, &v.local, &v.bits);
    if (rc == 0 && s->argc > 2) {
        rc = address_v6(s, 2, &v.remote);
    }
    if (rc == 0) {
        *(struct config_ifconfig_ipv6 *)field = v;
    }
    return rc;
}

int set_ifconfig_ipv6(struct set *s, void *field)
{
    return set_ifconfig_ipv6_push(s, field);
}

int set_override_username(struct set *s, void *field)
{
    if (!s->argv[1][0] || strlen(s->argv[1]) > 127) {
        return set_bad_value(s, 1, "a name of 1 to 127 bytes");
    }
    *(char **)field = set_text(s, 1);
    return 0;
}

int set_echo(struct set *s, void *field)
{
    char *text = arena_strdup(s->arena, "");
    for (int i = 1; i < s->argc; i++) {
        text = arena_printf(s->arena, "%s%s%s", text, i > 1 ? " " : "", s->argv[i]);
    }
    struct config_text_list *list = field;
    CONFIG_APPEND(s->arena, list)->text = text;
    return 0;
}

/* A list of cipher names: '?' marks those that may be missing, DEFAULT stands for the usual ones. */
int set_data_ciphers(struct set *s, void *field)
{
    char *out = arena_strdup(s->arena, "");
    const char *at = s->argv[1];
    while (*at) {
        size_t n = strcspn(at, ":");
        char *word = arena_strndup(s->arena, at, n);
        if (strcmp(word, "DEFAULT") == 0) {
            word = arena_strdup(s->arena, DATA_CIPHERS_DEFAULT);
        }
        if (n > 0) {
            out = arena_printf(s->arena, "%s%s%s", out, *out ? ":" : "", word);
        }
        at += n + (at[n] == ':');
    }
    if (!*out) {
        return set_bad_value(s, 1, "cipher names separated by colons");
    }
    if (strlen(out) > 127) {
        return set_error(s, "data-ciphers: the list is longer than 127 bytes, which peers cannot take; shorten it");
    }
    *(char **)field = out;
    s->client->data_ciphers_given = !s->defaults;
    return 0;
}

int set_compress(struct set *s, void *field)
{
    static const struct config_choice words[] = {
        {"stub", CONFIG_COMPRESS_STUB}, {"stub-v2", CONFIG_COMPRESS_STUB_V2}, {"lzo", CONFIG_COMPRESS_LZO},
        {"lz4", CONFIG_COMPRESS_LZ4},   {"lz4-v2", CONFIG_COMPRESS_LZ4_V2},   {"migrate", CONFIG_COMPRESS_MIGRATE},
        {NULL, 0}};
    enum config_compress *compress = field;
    if (s->argc == 1) {
        *compress = CONFIG_COMPRESS_STUB;
        return 0;
    }
    for (const struct config_choice *c = words; c->word; c++) {
        if (strcmp(c->word, s->argv[1]) == 0) {
            *compress = (enum config_compress)c->value;
            return 0;
        }
    }
    return set_error_plain(s, "bad comp option: %s (%s:%u)", s->argv[1], s->source, s->line);
}

int set_comp_lzo(struct set *s, void *field)
{
    (void)field;
    const char *word = s->argc > 1 ? s->argv[1] : "adaptive";
    if (strcmp(word, "no") == 0) {
        s->client->compress = CONFIG_COMPRESS_LZO_NO;
    } else if (strcmp(word, "yes") == 0 || strcmp(word, "adaptive") == 0) {
        s->client->compress = CONFIG_COMPRESS_LZO;
    } else {
        return set_error_plain(s, "bad comp-lzo option: %s -- must be 'yes', 'no', or 'adaptive' (%s:%u)", word,
                               s->source, s->line);
    }
    return 0;
}

int set_socket_flags(struct set *s, void *field)
{
    for (int i = 1; i < s->argc; i++) {
        if (strcmp(s->argv[i], "TCP_NODELAY") != 0) {
            set_report(s->reporter, CONFIG_WARNING, "unknown socket flag: %s", s->argv[i]);
        }
    }
    *(bool *)field = true;
    return 0;
}

int set_ping_restart(struct set *s, void *field)
{
    int rc = set_unsigned(s, 1, 0, 86400 * 2, field);
    if (rc == 0) {
        s->client->ping_exit = 0;
        s->client->ping_restart_given = true;
    }
    return rc;
}

int set_ping_exit(struct set *s, void *field)
{
    int rc = set_unsigned(s, 1, 0, 86400 * 2, field);
    if (rc == 0) {
        s->client->ping_restart = 0;
        s->client->ping_restart_given = true;
    }
    return rc;
}

int set_inactive(struct set *s, void *field)
{
    struct config_inactive inactive = {0};
    int rc = set_unsigned(s, 1, 0, INT32_MAX, &inactive.seconds);
    if (rc == 0 && s->argc > 2) {
        rc = set_u64(s, 2, &inactive.bytes);
    }
    if (rc == 0) {
        *(struct config_inactive *)field = inactive;
    }
    return rc;
}
