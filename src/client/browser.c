/* SPDX-License-Identifier: MIT */
#include "client/browser.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/challenge.h"
#include "base/err.h"
#include "base/mem.h"

static bool has_desktop(void)
{
    const char *x = getenv("DISPLAY");
    const char *wayland = getenv("WAYLAND_DISPLAY");
    return (x && *x) || (wayland && *wayland);
}

static bool number(const char *name, unsigned *out)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text) {
        return false;
    }
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value == 0 || value > INT_MAX) {
        return false; /* 0 is root */
    }
    *out = (unsigned)value;
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_exit_status(uv_process_t *process, int64_t status, int term_signal)
{
    (void)status;
    (void)term_signal;
    uv_close((uv_handle_t *)process, on_closed);
}

int browser_open(uv_loop_t *loop, const char *url)
{
    char program[] = "xdg-open";
    char *argv[] = {program, (char *)(uintptr_t)url, NULL};
    unsigned user = 0;
    unsigned group = 0;
    if (!challenge_url_valid(url)) {
        return ERR_FORMAT;
    }
    if (!has_desktop()) {
        return ERR_UNSUPPORTED;
    }
    uv_stdio_container_t none[3] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = program, .args = argv, .exit_cb = on_exit_status, .stdio = none,
                                    .stdio_count = 3, .flags = UV_PROCESS_DETACHED};
    if (geteuid() == 0) {
        if (!number("SUDO_UID", &user) && !number("PKEXEC_UID", &user)) {
            return ERR_UNSUPPORTED;
        }
        if (!number("SUDO_GID", &group)) {
            group = user; /* what most systems give a person; never root's */
        }
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        options.uid = user;
        options.gid = group;
    }
    uv_process_t *process = mem_zalloc(sizeof(*process));
    process->data = process;
    int e = uv_spawn(loop, process, &options);
    if (e < 0) {
        uv_close((uv_handle_t *)process, on_closed);
        return e;
    }
    uv_unref((uv_handle_t *)process); /* the browser may outlive us */
    return 0;
}
