/* SPDX-License-Identifier: MIT */
#include "sys/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX_BYTES 32

static int open_as(const char *name, int flags)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "/proc/sys/%s", name);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sysctl_open(const char *name)
{
    return open_as(name, O_RDWR);
}

int sysctl_get(int fd, int *out)
{
    char text[VALUE_MAX_BYTES];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n < 0) {
        return -errno;
    }
    text[n] = '\0';
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (end == text) {
        return -EINVAL;
    }
    *out = (int)value;
    return 0;
}

int sysctl_set(int fd, int value)
{
    char text[VALUE_MAX_BYTES];
    int n = snprintf(text, sizeof(text), "%d\n", value);
    return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -errno;
}

int sysctl_read(const char *name, int *out)
{
    int fd = open_as(name, O_RDONLY);
    if (fd < 0) {
        return fd;
    }
    int r = sysctl_get(fd, out);
    (void)close(fd);
    return r;
}
