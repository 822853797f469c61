/* SPDX-License-Identifier: MIT */
#include "node/dns_helper.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"

/* Whoever takes over the process without privileges can talk to the helper: it must do nothing else than set and
 * take back valid settings. In a mount namespace, so that the host's own files are out of reach. */
struct world {
    char etc[64];
    char state[96];
    int socket;
    pid_t pid;
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

static char *read_text(const char *path)
{
    char *text = mem_zalloc(4096);
    FILE *file = fopen(path, "r");
    if (file) {
        (void)!fread(text, 1, 4095, file);
        fclose(file);
    }
    return text;
}

static void expect_text(const char *path, const char *expected)
{
    char *text = read_text(path);
    cr_expect_str_eq(text, expected);
    free(text);
}

static void begin(struct world *world)
{
    strcpy(world->etc, "/tmp/vpnd-dns-XXXXXX");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        cr_skip_test("needs root (CAP_SYS_ADMIN) for a mount namespace");
    }
    cr_assert(mkdtemp(world->etc));
    chmod(world->etc, 0755);
    (void)snprintf(world->state, sizeof(world->state), "%s.state", world->etc);
    cr_assert_eq(mount(world->etc, "/etc", NULL, MS_BIND, NULL), 0);
    write_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
}

static struct dns_answer answer_to(struct world *world, const void *request, size_t len)
{
    struct dns_answer answer = {.kind = 99};
    cr_assert_eq(send(world->socket, request, len, 0), (ssize_t)len);
    cr_assert_eq(recv(world->socket, &answer, sizeof(answer), 0), (ssize_t)sizeof(answer));
    return answer;
}

static void spawn(struct world *world)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int size = 1 << 20;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    world->pid = fork();
    if (world->pid == 0) {
        dns_helper_run(pair[1]);
    }
    close(pair[1]);
    world->socket = pair[0];
    struct dns_request *request = mem_zalloc(sizeof(*request));
    request->kind = DNS_REQUEST_STATE;
    strcpy(request->path, world->state);
    cr_assert_eq(answer_to(world, request, sizeof(*request)).result, 0);
    /* Only once. */
    strcpy(request->path, "/etc/another");
    cr_expect_eq(answer_to(world, request, sizeof(*request)).result, -EINVAL);
    cr_expect_neq(access("/etc/another", F_OK), 0);
    free(request);
}

static void leave(const struct world *world)
{
    char command[256];
    (void)umount2("/etc", MNT_DETACH);
    (void)snprintf(command, sizeof(command), "rm -rf %s %s*", world->etc, world->state);
    cr_expect_eq(system(command), 0);
}

static void end(struct world *world)
{
    shutdown(world->socket, SHUT_WR);
    int status = -1;
    cr_expect_eq(waitpid(world->pid, &status, 0), world->pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_neq(access(world->state, F_OK), 0);
    close(world->socket);
    leave(world);
}

static struct dns_request *valid(void)
{
    struct dns_request *request = mem_zalloc(sizeof(*request));
    request->kind = DNS_REQUEST_APPLY;
    strcpy(request->settings.device, "tun0");
    request->settings.server_count = 1;
    request->settings.servers[0].address_count = 1;
    cr_assert_eq(ip_parse("10.8.0.1", &request->settings.servers[0].addresses[0].ip), 0);
    return request;
}

Test(dns_helper, nonsense_changes_nothing)
{
    struct world world = {.socket = -1};
    begin(&world);
    spawn(&world);
    struct dns_request *request = mem_zalloc(sizeof(*request));
    struct stat before;
    cr_assert_eq(stat("/etc/resolv.conf", &before), 0);
    /* Lengths that are no request are not even answered; the next request is. */
    for (size_t len = 1; len < 200; len += 37) {
        cr_assert_eq(send(world.socket, request, len, 0), (ssize_t)len);
    }
    for (unsigned i = 0; i < 50; i++) {
        rand_fill(rand_system(), (uint8_t *)request, sizeof(*request));
        request->kind = DNS_REQUEST_APPLY;
        cr_expect_eq(answer_to(&world, request, sizeof(*request)).result, -EINVAL);
    }
    free(request);
    request = valid();
    strcpy(request->settings.device, "../../tmp/x");
    cr_expect_eq(answer_to(&world, request, sizeof(*request)).result, -EINVAL);
    strcpy(request->settings.device, "tun0");
    request->settings.search.count = 1;
    strcpy(request->settings.search.names[0], "x\nnameserver 6.6.6.6");
    cr_expect_eq(answer_to(&world, request, sizeof(*request)).result, -EINVAL);
    request->kind = 77; /* an unknown kind takes back what is in force: nothing */
    cr_expect_eq(answer_to(&world, request, sizeof(*request)).result, 0);
    free(request);
    struct stat after;
    cr_assert_eq(stat("/etc/resolv.conf", &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    expect_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    end(&world);
}

Test(dns_helper, sets_and_takes_back)
{
    struct world world = {.socket = -1};
    begin(&world);
    spawn(&world);
    struct dns_request *request = valid();
    struct dns_answer answer = answer_to(&world, request, sizeof(*request));
    cr_expect_eq(answer.result, 0, "%s", answer.text);
    char *text = read_text("/etc/resolv.conf");
    cr_expect(strstr(text, "nameserver 10.8.0.1\n"), "%s", text);
    cr_expect_not(strstr(text, "192.0.2.53"));
    free(text);
    /* Once more, other servers: the original is still the host's. */
    cr_assert_eq(ip_parse("10.8.0.2", &request->settings.servers[0].addresses[0].ip), 0);
    answer = answer_to(&world, request, sizeof(*request));
    cr_expect_eq(answer.result, 0, "%s", answer.text);
    request->kind = DNS_REQUEST_REVERT;
    answer = answer_to(&world, request, sizeof(*request));
    cr_expect_eq(answer.result, 0);
    cr_expect_str_eq(answer.text, "");
    expect_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    free(request);
    end(&world);
}

Test(dns_helper, two_tunnels_end_in_either_order)
{
    struct world world = {.socket = -1};
    begin(&world);
    for (unsigned first = 0; first < 2; first++) {
        struct world tunnels[2] = {world, world};
        for (unsigned i = 0; i < 2; i++) {
            (void)snprintf(tunnels[i].state, sizeof(tunnels[i].state), "%s.%u", world.etc, i);
            spawn(&tunnels[i]);
            struct dns_request *request = valid();
            (void)snprintf(request->settings.device, sizeof(request->settings.device), "tun%u", i);
            request->settings.servers[0].addresses[0].ip.bytes[3] = (uint8_t)(i + 1);
            cr_expect_eq(answer_to(&tunnels[i], request, sizeof(*request)).result, 0);
            free(request);
        }
        struct dns_request revert = {.kind = DNS_REQUEST_REVERT};
        (void)answer_to(&tunnels[first], &revert, sizeof(revert));
        char *text = read_text("/etc/resolv.conf");
        cr_expect(strstr(text, first == 0 ? "10.8.0.2" : "10.8.0.1"), "%u: %s", first, text);
        free(text);
        (void)answer_to(&tunnels[!first], &revert, sizeof(revert));
        expect_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
        for (unsigned i = 0; i < 2; i++) {
            shutdown(tunnels[i].socket, SHUT_WR);
            (void)waitpid(tunnels[i].pid, NULL, 0);
            close(tunnels[i].socket);
        }
    }
    leave(&world);
}

Test(dns_helper, next_run_takes_back_what_a_killed_one_left)
{
    struct world world = {.socket = -1};
    begin(&world);
    spawn(&world);
    struct dns_request *request = valid();
    cr_expect_eq(answer_to(&world, request, sizeof(*request)).result, 0);
    free(request);
    kill(world.pid, SIGKILL);
    (void)waitpid(world.pid, NULL, 0);
    close(world.socket);
    int state = dns_state_open(world.state);
    cr_assert_geq(state, 0);
    char text[DNS_ANSWER_TEXT];
    dns_state_recover(state, text);
    cr_expect_str_eq(text, "the settings of an earlier run were taken back");
    expect_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    dns_state_recover(state, text);
    cr_expect_str_eq(text, "");
    close(state);
    leave(&world);
}

Test(dns_helper, notes_that_were_tampered_with_touch_no_other_file)
{
    struct world world = {.socket = -1};
    begin(&world);
    write_text("/etc/shadow", "secret\n");
    static const char *const notes[] = {"file link /etc/shadow\n", "file place /etc/shadow\nevil\n", "file new /etc/shadow\n",
                                        "file link /etc/resolv.conf.vpnd-x/../shadow\n", "file\n", "nonsense x\n",
                                        "resolvconf ../../x\n", "\n", "file link"};
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        write_text(world.state, notes[i]);
        int state = dns_state_open(world.state);
        char text[DNS_ANSWER_TEXT];
        dns_state_recover(state, text);
        close(state);
        expect_text("/etc/shadow", "secret\n");
        expect_text("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    }
    leave(&world);
}
