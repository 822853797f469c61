/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/ctrl_pkt.h"

Test(ctrl_pkt, vectors_decode_and_encode_again)
{
    json_t *root = vectors_load("control_packets_plain.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "packets"), i, row) {
        uint8_t packet[256];
        uint8_t session_id[8];
        size_t len = vectors_hex(row, "packet", packet, sizeof(packet));
        vectors_hex(row, "session_id", session_id, sizeof(session_id));
        struct rd r = rd_init(packet, len);
        struct ctrl_pkt_header header;
        struct ctrl_pkt_body body;
        cr_assert_eq(ctrl_pkt_header_read(&r, &header), 0);
        cr_assert_eq(ctrl_pkt_body_read(&r, header.opcode, &body), 0);
        cr_assert_eq(header.opcode, vectors_number(row, "opcode"));
        cr_assert_eq(header.key_id, vectors_number(row, "key_id"));
        cr_assert_arr_eq(header.session_id, session_id, 8);

        uint8_t again[256];
        struct wr w = wr_init(again, sizeof(again));
        ctrl_pkt_header_write(&w, &header);
        ctrl_pkt_body_write(&w, header.opcode, &body);
        cr_assert(wr_ok(&w));
        cr_assert_eq(wr_len(&w), len);
        cr_assert_arr_eq(again, packet, len);
    }
    json_decref(root);
}

Test(ctrl_pkt, acks_and_payload_of_a_known_packet)
{
    uint8_t packet[64];
    size_t len = vectors_decode("20a1a2a3a4a5a6a7a80100000000b1b2b3b4b5b6b7b800000001160301000568656c6c6f", packet,
                                sizeof(packet));
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    cr_assert_eq(ctrl_pkt_header_read(&r, &header), 0);
    cr_assert_eq(ctrl_pkt_body_read(&r, header.opcode, &body), 0);
    cr_assert_eq(body.ack_count, 1);
    cr_assert_eq(body.acks[0], 0);
    cr_assert_eq(body.peer_session_id[0], 0xb1);
    cr_assert_eq(body.message_id, 1);
    cr_assert_eq(body.payload.len, 10);
    cr_assert_eq(ctrl_pkt_ack_size(1), 13);
    cr_assert_eq(ctrl_pkt_ack_size(0), 1);
}

Test(ctrl_pkt, every_truncation_is_refused)
{
    uint8_t packet[64];
    size_t len = vectors_decode("40b1b2b3b4b5b6b7b80100000000a1a2a3a4a5a6a7a800000000", packet, sizeof(packet));
    for (size_t cut = 0; cut < len; cut++) {
        struct rd r = rd_init(packet, cut);
        struct ctrl_pkt_header header;
        struct ctrl_pkt_body body;
        int err = ctrl_pkt_header_read(&r, &header);
        if (err == 0) {
            err = ctrl_pkt_body_read(&r, header.opcode, &body);
        }
        cr_assert_eq(err, ERR_TRUNCATED, "at %zu", cut);
    }
}

Test(ctrl_pkt, bad_opcodes_ids_and_counts_are_refused)
{
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    for (unsigned op = 0; op < 32; op++) {
        uint8_t packet[9] = {(uint8_t)(op << 3), 1};
        struct rd r = rd_init(packet, sizeof(packet));
        cr_assert_eq(ctrl_pkt_header_read(&r, &header), opcode_is_control(op) ? 0 : ERR_FORMAT);
    }
    uint8_t zero_id[14] = {0x38};
    struct rd r = rd_init(zero_id, sizeof(zero_id));
    cr_assert_eq(ctrl_pkt_header_read(&r, &header), ERR_FORMAT);

    uint8_t nine[64] = {9};
    r = rd_init(nine, sizeof(nine));
    cr_assert_eq(ctrl_pkt_body_read(&r, OPCODE_ACK_V1, &body), ERR_FORMAT);
}

Test(ctrl_pkt, wrapped_key_is_split_by_its_length)
{
    uint8_t packet[49 + 1024] = {0};
    size_t packet_len;
    struct span wkc;
    be16_store(packet + 49 + 290 - 2, 290);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 49 + 290, &packet_len, &wkc), 0);
    cr_assert_eq(packet_len, 49);
    cr_assert_eq(wkc.len, 290);
    be16_store(packet + 49 + 290 - 2, 289);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 49 + 290, &packet_len, &wkc), ERR_FORMAT);
    be16_store(packet + 49 + 290 - 2, 291);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 49 + 290, &packet_len, &wkc), ERR_FORMAT);
    be16_store(packet + 49 + 1024 - 2, 1025);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 49 + 1024, &packet_len, &wkc), ERR_FORMAT);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 49 + 289, &packet_len, &wkc), ERR_TRUNCATED);
    cr_assert_eq(ctrl_pkt_wkc_split(packet, 0, &packet_len, &wkc), ERR_TRUNCATED);
}

Test(ctrl_pkt, early_negotiation_values)
{
    uint16_t flags = 9;
    const uint8_t resend[] = {0, 1, 0, 2, 0, 1};
    const uint8_t unknown[] = {0, 7, 0, 1, 5, 0, 1, 0, 2, 0, 1};
    const uint8_t long_flags[] = {0, 1, 0, 3, 0, 1, 0};
    cr_assert_eq(ctrl_pkt_early_read((struct span){NULL, 0}, &flags), 0);
    cr_assert_eq(flags, 0);
    cr_assert_eq(ctrl_pkt_early_read((struct span){resend, sizeof(resend)}, &flags), 0);
    cr_assert_eq(flags, CTRL_PKT_EARLY_RESEND_WKC);
    cr_assert_eq(ctrl_pkt_early_read((struct span){unknown, sizeof(unknown)}, &flags), 0);
    cr_assert_eq(flags, CTRL_PKT_EARLY_RESEND_WKC);
    cr_assert_eq(ctrl_pkt_early_read((struct span){long_flags, sizeof(long_flags)}, &flags), ERR_FORMAT);
    for (size_t cut = 1; cut < sizeof(resend); cut++) {
        cr_assert_eq(ctrl_pkt_early_read((struct span){resend, cut}, &flags), ERR_FORMAT);
    }
    uint8_t out[6];
    struct wr w = wr_init(out, sizeof(out));
    ctrl_pkt_early_write(&w, CTRL_PKT_EARLY_RESEND_WKC);
    cr_assert_arr_eq(out, resend, 6);
}
