/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_MESSAGES_H
#define VPND_SERVER_MESSAGES_H

/* Control messages of clients (spec: control channel session, 9). Loop thread. */
struct instance_session;

/** messages_handle - one message; what is unknown or not allowed in this state is logged and dropped. */
void messages_handle(struct instance_session *session, const char *text);

#endif
