/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"
#include "hooks/scripts.h"

/* config_proto_is_tcp() and the rest of the parser are not needed here, a configuration is just filled in. */
static struct config config;
static uv_loop_t loop;
static struct event_bus *bus;
static struct scripts *scripts;
static char dir[] = "/tmp/vpnd-test-scripts-XXXXXX";

struct outcome {
    int calls;
    bool accepted;
    unsigned voters;
    char reason[128];
    char lines[128];
    char pending[128];
};

static void done(void *arg, const struct event_result *r)
{
    struct outcome *o = arg;
    o->calls++;
    o->accepted = r->accepted;
    o->voters = r->voters;
    snprintf(o->reason, sizeof(o->reason), "%s", r->reason ? r->reason : "");
    snprintf(o->lines, sizeof(o->lines), "%s", r->config);
}

static bool pending(void *arg, unsigned timeout_s, const char *method, const char *extra)
{
    struct outcome *o = arg;
    snprintf(o->pending, sizeof(o->pending), "%u %s %s", timeout_s, method, extra);
    return true;
}

/* A program from its text; the caller frees the path. */
static char *program(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    fprintf(f, "#!/bin/sh\n%s\n", text);
    fclose(f);
    chmod(path, 0700);
    return path;
}

static void setup(void)
{
    cr_redirect_stdout();
    cr_assert_not_null(mkdtemp(dir));
    uv_loop_init(&loop);
    bus = event_bus_new();
    config.script_security = 2;
    config.tmp_dir = dir;
    scripts = scripts_new(&loop, bus, &config);
}

static void teardown(void)
{
    scripts_free(scripts);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    event_bus_free(bus);
    DIR *d = opendir(dir);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        cr_assert(strncmp(e->d_name, "openvpn_", 8) != 0, "left behind: %s", e->d_name);
        char *path = mem_printf("%s/%s", dir, e->d_name);
        (void)unlink(path);
        free(path);
    }
    closedir(d);
    (void)rmdir(dir);
}

static struct outcome run(const struct event *event)
{
    struct outcome o = {0};
    event_ask(bus, event, &(struct event_asker){.done = done, .pending = pending, .arg = &o});
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(o.calls, 1);
    return o;
}

TestSuite(scripts, .init = setup, .fini = teardown);

Test(scripts, nothing_configured_means_no_voter)
{
    struct outcome o = run(&(struct event){.type = EVENT_DEVICE_UP});
    cr_assert(o.accepted);
    cr_assert_eq(o.voters, 0);
}

Test(scripts, up_gets_arguments_and_environment)
{
    char *out = mem_printf("%s/seen", dir);
    char *text = mem_printf("echo \"$@ $script_type $dev $HOME\" > %s", out);
    char *path = program("up", text);
    config.up = mem_printf("%s 'first word' second", path);
    struct env env = {0};
    env_set(&env, "dev", "tun7");
    struct outcome o = run(&(struct event){
        .type = EVENT_DEVICE_UP, .env = &env, .args = {"tun7", "1500", "0", "10.8.0.1", "255.255.255.0", "init"}});
    cr_assert(o.accepted);
    char line[256] = "";
    FILE *f = fopen(out, "r");
    cr_assert_not_null(fgets(line, sizeof(line), f));
    fclose(f);
    cr_assert_str_eq(line, "first word second tun7 1500 0 10.8.0.1 255.255.255.0 init up tun7 \n");
    env_free(&env);
    free(config.up);
    free(path);
    free(text);
    free(out);
}

Test(scripts, security_level_below_two_fails_the_hook)
{
    char *path = program("up", "exit 0");
    config.up = path;
    config.script_security = 1;
    cr_assert_not(run(&(struct event){.type = EVENT_DEVICE_UP}).accepted);
    free(path);
}

Test(scripts, login_by_file_and_by_environment)
{
    char *path = program("verify", "read -r user < \"$1\"; test \"$(sed -n 2p \"$1\")\" = secret && test \"$user\" = "
                                   "\"$username\" && test -z \"$password\"");
    config.auth_user_pass_verify.command = path;
    config.auth_user_pass_verify.via_file = true;
    struct event login = {.type = EVENT_USER_PASS, .username = "anna", .password = "secret"};
    cr_assert(run(&login).accepted);
    login.password = "wrong";
    cr_assert_not(run(&login).accepted);
    free(path);
    path = program("verify", "test \"$username:$password\" = anna:secret");
    config.auth_user_pass_verify.command = path;
    config.auth_user_pass_verify.via_file = false;
    login.password = "secret";
    cr_assert_not(run(&login).accepted, "the password must need script-security 3");
    config.script_security = 3;
    cr_assert(run(&login).accepted);
    free(path);
}

Test(scripts, deferred_login_with_pending_and_reason)
{
    char *path = program("verify", "printf '30\\nwebauth\\nWEB_AUTH::https://x\\n' > $auth_pending_file\n"
                                   "(sleep 0.3; echo no such luck > $auth_failed_reason_file; printf 0 > "
                                   "$auth_control_file) &\nexit 2");
    config.auth_user_pass_verify.command = path;
    config.auth_user_pass_verify.via_file = true;
    struct outcome o = run(&(struct event){.type = EVENT_USER_PASS, .username = "a", .password = "b"});
    cr_assert_not(o.accepted);
    cr_assert_str_eq(o.reason, "no such luck");
    cr_assert_str_eq(o.pending, "30 webauth WEB_AUTH::https://x");
    free(path);
}

/* Whatever a program leaves behind in place of its answers, the loop goes on. */
Test(scripts, strange_answer_files_do_no_harm, .timeout = 20)
{
    char *path = program("auth", "rm $auth_control_file; mkfifo $auth_control_file\n"
                                 "head -c 9000 /dev/zero | tr '\\0' x >$auth_failed_reason_file; exit 1");
    config.auth_user_pass_verify.command = path;
    struct event event = {.type = EVENT_USER_PASS, .username = "u", .password = "p"};
    struct outcome o = run(&event);
    cr_assert_not(o.accepted);
    cr_assert_eq(strspn(o.reason, "x"), sizeof(o.reason) - 1, "a long reason is cut, not lost");
    free(path);
    path = program("auth", "rm $auth_control_file; mkfifo $auth_control_file\n"
                           "(sleep 0.3; rm $auth_control_file; echo 1 >$auth_control_file) & exit 2");
    config.auth_user_pass_verify.command = path;
    o = run(&event);
    cr_assert(o.accepted);
    free(path);
}

Test(scripts, client_connect_returns_lines_now_or_later)
{
    char *path = program("connect", "echo 'push \"a\"' > \"$1\"");
    config.client_connect = path;
    struct outcome o = run(&(struct event){.type = EVENT_CLIENT_CONNECT});
    cr_assert(o.accepted);
    cr_assert_str_eq(o.lines, "push \"a\"\n\n");
    free(path);
    path = program("connect", "printf 2 > $client_connect_deferred_file\n"
                              "(sleep 0.3; echo disable > $client_connect_config_file; printf 1 > "
                              "$client_connect_deferred_file) &");
    config.client_connect = path;
    o = run(&(struct event){.type = EVENT_CLIENT_CONNECT});
    cr_assert(o.accepted);
    cr_assert_str_eq(o.lines, "disable\n\n");
    free(path);
}

Test(scripts, a_program_that_hangs_is_left_behind)
{
    char *path = program("verify", "exec sleep 1000");
    config.auth_user_pass_verify.command = path;
    config.auth_user_pass_verify.via_file = true;
    struct outcome o = {0};
    struct event_request *request =
        event_ask(bus, &(struct event){.type = EVENT_USER_PASS, .username = "a", .password = "b"},
                  &(struct event_asker){.done = done, .arg = &o});
    cr_assert_not_null(request);
    event_cancel(request);
    cr_assert_eq(scripts_running(scripts), 1);
    cr_assert_eq(o.calls, 0);
    free(path);
}
