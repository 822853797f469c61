/* SPDX-License-Identifier: MIT */
#include "wire/data_pkt.h"

const uint8_t data_pkt_ping[DATA_PKT_MAGIC_SIZE] = {0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb,
                                                    0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48};
const uint8_t data_pkt_occ_magic[DATA_PKT_MAGIC_SIZE] = {0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81,
                                                         0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c};

void data_pkt_occ_write(struct wr *w, enum data_pkt_occ type)
{
    wr_bytes(w, data_pkt_occ_magic, DATA_PKT_MAGIC_SIZE);
    wr_u8(w, (uint8_t)type);
}

static void write_load(struct wr *w, size_t wanted, size_t overhead)
{
    data_pkt_occ_write(w, DATA_PKT_OCC_MTU_LOAD);
    size_t fixed = overhead + DATA_PKT_MAGIC_SIZE + 1;
    size_t filler = wanted > fixed ? wanted - fixed : 0;
    if (filler > wr_left(w)) {
        filler = wr_left(w);
    }
    uint8_t *at = wr_reserve(w, filler);
    if (at && filler) {
        memset(at, 0, filler);
    }
}

bool data_pkt_occ_answer(struct wr *w, const uint8_t *payload, size_t len, const struct data_pkt_occ_facts *facts)
{
    if (!data_pkt_is_occ(payload, len)) {
        return false;
    }
    struct rd r = rd_init(payload + DATA_PKT_MAGIC_SIZE, len - DATA_PKT_MAGIC_SIZE);
    switch (rd_u8(&r)) {
    case DATA_PKT_OCC_REQUEST:
        data_pkt_occ_write(w, DATA_PKT_OCC_REPLY);
        wr_bytes(w, facts->options_string, strlen(facts->options_string) + 1);
        return wr_ok(w);
    case DATA_PKT_OCC_MTU_LOAD_REQUEST: {
        uint16_t wanted = rd_u16(&r);
        if (!rd_ok(&r)) {
            return false;
        }
        write_load(w, wanted, facts->overhead);
        return wr_ok(w);
    }
    case DATA_PKT_OCC_MTU_REQUEST:
        data_pkt_occ_write(w, DATA_PKT_OCC_MTU_REPLY);
        wr_u16(w, facts->max_received);
        wr_u16(w, facts->max_sent);
        return wr_ok(w);
    default:
        return false;
    }
}

void data_pkt_window_write(struct wr *w, uint32_t window)
{
    data_pkt_occ_write(w, DATA_PKT_OCC_WINDOW);
    wr_u32(w, window);
}

uint32_t data_pkt_window_read(const uint8_t *payload, size_t len)
{
    if (len < DATA_PKT_MAGIC_SIZE + 1 + sizeof(uint32_t) || !data_pkt_is_occ(payload, len) ||
        payload[DATA_PKT_MAGIC_SIZE] != DATA_PKT_OCC_WINDOW) {
        return 0;
    }
    return be32_load(payload + DATA_PKT_MAGIC_SIZE + 1);
}

void data_pkt_probe_write(struct wr *w, size_t len)
{
    data_pkt_occ_write(w, DATA_PKT_OCC_MTU_REQUEST);
    size_t written = DATA_PKT_MAGIC_SIZE + 1;
    size_t filler = len > written ? len - written : 0;
    uint8_t *at = wr_reserve(w, filler);
    if (at && filler) {
        memset(at, 0, filler);
    }
}

void data_pkt_load_request_write(struct wr *w, unsigned size)
{
    data_pkt_occ_write(w, DATA_PKT_OCC_MTU_LOAD_REQUEST);
    wr_u16(w, size < UINT16_MAX ? (uint16_t)size : UINT16_MAX);
}

static bool is_type(const uint8_t *payload, size_t len, enum data_pkt_occ type)
{
    return data_pkt_is_occ(payload, len) && payload[DATA_PKT_MAGIC_SIZE] == type;
}

size_t data_pkt_load_len(const uint8_t *payload, size_t len)
{
    return is_type(payload, len, DATA_PKT_OCC_MTU_LOAD) ? len : 0;
}

unsigned data_pkt_mtu_reply_read(const uint8_t *payload, size_t len)
{
    if (len < DATA_PKT_MAGIC_SIZE + 1 + 2 * sizeof(uint16_t) || !is_type(payload, len, DATA_PKT_OCC_MTU_REPLY)) {
        return 0;
    }
    return be16_load(payload + DATA_PKT_MAGIC_SIZE + 1);
}
