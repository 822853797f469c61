/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_INSTANCE_SESSION_H
#define VPND_SERVER_INSTANCE_SESSION_H

/* What happens in one TLS session of a client, and what that means for the client. Loop thread. */
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

struct cookie_verdict;
struct instance;
struct instance_session;

/** instance_session_new - make the session that admission accepted and hand it its first packet.
 *  Return: NULL when it cannot be made (logged). */
struct instance_session *instance_session_new(struct instance *owner, const struct cookie_verdict *verdict,
                                              const uint8_t *packet, size_t len);

/** instance_session_stop - end TLS and the checks; what was learnt about the peer stays for the last hooks. */
void instance_session_stop(struct instance_session *session);

/** instance_session_free - instance_session_stop(), and release. NULL is fine. */
void instance_session_free(struct instance_session *session);

/** instance_session_drop_candidate - a session beside the current one ends; harmless when there is none. */
void instance_session_drop_candidate(struct instance *instance);

/** instance_session_linger - a refused candidate: end it in 5 s. */
void instance_session_linger(struct instance_session *session);

/** instance_session_send - queue a control message and log it as sent. */
void instance_session_send(struct instance_session *session, const char *text);

/** instance_session_verdict - login's answer for @key_id: authorise the key, or refuse with @reason (NULL: none). */
void instance_session_verdict(struct instance_session *session, uint8_t key_id, enum session_verdict verdict,
                              const char *reason);

#endif
