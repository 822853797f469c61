/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "mgmt/mgmt.h"

static uv_loop_t loop;
static struct event_bus *bus;
static struct mgmt *mgmt;
static struct config config;
static struct mgmt_host host;
static char path[64];
static int last_signal;
static char answer_text[256];

static int host_status(void *arg, unsigned version, const char *eol, struct buf *out)
{
    (void)arg;
    return buf_printf(out, "STATUS %u%sEND%s", version, eol, eol);
}

static void host_signal(void *arg, int signo, const char *reason)
{
    (void)arg;
    (void)reason;
    last_signal = signo;
}

static void host_load(void *arg, struct mgmt_load *out)
{
    (void)arg;
    *out = (struct mgmt_load){.clients = 2, .bytes_in = 10, .bytes_out = 20};
}

static unsigned host_kill_name(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "anna") == 0 ? 1 : 0;
}

static unsigned host_kill_address(void *arg, const union addr *a, enum mgmt_transport transport)
{
    (void)arg;
    return addr_port(a) == 50000 && transport != MGMT_TCP ? 1 : 0;
}

static void setup(void)
{
    cr_redirect_stdout();
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    snprintf(path, sizeof(path), "/tmp/vpnd-test-mgmt-%d.sock", getpid());
    uv_loop_init(&loop);
    bus = event_bus_new();
    config.management = (struct config_management){.address = path, .is_unix = true};
    config.management_log_cache = 250;
    config.management_version = 5;
    host = (struct mgmt_host){.status = host_status, .signal = host_signal, .load = host_load};
}

static void open_interface(void)
{
    cr_assert_eq(mgmt_new(&(struct mgmt_open){.loop = &loop, .bus = bus, .config = &config, .host = &host,
                                              .title = "vpnd test"}, &mgmt), 0);
    cr_assert_not_null(mgmt);
}

static void teardown(void)
{
    mgmt_free(mgmt);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    event_bus_free(bus);
    cr_assert_neq(access(path, F_OK), 0);
}

TestSuite(mgmt, .init = setup, .fini = teardown);

static int dial(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    return fd;
}

/* Send, let the loop work until nothing happens any more, and compare what came back. */
static const char *talk(int fd, const char *send_text)
{
    static char got[65536];
    size_t have = 0;
    if (*send_text) {
        cr_assert_eq(write(fd, send_text, strlen(send_text)), (ssize_t)strlen(send_text));
    }
    for (int idle = 0; idle < 5;) {
        uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t n = read(fd, got + have, sizeof(got) - 1 - have);
        if (n == 0) {
            break;
        }
        idle = n > 0 ? 0 : idle + 1;
        have += n > 0 ? (size_t)n : 0;
    }
    got[have] = 0;
    return got;
}

#define GREETING ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"

Test(mgmt, replies_of_a_server_are_those_of_openvpn)
{
    host.kill_name = host_kill_name;
    host.kill_address = host_kill_address;
    open_interface();
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), GREETING);
    cr_assert_str_eq(talk(fd, "version\n"), "OpenVPN Version: vpnd test\r\nManagement Version: 5\r\nEND\r\n");
    cr_assert_str_eq(talk(fd, "hold\nhold on\nhold foo\n"),
                     "SUCCESS: hold=0\r\nSUCCESS: hold flag set to ON\r\nERROR: bad hold command parameter\r\n");
    cr_assert_str_eq(talk(fd, "nclients\r\nload-stats\n"),
                     "SUCCESS: nclients=2\r\nSUCCESS: nclients=2,bytesin=10,bytesout=20\r\n");
    cr_assert_str_eq(talk(fd, "kill anna\nkill bob\nkill\nkill 1.2.3.4:50000\nkill tcp:1.2.3.4:50000\nkill 1.2.3.4:x\n"),
                     "SUCCESS: common name 'anna' found, 1 client(s) killed\r\n"
                     "ERROR: common name 'bob' not found\r\n"
                     "ERROR: the 'kill' command requires 1 parameter\r\n"
                     "SUCCESS: 1 client(s) at address 1.2.3.4:50000 killed\r\n"
                     "ERROR: client at address 1.2.3.4:50000 not found\r\n"
                     "ERROR: port number is out of range: x\r\n");
    cr_assert_str_eq(talk(fd, "client-auth 0 1\nEND\nclient-deny 0\nclient-auth-nt x 1\nremote ACCEPT\n"),
                     "ERROR: client-auth command failed\r\n"
                     "ERROR: the 'client-deny' command requires at least 3 parameters\r\n"
                     "ERROR: cannot parse CID\r\n"
                     "ERROR: The 'remote' command is not supported by the current daemon mode\r\n");
    cr_assert_str_eq(talk(fd, "status 3\nfrobnicate\n\n\"open\nsignal SIGUSR2\nsignal X\n"),
                     "STATUS 3\r\nEND\r\nERROR: unknown command, enter 'help' for more options\r\n"
                     "ERROR: Options error: No closing quotation (\") in TCP:0\r\n"
                     "SUCCESS: signal SIGUSR2 thrown\r\nERROR: signal 'X' is not a known signal type\r\n");
    cr_assert_eq(last_signal, SIGUSR2);
    close(fd);
}

/* A client that asks for it is spoken to as OpenVPN 2.7 does; the next one is not. */
Test(mgmt, version_6_is_for_who_asks)
{
    host.kill_name = host_kill_name;
    host.kill_address = host_kill_address;
    open_interface();
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), GREETING);
    cr_assert_str_eq(talk(fd, "version 5\nversion 6\nversion 5\nnosuch\n"),
                     "SUCCESS: Management client version set to 6\r\nSUCCESS: Management client version set to 5\r\n"
                     "ERROR: unknown command [nosuch], enter 'help' for more options\r\n");
    cr_assert_str_eq(talk(fd, "kill udp:1.2.3.4:50000\nkill tcp:1.2.3.4:50000\nkill 1.2.3.4:50000\nkill 1.2.3.4:6\n"),
                     "SUCCESS: 1 client(s) at address udp:1.2.3.4:50000 killed\r\n"
                     "ERROR: client at address tcp-server:1.2.3.4:50000 not found\r\n"
                     "SUCCESS: 1 client(s) at address 1.2.3.4:50000 killed\r\n"
                     "ERROR: common name '1.2.3.4' not found\r\n");
    int other = dial();
    cr_assert_str_eq(talk(other, "nosuch\n"), GREETING "ERROR: unknown command, enter 'help' for more options\r\n");
    close(other);
    close(fd);
}

static char given_password[8192];

static void password_given(void *arg, const struct mgmt_credentials *answer)
{
    (void)arg;
    snprintf(given_password, sizeof(given_password), "%s", answer->password);
}

static const char *talk_password(int fd, size_t len)
{
    char text[8192] = "password Auth\n";
    size_t n = strlen(text);
    for (size_t i = 0; i < len; i += 3) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", len - i < 3 ? "eHg=" : "eHh4", i % 48 ? "" : "\n");
    }
    snprintf(text + n, sizeof(text) - n, "\nEND\n");
    return talk(fd, text);
}

Test(mgmt, passwords_in_lines_of_base64)
{
    config.management_query_passwords = true;
    open_interface();
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), GREETING);
    struct mgmt_need need = {.type = "Auth", .password = true};
    cr_assert(mgmt_ask_credentials(mgmt, &need, password_given, NULL));
    cr_assert_str_eq(talk(fd, "version 6\n"),
                     ">PASSWORD:Need 'Auth' password\r\nSUCCESS: Management client version set to 6\r\n");
    cr_assert_str_eq(talk_password(fd, 4098), "ERROR: password too long\r\n");
    cr_assert_str_eq(talk(fd, "password Auth\n!\nEND\n"), "ERROR: could not base64-decode password\r\n");
    cr_assert_str_eq(talk_password(fd, 4095), "SUCCESS: 'Auth' password entered, but not yet verified\r\n");
    cr_assert_eq(strlen(given_password), 4095);
    config.management_query_passwords = false;
    close(fd);
}

/* Too much up to END: nothing of it is taken, and the next command is one again. */
Test(mgmt, too_many_lines_are_refused)
{
    config.management_query_passwords = true;
    open_interface();
    int fd = dial();
    struct mgmt_need need = {.type = "Auth", .password = true};
    cr_assert(mgmt_ask_credentials(mgmt, &need, password_given, NULL));
    (void)talk(fd, "version 6\npassword Auth\n");
    char line[1001];
    memset(line, 'Q', 999);
    memcpy(line + 999, "\n", 2);
    for (int i = 0; i < 80; i++) {
        cr_assert_str_eq(talk(fd, line), "");
    }
    cr_assert_str_eq(talk(fd, "END\nnosuch\n"), "ERROR: more than 65536 bytes up to END\r\n"
                                               "ERROR: unknown command [nosuch], enter 'help' for more options\r\n");
    config.management_query_passwords = false;
    close(fd);
}

Test(mgmt, password_guards_every_command)
{
    char file[] = "/tmp/vpnd-test-mgmt-pw-XXXXXX";
    int pw = mkstemp(file);
    cr_assert_eq(write(pw, "secret\nrest\n", 12), 12);
    close(pw);
    config.management.password_file = file;
    open_interface();
    unlink(file);
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), "ENTER PASSWORD:");
    cr_assert_str_eq(talk(fd, "signal SIGTERM\n"), "ENTER PASSWORD:");
    cr_assert_eq(last_signal, 0);
    cr_assert_str_eq(talk(fd, "secret\n"), "SUCCESS: password is correct\r\n" GREETING);
    close(fd);
    fd = dial();
    cr_assert_str_eq(talk(fd, "a\nb\nc\nsignal SIGTERM\n"), "ENTER PASSWORD:ENTER PASSWORD:ENTER PASSWORD:");
    cr_assert_eq(last_signal, 0);
    close(fd);
}

static void released(void *arg)
{
    ++*(int *)arg;
}

Test(mgmt, hold_is_repeated_to_newcomers_and_released_once)
{
    config.management_hold = true;
    open_interface();
    int times = 0;
    cr_assert(mgmt_hold(mgmt, 5, released, &times));
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), GREETING ">HOLD:Waiting for hold release:5\r\n");
    int second = dial();
    cr_assert_str_eq(talk(second, ""), GREETING ">HOLD:Waiting for hold release:5\r\n");
    cr_assert_str_eq(talk(fd, "signal SIGUSR1\n"),
                     "ERROR: signal 'SIGUSR1' is currently ignored\r\n>HOLD:Waiting for hold release:5\r\n");
    cr_assert_str_eq(talk(second, "hold release\n"), "SUCCESS: hold release succeeded\r\n");
    cr_assert_eq(times, 1);
    cr_assert_str_eq(talk(fd, "hold release\n"), "SUCCESS: hold release succeeded\r\n");
    cr_assert_eq(times, 1);
    close(fd);
    close(second);
}

static void got_credentials(void *arg, const struct mgmt_credentials *c)
{
    (void)arg;
    snprintf(answer_text, sizeof(answer_text), "%s/%s", c->username, c->password);
}

Test(mgmt, credentials_of_the_right_type_in_any_order)
{
    config.management_query_passwords = true;
    open_interface();
    int fd = dial();
    talk(fd, "");
    cr_assert_str_eq(talk(fd, "username \"Auth\" x\n"), "ERROR: no username is currently needed at this time\r\n");
    struct mgmt_need need = {.type = "Auth", .username = true, .password = true, .challenge = "PIN",
                             .challenge_flags = 1};
    cr_assert(mgmt_ask_credentials(mgmt, &need, got_credentials, NULL));
    cr_assert_str_eq(talk(fd, ""), ">PASSWORD:Need 'Auth' username/password SC:1,PIN\r\n");
    cr_assert_str_eq(talk(fd, "password \"HTTP Proxy\" p\n"),
                     "ERROR: password of type 'HTTP Proxy' entered, but we need one of type 'Auth'\r\n");
    cr_assert_str_eq(talk(fd, "password \"Auth\" \"a\\\"b\\\\c\"\n"),
                     "SUCCESS: 'Auth' password entered, but not yet verified\r\n");
    cr_assert_str_eq(answer_text, "");
    cr_assert_str_eq(talk(fd, "username Auth bob\n"), "SUCCESS: 'Auth' username entered, but not yet verified\r\n");
    cr_assert_str_eq(answer_text, "bob/a\"b\\c");
    close(fd);
}

static void login_done(void *arg, const struct event_result *r)
{
    snprintf(arg, 64, "%d %s", r->accepted, r->reason ? r->reason : "");
}

Test(mgmt, client_auth_decides_logins)
{
    host.kill_name = host_kill_name;
    config.management_client_auth = true;
    open_interface();
    int fd = dial();
    talk(fd, "env-filter 2\n");
    struct env env = {0};
    env_set(&env, "common_name", "anna");
    env_set(&env, "untrusted_ip", "192.0.2.7");
    env_set(&env, "daemon_pid", "1");
    char verdict[64] = "";
    struct event login = {.type = EVENT_USER_PASS, .env = &env, .username = "u", .password = "p", .has_client = true,
                          .client_id = 4, .key_id = 1};
    event_ask(bus, &login, &(struct event_asker){.done = login_done, .arg = verdict});
    cr_assert_str_eq(talk(fd, ""), ">CLIENT:CONNECT,4,1\r\n>CLIENT:ENV,n_clients=2\r\n"
                                   ">CLIENT:ENV,daemon_start_time=0\r\n>CLIENT:ENV,daemon_pid=1\r\n>CLIENT:ENV,untrusted_ip=192.0.2.7\r\n>CLIENT:ENV,username=u\r\n"
                                   ">CLIENT:ENV,password=p\r\n>CLIENT:ENV,END\r\n");
    cr_assert_str_eq(talk(fd, "client-auth 4 2\nEND\n"), "ERROR: client-auth command failed\r\n");
    cr_assert_str_eq(talk(fd, "client-auth 4 1\npush \"a\"\nEND\n"), "SUCCESS: client-auth command succeeded\r\n");
    cr_assert_str_eq(verdict, "1 ");
    login.client_id = 5;
    event_ask(bus, &login, &(struct event_asker){.done = login_done, .arg = verdict});
    talk(fd, "");
    cr_assert_str_eq(talk(fd, "client-deny 5 1 \"log\" \"go away\"\n"), "SUCCESS: client-deny command succeeded\r\n");
    cr_assert_str_eq(verdict, "0 go away");
    env_free(&env);
    close(fd);
}

/* The check of the one who connects is of no use when nobody but the owner can. */
Test(mgmt, a_guarded_socket_is_open_to_those_it_is_for)
{
    struct stat st;
    mode_t before = umask(022);
    config.management_client_user = (char[]){"nobody"};
    open_interface();
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0777);
    cr_assert_eq(umask(before), 022);
}

/* A client that logs in is dozens of lines: they come as one write, before the loop waits again. */
Test(mgmt, lines_of_one_turn_are_written_at_once)
{
    host.kill_name = host_kill_name;
    config.management_client_auth = true;
    open_interface();
    int fd = dial();
    talk(fd, "");
    char got[4096];
    char verdict[64] = "";
    struct event login = {.type = EVENT_USER_PASS, .username = "u", .password = "p", .has_client = true};
    event_ask(bus, &login, &(struct event_asker){.done = login_done, .arg = verdict});
    cr_assert_lt(read(fd, got, sizeof(got)), 0, "the first line was written alone");
    uv_run(&loop, UV_RUN_NOWAIT);
    ssize_t n = read(fd, got, sizeof(got) - 1);
    cr_assert_gt(n, 0);
    got[n] = 0;
    cr_assert_eq(strncmp(got, ">CLIENT:CONNECT,0,0\r\n", 21), 0);
    cr_assert_str_eq(got + n - 17, ">CLIENT:ENV,END\r\n");
    close(fd);
}

Test(mgmt, http_requests_end_the_connection)
{
    static const char *const requests[] = {"POST / HTTP/1.1\r\nHost: x\r\n\r\nversion\r\n", "\nGET /\nversion\n"};
    open_interface();
    for (size_t i = 0; i < 2; i++) {
        int fd = dial();
        talk(fd, "");
        cr_assert_null(strstr(talk(fd, requests[i]), "Version"));
        char byte;
        cr_assert_leq(read(fd, &byte, 1), 0);
        close(fd);
    }
}

Test(mgmt, hostile_clients_are_bounded)
{
    open_interface();
    int fd = dial();
    talk(fd, "");
    char *flood = malloc(200001);
    memset(flood, 'x', 200000);
    flood[200000] = 0;
    for (size_t done = 0; done < 200000;) {
        ssize_t n = write(fd, flood + done, 200000 - done);
        done += n > 0 ? (size_t)n : 0;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    free(flood);
    const char *got = talk(fd, "\n");
    cr_assert_eq(strncmp(got, "ERROR: Options error: Parameter at TCP:0 is too long (256 chars max): xxx", 73), 0);
    /* One that asks for much and reads nothing: the rest of its commands waits, another client is served. */
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(write(fd, "test 40000\n", 11), 11);
    }
    uv_run(&loop, UV_RUN_NOWAIT);
    int other = dial();
    cr_assert_str_eq(talk(other, "hold\n"), GREETING "SUCCESS: hold=0\r\n");
    /* Once it reads, everything comes. */
    size_t read_back = 0;
    static char chunk[65536];
    for (int idle = 0; idle < 50;) {
        uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t n = read(fd, chunk, sizeof(chunk));
        idle = n > 0 ? 0 : idle + 1;
        read_back += n > 0 ? (size_t)n : 0;
    }
    cr_assert_gt(read_back, 20u * 40000 * 65);
    close(other);
    close(fd);
}

Test(mgmt, who_does_not_read_what_comes_by_itself_is_given_up)
{
    open_interface();
    int fd = dial();
    talk(fd, "echo on\n");
    static char text[60000];
    memset(text, 'e', sizeof(text) - 1);
    for (int i = 0; i < 100; i++) {
        event_announce(bus, &(struct event){.type = EVENT_ECHO, .text = text});
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    size_t read_back = 0;
    static char chunk[65536];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        read_back += (size_t)n;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    cr_assert_eq(n, 0, "it is still connected");
    cr_assert_lt(read_back, 6u * 1000 * 1000);
    close(fd);
}

/* The one in charge is given up, and so is its heir, to whom the open question goes. */
Test(mgmt, several_that_do_not_read_are_given_up_at_once, .timeout = 20)
{
    config.management_hold = true;
    open_interface();
    cr_assert(mgmt_hold(mgmt, 0, released, &(int){0}));
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        talk(fds[i], "echo on\n");
    }
    static char text[60000];
    memset(text, 'e', sizeof(text) - 1);
    for (int i = 0; i < 100; i++) {
        event_announce(bus, &(struct event){.type = EVENT_ECHO, .text = text});
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    int fd = dial();
    cr_assert_str_eq(talk(fd, "hold\n"), GREETING ">HOLD:Waiting for hold release:0\r\nSUCCESS: hold=1\r\n");
    close(fd);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    uv_run(&loop, UV_RUN_NOWAIT);
}

Test(mgmt, passwords_are_not_logged_however_they_are_written)
{
    host.kill_name = host_kill_name;
    open_interface();
    int fd = dial();
    talk(fd, "verb 4\nlog on\n");
    const char *got = talk(fd, "password Auth tiger\n  password Auth tiger\n\"password\" Auth tiger\n"
                               "'password' Auth tiger\n \"password Auth tiger\npassword \"Auth tiger\n"
                               "cr-response dGlnZXI=\npid\n");
    cr_assert_null(strstr(got, "tiger"), "%s", got);
    cr_assert_null(strstr(got, "dGlnZXI="), "%s", got);
    cr_assert_not_null(strstr(got, "MANAGEMENT: CMD 'password [...]'"), "%s", got);
    cr_assert_not_null(strstr(got, "MANAGEMENT: CMD 'pid'"), "%s", got);
    close(fd);
}

Test(mgmt, what_was_asked_for_comes_after_a_half_close_and_after_quit)
{
    open_interface();
    for (int with_quit = 0; with_quit < 2; with_quit++) {
        int fd = dial();
        const char *commands = with_quit ? "test 30000\nquit\npid\n" : "test 30000\n";
        cr_assert_eq(write(fd, commands, strlen(commands)), (ssize_t)strlen(commands));
        if (!with_quit) {
            shutdown(fd, SHUT_WR);
        }
        size_t read_back = 0;
        static char chunk[65536 + 1];
        for (int idle = 0; idle < 50;) {
            uv_run(&loop, UV_RUN_NOWAIT);
            ssize_t n = read(fd, chunk, sizeof(chunk) - 1);
            if (n == 0) {
                break;
            }
            chunk[n > 0 ? n : 0] = 0;
            idle = n > 0 ? 0 : idle + 1;
            read_back += n > 0 ? (size_t)n : 0;
        }
        cr_assert_gt(read_back, 30000u * 65);
        cr_assert_null(strstr(chunk, "pid="), "nothing runs after quit");
        close(fd);
    }
}

Test(mgmt, http_runs_nothing)
{
    host.kill_name = host_kill_name;
    open_interface();
    int fd = dial();
    cr_assert_str_eq(talk(fd, "POST / HTTP/1.1\r\nHost: x\r\n\r\nsignal SIGTERM\n"), GREETING);
    cr_assert_eq(last_signal, 0);
    cr_assert_str_eq(talk(fd, ""), "");
    close(fd);
    fd = dial();
    cr_assert_str_eq(talk(fd, "kill anna HTTP/1.1\n"),
                     GREETING "SUCCESS: common name 'anna' found, 1 client(s) killed\r\n");
    close(fd);
}

Test(mgmt, only_so_many_clients)
{
    open_interface();
    int fds[40];
    for (int i = 0; i < 40; i++) {
        fds[i] = dial();
        (void)talk(fds[i], "");
    }
    cr_assert_str_eq(talk(fds[0], "hold\n"), "SUCCESS: hold=0\r\n");
    char c;
    cr_assert_eq(read(fds[39], &c, 1), 0, "the fortieth was let in");
    for (int i = 0; i < 40; i++) {
        close(fds[i]);
    }
}

static unsigned tables;

static int host_status_slow(void *arg, unsigned version, const char *eol, struct buf *out)
{
    uint64_t until = uv_hrtime() + 15 * 1000 * 1000;
    while (uv_hrtime() < until) {
        (void)usleep(1000);
    }
    tables++;
    return host_status(arg, version, eol, out);
}

#define THREE_TABLES "STATUS 1\r\nEND\r\nSTATUS 2\r\nEND\r\nSTATUS 3\r\nEND\r\n"

/* Who only holds places does not keep the operator out, nor throw one out who is in. */
Test(mgmt, strangers_make_room)
{
    char file[] = "/tmp/vpnd-test-mgmt-pw-XXXXXX";
    int pw = mkstemp(file);
    cr_assert_eq(write(pw, "secret\n", 7), 7);
    close(pw);
    config.management.password_file = file;
    open_interface();
    unlink(file);
    int operator = dial();
    talk(operator, "secret\n");
    int strangers[40];
    for (int i = 0; i < 40; i++) {
        strangers[i] = dial();
        cr_assert_str_eq(talk(strangers[i], ""), "ENTER PASSWORD:");
    }
    int other = dial();
    cr_assert_str_eq(talk(other, "secret\nhold\n"),
                     "ENTER PASSWORD:SUCCESS: password is correct\r\n" GREETING "SUCCESS: hold=0\r\n");
    cr_assert_str_eq(talk(operator, "hold\n"), "SUCCESS: hold=0\r\n");
    for (int i = 0; i < 40; i++) {
        close(strangers[i]);
    }
    close(operator);
    close(other);
}

/* Many large tables at once: one a turn of the loop, and another client's command comes in between. */
Test(mgmt, large_tables_take_turns)
{
    host.status = host_status_slow;
    open_interface();
    int greedy = dial();
    int other = dial();
    char got[256];
    ssize_t n = -1;
    (void)talk(greedy, "");
    (void)talk(other, "");
    cr_assert_eq(write(greedy, "status 1\nstatus 2\nstatus 3\nstatus 1\nstatus 2\nstatus 3\n", 54), 54);
    uv_run(&loop, UV_RUN_NOWAIT);
    cr_assert_eq(tables, 1);
    cr_assert_eq(write(other, "hold\n", 5), 5);
    while (n < 0) {
        uv_run(&loop, UV_RUN_NOWAIT);
        n = read(other, got, sizeof(got) - 1);
    }
    cr_assert_lt(tables, 6);
    cr_assert_eq(n, (ssize_t)strlen("SUCCESS: hold=0\r\n"));
    while (tables < 6) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    cr_assert_str_eq(talk(greedy, ""), THREE_TABLES THREE_TABLES);
    close(greedy);
    close(other);
}

Test(mgmt, a_live_socket_is_refused)
{
    open_interface();
    struct mgmt *second = NULL;
    cr_assert_lt(mgmt_new(&(struct mgmt_open){.loop = &loop, .bus = bus, .config = &config, .host = &host,
                                              .title = "t"}, &second), 0);
    cr_assert_null(second);
    int fd = dial();
    cr_assert_str_eq(talk(fd, ""), GREETING);
    close(fd);
}
