/* SPDX-License-Identifier: MIT */
#include "dp/user/mtu_learn.h"

#include <sys/socket.h>
#include <unistd.h>

#include "dp/user/gso.h"
#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/icmp.h"

#define PATH_MTU_MIN 576

/* Ask the kernel's routing cache what it knows about the way to @remote. Return: bytes, or 0. */
static unsigned path_mtu_of(const union addr *remote)
{
    bool v4 = remote->any.sa_family == AF_INET;
    int fd = socket(remote->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return 0;
    }
    int mtu = 0;
    socklen_t len = sizeof(mtu);
    if (connect(fd, &remote->any, addr_size(remote)) ||
        getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len)) {
        mtu = 0;
    }
    (void)close(fd);
    return mtu > 0 ? (unsigned)mtu : 0;
}

void mtu_learn(struct worker *w, struct peer *peer, uint32_t size)
{
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    unsigned mtu = path_mtu_of(&path->where.remote);
    unsigned ip = path->where.remote.any.sa_family == AF_INET6 ? IP_V6_HEADER : IP_V4_HEADER;
    if (!mtu || mtu >= size + ip + IP_UDP_HEADER || mtu < PATH_MTU_MIN ||
        mtu == atomic_load_explicit(&peer->path_mtu, memory_order_relaxed)) {
        return;
    }
    struct dp_event event = {.type = DP_EV_PATH_MTU, .peer = peer->id, .other = DP_PEER_ID_NONE, .mtu = mtu};
    struct mtu_link link;
    user_lock(w->user);
    atomic_store(&peer->path_mtu, mtu);
    peer_resize(peer);
    unsigned inner = peer_link(peer, &link) ? mtu_inner(&link, mtu) : 0;
    atomic_store(&peer->inner_max, (uint16_t)(inner > UINT16_MAX ? UINT16_MAX : inner));
    user_unlock(w->user);
    (void)worker_event(w, &event, EVENT_IMPORTANT);
}

bool mtu_learn_too_big(struct worker *w, struct peer *peer, const struct gso_plan *plan)
{
    unsigned limit = atomic_load_explicit(&peer->inner_max, memory_order_relaxed);
    uint32_t longest = plan->segments > 1 ? (uint32_t)plan->headers + plan->mss - plan->l3_offset
                                          : plan->len - plan->l3_offset;
    const uint8_t *ip = plan->data + plan->l3_offset;
    if (!plan->is_ip || longest <= limit || atomic_load_explicit(&peer->chunk, memory_order_relaxed)) {
        return false;
    }
    bool may_fragment = plan->ip.version == 4 && !(ip[6] & 0x40);
    const struct device *device = tun_io_device(w);
    if (may_fragment || !device || w->user->dp.config.device == DP_DEVICE_TAP) {
        return false;
    }
    const struct ip_addr *from = plan->ip.version == 4 ? &device->local4 : &device->local6;
    uint8_t answer[ICMP_ANSWER_MAX];
    size_t len = icmp_too_big(ip, plan->len - plan->l3_offset, from, limit, answer);
    if (len) {
        tun_io_write(w, answer, len);
    }
    worker_drop(w, DP_DROP_TOO_BIG, plan->segments);
    return true;
}
