/* SPDX-License-Identifier: MIT */
#include "mgmt/show_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"

#define CELL_MAX 300
#define NAME_MIN 12
#define NAME_MAX_WIDTH 32
#define GAP 2

const char *show_bytes(uint64_t bytes, char out[16])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, 16, unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *show_duration(uint64_t s, char out[16])
{
    if (s >= 86400) {
        (void)snprintf(out, 16, "%" PRIu64 "d %02uh", s / 86400 > 99999 ? 99999 : s / 86400, (unsigned)(s / 3600 % 24));
    } else if (s >= 3600) {
        (void)snprintf(out, 16, "%uh %02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    } else if (s >= 60) {
        (void)snprintf(out, 16, "%um %02us", (unsigned)(s / 60), (unsigned)(s % 60));
    } else {
        (void)snprintf(out, 16, "%us", (unsigned)s);
    }
    return out;
}

/* ------------------------------------------------------------------ columns */

enum column { COLUMN_NAME, COLUMN_ADDRESS, COLUMN_IN, COLUMN_OUT, COLUMN_SINCE, COLUMN_FROM, COLUMN_RECEIVED,
              COLUMN_SENT, COLUMN_CIPHER, COLUMNS };

/* In the order in which they are printed; those at the end go first when there is no room. */
static const struct {
    const char *title;
    bool right; /* numbers */
} heads[COLUMNS] = {
    [COLUMN_NAME] = {"NAME", false},         [COLUMN_ADDRESS] = {"ADDRESS", false}, [COLUMN_IN] = {"IN/s", true},
    [COLUMN_OUT] = {"OUT/s", true},          [COLUMN_SINCE] = {"ONLINE", true},     [COLUMN_FROM] = {"FROM", false},
    [COLUMN_RECEIVED] = {"RECEIVED", true},  [COLUMN_SENT] = {"SENT", true},        [COLUMN_CIPHER] = {"CIPHER", false},
};

static void cell(const struct show_snapshot *s, const struct show_client *c, enum column column, char out[CELL_MAX])
{
    char text[16];
    const char *from = text;
    bool up = strcmp(c->state, "connected") == 0;
    switch (column) {
    case COLUMN_NAME:
        (void)snprintf(out, CELL_MAX, "%s%s%s", *c->name ? c->name : "-", *c->username ? " " : "",
                       *c->username && strcmp(c->username, c->name) != 0 ? c->username : "");
        return;
    case COLUMN_ADDRESS:
        (void)snprintf(out, CELL_MAX, "%s", !up ? c->state : *c->virtual4 ? c->virtual4 : c->virtual6);
        return;
    case COLUMN_FROM:
        from = c->real;
        break;
    case COLUMN_CIPHER:
        from = c->cipher;
        break;
    case COLUMN_SINCE:
        (void)show_duration(s->time_unix_s > c->since_unix_s ? s->time_unix_s - c->since_unix_s : 0, text);
        break;
    case COLUMN_IN:
        (void)show_bytes(c->rx_rate, text);
        break;
    case COLUMN_OUT:
        (void)show_bytes(c->tx_rate, text);
        break;
    case COLUMN_RECEIVED:
        (void)show_bytes(c->rx_bytes, text);
        break;
    case COLUMN_SENT:
        (void)show_bytes(c->tx_bytes, text);
        break;
    case COLUMNS:
        break;
    }
    (void)snprintf(out, CELL_MAX, "%s", from);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static unsigned width(const char *text)
{
    unsigned n = 0;
    for (; *text; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

/* Cut @text to @max characters. */
static void shorten(char *text, unsigned max)
{
    unsigned n = 0;
    for (; *text; text++) {
        if (((unsigned char)*text & 0xC0) != 0x80 && n++ == max) {
            *text = '\0';
            return;
        }
    }
}

static void measure(const struct show_snapshot *s, const struct show_client *const *shown, size_t rows,
                    unsigned widths[COLUMNS])
{
    char text[CELL_MAX];
    for (int i = 0; i < COLUMNS; i++) {
        widths[i] = width(heads[i].title);
        for (size_t row = 0; row < rows; row++) {
            cell(s, shown[row], (enum column)i, text);
            unsigned w = width(text);
            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
}

/* How many columns fit; the name gives way first. */
static unsigned fit(const struct show_room *room, unsigned widths[COLUMNS])
{
    if (room->columns && widths[COLUMN_NAME] > NAME_MAX_WIDTH) {
        widths[COLUMN_NAME] = NAME_MAX_WIDTH;
    }
    unsigned all = 0;
    for (int i = 0; i < COLUMNS; i++) {
        all += widths[i] + (i ? GAP : 0);
    }
    unsigned n = COLUMNS;
    while (room->columns && all > room->columns && n > 2) {
        unsigned over = all - room->columns;
        unsigned spare = widths[COLUMN_NAME] > NAME_MIN ? widths[COLUMN_NAME] - NAME_MIN : 0;
        if (over <= spare) {
            widths[COLUMN_NAME] -= over;
            break;
        }
        n--;
        all -= widths[n] + GAP;
    }
    return n;
}

static int put_cell(struct buf *out, enum column column, char *text, unsigned room, bool last)
{
    shorten(text, room);
    unsigned pad = room - width(text);
    if (heads[column].right) {
        return buf_printf(out, "%*s%s%s", (int)pad, "", text, last ? "" : "  ");
    }
    return buf_printf(out, "%s%*s%s", text, last ? 0 : (int)pad, "", last ? "" : "  ");
}

static int put_row(const struct show_snapshot *s, const struct show_client *c, const unsigned widths[COLUMNS],
                   unsigned n, struct buf *out)
{
    char text[CELL_MAX];
    int err = 0;
    for (unsigned i = 0; i < n && !err; i++) {
        if (c) {
            cell(s, c, (enum column)i, text);
        } else {
            (void)snprintf(text, sizeof(text), "%s", heads[i].title);
        }
        err = put_cell(out, (enum column)i, text, widths[i], i + 1 == n);
    }
    return err;
}

/* ------------------------------------------------------------------ the whole */

static int summary(const struct show_snapshot *s, const struct show_room *room, struct buf *out)
{
    char up[16];
    char in[16];
    char away[16];
    const char *bold = room->colours ? "\033[1m" : "";
    const char *plain = room->colours ? "\033[0m" : "";
    int err = buf_printf(out, "%svpnd%s%s%s %s", bold, *s->version ? " " : "", s->version, plain,
                         s->server ? "server" : "client");
    if (!err && s->started_unix_s) {
        err = buf_printf(out, ", up %s", show_duration(s->time_unix_s - s->started_unix_s, up));
    }
    if (!err && s->server) {
        err = buf_printf(out, ", %zu client%s", s->client_count - s->waiting,
                         s->client_count - s->waiting == 1 ? "" : "s");
    }
    if (!err && s->waiting) {
        err = buf_printf(out, " and %zu on the way in", s->waiting);
    }
    if (!err && s->pool_size) {
        err = buf_printf(out, ", %" PRIu64 " of %" PRIu64 " addresses", s->pool_used, s->pool_size);
    }
    show_bytes(s->rx_rate, in);
    show_bytes(s->tx_rate, away);
    err = err ? err : buf_printf(out, "\nin %s/s, out %s/s\n", in, away);
    if (!err && !s->server) {
        err = buf_printf(out, "%s%s%s%s%s %s\n", s->state, *s->remote ? " to " : "", s->remote,
                         *s->virtual4 || *s->virtual6 ? " as " : "", s->virtual4, s->virtual6);
    }
    return err;
}

static int problems(const struct show_snapshot *s, const struct show_room *room, struct buf *out)
{
    int err = 0;
    for (size_t i = 0; i < s->problem_count && !err; i++) {
        err = buf_printf(out, "%s! %s%s\n", room->colours ? "\033[31m" : "", s->problems[i],
                         room->colours ? "\033[0m" : "");
    }
    return err;
}

static int by_rate(const void *a, const void *b)
{
    const struct show_client *x = *(const struct show_client *const *)a;
    const struct show_client *y = *(const struct show_client *const *)b;
    uint64_t of_x = x->rx_rate + x->tx_rate;
    uint64_t of_y = y->rx_rate + y->tx_rate;
    return of_x != of_y ? (of_x < of_y ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

/* The clients in the order of their coming; the busiest first where there is no room for all. The caller frees. */
static const struct show_client **choose(const struct show_snapshot *s, size_t rows)
{
    const struct show_client **shown = mem_grow(NULL, s->client_count + 1, sizeof(struct show_client *));
    for (size_t i = 0; i < s->client_count; i++) {
        shown[i] = &s->clients[i];
    }
    if (rows < s->client_count) {
        qsort(shown, s->client_count, sizeof(struct show_client *), by_rate);
    }
    return shown;
}

static int client_rows(const struct show_snapshot *s, const struct show_room *room, size_t rows, struct buf *out)
{
    unsigned widths[COLUMNS];
    const struct show_client **shown = choose(s, rows);
    measure(s, shown, rows, widths);
    unsigned n = fit(room, widths);
    int err = buf_printf(out, "\n%s", room->colours ? "\033[7m" : "");
    err = err ? err : put_row(s, NULL, widths, n, out);
    err = err ? err : buf_printf(out, "%s\n", room->colours ? "\033[0m" : "");
    for (size_t i = 0; i < rows && !err; i++) {
        err = put_row(s, shown[i], widths, n, out);
        err = err ? err : buf_append(out, "\n", 1);
    }
    if (!err && rows < s->client_count) {
        err = buf_printf(out, "... and %zu more\n", s->client_count - rows);
    }
    free(shown);
    return err;
}

int show_table(const struct show_snapshot *s, const struct show_room *room, struct buf *out)
{
    size_t used = 2 + s->problem_count + 2; /* summary, problems, blank line, head */
    size_t rows = s->client_count;
    int err = summary(s, room, out);
    err = err ? err : problems(s, room, out);
    if (!s->server || err) {
        return err;
    }
    if (room->rows && rows + used > room->rows) {
        rows = room->rows > used + 2 ? room->rows - used - 1 : 1; /* one line says that there are more */
        rows = rows < s->client_count ? rows : s->client_count;
    }
    return client_rows(s, room, rows, out);
}
