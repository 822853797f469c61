/* SPDX-License-Identifier: MIT */

/* What a plugin's process that has gone mad may send: fields in any order. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "hooks/plugin_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    struct buf message = {.data = copy, .len = size, .cap = size, .max = size};
    struct rd in = plugin_message_read(&message);
    (void)rd_u32(&in);
    (void)rd_u32(&in);
    char **list = plugin_get_list(&in);
    for (size_t i = 0; list && list[i]; i++) {
        FUZZ_REQUIRE(strlen(list[i]) <= size);
    }
    plugin_list_free(list);
    in = plugin_message_read(&message);
    for (char *text = plugin_get_text(&in); text; text = plugin_get_text(&in)) {
        FUZZ_REQUIRE(strlen(text) <= size);
        free(text);
        if (rd_left(&in) == 0) {
            break;
        }
    }
    free(copy);
    return 0;
}
