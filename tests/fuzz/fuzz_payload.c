/* SPDX-License-Identifier: MIT */

/* What an authenticated peer puts into data packets: compression framing and fragments. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"
#include "fuzz.h"
#include "wire/compress.h"
#include "wire/fragment.h"

#define EXPANDED_MAX 1600
#define SLOT 1600

static void unframe(const uint8_t *data, size_t size)
{
    for (unsigned framing = COMPRESS_NONE; framing < COMPRESS_COUNT; framing++) {
        uint8_t *copy = fuzz_copy(data, size);
        uint8_t *scratch = malloc(EXPANDED_MAX);
        FUZZ_REQUIRE(scratch);
        struct compress_payload out;
        if (compress_unframe(framing, copy, size, scratch, EXPANDED_MAX, &out) == 0) {
            bool expanded = out.data >= scratch && out.data + out.len <= scratch + EXPANDED_MAX;
            bool inside = out.data >= copy && out.data + out.len <= copy + size;
            FUZZ_REQUIRE(expanded || inside);
        }
        free(scratch);
        free(copy);
    }
}

/* The input as fragments: a length byte and so many bytes. */
static void reassemble(const uint8_t *data, size_t size)
{
    uint8_t *storage = malloc((size_t)FRAGMENT_SLOTS * SLOT);
    struct fragment_state *state = mem_zalloc(sizeof(*state));
    FUZZ_REQUIRE(storage);
    fragment_init(state, storage, SLOT);
    uint64_t now = 1000;
    while (size > 1) {
        size_t len = data[0] > size - 1 ? size - 1 : data[0];
        uint8_t *part = fuzz_copy(data + 1, len);
        struct span whole;
        if (fragment_receive(state, now, part, len, &whole) == 1) {
            FUZZ_REQUIRE(whole.len <= SLOT || (whole.data >= part && whole.data + whole.len <= part + len));
        }
        free(part);
        now += data[0];
        (void)fragment_expire(state, now);
        data += len + 1;
        size -= len + 1;
    }
    free(state);
    free(storage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unframe(data, size);
    reassemble(data, size);
    return 0;
}
