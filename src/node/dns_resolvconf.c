/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "node/dns_way.h"

/*
 * resolvconf(8), Debian's or openresolv: it gets lines of a resolv.conf on its standard input under a name, and
 * merges what it has. Its arguments are the fixed words below and the name of the device.
 */
#define RECORD_SUFFIX ".vpnd"
#define NOTE "resolvconf "
#define RUN_SECONDS 15

static const char *const places[] = {"/usr/local/sbin/resolvconf", "/usr/sbin/resolvconf", "/sbin/resolvconf",
                                     "/usr/bin/resolvconf", "/bin/resolvconf"};

/* systemd's command of that name is resolved in disguise. */
static const char *find_program(void)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char target[PATH_MAX];
        if (access(places[i], X_OK) == 0 && realpath(places[i], target) && !strstr(target, "resolvectl")) {
            return places[i];
        }
    }
    return NULL;
}

/* It manages resolv.conf when that leads into its directory or says so. */
static bool resolvconf_is_in_use(void)
{
    char target[PATH_MAX];
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    bool managed = false;
    if (find_program()) {
        managed = realpath(DNS_RESOLV_CONF, target) && strstr(target, "resolvconf");
        managed = managed || (dns_file_read(DNS_RESOLV_CONF, &content) == 0 && strstr(buf_str(&content), "resolvconf"));
    }
    buf_free(&content, false);
    return managed;
}

/* ------------------------------------------------------------------ running it */

static void become_program(const char *program, char *const argv[], int in, int out)
{
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *const env[] = {path, NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++) {
        (void)signal(s, SIG_DFL);
    }
    if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0) {
        (void)close_range(3, ~0u, 0);
        (void)execve(program, argv, env);
    }
    _exit(127);
}

static int wait_for(pid_t pid)
{
    for (int i = 0; i < RUN_SECONDS * 100; i++) {
        int status = 0;
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid) {
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
        }
        if (done < 0 && errno != EINTR) {
            return -errno;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return -ETIMEDOUT;
}

/* @input is small enough for a pipe to take at once. */
static int run(const char *program, char *const argv[], const struct buf *input)
{
    int in[2];
    int out[2];
    if (pipe(in) < 0) {
        return -errno;
    }
    if (pipe(out) < 0) {
        int r = -errno;
        (void)close(in[0]);
        (void)close(in[1]);
        return r;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_program(program, argv, in[0], out[1]);
    }
    int r = pid < 0 ? -errno : 0;
    (void)close(in[0]);
    (void)close(out[1]);
    if (r == 0 && input && write(in[1], input->data, input->len) != (ssize_t)input->len) {
        r = -EPIPE;
    }
    (void)close(in[1]);
    if (pid > 0) {
        int ended = wait_for(pid);
        r = r < 0 ? r : ended;
    }
    (void)close(out[0]);
    return r;
}

static int resolvconf(const char *action, const char *device, bool exclusive, const struct buf *input)
{
    const char *program = find_program();
    if (!program) {
        return -ENOENT;
    }
    char *record = mem_printf("%s" RECORD_SUFFIX, device);
    char *words[] = {mem_strdup("resolvconf"), mem_strdup(action), record, exclusive ? mem_strdup("-x") : NULL, NULL};
    /* openresolv wants its options first. */
    char *argv[] = {words[0], words[3] ? words[3] : words[1], words[3] ? words[1] : words[2],
                    words[3] ? words[2] : NULL, NULL};
    int r = run(program, argv, input);
    for (size_t i = 0; i < 4; i++) {
        free(words[i]);
    }
    return r;
}

/* ------------------------------------------------------------------ the way */

/* It ended well, but did it reach resolv.conf? A resolver of this host may stand in between. */
static bool holds(const struct dns_server *server)
{
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    char first[ADDR_TEXT_MAX];
    bool found = !server;
    if (server && dns_file_read(DNS_RESOLV_CONF, &content) == 0) {
        found = dns_file_names(&content, ip_format(&server->addresses[0].ip, first)) ||
                dns_file_names(&content, "127.") || dns_file_names(&content, "::1");
    }
    buf_free(&content, false);
    return found;
}

static int resolvconf_apply(const struct dns_settings *settings, const struct dns_server *server, dns_way_note_fn note,
                            void *arg, struct buf *text)
{
    char line[DNS_NOTE_MAX];
    (void)snprintf(line, sizeof(line), NOTE "%s", settings->device);
    int r = note(arg, line, NULL);
    if (r < 0) {
        return r;
    }
    struct buf input = BUF_INIT(DNS_FILE_MAX_BYTES);
    dns_file_append(settings, server, NULL, &input);
    /* With openresolv nobody else's servers are asked; Debian's does not know -x. */
    r = server ? resolvconf("-a", settings->device, true, &input) : -EPROTO;
    if (r < 0) {
        r = resolvconf("-a", settings->device, false, &input);
    }
    buf_free(&input, false);
    if (r == 0 && !holds(server)) {
        r = -EPROTO;
        (void)buf_printf(text, "resolvconf did not take %s over into " DNS_RESOLV_CONF, settings->device);
    } else if (r < 0) {
        (void)buf_printf(text, "resolvconf failed: %s", err_str(r));
    }
    if (r < 0) {
        (void)resolvconf("-d", settings->device, false, NULL);
        return r;
    }
    (void)buf_printf(text, "resolvconf now has ");
    dns_settings_describe(settings, server, text);
    (void)buf_printf(text, " for %s", settings->device);
    return 0;
}

static void resolvconf_revert(const char *note, const struct buf *content, struct buf *text)
{
    (void)content;
    const char *device = note + strlen(NOTE);
    if (strlen(device) >= IF_NAMESIZE || strchr(device, '/')) {
        return;
    }
    int r = resolvconf("-d", device, false, NULL);
    if (r < 0) {
        (void)buf_printf(text, "resolvconf -d %s" RECORD_SUFFIX " failed: %s", device, err_str(r));
    }
}

const struct dns_way dns_way_resolvconf = {
    .name = "resolvconf",
    .abilities = 0,
    .is_in_use = resolvconf_is_in_use,
    .apply = resolvconf_apply,
    .revert = resolvconf_revert,
};
