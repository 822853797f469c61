/* SPDX-License-Identifier: MIT */

/*
 * main() of a fuzz target where there is no libFuzzer: every seed as it is, then mutations of seeds from a fixed
 * random sequence.
 *
 *   target [RUNS [SEED]] < lines of hexadecimal digits
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "fuzz.h"

#define INPUT_MAX 4096
#define SEEDS_MAX 8192

struct seed {
    uint8_t *data;
    size_t len;
};

static size_t unhex(const char *line, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;
    while (n < INPUT_MAX && sscanf(line + 2 * n, "%2x", &byte) == 1) {
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static size_t read_seeds(struct seed *seeds)
{
    char *line = NULL;
    size_t cap = 0;
    size_t count = 0;
    uint8_t bytes[INPUT_MAX];
    while (count < SEEDS_MAX && getline(&line, &cap, stdin) > 0) {
        seeds[count].len = unhex(line, bytes);
        seeds[count].data = fuzz_copy(bytes, seeds[count].len);
        count++;
    }
    free(line);
    return count;
}

static const uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff, 0x40, 0x20, '\n', ',', ' '};

/* One change: a bit, a byte, a length, a cut, a doubled or a foreign piece. */
static size_t mutate(const struct rand_source *rand, const struct seed *other, uint8_t *data, size_t len)
{
    if (len == 0) {
        data[0] = (uint8_t)rand_u32(rand);
        return 1;
    }
    size_t at = rand_below(rand, (uint32_t)len);
    size_t n = 1 + rand_below(rand, (uint32_t)(len - at));
    switch (rand_below(rand, 7)) {
    case 0:
        data[at] ^= (uint8_t)(1u << rand_below(rand, 8));
        return len;
    case 1:
        data[at] = interesting[rand_below(rand, sizeof(interesting))];
        return len;
    case 2:
        return at;
    case 3:
        memmove(data + at, data + at + n, len - at - n);
        return len - n;
    case 4:
        n = n > INPUT_MAX - len ? INPUT_MAX - len : n;
        memmove(data + at + n, data + at, len - at);
        return len + n;
    case 5:
        n = other->len < INPUT_MAX - at ? other->len : INPUT_MAX - at;
        if (n) {
            memcpy(data + at, other->data, n);
        }
        return at + n > len ? at + n : len;
    default:
        rand_fill(rand, data + at, n > 16 ? 16 : n);
        return len;
    }
}

int main(int argc, char *argv[])
{
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    struct rand_seeded sequence;
    rand_seeded_init(&sequence, argc > 2 ? strtoul(argv[2], NULL, 10) : 1);
    const struct rand_source *rand = &sequence.source;
    static struct seed seeds[SEEDS_MAX];
    size_t count = read_seeds(seeds);
    FUZZ_REQUIRE(count > 0);
    for (size_t i = 0; i < count; i++) {
        LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].len);
    }
    for (unsigned long run = 0; run < runs; run++) {
        uint8_t data[INPUT_MAX + 1];
        const struct seed *seed = &seeds[rand_below(rand, (uint32_t)count)];
        size_t len = seed->len;
        if (len) {
            memcpy(data, seed->data, len);
        }
        for (unsigned changes = 1 + rand_below(rand, 4); changes; changes--) {
            len = mutate(rand, &seeds[rand_below(rand, (uint32_t)count)], data, len);
        }
        LLVMFuzzerTestOneInput(data, len);
    }
    for (size_t i = 0; i < count; i++) {
        free(seeds[i].data);
    }
    dprintf(STDOUT_FILENO, "%zu seeds, %lu mutations\n", count, runs);
    return 0;
}
