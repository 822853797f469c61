/* SPDX-License-Identifier: MIT */
#include "node/dns.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "node/dns_helper.h"
#include "node/dns_settings.h"

#define STOP_TIMEOUT_MS 10000
#define REQUEST_BUFFER_BYTES (1 << 20)

struct dns {
    pid_t pid;
    int socket;               /* -1: the helper is gone */
    struct loop_watch *watch;
    bool in_force;            /* or on its way there */
    unsigned unanswered;      /* requests; only the last one's outcome counts for @done */
    void (*done)(void *arg, bool applied);
    void *arg;
};

bool dns_wanted(const struct config *config)
{
    const struct config_dns_updown *updown = &config->dns_updown;
    return config->mode != CONFIG_MODE_SERVER && !updown->command && !updown->disabled &&
           (!config->up || updown->forced);
}

/* ------------------------------------------------------------------ the helper's life */

int dns_start(struct dns **out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    int size = REQUEST_BUFFER_BYTES;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    pid_t pid = fork();
    if (pid == 0) {
        dns_helper_run(pair[1]);
    }
    int r = pid < 0 ? -errno : 0;
    (void)close(pair[1]);
    if (r < 0) {
        (void)close(pair[0]);
        return r;
    }
    struct dns *dns = mem_zalloc(sizeof(*dns));
    dns->pid = pid;
    dns->socket = pair[0];
    *out = dns;
    return 0;
}

static void lose_helper(struct dns *dns)
{
    loop_watch_free(dns->watch);
    dns->watch = NULL;
    if (dns->socket >= 0) {
        (void)close(dns->socket);
        dns->socket = -1;
    }
    dns->unanswered = 0;
}

static void report(struct dns *dns, bool applied)
{
    void (*done)(void *, bool) = dns->done;
    dns->done = NULL;
    if (done) {
        done(dns->arg, applied);
    }
}

/* ------------------------------------------------------------------ answers */

static void take_answer(struct dns *dns, struct dns_answer *answer)
{
    answer->text[DNS_ANSWER_TEXT - 1] = '\0';
    bool bad = answer->result < 0;
    if (answer->text[0] && (bad || answer->kind == DNS_REQUEST_REVERT)) {
        log_warn("DNS: %s", answer->text);
    } else if (answer->text[0]) {
        log_info("DNS: %s", answer->text);
    }
    if (answer->kind != DNS_NOTICE && dns->unanswered > 0 && --dns->unanswered == 0) {
        report(dns, !bad);
    }
}

static void readable(void *arg)
{
    struct dns *dns = arg;
    struct dns_answer answer;
    ssize_t n = recv(dns->socket, &answer, sizeof(answer), MSG_DONTWAIT);
    if (n == (ssize_t)sizeof(answer)) {
        take_answer(dns, &answer);
    } else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        log_error("DNS: the helper process ended; name resolution is not changed any more until vpnd is restarted");
        lose_helper(dns);
        report(dns, false);
    }
}

/* ------------------------------------------------------------------ requests */

static int ask(struct dns *dns, const struct dns_request *request)
{
    if (dns->socket < 0) {
        return -EPIPE;
    }
    ssize_t n = send(dns->socket, request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        return -errno;
    }
    dns->unanswered++;
    return 0;
}

/* Name resolution has to be as it was before the first name is looked up. */
static void recover(struct dns *dns, const char *state)
{
    struct dns_request *request = mem_zalloc(sizeof(*request));
    struct dns_answer answer;
    struct pollfd poll_fd = {.fd = dns->socket, .events = POLLIN};
    request->kind = DNS_REQUEST_STATE;
    strncpy(request->path, state, sizeof(request->path) - 1);
    if (ask(dns, request) == 0 && poll(&poll_fd, 1, STOP_TIMEOUT_MS) > 0 &&
        recv(dns->socket, &answer, sizeof(answer), MSG_DONTWAIT) == (ssize_t)sizeof(answer)) {
        take_answer(dns, &answer);
    }
    free(request);
}

int dns_attach(struct dns *dns, struct loop *loop, const char *state)
{
    if (state) {
        recover(dns, state);
    }
    return loop_watch_new(loop, dns->socket, readable, dns, &dns->watch);
}

void dns_apply(struct dns *dns, const struct config *config, const char *device, uint32_t ifindex,
               void (*done)(void *arg, bool applied), void *arg)
{
    struct dns_request *request = mem_zalloc(sizeof(*request));
    request->kind = DNS_REQUEST_APPLY;
    int r = 1;
    if (dns && dns_settings_fill(config, device, ifindex, &request->settings)) {
        dns->done = done;
        dns->arg = arg;
        dns->in_force = true;
        r = ask(dns, request);
        if (r < 0) {
            dns->done = NULL;
            log_error("DNS: the helper process cannot be asked: %s", err_str(r));
        }
    }
    free(request);
    if (r != 0 && done) {
        done(arg, false);
    }
}

void dns_revert(struct dns *dns)
{
    if (!dns || !dns->in_force) {
        return;
    }
    dns->done = NULL;
    dns->in_force = false;
    struct dns_request *request = mem_zalloc(sizeof(*request));
    request->kind = DNS_REQUEST_REVERT;
    int r = ask(dns, request);
    if (r < 0 && r != -EPIPE) {
        log_error("DNS: the helper process cannot be asked: %s", err_str(r));
    }
    free(request);
}

/* ------------------------------------------------------------------ the end */

/* The helper closes its end of the socket when everything is taken back. */
static bool wait_for_end(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    struct dns_answer answer;
    while (poll(&poll_fd, 1, STOP_TIMEOUT_MS) > 0) {
        if (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) <= 0) {
            return true;
        }
    }
    return false;
}

void dns_stop(struct dns *dns)
{
    if (!dns) {
        return;
    }
    dns->done = NULL;
    loop_watch_free(dns->watch);
    dns->watch = NULL;
    if (dns->socket >= 0) {
        (void)shutdown(dns->socket, SHUT_WR);
        if (!wait_for_end(dns->socket)) {
            log_warn("DNS: the helper process does not end; it goes on alone");
            (void)close(dns->socket);
            free(dns);
            return;
        }
        (void)close(dns->socket);
    }
    (void)waitpid(dns->pid, NULL, 0);
    free(dns);
}
