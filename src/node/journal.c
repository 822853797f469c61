/* SPDX-License-Identifier: MIT */
#include "node/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

#define JOURNAL_MAX_BYTES (4 << 20)

struct journal {
    int fd;
    char *path;
    char **lines;
    size_t count;
    size_t cap;
    size_t bytes; /* length of the file */
};

static void keep_line(struct journal *journal, const char *text, size_t len)
{
    if (journal->count == journal->cap) {
        journal->cap = journal->cap ? journal->cap * 2 : 16;
        journal->lines = mem_grow(journal->lines, journal->cap, sizeof(*journal->lines));
    }
    journal->lines[journal->count++] = mem_strndup(text, len);
}

static int load(struct journal *journal)
{
    struct buf content = BUF_INIT(JOURNAL_MAX_BYTES);
    char chunk[4096];
    ssize_t n;
    while ((n = read(journal->fd, chunk, sizeof(chunk))) > 0) {
        if (buf_append(&content, chunk, (size_t)n) < 0) {
            break;
        }
    }
    int r = n < 0 ? -errno : 0;
    const char *at = buf_str(&content);
    for (const char *end = strchr(at, '\n'); end; at = end + 1, end = strchr(at, '\n')) {
        keep_line(journal, at, (size_t)(end - at)); /* a line without an end was cut off by the kill */
    }
    journal->bytes = content.len;
    buf_free(&content, false);
    return r;
}

int journal_open(const char *path, struct journal **out)
{
    struct journal *journal = mem_zalloc(sizeof(*journal));
    journal->path = mem_strdup(path);
    journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = journal->fd < 0 ? -errno : 0;
    if (r == 0 && flock(journal->fd, LOCK_EX | LOCK_NB) < 0) {
        r = -errno;
    }
    if (r == 0) {
        r = load(journal);
    }
    if (r < 0) {
        if (journal->fd >= 0) {
            (void)close(journal->fd);
        }
        free(journal->path);
        free(journal);
        return r;
    }
    *out = journal;
    return 0;
}

static void put(struct journal *journal, const char *data, size_t len, off_t at)
{
    if (pwrite(journal->fd, data, len, at) != (ssize_t)len) {
        log_warn("cannot write %s: %s; after a crash the next start cannot clean up", journal->path, strerror(errno));
    }
}

void journal_add(struct journal *journal, const char *line)
{
    if (!journal) {
        return;
    }
    size_t len = strlen(line);
    char *text = mem_printf("%s\n", line);
    put(journal, text, len + 1, (off_t)journal->bytes);
    journal->bytes += len + 1;
    free(text);
    keep_line(journal, line, len);
}

/* New contents first, then the length: killed in between, old lines follow that stand for things undone before. */
static void rewrite(struct journal *journal)
{
    struct buf content = BUF_INIT(JOURNAL_MAX_BYTES);
    for (size_t i = 0; i < journal->count; i++) {
        (void)buf_printf(&content, "%s\n", journal->lines[i]);
    }
    if (content.len > 0) {
        put(journal, buf_str(&content), content.len, 0);
    }
    if (ftruncate(journal->fd, (off_t)content.len) < 0) {
        log_warn("cannot shorten %s: %s", journal->path, strerror(errno));
    }
    journal->bytes = content.len;
    buf_free(&content, false);
}

static int begins(const char *line, const char *prefix)
{
    return strncmp(line, prefix, strlen(prefix)) == 0;
}

void journal_forget(struct journal *journal, const char *prefix)
{
    if (!journal) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < journal->count; i++) {
        if (begins(journal->lines[i], prefix)) {
            free(journal->lines[i]);
        } else {
            journal->lines[kept++] = journal->lines[i];
        }
    }
    if (kept != journal->count) {
        journal->count = kept;
        rewrite(journal);
    }
}

void journal_each(const struct journal *journal, const char *prefix, void (*fn)(const char *line, void *arg),
                  void *arg)
{
    for (size_t i = journal ? journal->count : 0; i-- > 0;) {
        if (begins(journal->lines[i], prefix)) {
            fn(journal->lines[i], arg);
        }
    }
}

size_t journal_count(const struct journal *journal, const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; journal && i < journal->count; i++) {
        n += begins(journal->lines[i], prefix) != 0;
    }
    return n;
}

void journal_close(struct journal *journal)
{
    if (!journal) {
        return;
    }
    if (journal->count == 0) {
        (void)unlink(journal->path); /* fails after the change of user; an empty file does no harm */
    }
    for (size_t i = 0; i < journal->count; i++) {
        free(journal->lines[i]);
    }
    free(journal->lines);
    (void)close(journal->fd);
    free(journal->path);
    free(journal);
}
