/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "config/config.h"
#include "node/loop.h"
#include "server/port_share.h"

#define FILES 160 /* descriptors of the process; an eighth of them for strangers */
#define LIMIT (FILES / 8)
#define STRANGERS (LIMIT + 5)

static struct loop *loop;
static struct port_share *share;
static struct config config;
static char target_port[8];
static int door; /* where strangers come in */
static int target;
static int strangers[STRANGERS];
static unsigned ours;

static int listen_somewhere(union addr *out)
{
    socklen_t size = sizeof(out->v4);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(out, 0, sizeof(*out));
    out->v4.sin_family = AF_INET;
    out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && bind(fd, &out->any, size) == 0 && listen(fd, FILES) == 0);
    cr_assert_eq(getsockname(fd, &out->any, &size), 0);
    return fd;
}

static void on_ours(void *arg, int fd, const union addr *peer)
{
    (void)arg;
    (void)peer;
    ours++;
    close(fd);
}

static void visit(int *fd, const char *first, size_t len)
{
    union addr at;
    socklen_t size = sizeof(at.v4);
    cr_assert_eq(getsockname(door, &at.any, &size), 0);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert(connect(*fd, &at.any, size) == 0 || errno == EINPROGRESS);
    int end = accept(door, NULL, NULL);
    cr_assert_geq(end, 0);
    cr_assert_eq(send(*fd, first, len, 0), (ssize_t)len);
    port_share_take(share, end, &at, on_ours, NULL);
}

static void turn(void)
{
    for (unsigned i = 0; i < 20; i++) {
        (void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    }
}

/* Whether the other end has closed the connection. */
static bool closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

static unsigned count_closed(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < STRANGERS; i++) {
        n += closed(strangers[i]);
    }
    return n;
}

static void begin(void)
{
    static char host[] = "127.0.0.1";
    struct rlimit files = {FILES, FILES};
    union addr at;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    door = listen_somewhere(&at);
    target = listen_somewhere(&at);
    (void)snprintf(target_port, sizeof(target_port), "%u", ntohs(at.v4.sin_port));
    config.port_share.host = host;
    config.port_share.port = target_port;
    cr_assert_eq(loop_open(&loop), 0);
    cr_assert_eq(port_share_new(loop, &config, &share), 0);
}

static void end(void)
{
    port_share_free(share);
    loop_close(loop);
}

TestSuite(port_share, .init = begin, .fini = end);

Test(port_share, who_says_nothing_makes_room)
{
    for (unsigned i = 0; i < STRANGERS; i++) {
        visit(&strangers[i], "", 0);
    }
    turn();
    cr_assert_eq(count_closed(), STRANGERS - LIMIT);
    cr_assert(closed(strangers[0]) && !closed(strangers[STRANGERS - 1]), "the oldest went");
    int client;
    visit(&client, "\x00\x0e\x38", 3);
    turn();
    cr_assert_eq(ours, 1, "a VPN client gets in all the same");
}

Test(port_share, relays_are_bounded)
{
    for (unsigned i = 0; i < STRANGERS; i++) {
        visit(&strangers[i], "GET /", 5);
    }
    turn();
    cr_assert_eq(count_closed(), STRANGERS - LIMIT);
    int end = accept(target, NULL, NULL);
    cr_assert_geq(end, 0);
    close(end);
    for (unsigned i = 0; i < STRANGERS; i++) {
        close(strangers[i]);
    }
    turn();
    int next;
    visit(&next, "GET /", 5);
    turn();
    cr_assert(!closed(next), "one that ended made room");
}
