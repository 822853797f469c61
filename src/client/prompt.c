/* SPDX-License-Identifier: MIT */
#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

#define ASK_PROGRAM "/usr/bin/systemd-ask-password"
#define ASK_RUNTIME_DIR "/run/systemd/system"

/* Read a line from @fd, byte by byte so that nothing behind it is taken. */
static int read_line(int fd, int cancel, char *out, size_t cap)
{
    size_t len = 0;
    for (;;) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = cancel, .events = POLLIN}};
        if (poll(fds, cancel >= 0 ? 2 : 1, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        if (cancel >= 0 && fds[1].revents) {
            return -ECANCELED;
        }
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0 && len == 0) {
            return -ENOTTY;
        }
        if (n == 0 || c == '\n') {
            out[len] = '\0';
            return (int)len;
        }
        if (len + 1 >= cap) {
            return ERR_LIMIT;
        }
        if (c != '\r') {
            out[len++] = c;
        }
    }
}

static void write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        ssize_t n = write(fd, text, left);
        if (n <= 0) {
            return;
        }
        text += n;
        left -= (size_t)n;
    }
}

static int ask_terminal(int tty, const char *text, bool echo, int cancel, char *out, size_t cap)
{
    struct termios before;
    bool changed = !echo && tcgetattr(tty, &before) == 0;
    if (changed) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(tty, TCSAFLUSH, &quiet);
    }
    write_all(tty, text);
    write_all(tty, " ");
    int n = read_line(tty, cancel, out, cap);
    if (changed) {
        tcsetattr(tty, TCSAFLUSH, &before);
        write_all(tty, "\n");
    }
    return n;
}

/* Between fork() and execve() of a process with threads: system calls only. The question must not outlive us: nobody
 * would want its answer any more, and the service manager would find it in the way of the next start. */
static void become_asker(char *const argv[], int out, pid_t parent)
{
    char *const envp[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    sigset_t none;
    sigemptyset(&none);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
        null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0) {
        (void)execve(ASK_PROGRAM, argv, envp);
    }
    _exit(127);
}

static int ask_systemd(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        return -errno;
    }
    char *argv[] = {(char *)ASK_PROGRAM,          (char *)"--timeout=0",
                    (char *)"--icon=network-vpn", (char *)(echo ? "--echo" : "--"),
                    (char *)(echo ? "--" : text), echo ? (char *)text : NULL,
                    NULL};
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_asker(argv, ends[1], self);
    }
    int n = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (n == 0) {
        n = read_line(ends[0], cancel, out, cap);
    }
    close(ends[0]);
    if (pid > 0) {
        if (n < 0) {
            kill(pid, SIGTERM);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return n;
}

int prompt_ask(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty >= 0) {
        int n = ask_terminal(tty, text, echo, cancel, out, cap);
        close(tty);
        return n;
    }
    if (access(ASK_RUNTIME_DIR, F_OK) == 0 && access(ASK_PROGRAM, X_OK) == 0) {
        return ask_systemd(text, echo, cancel, out, cap);
    }
    return -ENOTTY;
}
