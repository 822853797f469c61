/* SPDX-License-Identifier: MIT */
#include "sys/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "netns.h"

static union addr v4_loopback(uint16_t port)
{
    struct ip_addr ip = ip4_from_u32(0x7F000001u);
    return addr_from_ip(&ip, port);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    (void)getsockopt(fd, level, name, &value, &len);
    return value;
}

Test(sock, udp_has_the_flags_every_socket_needs)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    struct sock_buffers sizes;
    int fd = sock_udp_open(NULL, AF_INET, &options, &sizes);
    cr_assert_geq(fd, 0);
    cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_geq(sizes.rcv_new, sizes.rcv_old);
    cr_assert_geq(sizes.snd_new, sizes.snd_old);
    close(fd);
}

Test(sock, keep_leaves_buffers_alone)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.sndbuf = SOCK_BUFFER_KEEP;
    options.rcvbuf = SOCK_BUFFER_KEEP;
    struct sock_buffers sizes;
    int fd = sock_udp_open(NULL, AF_INET, &options, &sizes);
    cr_assert_geq(fd, 0);
    cr_assert_eq(sizes.rcv_new, sizes.rcv_old);
    cr_assert_eq(sizes.snd_new, sizes.snd_old);
    close(fd);
}

Test(sock, explicit_size_is_taken)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.rcvbuf = 65536;
    struct sock_buffers sizes;
    int fd = sock_udp_open(NULL, AF_INET, &options, &sizes);
    cr_assert_eq(sizes.rcv_new, 131072, "the kernel doubles the request: %d", sizes.rcv_new);
    close(fd);
}

Test(sock, group_shares_one_port)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.pktinfo = true;
    union addr local = v4_loopback(0);
    int fds[3];
    cr_assert_eq(sock_udp_group(&local, &options, 3, fds, NULL), 0);
    union addr a;
    union addr b;
    cr_assert_eq(sock_local_addr(fds[0], &a), 0);
    cr_assert_eq(sock_local_addr(fds[2], &b), 0);
    cr_assert(addr_equal(&a, &b));
    cr_assert_neq(addr_port(&a), 0);
    cr_assert_eq(option(fds[1], IPPROTO_IP, IP_PKTINFO), 1);

    int other[2];
    cr_assert_eq(sock_udp_group(&a, &options, 2, other, NULL), -EADDRINUSE);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

Test(sock, dual_stack_unless_v6only)
{
    struct ip_addr any = {.family = AF_INET6};
    union addr local = addr_from_ip(&any, 0);
    struct sock_options options = SOCK_OPTIONS_INIT;
    int fd = sock_udp_open(&local, 0, &options, NULL);
    cr_assert_geq(fd, 0);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    close(fd);
    options.v6only = true;
    fd = sock_udp_open(&local, 0, &options, NULL);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(fd);
}

Test(sock, mtu_discovery_is_set_on_request)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.mtu_disc = 2;
    int fd = sock_udp_open(NULL, AF_INET, &options, NULL);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), 2);
    close(fd);
}

Test(sock, tcp_connects_and_accepts)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    union addr local = v4_loopback(0);
    int listener = sock_tcp_listen(&local, &options, 8);
    cr_assert_geq(listener, 0);
    union addr peer;
    cr_assert_eq(sock_tcp_accept(listener, &options, &peer), -EAGAIN);
    cr_assert_eq(sock_local_addr(listener, &local), 0);
    int client = sock_tcp_connect(&local, NULL, &options, NULL);
    cr_assert_geq(client, 0);
    struct pollfd wait = {.fd = client, .events = POLLOUT};
    cr_assert_eq(poll(&wait, 1, 5000), 1);
    cr_assert_eq(sock_error(client), 0);
    wait = (struct pollfd){.fd = listener, .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 5000), 1);
    int server = sock_tcp_accept(listener, &options, &peer);
    cr_assert_geq(server, 0);
    union addr own;
    cr_assert_eq(sock_local_addr(client, &own), 0);
    cr_assert(addr_equal(&own, &peer));
    cr_assert_eq(option(server, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_assert(fcntl(server, F_GETFL) & O_NONBLOCK);
    close(server);
    close(client);
    close(listener);
}

Test(sock, refused_connection_shows_in_sock_error)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    union addr local = v4_loopback(0);
    int listener = sock_tcp_listen(&local, &options, 1);
    cr_assert_eq(sock_local_addr(listener, &local), 0);
    close(listener);
    int client = sock_tcp_connect(&local, NULL, &options, NULL);
    if (client >= 0) {
        struct pollfd wait = {.fd = client, .events = POLLOUT};
        cr_assert_eq(poll(&wait, 1, 5000), 1);
        cr_assert_eq(sock_error(client), -ECONNREFUSED);
        close(client);
    } else {
        cr_assert_eq(client, -ECONNREFUSED);
    }
}

Test(sock, device_name_too_long_is_refused)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.bind_dev = "a-name-that-no-device-can-have";
    cr_assert_eq(sock_udp_open(NULL, AF_INET, &options, NULL), -ENODEV);
}
