/* SPDX-License-Identifier: MIT */
#include "server/messages.h"

#include <stdbool.h>
#include <stddef.h>

#include "hooks/event.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/login.h"
#include "server/push_reply.h"
#include "wire/cmd.h"

#define STATE(x) (1u << (x))
#define BEFORE_ADMISSION (STATE(INSTANCE_HANDSHAKE) | STATE(INSTANCE_LOGIN) | STATE(INSTANCE_CONNECT))
#define ALIVE (BEFORE_ADMISSION | STATE(INSTANCE_CONNECTED))

static void on_push_request(struct instance_session *session, const struct cmd *cmd)
{
    (void)cmd;
    push_reply_requested(session);
}

static void on_exit_message(struct instance_session *session, const struct cmd *cmd)
{
    struct instance *instance = session->owner;
    (void)cmd;
    if (session != instance->current) {
        instance_session_drop_candidate(instance);
        return;
    }
    instance_log(instance, LOG_SEV_INFO, 1, "CC-EEN exit message received by peer");
    struct event event = {.type = EVENT_NOTIFY, .args = {"info", "remote-exit"}, .text = "EXIT"};
    event_announce(instance->server->bus, &event);
    instance_leave(instance, "remote-exit");
}

static void on_cr_response(struct instance_session *session, const struct cmd *cmd)
{
    login_response(session->login, cmd->args);
}

static void on_info(struct instance_session *session, const struct cmd *cmd)
{
    if (!admission_may_log(&session->owner->server->admission)) {
        return;
    }
    instance_log(session->owner, LOG_SEV_INFO, 1, "Info command was received from the client ('%s')", cmd->args);
}

/* What a client may say, and when. */
static const struct permit {
    enum cmd_type type;
    unsigned states;
    bool candidate; /* also on a session that has not been promoted */
    void (*handle)(struct instance_session *session, const struct cmd *cmd);
} permits[] = {
    {CMD_PUSH_REQUEST, ALIVE, true, on_push_request},
    {CMD_EXIT, ALIVE, true, on_exit_message},
    {CMD_CR_RESPONSE, STATE(INSTANCE_LOGIN) | STATE(INSTANCE_CONNECTED), true, on_cr_response}, /* also a renewed login */
    {CMD_INFO, STATE(INSTANCE_CONNECTED), false, on_info},
};

void messages_handle(struct instance_session *session, const char *text)
{
    struct instance *instance = session->owner;
    struct cmd cmd = cmd_parse(text);
    for (size_t i = 0; i < sizeof(permits) / sizeof(permits[0]); i++) {
        if (permits[i].type != cmd.type) {
            continue;
        }
        if ((permits[i].states & STATE(instance->state)) && (permits[i].candidate || session == instance->current)) {
            permits[i].handle(session, &cmd);
        }
        return;
    }
    if (!admission_may_log(&instance->server->admission)) {
        return;
    }
    instance_log(instance, LOG_SEV_WARN, 3, "WARNING: Received unknown control message: %.64s", text);
}
