/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PUSH_REPLY_H
#define VPND_SERVER_PUSH_REPLY_H

/* PUSH_REQUEST and what answers it (spec: control channel session, 8). Loop thread. */
struct instance;
struct instance_session;

/** push_reply_requested - PUSH_REQUEST came: answer now, later, or (within 30 s of the last answer) not at all. */
void push_reply_requested(struct instance_session *session);

/** push_reply_due - the client is connected: answer on its current session if it has asked. */
void push_reply_due(struct instance *instance);

/** push_reply_token - send a renewed auth-token alone, if there is one. */
void push_reply_token(struct instance *instance);

#endif
