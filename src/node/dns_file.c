/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "node/dns_way.h"

/*
 * /etc/resolv.conf: the original, be it a file or a link, gets a second name next to it, and a new file takes its
 * place in one rename(); another rename() undoes it. Where the file is mounted (containers) nothing can be renamed:
 * there the contents are replaced and the old ones noted.
 */
#define ETC "/etc"
#define SAVED_STEM "resolv.conf.vpnd-"
#define MARK "# made by vpnd; the original is kept as "
#define MARK_BOOT "# of the boot "
#define NOTE_LINK "file link "
#define NOTE_PLACE "file place "
#define NOTE_NEW "file new "
#define RECLAIM_MAX 16
#define BOOT_ID_BYTES 37     /* a UUID as text */
#define NAMESERVERS_MAX 3 /* resolv.conf(5), MAXNS */

/* ------------------------------------------------------------------ contents */

int dns_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    char chunk[4096];
    int r = 0;
    ssize_t n = 0;
    while (r == 0 && (n = read(fd, chunk, sizeof(chunk))) > 0) {
        r = buf_append(out, chunk, (size_t)n);
    }
    if (n < 0) {
        r = -errno;
    }
    (void)close(fd);
    return r == ERR_LIMIT ? -EFBIG : r;
}

bool dns_file_names(const struct buf *content, const char *address)
{
    for (const char *line = buf_str(content); *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char text[ADDR_TEXT_MAX];
        if (sscanf(line, " nameserver %79s", text) == 1 && strncmp(text, address, strlen(address)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_kept(const char *line, const struct dns_server *server, const struct dns_settings *settings)
{
    char word[32];
    if (sscanf(line, " %31s", word) != 1) {
        return false;
    }
    bool is_search = strcmp(word, "search") == 0 || strcmp(word, "domain") == 0;
    return strcmp(word, "options") == 0 || strcmp(word, "sortlist") == 0 ||
           (!server && strcmp(word, "nameserver") == 0) || (settings->search.count == 0 && is_search);
}

void dns_file_append(const struct dns_settings *settings, const struct dns_server *server, const struct buf *old,
                     struct buf *out)
{
    for (size_t i = 0; server && i < server->address_count && i < NAMESERVERS_MAX; i++) {
        char text[ADDR_TEXT_MAX];
        (void)buf_printf(out, "nameserver %s\n", ip_format(&server->addresses[i].ip, text));
    }
    for (size_t i = 0; i < settings->search.count; i++) {
        (void)buf_printf(out, "%s%s%s", i ? " " : "search ", settings->search.names[i],
                         i + 1 == settings->search.count ? "\n" : "");
    }
    for (const char *line = old ? buf_str(old) : ""; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (is_kept(line, server, settings)) {
            (void)buf_printf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
        }
    }
}

/* ------------------------------------------------------------------ files */

static int write_all(int fd, const struct buf *content)
{
    size_t done = 0;
    while (done < content->len) {
        ssize_t n = write(fd, content->data + done, content->len - done);
        if (n < 0) {
            return -errno;
        }
        done += (size_t)n;
    }
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int write_file(const char *path, int flags, const struct buf *content)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
    if (fd < 0) {
        return -errno;
    }
    int r = write_all(fd, content);
    if (r == 0 && (flags & O_CREAT) && fchmod(fd, 0644) < 0) { /* whatever the umask says: everybody resolves names */
        r = -errno;
    }
    return close(fd) < 0 && r == 0 ? -errno : r;
}

/* Only names that this file makes: nothing else can be renamed by a note. */
static bool is_saved_name(const char *path)
{
    static const char stem[] = ETC "/" SAVED_STEM;
    return strncmp(path, stem, sizeof(stem) - 1) == 0 && !strchr(path + sizeof(stem) - 1, '/');
}

/* Return: whether @content is a file of a vpnd's; @saved: where that one keeps the original. */
static bool read_mark(const struct buf *content, char saved[PATH_MAX])
{
    return sscanf(buf_str(content), MARK "%4095s", saved) == 1 && is_saved_name(saved);
}

/* Another vpnd of this host put its file on top of ours: it keeps ours, and gives it back at its end. */
static bool is_of_another_vpnd(const char *file)
{
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    char saved[PATH_MAX];
    bool alive = false;
    if (dns_file_read(file, &content) == 0 && read_mark(&content, saved)) {
        pid_t pid = (pid_t)strtol(strrchr(saved, '-') + 1, NULL, 10);
        alive = pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM);
    }
    buf_free(&content, false);
    return alive;
}

static bool is_marked(const char *file, const char *saved)
{
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    bool marked = false;
    if (dns_file_read(file, &content) == 0) {
        const char *text = buf_str(&content);
        size_t len = strlen(saved);
        marked = strncmp(text, MARK, strlen(MARK)) == 0 && strncmp(text + strlen(MARK), saved, len) == 0 &&
                 text[strlen(MARK) + len] == '\n';
    }
    buf_free(&content, false);
    return marked;
}

static bool read_boot(char out[BOOT_ID_BYTES])
{
    struct buf text = BUF_INIT(BOOT_ID_BYTES * 2);
    bool ok = dns_file_read("/proc/sys/kernel/random/boot_id", &text) == 0 && text.len + 1 >= BOOT_ID_BYTES;
    if (ok) {
        (void)snprintf(out, BOOT_ID_BYTES, "%s", buf_str(&text));
    }
    buf_free(&text, false);
    return ok;
}

static void mark_boot(struct buf *out)
{
    char boot[BOOT_ID_BYTES];
    if (read_boot(boot)) {
        (void)buf_printf(out, MARK_BOOT "%s\n", boot);
    }
}

/* ------------------------------------------------------------------ applying */

static int replace_by_rename(const char *saved, const struct buf *content, bool existed)
{
    char *fresh = mem_printf("%s.new", saved);
    int r = write_file(fresh, O_CREAT | O_EXCL | O_NOFOLLOW, content);
    if (r == 0 && existed && linkat(AT_FDCWD, DNS_RESOLV_CONF, AT_FDCWD, saved, 0) < 0) {
        r = -errno;
    }
    if (r == 0 && rename(fresh, DNS_RESOLV_CONF) < 0) {
        r = -errno;
        (void)unlink(saved);
    }
    if (r < 0) {
        (void)unlink(fresh);
    }
    free(fresh);
    return r;
}

static bool cannot_rename(int r)
{
    return r == -EBUSY || r == -EXDEV || r == -EPERM || r == -EACCES || r == -EROFS || r == -EMLINK;
}

static bool file_is_in_use(void)
{
    return true;
}

static int file_apply(const struct dns_settings *settings, const struct dns_server *server, dns_way_note_fn note,
                      void *arg, struct buf *text)
{
    struct buf old = BUF_INIT(DNS_FILE_MAX_BYTES);
    struct buf fresh = BUF_INIT(DNS_FILE_MAX_BYTES);
    char *saved = mem_printf(ETC "/" SAVED_STEM "%s-%d", settings->device, (int)getpid());
    struct stat st;
    bool existed = lstat(DNS_RESOLV_CONF, &st) == 0;
    (void)dns_file_read(DNS_RESOLV_CONF, &old); /* a dangling link reads as empty */
    (void)buf_printf(&fresh, MARK "%s\n", saved);
    mark_boot(&fresh);
    dns_file_append(settings, server, &old, &fresh);

    char line[DNS_NOTE_MAX];
    (void)snprintf(line, sizeof(line), "%s%s", existed ? NOTE_LINK : NOTE_NEW, saved);
    int r = note(arg, line, NULL);
    if (r == 0) {
        r = replace_by_rename(saved, &fresh, existed);
    }
    if (existed && cannot_rename(r)) {
        (void)snprintf(line, sizeof(line), NOTE_PLACE "%s", saved);
        r = note(arg, line, &old);
        if (r == 0) {
            r = write_file(DNS_RESOLV_CONF, O_TRUNC, &fresh);
        }
    }
    if (r == 0) {
        (void)buf_printf(text, DNS_RESOLV_CONF " now says ");
        dns_settings_describe(settings, server, text);
    } else {
        (void)buf_printf(text, "cannot replace " DNS_RESOLV_CONF ": %s", err_str(r));
    }
    free(saved);
    buf_free(&old, false);
    buf_free(&fresh, false);
    return r;
}

/* ------------------------------------------------------------------ reverting */

/* Another vpnd replaced our file after us, and keeps it as its original: put ours there instead. */
static bool hand_down(const char *saved)
{
    DIR *dir = opendir(ETC);
    bool done = false;
    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry && !done; entry = readdir(dir)) {
        if (strncmp(entry->d_name, SAVED_STEM, strlen(SAVED_STEM)) != 0) {
            continue;
        }
        char *path = mem_printf(ETC "/%s", entry->d_name);
        done = strcmp(path, saved) != 0 && is_marked(path, saved) && rename(saved, path) == 0;
        free(path);
    }
    if (dir) {
        (void)closedir(dir);
    }
    return done;
}

static void revert_link(const char *saved, struct buf *text)
{
    struct stat st;
    if (lstat(saved, &st) < 0) {
        return; /* killed before the change, or undone already */
    }
    if (is_marked(DNS_RESOLV_CONF, saved)) {
        if (rename(saved, DNS_RESOLV_CONF) < 0) {
            (void)buf_printf(text, "cannot put %s back as " DNS_RESOLV_CONF ": %s", saved, strerror(errno));
        }
        return;
    }
    struct stat now;
    bool same = lstat(DNS_RESOLV_CONF, &now) == 0 && now.st_ino == st.st_ino && now.st_dev == st.st_dev;
    if (!same && hand_down(saved)) {
        return;
    }
    if (!same) {
        (void)buf_printf(text, DNS_RESOLV_CONF " was changed by somebody else meanwhile and stays as it is");
    }
    (void)unlink(saved);
}

/* What we found was a vpnd's that ended meanwhile: its original is the one to give back. */
static void take_handed_down(struct buf *content)
{
    char saved[PATH_MAX];
    for (unsigned i = 0; i < RECLAIM_MAX && read_mark(content, saved); i++) {
        struct buf older = BUF_INIT(DNS_FILE_MAX_BYTES);
        if (dns_file_read(saved, &older) < 0) {
            buf_free(&older, false);
            return; /* it is alive */
        }
        (void)unlink(saved);
        buf_free(content, false);
        *content = older;
    }
}

static void write_back(const struct buf *content, struct buf *text)
{
    struct buf original = BUF_INIT(DNS_FILE_MAX_BYTES);
    int r = content->len > 0 ? buf_append(&original, content->data, content->len) : 0;
    if (r == 0) {
        take_handed_down(&original);
        r = write_file(DNS_RESOLV_CONF, O_TRUNC, &original);
    }
    if (r < 0) {
        (void)buf_printf(text, "cannot restore " DNS_RESOLV_CONF ": %s", err_str(r));
    }
    buf_free(&original, false);
}

static void revert_place(const char *saved, const struct buf *content, struct buf *text)
{
    if (!is_marked(DNS_RESOLV_CONF, saved)) {
        if (is_of_another_vpnd(DNS_RESOLV_CONF) && write_file(saved, O_CREAT | O_EXCL | O_NOFOLLOW, content) == 0) {
            return;
        }
        struct buf now = BUF_INIT(DNS_FILE_MAX_BYTES);
        bool empty = dns_file_read(DNS_RESOLV_CONF, &now) == 0 && now.len == 0; /* killed in the middle */
        buf_free(&now, false);
        if (!empty) {
            (void)buf_printf(text, DNS_RESOLV_CONF " was changed by somebody else meanwhile and stays as it is");
            return;
        }
    }
    write_back(content, text);
}

static void file_revert(const char *note, const struct buf *content, struct buf *text)
{
    const char *saved = strrchr(note, ' ') ? strrchr(note, ' ') + 1 : "";
    if (!is_saved_name(saved)) {
        return;
    }
    if (strncmp(note, NOTE_LINK, strlen(NOTE_LINK)) == 0) {
        revert_link(saved, text);
    } else if (strncmp(note, NOTE_PLACE, strlen(NOTE_PLACE)) == 0) {
        revert_place(saved, content, text);
    } else if (strncmp(note, NOTE_NEW, strlen(NOTE_NEW)) == 0 && is_marked(DNS_RESOLV_CONF, saved)) {
        (void)unlink(DNS_RESOLV_CONF);
    }
    char *fresh = mem_printf("%s.new", saved); /* of a run that was killed before its rename() */
    (void)unlink(fresh);
    free(fresh);
}

/* Return: the content is a file of ours from before the last boot; @saved: where it says that its original is. */
static bool is_of_another_boot(const struct buf *content, char saved[PATH_MAX])
{
    char now[BOOT_ID_BYTES];
    char then[BOOT_ID_BYTES];
    return sscanf(buf_str(content), MARK "%4095s\n" MARK_BOOT "%36s", saved, then) == 2 && is_saved_name(saved) &&
           read_boot(now) && strcmp(now, then) != 0;
}

bool dns_file_reclaim(struct buf *text)
{
    bool any = false;
    bool more = true;
    for (unsigned i = 0; i < RECLAIM_MAX && more; i++) { /* as many as there were clients */
        struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
        char saved[PATH_MAX];
        more = dns_file_read(DNS_RESOLV_CONF, &content) == 0 && is_of_another_boot(&content, saved);
        if (more && rename(saved, DNS_RESOLV_CONF) < 0) {
            (void)buf_printf(text, DNS_RESOLV_CONF " is of a run before the last boot, and its original %s is gone", saved);
            more = false;
        }
        any |= more;
        buf_free(&content, false);
    }
    return any;
}

static bool file_holds(const char *note)
{
    const char *saved = strrchr(note, ' ');
    return saved && (is_marked(DNS_RESOLV_CONF, saved + 1) || is_of_another_vpnd(DNS_RESOLV_CONF));
}

const struct dns_way dns_way_file = {
    .name = "file",
    .abilities = 0,
    .is_in_use = file_is_in_use,
    .apply = file_apply,
    .revert = file_revert,
    .holds = file_holds,
};
