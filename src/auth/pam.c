/* SPDX-License-Identifier: MIT */
#include "auth/pam.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/pam_helper.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "hooks/env.h"
#include "hooks/event.h"

struct auth_pam {
    struct event_bus *bus;
    struct event_listener listener;
    uv_loop_t *loop;
    uv_poll_t poll;
    int fd;             /* -1: the helper is gone */
    pid_t pid;
    uint64_t last_id;
    unsigned busy;      /* places of the helper that are taken */
    struct list queued; /* not sent yet */
    struct list sent;   /* a verdict is awaited */
    struct list held;   /* refused; the answer is held back for a while */
};

struct login {
    struct auth_pam *pam;
    struct event_request *request;
    uint64_t id;
    struct secret message; /* struct pam_helper_request; empty once sent */
    uv_timer_t timer;
    struct list link;
};

/* ------------------------------------------------------------------ one login */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void login_free(struct login *login)
{
    list_remove(&login->link);
    secret_free(&login->message);
    uv_close((uv_handle_t *)&login->timer, on_timer_closed);
}

static void vote(struct login *login, bool accepted)
{
    struct event_request *request = login->request;
    struct event_listener *listener = &login->pam->listener;
    login_free(login);
    event_answer(request, listener, accepted ? EVENT_ACCEPT : EVENT_REJECT, NULL);
}

static void on_held_long_enough(uv_timer_t *timer)
{
    vote(timer->data, false);
}

static struct login *login_new(struct auth_pam *pam, const struct event *event, struct event_request *request)
{
    struct login *login = mem_zalloc(sizeof(*login));
    const char *host = event->env ? env_get(event->env, "untrusted_ip") : NULL;
    if (event->env && !host) {
        host = env_get(event->env, "untrusted_ip6");
    }
    login->pam = pam;
    login->request = request;
    login->id = ++pam->last_id;
    login->message = secret_alloc(sizeof(struct pam_helper_request));
    struct pam_helper_request *message = (struct pam_helper_request *)(void *)login->message.data;
    message->id = login->id;
    (void)snprintf(message->username, sizeof(message->username), "%s", event->username);
    (void)snprintf(message->password, sizeof(message->password), "%s", event->password);
    (void)snprintf(message->remote_host, sizeof(message->remote_host), "%s", host ? host : "");
    uv_timer_init(pam->loop, &login->timer);
    login->timer.data = login;
    list_init(&login->link);
    list_push(&pam->queued, &login->link);
    return login;
}

/* ------------------------------------------------------------------ the helper */

static void refuse_all(struct list *logins)
{
    while (!list_empty(logins)) {
        vote(container_of(logins->next, struct login, link), false);
    }
}

static void helper_lost(struct auth_pam *pam)
{
    log_error("auth-pam: the process that asks PAM has ended; logins are refused until vpnd is started again");
    uv_poll_stop(&pam->poll);
    close(pam->fd);
    pam->fd = -1;
    (void)waitpid(pam->pid, NULL, WNOHANG);
    refuse_all(&pam->queued);
    refuse_all(&pam->sent);
}

/* Hand over what waits, as far as there are places. */
static void pump(struct auth_pam *pam)
{
    while (pam->fd >= 0 && pam->busy < PAM_HELPER_LOGINS_MAX && !list_empty(&pam->queued)) {
        struct login *login = container_of(pam->queued.next, struct login, link);
        if (send(pam->fd, login->message.data, login->message.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
                helper_lost(pam);
            }
            return;
        }
        pam->busy++;
        secret_free(&login->message);
        list_remove(&login->link);
        list_push(&pam->sent, &login->link);
    }
}

static struct login *find(struct auth_pam *pam, uint64_t id)
{
    list_for(node, next, &pam->sent)
    {
        struct login *login = container_of(node, struct login, link);
        if (login->id == id) {
            return login;
        }
    }
    return NULL;
}

static void on_reply(struct auth_pam *pam, const struct pam_helper_reply *reply)
{
    if (reply->kind == PAM_HELPER_AFRESH) {
        log_error("auth-pam: the process that asks PAM had died and runs again; the logins it had are refused");
        pam->busy = 0;
        refuse_all(&pam->sent);
        return;
    }
    struct login *login = find(pam, reply->id);
    if (reply->kind == PAM_HELPER_GONE) {
        pam->busy -= pam->busy > 0; /* not of a request that the one before left unread */
        if (login) {
            log_error("auth-pam: a PAM module crashed or did not come to an end; the login is refused");
            vote(login, false);
        }
        return;
    }
    if (!login) {
        return; /* the peer did not wait */
    }
    if (!reply->accepted) {
        log_warn("auth-pam: PAM refused the login: %.*s", (int)sizeof(reply->text), reply->text);
    }
    if (reply->accepted || !reply->delay_ms) {
        vote(login, reply->accepted);
        return;
    }
    list_remove(&login->link);
    list_push(&pam->held, &login->link);
    uv_timer_start(&login->timer, on_held_long_enough, reply->delay_ms, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct auth_pam *pam = poll->data;
    struct pam_helper_reply reply;
    (void)status;
    (void)events;
    ssize_t n = recv(pam->fd, &reply, sizeof(reply), MSG_DONTWAIT);
    if (n == (ssize_t)sizeof(reply)) {
        on_reply(pam, &reply);
        pump(pam);
    } else if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
        helper_lost(pam);
    }
}

/* ------------------------------------------------------------------ listener */

static enum event_vote handle(void *arg, const struct event *event, struct event_request *request)
{
    struct auth_pam *pam = arg;
    if (event->type != EVENT_USER_PASS) {
        return EVENT_ABSTAIN;
    }
    if (pam->fd < 0 || !request || strlen(event->username) >= PAM_HELPER_NAME_MAX ||
        strlen(event->password) >= PAM_HELPER_PASSWORD_MAX) {
        return EVENT_REJECT;
    }
    (void)login_new(pam, event, request);
    pump(pam);
    return EVENT_LATER;
}

static void cancel_in(struct list *logins, const struct event_request *request)
{
    list_for(node, next, logins)
    {
        struct login *login = container_of(node, struct login, link);
        if (login->request == request) {
            login_free(login);
        }
    }
}

static void cancel(void *arg, struct event_request *request)
{
    struct auth_pam *pam = arg;
    cancel_in(&pam->queued, request);
    cancel_in(&pam->sent, request);
    cancel_in(&pam->held, request);
}

int auth_pam_new(uv_loop_t *loop, struct event_bus *bus, const char *service, struct auth_pam **out)
{
    struct auth_pam *pam = mem_zalloc(sizeof(*pam));
    int e = pam_helper_start(service, &pam->fd, &pam->pid);
    if (e < 0) {
        log_error("auth-pam: the process that asks PAM cannot be started: %s",
                  e == ERR_UNSUPPORTED ? "this vpnd was built without PAM" : err_str(e));
        free(pam);
        return e;
    }
    pam->bus = bus;
    pam->loop = loop;
    list_init(&pam->queued);
    list_init(&pam->sent);
    list_init(&pam->held);
    uv_poll_init(loop, &pam->poll, pam->fd);
    pam->poll.data = pam;
    uv_poll_start(&pam->poll, UV_READABLE, on_readable);
    pam->listener = (struct event_listener){.name = "pam", .handle = handle, .cancel = cancel, .arg = pam};
    event_listen(bus, &pam->listener);
    *out = pam;
    return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void auth_pam_free(struct auth_pam *pam)
{
    if (!pam) {
        return;
    }
    refuse_all(&pam->queued);
    refuse_all(&pam->sent);
    refuse_all(&pam->held);
    event_unlisten(pam->bus, &pam->listener);
    if (pam->fd >= 0) {
        uv_poll_stop(&pam->poll);
        close(pam->fd); /* which ends the helper; nobody waits for a module that hangs */
    }
    uv_close((uv_handle_t *)&pam->poll, on_poll_closed);
}
