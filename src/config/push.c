/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "config/parse.h"
#include "config/set_handlers.h"

#define SOURCE "[PUSH-OPTIONS]"
#define UPDATES_BYTES_MAX (16u << 20)

static struct set begin(struct config *active, unsigned index, const struct config_reporter *reporter)
{
    return (struct set){.config = active,
                        .connection = &active->top,
                        .client = &active->client,
                        .arena = active->arena,
                        .reporter = reporter,
                        .context = SET_PUSHED,
                        .source = SOURCE,
                        .line = index};
}

#define BLANKS " \t"

/* Length of the option's name at @line, 0 when it is not written plainly: quotes, escapes, dashes before it and other
 * blanks would hide it from pull-filter and route-nopull. */
static size_t name_length(const char *line)
{
    size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return *line == '-' || (line[n] && !strchr(BLANKS, line[n])) ? 0 : n;
}

/* The row of the first word of a line; NULL when there is none. */
static const struct config_row *row_of(const char *line)
{
    char name[64];
    line += strspn(line, BLANKS);
    size_t n = name_length(line);
    if (n >= sizeof(name)) {
        return NULL;
    }
    memcpy(name, line, n);
    name[n] = 0;
    return config_row_find(name);
}

/* What pull-filter says about a line; no match accepts. */
static enum config_pull_action filter(const struct config *active, const char *line)
{
    line += strspn(line, BLANKS);
    for (size_t i = 0; i < active->pull_filter.count; i++) {
        const struct config_pull_filter *f = &active->pull_filter.items[i];
        if (strncmp(line, f->text, strlen(f->text)) == 0) {
            return f->action;
        }
    }
    return CONFIG_PULL_ACCEPT;
}

/* Whether values of that option add up instead of replacing each other. */
static bool adds_up(const struct config_row *row)
{
    enum config_option option = config_row_option(row);
    return row->kind == CONFIG_KIND_LIST || option == CONFIG_OPT_dns || option == CONFIG_OPT_redirect_gateway ||
           option == CONFIG_OPT_redirect_private;
}

/* Back to nothing: what -OPTION of PUSH_UPDATE means, and the first of a list in an update. */
static void forget(struct config *active, const struct config_row *row)
{
    enum config_option option = config_row_option(row);
    char *base = row->scope == CONFIG_IN_CONNECTION ? (char *)&active->top : (char *)active;
    if (option == CONFIG_OPT_redirect_private) {
        active->redirect_gateway = 0;
    } else if (option == CONFIG_OPT_tun_mtu) {
        active->tun_mtu = 1500;
    } else if (row->size) {
        memset(base + row->offset, 0, row->size);
    }
}

static bool refused_by_nopull(const struct config *active, const struct config_row *row)
{
    return active->route_nopull && row->push & (CONFIG_PUSH_ROUTE | CONFIG_PUSH_DNS);
}

/* Some values make the session impossible: a cipher is checked by the owner, the id and flags here. */
static bool fatal_when_wrong(const struct config_row *row)
{
    return (row->push & CONFIG_PUSH_PROTOCOL) != 0;
}

static void limit_mtu(struct config *active, const struct config_reporter *reporter, unsigned own)
{
    unsigned max = active->tun_mtu_max > own ? active->tun_mtu_max : own;
    max = max < 1600 ? 1600 : max;
    if (active->tun_mtu > max) {
        set_report(reporter, CONFIG_WARNING, "Server-pushed tun-mtu is too large, please add tun-mtu-max %u in the client "
                   "configuration", active->tun_mtu);
        active->tun_mtu = max;
    }
}

static enum config_push_result apply(struct config *active, unsigned index, const char *line,
                                     const struct config_reporter *reporter)
{
    const struct config_row *row = row_of(line);
    struct set s = begin(active, index, reporter);
    if (row && refused_by_nopull(active, row)) {
        set_error_plain(&s, "option '%s' cannot be used in this context (%s)", row->name, SOURCE);
        return CONFIG_PUSH_SKIPPED;
    }
    const char *name = line + strspn(line, BLANKS);
    if (*name && name_length(name) == 0) {
        set_error_plain(&s, "Unrecognized option or missing or extra parameter(s) in %s:%u: %.*s (%s)", SOURCE, index,
                        (int)strcspn(name, BLANKS), name, VERSION);
        return CONFIG_PUSH_SKIPPED;
    }
    unsigned own_mtu = active->tun_mtu;
    if (parse_line(&s, line) != 0) {
        return row && fatal_when_wrong(row) ? CONFIG_PUSH_REJECTED : CONFIG_PUSH_SKIPPED;
    }
    if (!row || row->kind == CONFIG_KIND_HARMLESS) {
        return CONFIG_PUSH_SKIPPED;
    }
    if (config_row_option(row) == CONFIG_OPT_tun_mtu) {
        limit_mtu(active, reporter, own_mtu);
    }
    return CONFIG_PUSH_APPLIED;
}

static enum config_push_result filtered(struct config *active, const char *line,
                                        const struct config_reporter *reporter)
{
    switch (filter(active, line)) {
    case CONFIG_PULL_IGNORE:
        set_report(reporter, CONFIG_NOTE, "Pushed option removed by filter: '%s'", line);
        return CONFIG_PUSH_SKIPPED;
    case CONFIG_PULL_REJECT:
        set_report(reporter, CONFIG_ERROR, "Pushed option rejected by filter: '%s'.", line);
        return CONFIG_PUSH_REJECTED;
    default:
        return CONFIG_PUSH_APPLIED;
    }
}

enum config_push_result config_push_apply(struct config *active, unsigned index, const char *line,
                                          const struct config_reporter *reporter)
{
    enum config_push_result verdict = filtered(active, line, reporter);
    return verdict == CONFIG_PUSH_APPLIED ? apply(active, index, line, reporter) : verdict;
}

/* The prefixes of a PUSH_UPDATE option, in this order: "-" then "?". Return: the text after them. */
static const char *prefixes(const char *line, bool *remove, bool *optional)
{
    *remove = *line == '-';
    line += *remove;
    *optional = *line == '?';
    line += *optional;
    return line;
}

/* Redirects share one value, so that emptying one empties both. */
static unsigned update_slot(const struct config_row *row)
{
    enum config_option option = config_row_option(row);
    return option == CONFIG_OPT_redirect_private ? CONFIG_OPT_redirect_gateway : option;
}

enum config_push_result config_push_update_apply(struct config *active, struct config_push_update *update,
                                                 unsigned index, const char *line,
                                                 const struct config_reporter *reporter)
{
    bool remove = false;
    bool optional = false;
    if (arena_bytes(active->arena) > UPDATES_BYTES_MAX) { /* what is replaced is freed with the session only */
        set_report(reporter, CONFIG_ERROR, "The server has updated so many options that the session has to begin anew");
        return CONFIG_PUSH_REJECTED;
    }
    const char *text = prefixes(line, &remove, &optional);
    const struct config_row *row = *text == '-' ? NULL : row_of(text);
    enum config_push_result refused = optional ? CONFIG_PUSH_SKIPPED : CONFIG_PUSH_REJECTED;
    enum config_push_result verdict = filtered(active, text, reporter);
    if (verdict != CONFIG_PUSH_APPLIED) {
        return verdict == CONFIG_PUSH_REJECTED ? verdict : refused;
    }
    if (!row || !(row->push & CONFIG_PUSH_UPDATE)) {
        set_report(reporter, CONFIG_WARNING, "Pushed option '%s' cannot be updated%s", text,
                   optional ? ", skipped" : "");
        return refused;
    }
    if (refused_by_nopull(active, row)) {
        return refused;
    }
    if (remove) {
        forget(active, row);
        update->changed = true;
        return CONFIG_PUSH_APPLIED;
    }
    unsigned slot = update_slot(row);
    uint64_t bit = (uint64_t)1 << (slot % 64);
    if (adds_up(row) && !(update->seen[slot / 64] & bit)) {
        forget(active, row);
        update->seen[slot / 64] |= bit;
    }
    verdict = apply(active, index, text, reporter);
    if (verdict == CONFIG_PUSH_APPLIED && config_row_option(row) != CONFIG_OPT_push_continuation) {
        update->changed = true;
    }
    return verdict == CONFIG_PUSH_APPLIED ? verdict : refused;
}

bool config_push_in_digest(const char *line, bool tun_mtu_given)
{
    static const char *const left_out[] = {"peer-id ",       "auth-token ",           "auth-token-user",
                                           "protocol-flags ", "key-derivation ",      "explicit-exit-notify ",
                                           "ping ",           "ping-restart ",        "ping-timer ",
                                           "push-continuation "};
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        if (strncmp(line, left_out[i], strlen(left_out[i])) == 0) {
            return false;
        }
    }
    return !(tun_mtu_given && strncmp(line, "cipher ", 7) == 0);
}
