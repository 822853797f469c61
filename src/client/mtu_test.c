/* SPDX-License-Identifier: MIT */
#include "client/mtu_test.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "wire/data_pkt.h"

#define TRIES 3u         /* of each size in each direction: packets get lost for other reasons too */
#define QUESTIONS_MAX 10u
#define LOAD_MIN (DATA_PKT_MAGIC_SIZE + 1u)

/* Below the tunnel's MTU, bytes, in the order in which they are tried: what is lost must not hide what gets through. */
static const uint16_t shorter_by[] = {1000, 750, 500, 400, 300, 200, 150, 100, 50, 0};

#define SIZES (sizeof(shorter_by) / sizeof(shorter_by[0]))
#define LOADS (2u * TRIES * SIZES)

struct mtu_test {
    struct mtu_test_request request;
    struct loop_timer *timer;
    unsigned step; /* 0..LOADS-1: loads, by turns from the peer and to it; then questions */
};

static unsigned load_size(const struct mtu_test *t)
{
    unsigned less = shorter_by[t->step / (2 * TRIES)];
    return t->request.largest > less + LOAD_MIN ? t->request.largest - less : LOAD_MIN;
}

/* Refused while the peer has no key: the next step comes anyhow. */
static void send_message(struct mtu_test *t, const struct wr *w)
{
    if (wr_ok(w)) {
        (void)dp_payload_send(t->request.dp, t->request.peer, w->start, wr_len(w));
    }
}

static void ask_for_load(struct mtu_test *t)
{
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1 + sizeof(uint16_t)];
    struct wr w = wr_init(message, sizeof(message));
    unsigned size = load_size(t) + DATA_PKT_LOAD_OVERHEAD;
    data_pkt_load_request_write(&w, size);
    send_message(t, &w);
}

static void send_load(struct mtu_test *t)
{
    size_t size = load_size(t);
    uint8_t *message = mem_zalloc(size);
    struct wr w = wr_init(message, size);
    data_pkt_occ_write(&w, DATA_PKT_OCC_MTU_LOAD);
    (void)wr_reserve(&w, size - wr_len(&w)); /* zeroes: what is sent is encrypted, never compressed */
    send_message(t, &w);
    free(message);
}

static void ask_for_result(struct mtu_test *t)
{
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1];
    struct wr w = wr_init(message, sizeof(message));
    data_pkt_occ_write(&w, DATA_PKT_OCC_MTU_REQUEST);
    send_message(t, &w);
}

/* Answers that come later are not ours. */
static void end(struct mtu_test *t)
{
    loop_timer_stop(t->timer);
    t->step = 0;
}

static void step(void *arg)
{
    struct mtu_test *t = arg;
    if (t->step == 0) {
        log_info("NOTE: Beginning empirical MTU test -- results should be available in 3 to 4 minutes.");
    }
    if (t->step >= LOADS + QUESTIONS_MAX) {
        end(t);
        log_info("NOTE: failed to empirically measure MTU: the peer does not answer the question for its result.");
        return;
    }
    if (t->step >= LOADS) {
        ask_for_result(t);
    } else if (t->step % 2 == 0) {
        ask_for_load(t);
    } else {
        send_load(t);
    }
    t->step++;
}

struct mtu_test *mtu_test_start(const struct mtu_test_request *request)
{
    struct mtu_test *t = mem_zalloc(sizeof(*t));
    t->request = *request;
    t->timer = loop_timer_new(request->loop, step, t);
    loop_timer_every(t->timer, request->step_ms);
    return t;
}

static void warn_if_lost(unsigned tried, unsigned actual)
{
    if (actual < tried) {
        log_warn("NOTE: This connection is unable to accommodate a UDP packet size of %u. Consider using --fragment or "
                 "--mssfix options as a workaround.",
                 tried);
    }
}

void mtu_test_payload(struct mtu_test *t, const uint8_t *payload, size_t len)
{
    /* others ask for such answers too, to see whether the peer is there */
    if (t->step <= LOADS || !data_pkt_is_occ(payload, len) ||
        payload[DATA_PKT_MAGIC_SIZE] != DATA_PKT_OCC_MTU_REPLY) {
        return;
    }
    struct rd r = rd_init(payload + DATA_PKT_MAGIC_SIZE + 1, len - DATA_PKT_MAGIC_SIZE - 1);
    unsigned peer_received = rd_u16(&r);
    unsigned peer_sent = rd_u16(&r);
    struct dp_peer_stats own;
    if (!rd_ok(&r) || dp_peer_stats(t->request.dp, t->request.peer, &own)) {
        return;
    }
    end(t);
    log_info("NOTE: Empirical MTU test completed [Tried,Actual] local->remote=[%u,%u] remote->local=[%u,%u]",
             own.link_tx_max, peer_received, peer_sent, own.link_rx_max);
    warn_if_lost(own.link_tx_max, peer_received);
    warn_if_lost(peer_sent, own.link_rx_max);
}

void mtu_test_free(struct mtu_test *t)
{
    if (t) {
        loop_timer_free(t->timer);
        free(t);
    }
}
