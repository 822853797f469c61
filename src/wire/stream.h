/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_STREAM_H
#define VPND_WIRE_STREAM_H

#include "base/err.h"
#include "base/span.h"

/* TCP framing: a 16-bit length in front of every packet (data channel spec, 11). */
#define STREAM_HEADER_SIZE 2
#define STREAM_PACKET_MAX 65535

/**
 * stream_next - take the next packet from the bytes received so far
 * @r:   reader over the unconsumed bytes; advanced past the packet on success, untouched otherwise
 * @max: longest packet accepted
 * @packet: out, borrowed
 * Return: 1; 0 when more bytes are needed; ERR_FORMAT when the length is 0 or above @max: close the connection.
 */
static inline int stream_next(struct rd *r, size_t max, struct span *packet)
{
    size_t left = rd_left(r);
    if (left < STREAM_HEADER_SIZE) {
        return 0;
    }
    size_t len = be16_load(r->p);
    if (len == 0 || len > max) {
        return ERR_FORMAT;
    }
    if (left - STREAM_HEADER_SIZE < len) {
        return 0;
    }
    *packet = (struct span){r->p + STREAM_HEADER_SIZE, len};
    r->p += STREAM_HEADER_SIZE + len;
    return 1;
}

/** stream_header - the length of a packet of @len bytes (1..65535), to be stored in front of it. */
static inline void stream_header(uint8_t out[STREAM_HEADER_SIZE], size_t len)
{
    be16_store(out, (uint16_t)len);
}

enum stream_guess { STREAM_GUESS_UNDECIDED, STREAM_GUESS_OPENVPN, STREAM_GUESS_OTHER };

/** stream_guess - whether a new TCP connection speaks OpenVPN, from its first bytes (port-share; 3 decide). */
enum stream_guess stream_guess(const uint8_t *data, size_t len);

#endif
