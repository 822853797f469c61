/* SPDX-License-Identifier: MIT */
#include "auth/pam_helper.h"

#include "base/err.h"

#ifdef HAVE_PAM
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "auth/challenge.h"
#include "base/secret.h"

#define SOCKET_FD 3
#define LOGIN_SECONDS_MAX 60
#define QUESTIONS_MAX 32
#define DELAY_MAX_MS 10000

/* What a login answers when the modules ask. */
struct talk {
    const struct pam_helper_request *request;
    char *password;  /* of SCRV1, else NULL */
    char *response;
    bool asked;      /* for the password already */
    unsigned delay_ms;
};

/* The first hidden question is for the password; with a second factor everything else is for that one. */
static const char *answer_to(struct talk *talk, int style)
{
    if (style == PAM_PROMPT_ECHO_OFF && !talk->asked) {
        talk->asked = true;
        return talk->password ? talk->password : talk->request->password;
    }
    if (talk->response) {
        return talk->response;
    }
    return style == PAM_PROMPT_ECHO_OFF ? talk->request->password : talk->request->username;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *arg)
{
    if (count < 1 || count > QUESTIONS_MAX) {
        return PAM_CONV_ERR;
    }
    struct pam_response *all = calloc((size_t)count, sizeof(*all)); /* the library frees it */
    if (!all) {
        return PAM_BUF_ERR;
    }
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) {
            all[i].resp = strdup(answer_to(arg, style));
        }
    }
    *responses = all;
    return PAM_SUCCESS;
}

/* Modules want to sleep here; the daemon waits for them instead, without holding a place. */
static void note_delay(int status, unsigned usec, void *arg)
{
    struct talk *talk = arg;
    unsigned ms = usec / 1000;
    if (status != PAM_SUCCESS) {
        talk->delay_ms = ms > DELAY_MAX_MS ? DELAY_MAX_MS : ms;
    }
}

static int authenticate(const char *service, struct talk *talk, struct pam_helper_reply *reply)
{
    struct pam_conv conversation = {converse, talk};
    pam_handle_t *pam = NULL;
    int status = pam_start(service, talk->request->username, &conversation, &pam);
    if (status == PAM_SUCCESS) {
        void (*delay)(int, unsigned, void *) = note_delay;
        const void *item;
        memcpy(&item, &delay, sizeof(item));
        status = pam_set_item(pam, PAM_FAIL_DELAY, item);
        if (status == PAM_SUCCESS && talk->request->remote_host[0]) {
            status = pam_set_item(pam, PAM_RHOST, talk->request->remote_host);
        }
    }
    if (status == PAM_SUCCESS) {
        status = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    }
    if (status == PAM_SUCCESS) {
        status = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    }
    (void)snprintf(reply->text, sizeof(reply->text), "%s", pam ? pam_strerror(pam, status) : "the service is unknown");
    if (pam) {
        (void)pam_end(pam, status);
    }
    return status;
}

static void answer(const char *service, const struct pam_helper_request *request)
{
    struct talk talk = {.request = request};
    struct pam_helper_reply reply = {.id = request->id, .kind = PAM_HELPER_VERDICT};
    (void)challenge_static_parse(request->password, &talk.password, &talk.response);
    reply.accepted = authenticate(service, &talk, &reply) == PAM_SUCCESS;
    reply.delay_ms = talk.delay_ms;
    (void)send(SOCKET_FD, &reply, sizeof(reply), MSG_NOSIGNAL);
}

/* ------------------------------------------------------------------ the process */

struct child {
    pid_t pid; /* 0: free */
    uint64_t id;
};

static void tell_gone(uint64_t id)
{
    struct pam_helper_reply reply = {.id = id, .kind = PAM_HELPER_GONE};
    (void)send(SOCKET_FD, &reply, sizeof(reply), MSG_NOSIGNAL);
}

static void reap(struct child children[PAM_HELPER_LOGINS_MAX])
{
    for (pid_t pid = waitpid(-1, NULL, WNOHANG); pid > 0; pid = waitpid(-1, NULL, WNOHANG)) {
        for (int i = 0; i < PAM_HELPER_LOGINS_MAX; i++) {
            if (children[i].pid == pid) {
                children[i].pid = 0;
                tell_gone(children[i].id);
            }
        }
    }
}

static void serve(const char *service, const struct pam_helper_request *request,
                  struct child children[PAM_HELPER_LOGINS_MAX])
{
    int place = 0;
    while (place < PAM_HELPER_LOGINS_MAX && children[place].pid) {
        place++;
    }
    pid_t pid = place < PAM_HELPER_LOGINS_MAX ? fork() : -1;
    if (pid < 0) {
        tell_gone(request->id);
    } else if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGCHLD, SIG_DFL); /* modules wait for their own programs */
        (void)alarm(LOGIN_SECONDS_MAX);
        answer(service, request);
        _exit(0);
    } else {
        children[place] = (struct child){pid, request->id};
    }
}

static void on_child(int number)
{
    (void)number; /* it is there to interrupt the wait */
}

static void prepare_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    struct sigaction action = {.sa_handler = on_child};
    sigset_t child;
    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL);
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)signal(ignored[i], SIG_IGN); /* meant for the daemon, whose end we see */
    }
    (void)sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &child, NULL);
}

static void run(const char *service)
{
    struct child children[PAM_HELPER_LOGINS_MAX] = {{0}};
    struct pam_helper_request request;
    struct pollfd wait = {.fd = SOCKET_FD, .events = POLLIN};
    sigset_t none;
    sigemptyset(&none);
    for (;;) {
        int ready = ppoll(&wait, 1, NULL, &none);
        reap(children);
        if (ready <= 0) {
            continue;
        }
        ssize_t n = recv(SOCKET_FD, &request, sizeof(request), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return;
        }
        if (n == (ssize_t)sizeof(request)) {
            serve(service, &request, children);
        }
        secret_wipe(&request, sizeof(request));
    }
}

/* Run the process that serves, again a moment after each of its deaths: the daemon itself may no longer be root. */
static void keep(const char *service)
{
    for (;;) {
        pid_t worker = fork();
        if (worker == 0) {
            run(service);
            _exit(0);
        }
        int status = 0;
        while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR) {
        }
        if (worker > 0 && WIFEXITED(status)) {
            return; /* the daemon's end is closed */
        }
        (void)sleep(1);
        struct pam_helper_reply reply = {.kind = PAM_HELPER_AFRESH};
        if (send(SOCKET_FD, &reply, sizeof(reply), MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

/* Nothing of the daemon but the socket, standard output and errors. */
static void let_go_of_files(int fd)
{
    closelog();
    if (fd != SOCKET_FD) {
        (void)dup2(fd, SOCKET_FD);
    }
    (void)fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
    (void)close_range(SOCKET_FD + 1, ~0U, 0);
    int null = open("/dev/null", O_RDONLY);
    if (null > STDERR_FILENO) {
        (void)dup2(null, STDIN_FILENO);
        (void)close(null);
    }
}

int pam_helper_start(const char *service, int *fd, pid_t *pid)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    *pid = fork();
    if (*pid < 0) {
        int e = -errno;
        (void)close(pair[0]);
        (void)close(pair[1]);
        return e;
    }
    if (*pid == 0) {
        prepare_signals();
        let_go_of_files(pair[1]);
        (void)prctl(PR_SET_NAME, "vpnd-pam");
        (void)prctl(PR_SET_DUMPABLE, 0);
        keep(service);
        _exit(0);
    }
    (void)close(pair[1]);
    *fd = pair[0];
    return 0;
}

#else

int pam_helper_start(const char *service, int *fd, pid_t *pid)
{
    (void)service;
    (void)fd;
    (void)pid;
    return ERR_UNSUPPORTED;
}

#endif
