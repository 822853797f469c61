/* SPDX-License-Identifier: MIT */
#include "wire/csum.h"

#include <arpa/inet.h>

/*
 * Blocks of 32 bytes as four 64-bit lanes; each lane adds the two halves of its word, so that no carry is ever lost.
 * The compiler makes two SSE2 (or NEON) operations of each, or one AVX2 operation in the variants below.
 */
typedef uint64_t lanes __attribute__((vector_size(32)));

#define BLOCK sizeof(lanes)
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* The last 0..31 bytes. */
ALWAYS_INLINE uint64_t sum_tail(const uint8_t *p, size_t len, uint64_t sum)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        sum = csum_add(sum, w);
    }
    if (len & 4) {
        uint32_t w;
        memcpy(&w, p, 4);
        sum = csum_add(sum, w);
        p += 4;
    }
    if (len & 2) {
        sum = csum_add(sum, csum_load16(p));
        p += 2;
    }
    if (len & 1) {
        uint16_t w = 0;
        memcpy(&w, p, 1);
        sum = csum_add(sum, w);
    }
    return sum;
}

ALWAYS_INLINE uint64_t sum_lanes(const lanes *acc)
{
    return csum_add(csum_add((*acc)[0], (*acc)[1]), csum_add((*acc)[2], (*acc)[3]));
}

ALWAYS_INLINE void accumulate(lanes *acc, const lanes *v)
{
    *acc += (*v & 0xFFFFFFFFu) + (*v >> 32);
}

ALWAYS_INLINE uint64_t sum_blocks(const uint8_t *p, size_t len)
{
    lanes a = {0};
    lanes b = {0};
    for (; len >= 2 * BLOCK; p += 2 * BLOCK, len -= 2 * BLOCK) {
        lanes v;
        lanes w;
        memcpy(&v, p, BLOCK);
        memcpy(&w, p + BLOCK, BLOCK);
        accumulate(&a, &v);
        accumulate(&b, &w);
    }
    if (len >= BLOCK) {
        lanes v;
        memcpy(&v, p, BLOCK);
        accumulate(&a, &v);
        p += BLOCK;
        len -= BLOCK;
    }
    a += b;
    return sum_tail(p, len, sum_lanes(&a));
}

ALWAYS_INLINE uint64_t copy_blocks(uint8_t *restrict dst, const uint8_t *restrict src, size_t len)
{
    lanes a = {0};
    lanes b = {0};
    for (; len >= 2 * BLOCK; src += 2 * BLOCK, dst += 2 * BLOCK, len -= 2 * BLOCK) {
        lanes v;
        lanes w;
        memcpy(&v, src, BLOCK);
        memcpy(&w, src + BLOCK, BLOCK);
        memcpy(dst, &v, BLOCK);
        memcpy(dst + BLOCK, &w, BLOCK);
        accumulate(&a, &v);
        accumulate(&b, &w);
    }
    a += b;
    memcpy(dst, src, len);
    uint64_t sum = sum_lanes(&a);
    if (len >= BLOCK) {
        lanes v;
        lanes c = {0};
        memcpy(&v, src, BLOCK);
        accumulate(&c, &v);
        sum = csum_add(sum, sum_lanes(&c));
        src += BLOCK;
        len -= BLOCK;
    }
    return sum_tail(src, len, sum);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *p, size_t len)
{
    return sum_blocks(p, len);
}

__attribute__((target("avx2"))) static uint64_t copy_avx2(uint8_t *restrict dst, const uint8_t *restrict src,
                                                          size_t len)
{
    return copy_blocks(dst, src, len);
}

#define HAVE_WIDE __builtin_cpu_supports("avx2")
#else
#define HAVE_WIDE 0
#define sum_avx2 sum_blocks
#define copy_avx2 copy_blocks
#endif

uint64_t csum_partial(const uint8_t *data, size_t len)
{
    if (len < BLOCK) {
        return sum_tail(data, len, 0);
    }
    return HAVE_WIDE ? sum_avx2(data, len) : sum_blocks(data, len);
}

uint64_t csum_copy(uint8_t *restrict dst, const uint8_t *restrict src, size_t len)
{
    return HAVE_WIDE ? copy_avx2(dst, src, len) : copy_blocks(dst, src, len);
}

uint64_t csum_pseudo4(const uint8_t *ip, uint8_t proto, uint32_t l4_len)
{
    uint64_t addresses;
    memcpy(&addresses, ip + 12, 8);
    return csum_add(addresses, (uint64_t)htonl(proto) + htonl(l4_len));
}

uint64_t csum_pseudo6(const uint8_t *ip, uint8_t proto, uint32_t l4_len)
{
    uint64_t w[4];
    memcpy(w, ip + 8, sizeof(w));
    uint64_t addresses = csum_add(csum_add(w[0], w[1]), csum_add(w[2], w[3]));
    return csum_add(addresses, (uint64_t)htonl(proto) + htonl(l4_len));
}

void csum_ip4_header(uint8_t *ip, size_t header_len)
{
    csum_store16(ip + 10, 0);
    csum_store16(ip + 10, csum_finish(csum_partial(ip, header_len)));
}
