/* SPDX-License-Identifier: MIT */
#include "server/persist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/pool.h"

#define LINE_FIELD_MAX 256

enum line_kind { LINE_EMPTY, LINE_GOOD, LINE_BAD };

struct line {
    char cn[LINE_FIELD_MAX];
    struct ip_addr v4;
    struct ip_addr v6;
};

/* Copy up to the next comma; the reader stands behind it then. */
static bool next_field(const char **p, const char *end, char *out)
{
    const char *comma = memchr(*p, ',', (size_t)(end - *p));
    const char *stop = comma ? comma : end;
    size_t n = (size_t)(stop - *p);
    if (n >= LINE_FIELD_MAX) {
        return false;
    }
    memcpy(out, *p, n);
    out[n] = '\0';
    *p = comma ? comma + 1 : end;
    return true;
}

static bool parse_address(const char *text, uint16_t family, struct ip_addr *out)
{
    if (!*text) {
        out->family = AF_UNSPEC;
        return true;
    }
    return ip_parse(text, out) == 0 && out->family == family;
}

static enum line_kind parse_line(const char *p, const char *end, struct line *out)
{
    char text[LINE_FIELD_MAX];
    while (end > p && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    if (p == end || *p == '#' || *p == ';') {
        return LINE_EMPTY;
    }
    bool good = next_field(&p, end, out->cn) && out->cn[0];
    good = good && next_field(&p, end, text) && parse_address(text, AF_INET, &out->v4);
    good = good && next_field(&p, end, text) && parse_address(text, AF_INET6, &out->v6);
    good = good && p == end && (out->v4.family || out->v6.family);
    return good ? LINE_GOOD : LINE_BAD;
}

static void take_line(struct pool *pool, const struct line *line, bool fixed, uint64_t unix_s,
                      struct persist_result *result)
{
    int s4 = line->v4.family ? pool_slot_of4(pool, &line->v4) : -1;
    int s6 = line->v6.family ? pool_slot_of6(pool, &line->v6) : -1;
    if (s4 >= 0 && s6 >= 0 && s4 != s6) {
        result->disagreeing++;
    }
    int slot = s4 >= 0 ? s4 : s6;
    if (slot >= 0 && pool_remember(pool, (unsigned)slot, line->cn, fixed, unix_s) == 0) {
        result->remembered++;
    } else {
        result->ignored++;
    }
}

struct persist_result persist_parse(struct pool *pool, const char *text, size_t len, bool fixed, uint64_t unix_s)
{
    struct persist_result result = {0};
    if (memchr(text, '\0', len)) {
        result.corrupt = true;
        return result;
    }
    const char *end = text + len;
    unsigned number = 0;
    unsigned well_formed = 0;
    unsigned malformed = 0;
    for (const char *p = text; p < end; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        struct line line;
        enum line_kind kind = parse_line(p, stop, &line);
        if (kind == LINE_GOOD) {
            well_formed++;
            take_line(pool, &line, fixed, unix_s, &result);
        } else if (kind == LINE_BAD) {
            malformed++;
            result.ignored++;
            if (!result.first_bad_line) {
                result.first_bad_line = number + 1;
            }
        }
        p = newline ? newline + 1 : end;
    }
    result.corrupt = malformed > 0 && well_formed == 0;
    return result;
}

int persist_format(const struct pool *pool, struct buf *out)
{
    for (unsigned i = 0; i < pool_size(pool); i++) {
        const char *cn = pool_slot_name(pool, i);
        if (!cn || strpbrk(cn, ",\n\r")) {
            continue; /* a name with a comma cannot be told from an address when it is read again */
        }
        char v4[ADDR_TEXT_MAX] = "";
        char v6[ADDR_TEXT_MAX] = "";
        struct ip_addr base = pool_slot_base4(pool, i);
        struct pool_lease lease = pool_slot_lease(pool, i);
        if (base.family) {
            ip_format(&base, v4);
        }
        if (lease.local6.family) {
            ip_format(&lease.local6, v6);
        }
        int rc = buf_printf(out, "%s,%s,%s\n", cn, v4, v6);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int read_all(int fd, struct buf *out)
{
    char chunk[8192];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0 && buf_append(out, chunk, (size_t)n) < 0) {
            return -EFBIG;
        }
    }
}

static int write_all(int fd, const struct buf *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t n = write(fd, text->data + done, text->len - done);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void keep_aside(const char *path)
{
    char *aside = mem_printf("%s.corrupt", path);
    if (rename(path, aside) == 0) {
        log_warn("WARNING: ifconfig-pool-persist file %s is corrupt; it was kept as %s and the pool starts empty", path,
                 aside);
    } else {
        log_warn("WARNING: ifconfig-pool-persist file %s is corrupt and cannot be renamed (%s); the pool starts empty",
                 path, strerror(errno));
    }
    free(aside);
}

int persist_load(struct pool *pool, const char *path, bool fixed, uint64_t unix_s)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    struct stat st;
    struct buf text = BUF_INIT(PERSIST_FILE_MAX);
    int rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) { /* of a folder to hear its error */
        rc = read_all(fd, &text);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (rc == -EFBIG) {
        rc = 0;
        text.len = 0;
        (void)buf_append(&text, "", 1); /* as corrupt as one with a NUL in it */
    }
    if (rc < 0) {
        log_error("ifconfig-pool-persist: cannot read %s: %s; check the file's permissions", path, err_str(rc));
        buf_free(&text, false);
        return rc;
    }
    struct persist_result r = persist_parse(pool, buf_str(&text), text.len, fixed, unix_s);
    buf_free(&text, false);
    if (r.corrupt && !fixed) {
        keep_aside(path);
    } else if (r.corrupt) {
        log_warn("WARNING: ifconfig-pool-persist file %s is corrupt; no address is reserved", path);
    } else if (r.first_bad_line) {
        log_warn("WARNING: %s:%u: not a line \"name,IPv4,IPv6\"; it is ignored", path, r.first_bad_line);
    } else if (r.ignored) {
        log_warn("WARNING: %s: %u entries are outside the pool and ignored", path, r.ignored);
    }
    if (r.disagreeing) {
        log_warn("WARNING: %s: IPv4 and IPv6 address of %u entries do not belong together; the IPv4 ones count", path,
                 r.disagreeing);
    }
    log_usual("ifconfig_pool_read(), in='%s', %u entries", path, r.remembered);
    return 0;
}

int persist_give(const char *path, uid_t uid, gid_t gid)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    /* Never a device, nor a file of somebody else under another name. */
    if (rc == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && fchown(fd, uid, gid) < 0) {
        rc = -errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int replace_regular(const char *path, const struct stat *old, const struct buf *text)
{
    char *fresh = mem_printf("%s.new", path);
    (void)unlink(fresh); /* of a run that was killed */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? -errno : write_all(fd, text);
    if (fd >= 0) {
        if (old && (fchmod(fd, old->st_mode & 07777) < 0 || fchown(fd, old->st_uid, old->st_gid) < 0)) {
            log_debug("%s: owner and mode could not be kept: %s", path, strerror(errno));
        }
        if (rc == 0 && fsync(fd) < 0) {
            rc = -errno;
        }
        if (close(fd) < 0 && rc == 0) {
            rc = -errno;
        }
        if (rc == 0 && rename(fresh, path) < 0) {
            rc = -errno;
        }
        if (rc < 0) {
            unlink(fresh);
        }
    }
    free(fresh);
    return rc;
}

static int overwrite_file(const char *path, const struct buf *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK); /* a pipe without a reader is an error */
    if (fd < 0) {
        return -errno;
    }
    int rc = write_all(fd, text);
    if (close(fd) < 0 && rc == 0) {
        rc = -errno;
    }
    return rc;
}

/* Where a symbolic link of the administrator's or our own leads to; one that somebody else put there is replaced. */
static char *resolve(const char *path)
{
    struct stat st;
    bool follow = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && (st.st_uid == 0 || st.st_uid == geteuid());
    char *real = follow ? realpath(path, NULL) : NULL;
    return real ? real : mem_strdup(path);
}

static int replace_file(const char *path, const struct buf *text)
{
    char *real = resolve(path);
    struct stat old;
    bool exists = stat(real, &old) == 0;
    int rc = exists && !S_ISREG(old.st_mode) ? overwrite_file(real, text)
                                             : replace_regular(real, exists ? &old : NULL, text);
    free(real);
    return rc;
}

static int report(int rc, const char *path)
{
    if (rc < 0) {
        log_error("ifconfig-pool-persist: cannot write %s: %s; give the daemon's user the right to write there", path,
                  err_str(rc));
    }
    return rc;
}

int persist_write(const char *path, const struct buf *text)
{
    int rc = replace_file(path, text);
    if (rc == -EACCES || rc == -EPERM || rc == -EROFS) {
        rc = overwrite_file(path, text);
    }
    return report(rc, path);
}

int persist_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    return fd < 0 ? -errno : fd;
}

int persist_rewrite(int fd, const char *path, const struct buf *text)
{
    struct stat st;
    int rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && S_ISREG(st.st_mode) && (lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) < 0)) {
        rc = -errno;
    }
    return report(rc < 0 ? rc : write_all(fd, text), path);
}
