/* SPDX-License-Identifier: MIT */
#include "dp/user/udp_io.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "dp/user/path.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"

#define SOL_UDP_LEVEL 17

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

/* Let the kernel coalesce what it receives, and find out whether it cuts what we send. */
static void probe_offloads(struct user *user, struct listener *l)
{
    if (user->dp.config.no_offload || l->socks) {
        return;
    }
    l->gro = true;
    l->gso = true;
    for (unsigned i = 0; i < l->count; i++) {
        int on = 1;
        int zero = 0;
        l->gro &= setsockopt(l->fds[i], SOL_UDP_LEVEL, UDP_GRO, &on, sizeof(on)) == 0;
        l->gso &= setsockopt(l->fds[i], SOL_UDP_LEVEL, UDP_SEGMENT, &zero, sizeof(zero)) == 0;
    }
}

/* A socket that takes the same way as the listener's: family, mark, device. Workers may not make one themselves. */
static int asking_socket(sa_family_t family, int fd)
{
    int mark = 0;
    char device[IFNAMSIZ];
    socklen_t mark_len = sizeof(mark);
    socklen_t device_len = sizeof(device);
    int asking = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking < 0) {
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &mark_len) == 0 && mark) {
        (void)setsockopt(asking, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    }
    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &device_len) == 0 && device_len) {
        (void)setsockopt(asking, SOL_SOCKET, SO_BINDTODEVICE, device, device_len);
    }
    return asking;
}

static void listener_free(struct listener *l)
{
    close_all(l->fds, l->count);
    if (l->asking >= 0) {
        (void)close(l->asking);
    }
    free(l);
}

static struct listener *make(const int *fds, unsigned count, enum dp_multihome multihome)
{
    union addr bound;
    socklen_t len = sizeof(bound);
    memset(&bound, 0, sizeof(bound));
    if (getsockname(fds[0], &bound.any, &len)) {
        return NULL;
    }
    struct listener *l = mem_zalloc(sizeof(*l));
    l->family = bound.any.sa_family;
    l->count = count;
    l->multihome = multihome;
    memcpy(l->fds, fds, count * sizeof(*fds));
    l->asking = asking_socket(l->family, fds[0]);
    return l;
}

static int publish(struct user *user, struct listener *l)
{
    for (uint32_t i = 0; i < USER_LISTENERS_MAX; i++) {
        if (!atomic_load(&user->listeners[i])) {
            l->id = i + 1;
            atomic_store_explicit(&user->listeners[i], l, memory_order_release);
            return 0;
        }
    }
    return ERR_LIMIT;
}

int listener_add(struct user *user, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                 const union addr *socks_target, uint32_t *id)
{
    struct listener *l = make(fds, count, multihome);
    if (!l) {
        int err = -errno;
        close_all(fds, count);
        return err;
    }
    int err = 0;
    if (socks_relay) {
        l->socks = true;
        l->relay = *socks_relay;
        err = socks_udp_header(l->socks_header, socks_target);
    }
    probe_offloads(user, l);
    if (!err) {
        user_lock(user);
        err = publish(user, l);
        user_unlock(user);
    }
    if (err) {
        listener_free(l);
        return err;
    }
    for (unsigned i = 0; i < user->dp.config.workers; i++) {
        bool reads = count > 1 || i == (l->id - 1) % user->dp.config.workers;
        worker_watch(user->workers[i], listener_fd(l, i), WORKER_WATCH_UDP, l->id, reads);
    }
    *id = l->id;
    return 0;
}

static void release(struct rcu_item *item)
{
    listener_free(container_of(item, struct listener, rcu));
}

void listener_del(struct user *user, uint32_t id)
{
    struct listener *l = listener_get(user, id);
    if (!l) {
        return;
    }
    atomic_store_explicit(&user->listeners[id - 1], NULL, memory_order_release);
    for (unsigned i = 0; i < user->dp.config.workers; i++) {
        worker_unwatch(user->workers[i], listener_fd(l, i));
    }
    rcu_domain_defer(&user->rcu, &l->rcu, release);
}

struct listener *listener_get(const struct user *user, uint32_t id)
{
    if (id < 1 || id > USER_LISTENERS_MAX) {
        return NULL;
    }
    return atomic_load_explicit(&user->listeners[id - 1], memory_order_acquire);
}

static void map_v4(const union addr *v4, struct sockaddr_in6 *out)
{
    *out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = v4->v4.sin_port};
    out->sin6_addr.s6_addr[10] = 0xFF;
    out->sin6_addr.s6_addr[11] = 0xFF;
    memcpy(&out->sin6_addr.s6_addr[12], &v4->v4.sin_addr, 4);
}

socklen_t listener_address(const struct listener *listener, const union addr *remote, union addr *out)
{
    const union addr *target = listener->socks ? &listener->relay : remote;
    if (listener->family == AF_INET6 && target->any.sa_family == AF_INET) {
        map_v4(target, &out->v6);
    } else {
        *out = *target;
    }
    return addr_size(out);
}

size_t udp_io_local_control(const struct listener *listener, const struct dp_path *where, void *out)
{
    size_t ip = ip_len(&where->local);
    if (listener->multihome == DP_MULTIHOME_OFF || (!ip && !where->ifindex)) {
        return 0;
    }
    struct cmsghdr *c = out;
    if (listener->family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = (int)where->ifindex};
        if (ip == 4) {
            memcpy(&info.ipi_spec_dst, where->local.bytes, 4);
        }
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        return CMSG_SPACE(sizeof(info));
    }
    struct in6_pktinfo info = {.ipi6_ifindex = where->ifindex};
    if (ip == 4) {
        info.ipi6_addr.s6_addr[10] = 0xFF;
        info.ipi6_addr.s6_addr[11] = 0xFF;
        memcpy(&info.ipi6_addr.s6_addr[12], where->local.bytes, 4);
    } else if (ip == 16) {
        memcpy(&info.ipi6_addr, where->local.bytes, 16);
    }
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    return CMSG_SPACE(sizeof(info));
}

static void read_pktinfo6(const struct cmsghdr *c, struct ip_addr *local, uint32_t *ifindex)
{
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    *ifindex = info.ipi6_ifindex;
    if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr)) {
        local->family = AF_INET;
        memcpy(local->bytes, &info.ipi6_addr.s6_addr[12], 4);
    } else {
        local->family = AF_INET6;
        memcpy(local->bytes, &info.ipi6_addr, 16);
    }
}

void udp_io_read_control(struct msghdr *msg, struct ip_addr *local, uint32_t *ifindex, unsigned *segment)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == SOL_UDP_LEVEL && c->cmsg_type == UDP_GRO) {
            int size = 0;
            memcpy(&size, CMSG_DATA(c), sizeof(size));
            *segment = size > 0 ? (unsigned)size : 0;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            local->family = AF_INET;
            memcpy(local->bytes, &info.ipi_spec_dst, 4);
            *ifindex = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            read_pktinfo6(c, local, ifindex);
        }
    }
}

int udp_io_send_one(const struct listener *listener, const struct dp_path *where, const void *data, size_t len)
{
    union addr to;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct iovec iov[2] = {{(void *)(uintptr_t)listener->socks_header, SOCKS_UDP_HEADER},
                           {(void *)(uintptr_t)data, len}};
    struct msghdr msg = {.msg_name = &to, .msg_iov = listener->socks ? iov : iov + 1,
                         .msg_iovlen = listener->socks ? 2 : 1};
    msg.msg_namelen = listener_address(listener, &where->remote, &to);
    msg.msg_controllen = udp_io_local_control(listener, where, control);
    msg.msg_control = msg.msg_controllen ? control : NULL;
    return sendmsg(listener->fds[0], &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

unsigned udp_io_path_mtu(const struct listener *listener, const struct path *path)
{
    bool v4 = path->where.remote.any.sa_family == AF_INET;
    int mtu = 0;
    socklen_t len = sizeof(mtu);
    if (listener->asking < 0 || connect(listener->asking, &path->to.any, path->to_len) ||
        getsockopt(listener->asking, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len)) {
        return 0;
    }
    return mtu > 0 ? (unsigned)mtu : 0;
}
