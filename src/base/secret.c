/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

void secret_wipe(void *p, size_t n)
{
    if (p && n) {
        explicit_bzero(p, n);
    }
}

bool secret_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++) {
        diff |= (uint8_t)(x[i] ^ y[i]);
    }
    return diff == 0;
}

static size_t pages_for(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) / page * page;
}

struct secret secret_alloc(size_t len)
{
    size_t size = pages_for(len ? len : 1);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return (struct secret){.data = mem_zalloc(len), .len = len};
    }
    (void)mlock(p, size);
    (void)madvise(p, size, MADV_DONTDUMP);
    return (struct secret){.data = p, .len = len, .mapped = size};
}

struct secret secret_from(const void *data, size_t len)
{
    struct secret s = secret_alloc(len);
    if (len) {
        memcpy(s.data, data, len);
    }
    return s;
}

void secret_free(struct secret *s)
{
    secret_wipe(s->data, s->len);
    if (s->mapped) {
        munmap(s->data, s->mapped);
    } else {
        free(s->data);
    }
    *s = (struct secret){0};
}
