/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "vectors.h"
#include "wire/stream.h"

Test(stream, captured_records_come_out_whole)
{
    json_t *root = vectors_load("tcp_framing.json");
    size_t i;
    json_t *row;
    uint8_t stream[8192];
    size_t len = 0;
    unsigned packets = 0;
    json_array_foreach(root, i, row) {
        if (vectors_text(row, "stream_bytes")) {
            uint8_t packet[2048];
            uint8_t header[2];
            size_t packet_len = vectors_hex(row, "packet", packet, sizeof(packet));
            size_t at = len;
            len += vectors_hex(row, "stream_bytes", stream + len, sizeof(stream) - len);
            stream_header(header, packet_len);
            cr_assert_arr_eq(stream + at, header, 2);
            cr_assert_arr_eq(stream + at + 2, packet, packet_len);
            packets++;
        }
    }
    cr_assert_geq(packets, 4);

    /* Any segmentation: grow the buffer a byte at a time and take what is complete. */
    size_t consumed = 0;
    unsigned taken = 0;
    for (size_t have = 0; have <= len; have++) {
        struct rd r = rd_init(stream + consumed, have - consumed);
        struct span packet;
        int got;
        while ((got = stream_next(&r, 1768, &packet)) == 1) {
            consumed += packet.len + 2;
            taken++;
        }
        cr_assert_eq(got, 0);
    }
    cr_assert_eq(taken, packets);
    cr_assert_eq(consumed, len);
    json_decref(root);
}

Test(stream, zero_and_oversized_lengths_end_the_connection)
{
    struct span packet;
    uint8_t zero[] = {0, 0, 1};
    struct rd r = rd_init(zero, sizeof(zero));
    cr_assert_eq(stream_next(&r, 1768, &packet), ERR_FORMAT);
    uint8_t big[] = {0x06, 0xe9, 1};
    r = rd_init(big, sizeof(big));
    cr_assert_eq(stream_next(&r, 1768, &packet), ERR_FORMAT);
    cr_assert_eq(stream_next(&r, 1769, &packet), 0);
    cr_assert_eq(rd_left(&r), 3, "nothing is consumed before a packet is whole");
    r = rd_init(big, 1);
    cr_assert_eq(stream_next(&r, 1768, &packet), 0);
}

Test(stream, guess_needs_three_bytes)
{
    const uint8_t reset[] = {0, 14, 0x38};
    const uint8_t reset_v3[] = {1, 0x80, 0x50};
    const uint8_t tls[] = {0x16, 3, 1};
    const uint8_t http[] = {'G', 'E', 'T'};
    const uint8_t short_reset[] = {0, 13, 0x38};
    const uint8_t long_reset[] = {1, 0, 0x38};
    cr_assert_eq(stream_guess(reset, 3), STREAM_GUESS_OPENVPN);
    cr_assert_eq(stream_guess(reset_v3, 3), STREAM_GUESS_OPENVPN);
    cr_assert_eq(stream_guess(reset, 2), STREAM_GUESS_UNDECIDED);
    cr_assert_eq(stream_guess(reset, 0), STREAM_GUESS_UNDECIDED);
    cr_assert_eq(stream_guess(tls, 3), STREAM_GUESS_OTHER);
    cr_assert_eq(stream_guess(http, 1), STREAM_GUESS_OTHER);
    cr_assert_eq(stream_guess(short_reset, 3), STREAM_GUESS_OTHER);
    cr_assert_eq(stream_guess(long_reset, 3), STREAM_GUESS_OTHER);
}
