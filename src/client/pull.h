/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PULL_H
#define VPND_CLIENT_PULL_H

/*
 * Options that a server sends: PUSH_REPLY and PUSH_UPDATE are put together from their parts, filtered by
 * `pull-filter`, and turned into option lines for the configuration. Pure: no I/O, no clock, does not know what
 * an option means. (Control channel spec, 8.2, 8.4, 8.6, 8.7; client behaviour spec, 6.) Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define PULL_LINES_MAX 8192        /* options of one whole reply */
#define PULL_BYTES_MAX (256 * 1024) /* text of one whole reply */
#define PULL_LINE_MAX 1024

enum pull_filter_action { PULL_FILTER_ACCEPT, PULL_FILTER_IGNORE, PULL_FILTER_REJECT };

/** One `pull-filter` line; borrowed text. */
struct pull_filter {
    enum pull_filter_action action;
    const char *text;
};

enum pull_kind { PULL_REPLY, PULL_UPDATE };

/** One accepted option. */
struct pull_line {
    char *text;    /* without the prefixes of PUSH_UPDATE */
    bool remove;   /* PUSH_UPDATE "-option" */
    bool optional; /* PUSH_UPDATE "?option" */
};

struct pull {
    enum pull_kind kind;
    struct pull_line *lines;
    size_t count;
    size_t cap;
    size_t bytes;
    bool open;      /* a part with push-continuation 2 was seen, more must follow */
    char *offender; /* text of the option that made pull_add() fail, or NULL */
    struct buf print; /* all options that count for pull_same(), each followed by NUL */
    struct buf old_print;
    bool has_old;
};

enum pull_result {
    PULL_MORE,      /* a further part follows */
    PULL_COMPLETE,  /* @lines holds everything */
    PULL_REJECTED,  /* a filter rejects @offender: give the connection up */
    PULL_BAD,       /* not a push message, or too much of it */
    PULL_OFFENDING, /* PUSH_UPDATE: @offender is mandatory and cannot be updated */
};

/** pull_init - nothing received yet, no earlier reply to compare with. */
void pull_init(struct pull *p);

/** pull_reset - forget the parts of an unfinished or finished message; the fingerprint to compare with stays. */
void pull_reset(struct pull *p);

/** pull_free - release everything. */
void pull_free(struct pull *p);

/** pull_is_message - whether @text is a PUSH_REPLY or PUSH_UPDATE. */
bool pull_is_message(const char *text);

/**
 * pull_add - take one control message
 * @filters:       in order; the first whose text is a prefix of the option decides
 * @without_cipher: leave `cipher` out of the fingerprint (tun-mtu is set by the user)
 *
 * The first part of a new message forgets the lines of the last one.
 */
enum pull_result pull_add(struct pull *p, const char *text, const struct pull_filter *filters, size_t filter_count,
                          bool without_cipher);

/** pull_same - the complete reply asks for the same tunnel as the one that pull_keep() remembered. */
bool pull_same(const struct pull *p);

/** pull_keep - remember the complete reply for the next pull_same(). */
void pull_keep(struct pull *p);

/** pull_forget - nothing is the same as what comes next (after PUSH_UPDATE, or when the tunnel was closed). */
void pull_forget(struct pull *p);

/** pull_updatable - whether PUSH_UPDATE may change the option whose line is @text. */
bool pull_updatable(const char *text);

/**
 * pull_redact - the message as the log shows it: tokens are hidden
 * Return: freshly allocated text.
 */
char *pull_redact(const char *text);

#endif
