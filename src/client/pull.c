/* SPDX-License-Identifier: MIT */
#include "client/pull.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

#define WORD_REPLY "PUSH_REPLY"
#define WORD_UPDATE "PUSH_UPDATE"
#define WORD_CONTINUATION "push-continuation"

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void pull_init(struct pull *p)
{
    *p = (struct pull){.print = BUF_INIT(PULL_BYTES_MAX + PULL_LINES_MAX),
                       .old_print = BUF_INIT(PULL_BYTES_MAX + PULL_LINES_MAX)};
}

void pull_reset(struct pull *p)
{
    for (size_t i = 0; i < p->count; i++) {
        secret_wipe(p->lines[i].text, strlen(p->lines[i].text));
        free(p->lines[i].text);
    }
    p->count = 0;
    p->bytes = 0;
    p->open = false;
    free(p->offender);
    p->offender = NULL;
    buf_reset(&p->print);
}

void pull_free(struct pull *p)
{
    pull_reset(p);
    free(p->lines);
    buf_free(&p->print, true);
    buf_free(&p->old_print, true);
    *p = (struct pull){0};
}

/* The rest of a push message after its word, or NULL when it is something else. */
static const char *body(const char *text, enum pull_kind *kind)
{
    const char *word = WORD_REPLY;
    *kind = PULL_REPLY;
    if (starts(text, WORD_UPDATE)) {
        word = WORD_UPDATE;
        *kind = PULL_UPDATE;
    } else if (!starts(text, WORD_REPLY)) {
        return NULL;
    }
    const char *rest = text + strlen(word);
    return *rest == '\0' || *rest == ',' ? rest : NULL;
}

bool pull_is_message(const char *text)
{
    enum pull_kind kind;
    return body(text, &kind) != NULL;
}

static bool word_is(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 && (line[n] == '\0' || line[n] == ' ' || line[n] == '\t');
}

bool pull_updatable(const char *text)
{
    static const char *const names[] = {
        "block-ipv4", "block-ipv6", "block-outside-dns", "dhcp-option", "dns", "ifconfig", "ifconfig-ipv6",
        WORD_CONTINUATION, "redirect-gateway", "redirect-private", "route", "route-gateway", "route-ipv6",
        "route-metric", "topology", "tun-mtu",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (word_is(text, names[i])) {
            return true;
        }
    }
    return false;
}

static enum pull_filter_action decide(const char *line, const struct pull_filter *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (starts(line, filters[i].text)) {
            return filters[i].action;
        }
    }
    return PULL_FILTER_ACCEPT;
}

/* Values that change with each connection, or that the device does not depend on. */
static bool counts_for_device(const char *line, bool without_cipher)
{
    static const char *const volatile_options[] = {
        "peer-id ", "auth-token ", "auth-token-user", "protocol-flags ", "key-derivation ",
        "explicit-exit-notify ", "ping ", "ping-restart ", "ping-timer ",
    };
    for (size_t i = 0; i < sizeof(volatile_options) / sizeof(volatile_options[0]); i++) {
        if (starts(line, volatile_options[i])) {
            return false;
        }
    }
    return !(without_cipher && starts(line, "cipher "));
}

static enum pull_result append(struct pull *p, const char *line, bool remove, bool optional, bool without_cipher)
{
    size_t len = strlen(line);
    if (p->count >= PULL_LINES_MAX || p->bytes + len > PULL_BYTES_MAX) {
        log_error("The server pushes too many options: more than %d or %d bytes; giving this connection up",
                  PULL_LINES_MAX, PULL_BYTES_MAX);
        return PULL_BAD;
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->lines = mem_grow(p->lines, p->cap, sizeof(*p->lines));
    }
    p->lines[p->count++] = (struct pull_line){.text = mem_strdup(line), .remove = remove, .optional = optional};
    p->bytes += len;
    if (counts_for_device(line, without_cipher) && buf_append(&p->print, line, len + 1)) {
        return PULL_BAD;
    }
    return PULL_MORE;
}

static enum pull_result offend(struct pull *p, const char *line, enum pull_result result)
{
    free(p->offender);
    p->offender = mem_strdup(line);
    return result;
}

struct part {
    const struct pull_filter *filters;
    size_t filter_count;
    bool without_cipher;
    unsigned continuation;
};

static enum pull_result add_option(struct pull *p, struct part *part, const char *option)
{
    const char *line = option + strspn(option, " \t");
    bool remove = false;
    bool optional = false;
    if (p->kind == PULL_UPDATE) {
        if (*line == '-') {
            remove = true;
            line++;
        }
        if (*line == '?') {
            optional = true;
            line++;
        }
        if (*line == '-') {
            return offend(p, option, PULL_OFFENDING);
        }
    }
    if (*line == '\0') {
        return PULL_MORE;
    }
    if (word_is(line, WORD_CONTINUATION)) {
        part->continuation = (unsigned)strtoul(line + strlen(WORD_CONTINUATION), NULL, 10);
        return PULL_MORE;
    }
    switch (decide(line, part->filters, part->filter_count)) {
    case PULL_FILTER_IGNORE:
        log_info("Pushed option removed by filter: '%s'", line);
        return p->kind == PULL_UPDATE && !optional ? offend(p, line, PULL_OFFENDING) : PULL_MORE;
    case PULL_FILTER_REJECT:
        log_error("Pushed option rejected by filter: '%s'.", line);
        return offend(p, line, PULL_REJECTED);
    case PULL_FILTER_ACCEPT:
        break;
    }
    if (p->kind == PULL_UPDATE && !pull_updatable(line)) {
        if (optional) {
            log_info("Pushed option '%s' cannot be updated, skipped", line);
            return PULL_MORE;
        }
        return offend(p, line, PULL_OFFENDING);
    }
    return append(p, line, remove, optional, part->without_cipher);
}

enum pull_result pull_add(struct pull *p, const char *text, const struct pull_filter *filters, size_t filter_count,
                          bool without_cipher)
{
    enum pull_kind kind;
    const char *rest = body(text, &kind);
    if (!rest) {
        return PULL_BAD;
    }
    if (!p->open || p->kind != kind) {
        pull_reset(p);
        p->kind = kind;
    }
    struct part part = {.filters = filters, .filter_count = filter_count, .without_cipher = without_cipher};
    char *copy = mem_strdup(rest);
    enum pull_result result = PULL_MORE;
    char *at = copy;
    char *option;
    while (result == PULL_MORE && (option = strsep(&at, ",")) != NULL) {
        result = add_option(p, &part, option);
    }
    secret_wipe(copy, strlen(rest));
    free(copy);
    if (result != PULL_MORE) {
        p->open = false;
        return result;
    }
    p->open = part.continuation == 2;
    return p->open ? PULL_MORE : PULL_COMPLETE;
}

bool pull_same(const struct pull *p)
{
    return p->has_old && p->old_print.len == p->print.len &&
           (p->print.len == 0 || memcmp(p->old_print.data, p->print.data, p->print.len) == 0);
}

void pull_keep(struct pull *p)
{
    buf_reset(&p->old_print);
    if (p->print.len) {
        (void)buf_append(&p->old_print, p->print.data, p->print.len);
    }
    p->has_old = true;
}

void pull_forget(struct pull *p)
{
    p->has_old = false;
}

char *pull_redact(const char *text)
{
    static const char secret_word[] = "auth-token ";
    struct buf out = BUF_INIT(PULL_BYTES_MAX);
    const char *at = text;
    while (*at) {
        size_t n = strcspn(at, ",");
        const char *line = at + strspn(at, " \t");
        if (starts(line, secret_word)) {
            (void)buf_printf(&out, "%.*s[REDACTED]", (int)(line - at + (long)strlen(secret_word)), at);
        } else {
            (void)buf_append(&out, at, n);
        }
        at += n;
        if (*at == ',') {
            (void)buf_append(&out, at, 1);
            at++;
        }
    }
    char *copy = mem_strdup(buf_str(&out));
    buf_free(&out, true);
    return copy;
}
