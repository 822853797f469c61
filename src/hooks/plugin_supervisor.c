/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hooks/plugin_host.h"
#include "hooks/plugin_message.h"

#define PLUGINS_MAX 64
#define PAUSE_FIRST_MS 200   /* before a crashed plugin is started again; doubles */
#define PAUSE_LAST_MS 30000
#define STABLE_MS 60000      /* after so long a life a crash counts as the first */
#define FAREWELL_MS 5000     /* for close functions when the daemon has gone */

struct ward {
    struct plugin_load load;
    pid_t pid;               /* 0: not running */
    uint64_t started_ms;
    uint64_t again_ms;       /* when to start it next; 0: not planned */
    unsigned pause_ms;
};

struct supervisor {
    int daemon;
    int signals;
    struct ward wards[PLUGINS_MAX];
    uint32_t count;
    bool settled;
};

/* ------------------------------------------------------------------ start */

static void forget_loads(struct supervisor *s)
{
    for (uint32_t i = 0; i < PLUGINS_MAX; i++) {
        struct plugin_load *load = &s->wards[i].load;
        free(load->path);
        plugin_list_free(load->argv);
        plugin_list_free(load->envp);
        free(load->user);
        free(load->group);
        free(load->chroot);
    }
}

static int take_load(struct supervisor *s, struct rd *in)
{
    if (s->count == PLUGINS_MAX) {
        return -1;
    }
    struct plugin_load *load = &s->wards[s->count].load;
    load->path = plugin_get_text(in);
    load->argv = plugin_get_list(in);
    load->envp = plugin_get_list(in);
    load->user = plugin_get_text(in);
    load->group = plugin_get_text(in);
    load->chroot = plugin_get_text(in);
    if (!load->path || !load->argv || !load->envp || !load->user || !load->group || !load->chroot) {
        return -1;
    }
    s->count++;
    return 0;
}

static int take_loads(struct supervisor *s)
{
    struct buf message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    int rc = 0;
    int kind;
    while (rc == 0 && (kind = plugin_receive(s->daemon, &message, NULL, true)) != PLUGIN_MSG_BEGIN) {
        struct rd in = plugin_message_read(&message);
        rc = kind == PLUGIN_MSG_LOAD ? take_load(s, &in) : -1;
    }
    buf_free(&message, true);
    return rc;
}

/* In the child: only what a fresh program would have. */
static void enter_host(const struct supervisor *s, int fd, const struct plugin_load *load)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(s->signals);
    if (dup3(fd, PLUGIN_HOST_FD, O_CLOEXEC) < 0) {
        _exit(1);
    }
    close(fd);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    _exit(plugin_host_run(load, s->settled));
}

static int tell_daemon(const struct supervisor *s, enum plugin_message kind, uint32_t index, uint32_t status, int fd)
{
    struct buf message = plugin_message_new(kind);
    int rc = plugin_put_u32(&message, index);
    rc = rc ? rc : plugin_put_u32(&message, status);
    rc = rc ? rc : plugin_send(s->daemon, &message, &fd, fd >= 0, true);
    buf_free(&message, false);
    return rc;
}

static void start_host(struct supervisor *s, uint32_t index)
{
    struct ward *ward = &s->wards[index];
    int pair[2];
    ward->again_ms = 0;
    ward->started_ms = clock_read().mono_ms;
    if (plugin_socketpair(pair) < 0) {
        ward->again_ms = ward->started_ms + PAUSE_LAST_MS;
        return;
    }
    ward->pid = fork();
    if (ward->pid == 0) {
        close(pair[0]);
        enter_host(s, pair[1], &ward->load);
    }
    close(pair[1]);
    if (ward->pid < 0) {
        ward->pid = 0;
        ward->again_ms = ward->started_ms + PAUSE_LAST_MS;
    } else {
        (void)tell_daemon(s, PLUGIN_MSG_HOST, index, 0, pair[0]);
    }
    close(pair[0]);
}

/* ------------------------------------------------------------------ running */

static void note_end(struct supervisor *s, pid_t pid, int status)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct ward *ward = &s->wards[i];
        if (ward->pid != pid) {
            continue;
        }
        uint64_t now = clock_read().mono_ms;
        bool stable = now - ward->started_ms >= STABLE_MS;
        ward->pid = 0;
        ward->pause_ms = stable || !ward->pause_ms ? PAUSE_FIRST_MS : ward->pause_ms * 2;
        ward->pause_ms = ward->pause_ms > PAUSE_LAST_MS ? PAUSE_LAST_MS : ward->pause_ms;
        ward->again_ms = now + ward->pause_ms;
        (void)tell_daemon(s, PLUGIN_MSG_ENDED, i, (uint32_t)status, -1);
        return;
    }
}

static void reap(struct supervisor *s)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;
    while (read(s->signals, &info, sizeof(info)) > 0) {
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        note_end(s, pid, status);
    }
}

static void kill_host(struct supervisor *s, uint32_t index)
{
    if (index < s->count && s->wards[index].pid > 0) {
        (void)kill(s->wards[index].pid, SIGKILL);
    }
}

/* Return: false when the daemon is gone. */
static bool obey(struct supervisor *s)
{
    struct buf message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    int fds[PLUGIN_FDS_MAX];
    int kind = plugin_receive(s->daemon, &message, fds, false);
    struct rd in = plugin_message_read(&message);
    if (kind == PLUGIN_MSG_SETTLE) {
        s->settled = true;
    } else if (kind == PLUGIN_MSG_STREAMS) {
        plugin_take_streams(fds);
    } else if (kind == PLUGIN_MSG_KILL) {
        kill_host(s, rd_u32(&in));
    }
    buf_free(&message, false);
    return kind > 0 || kind == -EAGAIN;
}

static int next_timeout(const struct supervisor *s, uint64_t now)
{
    uint64_t soonest = UINT64_MAX;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->wards[i].again_ms && s->wards[i].again_ms < soonest) {
            soonest = s->wards[i].again_ms;
        }
    }
    return soonest == UINT64_MAX ? -1 : soonest <= now ? 0 : (int)(soonest - now);
}

static void start_due(struct supervisor *s, uint64_t now)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->wards[i].again_ms && s->wards[i].again_ms <= now) {
            start_host(s, i);
        }
    }
}

/* Processes end by themselves when the daemon closes their sockets; who does not is killed. */
static void wait_for_hosts(struct supervisor *s)
{
    uint64_t deadline = clock_read().mono_ms + FAREWELL_MS;
    for (uint64_t now = 0; now < deadline; now = clock_read().mono_ms) {
        pid_t pid;
        do {
            pid = waitpid(-1, NULL, WNOHANG);
        } while (pid > 0);
        if (pid < 0) {
            return;
        }
        struct pollfd wait = {.fd = s->signals, .events = POLLIN};
        struct signalfd_siginfo info;
        (void)poll(&wait, 1, now ? (int)(deadline - now) : 0);
        while (read(s->signals, &info, sizeof(info)) > 0) {
        }
    }
    for (uint32_t i = 0; i < s->count; i++) {
        kill_host(s, i);
    }
}

/* Terminal signals are for the daemon; it ends us by closing the socket. Handlers, not SIG_IGN: programs that plugins
 * run start with the default again. */
static void ignore(int signal_number)
{
    (void)signal_number;
}

static int prepare_signals(struct supervisor *s)
{
    static const int quiet[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    sigset_t child;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        (void)sigaction(quiet[i], &action, NULL);
    }
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &child, NULL);
    s->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? -errno : 0;
}

int plugin_supervisor_run(void)
{
    struct supervisor s = {.daemon = PLUGIN_SUPERVISOR_FD};
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(s.daemon, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET) {
        return 1; /* somebody typed it: there is nobody to talk to */
    }
    (void)fcntl(s.daemon, F_SETFD, FD_CLOEXEC);
    (void)prctl(PR_SET_NAME, "vpnd-plugins");
    (void)setsid();
    if (take_loads(&s) < 0 || prepare_signals(&s) < 0) {
        forget_loads(&s);
        return 1;
    }
    for (uint32_t i = 0; i < s.count; i++) {
        start_host(&s, i);
    }
    for (bool alive = true; alive;) {
        struct pollfd polls[2] = {{.fd = s.daemon, .events = POLLIN}, {.fd = s.signals, .events = POLLIN}};
        (void)poll(polls, 2, next_timeout(&s, clock_read().mono_ms));
        if (polls[1].revents) {
            reap(&s);
        }
        if (polls[0].revents) {
            alive = obey(&s);
        }
        if (alive) {
            start_due(&s, clock_read().mono_ms);
        }
    }
    wait_for_hosts(&s);
    forget_loads(&s);
    return 0;
}
