/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "config/set.h"
#include "config/set_handlers.h"

static const struct config_choice protos[] = {
    {"udp", CONFIG_PROTO_UDP},
    {"udp4", CONFIG_PROTO_UDP4},
    {"udp6", CONFIG_PROTO_UDP6},
    {"tcp-server", CONFIG_PROTO_TCP_SERVER},
    {"tcp4-server", CONFIG_PROTO_TCP4_SERVER},
    {"tcp6-server", CONFIG_PROTO_TCP6_SERVER},
    {"tcp-client", CONFIG_PROTO_TCP_CLIENT},
    {"tcp4-client", CONFIG_PROTO_TCP4_CLIENT},
    {"tcp6-client", CONFIG_PROTO_TCP6_CLIENT},
    {"tcp", CONFIG_PROTO_TCP},
    {"tcp4", CONFIG_PROTO_TCP4},
    {"tcp6", CONFIG_PROTO_TCP6},
    {NULL, 0},
};

bool config_proto_is_tcp(enum config_proto proto)
{
    return proto >= CONFIG_PROTO_TCP_CLIENT;
}

int config_proto_family(enum config_proto proto)
{
    const char *name = config_proto_name(proto);
    return strchr(name, '4') ? AF_INET : strchr(name, '6') ? AF_INET6 : AF_UNSPEC;
}

const char *config_proto_name(enum config_proto proto)
{
    for (const struct config_choice *c = protos; c->word; c++) {
        if (c->value == (int)proto) {
            return c->word;
        }
    }
    return "udp";
}

int set_proto_word(struct set *s, int i, enum config_proto *out)
{
    for (const struct config_choice *c = protos; c->word; c++) {
        if (strcmp(c->word, s->argv[i]) == 0) {
            *out = (enum config_proto)c->value;
            return 0;
        }
    }
    return set_error_plain(s, "Bad protocol: '%s'. Allowed protocols with --proto option: [udp] [tcp-server] "
                           "[tcp-client] [tcp] [udp4] [tcp4-server] [tcp4-client] [tcp4] [udp6] [tcp6-server] "
                           "[tcp6-client] [tcp6] (%s:%u)", s->argv[i], s->source, s->line);
}

int set_proto(struct set *s, void *field)
{
    return set_proto_word(s, 1, field);
}

/* Host names go into a request to a resolver or a proxy: nothing but what may stand in one. */
static int check_host(struct set *s, int i)
{
    const char *host = s->argv[i];
    if (!*host || strlen(host) > 253 || strpbrk(host, " \t\r\n\"'/\\")) {
        return set_bad_value(s, i, "a host name or an address");
    }
    return 0;
}

int set_remote(struct set *s, void *field)
{
    struct config_remote remote = {0};
    int rc = check_host(s, 1);
    if (rc == 0 && s->argc > 2) {
        rc = set_port_text(s, 2, &remote.port);
    }
    if (rc == 0 && s->argc > 3) {
        rc = set_proto_word(s, 3, &remote.proto);
        remote.proto_given = true;
    }
    if (rc != 0) {
        return rc;
    }
    remote.host = set_text(s, 1);
    struct config_remote_list *list = field;
    if (s->context == SET_BLOCK) {
        list->count = 0; /* of several in one block the last counts */
    }
    *CONFIG_APPEND(s->arena, list) = remote;
    return 0;
}

int set_local(struct set *s, void *field)
{
    struct config_local local = {0};
    int rc = strcmp(s->argv[1], "*") == 0 ? 0 : check_host(s, 1);
    if (rc == 0 && s->argc > 2) {
        rc = set_port_text(s, 2, &local.port);
    }
    if (rc == 0 && s->argc > 3) {
        rc = set_proto_word(s, 3, &local.proto);
        local.proto_given = true;
    }
    if (rc != 0) {
        return rc;
    }
    local.host = strcmp(s->argv[1], "*") == 0 ? NULL : set_text(s, 1);
    struct config_local_list *list = field;
    if (s->context == SET_BLOCK) {
        *list = (struct config_local_list){0}; /* the array is the top level's */
    }
    *CONFIG_APPEND(s->arena, list) = local;
    return 0;
}

int set_port(struct set *s, void *field)
{
    int rc = set_port_text(s, 1, field);
    if (rc == 0) {
        s->connection->lport = s->connection->rport = s->connection->port;
    }
    return rc;
}

int set_lport(struct set *s, void *field)
{
    s->connection->lport_given = true;
    return set_port_text(s, 1, field);
}

int set_rport(struct set *s, void *field)
{
    return set_port_text(s, 1, field);
}

int set_bind(struct set *s, void *field)
{
    if (s->argc > 1) {
        if (strcmp(s->argv[1], "ipv6only") != 0) {
            return set_bad_value(s, 1, "'ipv6only' or nothing");
        }
        s->connection->bind_ipv6only = true;
    }
    *(bool *)field = true;
    return 0;
}

int set_connect_retry(struct set *s, void *field)
{
    int64_t v = 0;
    int rc = set_number(s, 1, 0, INT32_MAX, &v);
    if (rc != 0) {
        return rc;
    }
    if (v > 65535) {
        set_warning(s, "connect-retry: %s is too long, using 65535 seconds", s->argv[1]);
        v = 65535;
    }
    unsigned limit = 300;
    if (s->argc > 2) {
        rc = set_unsigned(s, 2, 0, 65535, &limit);
    }
    if (rc == 0) {
        *(unsigned *)field = (unsigned)v;
        s->connection->connect_retry_limit = limit < v ? (unsigned)v : limit;
    }
    return rc;
}

static int http_auth_word(struct set *s, int i, enum config_http_auth *out)
{
    static const struct config_choice methods[] = {{"none", CONFIG_HTTP_AUTH_NONE},
                                                   {"basic", CONFIG_HTTP_AUTH_BASIC},
                                                   {"ntlm", CONFIG_HTTP_AUTH_NTLM2},
                                                   {"ntlm2", CONFIG_HTTP_AUTH_NTLM2},
                                                   {NULL, 0}};
    int value = 0;
    int rc = set_choice(s, i, methods, &value);
    if (rc == 0) {
        *out = (enum config_http_auth)value;
        if (strcmp(s->argv[i], "ntlm") == 0) {
            set_warning(s, "http-proxy: NTLM version 1 is broken, using version 2");
        }
    }
    return rc;
}

int set_http_proxy(struct set *s, void *field)
{
    struct config_http_proxy proxy = {0};
    if (s->argc < 3) {
        return set_error_plain(s, "http-proxy port number not defined (%s:%u)", s->source, s->line);
    }
    int rc = check_host(s, 1);
    if (rc == 0) {
        rc = set_port_text(s, 2, &proxy.port);
    }
    if (rc == 0 && s->argc > 3) {
        proxy.auth = CONFIG_HTTP_AUTH_BASIC;
        if (strcmp(s->argv[3], "auto") == 0) {
            proxy.auth = CONFIG_HTTP_AUTH_AUTO;
        } else if (strcmp(s->argv[3], "auto-nct") == 0) {
            proxy.auth = CONFIG_HTTP_AUTH_AUTO_NCT;
        } else {
            proxy.auth_file = set_text(s, 3);
        }
    }
    if (rc == 0 && s->argc > 4) {
        rc = http_auth_word(s, 4, &proxy.auth);
    }
    if (rc == 0) {
        proxy.host = set_text(s, 1);
        *(struct config_http_proxy *)field = proxy;
    }
    return rc;
}

int set_http_proxy_override(struct set *s, void *field)
{
    return set_http_proxy(s, field);
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) {
            return true;
        }
    }
    return false;
}

int set_http_proxy_option(struct set *s, void *field)
{
    struct config_http_proxy_option *o = field;
    for (int i = 1; i < s->argc; i++) {
        if (has_control(s->argv[i])) {
            return set_error(s, "http-proxy-option: control characters are not allowed in a header");
        }
    }
    const char *what = s->argv[1];
    bool ext = strcmp(what, "EXT1") == 0 || strcmp(what, "EXT2") == 0;
    if (strcmp(what, "VERSION") == 0 && s->argc == 3) {
        o->version = set_text(s, 2);
        return 0;
    }
    if (strcmp(what, "AGENT") == 0 && s->argc == 3) {
        o->agent = set_text(s, 2);
        return 0;
    }
    if ((strcmp(what, "CUSTOM-HEADER") == 0 || ext) && s->argc > 2) {
        if (o->headers.count == 10) {
            return set_error_plain(s, "Cannot use more than 10 http-proxy-option CUSTOM-HEADER : '%s' (%s:%u)",
                                   s->argv[2], s->source, s->line);
        }
        struct config_http_header *header = CONFIG_APPEND(s->arena, &o->headers);
        header->name = set_text(s, 2);
        header->value = set_text(s, 3);
        return 0;
    }
    return set_error_plain(s, "Bad http-proxy-option or missing or extra parameter: '%s' (%s:%u)", what, s->source,
                           s->line);
}

int set_socks_proxy(struct set *s, void *field)
{
    struct config_socks_proxy proxy = {0};
    int rc = check_host(s, 1);
    if (rc == 0 && s->argc > 2) {
        rc = set_port_text(s, 2, &proxy.port);
    }
    if (rc == 0) {
        proxy.host = set_text(s, 1);
        proxy.port = proxy.port ? proxy.port : arena_strdup(s->arena, "1080");
        proxy.auth_file = set_text(s, 3);
        *(struct config_socks_proxy *)field = proxy;
    }
    return rc;
}

int set_tun_mtu(struct set *s, void *field)
{
    int64_t mtu = 0;
    int64_t occ = 0;
    int rc = set_number(s, 1, s->context == SET_PUSHED ? 100 : 68, 65536, &mtu);
    if (rc == 0 && s->argc > 2) {
        rc = set_number(s, 2, 68, 65536, &occ);
    }
    if (rc == 0) {
        *(unsigned *)field = (unsigned)mtu;
        s->connection->tun_mtu_occ = (unsigned)occ;
    }
    return rc;
}

int set_max_packet_size(struct set *s, void *field)
{
    unsigned size = 0;
    int rc = set_unsigned(s, 1, 154, 2048, &size);
    if (rc == 0) {
        *(unsigned *)field = size;
        if (!s->defaults) {
            s->connection->mssfix = (struct config_mssfix){.size = size, .mode = CONFIG_MSSFIX_MTU, .given = true};
        }
    }
    return rc;
}

int set_fragment(struct set *s, void *field)
{
    struct config_fragment fragment = {0};
    int rc = set_unsigned(s, 1, 0, 65535, &fragment.size);
    if (rc == 0 && fragment.size > 0 && fragment.size < 68) {
        return set_error_plain(s, "--fragment needs to be at least 68 (%s:%u)", s->source, s->line);
    }
    if (rc == 0 && s->argc > 2) {
        if (strcmp(s->argv[2], "mtu") != 0) {
            return set_error_plain(s, "Unknown parameter to --fragment: %s (%s:%u)", s->argv[2], s->source, s->line);
        }
        fragment.mtu = true;
    }
    if (rc == 0) {
        *(struct config_fragment *)field = fragment;
    }
    return rc;
}

int set_mssfix(struct set *s, void *field)
{
    struct config_mssfix mssfix = {.mode = CONFIG_MSSFIX_PAYLOAD, .given = true};
    if (s->argc == 1) {
        /* Without a value: what the default would be, or fragment's. */
        mssfix = (struct config_mssfix){.mode = CONFIG_MSSFIX_MTU};
        *(struct config_mssfix *)field = mssfix;
        return 0;
    }
    int rc = set_unsigned(s, 1, 0, 65535, &mssfix.size);
    if (rc == 0 && mssfix.size > 0 && mssfix.size < 68) {
        return set_bad_value(s, 1, "0 or at least 68");
    }
    if (rc == 0 && s->argc > 2) {
        if (strcmp(s->argv[2], "mtu") == 0) {
            mssfix.mode = CONFIG_MSSFIX_MTU;
        } else if (strcmp(s->argv[2], "fixed") == 0) {
            mssfix.mode = CONFIG_MSSFIX_FIXED;
        } else {
            return set_error_plain(s, "Unknown parameter to --mssfix: %s (%s:%u)", s->argv[2], s->source, s->line);
        }
    }
    if (rc == 0) {
        *(struct config_mssfix *)field = mssfix;
    }
    return rc;
}

static int direction_word(struct set *s, int i, int *out)
{
    if (s->defaults) {
        *out = -1;
        return 0;
    }
    if (strcmp(s->argv[i], "0") == 0 || strcmp(s->argv[i], "1") == 0) {
        *out = s->argv[i][0] - '0';
        return 0;
    }
    return set_error_plain(s, "Unknown key direction '%s' -- must be '0' or '1' (%s:%u)", s->argv[i], s->source,
                           s->line);
}

int set_key_direction(struct set *s, void *field)
{
    return direction_word(s, 1, field);
}

int set_tls_auth(struct set *s, void *field)
{
    int rc = s->argc > 2 ? direction_word(s, 2, &s->connection->key_direction) : 0;
    if (rc == 0) {
        *(struct config_file *)field = set_file(s);
        s->connection->tls_wrap_given = true;
    }
    return rc;
}

int set_tls_crypt(struct set *s, void *field)
{
    if (s->argc > 2) {
        set_warning(s, "tls-crypt: '%s' is ignored: the key has no direction as that of tls-auth", s->argv[2]);
    }
    *(struct config_file *)field = set_file(s);
    s->connection->tls_wrap_given = true;
    return 0;
}

int set_tls_crypt_v2(struct set *s, void *field)
{
    if (s->argc > 2) {
        if (strcmp(s->argv[2], "force-cookie") == 0) {
            s->connection->tls_crypt_v2_cookie = CONFIG_COOKIE_FORCE;
        } else if (strcmp(s->argv[2], "allow-noncookie") == 0) {
            s->connection->tls_crypt_v2_cookie = CONFIG_COOKIE_ALLOW_NONE;
        } else {
            return set_error_plain(s, "Unsupported tls-crypt-v2 argument: %s (%s:%u)", s->argv[2], s->source, s->line);
        }
    }
    *(struct config_file *)field = set_file(s);
    s->connection->tls_wrap_given = true;
    return 0;
}

