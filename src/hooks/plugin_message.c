/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"

struct buf plugin_message_new(enum plugin_message kind)
{
    struct buf message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    uint8_t byte = (uint8_t)kind;
    (void)buf_append(&message, &byte, 1);
    return message;
}

int plugin_put_u32(struct buf *message, uint32_t value)
{
    uint8_t bytes[4];
    be32_store(bytes, value);
    return buf_append(message, bytes, sizeof(bytes));
}

int plugin_put_u64(struct buf *message, uint64_t value)
{
    uint8_t bytes[8];
    be64_store(bytes, value);
    return buf_append(message, bytes, sizeof(bytes));
}

int plugin_put_text(struct buf *message, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len > PLUGIN_MESSAGE_MAX) {
        return ERR_LIMIT;
    }
    int rc = plugin_put_u32(message, (uint32_t)len);
    return rc == 0 && len ? buf_append(message, text, len) : rc;
}

int plugin_put_list(struct buf *message, char *const *list)
{
    uint32_t count = 0;
    while (list && list[count]) {
        count++;
    }
    int rc = count > PLUGIN_LIST_MAX ? ERR_LIMIT : plugin_put_u32(message, count);
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        rc = plugin_put_text(message, list[i]);
    }
    return rc;
}

char *plugin_get_text(struct rd *in)
{
    uint32_t len = rd_u32(in);
    const uint8_t *text = rd_bytes(in, len);
    if (!rd_ok(in) || (len && memchr(text, 0, len))) {
        return NULL;
    }
    return mem_strndup(len ? (const char *)text : "", len);
}

char **plugin_get_list(struct rd *in)
{
    uint32_t count = rd_u32(in);
    if (!rd_ok(in) || count > PLUGIN_LIST_MAX) {
        return NULL;
    }
    char **list = mem_array(count + 1, sizeof(*list));
    for (uint32_t i = 0; i < count; i++) {
        list[i] = plugin_get_text(in);
        if (!list[i]) {
            plugin_list_free(list);
            return NULL;
        }
    }
    return list;
}

void plugin_list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        secret_wipe(list[i], strlen(list[i]));
        free(list[i]);
    }
    free(list);
}

int plugin_socketpair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    /* The default takes a message of the largest size; a smaller system-wide limit is raised where we may. */
    int size = 2 * PLUGIN_MESSAGE_MAX;
    for (int i = 0; i < 2; i++) {
        if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0) {
            (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        }
    }
    return 0;
}

int plugin_send(int fd, const struct buf *message, const int *fds, size_t nfds, bool wait)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PLUGIN_FDS_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = message->data, .iov_len = message->len};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    if (nfds) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    for (;;) {
        if (sendmsg(fd, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0) {
            return 0;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static void take_fds(struct msghdr *header, int fds[PLUGIN_FDS_MAX])
{
    size_t taken = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (fds && taken < PLUGIN_FDS_MAX) {
                fds[taken++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

int plugin_receive(int fd, struct buf *message, int fds[PLUGIN_FDS_MAX], bool wait)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PLUGIN_FDS_MAX * sizeof(int))];
    } control = {0};
    for (size_t i = 0; fds && i < PLUGIN_FDS_MAX; i++) {
        fds[i] = -1;
    }
    uint8_t *bytes = mem_zalloc(PLUGIN_MESSAGE_MAX);
    struct iovec iov = {.iov_base = bytes, .iov_len = PLUGIN_MESSAGE_MAX};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t n;
    do {
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (n < 0 && errno == EINTR);
    int result = n < 0 ? -errno : 0;
    if (n > 0) {
        take_fds(&header, fds);
        buf_reset(message);
        result = header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || buf_append(message, bytes, (size_t)n) < 0 ? -EMSGSIZE
                                                                                                          : bytes[0];
        secret_wipe(bytes, (size_t)n);
    }
    free(bytes);
    return result;
}

void plugin_take_streams(const int fds[PLUGIN_FDS_MAX])
{
    for (int i = 0; i < PLUGIN_FDS_MAX; i++) {
        if (fds[i] >= 0) {
            (void)dup2(fds[i], STDOUT_FILENO + i);
            close(fds[i]);
        }
    }
}

struct rd plugin_message_read(const struct buf *message)
{
    return message->len ? rd_init(message->data + 1, message->len - 1) : rd_init(message->data, 0);
}
