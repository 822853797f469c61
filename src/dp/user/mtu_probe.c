/* SPDX-License-Identifier: MIT */
#include "dp/user/mtu_probe.h"

#include "dp/user/mtu_learn.h"
#include "dp/user/path.h"
#include "dp/user/peer.h"
#include "dp/user/tun_io.h"
#include "dp/user/tx.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/data_pkt.h"
#include "wire/ether.h"

#define AGAIN_S 600u         /* a path may change without a trace */
#define ALIVE_PAYLOAD 256u   /* of short loads, bytes */
#define BIAS_MAX 128u        /* programs differ in what they subtract from the size asked for: headers, HMAC, nothing */
#define SLACK 24u            /* and in what they count of a datagram */
#define INNER_ORDINARY 1500u /* longer inner packets are fragmented as a rule; that is not worth a question */

static uint64_t carried(const struct peer *peer)
{
    return atomic_load_explicit(&peer->counters.tunnel_rx_packets, memory_order_relaxed) +
           atomic_load_explicit(&peer->counters.tunnel_tx_packets, memory_order_relaxed);
}

/* Payload of the longest packet that is at most @size bytes outside. */
static unsigned payload_for(const struct mtu_link *link, unsigned size)
{
    struct mtu_link plain = *link;
    plain.tap = false; /* a payload as it is */
    return mtu_inner(&plain, size);
}

/* Largest packet that is ever sent to the peer, as the network sees it. Under the lock. */
static unsigned longest_sent(const struct worker *w, const struct peer *peer, const struct mtu_link *link)
{
    const struct device *device = tun_io_device(w);
    unsigned mtu = device ? atomic_load_explicit(&device->mtu, memory_order_relaxed) : INNER_ORDINARY;
    unsigned longest = mtu_outer(link, mtu + (link->tap ? ETHER_HEADER_SIZE : 0));
    unsigned chunk = peer_chunk(peer, link);
    if (chunk) {
        struct mtu_link part = *link;
        part.fragment = part.compress_marker = part.tap = false; /* all that is within a chunk already */
        unsigned most = mtu_outer(&part, chunk + FRAGMENT_HEADER_SIZE);
        longest = most < longest ? most : longest;
    }
    return longest;
}

/* Return: false while there is no key. */
static bool sizes_of(struct worker *w, const struct peer *peer, struct mtu_link *link, unsigned *longest)
{
    user_lock(w->user);
    bool known = peer_link(peer, link);
    *longest = known ? longest_sent(w, peer, link) : 0;
    user_unlock(w->user);
    return known;
}

static void ask_for_load(struct worker *w, struct peer *peer, unsigned payload)
{
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1 + sizeof(uint16_t)];
    struct wr out = wr_init(message, sizeof(message));
    int32_t bias = atomic_load_explicit(&peer->probe.bias, memory_order_relaxed);
    int32_t size = (int32_t)(payload + DATA_PKT_LOAD_OVERHEAD) + (bias == MTU_PROBE_UNKNOWN ? 0 : bias);
    data_pkt_load_request_write(&out, (unsigned)size);
    (void)tx_packet(w, peer, message, wr_len(&out), false);
}

/* The long packet goes alone: in a run with others Linux would not set "don't fragment" on it. */
static void send_probe(struct worker *w, struct peer *peer, unsigned payload)
{
    uint8_t message[MTU_SEARCH_TOP_MAX];
    struct wr out = wr_init(message, sizeof(message));
    data_pkt_probe_write(&out, payload);
    if (wr_ok(&out)) {
        tx_flush(w);
        (void)tx_packet_whole(w, peer, message, wr_len(&out));
        tx_flush(w);
    }
}

static void send_signs(struct worker *w, struct peer *peer, const struct mtu_link *link, unsigned signs)
{
    struct mtu_probe *probe = &peer->probe;
    unsigned payload = payload_for(link, probe->search.size);
    atomic_store_explicit(&probe->payload, payload, memory_order_relaxed);
    atomic_store_explicit(&probe->datagram, payload + mtu_proto_header(link), memory_order_relaxed);
    if (signs & MTU_SEARCH_ALIVE) {
        ask_for_load(w, peer, ALIVE_PAYLOAD);
    }
    if (signs & MTU_SEARCH_BACKWARD) {
        ask_for_load(w, peer, payload);
    }
    if (signs & MTU_SEARCH_FORWARD) {
        send_probe(w, peer, payload);
    }
}

static void begin(struct worker *w, struct peer *peer, const struct mtu_link *link, unsigned longest)
{
    unsigned first = mtu_learn_ask(w, peer);
    if (!first) {
        return; /* asked in this second already */
    }
    struct mtu_probe *probe = &peer->probe;
    unsigned top = first < longest ? first : longest;
    bool ordinary = longest <= mtu_outer(link, INNER_ORDINARY + ETHER_HEADER_SIZE);
    atomic_store_explicit(&probe->stale, false, memory_order_relaxed);
    atomic_store_explicit(&probe->heard, 0, memory_order_relaxed);
    mtu_search_begin(&probe->search, top, ordinary ? longest : 0, atomic_load(&peer->path_mtu));
}

/* Whether to start: somebody is there and can be reached by datagrams. A client's server certainly is. */
static bool due(const struct worker *w, const struct peer *peer)
{
    const struct mtu_probe *probe = &peer->probe;
    const struct path *path = atomic_load_explicit(&peer->path, memory_order_acquire);
    bool heard = w->user->dp.config.mode == DP_MODE_P2P ||
                 atomic_load_explicit(&peer->counters.link_rx_packets, memory_order_relaxed) != 0;
    if (!peer->probe_path || path->conn || !heard || !peer_tx_key(peer)) {
        return false;
    }
    if (probe->search.state == MTU_SEARCH_IDLE || atomic_load_explicit(&probe->stale, memory_order_relaxed)) {
        return true;
    }
    return probe->search.state != MTU_SEARCH_RUNNING && w->now_s - probe->finished_s >= AGAIN_S &&
           carried(peer) != probe->carried;
}

/* The first packet may have brought an answer of a router, to the kernel. */
static bool told_meanwhile(struct worker *w, struct peer *peer)
{
    const struct mtu_search *search = &peer->probe.search;
    if (search->passed || !search->tries || atomic_load_explicit(&peer->probe.heard, memory_order_relaxed)) {
        return false;
    }
    unsigned mtu = mtu_learn_ask(w, peer);
    if (!mtu || mtu >= search->size) {
        return false;
    }
    mtu_learn_told(w, peer, mtu);
    return true;
}

void mtu_probe_tick(struct worker *w, struct peer *peer, unsigned *budget)
{
    struct mtu_probe *probe = &peer->probe;
    bool starts = due(w, peer);
    struct mtu_link link;
    unsigned longest;
    if ((!starts && probe->search.state != MTU_SEARCH_RUNNING) || !*budget || !sizes_of(w, peer, &link, &longest)) {
        return;
    }
    --*budget;
    if (starts || told_meanwhile(w, peer)) {
        probe->search.state = MTU_SEARCH_IDLE;
        begin(w, peer, &link, longest);
    }
    unsigned signs = mtu_search_tick(&probe->search, atomic_exchange_explicit(&probe->heard, 0, memory_order_relaxed));
    bool ended = probe->search.state == MTU_SEARCH_DONE || probe->search.state == MTU_SEARCH_DEAF;
    if (ended) {
        probe->finished_s = w->now_s;
        probe->carried = carried(peer);
    }
    mtu_learn_probed(w, peer, &probe->search, ended);
    if (signs) {
        send_signs(w, peer, &link, signs);
    }
}

/* The answer to the question for a short load tells how the peer counts. */
static void note_bias(struct mtu_probe *probe, size_t load)
{
    int32_t unknown = MTU_PROBE_UNKNOWN;
    int32_t bias = (int32_t)ALIVE_PAYLOAD - (int32_t)load;
    (void)atomic_compare_exchange_strong_explicit(&probe->bias, &unknown, bias, memory_order_relaxed,
                                                  memory_order_relaxed);
}

bool mtu_probe_received(struct peer *peer, const uint8_t *payload, size_t len)
{
    struct mtu_probe *probe = &peer->probe;
    size_t load = data_pkt_load_len(payload, len);
    unsigned arrived = data_pkt_mtu_reply_read(payload, len);
    unsigned heard = 0;
    bool exact = atomic_load_explicit(&probe->bias, memory_order_relaxed) != MTU_PROBE_UNKNOWN;
    if (arrived && arrived + SLACK >= atomic_load_explicit(&probe->datagram, memory_order_relaxed)) {
        heard |= MTU_SEARCH_FORWARD;
    }
    if (load && load <= ALIVE_PAYLOAD + BIAS_MAX) {
        heard |= MTU_SEARCH_ALIVE;
        note_bias(probe, load);
    } else if (load && load + (exact ? 0 : BIAS_MAX) >= atomic_load_explicit(&probe->payload, memory_order_relaxed)) {
        heard |= MTU_SEARCH_BACKWARD;
    }
    if (heard) {
        (void)atomic_fetch_or_explicit(&probe->heard, heard, memory_order_relaxed);
    }
    return load != 0;
}
