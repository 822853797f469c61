/* SPDX-License-Identifier: MIT */
#include "wire/stream.h"

#include "wire/opcode.h"

enum stream_guess stream_guess(const uint8_t *data, size_t len)
{
    if (len < 2) {
        return len == 1 && data[0] > 4 ? STREAM_GUESS_OTHER : STREAM_GUESS_UNDECIDED;
    }
    size_t packet = be16_load(data);
    if (packet < 14 || packet >= 1279) {
        return STREAM_GUESS_OTHER;
    }
    if (len < 3) {
        return STREAM_GUESS_UNDECIDED;
    }
    if (data[2] == opcode_byte(OPCODE_HARD_RESET_CLIENT_V2, 0)) {
        return packet <= 255 ? STREAM_GUESS_OPENVPN : STREAM_GUESS_OTHER;
    }
    if (data[2] == opcode_byte(OPCODE_HARD_RESET_CLIENT_V3, 0)) {
        return packet >= 336 ? STREAM_GUESS_OPENVPN : STREAM_GUESS_OTHER;
    }
    return STREAM_GUESS_OTHER;
}
