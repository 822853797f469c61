/* SPDX-License-Identifier: MIT */
#include "config/set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define MESSAGE_MAX 1024

void set_report(const struct config_reporter *reporter, enum config_level level, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (reporter) {
        reporter->line(reporter->arg, level, text);
    }
}

int set_error(struct set *s, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->errors++;
    set_report(s->reporter, CONFIG_ERROR, "Options error: %s:%u: %s", s->source, s->line, text);
    return ERR_CONFIG;
}

int set_error_plain(struct set *s, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->errors++;
    set_report(s->reporter, CONFIG_ERROR, "Options error: %s", text);
    return ERR_CONFIG;
}

void set_warning(struct set *s, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    set_report(s->reporter, CONFIG_WARNING, "WARNING: %s:%u: %s", s->source, s->line, text);
}

void set_given(struct config *config, enum config_option option)
{
    config->given[option / 64] |= (uint64_t)1 << (option % 64);
}

int set_bad_value(struct set *s, int i, const char *expected)
{
    return set_error(s, "%s: '%s' is not valid; expected %s", s->argv[0], i < s->argc ? s->argv[i] : "", expected);
}

int set_number(struct set *s, int i, int64_t low, int64_t high, int64_t *out)
{
    const char *text = s->argv[i];
    char *end = NULL;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno || v < low || v > high) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)low, (long long)high);
        return set_bad_value(s, i, expected);
    }
    *out = v;
    return 0;
}

int set_unsigned(struct set *s, int i, unsigned low, unsigned high, unsigned *out)
{
    int64_t v = 0;
    int rc = set_number(s, i, low, high, &v);
    if (rc == 0) {
        *out = (unsigned)v;
    }
    return rc;
}

int set_u64(struct set *s, int i, uint64_t *out)
{
    int64_t v = 0;
    int rc = set_number(s, i, 0, INT64_MAX, &v);
    if (rc == 0) {
        *out = (uint64_t)v;
    }
    return rc;
}

int set_ipv4(struct set *s, int i, uint32_t *out)
{
    struct ip_addr ip;
    if (ip_parse(s->argv[i], &ip) != 0 || ip.family != AF_INET) {
        return set_bad_value(s, i, "an IPv4 address");
    }
    *out = ip4_to_u32(&ip);
    return 0;
}

int set_netmask(struct set *s, int i, uint32_t *out)
{
    struct ip_addr ip;
    if (ip_parse(s->argv[i], &ip) != 0 || ip.family != AF_INET || ip4_mask_bits(ip4_to_u32(&ip)) < 0) {
        return set_bad_value(s, i, "a netmask such as 255.255.255.0");
    }
    *out = ip4_to_u32(&ip);
    return 0;
}

int set_ipv6_bits(struct set *s, int i, struct ip_addr *ip, unsigned *bits)
{
    char text[64];
    snprintf(text, sizeof(text), "%s", s->argv[i]);
    char *slash = strchr(text, '/');
    unsigned long n = 0;
    char *end = NULL;
    if (slash) {
        *slash = 0;
        n = strtoul(slash + 1, &end, 10);
    }
    if (!slash || end == slash + 1 || *end || slash[1] == '-' || n > 128 || strlen(s->argv[i]) >= sizeof(text) ||
        ip_parse(text, ip) != 0 || ip->family != AF_INET6) {
        return set_bad_value(s, i, "an IPv6 address with its prefix length, such as fd00::1/64");
    }
    *bits = (unsigned)n;
    return 0;
}

int set_port_text(struct set *s, int i, char **out)
{
    const char *text = s->argv[i];
    if (!text[0] || strspn(text, "0123456789") == strlen(text)) {
        int64_t v = 0;
        int rc = set_number(s, i, 0, 65535, &v);
        if (rc == 0) {
            *out = arena_strdup(s->arena, text);
        }
        return rc;
    }
    const struct servent *service = getservbyname(text, NULL);
    if (!service) {
        return set_bad_value(s, i, "a port number or the name of a service in /etc/services");
    }
    *out = arena_printf(s->arena, "%u", ntohs((uint16_t)service->s_port));
    return 0;
}

int set_choice(struct set *s, int i, const struct config_choice *choices, int *out)
{
    char expected[MESSAGE_MAX / 2] = "";
    size_t n = 0;
    for (const struct config_choice *c = choices; c->word; c++) {
        if (strcmp(c->word, s->argv[i]) == 0) {
            *out = c->value;
            return 0;
        }
        n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s'%s'", n == 0 ? "" : c[1].word ? ", " : " or ",
                              c->word);
    }
    return set_bad_value(s, i, expected);
}

char *set_text(struct set *s, int i)
{
    return i < s->argc ? arena_strdup(s->arena, s->argv[i]) : NULL;
}

struct config_file set_file(struct set *s)
{
    struct config_file file = {.path = set_text(s, 1)};
    if (s->body) {
        file.data = arena_strndup(s->arena, s->body, s->body_len);
        file.len = s->body_len;
        file.is_inline = true;
    }
    return file;
}

/* Where the field of the row is. */
static void *field_of(struct set *s)
{
    void *base = s->config;
    if (s->row->scope == CONFIG_IN_CONNECTION) {
        base = s->connection;
    } else if (s->row->scope == CONFIG_IN_CLIENT) {
        base = s->client;
    }
    return base ? (char *)base + s->row->offset : NULL;
}

static int store_number(struct set *s, void *field)
{
    int64_t v = 0;
    char *missing = NULL;
    char *argv[2] = {s->argv[0], NULL};
    struct set word = *s;
    if (s->argc < 2) {
        missing = mem_strdup(s->row->missing ? s->row->missing : "0");
        argv[1] = missing;
        word.argv = argv;
        word.argc = 2;
    }
    int64_t high = s->row->kind == CONFIG_KIND_U64 ? INT64_MAX : s->row->high;
    int rc = set_number(&word, 1, s->defaults ? 0 : s->row->low, high, &v);
    s->errors = word.errors;
    free(missing);
    if (rc != 0) {
        return rc;
    }
    if (s->row->kind == CONFIG_KIND_U64) {
        *(uint64_t *)field = (uint64_t)v;
    } else if (s->row->kind == CONFIG_KIND_INT) {
        *(int *)field = (int)v;
    } else {
        *(unsigned *)field = (unsigned)v;
    }
    return 0;
}

static int store_choice(struct set *s, void *field)
{
    int value = 0;
    char *word = mem_strdup(s->argc > 1 ? s->argv[1] : s->row->missing ? s->row->missing : "");
    char *argv[2] = {s->argv[0], word};
    struct set one = *s;
    one.argv = argv;
    one.argc = 2;
    int rc = set_choice(&one, 1, s->row->choices, &value);
    s->errors = one.errors;
    free(word);
    if (rc == 0) {
        memcpy(field, &value, sizeof(value)); /* every enum config_* has the size of int */
    }
    return rc;
}

_Static_assert(sizeof(enum config_mode) == sizeof(int), "CHOICE stores enums as int");

/* Store the arguments according to the row's kind. */
static int store(struct set *s)
{
    void *field = field_of(s);
    switch (s->row->kind) {
    case CONFIG_KIND_FLAG:
        *(bool *)field = true;
        return 0;
    case CONFIG_KIND_UINT:
    case CONFIG_KIND_INT:
    case CONFIG_KIND_U64:
        return store_number(s, field);
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_COMMAND:
    case CONFIG_KIND_PATH:
        *(char **)field = set_text(s, 1);
        return 0;
    case CONFIG_KIND_FILE:
        *(struct config_file *)field = set_file(s);
        return 0;
    case CONFIG_KIND_CHOICE:
        return store_choice(s, field);
    case CONFIG_KIND_LIST:
    case CONFIG_KIND_CALL:
    case CONFIG_KIND_WORD:
        return s->row->handler(s, field);
    case CONFIG_KIND_TOOL:
        s->config->command = (enum config_command)s->row->low;
        s->config->command_argument = set_text(s, 1);
        return 0;
    default:
        return 0;
    }
}

/* The argument that is nobody's business: a token, or the value of a header, which may be a login. */
static int secret_at(const struct set *s, enum config_option option)
{
    return option == CONFIG_OPT_auth_token ? 1 : option == CONFIG_OPT_http_proxy_option ? 3 : s->argc;
}

static char *statement_text(struct set *s, int secret)
{
    char *text = arena_strdup(s->arena, s->argv[0]);
    for (int i = 1; i < s->argc; i++) {
        const char *word = i == secret ? "[hidden]" : s->argv[i];
        bool quote = !*word || strpbrk(word, " \t'\"\\#;");
        text = arena_printf(s->arena, quote ? "%s \"%s\"" : "%s %s", text, word);
    }
    return text;
}

static void remember(struct set *s)
{
    enum config_option option = config_row_option(s->row);
    if (s->defaults || !s->config) {
        return;
    }
    set_given(s->config, option);
    if (s->context == SET_PUSHED || (option == CONFIG_OPT_setenv && strcmp(s->argv[1], "opt") == 0)) {
        return; /* what setenv opt stands for is remembered by itself */
    }
    int secret = secret_at(s, option);
    struct config_statement *statement = CONFIG_APPEND(s->arena, &s->config->statements);
    statement->option = (int)option;
    statement->text = statement_text(s, secret);
    statement->source = arena_strdup(s->arena, s->source);
    statement->line = s->line;
    if (s->body) {
        statement->body = arena_strndup(s->arena, s->body, s->body_len);
    } else {
        statement->body = set_text(s, secret);
    }
}

static bool may_be_unknown(const struct set *s, const char *name)
{
    if (s->tolerant || s->forward_compatible) {
        return true;
    }
    for (size_t i = 0; s->config && i < s->config->ignore_unknown_option.count; i++) {
        if (strcmp(s->config->ignore_unknown_option.items[i].text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* How many letters have to be changed, added or left out to make @a of @b; at most @limit + 1. */
static unsigned letters_apart(const char *a, const char *b, unsigned limit)
{
    unsigned row[64];
    size_t n = strlen(b);
    if (n >= sizeof(row) / sizeof(row[0])) {
        return limit + 1;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; *a; a++, i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (*a != b[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < other ? change : other;
        }
    }
    return row[n] < limit + 1 ? row[n] : limit + 1;
}

/* What the user may have meant: "; usage: verb LEVEL", "; did you mean 'verb'?", or nothing. */
static void suggest(const char *name, char *out, size_t cap)
{
    const struct config_row *row = config_row_find(name);
    const char *nearest = NULL;
    unsigned best = strlen(name) < 5 ? 1 : 2;
    *out = '\0';
    if (row && row->kind != CONFIG_KIND_BLOCK) {
        snprintf(out, cap, "; usage: %s%s%s", row->name, *row->args ? " " : "", row->args);
        return;
    }
    for (unsigned i = 0; !row && i < CONFIG_OPTIONS; i++) {
        const char *candidate = config_row((enum config_option)i)->name;
        unsigned apart = letters_apart(name, candidate, best);
        if (apart <= best && apart < strlen(candidate)) {
            nearest = candidate;
            best = apart ? apart - 1 : 0;
        }
    }
    if (nearest) {
        snprintf(out, cap, "; did you mean '%s'?", nearest);
    }
}

static int unrecognized(struct set *s)
{
    char hint[200];
    const char *known = "Unrecognized option or missing or extra parameter(s) in";
    if (may_be_unknown(s, s->argv[0])) {
        set_report(s->reporter, CONFIG_WARNING, "%s %s:%u: %s (%s)", known, s->source, s->line, s->argv[0], VERSION);
        return 0;
    }
    const struct config_row *row = config_row_find(s->argv[0]);
    bool command = row && (row->kind == CONFIG_KIND_COMMAND || config_row_option(row) == CONFIG_OPT_auth_user_pass_verify);
    if (command && (unsigned)s->argc - 1 > row->max) {
        return set_error_plain(s, "the --%s directive should have at most %u parameter%s.  To pass a list of arguments as "
                               "one of the parameters, try enclosing them in double quotes (\"\"). (%s:%u)", row->name,
                               row->max, row->max == 1 ? "" : "s", s->source, s->line);
    }
    suggest(s->argv[0], hint, sizeof(hint));
    return set_error_plain(s, "%s %s:%u: %s (%s)%s", known, s->source, s->line, s->argv[0], VERSION, hint);
}

static int wrong_context(struct set *s, const struct config_row *row)
{
    const char *where = "";
    if (s->context == SET_PUSHED) {
        return set_error_plain(s, "option '%s' cannot be used in this context (%s)", row->name, s->source);
    }
    if (row->where & CONFIG_AT_FILES) {
        if (s->context == SET_CCD) { /* 2.x goes on without it, and installations rely on that */
            set_report(s->reporter, CONFIG_WARNING,
                       "Options error: option '%s' cannot be used in this context (%s:%u); it is not for single "
                       "clients and was ignored", row->name, s->source, s->line);
            return 0;
        }
        where = "; move it out of the <connection> block";
    } else if (row->where & CONFIG_AT_CCD) {
        where = "; it belongs into a file of client-config-dir";
    } else if (row->where & CONFIG_AT_PUSHED) {
        where = "; only a server may push it";
    }
    return set_error_plain(s, "option '%s' cannot be used in this context (%s:%u)%s", row->name, s->source, s->line,
                           where);
}

static int refuse(struct set *s, const struct config_row *row)
{
    if (row->kind == CONFIG_KIND_REFUSED) {
        return set_error(s, "option '%s' is not supported: %s; %s", row->name, row->help, row->remedy);
    }
    return set_error(s, "option '%s' is known but this version of vpnd cannot do it yet; remove it, or put "
                     "'ignore-unknown-option %s' before it if the tunnel works without it", row->name, row->name);
}

/* Options whose field is the server's own are accepted for a client, where they change nothing. */
static bool without_effect(const struct set *s, const struct config_row *row)
{
    if (row->kind == CONFIG_KIND_HARMLESS) {
        return true;
    }
    return s->context == SET_CCD && row->scope == CONFIG_IN_CONFIG && row->kind != CONFIG_KIND_WORD;
}

int set_option(struct set *s)
{
    static const unsigned allowed[] = {CONFIG_AT_FILES, CONFIG_AT_BLOCK, CONFIG_AT_CCD, CONFIG_AT_PUSHED};
    const struct config_row *row = config_row_find(s->argv[0]);
    unsigned arguments = (unsigned)s->argc - 1;
    if (!row || arguments < row->min || arguments > row->max || row->kind == CONFIG_KIND_BLOCK) {
        return unrecognized(s);
    }
    if (!(row->where & allowed[s->context])) {
        return wrong_context(s, row);
    }
    if (s->body && !(row->where & CONFIG_AT_INLINE)) {
        return set_error_plain(s, "option '%s' is not expected to be inline (%s:%u)", row->name, s->source, s->line);
    }
    if (row->kind == CONFIG_KIND_REFUSED || row->state == CONFIG_STATE_LATER) {
        if (row->kind != CONFIG_KIND_REFUSED && may_be_unknown(s, row->name)) {
            return unrecognized(s);
        }
        return refuse(s, row);
    }
    if (without_effect(s, row)) {
        if (row->kind == CONFIG_KIND_HARMLESS && s->context != SET_PUSHED) {
            set_warning(s, "option '%s' is ignored: %s", row->name, row->help);
        }
        return 0;
    }
    s->row = config_row_target(row);
    remember(s);
    return store(s);
}

void set_defaults(struct set *s, enum config_scope scope)
{
    s->defaults = true;
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (row->scope != scope || !row->init) {
            continue;
        }
        char *copy = mem_strdup(row->init);
        char *argv[SET_ARGS_MAX] = {(char *)(uintptr_t)row->name};
        int argc = 1;
        char *save = NULL;
        for (char *w = strtok_r(copy, " ", &save); w && argc < SET_ARGS_MAX; w = strtok_r(NULL, " ", &save)) {
            argv[argc++] = w;
        }
        s->row = row;
        s->argc = argc;
        s->argv = argv;
        int rc = store(s);
        BUG_ON(rc != 0);
        free(copy);
    }
    s->defaults = false;
}
