/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_RACE_H
#define VPND_CLIENT_RACE_H

/*
 * All remotes of a file at once: attempts start one after the other at short intervals (RFC 8305, 5), UDP first, and
 * the first finished handshake wins. A TCP handshake has to wait a moment for UDP, which is preferred. At most a
 * handful of attempts live at a time. Loop thread only.
 */
#include <stdbool.h>

#include "client/attempt.h"

struct race;

/** What a race is about. */
struct race_request {
    struct client *client;
    bool udp_only;
    /** The race is over; the winner's ownership passes, its first key exchange is complete. Adopt it at once:
     *  what the server has said meanwhile is then told to its new owner. Free the race here. */
    void (*won)(void *arg, struct attempt *winner);
    /** Nobody reached the end; @reason is the first one's. Free the race here. */
    void (*lost)(void *arg, enum restart_reason reason);
    void *arg;
};

/** race_start - begin; there is at least one usable entry. Nothing is called from within. Return: never NULL. */
struct race *race_start(const struct race_request *request);

/** race_free - end what still runs. NULL is fine. */
void race_free(struct race *race);

/** race_verdict - what came out, as one line for the user: "UDP to vpn.example:1194 gets no answer, TCP 443 works".
 *  Return: free with free(); NULL when there was nothing to choose. Valid within won(). */
char *race_verdict(const struct race *race, const struct attempt *winner);

/** race_log_failures - one line for each of the first remotes that failed. Within lost(). */
void race_log_failures(const struct race *race);

#endif
