/* SPDX-License-Identifier: MIT */

/* Plain control packets, early negotiation flags, appended client keys, TCP framing, data headers. */
#include <stdlib.h>

#include "base/span.h"
#include "fuzz.h"
#include "wire/ctrl_pkt.h"
#include "wire/data_pkt.h"
#include "wire/mtu_search.h"
#include "wire/opcode.h"
#include "wire/stream.h"

/* What was read and is written again must be the same bytes. */
static void packet(const uint8_t *data, size_t size)
{
    struct rd r = rd_init(data, size);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    if (ctrl_pkt_header_read(&r, &header) != 0) {
        return;
    }
    FUZZ_REQUIRE(opcode_is_control(header.opcode));
    if (ctrl_pkt_body_read(&r, header.opcode, &body) != 0) {
        return;
    }
    FUZZ_REQUIRE(body.ack_count <= CTRL_PKT_ACKS_MAX);
    uint8_t *again = malloc(size);
    FUZZ_REQUIRE(again);
    struct wr w = wr_init(again, size);
    ctrl_pkt_header_write(&w, &header);
    ctrl_pkt_body_write(&w, header.opcode, &body);
    FUZZ_REQUIRE(wr_ok(&w) && wr_len(&w) <= size && memcmp(again, data, wr_len(&w)) == 0);
    free(again);
}

static void stream(const uint8_t *data, size_t size)
{
    struct rd r = rd_init(data, size);
    struct span one;
    while (stream_next(&r, 1500, &one) == 1) {
        FUZZ_REQUIRE(one.len > 0 && one.len <= 1500 && one.data + one.len <= data + size);
    }
    (void)stream_guess(data, size);
}

/* A peer that answers whatever it likes to the questions for the path's MTU: a byte a second. */
static void search(const uint8_t *data, size_t size)
{
    struct mtu_search s;
    unsigned limit = 0;
    if (size < 6) {
        return;
    }
    mtu_search_begin(&s, be16_load(data), be16_load(data + 2), be16_load(data + 4));
    for (size_t i = 6; i < size; i++) {
        (void)mtu_search_tick(&s, data[i] & 7u);
        limit = mtu_search_limit(&s, limit);
        FUZZ_REQUIRE(limit <= s.top && s.size <= MTU_SEARCH_TOP_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    packet(copy, size);
    stream(copy, size);
    search(copy, size);
    size_t packet_len;
    struct span wkc;
    if (ctrl_pkt_wkc_split(copy, size, &packet_len, &wkc) == 0) {
        FUZZ_REQUIRE(packet_len + wkc.len == size);
    }
    uint16_t flags;
    (void)ctrl_pkt_early_read((struct span){copy, size}, &flags);
    struct data_pkt_header header;
    (void)data_pkt_header_read(copy, size, &header);
    uint8_t out[512];
    struct wr w = wr_init(out, sizeof(out));
    struct data_pkt_occ_facts facts = {.options_string = "V4,dev-type tun"};
    (void)data_pkt_is_ping(copy, size);
    (void)data_pkt_occ_answer(&w, copy, size, &facts);
    FUZZ_REQUIRE(data_pkt_load_len(copy, size) <= size);
    FUZZ_REQUIRE(data_pkt_mtu_reply_read(copy, size) <= UINT16_MAX);
    (void)data_pkt_window_read(copy, size);
    free(copy);
    return 0;
}
