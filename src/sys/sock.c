/* SPDX-License-Identifier: MIT */
#include "sys/sock.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_BUFFER_BYTES (4 << 20) /* about 25 ms at 1 Gbit/s: a scheduling delay of a busy host */

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int get_int(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, level, name, &value, &len) < 0 ? 0 : value;
}

/* FORCE passes net.core.rmem_max with CAP_NET_ADMIN; without it the kernel gives what the limit allows. */
static void set_buffer(int fd, int bytes, int force_name, int plain_name)
{
    if (bytes > 0 && set_int(fd, SOL_SOCKET, force_name, bytes) < 0) {
        (void)set_int(fd, SOL_SOCKET, plain_name, bytes);
    }
}

int sock_set_buffers(int fd, int sndbuf, int rcvbuf, struct sock_buffers *sizes)
{
    struct sock_buffers seen = {
        .rcv_old = get_int(fd, SOL_SOCKET, SO_RCVBUF),
        .snd_old = get_int(fd, SOL_SOCKET, SO_SNDBUF),
    };
    if (seen.rcv_old == 0) {
        return -ENOTSOCK;
    }
    bool datagram = get_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM;
    /* A fixed size would switch off TCP's own tuning, so the default leaves TCP alone. */
    int standard = datagram ? UDP_BUFFER_BYTES : SOCK_BUFFER_KEEP;
    set_buffer(fd, rcvbuf == SOCK_BUFFER_DEFAULT ? standard : rcvbuf, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, sndbuf == SOCK_BUFFER_DEFAULT ? standard : sndbuf, SO_SNDBUFFORCE, SO_SNDBUF);
    seen.rcv_new = get_int(fd, SOL_SOCKET, SO_RCVBUF);
    seen.snd_new = get_int(fd, SOL_SOCKET, SO_SNDBUF);
    if (sizes) {
        *sizes = seen;
    }
    return 0;
}

int sock_bind_device(int fd, const char *device)
{
    size_t len = strlen(device);
    if (len >= IFNAMSIZ) {
        return -ENODEV;
    }
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)len + (len ? 1 : 0)) < 0 ? -errno : 0;
}

static int set_mtu_discovery(int fd, int family, int mode)
{
    int r = 0;
    if (family == AF_INET6) {
        r = set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode);
    }
    /* A dual-stack socket has both; the IPv4 one may be refused on a v6-only socket, which does not matter. */
    int r4 = set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, mode);
    return family == AF_INET6 ? r : r4;
}

static int set_pktinfo(int fd, int family)
{
    if (family == AF_INET6) {
        int r = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        if (r < 0) {
            return r;
        }
        (void)set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
        return 0;
    }
    return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* What both transports share; order matters: the device before bind(). */
static int apply_options(int fd, int family, int type, const struct sock_options *options, struct sock_buffers *sizes)
{
    int r = 0;
    if (family == AF_INET6) {
        r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->v6only);
    }
    if (r == 0) {
        r = sock_set_buffers(fd, options->sndbuf, options->rcvbuf, sizes);
    }
    if (r == 0 && options->mark) {
        r = set_int(fd, SOL_SOCKET, SO_MARK, (int)options->mark);
    }
    if (r == 0 && options->bind_dev) {
        r = sock_bind_device(fd, options->bind_dev);
    }
    if (r == 0 && options->mtu_disc != SOCK_MTU_DISC_KEEP) {
        r = set_mtu_discovery(fd, family, options->mtu_disc);
    }
    if (r == 0 && options->free_bind) {
        r = set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
    }
    if (r == 0 && type == SOCK_DGRAM && options->pktinfo) {
        r = set_pktinfo(fd, family);
    }
    if (r == 0 && type == SOCK_STREAM && options->nodelay) {
        r = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return r;
}

static int open_socket(int family, int type, const struct sock_options *options, struct sock_buffers *sizes)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int r = apply_options(fd, family, type, options, sizes);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

static int bind_or_close(int fd, const union addr *local)
{
    if (bind(fd, &local->any, addr_size(local)) < 0) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

static int open_udp(const union addr *local, int family, const struct sock_options *options, bool share,
                    struct sock_buffers *sizes)
{
    int fd = open_socket(local ? local->any.sa_family : family, SOCK_DGRAM, options, sizes);
    if (fd < 0) {
        return fd;
    }
    if (share) {
        int r = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (r < 0) {
            (void)close(fd);
            return r;
        }
    }
    return local ? bind_or_close(fd, local) : fd;
}

int sock_udp_open(const union addr *local, int family, const struct sock_options *options, struct sock_buffers *sizes)
{
    return open_udp(local, family, options, false, sizes);
}

/* SO_REUSEPORT would let a second server of the same user share our port unnoticed and steal half of the peers,
 * so a plain bind checks first that the port is free. */
static int check_port_free(const union addr *local, const struct sock_options *options)
{
    int fd = open_udp(local, AF_UNSPEC, options, false, NULL);
    if (fd < 0) {
        return fd;
    }
    (void)close(fd);
    return 0;
}

int sock_udp_group(const union addr *local, const struct sock_options *options, unsigned count, int *fds,
                   struct sock_buffers *sizes)
{
    union addr at = *local;
    if (addr_port(&at) != 0 && count > 1) {
        int r = check_port_free(&at, options);
        if (r < 0) {
            return r;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        fds[i] = open_udp(&at, AF_UNSPEC, options, count > 1, i == 0 ? sizes : NULL);
        int r = fds[i] < 0 ? fds[i] : 0;
        if (r == 0 && i == 0 && addr_port(&at) == 0) {
            union addr bound;
            r = sock_local_addr(fds[0], &bound);
            addr_set_port(&at, addr_port(&bound));
        }
        if (r < 0) {
            for (unsigned k = 0; k <= i; k++) {
                if (fds[k] >= 0) {
                    (void)close(fds[k]);
                }
                fds[k] = -1;
            }
            return r;
        }
    }
    return 0;
}

int sock_tcp_listen(const union addr *local, const struct sock_options *options, int backlog)
{
    int fd = open_socket(local->any.sa_family, SOCK_STREAM, options, NULL);
    if (fd < 0) {
        return fd;
    }
    int r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    fd = bind_or_close(fd, local);
    if (fd >= 0 && listen(fd, backlog) < 0) {
        r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

/* accept(2): errors that are already pending on the new connection, not on the listener. */
static bool is_connection_error(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

int sock_tcp_accept(int listener, const struct sock_options *options, union addr *peer)
{
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (is_connection_error(errno)) {
                continue;
            }
            return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        }
        if (addr_from_sockaddr(peer, (struct sockaddr *)&from, len) < 0) {
            (void)close(fd);
            continue;
        }
        /* Mark and device are inherited from the listener; these two are cheap to repeat. */
        if (options->nodelay) {
            (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        }
        (void)sock_set_buffers(fd, options->sndbuf, options->rcvbuf, NULL);
        return fd;
    }
}

int sock_tcp_connect(const union addr *remote, const union addr *local, const struct sock_options *options,
                     struct sock_buffers *sizes)
{
    int fd = open_socket(remote->any.sa_family, SOCK_STREAM, options, sizes);
    if (fd < 0) {
        return fd;
    }
    if (local) {
        int r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r < 0) {
            (void)close(fd);
            return r;
        }
        fd = bind_or_close(fd, local);
        if (fd < 0) {
            return fd;
        }
    }
    if (connect(fd, &remote->any, addr_size(remote)) < 0 && errno != EINPROGRESS) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

int sock_udp_route(const union addr *remote, const struct sock_options *options)
{
    int fd = sock_udp_open(NULL, remote->any.sa_family, options, NULL);
    if (fd < 0) {
        return fd;
    }
    int r = connect(fd, &remote->any, addr_size(remote)) < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

int sock_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        return -errno;
    }
    return -error;
}

int sock_local_addr(int fd, union addr *out)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    if (getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
        return -errno;
    }
    return addr_from_sockaddr(out, (struct sockaddr *)&at, len);
}

const char *sock_buffers_format(const struct sock_buffers *sizes, char out[80])
{
    (void)snprintf(out, 80, "R=[%d->%d] S=[%d->%d]", sizes->rcv_old, sizes->rcv_new, sizes->snd_old, sizes->snd_new);
    return out;
}

unsigned sock_name_index(const char *name)
{
    return if_nametoindex(name);
}
