/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"
#include "hooks/plugin_abi.h"
#include "hooks/plugin_launch.h"
#include "hooks/plugin_link.h"
#include "hooks/plugins.h"

/* In place of processes: one plugin that checks logins and defers every answer. */

#define LOGINS 40

static struct {
    plugin_answer_fn fn;
    void *arg;
} calls[LOGINS];
static size_t call_count;

int plugin_launch_start(const struct config *config, struct plugin_launch *out)
{
    (void)config;
    *out = (struct plugin_launch){.supervisor = -1, .pid = -1, .count = 1, .seats = mem_array(1, sizeof(*out->seats))};
    out->seats[0] = (struct plugin_seat){
        .name = mem_strdup("fake"), .fd = -1, .mask = 1u << PLUGIN_AUTH_USER_PASS_VERIFY};
    return 0;
}

void plugin_launch_streams(const struct plugin_launch *launch)
{
    (void)launch;
}

void plugin_launch_settle(const struct plugin_launch *launch)
{
    (void)launch;
}

void plugin_launch_end(struct plugin_launch *launch, bool failed)
{
    (void)failed;
    free(launch->seats[0].name);
    free(launch->seats);
}

struct plugin_links *plugin_links_new(uv_loop_t *loop, struct plugin_launch *launch, unsigned limit_s)
{
    (void)loop;
    (void)launch;
    (void)limit_s;
    return mem_zalloc(1);
}

struct plugin_call *plugin_links_call(struct plugin_links *links, size_t index, struct buf *message, const char *what,
                                      plugin_answer_fn fn, void *arg)
{
    (void)links;
    (void)index;
    (void)what;
    buf_free(message, true);
    calls[call_count].fn = fn;
    calls[call_count].arg = arg;
    return (struct plugin_call *)(void *)&calls[call_count++];
}

void plugin_links_cancel(struct plugin_call *call)
{
    (void)call;
}

size_t plugin_links_busy(const struct plugin_links *links)
{
    (void)links;
    return 0;
}

void plugin_links_free(struct plugin_links *links)
{
    free(links);
}

static void count_accepted(void *arg, const struct event_result *result)
{
    *(int *)arg += result->accepted && result->voters;
}

static char *control_file(const char *dir)
{
    DIR *d = opendir(dir);
    char *path = NULL;
    for (struct dirent *e = readdir(d); e && !path; e = readdir(d)) {
        path = strncmp(e->d_name, "openvpn_acf_", 12) == 0 ? mem_printf("%s/%s", dir, e->d_name) : NULL;
    }
    closedir(d);
    return path;
}

static void stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Many wait for an answer of their own; the one that gets it, here the last of all, does not wait for the others. */
Test(plugins, deferred_logins_do_not_wait_for_each_other)
{
    char dir[] = "/tmp/vpnd-test-plugins-XXXXXX";
    struct config config = {.tmp_dir = dir, .plugin = {.count = 1}};
    struct event event = {.type = EVENT_USER_PASS, .username = "u", .password = "p", .has_client = true};
    struct event_request *requests[LOGINS];
    struct plugins *plugins;
    uv_timer_t limit;
    uv_loop_t loop;
    int accepted = 0;
    cr_redirect_stdout();
    cr_assert_not_null(mkdtemp(dir));
    uv_loop_init(&loop);
    uv_timer_init(&loop, &limit);
    uv_timer_start(&limit, stop, 10000, 0);
    struct event_bus *bus = event_bus_new();
    cr_assert_eq(plugins_start(&config, &plugins), 0);
    plugins_listen(plugins, &loop, bus, &config);
    char *last = NULL;
    for (size_t i = LOGINS; i-- > 0;) {
        event.client_id = i;
        requests[i] = event_ask(bus, &event, &(struct event_asker){.done = count_accepted, .arg = &accepted});
        cr_assert_not_null(requests[i]);
        calls[call_count - 1].fn(calls[call_count - 1].arg, PLUGIN_DEFERRED, NULL);
        if (i == 0) {
            break;
        }
        char *path = control_file(dir);
        unlink(path);
        free(path);
    }
    last = control_file(dir);
    FILE *f = fopen(last, "w");
    fputs("1", f);
    fclose(f);
    free(last);
    while (!accepted && uv_is_active((uv_handle_t *)&limit)) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    cr_assert_eq(accepted, 1);
    for (size_t i = 1; i < LOGINS; i++) {
        event_cancel(requests[i]);
    }
    plugins_end(plugins, false);
    event_bus_free(bus);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_assert_eq(rmdir(dir), 0, "files are left behind");
}
