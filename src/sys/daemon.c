/* SPDX-License-Identifier: MIT */
#include "sys/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#define MEMLOCK_BYTES ((rlim_t)100 << 20)

int daemon_detach(void)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return -errno;
    }
    if (pid > 0) {
        _exit(0); /* the caller's shell goes on; what is open belongs to the child now */
    }
    return setsid() < 0 ? -errno : 0;
}

int daemon_null_stdio(bool all)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int r = dup2(fd, STDIN_FILENO) < 0 ? -errno : 0;
    if (all && r == 0 && (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)) {
        r = -errno;
    }
    if (fd > STDERR_FILENO) {
        (void)close(fd);
    }
    return r;
}

int daemon_pidfile_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return -errno;
    }
    char text[24];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    int r = write(fd, text, (size_t)n) == n ? 0 : -EIO;
    if (close(fd) < 0 && r == 0) {
        r = -errno;
    }
    return r;
}

void daemon_pidfile_remove(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return;
    }
    char text[24] = "";
    bool ours = fgets(text, sizeof(text), file) && strtol(text, NULL, 10) == (long)getpid();
    (void)fclose(file);
    if (ours) {
        (void)unlink(path);
    }
}

int daemon_chroot(const char *dir)
{
    return chroot(dir) < 0 || chdir("/") < 0 ? -errno : 0;
}

int daemon_nice(int delta)
{
    errno = 0;
    return nice(delta) == -1 && errno != 0 ? -errno : 0;
}

int daemon_lock_memory(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0) {
        return -errno;
    }
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < MEMLOCK_BYTES) {
        limit.rlim_cur = MEMLOCK_BYTES;
        if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < MEMLOCK_BYTES) {
            limit.rlim_max = MEMLOCK_BYTES;
        }
        (void)setrlimit(RLIMIT_MEMLOCK, &limit); /* may be forbidden, and does not matter with CAP_IPC_LOCK */
    }
    return mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
}

bool daemon_has_notify(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    return path && (path[0] == '/' || path[0] == '@') && path[1] != '\0';
}

int daemon_notify_open(void)
{
    if (!daemon_has_notify()) {
        return -ENOENT;
    }
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(to.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') {
        to.sun_path[0] = '\0'; /* abstract name */
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *)&to, size) < 0) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

/* The protocol is one datagram of lines (sd_notify(3)); it needs no library. */
int daemon_notify(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* WATCHDOG_USEC and WATCHDOG_PID as in sd_watchdog_enabled(3); who got them by inheritance is not meant. */
uint64_t daemon_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    char *end = NULL;
    if (!usec || *usec < '0' || *usec > '9' || (pid && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    errno = 0;
    unsigned long long limit = strtoull(usec, &end, 10);
    if (*end || errno || limit == 0 || limit > INT64_MAX) {
        return 0;
    }
    return limit >= 2000 ? limit / 2000 : 1;
}

void daemon_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
