/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_SHOW_TABLE_H
#define VPND_MGMT_SHOW_TABLE_H

#include "base/buf.h"
#include "mgmt/show_model.h"

/** How much room there is. */
struct show_room {
    unsigned columns; /* 0: no limit */
    unsigned rows;    /* 0: no limit */
    bool colours;
};

/** show_table - the snapshot as a person reads it: a summary, problems, and a row for each client,
 *  of the busiest where there is no room for all. Lines end with \n. Pure. Return: 0 or ERR_LIMIT. */
int show_table(const struct show_snapshot *snapshot, const struct show_room *room, struct buf *out);

/** show_bytes - "1.2 GB", at most 8 characters. Return: @out. */
const char *show_bytes(uint64_t bytes, char out[16]);

/** show_duration - "3d 04h", "4h 05m", "5m 06s", "7s". Return: @out. */
const char *show_duration(uint64_t seconds, char out[16]);

#endif
