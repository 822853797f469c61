/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_UDP_IO_H
#define VPND_DP_USER_UDP_IO_H

/* UDP listeners: sockets, offloads, and the exact form in which addresses go to and come from the kernel. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "dp/dp.h"
#include "dp/user/rcu.h"
#include "wire/socks.h"

struct path;
struct user;
struct worker;

#define UDP_IO_DATAGRAM_MAX 65507 /* payload bytes of the largest datagram, or of one run with UDP_SEGMENT */
#define UDP_IO_SEGMENTS_MAX 64    /* most datagrams that the kernel takes or gives in one run */

/** One listening address. Published; sockets are closed after a grace period. */
struct listener {
    struct rcu_item rcu;
    uint32_t id;
    sa_family_t family;
    int fds[DP_WORKERS_MAX];
    unsigned count;
    int asking;                             /* socket that asks for path MTUs; -1 none; under the lock */
    enum dp_multihome multihome;
    bool socks;
    bool gro;
    bool gso;
    union addr relay;                       /* SOCKS: where every datagram goes */
    uint8_t socks_header[SOCKS_UDP_HEADER]; /* and what stands in front of it */
};

/** listener_add - take over sockets and let workers wait for them. Return: 0 and *id, or negative (fds closed). */
int listener_add(struct user *user, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                 const union addr *socks_target, uint32_t *id);

/** listener_del - unpublish; sockets close after a grace period. Under the lock. */
void listener_del(struct user *user, uint32_t id);

/** listener_get - by id, or NULL. Worker, or under the lock. */
struct listener *listener_get(const struct user *user, uint32_t id);

/** listener_address - @remote as this listener's socket wants it (v4-mapped on a dual-stack socket; the relay with
 *  SOCKS). Return: its length. */
socklen_t listener_address(const struct listener *listener, const union addr *remote, union addr *out);

/** listener_fd - socket that worker number @worker sends with. */
static inline int listener_fd(const struct listener *listener, unsigned worker)
{
    return listener->fds[worker < listener->count ? worker : 0];
}

/** udp_io_local_control - write the control message that chooses the source address. Return: its length in bytes
 *  (0 when @where has none). @out: at least CMSG_SPACE(sizeof(struct in6_pktinfo)) bytes. */
size_t udp_io_local_control(const struct listener *listener, const struct dp_path *where, void *out);

/** udp_io_read_local - local address and interface that a datagram came to, from its control messages; what is not
 *  there is left alone. Also the segment size of UDP_GRO. */
void udp_io_read_control(struct msghdr *msg, struct ip_addr *local, uint32_t *ifindex, unsigned *segment);

/** udp_io_path_mtu - what the kernel knows about the way to a peer. Return: bytes of an IP packet; 0: nothing. Under the
 *  lock. */
unsigned udp_io_path_mtu(const struct listener *listener, const struct path *path);

/** udp_io_send_one - one datagram, from the control thread. Return: 0, -EAGAIN, or another negative. */
int udp_io_send_one(const struct listener *listener, const struct dp_path *where, const void *data, size_t len);

#endif
