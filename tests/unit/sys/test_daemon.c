/* SPDX-License-Identifier: MIT */
#include "sys/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "netns.h"

static void scratch(char path[64], const char *name)
{
    (void)snprintf(path, 64, "/tmp/vpnd-test-%d-%s", getpid(), name);
}

Test(daemon, pidfile_holds_the_pid_and_goes)
{
    char path[64];
    scratch(path, "pid");
    cr_assert_eq(daemon_pidfile_write(path), 0);
    FILE *file = fopen(path, "r");
    int pid = 0;
    char newline = 0;
    cr_assert_eq(fscanf(file, "%d%c", &pid, &newline), 2);
    fclose(file);
    cr_assert_eq(pid, getpid());
    cr_assert_eq(newline, '\n');
    daemon_pidfile_remove(path);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(daemon, pidfile_of_another_process_stays)
{
    char path[64];
    scratch(path, "pid");
    FILE *file = fopen(path, "w");
    fprintf(file, "1\n");
    fclose(file);
    daemon_pidfile_remove(path);
    cr_assert_eq(access(path, F_OK), 0);
    unlink(path);
    cr_assert_eq(daemon_pidfile_write("/nonexistent/dir/pid"), -ENOENT);
}

Test(daemon, notify_reaches_the_manager)
{
    unsetenv("NOTIFY_SOCKET");
    cr_assert_not(daemon_has_notify());
    cr_assert_eq(daemon_notify_open(), -ENOENT);
    char path[64];
    scratch(path, "notify");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, path, strlen(path));
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    cr_assert(daemon_has_notify());
    int manager = daemon_notify_open();
    cr_assert_geq(manager, 0);
    cr_assert_eq(daemon_notify(manager, "READY=1\nSTATUS=hello"), 0);
    close(manager);
    char text[64] = "";
    cr_assert_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
    cr_assert_str_eq(text, "READY=1\nSTATUS=hello");
    unlink(path);
    close(fd);
}

Test(daemon, watchdog_is_for_this_process_only)
{
    char pid[32];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    cr_assert_eq(daemon_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    cr_assert_eq(daemon_watchdog_ms(), 15000);
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    cr_assert_eq(daemon_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    cr_assert_eq(daemon_watchdog_ms(), 0);
    unsetenv("WATCHDOG_PID");
    static const char *const nothing[] = {"", "0", "-1", "1x", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        setenv("WATCHDOG_USEC", nothing[i], 1);
        cr_assert_eq(daemon_watchdog_ms(), 0, "%s", nothing[i]);
    }
    setenv("WATCHDOG_USEC", "1", 1);
    cr_assert_eq(daemon_watchdog_ms(), 1);
}

Test(daemon, detach_leaves_the_session)
{
    int link[2];
    cr_assert_eq(pipe(link), 0);
    pid_t first = fork();
    if (first == 0) {
        pid_t before = getpid();
        if (daemon_detach() == 0) {
            char ok = getsid(0) == getpid() && getpid() != before;
            (void)!write(link[1], &ok, 1);
        }
        _exit(0);
    }
    int status = 1;
    cr_assert_eq(waitpid(first, &status, 0), first);
    cr_assert_eq(status, 0);
    char ok = 0;
    cr_assert_eq(read(link[0], &ok, 1), 1);
    cr_assert(ok);
}

Test(daemon, null_stdio)
{
    cr_assert_eq(daemon_null_stdio(false), 0);
    char byte;
    cr_assert_eq(read(STDIN_FILENO, &byte, 1), 0);
}
