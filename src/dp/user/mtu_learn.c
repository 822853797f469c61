/* SPDX-License-Identifier: MIT */
#include "dp/user/mtu_learn.h"

#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp/user/gso.h"
#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/icmp.h"

#define PATH_MTU_MIN 576
#define REFRESH_S 30u         /* a learnt limit is looked at again so often */
#define IP4_DONT_FRAGMENT 0x40

/* A socket takes the same way as the listener's only with the same mark and device. */
static void imitate(int fd, int listener_fd)
{
    int mark = 0;
    char device[IFNAMSIZ];
    socklen_t mark_len = sizeof(mark);
    socklen_t device_len = sizeof(device);
    if (getsockopt(listener_fd, SOL_SOCKET, SO_MARK, &mark, &mark_len) == 0 && mark) {
        (void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    }
    if (getsockopt(listener_fd, SOL_SOCKET, SO_BINDTODEVICE, device, &device_len) == 0 && device_len) {
        (void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device_len);
    }
}

/* Ask the kernel's routing cache what it knows about the way to the peer. Return: bytes, or 0. */
static unsigned ask_kernel(const struct worker *w, const struct path *path)
{
    const union addr *remote = &path->where.remote;
    const struct listener *listener = listener_get(w->user, path->where.listener);
    bool v4 = remote->any.sa_family == AF_INET;
    int fd = listener ? socket(remote->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd < 0) {
        return 0;
    }
    int mtu = 0;
    socklen_t len = sizeof(mtu);
    imitate(fd, listener_fd(listener, w->index));
    if (connect(fd, &remote->any, addr_size(remote)) ||
        getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len)) {
        mtu = 0;
    }
    (void)close(fd);
    return mtu > 0 ? (unsigned)mtu : 0;
}

/* At most one question a second for a peer: several system calls, and a refused packet may be asked for at will. */
static unsigned path_mtu_of(const struct worker *w, struct peer *peer)
{
    if (atomic_exchange_explicit(&peer->path_asked, w->now_s, memory_order_relaxed) == w->now_s) {
        return 0;
    }
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    unsigned mtu = path->conn ? 0 : ask_kernel(w, path);
    return mtu < PATH_MTU_MIN ? 0 : mtu;
}

static void adopt(struct worker *w, struct peer *peer, unsigned mtu)
{
    struct dp_event event = {.type = DP_EV_PATH_MTU, .peer = peer->id, .other = DP_PEER_ID_NONE, .mtu = mtu};
    struct mtu_link link;
    user_lock(w->user);
    atomic_store(&peer->path_mtu, mtu);
    peer_resize(peer);
    event.inner = peer_link(peer, &link) ? mtu_inner(&link, mtu) : 0;
    atomic_store(&peer->inner_max, (uint16_t)(event.inner > UINT16_MAX ? UINT16_MAX : event.inner));
    struct path *path = atomic_load(&peer->path);
    if (atomic_load(&path->gso_max)) {
        atomic_store(&path->gso_max, UINT16_MAX); /* what was refused before tells nothing about the new size */
    }
    user_unlock(w->user);
    (void)worker_event(w, &event, EVENT_IMPORTANT);
}

void mtu_learn(struct worker *w, struct peer *peer, uint32_t size)
{
    unsigned mtu = path_mtu_of(w, peer);
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    unsigned ip = path->where.remote.any.sa_family == AF_INET6 ? IP_V6_HEADER : IP_V4_HEADER;
    if (mtu && mtu < size + ip + IP_UDP_HEADER && mtu != atomic_load_explicit(&peer->path_mtu, memory_order_relaxed)) {
        adopt(w, peer, mtu);
    }
}

void mtu_learn_refresh(struct worker *w, struct peer *peer)
{
    unsigned known = atomic_load_explicit(&peer->path_mtu, memory_order_relaxed);
    struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    uint32_t runs = atomic_load_explicit(&path->gso_max, memory_order_relaxed);
    bool limited = runs != 0 && runs != UINT16_MAX;
    if ((!known && !limited) || (known && w->now_s % REFRESH_S != peer->id % REFRESH_S)) {
        return;
    }
    unsigned mtu = path_mtu_of(w, peer);
    if (mtu && mtu != known) {
        adopt(w, peer, mtu);
    }
}

/* The destination speaks: the kernel takes nothing from a device that claims to come from itself. */
static void answer_too_big(struct worker *w, const struct gso_plan *plan, unsigned limit)
{
    static const struct ip_addr unset;
    uint8_t answer[ICMP_ANSWER_MAX];
    size_t len = icmp_too_big(plan->data + plan->l3_offset, plan->len - plan->l3_offset, &unset, limit, answer);
    if (len) {
        tun_io_write(w, answer, len);
    }
    worker_drop(w, DP_DROP_TOO_BIG, plan->segments);
}

bool mtu_learn_fit(struct worker *w, struct peer *peer, struct gso_plan *plan)
{
    unsigned limit = atomic_load_explicit(&peer->inner_max, memory_order_relaxed);
    if (!plan->is_ip || gso_longest(plan) <= limit || atomic_load_explicit(&peer->chunk, memory_order_relaxed) ||
        gso_shorten(plan, limit)) {
        return true;
    }
    const struct device *device = tun_io_device(w);
    bool may_fragment = plan->ip.version == 4 && !(plan->data[plan->l3_offset + 6] & IP4_DONT_FRAGMENT);
    if (may_fragment || !device || device->tap) {
        return true; /* the outer packet is fragmented, if the socket's settings allow that */
    }
    answer_too_big(w, plan, limit);
    return false;
}
