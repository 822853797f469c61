/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_SUCCESSOR_H
#define VPND_CLIENT_SUCCESSOR_H

/*
 * A quiet second connection next to the one in use, which takes over the interface once it is up: the way back from
 * TCP to UDP, and out of a session that does not answer any more. Programs see no more of it than of a reconnect.
 * Loop thread only.
 */
#include <stdbool.h>

#include "client/restart.h"

struct client;
struct successor;

/** What a successor is for. */
struct successor_request {
    struct client *client;
    bool udp_only;
    /** It could not be made; the connection in use goes on. It is freed on return. */
    void (*failed)(void *arg, enum restart_reason reason);
    /** It is the attempt in charge now, the tunnel is being changed to it. It is freed on return. @verdict: what was
     *  found on the way (race_verdict()), or NULL. */
    void (*succeeded)(void *arg, const char *verdict);
    void *arg;
};

/** successor_possible - a second login needs nobody to be asked and the connection in use is up. */
bool successor_possible(struct client *client);

/** successor_start - begin. client.parallel.successor is set until one of the callbacks was called. */
void successor_start(const struct successor_request *request);

/** successor_inherits - the connection in use has failed: whether that may be left to @s (NULL is fine), which
 *  then raises @reason itself should it fail, too. */
bool successor_inherits(struct successor *s, enum restart_reason reason);

/** successor_needed - it has inherited (false for NULL): nothing else is left. */
bool successor_needed(const struct successor *s);

/** successor_free - end it without a word. NULL is fine. */
void successor_free(struct successor *s);

#endif
