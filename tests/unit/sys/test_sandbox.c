/* SPDX-License-Identifier: MIT */
#include "sys/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

struct outcome {
    int sandbox;
    int pair[2];
    bool moved_data;
    bool got_memory;
    int open_error;
    int socket_error;
    int fork_error;
    int exec_error;
};

static int failure(long r)
{
    return r < 0 ? errno : 0;
}

static void *confined(void *arg)
{
    struct outcome *outcome = arg;
    outcome->sandbox = sandbox_packet_thread();
    if (outcome->sandbox != 0) {
        return NULL;
    }
    char byte = 'x';
    outcome->moved_data = write(outcome->pair[0], &byte, 1) == 1 && recv(outcome->pair[1], &byte, 1, 0) == 1;
    void *memory = malloc(32u << 20);
    outcome->got_memory = memory != NULL;
    free(memory);
    outcome->open_error = failure(open("/etc/passwd", O_RDONLY));
    outcome->socket_error = failure(socket(AF_INET, SOCK_STREAM, 0));
    outcome->fork_error = failure(fork());
    outcome->exec_error = failure(execl("/bin/true", "true", NULL));
    return NULL;
}

Test(sandbox, packet_thread_moves_data_and_nothing_else)
{
    struct outcome outcome = {.sandbox = -1};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, outcome.pair), 0);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, confined, &outcome), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    if (outcome.sandbox == ERR_UNSUPPORTED) {
        cr_skip_test("no seccomp in this build or kernel");
    }
    cr_assert_eq(outcome.sandbox, 0);
    cr_expect(outcome.moved_data);
    cr_expect(outcome.got_memory);
    cr_expect_eq(outcome.open_error, EPERM);
    cr_expect_eq(outcome.socket_error, EPERM);
    cr_expect_eq(outcome.fork_error, EPERM);
    cr_expect_eq(outcome.exec_error, EPERM);
    /* The other threads of the process are as before. */
    int fd = open("/dev/null", O_RDONLY);
    cr_expect_geq(fd, 0);
    close(fd);
}
