/* SPDX-License-Identifier: MIT */
#include "hooks/exchange_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"

#define ATTEMPTS 6

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int exchange_file_new(const char *dir, const char *prefix, const void *content, size_t len, char **path)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        char *name = mem_printf("%s/openvpn_%s_%08x%08x.tmp", dir, prefix, (unsigned)rand_u32(rand_system()),
                                (unsigned)rand_u32(rand_system()));
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            int err = -errno;
            free(name);
            if (err == -EEXIST) {
                continue;
            }
            return err;
        }
        int err = write_all(fd, content, len);
        close(fd);
        *path = name;
        if (err < 0) {
            exchange_file_remove(path);
        }
        return err;
    }
    return -EEXIST;
}

int exchange_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a program may have made it a FIFO */
    if (fd < 0) {
        return -errno;
    }
    char chunk[4096];
    int err = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            err = n < 0 ? -errno : 0;
            break;
        }
        err = buf_append(out, chunk, (size_t)n);
        if (err < 0) {
            break;
        }
    }
    close(fd);
    return err;
}

char exchange_file_first(const char *path)
{
    struct buf text = BUF_INIT(4096);
    (void)exchange_file_read(path, &text);
    char first = text.len ? (char)text.data[0] : 0;
    buf_free(&text, false);
    return first;
}

void exchange_file_remove(char **path)
{
    if (*path) {
        (void)unlink(*path);
        free(*path);
        *path = NULL;
    }
}
