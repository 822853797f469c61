/* SPDX-License-Identifier: MIT */

/* Text messages of the control channel and what is inside them. */
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "fuzz.h"
#include "wire/cmd.h"

static void items(const char *args, bool update)
{
    struct cmd_push_item item;
    const char *at = args;
    const char *end = args + strlen(args);
    unsigned count = 0;
    int rc;
    while ((rc = cmd_push_item_next(&at, update, &item)) > 0) {
        FUZZ_REQUIRE((const char *)item.text.data >= args && (const char *)item.text.data + item.text.len <= end);
        FUZZ_REQUIRE(++count <= 1 + strlen(args));
    }
}

static void challenge(const char *text)
{
    struct cmd_challenge c;
    if (cmd_challenge_parse(text, &c) == 0) {
        FUZZ_REQUIRE((const char *)c.state_id.data >= text && c.state_id.len <= strlen(text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)cmd_text_valid(data, size);
    struct rd r = rd_init(data, size);
    struct span record;
    while (cmd_record_next(&r, &record) == 1) {
        FUZZ_REQUIRE(record.data + record.len <= data + size);
    }
    char *text = fuzz_text(data, size);
    struct cmd cmd = cmd_parse(text);
    const char *args = cmd.args ? cmd.args : "";
    (void)cmd_auth_failed_parse(args);
    (void)cmd_restart_parse(args);
    (void)cmd_pending_timeout(args);
    (void)cmd_info_parse(args);
    (void)cmd_push_continuation(args);
    challenge(args);
    challenge(text);
    items(args, false);
    items(args, true);
    items(text, true);
    free(text);
    return 0;
}
