/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/set.h"
#include "config/set_handlers.h"

int set_texts(struct set *s, void *field)
{
    struct config_text_list *list = field;
    for (int i = 1; i < s->argc; i++) {
        CONFIG_APPEND(s->arena, list)->text = set_text(s, i);
    }
    return 0;
}

int set_providers(struct set *s, void *field)
{
    return set_texts(s, field);
}

int set_crl_verify(struct set *s, void *field)
{
    struct config_crl_verify crl = {.file = set_file(s)};
    if (s->argc > 2) {
        if (strcmp(s->argv[2], "dir") != 0) {
            return set_bad_value(s, 2, "'dir' or nothing");
        }
        crl.is_dir = true;
    }
    *(struct config_crl_verify *)field = crl;
    return 0;
}

int set_askpass(struct set *s, void *field)
{
    bool ask = s->argc < 2 || strcmp(s->argv[1], "stdin") == 0;
    *(struct config_askpass *)field = (struct config_askpass){.enabled = true, .path = ask ? NULL : set_text(s, 1)};
    return 0;
}

static int tls_version(struct set *s, int i, enum config_tls_version *out)
{
    static const struct config_choice versions[] = {
        {"1.0", CONFIG_TLS_1_0}, {"1.1", CONFIG_TLS_1_1}, {"1.2", CONFIG_TLS_1_2}, {"1.3", CONFIG_TLS_1_3}, {NULL, 0}};
    for (const struct config_choice *c = versions; c->word; c++) {
        if (strcmp(c->word, s->argv[i]) == 0) {
            *out = (enum config_tls_version)c->value;
            return 0;
        }
    }
    return set_error_plain(s, "unknown %s parameter: %s (%s:%u)", s->argv[0], s->argv[i], s->source, s->line);
}

int set_tls_version_min(struct set *s, void *field)
{
    struct config_tls_min min = {0};
    int rc = tls_version(s, 1, &min.version);
    if (rc == 0 && s->argc > 2) {
        if (strcmp(s->argv[2], "or-highest") != 0) {
            return set_bad_value(s, 2, "'or-highest' or nothing");
        }
        min.or_highest = true;
    }
    if (rc == 0) {
        *(struct config_tls_min *)field = min;
    }
    return rc;
}

int set_tls_version_max(struct set *s, void *field)
{
    return tls_version(s, 1, field);
}

int set_reneg_sec(struct set *s, void *field)
{
    unsigned max = 0;
    unsigned min = 0;
    int rc = set_unsigned(s, 1, 0, INT32_MAX, &max);
    if (rc == 0 && s->argc > 2) {
        rc = set_unsigned(s, 2, 0, INT32_MAX, &min);
        if (rc == 0 && min > max) {
            return set_error(s, "reneg-sec: the lower limit %u is above the upper one %u", min, max);
        }
    }
    if (rc == 0) {
        *(unsigned *)field = max;
        s->config->reneg_sec_min = min;
    }
    return rc;
}

int set_remote_cert_tls(struct set *s, void *field)
{
    enum config_peer_kind *kind = field;
    if (strcmp(s->argv[1], "server") == 0) {
        *kind = CONFIG_PEER_SERVER;
    } else if (strcmp(s->argv[1], "client") == 0) {
        *kind = CONFIG_PEER_CLIENT;
    } else {
        return set_error_plain(s, "--remote-cert-tls must be 'client' or 'server' (%s:%u)", s->source, s->line);
    }
    s->config->remote_cert_ku = (struct config_key_usage){.required = true};
    s->config->remote_cert_eku = arena_strdup(
        s->arena, *kind == CONFIG_PEER_SERVER ? "TLS Web Server Authentication" : "TLS Web Client Authentication");
    return 0;
}

int set_remote_cert_ku(struct set *s, void *field)
{
    struct config_key_usage ku = {.required = true};
    for (int i = 1; i < s->argc; i++) {
        char *end = NULL;
        unsigned long v = strtoul(s->argv[i], &end, 16);
        if (end == s->argv[i] || *end || v == 0 || v > 0xFFFF) {
            return set_bad_value(s, i, "a hexadecimal number such as a0");
        }
        ku.values[ku.count++] = (unsigned)v;
    }
    *(struct config_key_usage *)field = ku;
    return 0;
}

int set_verify_x509_name(struct set *s, void *field)
{
    struct config_verify_name v = {.check = CONFIG_NAME_SUBJECT};
    if (s->argc > 2) {
        if (strcmp(s->argv[2], "name") == 0) {
            v.check = CONFIG_NAME_EXACT;
        } else if (strcmp(s->argv[2], "name-prefix") == 0) {
            v.check = CONFIG_NAME_PREFIX;
        } else if (strcmp(s->argv[2], "subject") != 0) {
            return set_error_plain(s, "unknown X.509 name type: %s (%s:%u)", s->argv[2], s->source, s->line);
        }
    }
    if (!s->argv[1][0]) {
        return set_bad_value(s, 1, "a name");
    }
    v.name = set_text(s, 1);
    *(struct config_verify_name *)field = v;
    return 0;
}

int set_tls_remote(struct set *s, void *field)
{
    (void)field;
    set_warning(s, "tls-remote is an old name; use verify-x509-name \"%s\" name", s->argv[1]);
    s->config->verify_x509_name =
        (struct config_verify_name){.name = set_text(s, 1), .check = CONFIG_NAME_EXACT};
    return 0;
}

int set_x509_username_field(struct set *s, void *field)
{
    struct config_text_list *list = field;
    for (int i = 1; i < s->argc; i++) {
        const char *name = s->argv[i];
        if (strncmp(name, "ext:", 4) == 0 && strcmp(name, "ext:subjectAltName") != 0 &&
            strcmp(name, "ext:issuerAltName") != 0) {
            return set_error_plain(s, "Unsupported x509-username-field extension: %s (%s:%u)", name, s->source, s->line);
        }
    }
    *list = (struct config_text_list){0};
    return set_texts(s, list);
}

int set_x509_track(struct set *s, void *field)
{
    bool full = s->argv[1][0] == '+';
    if (!s->argv[1][full]) {
        return set_bad_value(s, 1, "the name of an attribute");
    }
    struct config_x509_track_list *list = field;
    struct config_x509_track *t = CONFIG_APPEND(s->arena, list);
    t->attribute = arena_strdup(s->arena, s->argv[1] + full);
    t->full_chain = full;
    return 0;
}

/* "AA:BB:..." of exactly @size bytes. */
static bool parse_fingerprint(const char *text, size_t len, size_t size, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        char pair[3] = {text[i], i + 1 < len ? text[i + 1] : 0, 0};
        if (n == size || strspn(pair, "0123456789abcdefABCDEF") != 2) {
            return false;
        }
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
        i += 2;
        if (i < len && text[i++] != ':') {
            return false;
        }
    }
    return n == size;
}

/* One fingerprint a line, '#' and ';' comments and empty lines between. */
static int fingerprint_lines(struct set *s, size_t size, struct config_fingerprint_list *list)
{
    const char *at = s->body ? s->body : s->argv[1];
    const char *end = at + (s->body ? s->body_len : strlen(at));
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        while (at < stop && strchr(" \t\r", *at)) {
            at++;
        }
        const char *last = stop;
        while (last > at && strchr(" \t\r", last[-1])) {
            last--;
        }
        if (last > at && *at != '#' && *at != ';') {
            struct config_fingerprint f = {0};
            if (!parse_fingerprint(at, (size_t)(last - at), size, f.digest)) {
                return set_error(s, "%s: '%.*s' is not a fingerprint of %zu bytes such as AA:BB:...", s->argv[0],
                                 (int)(last - at > 40 ? 40 : last - at), at, size);
            }
            *CONFIG_APPEND(s->arena, list) = f;
        }
        at = newline ? newline + 1 : end;
    }
    return 0;
}

int set_peer_fingerprint(struct set *s, void *field)
{
    return fingerprint_lines(s, 32, field);
}

int set_verify_hash(struct set *s, void *field)
{
    struct config_verify_hash v = {.sha256 = s->body != NULL};
    if (s->argc > 2) {
        if (strcmp(s->argv[2], "SHA256") == 0) {
            v.sha256 = true;
        } else if (strcmp(s->argv[2], "SHA1") != 0) {
            return set_error_plain(s, "invalid or unsupported hashing algorithm: %s  (only SHA1 and SHA256 are "
                                   "supported) (%s:%u)", s->argv[2], s->source, s->line);
        }
    }
    int rc = fingerprint_lines(s, v.sha256 ? 32 : 20, &v.hashes);
    if (rc == 0) {
        *(struct config_verify_hash *)field = v;
    }
    return rc;
}

int set_key_export(struct set *s, void *field)
{
    struct config_key_export e = {0};
    if (strncmp(s->argv[1], "EXPORTER", 8) != 0) {
        return set_error_plain(s, "Keying material exporter label must begin with \"EXPORTER\" (%s:%u)", s->source,
                               s->line);
    }
    int rc = set_unsigned(s, 2, 16, 4095, &e.length);
    if (rc == 0) {
        e.label = set_text(s, 1);
        *(struct config_key_export *)field = e;
    }
    return rc;
}

int set_replay_window(struct set *s, void *field)
{
    unsigned packets = 0;
    unsigned seconds = 15;
    int rc = s->argc > 1 ? set_unsigned(s, 1, 0, 65536, &packets) : 0;
    if (rc == 0 && s->argc > 2) {
        rc = set_unsigned(s, 2, 0, 600, &seconds);
    }
    if (rc == 0) {
        *(unsigned *)field = packets;
        s->config->replay_window_seconds = seconds;
    }
    return rc;
}

int set_compat_mode(struct set *s, void *field)
{
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    char extra = 0;
    if (sscanf(s->argv[1], "%2u.%2u.%2u%c", &major, &minor, &patch, &extra) != 3) {
        return set_error_plain(s, "cannot parse version number for --compat-mode: %s (%s:%u)", s->argv[1], s->source,
                               s->line);
    }
    *(unsigned *)field = major * 10000 + minor * 100 + patch;
    return 0;
}

int set_auth_user_pass(struct set *s, void *field)
{
    struct config_auth_user_pass v = {.enabled = true};
    if (s->argc > 1 && strcmp(s->argv[1], "username-only") == 0) {
        v.username_only = true;
    } else if (s->argc > 1) {
        v.file = set_file(s);
    }
    *(struct config_auth_user_pass *)field = v;
    return 0;
}

int set_static_challenge(struct set *s, void *field)
{
    struct config_static_challenge c = {0};
    unsigned echo = 0;
    int rc = set_unsigned(s, 2, 0, 1, &echo);
    if (rc == 0 && s->argc > 3) {
        if (strcmp(s->argv[3], "concat") == 0) {
            c.concat = true;
        } else if (strcmp(s->argv[3], "scrv1") != 0) {
            return set_bad_value(s, 3, "'scrv1' or 'concat'");
        }
    }
    if (rc == 0) {
        c.text = set_text(s, 1);
        c.echo = echo != 0;
        *(struct config_static_challenge *)field = c;
    }
    return rc;
}

int set_auth_user_pass_verify(struct set *s, void *field)
{
    struct config_user_pass_verify v = {0};
    if (strcmp(s->argv[2], "via-file") == 0) {
        v.via_file = true;
    } else if (strcmp(s->argv[2], "via-env") != 0) {
        return set_error_plain(s, "second parm to --auth-user-pass-verify must be 'via-env' or 'via-file' (%s:%u)",
                               s->source, s->line);
    }
    v.command = set_text(s, 1);
    *(struct config_user_pass_verify *)field = v;
    return 0;
}

int set_auth_gen_token(struct set *s, void *field)
{
    struct config_auth_gen_token token = {.enabled = true};
    int rc = 0;
    for (int i = 1; i < s->argc && rc == 0; i++) {
        if (strcmp(s->argv[i], "external-auth") == 0) {
            token.external_auth = true;
        } else if (i == 1) {
            rc = set_unsigned(s, i, 0, INT32_MAX, &token.lifetime);
        } else if (i == 2) {
            rc = set_unsigned(s, i, 0, INT32_MAX, &token.renewal);
        } else {
            rc = set_error_plain(s, "Invalid argument to auth-gen-token: %s (%s:%u)", s->argv[i], s->source, s->line);
        }
    }
    if (rc == 0) {
        *(struct config_auth_gen_token *)field = token;
    }
    return rc;
}

int set_engine(struct set *s, void *field)
{
    *(char **)field = s->argc > 1 ? set_text(s, 1) : arena_strdup(s->arena, "auto");
    return 0;
}

int set_key_method(struct set *s, void *field)
{
    (void)field;
    if (strcmp(s->argv[1], "2") != 0) {
        return set_error(s, "key-method %s is not supported: only method 2 exists since OpenVPN 2.5; remove the line",
                         s->argv[1]);
    }
    set_warning(s, "option 'key-method' is ignored: only method 2 exists");
    return 0;
}
