/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_COMPRESS_H
#define VPND_WIRE_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compression framing of data payloads (data channel spec, 12). */
#define COMPRESS_HEADROOM 2 /* bytes that compress_frame() may write in front of the payload */
#define COMPRESS_TAILROOM 1 /* ... and behind it */

/** Same values as enum dp_framing. */
enum compress_framing {
    COMPRESS_NONE,
    COMPRESS_LZO_STUB, /* comp-lzo no: FA marker; nothing compressed accepted */
    COMPRESS_LZO,      /* comp-lzo: FA / 66 */
    COMPRESS_STUB,     /* compress, compress stub: FB with swap; nothing compressed accepted */
    COMPRESS_LZ4,      /* FB / 69 with swap */
    COMPRESS_STUB_V2,  /* escape of a leading 50 only */
    COMPRESS_LZ4_V2,   /* 50 01 */
    COMPRESS_COUNT
};

/** compress_overhead - bytes that framing adds to an ordinary packet: 1 for the marker forms, 0 otherwise. */
unsigned compress_overhead(enum compress_framing framing);

/**
 * compress_frame - frame an uncompressed payload in place
 * @payload: has COMPRESS_HEADROOM writable bytes before it and COMPRESS_TAILROOM after it; not empty
 * @len: in: payload length; out: framed length
 * Return: where the framed payload begins.
 */
uint8_t *compress_frame(enum compress_framing framing, uint8_t *payload, size_t *len);

/**
 * compress_lz4 - frame with compression (allow-compression yes)
 * @out: @cap bytes, apart from @payload
 * Return: framed length, or 0 when the payload is below 100 bytes, did not shrink, or @framing has no LZ4:
 * use compress_frame() then.
 */
size_t compress_lz4(enum compress_framing framing, const uint8_t *payload, size_t len, uint8_t *out, size_t cap);

/** compress_is_packed - whether undoing the framing of a received payload needs a scratch buffer. @len: at least 1. */
bool compress_is_packed(enum compress_framing framing, const uint8_t *packet, size_t len);

/** A payload after unframing: inside the packet or inside the scratch buffer. */
struct compress_payload {
    uint8_t *data;
    size_t len;
};

/**
 * compress_unframe - undo the framing of a received payload
 * @packet:  modified in place
 * @scratch: where a compressed payload is expanded to, at most @scratch_cap bytes (the bound on bombs)
 * Return: 0 and @out; ERR_FORMAT (bad marker or too short); ERR_UNSUPPORTED (compressed where it is not allowed, or
 * LZO without liblzo2); ERR_LIMIT (does not expand, or not within @scratch_cap).
 */
int compress_unframe(enum compress_framing framing, uint8_t *packet, size_t len, uint8_t *scratch, size_t scratch_cap,
                     struct compress_payload *out);

/** compress_has_lzo - whether this build can decompress LZO. */
bool compress_has_lzo(void);

#endif
