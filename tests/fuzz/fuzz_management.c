/* SPDX-License-Identifier: MIT */

/* Commands of a client of the management interface, in client and server mode, with each kind of question open. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "fuzz.h"
#include "mgmt/mgmt.h"

#define ROUNDS_MAX 100000

static int host_status(void *arg, unsigned version, const char *eol, struct buf *out)
{
    (void)arg;
    return buf_printf(out, "TITLE%u%sEND%s", version, eol, eol);
}

static void host_signal(void *arg, int signo, const char *reason)
{
    (void)arg;
    FUZZ_REQUIRE(signo > 0 && reason);
}

static void host_load(void *arg, struct mgmt_load *out)
{
    (void)arg;
    *out = (struct mgmt_load){.clients = 1};
}

static unsigned host_kill_name(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'a';
}

static unsigned host_kill_address(void *arg, const union addr *address, enum mgmt_transport transport)
{
    (void)arg;
    (void)transport;
    return addr_port(address) & 1u;
}

static bool host_client_kill(void *arg, uint64_t client_id, const char *message)
{
    (void)arg;
    return client_id == 0 && (!message || message[0]);
}

static bool host_push_update(void *arg, uint64_t client_id, const char *options)
{
    (void)arg;
    return client_id == 0 && options[0];
}

static unsigned host_push_update_all(void *arg, const char *options)
{
    (void)arg;
    return options[0] != '\0';
}

static size_t host_remote_count(void *arg)
{
    (void)arg;
    return 2;
}

static bool host_remote_get(void *arg, size_t index, struct mgmt_remote *out)
{
    (void)arg;
    *out = (struct mgmt_remote){"vpn.example", "1194", "udp", true};
    return index < 2;
}

static bool host_remote_is_tcp(void *arg)
{
    (void)arg;
    return true;
}

static bool host_cr_response(void *arg, const char *base64)
{
    (void)arg;
    return base64[0] != '\0';
}

static void host_forget(void *arg)
{
    (void)arg;
}

static const char *host_auth_retry(void *arg, const char *mode)
{
    (void)arg;
    return mode && strcmp(mode, "interact") != 0 ? NULL : "interact";
}

static const struct mgmt_host server_host = {.status = host_status, .signal = host_signal, .load = host_load,
                                             .kill_name = host_kill_name, .kill_address = host_kill_address,
                                             .client_kill = host_client_kill, .push_update = host_push_update,
                                             .push_update_all = host_push_update_all};
static const struct mgmt_host client_host = {.status = host_status, .signal = host_signal, .load = host_load,
                                             .remote_count = host_remote_count, .remote_get = host_remote_get,
                                             .remote_is_tcp = host_remote_is_tcp, .cr_response = host_cr_response,
                                             .forget_passwords = host_forget, .auth_retry = host_auth_retry};

/* ------------------------------------------------------------------ answers */

static void released(void *arg)
{
    (void)arg;
}

static void got_credentials(void *arg, const struct mgmt_credentials *answer)
{
    (void)arg;
    FUZZ_REQUIRE(answer->username && answer->password);
}

static void got_remote(void *arg, const struct mgmt_remote_answer *answer)
{
    (void)arg;
    FUZZ_REQUIRE(answer->action != MGMT_REMOTE_SKIP || answer->skip > 0);
}

static void got_proxy(void *arg, const struct mgmt_proxy_answer *answer)
{
    (void)arg;
    FUZZ_REQUIRE(answer->kind == MGMT_PROXY_NONE || (answer->host && answer->port));
}

static void got_signature(void *arg, const void *signature, size_t len)
{
    (void)arg;
    FUZZ_REQUIRE((signature != NULL) == (len > 0));
}

static void got_certificate(void *arg, const char *pem)
{
    (void)arg;
    FUZZ_REQUIRE(pem);
}

static void ask(struct mgmt *m, unsigned which)
{
    static const struct mgmt_need need = {.type = "Auth", .username = true, .password = true};
    static const struct mgmt_remote remote = {"vpn.example", "1194", "udp", true};
    switch (which) {
    case 1:
        (void)mgmt_hold(m, 0, released, NULL);
        break;
    case 2:
        (void)mgmt_ask_credentials(m, &need, got_credentials, NULL);
        break;
    case 3:
        (void)mgmt_ask_remote(m, &remote, got_remote, NULL);
        break;
    case 4:
        (void)mgmt_ask_proxy(m, 1, true, "vpn.example", got_proxy, NULL);
        break;
    case 5:
        (void)mgmt_ask_signature(m, "RSA_PKCS1_PADDING", "data", 4, got_signature, NULL);
        break;
    case 6:
        (void)mgmt_ask_certificate(m, "hint", got_certificate, NULL);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ a client of the server that logs in */

struct login {
    struct event_bus *bus;
    struct event_request *request;
    bool accepted;
};

static void login_done(void *arg, const struct event_result *result)
{
    struct login *l = arg;
    l->request = NULL;
    l->accepted = result->accepted;
}

static bool login_pending(void *arg, unsigned timeout_s, const char *method, const char *extra)
{
    (void)arg;
    (void)method;
    FUZZ_REQUIRE(extra);
    return timeout_s < 1000;
}

static void login_begin(struct login *l, struct event_bus *bus)
{
    struct event event = {.type = EVENT_USER_PASS, .username = "anna", .password = "secret", .has_client = true,
                          .key_id = 1};
    struct event_asker asker = {.done = login_done, .pending = login_pending, .arg = l};
    *l = (struct login){.bus = bus};
    l->request = event_ask(bus, &event, &asker);
}

static void login_end(struct login *l)
{
    struct event event = {.type = EVENT_CLIENT_CONNECT, .has_client = true, .key_id = 1};
    if (l->request) {
        event_cancel(l->request);
    } else if (l->accepted) {
        struct event_asker asker = {.done = login_done, .arg = l};
        (void)event_ask(l->bus, &event, &asker);
        event.type = EVENT_CLIENT_ESTABLISHED;
        event_announce(l->bus, &event);
    }
    event.type = EVENT_CLIENT_DISCONNECT;
    event_announce(l->bus, &event);
}

/* ------------------------------------------------------------------ one conversation */

static int dial(const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    FUZZ_REQUIRE(fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
    return fd;
}

/* Say everything, hang up, and take the answers until the other end has hung up, too. */
static void converse(uv_loop_t *loop, int fd, const uint8_t *data, size_t size)
{
    static char answers[65536];
    FUZZ_REQUIRE(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
    (void)shutdown(fd, SHUT_WR);
    ssize_t n = -1;
    for (unsigned round = 0; n != 0; round++) {
        FUZZ_REQUIRE(round < ROUNDS_MAX);
        (void)uv_run(loop, UV_RUN_NOWAIT);
        n = recv(fd, answers, sizeof(answers), 0);
        if (n < 0 && errno == ECONNRESET) {
            break;
        }
    }
}

/* Commands may make the log talkative. */
static void silence(void)
{
    static FILE *nowhere;
    log_settings_set(&(struct log_settings){.verb = 0});
    if (!nowhere) {
        nowhere = fopen("/dev/null", "w");
        FUZZ_REQUIRE(nowhere);
        stdout = nowhere; /* the C library of GNU allows that; the descriptor stays for the driver's report */
    }
}

/* The first byte chooses the mode and the question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    char path[64];
    struct config config = {.management_log_cache = 5, .management_version = 5, .management_hold = true,
                            .management_query_passwords = true, .management_query_remote = true,
                            .management_query_proxy = true, .management_client_auth = data[0] & 8};
    (void)snprintf(path, sizeof(path), "/tmp/vpnd-fuzz-%d.sock", (int)getpid());
    config.management = (struct config_management){.address = path, .is_unix = true};
    silence();
    uv_loop_t loop;
    FUZZ_REQUIRE(uv_loop_init(&loop) == 0);
    struct event_bus *bus = event_bus_new();
    struct mgmt *mgmt = NULL;
    struct mgmt_open open = {.loop = &loop, .bus = bus, .config = &config, .title = "vpnd fuzz",
                             .host = data[0] & 8 ? &server_host : &client_host};
    FUZZ_REQUIRE(mgmt_new(&open, &mgmt) == 0 && mgmt);
    ask(mgmt, data[0] & 7);
    struct login login;
    login_begin(&login, bus);
    int fd = dial(path);
    converse(&loop, fd, data + 1, size - 1);
    login_end(&login);
    close(fd);
    mgmt_free(mgmt);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    FUZZ_REQUIRE(uv_loop_close(&loop) == 0);
    event_bus_free(bus);
    return 0;
}
