/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/parse.h"
#include "config/set_handlers.h"
#include "config/validate.h"

#define CHANGES_MAX 8192 /* all names together are shorter */

/* Both ways to reach the shared fields have to mean the same bytes. */
_Static_assert(offsetof(struct config, mssfix) == offsetof(struct config_connection, mssfix), "top level overlay");
_Static_assert(offsetof(struct config, tls_wrap_given) == offsetof(struct config_connection, tls_wrap_given),
               "top level overlay");
_Static_assert(offsetof(struct config, session_timeout) - offsetof(struct config, push) ==
                   offsetof(struct config_client, session_timeout), "client overlay");

static struct set begin(struct config *c, const struct config_reporter *reporter)
{
    return (struct set){.config = c,
                        .connection = &c->top,
                        .client = &c->client,
                        .arena = c->arena,
                        .reporter = reporter,
                        .source = "[DEFAULTS]"};
}

static struct config *new_with_defaults(void)
{
    struct config *c = mem_zalloc(sizeof(*c));
    c->arena = arena_new();
    struct set s = begin(c, NULL);
    set_defaults(&s, CONFIG_IN_CONNECTION);
    set_defaults(&s, CONFIG_IN_CLIENT);
    set_defaults(&s, CONFIG_IN_CONFIG);
    c->top.lport_given = false;
    c->peer_id = CONFIG_NO_PEER_ID;
    c->read_unix_s = clock_read().unix_s;
    return c;
}

int config_load(int argc, char *const argv[], const struct config_reporter *reporter, bool act, struct config **out)
{
    struct config *c = new_with_defaults();
    struct set s = begin(c, reporter);
    s.act = act;
    int rc = parse_args(&s, argc, argv);
    if (rc == 0 || (reporter && reporter->keep_going && !s.unread)) {
        int checked = validate(c, reporter);
        rc = rc == 0 ? checked : rc;
    }
    if (rc != 0) {
        config_free(c);
        c = NULL;
    }
    *out = c;
    return rc;
}

void config_free(struct config *config)
{
    if (config) {
        arena_free(config->arena);
        free(config);
    }
}

bool config_is_given(const struct config *config, const char *name)
{
    const struct config_row *row = config_row_find(name);
    BUG_ON(!row);
    enum config_option option = config_row_option(row);
    return config->given[option / 64] >> (option % 64) & 1;
}

/* The arrays of a copy are full, so that appending copies them into the copy's own memory. */
#define SEAL(list) ((list).cap = (list).count)

static void seal_lists(struct config *c)
{
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (row->kind != CONFIG_KIND_LIST) {
            continue;
        }
        char *base = row->scope == CONFIG_IN_CONNECTION ? (char *)&c->top
                     : row->scope == CONFIG_IN_CLIENT   ? (char *)&c->client
                                                        : (char *)c;
        struct config_text_list list; /* all lists have the same shape */
        memcpy(&list, base + row->offset, sizeof(list));
        SEAL(list);
        memcpy(base + row->offset, &list, sizeof(list));
    }
    SEAL(c->connections);
    SEAL(c->statements);
    SEAL(c->setenv);
    SEAL(c->ignore_unknown_option);
    SEAL(c->client.push_remove);
    SEAL(c->dns.search_domains);
    SEAL(c->dns.servers);
    SEAL(c->top.http_proxy_option.headers);
}

struct config *config_clone(const struct config *base)
{
    struct config *c = mem_zalloc(sizeof(*c));
    *c = *base;
    c->arena = arena_new();
    seal_lists(c);
    return c;
}

void config_select(struct config *clone, size_t entry)
{
    BUG_ON(entry >= clone->connections.count);
    clone->top = clone->connections.items[entry];
    SEAL(clone->top.remote);
    SEAL(clone->top.local);
    SEAL(clone->top.http_proxy_option.headers);
}

bool config_file_given(const struct config_file *file)
{
    return file->path != NULL;
}

int config_file_read(const struct config_file *file, struct buf *out)
{
    if (!file->path) {
        return ERR_NOT_FOUND;
    }
    if (file->is_inline) {
        return buf_append(out, file->data, file->len);
    }
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    char chunk[4096];
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = -errno;
        } else if (n > 0) {
            rc = buf_append(out, chunk, (size_t)n);
        }
        if (n <= 0 || rc != 0) {
            break;
        }
    }
    secret_wipe(chunk, sizeof(chunk));
    close(fd);
    return rc;
}

/* ---- options of one client ---- */

struct config_client *config_client_new(const struct config *config)
{
    struct config_client *client = mem_zalloc(sizeof(*client));
    *client = config->client;
    client->arena = arena_new();
    SEAL(client->push);
    SEAL(client->push_remove);
    SEAL(client->iroute);
    SEAL(client->iroute_ipv6);
    SEAL(client->echo);
    return client;
}

void config_client_free(struct config_client *client)
{
    if (client) {
        arena_free(client->arena);
        free(client);
    }
}

static struct set begin_client(struct config_client *client, const struct config_reporter *reporter)
{
    return (struct set){.client = client, .arena = client->arena, .reporter = reporter, .context = SET_CCD};
}

int config_client_apply(struct config_client *client, const char *source, unsigned line, const char *text,
                        const struct config_reporter *reporter)
{
    struct set s = begin_client(client, reporter);
    s.source = source;
    s.line = line;
    return parse_line(&s, text);
}

int config_client_apply_file(struct config_client *client, const char *path, const struct config_reporter *reporter)
{
    struct config_reporter all = *reporter;
    all.keep_going = true; /* one wrong line does not hide the others */
    struct set s = begin_client(client, &all);
    s.source = path;
    return parse_file(&s, path);
}

/* ---- reload ---- */

/* Whether the statements of one option are the same in both, in order. */
static bool same_statements(const struct config *a, const struct config *b, int option)
{
    size_t j = 0;
    for (size_t i = 0; i < a->statements.count; i++) {
        const struct config_statement *x = &a->statements.items[i];
        if (x->option != option) {
            continue;
        }
        while (j < b->statements.count && b->statements.items[j].option != option) {
            j++;
        }
        if (j == b->statements.count) {
            return false;
        }
        const struct config_statement *y = &b->statements.items[j++];
        if (strcmp(x->text, y->text) != 0 || strcmp(x->body ? x->body : "", y->body ? y->body : "") != 0) {
            return false;
        }
    }
    while (j < b->statements.count && b->statements.items[j].option != option) {
        j++;
    }
    return j == b->statements.count;
}

void config_compare(const struct config *old, const struct config *now, struct config_changes *out)
{
    *out = (struct config_changes){.live = BUF_INIT(CHANGES_MAX), .restart = BUF_INIT(CHANGES_MAX)};
    for (int option = 0; option < (int)CONFIG_OPTIONS; option++) {
        const struct config_row *row = config_row((enum config_option)option);
        if (option == CONFIG_OPT_config || same_statements(old, now, option)) {
            continue;
        }
        unsigned where = row->where;
        struct buf *list = where & CONFIG_LIVE ? &out->live : &out->restart;
        if (buf_printf(list, "%s%s", list->len ? " " : "", row->name) != 0) {
            log_debug("list of changed options is too long");
        }
        if (where & CONFIG_WITH_KEYS && !out->keys) {
            out->keys = row->name;
        }
        if (where & CONFIG_NETWORK && !out->network) {
            out->network = row->name;
        }
        out->count++;
    }
}

void config_changes_free(struct config_changes *changes)
{
    buf_free(&changes->live, false);
    buf_free(&changes->restart, false);
}

/* ---- for people ---- */

void config_dump(const struct config *config)
{
    log_debug("Current Parameter Settings:");
    for (size_t i = 0; i < config->statements.count; i++) {
        const struct config_statement *s = &config->statements.items[i];
        log_debug("  %s (%s:%u)", s->text, s->source, s->line);
    }
}
