/* SPDX-License-Identifier: MIT */
#include "server/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "dp/dp.h"
#include "mgmt/status.h"
#include "node/loop.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/real_address.h"
#include "server/routing.h"
#include "server/server.h"
#include "server/status_writer.h"

#define STATUS_TEXT_MAX (64u * 1024 * 1024)

struct status {
    struct server *server;
    struct status_writer *writer;
    struct loop_timer *timer;
};

/* Texts of one row, kept until the whole status is composed. */
struct row_texts {
    char real[REAL_ADDRESS_MAX];
    char virtual4[ADDR_TEXT_MAX];
    char virtual6[ADDR_TEXT_MAX];
};

struct route_rows {
    struct server *server;
    struct status_route *rows;
    struct row_texts *texts;
    size_t count;
    size_t cap;
};

static void fill_client(const struct instance *instance, struct status_client *row, struct row_texts *texts)
{
    uint64_t in;
    uint64_t out;
    const struct instance_addresses *a = &instance->addresses;
    bool placed = instance->state == INSTANCE_CONNECTED;
    instance_traffic(instance, &in, &out);
    real_address_status(instance, texts->real);
    texts->virtual4[0] = '\0';
    texts->virtual6[0] = '\0';
    if (placed && a->local4.family) {
        ip_format(&a->local4, texts->virtual4);
    }
    if (placed && a->local6.family) {
        ip_format(&a->local6, texts->virtual6);
    }
    *row = (struct status_client){
        .common_name = instance->cn,
        .real_address = texts->real,
        .virtual4 = texts->virtual4,
        .virtual6 = texts->virtual6,
        .bytes_received = in,
        .bytes_sent = out,
        .since_unix = instance->connected_unix_s,
        .username = instance->username,
        .client_id = instance->entry.client_id,
        .peer_id = instance->entry.id,
        .cipher = instance->negotiated.outcome.cipher,
    };
}

static void add_route(const struct dp_route_info *info, void *arg)
{
    struct route_rows *all = arg;
    struct instance_entry *entry = instances_by_id(&all->server->instances, info->peer);
    if (!entry || all->count == all->cap) {
        return;
    }
    const struct instance *instance = instance_of(entry);
    struct row_texts *texts = &all->texts[all->count];
    routing_format(&info->route, texts->virtual4);
    real_address_status(instance, texts->real);
    all->rows[all->count++] = (struct status_route){
        .virtual_address = texts->virtual4,
        .common_name = instance->cn,
        .real_address = texts->real,
        .last_ref_unix = info->last_used_unix_s ? info->last_used_unix_s : instance->connected_unix_s,
    };
}

static void count_route(const struct dp_route_info *info, void *arg)
{
    (void)info;
    (*(size_t *)arg)++;
}

int status_format(struct server *server, unsigned version, const char *eol, struct buf *out)
{
    size_t clients = server->instances.count;
    size_t routes = 0;
    size_t n = 0;
    struct dp_stats totals;
    dp_route_each(server->dp, count_route, &routes);
    struct status_client *rows = mem_array(clients + 1, sizeof(*rows));
    struct row_texts *texts = mem_array(clients + 1, sizeof(*texts));
    struct route_rows all = {
        .server = server,
        .rows = mem_array(routes + 1, sizeof(struct status_route)),
        .texts = mem_array(routes + 1, sizeof(struct row_texts)),
        .cap = routes,
    };
    list_for (at, next, &server->instances.all) {
        const struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        bool refused = instance->state == INSTANCE_LEAVING && !instance->has_peer; /* lingers unseen */
        if (instance->state != INSTANCE_GONE && !refused) {
            fill_client(instance, &rows[n], &texts[n]);
            n++;
        }
    }
    dp_route_each(server->dp, add_route, &all);
    dp_stats(server->dp, &totals);
    struct status_server status = {
        .title = server->source && server->source->title ? server->source->title : "vpnd " VERSION,
        .now_unix = clock_read().unix_s,
        .clients = rows,
        .client_count = n,
        .routes = all.rows,
        .route_count = all.count,
        .bcast_queue_max = totals.bcast_queue_max,
    };
    int rc = status_format_server(&status, version, eol, out);
    free(rows);
    free(texts);
    free(all.rows);
    free(all.texts);
    return rc;
}

static void log_failure(const struct status *status, int rc)
{
    log_error("status: cannot write %s: %s", status->server->config->status.path, err_str(rc));
}

static int format_file(const struct status *status, struct buf *text)
{
    *text = (struct buf)BUF_INIT(STATUS_TEXT_MAX);
    return status_format(status->server, status->server->config->status_version, "\n", text);
}

static void on_period(void *arg)
{
    struct status *status = arg;
    struct buf text;
    if (status_writer_busy(status->writer)) {
        return; /* a disk that is slower than the period gets the newest text it can take */
    }
    int rc = format_file(status, &text);
    if (rc == 0) {
        status_writer_write(status->writer, &text);
    } else {
        log_failure(status, rc);
    }
    buf_free(&text, false);
}

int status_new(struct server *server, struct status **out)
{
    const struct config_status *want = &server->config->status;
    *out = NULL;
    if (!want->path) {
        return 0;
    }
    struct status *status = mem_zalloc(sizeof(*status));
    status->server = server;
    int rc = status_writer_new(server->loop, want->path, &status->writer);
    if (rc < 0) {
        log_fatal("Options error: status %s: cannot be written: %s", want->path, err_str(rc));
        free(status);
        return rc;
    }
    *out = status;
    return 0;
}

void status_free(struct status *status)
{
    if (status) {
        loop_timer_free(status->timer);
        status_writer_free(status->writer);
        free(status);
    }
}

void status_start(struct status *status)
{
    if (status && status->server->config->status.seconds) {
        status->timer = loop_timer_new(status->server->loop, on_period, status);
        on_period(status);
        loop_timer_every(status->timer, 1000ULL * status->server->config->status.seconds);
    }
}

void status_stop(struct status *status)
{
    if (status && status->timer) {
        struct buf text;
        loop_timer_stop(status->timer);
        int rc = format_file(status, &text);
        if (rc == 0) {
            rc = status_writer_finish(status->writer, &text);
        }
        if (rc < 0) {
            log_failure(status, rc);
        }
        buf_free(&text, false);
    }
}

void status_log(struct server *server)
{
    struct buf text = BUF_INIT(STATUS_TEXT_MAX);
    struct dp_stats totals;
    if (status_format(server, server->config->status_version, "\n", &text) == 0) {
        char *rest = text.len ? (char *)text.data : NULL;
        for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
            log_info("%s", line);
        }
    }
    buf_free(&text, false);
    dp_stats(server->dp, &totals);
    for (int i = 0; i < DP_DROP_COUNT; i++) {
        if (totals.drops[i]) {
            log_info("dropped packets: %s %" PRIu64, dp_drop_name((enum dp_drop)i), totals.drops[i]);
        }
    }
}
