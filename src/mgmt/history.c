/* SPDX-License-Identifier: MIT */
#include "mgmt/history.h"

#include <stdlib.h>

#include "base/mem.h"

void history_init(struct history *history, size_t cap)
{
    *history = (struct history){.lines = mem_array(cap ? cap : 1, sizeof(char *)), .cap = cap ? cap : 1};
}

void history_add(struct history *history, const char *line)
{
    size_t at = (history->first + history->count) % history->cap;
    if (history->count == history->cap) {
        free(history->lines[history->first]);
        history->first = (history->first + 1) % history->cap;
    } else {
        history->count++;
    }
    history->lines[at] = mem_strdup(line);
}

const char *history_get(const struct history *history, size_t index)
{
    return history->lines[(history->first + index) % history->cap];
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->lines[(history->first + i) % history->cap]);
    }
    free(history->lines);
    *history = (struct history){0};
}
