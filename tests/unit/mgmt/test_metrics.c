/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "hooks/event.h"
#include "mgmt/metrics.h"

static struct metrics_handshakes handshakes;
static const struct metrics_count drops[] = {{"replay", 3}, {"no-route", 0}};
static const struct metrics_count states[] = {{"login", 1}, {"connected", 2}};
static struct event_bus *bus;
static unsigned reports;

static void report(void *arg, struct metrics_report *out)
{
    (void)arg;
    reports++;
    out->server = true;
    out->version = "9.9";
    out->handshakes = &handshakes;
    out->bus = bus;
    out->traffic = (struct metrics_traffic){.link_rx_bytes = 1000, .drops = drops, .drop_count = 2};
    out->client_states = states;
    out->client_state_count = 2;
    out->certificate_unix_s = 4102444800;
    out->worker_count = 1;
    out->workers[0].cpu_ns = 1500000000;
}

static void each_client(void *arg, metrics_client_fn fn, void *fn_arg)
{
    struct metrics_client c = {
        .common_name = "an\"na\\\n", .username = "\xff\xfe", .real_address = "192.0.2.1:5", .transport = "udp",
        .state = "connected", .virtual4 = "10.8.0.2", .virtual6 = "", .cipher = "AES-256-GCM", .software = "",
        .client_id = 7, .rx_bytes = 5, .tx_bytes = 6,
    };
    (void)arg;
    fn(fn_arg, &c);
    c.state = "login";
    c.client_id = 8;
    fn(fn_arg, &c);
}

static const struct metrics_source source = {.report = report, .each_client = each_client};

static void setup(void)
{
    handshakes = (struct metrics_handshakes){.started = 4};
    handshakes.failed[METRICS_FAILURE_LOGIN] = 2;
    histogram_add(&handshakes.duration, 40);
    histogram_add(&handshakes.duration, 99999);
    bus = event_bus_new();
    reports = 0;
}

static void teardown(void)
{
    event_bus_free(bus);
}

TestSuite(metrics, .init = setup, .fini = teardown);

static void expect(const char *text, const char *line)
{
    cr_assert_not_null(strstr(text, line), "'%s' is missing in:\n%s", line, text);
}

Test(metrics, text_has_totals_labels_and_cumulative_buckets)
{
    struct buf out = BUF_INIT(65536);
    cr_assert_eq(metrics_format_text(&source, false, &out), 0);
    const char *text = buf_str(&out);
    expect(text, "\nvpnd_link_receive_bytes_total 1000\n");
    expect(text, "\nvpnd_dropped_packets_total{reason=\"replay\"} 3\n");
    expect(text, "\nvpnd_clients{state=\"connected\"} 2\n");
    expect(text, "\nvpnd_handshake_failures_total{reason=\"login\"} 2\n");
    expect(text, "\nvpnd_handshake_duration_seconds_bucket{le=\"0.025\"} 0\n");
    expect(text, "\nvpnd_handshake_duration_seconds_bucket{le=\"0.05\"} 1\n");
    expect(text, "\nvpnd_handshake_duration_seconds_bucket{le=\"60\"} 1\n");
    expect(text, "\nvpnd_handshake_duration_seconds_bucket{le=\"+Inf\"} 2\n");
    expect(text, "\nvpnd_handshake_duration_seconds_count 2\n");
    expect(text, "\nvpnd_handshake_duration_seconds_sum 100.039\n");
    expect(text, "\nvpnd_worker_cpu_seconds_total{worker=\"0\"} 1.500\n");
    expect(text, "\nvpnd_certificate_expiry_timestamp_seconds 4102444800\n");
    cr_assert_null(strstr(text, "crl"), "a list that there is not has no date");
    cr_assert_null(strstr(text, "vpnd_client_"), "single clients only when asked for");
    buf_free(&out, false);
}

Test(metrics, clients_are_escaped_and_only_those_who_are_connected)
{
    struct buf out = BUF_INIT(65536);
    cr_assert_eq(metrics_format_text(&source, true, &out), 0);
    expect(buf_str(&out), "\nvpnd_client_receive_bytes_total{common_name=\"an\\\"na\\\\_\",");
    cr_assert_null(strstr(buf_str(&out), "client_id=\"8\""));
    buf_free(&out, false);
}

static enum event_vote refuse(void *arg, const struct event *event, struct event_request *request)
{
    (void)arg;
    (void)event;
    (void)request;
    return EVENT_REJECT;
}

Test(metrics, hooks_that_answered_are_measured)
{
    struct event_listener listener = {.name = "test", .handle = refuse};
    struct event event = {.type = EVENT_USER_PASS};
    struct buf out = BUF_INIT(65536);
    event_listen(bus, &listener);
    cr_assert_null(event_ask(bus, &event, &(struct event_asker){0}));
    cr_assert_eq(metrics_format_text(&source, false, &out), 0);
    expect(buf_str(&out), "\nvpnd_hook_duration_seconds_count{hook=\"auth-user-pass-verify\"} 1\n");
    expect(buf_str(&out), "\nvpnd_hook_rejections_total{hook=\"auth-user-pass-verify\"} 1\n");
    event_unlisten(bus, &listener);
    buf_free(&out, false);
}

Test(metrics, json_parses_whatever_a_peer_calls_itself)
{
    struct buf out = BUF_INIT(65536);
    json_error_t error;
    cr_assert_eq(metrics_format_json(&source, &out), 0);
    json_t *all = json_loads(buf_str(&out), 0, &error);
    cr_assert_not_null(all, "%s", error.text);
    json_t *clients = json_object_get(all, "clients");
    cr_assert_eq(json_array_size(clients), 2);
    json_t *first = json_array_get(clients, 0);
    cr_assert_str_eq(json_string_value(json_object_get(first, "common_name")), "an\"na\\\n");
    cr_assert_str_eq(json_string_value(json_object_get(first, "username")), "??");
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(all, "client_states"), "connected")), 2);
    json_decref(all);
    buf_free(&out, false);
}

Test(metrics, too_much_is_an_error_and_no_half_page)
{
    struct buf out = BUF_INIT(300);
    cr_assert_eq(metrics_format_text(&source, false, &out), ERR_LIMIT);
    buf_free(&out, false);
    out = BUF_INIT(300);
    cr_assert_eq(metrics_format_json(&source, &out), ERR_LIMIT);
    buf_free(&out, false);
}

/* ------------------------------------------------------------------ over HTTP */

static char path[64];

static int dial(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    return fd;
}

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
}

static const char *ask(uv_loop_t *loop, const char *request)
{
    static char got[65536];
    size_t have = 0;
    int fd = dial();
    cr_assert_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    for (int idle = 0; idle < 2000;) {
        uv_run(loop, UV_RUN_NOWAIT);
        ssize_t n = read(fd, got + have, sizeof(got) - 1 - have);
        if (n == 0) {
            break;
        }
        have += n > 0 ? (size_t)n : 0;
        if (n < 0) {
            idle++;
            usleep(1000);
        }
    }
    close(fd);
    got[have] = 0;
    return got;
}

Test(metrics, pages_methods_and_the_end_of_the_socket)
{
    uv_loop_t loop;
    struct metrics *metrics;
    struct metrics *second;
    snprintf(path, sizeof(path), "/tmp/vpnd-test-metrics-%d.sock", getpid());
    struct config_endpoint where = {.address = path, .is_unix = true};
    uv_timer_t alive; /* the endpoint alone does not keep a loop running */
    uv_loop_init(&loop);
    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_alive, 1000, 1000);
    cr_assert_eq(metrics_new(&loop, &where, &source, &metrics), 0);
    if (!metrics) {
        return; /* built without the library */
    }
    cr_assert_eq(metrics_new(&loop, &where, &source, &second), ERR_CONFIG, "a socket in use is left alone");
    expect(ask(&loop, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "vpnd_link_receive_bytes_total 1000");
    expect(ask(&loop, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200");
    cr_assert_eq(reports, 1, "the second one came from the cache");
    expect(ask(&loop, "GET /metrics?clients HTTP/1.1\r\nHost: x\r\n\r\n"), "vpnd_client_receive_bytes_total");
    expect(ask(&loop, "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"), "application/json");
    expect(ask(&loop, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 404");
    expect(ask(&loop, "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.1 405");
    (void)ask(&loop, "\x16\x03\x01 nonsense\r\n\r\n");
    expect(ask(&loop, "HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200");
    metrics_free(metrics);
    uv_close((uv_handle_t *)&alive, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_assert_neq(access(path, F_OK), 0);
}
