/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/base_env.h"
#include "hooks/command.h"
#include "hooks/env.h"
#include "hooks/plugin_abi.h"
#include "hooks/plugin_message.h"
#include "hooks/plugin_supervisor.h"

#define OPEN_LIMIT_MS 60000
#define END_LIMIT_MS 3000

/* ------------------------------------------------------------------ what to load */

/* A name that is neither absolute nor begins with a dot is one of the plugin directory. */
static char *module_path(const char *name)
{
    return name[0] == '/' || name[0] == '.' ? mem_strdup(name) : mem_printf("%s/%s", PLUGIN_DIR, name);
}

/* argv of a plugin: its name, then its arguments; a single argument is split into words. */
static char **module_argv(const struct config_plugin *plugin)
{
    char **argv = mem_array(2, sizeof(*argv));
    argv[0] = mem_strdup(plugin->module);
    if (plugin->arguments.count == 1) {
        char **words;
        if (command_split(plugin->arguments.items[0].text, &words) == 0) {
            for (size_t i = 0; words[i]; i++) {
                command_append(&argv, words[i]);
            }
            command_free(words);
        }
        return argv;
    }
    for (size_t i = 0; i < plugin->arguments.count; i++) {
        command_append(&argv, plugin->arguments.items[i].text);
    }
    return argv;
}

static int send_load(const struct plugin_launch *launch, const struct config *config, struct env *env, size_t index)
{
    const struct config_plugin *plugin = &config->plugin.items[index];
    struct buf message = plugin_message_new(PLUGIN_MSG_LOAD);
    char *path = module_path(plugin->module);
    char **argv = module_argv(plugin);
    int rc = plugin_put_text(&message, path);
    rc = rc ? rc : plugin_put_list(&message, argv);
    rc = rc ? rc : plugin_put_list(&message, env_list(env));
    rc = rc ? rc : plugin_put_text(&message, config->user);
    rc = rc ? rc : plugin_put_text(&message, config->group);
    rc = rc ? rc : plugin_put_text(&message, config->chroot);
    rc = rc ? rc : plugin_send(launch->supervisor, &message, NULL, 0, true);
    command_free(argv);
    free(path);
    buf_free(&message, false);
    return rc;
}

static int send_loads(const struct plugin_launch *launch, const struct config *config)
{
    struct env env = {0};
    int rc = 0;
    base_env_fill(&env, config);
    for (size_t i = 0; i < launch->count && rc == 0; i++) {
        rc = send_load(launch, config, &env, i);
    }
    env_free(&env);
    struct buf begin = plugin_message_new(PLUGIN_MSG_BEGIN);
    rc = rc ? rc : plugin_send(launch->supervisor, &begin, NULL, 0, true);
    buf_free(&begin, false);
    return rc;
}

/* ------------------------------------------------------------------ the supervisor */

/* A program of its own: none of the daemon's secrets is in the memory of a plugin's process. */
static void become_supervisor(int fd)
{
    char *argv[] = {(char[]){"vpnd"}, (char[]){PLUGIN_SUPERVISOR_ARGUMENT}, NULL};
    if (fd == PLUGIN_SUPERVISOR_FD) {
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(fd, PLUGIN_SUPERVISOR_FD) < 0) {
        _exit(127);
    }
    execv("/proc/self/exe", argv);
    _exit(127);
}

static int spawn_supervisor(struct plugin_launch *launch)
{
    int pair[2];
    int rc = plugin_socketpair(pair);
    if (rc < 0) {
        return rc;
    }
    launch->pid = fork();
    if (launch->pid == 0) {
        become_supervisor(pair[1]);
    }
    close(pair[1]);
    if (launch->pid < 0) {
        close(pair[0]);
        return -errno;
    }
    launch->supervisor = pair[0];
    return 0;
}

/* ------------------------------------------------------------------ waiting until they are open */

struct opening {
    struct plugin_launch *launch;
    const struct config *config;
    size_t open;
    struct buf message;
};

const char *plugin_launch_describe_end(int wait_status, char out[64])
{
    if (WIFSIGNALED(wait_status)) {
        (void)snprintf(out, 64, "was ended by signal %d", WTERMSIG(wait_status));
    } else {
        (void)snprintf(out, 64, "exited with status %d", WEXITSTATUS(wait_status));
    }
    return out;
}

/* Return: 0 go on, negative: refused (logged). */
static int hear_plugin(struct opening *o, size_t index)
{
    struct plugin_seat *seat = &o->launch->seats[index];
    int kind = plugin_receive(seat->fd, &o->message, NULL, false);
    struct rd in = plugin_message_read(&o->message);
    if (kind == PLUGIN_MSG_LOG) {
        plugin_launch_log(&in);
        return 0;
    }
    if (kind == 0) {
        close(seat->fd); /* the supervisor says how it ended */
        seat->fd = -1;
        return 0;
    }
    if (kind != PLUGIN_MSG_OPENED) {
        return kind == -EAGAIN ? 0 : ERR_FORMAT;
    }
    seat->mask = rd_u32(&in);
    char *error = plugin_get_text(&in);
    int rc = error && !*error ? 0 : ERR_CONFIG;
    if (rc < 0) {
        log_fatal("%s", error ? error : "a plugin's process sent an unreadable answer");
    } else {
        o->open++;
    }
    free(error);
    return rc;
}

static int hear_supervisor(struct opening *o)
{
    int fds[PLUGIN_FDS_MAX];
    int kind = plugin_receive(o->launch->supervisor, &o->message, fds, false);
    struct rd in = plugin_message_read(&o->message);
    uint32_t index = kind > 0 ? rd_u32(&in) : 0;
    char text[64];
    if (kind == -EAGAIN) {
        return 0;
    }
    if (kind == PLUGIN_MSG_HOST && index < o->launch->count && fds[0] >= 0) {
        o->launch->seats[index].fd = fds[0];
        return 0;
    }
    if (kind == PLUGIN_MSG_ENDED && index < o->launch->count) {
        log_fatal("PLUGIN_INIT: the process of plugin %s %s while it was being opened", o->launch->seats[index].name,
                  plugin_launch_describe_end((int)rd_u32(&in), text));
    } else {
        log_fatal("PLUGIN_INIT: the process that watches over plugins cannot be started from /proc/self/exe");
    }
    return ERR_CONFIG;
}

static int wait_once(struct opening *o, uint64_t deadline)
{
    struct plugin_launch *launch = o->launch;
    struct pollfd *polls = mem_array(launch->count + 1, sizeof(*polls));
    uint64_t now = clock_read().mono_ms;
    polls[launch->count] = (struct pollfd){.fd = launch->supervisor, .events = POLLIN};
    for (size_t i = 0; i < launch->count; i++) {
        polls[i] = (struct pollfd){.fd = launch->seats[i].fd, .events = POLLIN};
    }
    int n = poll(polls, launch->count + 1, now < deadline ? (int)(deadline - now) : 0);
    int rc = 0;
    if (n == 0) {
        log_fatal("PLUGIN_INIT: a plugin is not open after %d seconds", OPEN_LIMIT_MS / 1000);
        rc = ERR_CONFIG;
    }
    /* Plugins first: their own words explain an end better than the supervisor's. */
    for (size_t i = 0; i < launch->count && rc == 0; i++) {
        if (polls[i].revents) {
            rc = hear_plugin(o, i);
        }
    }
    if (rc == 0 && polls[launch->count].revents) {
        rc = hear_supervisor(o);
    }
    free(polls);
    return rc;
}

static int wait_until_open(struct plugin_launch *launch, const struct config *config)
{
    struct opening o = {.launch = launch, .config = config, .message = BUF_INIT(PLUGIN_MESSAGE_MAX)};
    uint64_t deadline = clock_read().mono_ms + OPEN_LIMIT_MS;
    int rc = 0;
    while (rc == 0 && o.open < launch->count) {
        rc = wait_once(&o, deadline);
    }
    buf_free(&o.message, false);
    return rc;
}

static void announce(const struct plugin_seat *seat)
{
    static const char *const names[PLUGIN_TYPE_COUNT] = {
        "PLUGIN_UP", "PLUGIN_DOWN", "PLUGIN_ROUTE_UP", "PLUGIN_IPCHANGE", "PLUGIN_TLS_VERIFY",
        "PLUGIN_AUTH_USER_PASS_VERIFY", "PLUGIN_CLIENT_CONNECT", "PLUGIN_CLIENT_DISCONNECT", "PLUGIN_LEARN_ADDRESS",
        "PLUGIN_CLIENT_CONNECT_V2", "PLUGIN_TLS_FINAL", "PLUGIN_???", "PLUGIN_ROUTE_PREDOWN",
        "PLUGIN_CLIENT_CONNECT_DEFER", "PLUGIN_CLIENT_CONNECT_DEFER_V2", "PLUGIN_CRRESPONSE"};
    char text[512] = "";
    for (unsigned i = 0; i < PLUGIN_TYPE_COUNT; i++) {
        if (seat->mask & 1u << i) {
            size_t used = strlen(text);
            (void)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "|" : "", names[i]);
        }
    }
    log_info("PLUGIN_INIT: POST %s intercepted=%s", seat->name, text);
    if (seat->mask & 1u << PLUGIN_ENABLE_PF) {
        log_warn("WARNING: plugin %s wants the packet filter (pf), which no version since 2.6 has", seat->name);
    }
}

int plugin_launch_start(const struct config *config, struct plugin_launch *out)
{
    *out = (struct plugin_launch){.supervisor = -1, .pid = -1, .count = config->plugin.count};
    if (!out->count) {
        return 0;
    }
    out->seats = mem_array(out->count, sizeof(*out->seats));
    for (size_t i = 0; i < out->count; i++) {
        out->seats[i] = (struct plugin_seat){.name = mem_strdup(config->plugin.items[i].module), .fd = -1};
    }
    int rc = spawn_supervisor(out);
    rc = rc ? rc : send_loads(out, config);
    if (rc < 0) {
        log_fatal("PLUGIN_INIT: the process that watches over plugins cannot be started: %s", err_str(rc));
    } else {
        rc = wait_until_open(out, config);
    }
    if (rc < 0) {
        plugin_launch_end(out, true);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < out->count; i++) {
        announce(&out->seats[i]);
    }
    return 0;
}

/* ------------------------------------------------------------------ later */

static void tell_all(const struct plugin_launch *launch, enum plugin_message kind, const int *fds, size_t nfds)
{
    struct buf message = plugin_message_new(kind);
    if (launch->supervisor >= 0) {
        (void)plugin_send(launch->supervisor, &message, fds, nfds, false);
    }
    for (size_t i = 0; i < launch->count; i++) {
        if (launch->seats[i].fd >= 0) {
            (void)plugin_send(launch->seats[i].fd, &message, fds, nfds, false);
        }
    }
    buf_free(&message, false);
}

void plugin_launch_streams(const struct plugin_launch *launch)
{
    const int streams[PLUGIN_FDS_MAX] = {STDOUT_FILENO, STDERR_FILENO};
    tell_all(launch, PLUGIN_MSG_STREAMS, streams, PLUGIN_FDS_MAX);
}

void plugin_launch_settle(const struct plugin_launch *launch)
{
    tell_all(launch, PLUGIN_MSG_SETTLE, NULL, 0);
}

/* Its end of the socket closes when its last process is gone; what it still says is of no interest. */
static void wait_for_supervisor(int fd)
{
    uint64_t deadline = clock_read().mono_ms + END_LIMIT_MS;
    struct buf message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    int kind = 1;
    while (kind > 0 || kind == -EAGAIN) {
        uint64_t now = clock_read().mono_ms;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (now >= deadline || poll(&wait, 1, (int)(deadline - now)) == 0) {
            break;
        }
        int fds[PLUGIN_FDS_MAX];
        kind = plugin_receive(fd, &message, fds, false);
        for (int i = 0; i < PLUGIN_FDS_MAX; i++) {
            if (kind > 0 && fds[i] >= 0) {
                close(fds[i]);
            }
        }
    }
    buf_free(&message, false);
}

void plugin_launch_end(struct plugin_launch *launch, bool failed)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_CLOSE);
    (void)plugin_put_u32(&message, 0);
    (void)plugin_put_u32(&message, failed);
    for (size_t i = 0; i < launch->count; i++) {
        if (launch->seats[i].fd >= 0) {
            (void)plugin_send(launch->seats[i].fd, &message, NULL, 0, false);
            close(launch->seats[i].fd);
        }
        free(launch->seats[i].name);
    }
    free(launch->seats);
    buf_free(&message, false);
    if (launch->supervisor >= 0) {
        (void)shutdown(launch->supervisor, SHUT_WR);
        wait_for_supervisor(launch->supervisor);
        close(launch->supervisor);
        (void)waitpid(launch->pid, NULL, WNOHANG);
    }
    *launch = (struct plugin_launch){.supervisor = -1, .pid = -1};
}

void plugin_launch_log(struct rd *in)
{
    int flags = (int)rd_u32(in);
    char *text = plugin_get_text(in);
    if (!text) {
        return;
    }
    if (flags & PLUGIN_LOG_ERROR) {
        log_write(LOG_SEV_ERROR, 0, NULL, "%s", text);
    } else if (flags & PLUGIN_LOG_WARN) {
        log_warn("%s", text);
    } else if (flags & PLUGIN_LOG_NOTE) {
        log_info("%s", text);
    } else {
        log_write(LOG_SEV_DEBUG, 7, NULL, "%s", text);
    }
    free(text);
}
