/* SPDX-License-Identifier: MIT */
#include "mgmt/show_status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mgmt/show_model.h"
#include "mgmt/show_table.h"

#define GREETING_MS 150   /* management speaks first, HTTP does not */
#define ANSWER_MS 5000
#define ANSWER_MAX ((size_t)256 * 1024 * 1024)
#define PAGE_MAX ((size_t)16 * 1024 * 1024)
#define PERIOD_MS 2000
#define FIRST_PERIOD_MS 1000

/* ------------------------------------------------------------------ fetching */

/* Why nothing came; printed once the terminal is as it was. */
struct reason {
    const char *where;
    char text[256];
};

static int refuse(struct reason *why, const char *what)
{
    (void)snprintf(why->text, sizeof(why->text), "%s", what);
    return ERR_CONFIG;
}

static int complain(const struct reason *why)
{
    fprintf(stderr, "show-status: %s: %s\n", why->where, why->text);
    return 1;
}

static int dial_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd < 0 ? -errno : fd;
}

static int dial_tcp(const char *where)
{
    const char *colon = strrchr(where, ':');
    bool brackets = *where == '[' && colon > where && colon[-1] == ']';
    char *host = mem_strndup(where + brackets, (size_t)(colon - where) - 2 * brackets);
    struct ip_addr ip;
    int err = ip_parse(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &ip);
    free(host);
    if (err < 0) {
        return -EDESTADDRREQ;
    }
    union addr address = addr_from_ip(&ip, (uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &address.any, addr_size(&address)) < 0) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd < 0 ? -errno : fd;
}

static int dial(const char *where)
{
    return strchr(where, '/') || !strchr(where, ':') ? dial_unix(where) : dial_tcp(where);
}

static bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

static int send_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n < 0) {
            return -errno;
        }
        text += n;
        left -= (size_t)n;
    }
    return 0;
}

/* Until the other side closes. */
static int receive_all(int fd, struct buf *out)
{
    char chunk[16384];
    while (readable(fd, ANSWER_MS)) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n <= 0) {
            return n < 0 ? -errno : 0;
        }
        int err = buf_append(out, chunk, (size_t)n);
        if (err) {
            return err;
        }
    }
    return -ETIMEDOUT;
}

static int fetch_json(int fd, struct reason *why, struct show_snapshot *out)
{
    struct buf answer = BUF_INIT(ANSWER_MAX);
    int err = send_all(fd, "GET /status HTTP/1.1\r\nHost: vpnd\r\nConnection: close\r\n\r\n");
    err = err ? err : receive_all(fd, &answer);
    const char *body = strstr(buf_str(&answer), "\r\n\r\n");
    bool good = !err && strncmp(buf_str(&answer), "HTTP/1.1 200", 12) == 0 && body;
    if (err) {
        err = refuse(why, err_str(err));
    } else if (!good || show_model_json(body, out) != 0) {
        err = refuse(why, "no vpnd answers there");
    }
    buf_free(&answer, false);
    return err;
}

static int fetch_management(int fd, struct reason *why, struct show_snapshot *out)
{
    struct buf answer = BUF_INIT(ANSWER_MAX);
    char greeting[16] = "";
    ssize_t n = recv(fd, greeting, sizeof(greeting) - 1, MSG_PEEK);
    if (n >= 5 && strncmp(greeting, "ENTER", 5) == 0) {
        return refuse(why, "this management interface asks for a password; name the metrics socket instead");
    }
    int err = send_all(fd, "version\nstate\nload-stats\nstatus 3\nquit\n");
    err = err ? err : receive_all(fd, &answer);
    if (err) {
        err = refuse(why, err_str(err));
    } else if (show_model_management(buf_str(&answer), out) != 0) {
        err = refuse(why, "no vpnd answers there");
    }
    buf_free(&answer, false);
    return err;
}

static int fetch(struct reason *why, struct show_snapshot *out)
{
    *out = (struct show_snapshot){0};
    int fd = dial(why->where);
    if (fd < 0) {
        return refuse(why, fd == -ECONNREFUSED ? "nobody listens there" : strerror(-fd));
    }
    int err = readable(fd, GREETING_MS) ? fetch_management(fd, why, out) : fetch_json(fd, why, out);
    out->mono_ms = clock_read().mono_ms;
    close(fd);
    return err;
}

/* ------------------------------------------------------------------ the terminal */

/* Return: a descriptor that becomes readable when somebody wants us to end. */
static int take_terminal(struct termios *saved)
{
    struct termios raw;
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    if (tcgetattr(STDIN_FILENO, saved) == 0) {
        raw = *saved;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l", stdout); /* another screen, no cursor */
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

static void restore_terminal(const struct termios *saved)
{
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, saved);
}

static struct show_room terminal_room(void)
{
    struct winsize size = {0};
    const char *no_colour = getenv("NO_COLOR");
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) {
        size.ws_col = 80;
        size.ws_row = 24;
    }
    return (struct show_room){.columns = size.ws_col, .rows = size.ws_row, .colours = !no_colour || !*no_colour};
}

static void print(const struct show_snapshot *now, const struct show_room *room, bool screen)
{
    struct buf page = BUF_INIT(PAGE_MAX);
    if (show_table(now, room, &page) == 0) {
        if (screen) {
            fputs("\033[H\033[J", stdout);
        }
        fwrite(page.data, 1, page.len, stdout);
        fflush(stdout);
    }
    buf_free(&page, false);
}

/* Return: false when the person wants to leave. */
static bool wait_for(int signals, int ms)
{
    struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    char c;
    if (poll(ready, 2, ms) <= 0) {
        return true;
    }
    return !ready[1].revents && read(STDIN_FILENO, &c, 1) == 1 && c != 'q' && c != 'Q';
}

static int watch(struct reason *why)
{
    struct show_snapshot before;
    struct show_snapshot now;
    struct termios saved = {0};
    int err = fetch(why, &before);
    if (err) {
        return complain(why);
    }
    int signals = take_terminal(&saved);
    struct show_room room = terminal_room();
    print(&before, &room, true);
    for (int period = FIRST_PERIOD_MS; !err && wait_for(signals, period); period = PERIOD_MS) {
        err = fetch(why, &now);
        if (!err) {
            show_model_compare(&now, &before);
            room = terminal_room();
            print(&now, &room, true);
            show_model_free(&before);
            before = now;
        }
    }
    if (err) {
        show_model_free(&now);
    }
    show_model_free(&before);
    restore_terminal(&saved);
    close(signals);
    return err ? complain(why) : 0;
}

static int once(struct reason *why)
{
    struct show_snapshot before;
    struct show_snapshot now;
    struct show_room room = {0};
    int err = fetch(why, &before);
    if (!err) {
        (void)poll(NULL, 0, FIRST_PERIOD_MS); /* rates need two looks */
        err = fetch(why, &now);
        if (!err) {
            show_model_compare(&now, &before);
            print(&now, &room, false);
        }
        show_model_free(&now);
    }
    show_model_free(&before);
    return err ? complain(why) : 0;
}

int show_status(const char *where)
{
    struct reason why = {.where = where};
    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ? watch(&why) : once(&why);
}
