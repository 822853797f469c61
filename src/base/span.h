/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_SPAN_H
#define VPND_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A borrowed run of bytes; never owns. */
struct span {
    const uint8_t *data;
    size_t len;
};

/**
 * Bounds-checked reader. A read past the end returns zero (or NULL), sets @bad and consumes nothing; so a
 * parser reads all it wants and checks rd_ok() once.
 */
struct rd {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

/** Bounds-checked writer over a caller's buffer; a write past the end sets @bad and writes nothing. */
struct wr {
    uint8_t *start;
    uint8_t *p;
    uint8_t *end;
    bool bad;
};

/** Big-endian loads and stores on memory that the caller has checked. */
static inline uint16_t be16_load(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t be32_load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t be64_load(const uint8_t *p)
{
    return (uint64_t)be32_load(p) << 32 | be32_load(p + 4);
}

static inline void be16_store(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void be32_store(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void be64_store(uint8_t *p, uint64_t v)
{
    be32_store(p, (uint32_t)(v >> 32));
    be32_store(p + 4, (uint32_t)v);
}

/** rd_init - reader over @len bytes at @data (may be NULL when @len is 0). */
static inline struct rd rd_init(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct rd){.p = p, .end = len ? p + len : p, .bad = false};
}

/** rd_ok - no read so far went past the end. */
static inline bool rd_ok(const struct rd *r)
{
    return !r->bad;
}

/** rd_left - bytes not yet read; 0 once bad. */
static inline size_t rd_left(const struct rd *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}

/** rd_bytes - consume @n bytes and return where they are, or NULL. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
    if (rd_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->p;
    if (n) {
        r->p += n;
    }
    return at;
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 2);
    return p ? be16_load(p) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 4);
    return p ? be32_load(p) : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 8);
    return p ? be64_load(p) : 0;
}

/** rd_copy - consume @n bytes into @out; on failure @out is zeroed. */
static inline void rd_copy(struct rd *r, void *out, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    if (p && n) {
        memcpy(out, p, n);
    } else if (n) {
        memset(out, 0, n);
    }
}

/** rd_rest - consume everything that is left. */
static inline struct span rd_rest(struct rd *r)
{
    struct span s = {r->p, rd_left(r)};
    (void)rd_bytes(r, s.len);
    return s;
}

/** wr_init - writer over @cap bytes at @buf. */
static inline struct wr wr_init(void *buf, size_t cap)
{
    uint8_t *p = buf;
    return (struct wr){.start = p, .p = p, .end = cap ? p + cap : p, .bad = false};
}

/** wr_ok - everything written so far fitted. */
static inline bool wr_ok(const struct wr *w)
{
    return !w->bad;
}

/** wr_len - bytes written. */
static inline size_t wr_len(const struct wr *w)
{
    return (size_t)(w->p - w->start);
}

/** wr_left - bytes that still fit; 0 once bad. */
static inline size_t wr_left(const struct wr *w)
{
    return w->bad ? 0 : (size_t)(w->end - w->p);
}

/** wr_reserve - advance over @n bytes for the caller to fill, or NULL. */
static inline uint8_t *wr_reserve(struct wr *w, size_t n)
{
    if (wr_left(w) < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *at = w->p;
    if (n) {
        w->p += n;
    }
    return at;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = wr_reserve(w, 1);
    if (p) {
        *p = v;
    }
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *p = wr_reserve(w, 2);
    if (p) {
        be16_store(p, v);
    }
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_reserve(w, 4);
    if (p) {
        be32_store(p, v);
    }
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *p = wr_reserve(w, 8);
    if (p) {
        be64_store(p, v);
    }
}

/** wr_bytes - append @n bytes. */
static inline void wr_bytes(struct wr *w, const void *data, size_t n)
{
    uint8_t *p = wr_reserve(w, n);
    if (p && n) {
        memcpy(p, data, n);
    }
}

#endif
