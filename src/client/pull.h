/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PULL_H
#define VPND_CLIENT_PULL_H

/*
 * PUSH_REPLY and PUSH_UPDATE put together from their parts, and the fingerprint that tells whether a new reply
 * asks for the same tunnel as the last one (control channel spec, 8.2, 8.6, 8.7). Pure: what an option means is
 * config/'s business. Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "wire/cmd.h"

#define PULL_LINES_MAX 8192        /* options of one whole message */
#define PULL_BYTES_MAX (256 * 1024) /* text of one whole message */

struct pull {
    bool update;    /* PUSH_UPDATE; its lines keep their prefixes */
    bool open;      /* a part with push-continuation 2 was seen, more must follow */
    char **lines;
    size_t count;
    size_t cap;
    size_t bytes;
};

enum pull_result {
    PULL_MORE,     /* a further part follows */
    PULL_COMPLETE, /* @lines holds everything */
    PULL_BAD,      /* too much (logged) or "?-": give the connection up */
};

/** pull_init - nothing received yet. */
void pull_init(struct pull *p);

/** pull_reset - forget the parts of an unfinished or finished message. */
void pull_reset(struct pull *p);

/** pull_free - wipe and release. */
void pull_free(struct pull *p);

/** pull_add - take one CMD_PUSH_REPLY or CMD_PUSH_UPDATE. The first part of a new message forgets the last one. */
enum pull_result pull_add(struct pull *p, const struct cmd *message);

/** pull_redact - the message as the log shows it: tokens are hidden. Return: free with free(). */
char *pull_redact(const char *message);

/** The options that a device was opened for; zero-initialise. */
struct pull_print {
    char *text; /* NULL: nothing to compare with */
    size_t len;
};

/** pull_print_take - fingerprint of a complete PUSH_REPLY. @tun_mtu_given: the user configured tun-mtu. */
void pull_print_take(struct pull_print *print, const struct pull *p, bool tun_mtu_given);

/** pull_print_equal - both exist and are the same. */
bool pull_print_equal(const struct pull_print *a, const struct pull_print *b);

/** pull_print_free - release; it equals nothing afterwards. */
void pull_print_free(struct pull_print *print);

#endif
