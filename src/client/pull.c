/* SPDX-License-Identifier: MIT */
#include "client/pull.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"

#define WORD_CONTINUATION "push-continuation"

void pull_init(struct pull *p)
{
    *p = (struct pull){0};
}

void pull_reset(struct pull *p)
{
    for (size_t i = 0; i < p->count; i++) {
        secret_wipe(p->lines[i], strlen(p->lines[i]));
        free(p->lines[i]);
    }
    p->count = 0;
    p->bytes = 0;
    p->open = false;
}

void pull_free(struct pull *p)
{
    pull_reset(p);
    free(p->lines);
    *p = (struct pull){0};
}

static bool is_word(struct span text, const char *word)
{
    size_t n = strlen(word);
    return text.len >= n && memcmp(text.data, word, n) == 0 &&
           (text.len == n || text.data[n] == ' ' || text.data[n] == '\t');
}

static int append(struct pull *p, const struct cmd_push_item *item)
{
    if (p->count >= PULL_LINES_MAX || p->bytes + item->text.len > PULL_BYTES_MAX) {
        log_error("The server pushes more than %d options or %d bytes of them: giving this connection up",
                  PULL_LINES_MAX, PULL_BYTES_MAX);
        return ERR_LIMIT;
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->lines = mem_grow(p->lines, p->cap, sizeof(*p->lines));
    }
    p->lines[p->count++] = mem_printf("%s%s%.*s", item->remove ? "-" : "", item->optional ? "?" : "",
                                      (int)item->text.len, (const char *)item->text.data);
    p->bytes += item->text.len;
    return 0;
}

enum pull_result pull_add(struct pull *p, const struct cmd *message)
{
    bool update = message->type == CMD_PUSH_UPDATE;
    if (!p->open || p->update != update) {
        pull_reset(p);
        p->update = update;
    }
    const char *args = message->args;
    struct cmd_push_item item;
    int found;
    while ((found = cmd_push_item_next(&args, update, &item)) == 1) {
        if (!is_word(item.text, WORD_CONTINUATION) && append(p, &item)) {
            p->open = false;
            return PULL_BAD;
        }
    }
    p->open = found == 0 && cmd_push_continuation(message->args) == 2;
    return found < 0 ? PULL_BAD : p->open ? PULL_MORE : PULL_COMPLETE;
}

char *pull_redact(const char *message)
{
    static const char token[] = "auth-token ";
    struct buf out = BUF_INIT(2 * PULL_BYTES_MAX);
    const char *at = message;
    while (*at) {
        size_t n = strcspn(at, ",");
        const char *line = at + strspn(at, " \t");
        if (strncmp(line, token, sizeof(token) - 1) == 0) {
            (void)buf_printf(&out, "%.*s%s[REDACTED]", (int)(line - at), at, token);
        } else {
            (void)buf_append(&out, at, n);
        }
        at += n;
        if (*at == ',') {
            (void)buf_append(&out, at++, 1);
        }
    }
    char *text = mem_strdup(buf_str(&out));
    buf_free(&out, true);
    return text;
}

void pull_print_take(struct pull_print *print, const struct pull *p, bool tun_mtu_given)
{
    pull_print_free(print);
    struct buf all = BUF_INIT(PULL_BYTES_MAX + PULL_LINES_MAX);
    for (size_t i = 0; i < p->count; i++) {
        if (config_push_in_digest(p->lines[i], tun_mtu_given)) {
            (void)buf_append(&all, p->lines[i], strlen(p->lines[i]) + 1);
        }
    }
    print->len = all.len;
    print->text = mem_array(all.len + 1, 1);
    if (all.len) {
        memcpy(print->text, all.data, all.len);
    }
    buf_free(&all, false);
}

bool pull_print_equal(const struct pull_print *a, const struct pull_print *b)
{
    return a->text && b->text && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

void pull_print_free(struct pull_print *print)
{
    free(print->text);
    *print = (struct pull_print){0};
}
