/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_DATA_PKT_H
#define VPND_WIRE_DATA_PKT_H

#include "base/err.h"
#include "base/span.h"
#include "wire/opcode.h"

/* Data packets (data channel spec, 2, 5, 7, 10). Sizes in bytes. */
#define DATA_PKT_V1_HEADER 1          /* opcode byte */
#define DATA_PKT_V2_HEADER 4          /* opcode byte, 24-bit peer id */
#define DATA_PKT_PEER_ID_NONE 0xFFFFFFu
#define DATA_PKT_ID_SIZE 4            /* 32-bit packet id */
#define DATA_PKT_LONG_ID_SIZE 8       /* packet id and time: CFB, OFB */
#define DATA_PKT_EPOCH_ID_SIZE 8      /* 16-bit epoch, 48-bit counter */
#define DATA_PKT_TAG_SIZE 16          /* AEAD */
#define DATA_PKT_NONCE_SIZE 12
#define DATA_PKT_IMPLICIT_IV_SIZE 8   /* 12 in the epoch format */
#define DATA_PKT_AEAD_OVERHEAD (DATA_PKT_V2_HEADER + DATA_PKT_ID_SIZE + DATA_PKT_TAG_SIZE)          /* 24 */
#define DATA_PKT_EPOCH_OVERHEAD (DATA_PKT_V2_HEADER + DATA_PKT_EPOCH_ID_SIZE + DATA_PKT_TAG_SIZE)   /* 28 */
#define DATA_PKT_MAGIC_SIZE 16
#define DATA_PKT_OCC_REPLY_MAX 9216   /* longest reply to an OCC message that is worth sending */
#define DATA_PKT_LOAD_OVERHEAD 28     /* what OpenVPN counts as overhead of a requested MTU_LOAD (10.2); 4 too many */

/** The payload of a ping (10.1), exactly these 16 bytes. */
extern const uint8_t data_pkt_ping[DATA_PKT_MAGIC_SIZE];
/** The first 16 bytes of an OCC message (10.2); a type byte follows. */
extern const uint8_t data_pkt_occ_magic[DATA_PKT_MAGIC_SIZE];

/** Type byte of an OCC message. */
enum data_pkt_occ {
    DATA_PKT_OCC_REQUEST = 0,
    DATA_PKT_OCC_REPLY = 1,            /* options string, NUL */
    DATA_PKT_OCC_MTU_LOAD_REQUEST = 2, /* u16 size */
    DATA_PKT_OCC_MTU_LOAD = 3,         /* random filler */
    DATA_PKT_OCC_MTU_REQUEST = 4,
    DATA_PKT_OCC_MTU_REPLY = 5,        /* u16 largest received, u16 largest sent */
    DATA_PKT_OCC_EXIT = 6,
    DATA_PKT_OCC_WINDOW = 0x57,        /* u32 replay window of the sender; vpnd's own, others ignore it */
};

struct data_pkt_header {
    uint8_t opcode;   /* OPCODE_DATA_V1 or OPCODE_DATA_V2 */
    uint8_t key_id;
    uint8_t size;     /* bytes of this header: 1 or 4 */
    uint32_t peer_id; /* DATA_PKT_PEER_ID_NONE for DATA_V1 */
};

/** data_pkt_header_read - parse the header of a data packet. Any thread; inline for the packet path.
 *  Return: 0, ERR_TRUNCATED, or ERR_FORMAT (not a data opcode). */
static inline int data_pkt_header_read(const uint8_t *packet, size_t len, struct data_pkt_header *out)
{
    if (len == 0) {
        return ERR_TRUNCATED;
    }
    unsigned op = opcode_of(packet[0]);
    out->opcode = (uint8_t)op;
    out->key_id = opcode_key_id(packet[0]);
    if (op == OPCODE_DATA_V2) {
        if (len < DATA_PKT_V2_HEADER) {
            return ERR_TRUNCATED;
        }
        out->size = DATA_PKT_V2_HEADER;
        out->peer_id = be32_load(packet) & 0xFFFFFFu;
        return 0;
    }
    out->size = DATA_PKT_V1_HEADER;
    out->peer_id = DATA_PKT_PEER_ID_NONE;
    return op == OPCODE_DATA_V1 ? 0 : ERR_FORMAT;
}

/** data_pkt_v2_word - the four bytes of a DATA_V2 header as a big-endian number, to be stored with be32_store(). */
static inline uint32_t data_pkt_v2_word(uint8_t key_id, uint32_t peer_id)
{
    return (uint32_t)opcode_byte(OPCODE_DATA_V2, key_id) << 24 | (peer_id & 0xFFFFFFu);
}

/** data_pkt_is_ping - whether a decrypted, unframed payload is a ping: content and length. */
static inline bool data_pkt_is_ping(const uint8_t *payload, size_t len)
{
    return len == DATA_PKT_MAGIC_SIZE && memcmp(payload, data_pkt_ping, DATA_PKT_MAGIC_SIZE) == 0;
}

/** data_pkt_is_occ - whether a decrypted, unframed payload is an OCC message (it has a type byte then). */
static inline bool data_pkt_is_occ(const uint8_t *payload, size_t len)
{
    return len > DATA_PKT_MAGIC_SIZE && memcmp(payload, data_pkt_occ_magic, DATA_PKT_MAGIC_SIZE) == 0;
}

/** data_pkt_occ_write - append magic and type of an OCC message; the caller appends its body. */
void data_pkt_occ_write(struct wr *w, enum data_pkt_occ type);

/** data_pkt_window_write - an OCC message that tells the own replay window. */
void data_pkt_window_write(struct wr *w, uint32_t window);

/** data_pkt_window_read - the window that a payload tells. Return: 0 when it is no such message. */
uint32_t data_pkt_window_read(const uint8_t *payload, size_t len);

/** data_pkt_probe_write - an MTU_REQUEST that is filled up to @len bytes, so that its answer proves that a packet of
 *  this size arrived; others than vpnd answer it too. @w: room for @len. */
void data_pkt_probe_write(struct wr *w, size_t len);

/** data_pkt_load_request_write - ask for an MTU_LOAD; @size as OpenVPN counts it, see DATA_PKT_LOAD_OVERHEAD. */
void data_pkt_load_request_write(struct wr *w, unsigned size);

/** data_pkt_load_len - length of a payload that is an MTU_LOAD. Return: 0 when it is something else. */
size_t data_pkt_load_len(const uint8_t *payload, size_t len);

/** data_pkt_mtu_reply_read - the largest datagram that the peer has received, as an MTU_REPLY tells. Return: 0 when
 *  @payload is something else. */
unsigned data_pkt_mtu_reply_read(const uint8_t *payload, size_t len);

/** What an answer to an OCC message needs to know. */
struct data_pkt_occ_facts {
    const char *options_string; /* for OCC_REPLY */
    uint16_t max_received;      /* largest UDP payloads so far, for MTU_REPLY */
    uint16_t max_sent;
    uint16_t overhead;          /* what encapsulation adds to a payload: subtracted from a requested load */
};

/**
 * data_pkt_occ_answer - the reply owed to an OCC message of type 0, 2 or 4 (10.2)
 * @w: room for the reply; also the bound of an MTU_LOAD answer, whose filler is zeroed (it may be overwritten)
 * Return: true when @w holds a reply to be sent as a data payload.
 */
bool data_pkt_occ_answer(struct wr *w, const uint8_t *payload, size_t len, const struct data_pkt_occ_facts *facts);

#endif
