/* SPDX-License-Identifier: MIT */
#include "client/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/challenge.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/browser.h"
#include "client/establish.h"
#include "client/job.h"
#include "client/prompt.h"
#include "client/state.h"
#include "wire/cmd.h"

/* The longest reply that is taken (PULL_BYTES_MAX) needs 300 messages. */
#define MESSAGES_MAX 600u
#define MESSAGES_PERIOD_S 10u
#define QUESTIONS_MAX 5u
#define QUESTIONS_PERIOD_S 60u

void messages_init(struct client *c)
{
    ratelimit_init(&c->limits.messages, MESSAGES_MAX, MESSAGES_PERIOD_S);
    ratelimit_init(&c->limits.questions, QUESTIONS_MAX, QUESTIONS_PERIOD_S);
}

static void notify(struct client *c, const char *severity, const char *reason, const char *text)
{
    struct event event = {.type = EVENT_NOTIFY, .args = {severity, reason}, .text = text};
    event_announce(c->events, &event);
}

/* ------------------------------------------------------------------ AUTH_FAILED */

static void temporary(struct client *c, const struct cmd_auth_failed *failed)
{
    c->retry.server_backoff = failed->backoff_s;
    switch (failed->advance) {
    case CMD_ADVANCE_ADDR:
        remotes_advance(&c->remotes, REMOTES_ADVANCE_ADDRESS);
        break;
    case CMD_ADVANCE_REMOTE:
        remotes_advance(&c->remotes, REMOTES_ADVANCE_REMOTE);
        break;
    case CMD_ADVANCE_NO:
    case CMD_ADVANCE_DEFAULT:
        remotes_advance(&c->remotes, REMOTES_ADVANCE_NO);
        break;
    }
    client_fail(c, RESTART_AUTH_TEMPORARY);
}

static void refused(struct client *c, const struct cmd_auth_failed *failed)
{
    remotes_stay(&c->remotes);
    if (failed->kind == CMD_AUTH_FAILED_CHALLENGE) {
        (void)credentials_drop_token(c->credentials);
        if (credentials_challenge(c->credentials, failed->text)) {
            log_error("The server's challenge is malformed");
        }
    } else if (credentials_drop_token(c->credentials)) {
        client_fail(c, RESTART_AUTH_TOKEN);
        return;
    }
    event_announce(c->events, &(struct event){.type = EVENT_AUTH_FAILED, .text = failed->text});
    switch (c->auth_retry) {
    case CONFIG_AUTH_RETRY_NONE:
        client_fail(c, RESTART_AUTH_FAILURE);
        break;
    case CONFIG_AUTH_RETRY_INTERACT:
        if (failed->kind != CMD_AUTH_FAILED_CHALLENGE) {
            credentials_forget(c->credentials);
        }
        client_fail(c, RESTART_AUTH_RETRY);
        break;
    case CONFIG_AUTH_RETRY_NOINTERACT:
        client_fail(c, RESTART_AUTH_RETRY);
        break;
    }
}

static void auth_failed(struct client *c, const struct cmd *message)
{
    struct cmd_auth_failed failed = cmd_auth_failed_parse(message->args);
    log_error("AUTH: Received control message: AUTH_FAILED%s%s", message->has_args ? "," : "", message->args);
    if (c->attempt->refused) {
        return;
    }
    c->attempt->refused = true;
    if (failed.kind == CMD_AUTH_FAILED_TEMP) {
        temporary(c, &failed);
    } else {
        refused(c, &failed);
    }
}

/* ------------------------------------------------------------------ RESTART, HALT, INFO, AUTH_PENDING */

static void restart(struct client *c, const struct cmd *message)
{
    struct cmd_restart r = cmd_restart_parse(message->args);
    log_info("Connection reset command was pushed by server ('%s')", r.text);
    if (!r.keep_credentials) {
        credentials_forget(c->credentials);
        (void)credentials_drop_token(c->credentials);
    }
    remotes_advance(&c->remotes, r.next_remote ? REMOTES_ADVANCE_REMOTE : REMOTES_ADVANCE_NO);
    notify(c, "info", "server-pushed-connection-reset", r.text);
    client_fail(c, RESTART_SERVER_RESET);
}

static void halt(struct client *c, const struct cmd *message)
{
    struct cmd_restart r = cmd_restart_parse(message->args);
    log_info("Halt command was pushed by server ('%s')", r.text);
    notify(c, "info", "server-pushed-halt", r.text);
    client_fail(c, RESTART_SERVER_HALT);
}

/** A question of CR_TEXT while a person thinks about it. */
struct question {
    struct client *client;
    char *text;
    bool echo;
    char answer[CMD_MAX];
};

static int question_work(void *arg)
{
    struct question *q = arg;
    return prompt_ask(q->text, q->echo, -1, q->answer, sizeof(q->answer) / 2);
}

static void question_done(void *arg, int result)
{
    struct question *q = arg;
    q->client->question = NULL;
    struct attempt *a = q->client->attempt;
    if (result < 0 || !a || !a->link) {
        log_error("The server's question \"%s\" stays unanswered: %s", q->text, err_str(result < 0 ? result : -ENOTCONN));
        return;
    }
    char *message = challenge_cr_response(q->answer);
    link_message(a->link, message);
    secret_wipe(message, strlen(message));
    free(message);
}

static void question_release(void *arg)
{
    struct question *q = arg;
    free(q->text);
    secret_wipe(q, sizeof(*q));
    free(q);
}

static void ask(struct client *c, const struct cmd_info *info)
{
    struct question *q = mem_zalloc(sizeof(*q));
    q->client = c;
    q->text = mem_printf("CHALLENGE: %s", info->text);
    q->echo = info->echo;
    job_cancel(c->question);
    c->question = job_start(c->loop, &(struct job_request){.work = question_work, .done = question_done,
                                                            .release = question_release, .arg = q});
}

/* A front end on the management interface shows the page itself. */
static void show_page(struct client *c, const char *url)
{
    if (!challenge_url_valid(url)) {
        log_error("The server wants a login in a browser, but sent no usable web address");
        return;
    }
    log_warn("The server waits for your login in a browser: open %s", url);
    if (!c->config->management.address && browser_open(loop_uv(c->loop), url) == 0) {
        log_info("The address was handed to your browser");
    }
}

static void info(struct client *c, const struct cmd *message)
{
    log_info("Info command was pushed by server ('%s')", message->args);
    event_announce(c->events, &(struct event){.type = EVENT_INFO_MESSAGE, .text = message->args});
    struct cmd_info parsed = cmd_info_parse(message->args);
    bool page = parsed.kind == CMD_INFO_WEB_AUTH || parsed.kind == CMD_INFO_OPEN_URL;
    bool question = parsed.kind == CMD_INFO_CR_TEXT && parsed.respond && !client_management_asks(c);
    if (!page && !question) {
        return;
    }
    if (!ratelimit_take(&c->limits.questions, clock_read().mono_ms)) {
        log_warn("The server wants more than %u answers in %u s: this one is not asked for", QUESTIONS_MAX,
                 QUESTIONS_PERIOD_S);
    } else if (page) {
        show_page(c, parsed.text);
    } else {
        ask(c, &parsed);
    }
}

static void pending(struct client *c, const struct cmd *message)
{
    unsigned seconds = cmd_pending_timeout(message->args);
    log_info("AUTH_PENDING received, extending handshake timeout%s", seconds ? "" : " by hand-window");
    link_pull_wait(c->attempt->link, seconds);
    client_announce(c, "AUTH_PENDING", message->args);
}

/* ------------------------------------------------------------------ PUSH_REPLY, PUSH_UPDATE */

static void log_push(const char *text)
{
    char *shown = pull_redact(text);
    log_info("PUSH: Received control message: '%s'", shown);
    free(shown);
}

static void pushed(struct client *c, const char *text, const struct cmd *message)
{
    log_push(text);
    if (!c->config->pull) {
        return;
    }
    bool update = message->type == CMD_PUSH_UPDATE;
    if (update && !c->attempt->up) {
        return;
    }
    switch (pull_add(&c->attempt->pull, message)) {
    case PULL_MORE:
        return;
    case PULL_BAD:
        client_fail(c, RESTART_BAD_PUSH);
        return;
    case PULL_COMPLETE:
        break;
    }
    if (update) {
        establish_update(c);
    } else if (link_data_running(c->attempt->link)) {
        establish_token(c);
    } else {
        establish_pulled(c, true);
    }
    pull_reset(&c->attempt->pull);
}

/* Each message costs a line in the log, and updates memory and a new tunnel. */
static bool too_many(struct client *c)
{
    struct ratelimit *limit = &c->limits.messages;
    if (ratelimit_take(limit, clock_read().mono_ms)) {
        return false;
    }
    if (limit->refused == 1) {
        log_error("The server sends more than %u control messages in %u s: giving this connection up", MESSAGES_MAX,
                  MESSAGES_PERIOD_S);
    }
    client_fail(c, RESTART_BAD_PUSH);
    return true;
}

void messages_receive(struct client *c, const char *text)
{
    if (too_many(c)) {
        return;
    }
    struct cmd message = cmd_parse(text);
    switch (message.type) {
    case CMD_AUTH_FAILED:
        auth_failed(c, &message);
        break;
    case CMD_PUSH_REPLY:
    case CMD_PUSH_UPDATE:
        pushed(c, text, &message);
        break;
    case CMD_RESTART:
        restart(c, &message);
        break;
    case CMD_HALT:
        halt(c, &message);
        break;
    case CMD_INFO:
    case CMD_INFO_PRE:
        info(c, &message);
        break;
    case CMD_AUTH_PENDING:
        pending(c, &message);
        break;
    case CMD_EXIT:
        log_info("CC-EEN exit message received by peer");
        notify(c, "info", "remote-exit", "EXIT");
        client_fail(c, RESTART_REMOTE_EXIT);
        break;
    default:
        log_warn("WARNING: Received unknown control message: %s", text);
        break;
    }
}
