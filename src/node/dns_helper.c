/* SPDX-License-Identifier: MIT */
#include "node/dns_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "node/dns_way.h"

#define LOCK_TRIES 60
#define LOCK_PAUSE_NS 100000000
#define AGAIN_MAX 100     /* between two requests */
#define SETTLE_MS 500     /* a writer may not be done yet */

static const struct dns_way *const ways[] = {&dns_way_resolved, &dns_way_resolvconf, &dns_way_file};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* What is in force, and the file that remembers it: the note, a newline, the original. */
struct helper {
    int socket;
    int state;
    int watch;               /* inotify: others that write resolv.conf */
    char note[DNS_NOTE_MAX]; /* "": nothing is */
    struct buf content;
    const struct dns_way *way;
    struct dns_settings settings;
    char *path;              /* of @state; NULL: none */
    bool look;               /* something happened to the file */
    unsigned again;          /* times that settings were set again */
};

/* ------------------------------------------------------------------ state file */

int dns_state_open(const char *path)
{
    if (!path) {
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return fd;
}

static int write_state(int fd, const char *note, const struct buf *content)
{
    if (fd < 0) {
        return 0;
    }
    struct buf all = BUF_INIT(DNS_FILE_MAX_BYTES + DNS_NOTE_MAX);
    int r = buf_printf(&all, "%s\n", note);
    if (r == 0 && content && content->len > 0) {
        r = buf_append(&all, content->data, content->len);
    }
    if (r == 0 && (ftruncate(fd, 0) < 0 || pwrite(fd, all.data, all.len, 0) != (ssize_t)all.len || fsync(fd) < 0)) {
        r = errno ? -errno : -EIO;
    }
    buf_free(&all, false);
    return r;
}

static void forget_state(int fd)
{
    if (fd >= 0) {
        while (ftruncate(fd, 0) < 0 && errno == EINTR) {
        }
    }
}

static void revert_note(const char *note, const struct buf *content, struct buf *text)
{
    for (size_t i = 0; i < WAYS; i++) {
        size_t len = strlen(ways[i]->name);
        if (strncmp(note, ways[i]->name, len) == 0 && note[len] == ' ') {
            ways[i]->revert(note, content, text);
        }
    }
}

void dns_state_recover(int state, char text[DNS_ANSWER_TEXT])
{
    text[0] = '\0';
    struct stat st;
    if (state < 0 || fstat(state, &st) < 0 || st.st_size == 0 || st.st_size > DNS_FILE_MAX_BYTES + DNS_NOTE_MAX) {
        return;
    }
    struct buf all = BUF_INIT(DNS_FILE_MAX_BYTES + DNS_NOTE_MAX);
    struct buf said = BUF_INIT(DNS_ANSWER_TEXT);
    char chunk[4096];
    ssize_t n = 0;
    while ((n = pread(state, chunk, sizeof(chunk), (off_t)all.len)) > 0 && buf_append(&all, chunk, (size_t)n) == 0) {
    }
    size_t len = strcspn(buf_str(&all), "\n");
    if (len < all.len && len < DNS_NOTE_MAX && len > 0) {
        char note[DNS_NOTE_MAX];
        (void)snprintf(note, sizeof(note), "%.*s", (int)len, buf_str(&all));
        buf_consume(&all, len + 1);
        revert_note(note, &all, &said);
        (void)snprintf(text, DNS_ANSWER_TEXT, "the settings of an earlier run were taken back%s%s", said.len ? ": " : "",
                       buf_str(&said));
    }
    forget_state(state);
    buf_free(&all, false);
    buf_free(&said, false);
}

/* ------------------------------------------------------------------ requests */

static int keep_note(void *arg, const char *note, const struct buf *content)
{
    struct helper *helper = arg;
    buf_reset(&helper->content);
    if (content && content->len > 0 && buf_append(&helper->content, content->data, content->len) < 0) {
        return -EFBIG;
    }
    (void)snprintf(helper->note, sizeof(helper->note), "%s", note);
    return write_state(helper->state, note, content);
}

static void forget_note(struct helper *helper)
{
    helper->note[0] = '\0';
    buf_reset(&helper->content);
    forget_state(helper->state);
}

static void take_back(struct helper *helper, struct buf *text)
{
    if (helper->note[0]) {
        revert_note(helper->note, &helper->content, text);
        forget_note(helper);
    }
}

static int try_way(struct helper *helper, const struct dns_way *way, const struct dns_settings *settings,
                   struct buf *text)
{
    const struct dns_server *server = dns_settings_choose(settings, way->abilities);
    if (!server && (settings->server_count > 0 || settings->search.count == 0)) {
        (void)buf_printf(text, "none of the servers can be used through %s",
                         way == &dns_way_resolved ? "systemd-resolved (DNS over HTTPS)"
                                                  : "resolv.conf (domains of its own, ports, TLS): systemd-resolved "
                                                    "could do it");
        return -EOPNOTSUPP;
    }
    int r = way->apply(settings, server, keep_note, helper, text);
    if (r < 0) {
        forget_note(helper);
    } else {
        helper->way = way;
    }
    return r;
}

static void watch_file(struct helper *helper)
{
    if (helper->note[0] && helper->way->holds) {
        /* The directory sees a rename, the file itself (mounted in a container) only a write. */
        (void)inotify_add_watch(helper->watch, "/etc", IN_MOVED_TO | IN_CREATE | IN_DELETE);
        (void)inotify_add_watch(helper->watch, DNS_RESOLV_CONF, IN_CLOSE_WRITE);
    }
}

/* The first way that the host uses; when it fails, the next one. */
static int apply(struct helper *helper, const struct dns_settings *settings, struct buf *text)
{
    if (!dns_settings_are_sane(settings)) {
        (void)buf_printf(text, "the settings are not valid");
        return -EINVAL;
    }
    take_back(helper, text);
    buf_reset(text);
    int r = -ENOENT;
    for (size_t i = 0; i < WAYS && r < 0; i++) {
        if (ways[i]->is_in_use()) {
            if (text->len > 0) {
                (void)buf_printf(text, "; ");
            }
            r = try_way(helper, ways[i], settings, text);
        }
    }
    return r;
}

/* Once: nobody can make another file of ours. */
static int use_state(struct helper *helper, const char *path, struct buf *text)
{
    if (helper->path || strnlen(path, PATH_MAX) == PATH_MAX || path[0] != '/') {
        return -EINVAL;
    }
    int fd = dns_state_open(path);
    if (fd < 0) {
        (void)buf_printf(text, "%s: %s; after a crash the next start cannot clean up", path, err_str(fd));
        return fd;
    }
    helper->state = fd;
    helper->path = mem_strdup(path);
    char said[DNS_ANSWER_TEXT];
    dns_state_recover(fd, said);
    (void)buf_printf(text, "%s", said);
    if (dns_file_reclaim(text)) {
        (void)buf_printf(text, "%sthe settings of a run before the last boot were taken back", said[0] ? "; " : "");
    }
    return 0;
}

static void say(struct helper *helper, uint32_t kind, int result, const struct buf *text)
{
    struct dns_answer answer = {.kind = kind, .result = result};
    (void)snprintf(answer.text, sizeof(answer.text), "%s", buf_str(text));
    (void)send(helper->socket, &answer, sizeof(answer), MSG_NOSIGNAL);
}

static void serve(struct helper *helper, const struct dns_request *request)
{
    struct buf text = BUF_INIT(DNS_ANSWER_TEXT);
    int r = 0;
    helper->again = 0;
    if (request->kind == DNS_REQUEST_STATE) {
        r = use_state(helper, request->path, &text);
    } else if (request->kind == DNS_REQUEST_APPLY) {
        helper->settings = request->settings;
        r = apply(helper, &helper->settings, &text);
        watch_file(helper);
    } else {
        take_back(helper, &text);
    }
    say(helper, request->kind, r, &text);
    buf_free(&text, false);
}

/* A DHCP client or a network manager wrote resolv.conf: what it wrote is the original from now on. */
static void set_again(struct helper *helper)
{
    helper->look = false;
    if (!helper->note[0] || !helper->way->holds || helper->way->holds(helper->note)) {
        return;
    }
    struct buf text = BUF_INIT(DNS_ANSWER_TEXT);
    int r = -EBUSY;
    if (++helper->again <= AGAIN_MAX) {
        struct buf said = BUF_INIT(DNS_ANSWER_TEXT);
        (void)buf_printf(&text, "somebody else wrote " DNS_RESOLV_CONF "; ");
        r = apply(helper, &helper->settings, &said);
        (void)buf_printf(&text, "%s", buf_str(&said));
        buf_free(&said, false);
        watch_file(helper);
    } else {
        (void)buf_printf(&text, "somebody else writes " DNS_RESOLV_CONF " again and again; it stays as it is");
        forget_note(helper);
    }
    say(helper, DNS_NOTICE, r, &text);
    buf_free(&text, false);
}

/* A signal to the whole group (Ctrl-C, a service manager) is for vpnd; this process ends with it, by the socket. */
static void ignore_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void)signal(signals[i], SIG_IGN);
    }
}

/* Nothing of the process that it was made from stays open, a terminal neither. */
static void close_others(int socket)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3 && null >= 0; fd++) {
        (void)dup2(null, fd);
    }
    if (socket > 3) {
        (void)close_range(3, (unsigned)socket - 1, 0);
    }
    (void)close_range((unsigned)socket + 1, ~0u, 0);
}

/* Return: false at the end of the socket. */
static bool serve_next(struct helper *helper, struct dns_request *request)
{
    ssize_t n = recv(helper->socket, request, sizeof(*request), 0);
    if (n == (ssize_t)sizeof(*request)) {
        serve(helper, request);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

static void drain(struct helper *helper)
{
    char events[4096];
    while (read(helper->watch, events, sizeof(events)) > 0) {
    }
    helper->look = true;
}

void dns_helper_run(int socket)
{
    struct dns_request *request = mem_zalloc(sizeof(*request));
    struct helper *helper = mem_zalloc(sizeof(*helper));
    ignore_signals();
    close_others(socket);
    *helper = (struct helper){.socket = socket, .state = -1, .content = BUF_INIT(DNS_FILE_MAX_BYTES)};
    helper->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    (void)prctl(PR_SET_NAME, "vpnd-dns");
    (void)prctl(PR_SET_DUMPABLE, 0);
    if (chdir("/") < 0) {
        _exit(1);
    }
    bool open = true;
    while (open) {
        struct pollfd fds[2] = {{.fd = socket, .events = POLLIN}, {.fd = helper->watch, .events = POLLIN}};
        int n = poll(fds, 2, helper->look ? SETTLE_MS : -1);
        if (n == 0) {
            set_again(helper);
        }
        if (n > 0 && fds[0].revents) {
            open = serve_next(helper, request);
        }
        if (n > 0 && fds[1].revents) {
            drain(helper);
        }
    }
    struct buf text = BUF_INIT(DNS_ANSWER_TEXT);
    take_back(helper, &text);
    if (helper->path) {
        (void)unlink(helper->path);
    }
    _exit(0);
}
