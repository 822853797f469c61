/* SPDX-License-Identifier: MIT */
#include "wire/compress.h"

#include <lz4.h>
#include <string.h>

#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif

#include "base/err.h"

#define MARK_NONE 0xFA      /* uncompressed, payload follows */
#define MARK_NONE_SWAP 0xFB /* uncompressed, first byte moved to the end */
#define MARK_LZO 0x66
#define MARK_LZ4_SWAP 0x69
#define V2_ESCAPE 0x50
#define V2_UNCOMPRESSED 0x00
#define V2_UNCOMPRESSED_2X 0x0A /* what 2.x really sends */
#define V2_LZ4 0x01
#define COMPRESS_THRESHOLD 100
#define LZ4_INPUT_MAX 65536

unsigned compress_overhead(enum compress_framing framing)
{
    switch (framing) {
    case COMPRESS_LZO_STUB:
    case COMPRESS_LZO:
    case COMPRESS_STUB:
    case COMPRESS_LZ4:
        return 1;
    default:
        return 0;
    }
}

uint8_t *compress_frame(enum compress_framing framing, uint8_t *payload, size_t *len)
{
    switch (framing) {
    case COMPRESS_LZO_STUB:
    case COMPRESS_LZO:
        payload[-1] = MARK_NONE;
        *len += 1;
        return payload - 1;
    case COMPRESS_STUB:
    case COMPRESS_LZ4:
        payload[*len] = payload[0];
        payload[0] = MARK_NONE_SWAP;
        *len += 1;
        return payload;
    case COMPRESS_STUB_V2:
    case COMPRESS_LZ4_V2:
        if (payload[0] != V2_ESCAPE) {
            return payload;
        }
        payload[-1] = V2_UNCOMPRESSED;
        payload[-2] = V2_ESCAPE;
        *len += 2;
        return payload - 2;
    default:
        return payload;
    }
}

size_t compress_lz4(enum compress_framing framing, const uint8_t *payload, size_t len, uint8_t *out, size_t cap)
{
    size_t extra = framing == COMPRESS_LZ4 ? 1 : framing == COMPRESS_LZ4_V2 ? 2 : 0;
    if (extra == 0 || len < COMPRESS_THRESHOLD || len > LZ4_INPUT_MAX || cap < extra) {
        return 0;
    }
    size_t room = cap - extra < len - extra ? cap - extra : len - extra;
    /* The marker form grows at the end, so it is written one byte short of its place. */
    uint8_t *at = framing == COMPRESS_LZ4 ? out : out + 2;
    int packed = LZ4_compress_default((const char *)payload, (char *)at, (int)len, (int)room);
    if (packed <= 0 || (size_t)packed + extra >= len) {
        return 0;
    }
    if (framing == COMPRESS_LZ4) {
        out[packed] = out[0];
        out[0] = MARK_LZ4_SWAP;
    } else {
        out[0] = V2_ESCAPE;
        out[1] = V2_LZ4;
    }
    return (size_t)packed + extra;
}

static int expand_lz4(const uint8_t *in, size_t len, uint8_t *scratch, size_t cap, struct compress_payload *out)
{
    if (len > LZ4_INPUT_MAX || cap > LZ4_MAX_INPUT_SIZE) {
        return ERR_LIMIT;
    }
    int n = LZ4_decompress_safe((const char *)in, (char *)scratch, (int)len, (int)cap);
    if (n <= 0) {
        return ERR_LIMIT;
    }
    *out = (struct compress_payload){scratch, (size_t)n};
    return 0;
}

#ifdef HAVE_LZO
bool compress_has_lzo(void)
{
    return true;
}

static int expand_lzo(const uint8_t *in, size_t len, uint8_t *scratch, size_t cap, struct compress_payload *out)
{
    lzo_uint n = cap;
    if (lzo1x_decompress_safe(in, len, scratch, &n, NULL) != LZO_E_OK || n == 0) {
        return ERR_LIMIT;
    }
    *out = (struct compress_payload){scratch, n};
    return 0;
}
#else
bool compress_has_lzo(void)
{
    return false;
}

static int expand_lzo(const uint8_t *in, size_t len, uint8_t *scratch, size_t cap, struct compress_payload *out)
{
    (void)in;
    (void)len;
    (void)scratch;
    (void)cap;
    (void)out;
    return ERR_UNSUPPORTED;
}
#endif

/* FA, 66: the marker stands in front. */
static int unframe_lzo(bool allow, uint8_t *packet, size_t len, uint8_t *scratch, size_t cap,
                       struct compress_payload *out)
{
    if (packet[0] == MARK_NONE) {
        *out = (struct compress_payload){packet + 1, len - 1};
        return 0;
    }
    if (packet[0] != MARK_LZO) {
        return ERR_FORMAT;
    }
    return allow ? expand_lzo(packet + 1, len - 1, scratch, cap, out) : ERR_UNSUPPORTED;
}

/* FB, 69: the marker took the place of the first byte, which stands at the end. */
static int unframe_swap(bool allow, uint8_t *packet, size_t len, uint8_t *scratch, size_t cap,
                        struct compress_payload *out)
{
    uint8_t mark = packet[0];
    if (mark != MARK_NONE_SWAP && mark != MARK_LZ4_SWAP) {
        return ERR_FORMAT;
    }
    if (mark == MARK_LZ4_SWAP && !allow) {
        return ERR_UNSUPPORTED;
    }
    packet[0] = packet[len - 1];
    if (mark == MARK_LZ4_SWAP) {
        return expand_lz4(packet, len - 1, scratch, cap, out);
    }
    *out = (struct compress_payload){packet, len - 1};
    return 0;
}

static int unframe_v2(bool allow, uint8_t *packet, size_t len, uint8_t *scratch, size_t cap,
                      struct compress_payload *out)
{
    if (packet[0] != V2_ESCAPE) {
        *out = (struct compress_payload){packet, len};
        return 0;
    }
    if (len < 3) {
        return ERR_FORMAT;
    }
    if (packet[1] == V2_UNCOMPRESSED || packet[1] == V2_UNCOMPRESSED_2X) {
        *out = (struct compress_payload){packet + 2, len - 2};
        return 0;
    }
    if (packet[1] != V2_LZ4) {
        return ERR_FORMAT;
    }
    return allow ? expand_lz4(packet + 2, len - 2, scratch, cap, out) : ERR_UNSUPPORTED;
}

bool compress_is_packed(enum compress_framing framing, const uint8_t *packet, size_t len)
{
    switch (framing) {
    case COMPRESS_LZO:
        return packet[0] == MARK_LZO;
    case COMPRESS_LZ4:
        return packet[0] == MARK_LZ4_SWAP;
    case COMPRESS_LZ4_V2:
        return len > 1 && packet[0] == V2_ESCAPE && packet[1] == V2_LZ4;
    default:
        return false;
    }
}

int compress_unframe(enum compress_framing framing, uint8_t *packet, size_t len, uint8_t *scratch, size_t scratch_cap,
                     struct compress_payload *out)
{
    if (len == 0 || (compress_overhead(framing) && len < 2)) {
        return ERR_FORMAT;
    }
    switch (framing) {
    case COMPRESS_LZO_STUB:
    case COMPRESS_LZO:
        return unframe_lzo(framing == COMPRESS_LZO, packet, len, scratch, scratch_cap, out);
    case COMPRESS_STUB:
    case COMPRESS_LZ4:
        return unframe_swap(framing == COMPRESS_LZ4, packet, len, scratch, scratch_cap, out);
    case COMPRESS_STUB_V2:
    case COMPRESS_LZ4_V2:
        return unframe_v2(framing == COMPRESS_LZ4_V2, packet, len, scratch, scratch_cap, out);
    default:
        *out = (struct compress_payload){packet, len};
        return 0;
    }
}
