/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_MTU_TEST_H
#define VPND_CLIENT_MTU_TEST_H

/*
 * `mtu-test`: how large a packet gets through, measured (data channel spec, 10.2). Packets of rising size go both ways
 * through the tunnel; then the peer is asked for the largest that it sent and received, and one line tells the result.
 * It measures only: the data plane adapts to the path by itself. Loop thread only.
 */
#include <stddef.h>
#include <stdint.h>

#include "dp/dp.h"
#include "node/loop.h"

#define MTU_TEST_STEP_MS 3000u /* OpenVPN's pace: slow enough to disturb nobody */

struct mtu_test;

/** What is measured, and how. */
struct mtu_test_request {
    struct loop *loop;
    struct dp *dp;
    uint32_t peer;    /* the data plane's id for it */
    unsigned largest; /* payload of the largest packet, bytes: the tunnel's MTU, at most 65535 */
    uint64_t step_ms; /* a packet or question so often: MTU_TEST_STEP_MS */
};

/** mtu_test_start - begin after the first step. @request is copied. Return: never NULL. */
struct mtu_test *mtu_test_start(const struct mtu_test_request *request);

/** mtu_test_payload - look at an OCC message of the peer: the answer ends the test with a line in the log. */
void mtu_test_payload(struct mtu_test *test, const uint8_t *payload, size_t len);

/** mtu_test_free - end at once, without a result; NULL is fine. */
void mtu_test_free(struct mtu_test *test);

#endif
