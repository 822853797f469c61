/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_SOCK_H
#define VPND_SYS_SOCK_H

/*
 * Sockets of the outer transport. Every socket made here is non-blocking and close-on-exec. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define SOCK_BUFFER_DEFAULT 0 /* our size: large enough for bursts at gigabit speed */
#define SOCK_BUFFER_KEEP (-1) /* leave what the system gives (sndbuf 0, rcvbuf 0) */
#define SOCK_MTU_DISC_KEEP (-1)

/** What the options of a configuration ask of a socket. Zero means the default unless said otherwise. */
struct sock_options {
    int sndbuf;           /* bytes, SOCK_BUFFER_DEFAULT or SOCK_BUFFER_KEEP */
    int rcvbuf;
    uint32_t mark;        /* SO_MARK; 0 none */
    const char *bind_dev; /* SO_BINDTODEVICE; NULL none */
    int mtu_disc;         /* IP_MTU_DISCOVER value 0 (no), 1 (maybe), 2 (yes), or SOCK_MTU_DISC_KEEP */
    bool v6only;          /* IPv6 socket does not take IPv4 ("bind ipv6only"); else dual-stack */
    bool pktinfo;         /* UDP: report and choose the local address (multihome) */
    bool nodelay;         /* TCP_NODELAY */
    bool free_bind;       /* bind an address that the host does not have yet (IP_FREEBIND) */
};

/** SOCK_OPTIONS_INIT - large buffers, kernel's MTU discovery, dual-stack, TCP_NODELAY. */
#define SOCK_OPTIONS_INIT ((struct sock_options){.mtu_disc = SOCK_MTU_DISC_KEEP, .nodelay = true})

/** Buffer sizes in bytes as getsockopt() shows them, before and after our change. */
struct sock_buffers {
    int rcv_old;
    int rcv_new;
    int snd_old;
    int snd_new;
};

/**
 * sock_udp_open - one UDP socket
 * @local: address and port to bind (port 0: any); NULL: unbound, family given by @family
 * @family: AF_INET or AF_INET6; ignored when @local is given
 * @sizes: filled when not NULL, for the "Socket Buffers:" line
 * Return: the fd (the caller closes it) or -errno.
 */
int sock_udp_open(const union addr *local, int family, const struct sock_options *options, struct sock_buffers *sizes);

/**
 * sock_udp_group - @count UDP sockets on one address, among which the kernel spreads peers by hash (SO_REUSEPORT)
 * With port 0 all get the port that the first one was given. On failure none stays open.
 * Return: 0 with @fds filled, or -errno.
 */
int sock_udp_group(const union addr *local, const struct sock_options *options, unsigned count, int *fds,
                   struct sock_buffers *sizes);

/** sock_tcp_listen - listening TCP socket with SO_REUSEADDR. Return: the fd or -errno. */
int sock_tcp_listen(const union addr *local, const struct sock_options *options, int backlog);

/**
 * sock_tcp_accept - next waiting connection of @listener
 * @peer: filled with its address; a v4-mapped address becomes plain IPv4
 * Return: the fd; -EAGAIN when none waits; another -errno (errors of the connection itself are skipped).
 */
int sock_tcp_accept(int listener, const struct sock_options *options, union addr *peer);

/**
 * sock_tcp_connect - begin a connection
 * @local: address and port to bind first, or NULL
 * Wait until the fd is writable, then ask sock_error().
 * Return: the fd, or -errno when it failed at once.
 */
int sock_tcp_connect(const union addr *remote, const union addr *local, const struct sock_options *options,
                     struct sock_buffers *sizes);

/** sock_udp_route - whether the host has a way to @remote for a socket with @options. Return: 0, -ENETUNREACH, -errno. */
int sock_udp_route(const union addr *remote, const struct sock_options *options);

/** sock_error - take the pending error. Return: 0 or -errno. */
int sock_error(int fd);

/** sock_local_addr - the address and port that @fd is bound to. Return: 0 or -errno. */
int sock_local_addr(int fd, union addr *out);

/** sock_set_buffers - change the sizes of an open socket (pushed sndbuf, rcvbuf). Return: 0 or -errno. */
int sock_set_buffers(int fd, int sndbuf, int rcvbuf, struct sock_buffers *sizes);

/** sock_bind_device - SO_BINDTODEVICE on an open socket; "" takes it off. Return: 0 or -errno. */
int sock_bind_device(int fd, const char *device);

/** sock_buffers_format - "R=[212992->8388608] S=[212992->8388608]". Return: @out. */
const char *sock_buffers_format(const struct sock_buffers *sizes, char out[80]);

/** sock_name_index - interface index of @name, or 0. */
unsigned sock_name_index(const char *name);

#endif
