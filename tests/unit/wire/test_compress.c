/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <lz4.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "vectors.h"
#include "wire/compress.h"

#define ROOM 2048

static enum compress_framing framing_of(const char *mode)
{
    static const struct {
        const char *word;
        enum compress_framing framing;
    } words[] = {{"lz4-v2", COMPRESS_LZ4_V2}, {"stub-v2", COMPRESS_STUB_V2}, {"lz4", COMPRESS_LZ4},
                 {"stub", COMPRESS_STUB},     {"comp-lzo yes", COMPRESS_LZO}, {"(lzo)", COMPRESS_LZO},
                 {"comp-lzo no", COMPRESS_LZO_STUB}};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(mode, words[i].word)) {
            return words[i].framing;
        }
    }
    cr_assert_fail("unknown mode %s", mode);
    return COMPRESS_NONE;
}

Test(compress, vectors_unframe_and_plain_ones_frame_again)
{
    json_t *root = vectors_load("compression.json");
    size_t i;
    json_t *row;
    unsigned expanded = 0;
    json_array_foreach(root, i, row) {
        enum compress_framing framing = framing_of(vectors_text(row, "mode"));
        uint8_t framed[ROOM];
        uint8_t work[ROOM];
        uint8_t scratch[ROOM];
        struct compress_payload out;
        size_t len = vectors_hex(row, "framed", framed, sizeof(framed));
        memcpy(work, framed, len);
        int err = compress_unframe(framing, work, len, scratch, sizeof(scratch), &out);
        const char *hex = vectors_text(row, "payload");
        if (!hex) {
            /* LZO: an ICMP echo of 328 bytes. */
            cr_assert_eq(err, compress_has_lzo() ? 0 : ERR_UNSUPPORTED);
            if (err == 0) {
                cr_assert_eq(out.len, 328);
                cr_assert_arr_eq(out.data, "\x45\x00\x01\x48", 4);
                cr_assert_arr_eq(out.data + 324, "ABCD", 4);
            }
            continue;
        }
        uint8_t payload[ROOM];
        size_t payload_len = vectors_decode(hex, payload + COMPRESS_HEADROOM, ROOM - 8);
        cr_assert_eq(err, 0, "row %zu", i);
        cr_assert_eq(out.len, payload_len);
        cr_assert_arr_eq(out.data, payload + COMPRESS_HEADROOM, payload_len);
        if (out.data == scratch) {
            expanded++;
            continue;
        }
        size_t again = payload_len;
        uint8_t *start = compress_frame(framing, payload + COMPRESS_HEADROOM, &again);
        cr_assert_eq(again, len, "row %zu", i);
        cr_assert_arr_eq(start, framed, len);
    }
    cr_assert_eq(expanded, 4);
    json_decref(root);
}

Test(compress, frame_round_trips_within_its_rooms)
{
    struct rand_seeded r;
    rand_seeded_init(&r, 8);
    for (unsigned round = 0; round < 3000; round++) {
        enum compress_framing framing = rand_below(&r.source, COMPRESS_COUNT);
        uint8_t buffer[300];
        uint8_t original[300];
        uint8_t scratch[300];
        memset(buffer, 0xEE, sizeof(buffer));
        size_t len = 1 + rand_below(&r.source, 200);
        rand_fill(&r.source, original, len);
        original[0] = rand_below(&r.source, 2) ? 0x50 : original[0];
        uint8_t *payload = buffer + 8;
        memcpy(payload, original, len);
        size_t framed = len;
        uint8_t *start = compress_frame(framing, payload, &framed);
        cr_assert_geq(start, payload - COMPRESS_HEADROOM);
        cr_assert_leq(start + framed, payload + len + COMPRESS_TAILROOM);
        cr_assert_eq(buffer[8 - COMPRESS_HEADROOM - 1], 0xEE);
        cr_assert_eq(payload[len + COMPRESS_TAILROOM], 0xEE);
        struct compress_payload out;
        cr_assert_eq(compress_unframe(framing, start, framed, scratch, sizeof(scratch), &out), 0);
        cr_assert_eq(out.len, len);
        cr_assert_arr_eq(out.data, original, len);
    }
}

Test(compress, lz4_round_trips_and_refuses_what_does_not_shrink)
{
    uint8_t payload[1400];
    uint8_t framed[1500];
    uint8_t scratch[1500];
    struct compress_payload out;
    for (unsigned i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i % 17);
    }
    static const enum compress_framing both[] = {COMPRESS_LZ4, COMPRESS_LZ4_V2};
    for (unsigned i = 0; i < 2; i++) {
        size_t len = compress_lz4(both[i], payload, sizeof(payload), framed, sizeof(framed));
        cr_assert_gt(len, 0);
        cr_assert_lt(len, 200);
        cr_assert_eq(compress_unframe(both[i], framed, len, scratch, sizeof(scratch), &out), 0);
        cr_assert_eq(out.len, sizeof(payload));
        cr_assert_arr_eq(out.data, payload, sizeof(payload));
        cr_assert_eq(compress_lz4(both[i], payload, 99, framed, sizeof(framed)), 0);
    }
    cr_assert_eq(compress_lz4(COMPRESS_STUB_V2, payload, sizeof(payload), framed, sizeof(framed)), 0);
    struct rand_seeded r;
    rand_seeded_init(&r, 9);
    rand_fill(&r.source, payload, sizeof(payload));
    cr_assert_eq(compress_lz4(COMPRESS_LZ4, payload, sizeof(payload), framed, sizeof(framed)), 0);
}

Test(compress, bombs_are_bounded)
{
    static uint8_t zeros[60000];
    uint8_t bomb[1000];
    uint8_t scratch[1601];
    struct compress_payload out;
    int n = LZ4_compress_default((const char *)zeros, (char *)bomb + 2, sizeof(zeros), sizeof(bomb) - 2);
    cr_assert_gt(n, 0);
    bomb[0] = 0x50;
    bomb[1] = 0x01;
    scratch[1600] = 0xEE;
    cr_assert_eq(compress_unframe(COMPRESS_LZ4_V2, bomb, (size_t)n + 2, scratch, 1600, &out), ERR_LIMIT);
    cr_assert_eq(scratch[1600], 0xEE);
}

static int unframes(enum compress_framing framing, const char *hex)
{
    uint8_t packet[64];
    uint8_t scratch[64];
    struct compress_payload out;
    size_t len = vectors_decode(hex, packet, sizeof(packet));
    return compress_unframe(framing, packet, len, scratch, sizeof(scratch), &out);
}

Test(compress, bad_markers_and_unwanted_algorithms)
{
    cr_assert_eq(unframes(COMPRESS_LZO, "45"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZO, "4500"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZO, "fa"), ERR_FORMAT, "nothing inside");
    cr_assert_eq(unframes(COMPRESS_STUB, "fa00"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_STUB, "fb"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZO_STUB, "661645"), ERR_UNSUPPORTED);
    cr_assert_eq(unframes(COMPRESS_STUB, "691845"), ERR_UNSUPPORTED);
    cr_assert_eq(unframes(COMPRESS_STUB_V2, "500145"), ERR_UNSUPPORTED);
    cr_assert_eq(unframes(COMPRESS_LZ4_V2, "50"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZ4_V2, "5000"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZ4_V2, "500245"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZ4_V2, "500345"), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_LZ4_V2, "500a50"), 0, "the escape that 2.x really sends");
    cr_assert_eq(unframes(COMPRESS_LZ4, "69ffffff"), ERR_LIMIT);
    cr_assert_eq(unframes(COMPRESS_NONE, ""), ERR_FORMAT);
    cr_assert_eq(unframes(COMPRESS_NONE, "00"), 0);
}
