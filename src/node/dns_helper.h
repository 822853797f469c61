/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DNS_HELPER_H
#define VPND_NODE_DNS_HELPER_H

/*
 * The process that changes the host's name resolution for vpnd, and what the two say to each other: one datagram a
 * request, one an answer. Shared by dns.c and dns_helper.c only.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "node/dns_settings.h"

enum dns_request_kind {
    DNS_REQUEST_APPLY = 1,
    DNS_REQUEST_REVERT,
    DNS_REQUEST_STATE, /* use this state file; undo what it notes */
    DNS_NOTICE, /* an answer that nobody asked for: settings were set again */
};

struct dns_request {
    uint32_t kind;
    struct dns_settings settings; /* APPLY */
    char path[PATH_MAX];          /* STATE */
};

#define DNS_ANSWER_TEXT 2048

/** Exactly one follows each request, in order; notices come in between. */
struct dns_answer {
    uint32_t kind;
    int32_t result;
    char text[DNS_ANSWER_TEXT]; /* for the log, "" nothing to say */
};

/** dns_state_open - open and lock @path (NULL: none); waits some seconds for an earlier helper to end.
 *  Return: descriptor, -1 for none, or another negative number. */
int dns_state_open(const char *path);

/** dns_state_recover - undo what @state notes. @text: what there is to say, "" when nothing was noted. */
void dns_state_recover(int state, char text[DNS_ANSWER_TEXT]);

/** dns_helper_run - serve requests from @socket until its end, then undo what is in force. Never returns. */
void dns_helper_run(int socket) __attribute__((noreturn));

#endif
