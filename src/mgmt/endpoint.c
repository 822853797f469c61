/* SPDX-License-Identifier: MIT */
#include "mgmt/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"

#define BACKLOG 8

static int unix_address(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(out->sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(out->sun_path, path, strlen(path));
    return 0;
}

int endpoint_claim(const char *path)
{
    struct sockaddr_un address;
    int err = unix_address(path, &address);
    if (err) {
        return err;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    /* EAGAIN: its queue is full, so somebody has it open */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN) {
        err = -EADDRINUSE;
    } else if (errno == ECONNREFUSED) {
        (void)unlink(path);
    }
    close(fd);
    return err;
}

static int listen_at(int family, const struct sockaddr *address, socklen_t len)
{
    int one = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int endpoint_listen(const char *address, const char *port, bool is_unix)
{
    if (is_unix) {
        struct sockaddr_un path;
        int err = unix_address(address, &path);
        err = err ? err : endpoint_claim(address);
        return err ? err : listen_at(AF_UNIX, (struct sockaddr *)&path, sizeof(path));
    }
    struct ip_addr ip;
    unsigned long number = port ? strtoul(port, NULL, 10) : 0;
    if (ip_parse(strcmp(address, "localhost") == 0 ? "127.0.0.1" : address, &ip) < 0 || number < 1 || number > 65535) {
        return ERR_FORMAT;
    }
    union addr inet = addr_from_ip(&ip, (uint16_t)number);
    return listen_at(inet.any.sa_family, &inet.any, addr_size(&inet));
}
