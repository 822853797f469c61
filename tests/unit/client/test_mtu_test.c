/* SPDX-License-Identifier: MIT */
#include "client/mtu_test.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dp/fake/fake.h"
#include "wire/data_pkt.h"

#define PEER 1u
#define LARGEST 1500u
#define REPLY_SIZE (DATA_PKT_MAGIC_SIZE + 5u)

struct bench {
    struct loop *loop;
    struct dp *dp;
    struct mtu_test *test;
};

static char logged[4096];

static void collect(void *arg, enum log_severity severity, const char *line)
{
    (void)arg;
    (void)severity;
    size_t used = strlen(logged);
    snprintf(logged + used, sizeof(logged) - used, "%s\n", line);
}

static void open_bench(struct bench *b, unsigned largest)
{
    logged[0] = '\0';
    log_listener_set(collect, NULL);
    cr_assert_eq(loop_open(&b->loop), 0);
    cr_assert_eq(dp_open(&(struct dp_config){.backend = "fake"}, &b->dp), 0);
    struct dp_peer peer = {.id = PEER, .tx_id = PEER, .path = {.conn = 1}};
    cr_assert_eq(dp_peer_new(b->dp, &peer), 0);
    b->test = mtu_test_start(
        &(struct mtu_test_request){.loop = b->loop, .dp = b->dp, .peer = PEER, .largest = largest, .step_ms = 1});
}

static void close_bench(struct bench *b)
{
    mtu_test_free(b->test);
    dp_close(b->dp);
    loop_close(b->loop);
    log_listener_set(NULL, NULL);
}

/* Payload number @i that was sent. */
static const struct dp_fake_call *sent(const struct bench *b, size_t i)
{
    for (size_t call = 0; call < dp_fake_calls(b->dp); call++) {
        const struct dp_fake_call *c = dp_fake_call(b->dp, call);
        if (c->op == DP_FAKE_PAYLOAD_SEND && i-- == 0) {
            return c;
        }
    }
    return NULL;
}

static void run_until_sent(struct bench *b, size_t count)
{
    while (dp_fake_count(b->dp, DP_FAKE_PAYLOAD_SEND) < count) {
        uv_run(loop_uv(b->loop), UV_RUN_ONCE);
    }
}

static unsigned type_of(const struct dp_fake_call *c)
{
    cr_assert(data_pkt_is_occ(c->data, c->len));
    return c->data[DATA_PKT_MAGIC_SIZE];
}

static void reply(struct bench *b, uint16_t received, uint16_t transmitted, size_t len)
{
    uint8_t message[REPLY_SIZE];
    struct wr w = wr_init(message, sizeof(message));
    data_pkt_occ_write(&w, DATA_PKT_OCC_MTU_REPLY);
    wr_u16(&w, received);
    wr_u16(&w, transmitted);
    mtu_test_payload(b->test, message, len);
}

TestSuite(mtu_test, .timeout = 20);

Test(mtu_test, sizes_rise_to_the_mtu_both_ways)
{
    struct bench b;
    open_bench(&b, LARGEST);
    run_until_sent(&b, 61);
    unsigned last = 0;
    for (size_t i = 0; i < 60; i += 2) {
        const struct dp_fake_call *request = sent(&b, i);
        const struct dp_fake_call *load = sent(&b, i + 1);
        cr_assert_eq(type_of(request), DATA_PKT_OCC_MTU_LOAD_REQUEST);
        cr_assert_eq(request->len, DATA_PKT_MAGIC_SIZE + 3u);
        cr_assert_eq(type_of(load), DATA_PKT_OCC_MTU_LOAD);
        cr_assert_eq(be16_load(request->data + DATA_PKT_MAGIC_SIZE + 1), load->len + DATA_PKT_LOAD_OVERHEAD);
        cr_assert_geq(load->len, last);
        last = (unsigned)load->len;
    }
    cr_assert_eq(sent(&b, 1)->len, LARGEST - 1000);
    cr_assert_eq(last, LARGEST);
    cr_assert_eq(type_of(sent(&b, 60)), DATA_PKT_OCC_MTU_REQUEST);
    cr_assert(strstr(logged, "NOTE: Beginning empirical MTU test -- results should be available in 3 to 4 minutes."));
    close_bench(&b);
}

Test(mtu_test, answer_ends_it_with_both_directions)
{
    struct bench b;
    open_bench(&b, LARGEST);
    run_until_sent(&b, 61);
    reply(&b, 1424, 1524, REPLY_SIZE - 1); /* cut short: no answer */
    cr_assert_null(strstr(logged, "completed"));
    reply(&b, 0, 1524, REPLY_SIZE);
    cr_assert(strstr(logged, "NOTE: Empirical MTU test completed [Tried,Actual] local->remote=[0,0] "
                             "remote->local=[1524,0]"));
    cr_assert(strstr(logged, "NOTE: This connection is unable to accommodate a UDP packet size of 1524. "));
    logged[0] = '\0';
    reply(&b, 0, 1524, REPLY_SIZE);
    cr_assert_str_empty(logged, "a second answer says nothing");
    for (int i = 0; i < 20; i++) {
        uv_run(loop_uv(b.loop), UV_RUN_NOWAIT);
    }
    cr_assert_eq(dp_fake_count(b.dp, DP_FAKE_PAYLOAD_SEND), 61, "nothing is sent any more");
    close_bench(&b);
}

Test(mtu_test, answers_that_it_did_not_ask_for_are_ignored)
{
    struct bench b;
    open_bench(&b, LARGEST);
    run_until_sent(&b, 5);
    reply(&b, 1524, 1524, REPLY_SIZE);
    cr_assert_null(strstr(logged, "completed"));
    run_until_sent(&b, 61);
    close_bench(&b);
}

Test(mtu_test, silent_peer_is_given_up)
{
    struct bench b;
    open_bench(&b, LARGEST);
    while (!strstr(logged, "failed to empirically measure MTU")) {
        uv_run(loop_uv(b.loop), UV_RUN_ONCE);
    }
    cr_assert_eq(dp_fake_count(b.dp, DP_FAKE_PAYLOAD_SEND), 70);
    reply(&b, 1524, 1524, REPLY_SIZE);
    cr_assert_null(strstr(logged, "completed"), "too late");
    close_bench(&b);
}

Test(mtu_test, tiny_mtu_never_sends_less_than_a_message)
{
    struct bench b;
    open_bench(&b, 1);
    run_until_sent(&b, 60);
    cr_assert_eq(sent(&b, 1)->len, DATA_PKT_MAGIC_SIZE + 1u);
    cr_assert_eq(sent(&b, 59)->len, DATA_PKT_MAGIC_SIZE + 1u);
    close_bench(&b);
}
