/* SPDX-License-Identifier: MIT */

/* What a server is given from outside the tunnel: first bytes of a connection, common names, the file of its pool. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "server/ccd.h"
#include "server/persist.h"
#include "server/pool.h"
#include "server/port_share_rule.h"

/* More bytes never change a verdict once there is one. */
static void first_bytes(const uint8_t *data, size_t size)
{
    enum port_share_verdict last = PORT_SHARE_MORE;
    for (size_t len = 0; len <= size && len <= 4; len++) {
        uint8_t *copy = fuzz_copy(data, len);
        enum port_share_verdict verdict = port_share_judge(copy, len);
        FUZZ_REQUIRE(last != PORT_SHARE_FOREIGN || verdict == PORT_SHARE_FOREIGN);
        last = verdict;
        free(copy);
    }
}

static void name(const char *text)
{
    char file[64];
    if (ccd_file_name(text, file, sizeof(file)) == 0) {
        FUZZ_REQUIRE(file[0] && !strchr(file, '/') && strcmp(file, ".") != 0 && strcmp(file, "..") != 0);
    }
}

static struct pool *pool_open(void)
{
    struct pool_config config = {.v4 = true, .start = 0x0a080002, .end = 0x0a0800fd, .v6 = true, .bits6 = 112};
    struct pool *pool = NULL;
    enum pool_problem problem;
    FUZZ_REQUIRE(ip_parse("fd00::1000", &config.base6) == 0 && pool_new(&config, &pool, &problem) == 0);
    return pool;
}

/* What was read is written such that reading it again gives the same. */
static void persisted(const char *text, size_t size)
{
    struct pool *pool = pool_open();
    struct pool *again = pool_open();
    struct buf first = BUF_INIT(PERSIST_FILE_MAX);
    struct buf second = BUF_INIT(PERSIST_FILE_MAX);
    (void)persist_parse(pool, text, size, false, 1000);
    FUZZ_REQUIRE(persist_format(pool, &first) == 0);
    struct persist_result result = persist_parse(again, buf_str(&first), first.len, false, 1000);
    FUZZ_REQUIRE(result.ignored == 0 && result.disagreeing == 0 && !result.corrupt);
    FUZZ_REQUIRE(persist_format(again, &second) == 0);
    FUZZ_REQUIRE(strcmp(buf_str(&first), buf_str(&second)) == 0);
    buf_free(&first, false);
    buf_free(&second, false);
    pool_free(pool);
    pool_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    first_bytes(data, size);
    char *text = fuzz_text(data, size);
    name(text);
    persisted(text, size);
    free(text);
    return 0;
}
