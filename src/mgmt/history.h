/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_HISTORY_H
#define VPND_MGMT_HISTORY_H

#include <stddef.h>

/** The last lines of one kind (log, state, echo), oldest first. */
struct history {
    char **lines; /* ring of @cap */
    size_t cap;
    size_t first;
    size_t count;
};

/** history_init - room for @cap lines (at least 1). */
void history_init(struct history *history, size_t cap);

/** history_add - append a copy of @line, dropping the oldest when full. */
void history_add(struct history *history, const char *line);

/** history_get - line @index, 0 the oldest. Valid until the next history_add(). */
const char *history_get(const struct history *history, size_t index);

/** history_free - release. */
void history_free(struct history *history);

#endif
