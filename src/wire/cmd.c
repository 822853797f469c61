/* SPDX-License-Identifier: MIT */
#include "wire/cmd.h"

#include <stdio.h>

#include "base/err.h"

static bool control_char(uint8_t c)
{
    return c < 0x20 || c == 0x7F;
}

/* Whether @text begins with @prefix; *rest is what follows. */
static bool begins(const char *text, const char *prefix, const char **rest)
{
    size_t n = strlen(prefix);
    if (strncmp(text, prefix, n) != 0) {
        return false;
    }
    *rest = text + n;
    return true;
}

struct cmd cmd_parse(const char *message)
{
    static const struct {
        const char *name;
        enum cmd_type type;
    } names[] = {
        {"AUTH_FAILED", CMD_AUTH_FAILED}, {"PUSH_REQUEST", CMD_PUSH_REQUEST}, {"PUSH_REPLY", CMD_PUSH_REPLY},
        {"PUSH_UPDATE", CMD_PUSH_UPDATE}, {"RESTART", CMD_RESTART},           {"HALT", CMD_HALT},
        {"INFO_PRE", CMD_INFO_PRE},       {"INFO", CMD_INFO},                 {"CR_RESPONSE", CMD_CR_RESPONSE},
        {"AUTH_PENDING", CMD_AUTH_PENDING}, {"EXIT", CMD_EXIT},               {"ACC", CMD_ACC},
        {"RELAY", CMD_RELAY},
    };
    struct cmd out = {.type = CMD_UNKNOWN, .args = ""};
    const char *rest;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (begins(message, names[i].name, &rest) && (*rest == '\0' || *rest == ',')) {
            out.type = names[i].type;
            out.has_args = *rest == ',';
            out.args = rest + (out.has_args ? 1 : 0);
            break;
        }
    }
    return out;
}

static size_t without_newline(const uint8_t *text, size_t len)
{
    while (len && (text[len - 1] == '\r' || text[len - 1] == '\n')) {
        len--;
    }
    return len;
}

bool cmd_text_valid(const uint8_t *text, size_t len)
{
    len = without_newline(text, len);
    for (size_t i = 0; i < len; i++) {
        if (control_char(text[i])) {
            return false;
        }
    }
    return true;
}

int cmd_record_next(struct rd *r, struct span *out)
{
    size_t left = rd_left(r);
    if (left == 0) {
        return 0;
    }
    const uint8_t *nul = memchr(r->p, 0, left);
    if (!nul) {
        (void)rd_rest(r);
        return ERR_FORMAT;
    }
    size_t raw = (size_t)(nul - r->p);
    const uint8_t *text = rd_bytes(r, raw + 1);
    size_t len = without_newline(text, raw);
    if (len == 0 || !cmd_text_valid(text, len)) {
        return ERR_FORMAT;
    }
    *out = (struct span){text, len};
    return 1;
}

/* Decimal number at the start of @text, 0 when there is none or it is absurd. */
static unsigned leading_number(const char *text)
{
    unsigned n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (n > 100000000u) {
            return 0;
        }
        n = n * 10 + (unsigned)(*text - '0');
    }
    return n;
}

static bool item_is(const char *item, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(item, text, len) == 0;
}

static void temp_flag(const char *item, size_t len, struct cmd_auth_failed *out)
{
    const char *number;
    if (begins(item, "backoff ", &number) && len > strlen("backoff ")) {
        out->backoff_s = leading_number(number);
    } else if (item_is(item, len, "advance no")) {
        out->advance = CMD_ADVANCE_NO;
    } else if (item_is(item, len, "advance addr")) {
        out->advance = CMD_ADVANCE_ADDR;
    } else if (item_is(item, len, "advance remote")) {
        out->advance = CMD_ADVANCE_REMOTE;
    }
}

/* "[a,b]:text" or ":text" after TEMP. */
static void temp_parse(const char *rest, struct cmd_auth_failed *out)
{
    const char *close = *rest == '[' ? strchr(rest, ']') : NULL;
    if (close) {
        const char *item = rest + 1;
        while (item <= close) {
            size_t len = strcspn(item, ",]");
            temp_flag(item, len, out);
            item += len + 1;
        }
        rest = close + 1;
    }
    out->text = *rest == ':' ? rest + 1 : rest;
}

struct cmd_auth_failed cmd_auth_failed_parse(const char *args)
{
    struct cmd_auth_failed out = {.kind = CMD_AUTH_FAILED_PLAIN, .text = args};
    const char *rest;
    if (begins(args, "CRV1:", &rest)) {
        out.kind = CMD_AUTH_FAILED_CHALLENGE;
    } else if (begins(args, "SESSION:", &rest)) {
        out.kind = CMD_AUTH_FAILED_SESSION;
        out.text = rest;
    } else if (begins(args, "TEMP", &rest) && (*rest == '\0' || *rest == ':' || *rest == '[')) {
        out.kind = CMD_AUTH_FAILED_TEMP;
        temp_parse(rest, &out);
    }
    return out;
}

struct cmd_restart cmd_restart_parse(const char *args)
{
    struct cmd_restart out = {.text = args};
    const char *close = *args == '[' ? strchr(args, ']') : NULL;
    if (!close) {
        return out;
    }
    for (const char *flag = args + 1; flag < close; flag++) {
        out.keep_credentials |= *flag == 'P';
        out.next_remote |= *flag == 'N';
    }
    out.text = close[1] == ':' ? close + 2 : close + 1;
    return out;
}

unsigned cmd_pending_timeout(const char *args)
{
    const char *item = args;
    while (item) {
        const char *number;
        if (begins(item, "timeout ", &number)) {
            return leading_number(number);
        }
        item = strchr(item, ',');
        item = item ? item + 1 : NULL;
    }
    return 0;
}

/* ------------------------------------------------------------------ challenges */

/* Field up to the next ':'; *text moves behind it. Without a ':' nothing moves. */
static bool field_next(const char **text, struct span *out)
{
    const char *colon = strchr(*text, ':');
    if (!colon) {
        return false;
    }
    *out = (struct span){(const uint8_t *)*text, (size_t)(colon - *text)};
    *text = colon + 1;
    return true;
}

static bool has_flag(struct span flags, char flag)
{
    for (size_t i = 0; i < flags.len; i++) {
        bool starts = i == 0 || flags.data[i - 1] == ',';
        bool ends = i + 1 == flags.len || flags.data[i + 1] == ',';
        if (flags.data[i] == (uint8_t)flag && starts && ends) {
            return true;
        }
    }
    return false;
}

int cmd_challenge_parse(const char *text, struct cmd_challenge *out)
{
    struct span flags;
    memset(out, 0, sizeof(*out));
    if (!begins(text, "CRV1:", &text) || !field_next(&text, &flags) || !field_next(&text, &out->state_id) ||
        !field_next(&text, &out->username_base64)) {
        return ERR_FORMAT;
    }
    out->echo = has_flag(flags, 'E');
    out->respond = has_flag(flags, 'R');
    out->text = text;
    return 0;
}

struct cmd_info cmd_info_parse(const char *args)
{
    struct cmd_info out = {.kind = CMD_INFO_OTHER, .text = args};
    const char *rest;
    struct span flags;
    if (begins(args, "OPEN_URL:", &rest)) {
        out.kind = CMD_INFO_OPEN_URL;
        out.text = rest;
    } else if (begins(args, "WEB_AUTH:", &rest) && field_next(&rest, &flags)) {
        out.kind = CMD_INFO_WEB_AUTH;
        out.flags = flags;
        out.text = rest;
    } else if (begins(args, "CR_TEXT:", &rest) && field_next(&rest, &flags)) {
        out.kind = CMD_INFO_CR_TEXT;
        out.flags = flags;
        out.echo = has_flag(flags, 'E');
        out.respond = has_flag(flags, 'R');
        out.text = rest;
    }
    return out;
}

/* ------------------------------------------------------------------ push */

#define CONTINUES ",push-continuation 2"
#define ENDS ",push-continuation 1"

void cmd_push_begin(struct cmd_push *push, const char *name)
{
    push->name = name;
    push->split = false;
    cmd_push_next(push);
    push->split = false;
}

void cmd_push_next(struct cmd_push *push)
{
    push->split = true;
    push->any = false;
    push->len = strnlen(push->name, CMD_MAX / 2);
    memcpy(push->text, push->name, push->len);
    push->text[push->len] = '\0';
}

static void push_append(struct cmd_push *push, const char *text, size_t len)
{
    memcpy(push->text + push->len, text, len);
    push->len += len;
    push->text[push->len] = '\0';
}

int cmd_push_option(struct cmd_push *push, const char *option)
{
    size_t len = strlen(option);
    if (len == 0 || strchr(option, ',')) {
        return ERR_FORMAT;
    }
    for (size_t i = 0; i < len; i++) {
        if (control_char((uint8_t)option[i])) {
            return ERR_FORMAT;
        }
    }
    if (len > CMD_OPTION_MAX) {
        return ERR_LIMIT;
    }
    if (push->any && push->len + 1 + len >= CMD_PUSH_SPLIT) {
        push_append(push, CONTINUES, strlen(CONTINUES));
        return 1;
    }
    push_append(push, ",", 1);
    push_append(push, option, len);
    push->any = true;
    return 0;
}

void cmd_push_end(struct cmd_push *push)
{
    if (push->split) {
        push_append(push, ENDS, strlen(ENDS));
    }
}

int cmd_push_item_next(const char **args, bool update, struct cmd_push_item *out)
{
    const char *at = *args;
    at += strspn(at, ",");
    if (*at == '\0') {
        *args = at;
        return 0;
    }
    size_t len = strcspn(at, ",");
    *args = at + len;
    memset(out, 0, sizeof(*out));
    if (update) {
        if (len >= 2 && at[0] == '?' && at[1] == '-') {
            return ERR_FORMAT;
        }
        if (*at == '-') {
            out->remove = true;
            at++;
            len--;
        }
        if (len && *at == '?') {
            out->optional = true;
            at++;
            len--;
        }
    }
    out->text = (struct span){(const uint8_t *)at, len};
    return 1;
}

unsigned cmd_push_continuation(const char *args)
{
    struct cmd_push_item item;
    static const char name[] = "push-continuation ";
    unsigned value = 0;
    for (int more = 1; more;) {
        more = cmd_push_item_next(&args, false, &item);
        if (more > 0 && item.text.len >= sizeof(name) && memcmp(item.text.data, name, sizeof(name) - 1) == 0) {
            value = leading_number((const char *)item.text.data + sizeof(name) - 1);
        }
    }
    return value;
}
