/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_OPCODE_H
#define VPND_WIRE_OPCODE_H

#include <stdbool.h>
#include <stdint.h>

/** First byte of every packet: opcode in the upper 5 bits, key id in the lower 3 (control channel spec, 1.1). */
enum opcode {
    OPCODE_HARD_RESET_CLIENT_V1 = 1, /* dead: dropped */
    OPCODE_HARD_RESET_SERVER_V1 = 2, /* dead: dropped */
    OPCODE_SOFT_RESET_V1 = 3,
    OPCODE_CONTROL_V1 = 4,
    OPCODE_ACK_V1 = 5,
    OPCODE_DATA_V1 = 6,
    OPCODE_HARD_RESET_CLIENT_V2 = 7,
    OPCODE_HARD_RESET_SERVER_V2 = 8,
    OPCODE_DATA_V2 = 9,
    OPCODE_HARD_RESET_CLIENT_V3 = 10, /* wrapped client key appended */
    OPCODE_CONTROL_WKC_V1 = 11,       /* CONTROL_V1 with the wrapped client key appended */
};

#define OPCODE_KEY_ID_MAX 7

/** opcode_of - the opcode in a first byte (may be a value outside the enum). */
static inline unsigned opcode_of(uint8_t first)
{
    return first >> 3;
}

/** opcode_key_id - the key id in a first byte. */
static inline uint8_t opcode_key_id(uint8_t first)
{
    return first & 7;
}

/** opcode_byte - compose a first byte. */
static inline uint8_t opcode_byte(enum opcode op, uint8_t key_id)
{
    return (uint8_t)((unsigned)op << 3 | (key_id & 7u));
}

/** opcode_is_data - DATA_V1 or DATA_V2. */
static inline bool opcode_is_data(unsigned op)
{
    return op == OPCODE_DATA_V1 || op == OPCODE_DATA_V2;
}

/** opcode_is_control - a live control opcode, in either direction. */
static inline bool opcode_is_control(unsigned op)
{
    return op >= OPCODE_SOFT_RESET_V1 && op <= OPCODE_CONTROL_WKC_V1 && !opcode_is_data(op);
}

/** opcode_is_hard_reset - opens a session or answers one that opens. */
static inline bool opcode_is_hard_reset(unsigned op)
{
    return op == OPCODE_HARD_RESET_CLIENT_V2 || op == OPCODE_HARD_RESET_SERVER_V2 ||
           op == OPCODE_HARD_RESET_CLIENT_V3;
}

/** opcode_has_wkc - a wrapped client key (tls-crypt-v2) follows the wrapped packet. */
static inline bool opcode_has_wkc(unsigned op)
{
    return op == OPCODE_HARD_RESET_CLIENT_V3 || op == OPCODE_CONTROL_WKC_V1;
}

/** opcode_name - "P_CONTROL_V1" and the like as log lines print it; "P_???" for others. */
const char *opcode_name(unsigned op);

#endif
