/* SPDX-License-Identifier: MIT */
/* Batches of the fast implementation of AES-CBC next to OpenSSL, which does the same packets one by one. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rand.h"
#include "base/span.h"
#include "crypto/cbc_hmac.h"
#include "crypto/hmac.h"

#define BATCH_MAX 140 /* beyond what the library takes at once */
#define ROOM 1728
#define LENGTH_MAX 1500
#define BLOCK 16

static const char *const ciphers[] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
static const char *const auths[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
static const size_t tag_sizes[] = {20, 28, 32, 48, 64};
#define CIPHERS (sizeof(ciphers) / sizeof(ciphers[0]))
#define AUTHS (sizeof(auths) / sizeof(auths[0]))

/* One implementation with one key. */
struct side {
    struct cbc_hmac_engine *engine;
    struct cbc_hmac_worker *worker;
    struct cbc_hmac_key *key;
};

static struct side fast, slow;
static struct rand_seeded dice;
static uint8_t material[128];
static _Alignas(64) uint8_t plain[BATCH_MAX][ROOM], sealed[2][BATCH_MAX][ROOM], opened[2][BATCH_MAX][ROOM];
static size_t lengths[BATCH_MAX];

static void side_open(struct side *side, const char *name)
{
    *side = (struct side){0};
    cr_assert_eq(cbc_hmac_engine_new(name, &side->engine), 0);
    side->worker = cbc_hmac_worker_new(side->engine);
}

static void side_close(struct side *side)
{
    cbc_hmac_key_free(side->key);
    cbc_hmac_worker_free(side->worker);
    cbc_hmac_engine_free(side->engine);
}

static void setup(void)
{
    rand_seeded_init(&dice, 11);
    rand_fill(&dice.source, material, sizeof(material));
    rand_fill(&dice.source, plain, sizeof(plain));
    side_open(&fast, "auto");
    side_open(&slow, "openssl");
}

static void teardown(void)
{
    side_close(&fast);
    side_close(&slow);
}

TestSuite(cbc_hmac_batch, .init = setup, .fini = teardown);

static void set_keys(const char *cipher, const char *auth)
{
    struct side *sides[] = {&fast, &slow};
    for (size_t i = 0; i < 2; i++) {
        cbc_hmac_key_free(sides[i]->key);
        sides[i]->key = NULL;
        cr_assert_eq(cbc_hmac_key_new(sides[i]->engine, cipher, material, auth, material + 64, &sides[i]->key), 0);
    }
}

static void need_fast(void)
{
    if (strcmp(cbc_hmac_engine_name(fast.engine, "AES-256-CBC", "SHA256"), "ipsec-mb") != 0) {
        cr_skip_test("no intel-ipsec-mb here");
    }
    cr_assert_neq(strstr(cbc_hmac_engine_describe(fast.engine), "AES-CBC: intel-ipsec-mb"), NULL);
}

/* Many short ones, as in a tunnel; every remainder of a block comes up. */
static size_t any_length(void)
{
    return rand_below(&dice.source, 3) ? rand_below(&dice.source, 100) : rand_below(&dice.source, LENGTH_MAX);
}

/* Where packet @i begins in its room: every alignment comes up. */
static size_t skew(size_t i)
{
    return (i * 7 + lengths[i]) % 64;
}

/* Seal packets of the lengths given with both. Return: both made the same bytes of all. */
static void seal_both(size_t n, size_t sizes[BATCH_MAX])
{
    struct side *sides[] = {&fast, &slow};
    struct cbc_hmac_seal ops[2][BATCH_MAX];
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < n; i++) {
            ops[s][i] = (struct cbc_hmac_seal){.in = plain[i], .len = lengths[i], .out = sealed[s][i] + skew(i),
                                               .id = (uint32_t)(i * 77 + 1), .iv = plain[i] + ROOM - BLOCK};
            if (i % 3 == 0) { /* in place */
                ops[s][i].in = ops[s][i].out + cbc_hmac_key_layout(sides[s]->key).head;
                memcpy(ops[s][i].out + cbc_hmac_key_layout(sides[s]->key).head, plain[i], lengths[i]);
            }
        }
        cr_assert_eq(cbc_hmac_seal(sides[s]->worker, sides[s]->key, ops[s], n), n);
    }
    for (size_t i = 0; i < n; i++) {
        cr_assert(ops[0][i].ok && ops[0][i].out_len == ops[1][i].out_len);
        cr_assert(memcmp(ops[0][i].out, ops[1][i].out, ops[0][i].out_len) == 0, "packet %zu of %zu", i, n);
        sizes[i] = ops[0][i].out_len;
    }
}

/* Open sealed[@from] with both; verdicts and payloads are the same. Return: how many were good. */
static size_t open_both(size_t n, size_t from, const size_t sizes[BATCH_MAX])
{
    struct side *sides[] = {&fast, &slow};
    struct cbc_hmac_open ops[2][BATCH_MAX];
    size_t good[2];
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < n; i++) {
            memcpy(opened[s][i] + skew(i), sealed[from][i] + skew(i), sizes[i]);
            ops[s][i] = (struct cbc_hmac_open){.in = opened[s][i] + skew(i), .len = sizes[i]};
        }
        good[s] = cbc_hmac_open(sides[s]->worker, sides[s]->key, ops[s], n);
    }
    cr_assert_eq(good[0], good[1]);
    for (size_t i = 0; i < n; i++) {
        const struct cbc_hmac_open *a = &ops[0][i];
        const struct cbc_hmac_open *b = &ops[1][i];
        cr_assert_eq(a->ok, b->ok, "packet %zu of %zu", i, n);
        if (a->ok) {
            cr_assert(a->id == b->id && a->time == b->time && a->payload_len == b->payload_len);
            cr_assert_eq(a->payload - a->in, b->payload - b->in);
            cr_assert(memcmp(a->payload, b->payload, a->payload_len) == 0);
        }
    }
    return good[0];
}

Test(cbc_hmac_batch, every_batch_size)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t c = 0; c < CIPHERS; c++) {
        for (size_t a = 0; a < AUTHS; a++) {
            set_keys(ciphers[c], auths[a]);
            for (size_t n = 1; n <= BATCH_MAX; n += n < 40 || n >= 126 ? 1 : 7) {
                for (size_t i = 0; i < n; i++) {
                    lengths[i] = any_length();
                }
                seal_both(n, sizes);
                cr_assert_eq(open_both(n, 0, sizes), n);
            }
        }
    }
}

Test(cbc_hmac_batch, every_length)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-256-CBC", auths[a]);
        for (size_t first = 0; first < LENGTH_MAX; first += 20) {
            for (size_t i = 0; i < 20; i++) {
                lengths[i] = first + i;
            }
            seal_both(20, sizes);
            cr_assert_eq(open_both(20, 1, sizes), 20);
        }
    }
}

/* Whatever bit of a packet is changed, it is refused, and its neighbours are not. */
Test(cbc_hmac_batch, forgeries_among_good_ones)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-128-CBC", auths[a]);
        for (unsigned round = 0; round < 200; round++) {
            size_t n = 1 + rand_below(&dice.source, 40);
            size_t forged = 0;
            for (size_t i = 0; i < n; i++) {
                lengths[i] = any_length();
            }
            seal_both(n, sizes);
            for (size_t i = 0; i < n; i++) {
                if (rand_below(&dice.source, 4) == 0) {
                    sealed[0][i][skew(i) + rand_below(&dice.source, (uint32_t)sizes[i])] ^=
                        (uint8_t)(1 << rand_below(&dice.source, 8));
                    forged++;
                }
            }
            cr_assert_eq(open_both(n, 0, sizes), n - forged);
        }
    }
}

Test(cbc_hmac_batch, every_byte_of_the_tag_counts)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-256-CBC", auths[a]);
        for (size_t i = 0; i < tag_sizes[a]; i++) {
            lengths[i] = 40;
        }
        seal_both(tag_sizes[a], sizes);
        for (size_t i = 0; i < tag_sizes[a]; i++) {
            sealed[0][i][skew(i) + i] ^= 0x10;
        }
        cr_assert_eq(open_both(tag_sizes[a], 0, sizes), 0);
    }
}

Test(cbc_hmac_batch, truncated_packets)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-192-CBC", auths[a]);
        for (size_t i = 0; i < BATCH_MAX; i++) {
            lengths[i] = 20;
        }
        seal_both(BATCH_MAX, sizes);
        size_t whole = sizes[0];
        cr_assert_lt(whole, BATCH_MAX);
        for (size_t i = 0; i <= whole; i++) { /* packet i keeps i bytes; the last one is whole */
            sizes[i] = i;
        }
        cr_assert_eq(open_both(whole + 1, 0, sizes), 1);
    }
}

/* Packets of somebody who has the key: every value of the last byte, over padding of each kind. */
Test(cbc_hmac_batch, padding)
{
    size_t sizes[BATCH_MAX];
    need_fast();
    for (size_t a = 0; a < AUTHS; a++) {
        size_t tag_size = tag_sizes[a];
        struct hmac *hmac = hmac_new(auths[a], material + 64, tag_size);
        size_t good = 0;
        set_keys("AES-256-CBC", auths[a]);
        for (unsigned value = 0; value < 256; value++) {
            for (size_t i = 0; i < BLOCK; i++) {
                lengths[i] = 28 + i; /* with the packet id two blocks and padding of every length */
            }
            seal_both(BLOCK, sizes);
            for (size_t i = 0; i < BLOCK; i++) { /* a change of one block shows in the next one */
                uint8_t *packet = sealed[0][i] + skew(i);
                uint8_t padding = (uint8_t)(sizes[i] - tag_size - BLOCK - lengths[i] - 4);
                packet[sizes[i] - BLOCK - 1] ^= (uint8_t)(padding ^ value);
                struct span hashed = {packet + tag_size, sizes[i] - tag_size};
                cr_assert_eq(hmac_compute(hmac, &hashed, 1, packet), 0);
            }
            good += open_both(BLOCK, 0, sizes);
        }
        cr_assert(good >= BLOCK && good < 3 * BLOCK, "%zu", good); /* the true one, and few that chance made */
        hmac_free(hmac);
    }
}

/* What a 64 KB device can give, and beyond the lengths that the library's lanes can count. */
Test(cbc_hmac_batch, long_packets)
{
    enum { LONG = 66000, COUNT = 7 };
    static const size_t long_lengths[COUNT] = {65535, 65480, 65500, 65497, 48000, 9000, 100};
    need_fast();
    uint8_t *out[2] = {malloc(LONG * COUNT), malloc(LONG * COUNT)};
    uint8_t *text = malloc(LONG);
    rand_fill(&dice.source, text, LONG);
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-256-CBC", auths[a]);
        for (size_t from = 0; from < COUNT; from++) {
            struct side *sides[] = {&fast, &slow};
            struct cbc_hmac_seal ops[2][COUNT];
            struct cbc_hmac_open open[COUNT];
            for (size_t s = 0; s < 2; s++) {
                for (size_t i = from; i < COUNT; i++) {
                    ops[s][i] = (struct cbc_hmac_seal){
                        .in = text, .len = long_lengths[i], .out = out[s] + i * LONG, .id = 5, .iv = text + i};
                }
                cr_assert_eq(cbc_hmac_seal(sides[s]->worker, sides[s]->key, ops[s] + from, COUNT - from), COUNT - from);
            }
            for (size_t i = from; i < COUNT; i++) {
                cr_assert_eq(ops[0][i].out_len, ops[1][i].out_len);
                cr_assert(memcmp(ops[0][i].out, ops[1][i].out, ops[0][i].out_len) == 0, "length %zu", long_lengths[i]);
                open[i] = (struct cbc_hmac_open){.in = ops[0][i].out, .len = ops[0][i].out_len};
            }
            cr_assert_eq(cbc_hmac_open(fast.worker, fast.key, open + from, COUNT - from), COUNT - from);
            for (size_t i = from; i < COUNT; i++) {
                cr_assert(open[i].payload_len == long_lengths[i] && memcmp(open[i].payload, text, long_lengths[i]) == 0);
            }
        }
    }
    free(out[0]);
    free(out[1]);
    free(text);
}

/* Packets that lie between pages without access: the lanes read and write nothing else. */
Test(cbc_hmac_batch, nothing_beyond_a_packet)
{
    enum { COUNT = 18, PAGE = 4096 };
    need_fast();
    uint8_t *pages = mmap(NULL, (2 * COUNT + 1) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(mprotect(pages + (2 * i + 1) * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    }
    for (size_t a = 0; a < AUTHS; a++) {
        set_keys("AES-256-CBC", auths[a]);
        size_t head = cbc_hmac_key_layout(fast.key).head;
        for (size_t len = 0; len < 200; len++) {
            size_t whole = head - 4 + (len + 4) / BLOCK * BLOCK + BLOCK;
            struct cbc_hmac_seal seals[COUNT];
            struct cbc_hmac_open opens[COUNT];
            size_t n = len % COUNT + 1;
            for (size_t i = 0; i < n; i++) {
                uint8_t *page = pages + (2 * i + 1) * PAGE;
                uint8_t *at = len % 2 ? page : page + PAGE - whole;
                seals[i] = (struct cbc_hmac_seal){.in = plain[i], .len = len, .out = at, .id = 1};
                opens[i] = (struct cbc_hmac_open){.in = at, .len = whole};
            }
            cr_assert_eq(cbc_hmac_seal(fast.worker, fast.key, seals, n), n);
            cr_assert_eq(cbc_hmac_open(fast.worker, fast.key, opens, n), n);
        }
    }
    (void)munmap(pages, (2 * COUNT + 1) * PAGE);
}

/* ------------------------------------------------------------------ threads */

#define THREADS 4
#define THREAD_PACKETS 21

/* A worker of its own, the key of all. */
static void *seal_and_open(void *arg)
{
    static uint8_t rooms[THREADS][THREAD_PACKETS][256];
    size_t me = (size_t)(uintptr_t)arg;
    struct cbc_hmac_worker *worker = cbc_hmac_worker_new(fast.engine);
    uintptr_t good = 0;
    for (unsigned round = 0; round < 200; round++) {
        struct cbc_hmac_seal seals[THREAD_PACKETS];
        struct cbc_hmac_open opens[THREAD_PACKETS];
        for (size_t i = 0; i < THREAD_PACKETS; i++) {
            seals[i] = (struct cbc_hmac_seal){.in = plain[i], .len = 100, .out = rooms[me][i], .id = 1};
        }
        (void)cbc_hmac_seal(worker, fast.key, seals, THREAD_PACKETS);
        for (size_t i = 0; i < THREAD_PACKETS; i++) {
            opens[i] = (struct cbc_hmac_open){.in = rooms[me][i], .len = seals[i].out_len};
        }
        good += cbc_hmac_open(worker, fast.key, opens, THREAD_PACKETS);
    }
    cbc_hmac_worker_free(worker);
    return (void *)good;
}

Test(cbc_hmac_batch, threads_share_a_key)
{
    pthread_t threads[THREADS];
    set_keys("AES-256-CBC", "SHA1");
    for (size_t i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_open, (void *)(uintptr_t)i), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *good = NULL;
        cr_assert_eq(pthread_join(threads[i], &good), 0);
        cr_assert_eq((uintptr_t)good, 200 * THREAD_PACKETS);
    }
}
