/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "vectors.h"
#include "wire/data_pkt.h"

Test(data_pkt, headers_of_both_versions)
{
    struct data_pkt_header h;
    const uint8_t v2[] = {0x4b, 0x12, 0x34, 0x56};
    cr_assert_eq(data_pkt_header_read(v2, sizeof(v2), &h), 0);
    cr_assert_eq(h.opcode, OPCODE_DATA_V2);
    cr_assert_eq(h.key_id, 3);
    cr_assert_eq(h.peer_id, 0x123456);
    cr_assert_eq(h.size, 4);
    cr_assert_eq(data_pkt_v2_word(3, 0x123456), be32_load(v2));
    cr_assert_eq(data_pkt_header_read(v2, 3, &h), ERR_TRUNCATED);
    cr_assert_eq(data_pkt_header_read(v2, 0, &h), ERR_TRUNCATED);

    const uint8_t v1[] = {0x31};
    cr_assert_eq(data_pkt_header_read(v1, 1, &h), 0);
    cr_assert_eq(h.key_id, 1);
    cr_assert_eq(h.peer_id, DATA_PKT_PEER_ID_NONE);
    cr_assert_eq(h.size, 1);
    const uint8_t control[] = {0x38, 0, 0, 0};
    cr_assert_eq(data_pkt_header_read(control, 4, &h), ERR_FORMAT);
}

Test(data_pkt, ping_needs_exact_length)
{
    uint8_t ping[17];
    memcpy(ping, data_pkt_ping, 16);
    cr_assert(data_pkt_is_ping(ping, 16));
    cr_assert_not(data_pkt_is_ping(ping, 17));
    cr_assert_not(data_pkt_is_ping(ping, 15));
    ping[15] ^= 1;
    cr_assert_not(data_pkt_is_ping(ping, 16));
}

Test(data_pkt, captured_occ_messages_are_recognised)
{
    json_t *root = vectors_load("static_key_and_occ.json");
    size_t i;
    json_t *row;
    unsigned seen = 0;
    json_array_foreach(json_object_get(root, "packets"), i, row) {
        const char *kind = vectors_text(row, "kind");
        uint8_t payload[1024];
        size_t len = vectors_hex(row, "payload", payload, sizeof(payload));
        bool occ = strncmp(kind, "OCC type ", 9) == 0;
        cr_assert_eq(data_pkt_is_occ(payload, len), occ);
        cr_assert_eq(data_pkt_is_ping(payload, len), strcmp(kind, "ping") == 0);
        if (occ) {
            cr_assert_eq(payload[16], (uint8_t)(kind[9] - '0'));
            seen++;
        }
    }
    cr_assert_eq(seen, 3);
    json_decref(root);
}

Test(data_pkt, occ_requests_are_answered)
{
    struct data_pkt_occ_facts facts = {.options_string = "V4,x", .max_received = 1400, .max_sent = 1300, .overhead = 30};
    uint8_t request[32];
    uint8_t reply[256];
    struct wr q = wr_init(request, sizeof(request));
    data_pkt_occ_write(&q, DATA_PKT_OCC_REQUEST);
    struct wr w = wr_init(reply, sizeof(reply));
    cr_assert(data_pkt_occ_answer(&w, request, wr_len(&q), &facts));
    cr_assert_eq(wr_len(&w), 17 + 5);
    cr_assert_eq(reply[16], DATA_PKT_OCC_REPLY);
    cr_assert_str_eq((char *)reply + 17, "V4,x");

    q = wr_init(request, sizeof(request));
    data_pkt_occ_write(&q, DATA_PKT_OCC_MTU_REQUEST);
    w = wr_init(reply, sizeof(reply));
    cr_assert(data_pkt_occ_answer(&w, request, wr_len(&q), &facts));
    cr_assert_eq(be16_load(reply + 17), 1400);
    cr_assert_eq(be16_load(reply + 19), 1300);
}

Test(data_pkt, mtu_load_is_bounded_both_ways)
{
    struct data_pkt_occ_facts facts = {.options_string = "", .overhead = 30};
    uint8_t request[32];
    uint8_t reply[256];
    const uint16_t wanted[] = {0, 10, 47, 100, 65535};
    const size_t expect[] = {17, 17, 17, 17 + 53, 256};
    for (unsigned i = 0; i < 5; i++) {
        struct wr q = wr_init(request, sizeof(request));
        data_pkt_occ_write(&q, DATA_PKT_OCC_MTU_LOAD_REQUEST);
        struct wr w = wr_init(reply, sizeof(reply));
        cr_assert_not(data_pkt_occ_answer(&w, request, wr_len(&q), &facts), "no size given");
        wr_u16(&q, wanted[i]);
        w = wr_init(reply, sizeof(reply));
        cr_assert(data_pkt_occ_answer(&w, request, wr_len(&q), &facts));
        cr_assert_eq(wr_len(&w), expect[i], "%u: %zu", wanted[i], wr_len(&w));
    }
    struct wr q = wr_init(request, sizeof(request));
    data_pkt_occ_write(&q, DATA_PKT_OCC_EXIT);
    struct wr w = wr_init(reply, sizeof(reply));
    cr_assert_not(data_pkt_occ_answer(&w, request, wr_len(&q), &facts));
    cr_assert_not(data_pkt_occ_answer(&w, request, 16, &facts));
}

Test(data_pkt, probes_are_answered_and_told_apart)
{
    const struct data_pkt_occ_facts facts = {.options_string = "", .max_received = 1472, .overhead = DATA_PKT_LOAD_OVERHEAD};
    uint8_t question[1500];
    uint8_t answer[1500];
    struct wr q = wr_init(question, sizeof(question));
    struct wr a = wr_init(answer, sizeof(answer));
    data_pkt_probe_write(&q, 1400);
    cr_assert(wr_ok(&q) && wr_len(&q) == 1400);
    cr_assert(data_pkt_occ_answer(&a, question, wr_len(&q), &facts));
    cr_assert_eq(data_pkt_mtu_reply_read(answer, wr_len(&a)), 1472u);
    cr_assert_eq(data_pkt_mtu_reply_read(answer, wr_len(&a) - 1), 0u);
    cr_assert_eq(data_pkt_load_len(answer, wr_len(&a)), 0u);

    q = wr_init(question, sizeof(question));
    a = wr_init(answer, sizeof(answer));
    data_pkt_load_request_write(&q, 1400 + DATA_PKT_LOAD_OVERHEAD);
    cr_assert(data_pkt_occ_answer(&a, question, wr_len(&q), &facts));
    cr_assert_eq(data_pkt_load_len(answer, wr_len(&a)), 1400u);
    cr_assert_eq(data_pkt_load_len(answer, 16), 0u);
    cr_assert_eq(data_pkt_mtu_reply_read(answer, wr_len(&a)), 0u);

    q = wr_init(question, 100);
    data_pkt_probe_write(&q, 101);
    cr_assert_not(wr_ok(&q), "no room");
}
