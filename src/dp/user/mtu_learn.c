/* SPDX-License-Identifier: MIT */
#include "dp/user/mtu_learn.h"

#include "dp/user/gso.h"
#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/tx.h"
#include "dp/user/udp_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/icmp.h"
#include "wire/ip_fragment.h"

#define PATH_MTU_MIN 576
#define ORDINARY_MTU 1500u    /* inner packets up to here are not worth a question */
#define IP4_DONT_FRAGMENT 0x40
#define REFRESH_S 30u         /* a learnt limit is looked at again so often */

/* @asked: when that was done last for the same reason. */
static unsigned ask(struct worker *w, struct peer *peer, _Atomic uint32_t *asked)
{
    if (atomic_exchange_explicit(asked, w->now_s, memory_order_relaxed) == w->now_s) {
        return 0;
    }
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    const struct listener *listener = path->conn ? NULL : listener_get(w->user, path->where.listener);
    user_lock(w->user);
    unsigned mtu = listener ? udp_io_path_mtu(listener, path) : 0;
    user_unlock(w->user);
    return mtu < PATH_MTU_MIN ? 0 : mtu;
}

unsigned mtu_learn_ask(struct worker *w, struct peer *peer)
{
    return ask(w, peer, &peer->path_asked);
}

/* Put the smaller one of what was told and what was found out into force; 0 is none. @shown: what to call the path's
 * MTU when there is no limit any more; 0: say nothing yet. Under the lock. */
static void adopt(struct worker *w, struct peer *peer, unsigned shown)
{
    struct dp_event event = {.type = DP_EV_PATH_MTU, .peer = peer->id, .other = DP_PEER_ID_NONE};
    struct mtu_link link;
    struct path *path = atomic_load(&peer->path);
    unsigned told = peer->known_mtu.told;
    unsigned found = peer->known_mtu.found;
    unsigned limit = told && (!found || told < found) ? told : found;
    bool changes = limit != atomic_load(&peer->path_mtu);
    event.mtu = limit ? limit : shown;
    atomic_store(&peer->path_mtu, limit);
    atomic_store(&peer->known_mtu.swallowed, limit && limit == found);
    peer_resize(peer);
    event.inner = peer_link(peer, &link) ? mtu_inner(&link, event.mtu) : 0;
    event.inner = event.inner < UINT16_MAX ? event.inner : UINT16_MAX;
    atomic_store(&peer->inner_max, limit ? event.inner : 0);
    atomic_store(&peer->fit_above, limit ? (uint16_t)event.inner : 0);
    if (!limit && !atomic_load(&peer->tx_ordered)) {
        mtu_learn_expect(peer);
    }
    if (changes && atomic_load(&path->gso_max)) {
        atomic_store(&path->gso_max, UINT16_MAX); /* what was refused before tells nothing about the new size */
    }
    if (shown && limit != peer->known_mtu.said && worker_event(w, &event, EVENT_IMPORTANT)) {
        peer->known_mtu.said = limit;
    }
}

/* An ordinary limit is none, unless nothing fragments: then a full packet just leaves in two parts, as everybody does
 * it. */
void mtu_learn_told(struct worker *w, struct peer *peer, unsigned mtu)
{
    user_lock(w->user);
    const struct path *path = atomic_load(&peer->path);
    peer->known_mtu.told = mtu < ORDINARY_MTU || atomic_load(&path->strict) ? mtu : 0;
    adopt(w, peer, mtu);
    user_unlock(w->user);
}

void mtu_learn_probed(struct worker *w, struct peer *peer, const struct mtu_search *search, bool ended)
{
    user_lock(w->user);
    unsigned limit = mtu_search_limit(search, peer->known_mtu.found);
    if (limit != peer->known_mtu.found || ended) {
        peer->known_mtu.found = limit;
        adopt(w, peer, ended && search->state == MTU_SEARCH_DONE ? search->passed : 0);
    }
    user_unlock(w->user);
}

void mtu_learn_forget(struct peer *peer)
{
    peer->known_mtu.told = 0;
    peer->known_mtu.found = 0;
    peer->known_mtu.said = 0;
    atomic_store(&peer->path_mtu, 0);
    atomic_store(&peer->inner_max, 0);
    atomic_store(&peer->fit_above, 0);
    atomic_store(&peer->probe.stale, true);
    if (!atomic_load(&peer->tx_ordered)) {
        mtu_learn_expect(peer);
    }
}

void mtu_learn(struct worker *w, struct peer *peer, uint32_t size)
{
    if (w == w->user->control) {
        return; /* the control thread sends under the lock; whether a test packet fits is no limit to learn anyhow */
    }
    unsigned mtu = ask(w, peer, &peer->path_needed);
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    unsigned ip = path->where.remote.any.sa_family == AF_INET6 ? IP_V6_HEADER : IP_V4_HEADER;
    if (mtu && mtu < size + ip + IP_UDP_HEADER) {
        mtu_learn_told(w, peer, mtu);
    }
}

void mtu_learn_refresh(struct worker *w, struct peer *peer)
{
    unsigned known = atomic_load_explicit(&peer->path_mtu, memory_order_relaxed);
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    uint32_t runs = atomic_load_explicit(&path->gso_max, memory_order_relaxed);
    bool limited = runs != 0 && runs != UINT16_MAX;
    uint32_t asked = atomic_load_explicit(&peer->path_asked, memory_order_relaxed);
    if ((!known && !limited) || w->now_s - asked < REFRESH_S) {
        return;
    }
    unsigned mtu = mtu_learn_ask(w, peer);
    if (mtu && mtu != known) {
        mtu_learn_told(w, peer, mtu);
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

void mtu_learn_expect(struct peer *peer)
{
    uint16_t none = 0;
    (void)atomic_compare_exchange_strong(&peer->fit_above, &none, ORDINARY_MTU);
}

/* What fits the first part of the way, which is what fragments locally. Return: 0 when it is not known. */
static unsigned cut_limit(struct worker *w, struct peer *peer)
{
    unsigned limit = atomic_load_explicit(&peer->cut_max, memory_order_relaxed);
    unsigned mtu = limit ? 0 : ask(w, peer, &peer->path_needed);
    struct mtu_link link;
    if (mtu) {
        user_lock(w->user);
        limit = peer_link(peer, &link) ? mtu_inner(&link, mtu) : 0;
        atomic_store(&peer->cut_max, limit);
        user_unlock(w->user);
    }
    return limit;
}

bool mtu_learn_fit(struct worker *w, struct peer *peer, struct gso_plan *plan)
{
    unsigned learnt = atomic_load_explicit(&peer->inner_max, memory_order_relaxed);
    bool fragments = atomic_load_explicit(&peer->chunk, memory_order_relaxed) != 0;
    if (!plan->is_ip || fragments) {
        return true;
    }
    unsigned limit = learnt ? learnt : cut_limit(w, peer);
    if (!limit || gso_longest(plan) <= limit || gso_shorten(plan, limit) || !learnt) {
        return true;
    }
    const struct device *device = tun_io_device(w);
    const uint8_t *ip = plan->data + plan->l3_offset;
    bool may_fragment = plan->ip.version == 4 && !(ip[6] & IP4_DONT_FRAGMENT);
    bool outside = !atomic_load_explicit(&peer->known_mtu.swallowed, memory_order_relaxed);
    if (!device || device->tap || (may_fragment && outside)) {
        return true; /* the outer packet is fragmented, if the socket's settings allow that */
    }
    if (ip_fragment_allowed(ip, plan->len - plan->l3_offset)) {
        tx_fragments(w, peer, plan, limit);
        return false;
    }
    answer_too_big(w, plan, limit);
    return false;
}
