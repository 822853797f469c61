/* SPDX-License-Identifier: MIT */
#include "client/statistics.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/state.h"
#include "mgmt/status.h"

#define TEXT_MAX 8192

int statistics_format(const struct client *c, const char *eol, struct buf *out)
{
    struct dp_stats s = {0};
    if (c->dp) {
        dp_stats(c->dp, &s);
    }
    struct status_link link = {
        .now_unix = clock_read().unix_s,
        .device_read = s.device_rx_bytes,
        .device_write = s.device_tx_bytes,
        .link_read = s.link_rx_bytes,
        .link_write = s.link_tx_bytes,
        .auth_read = s.auth_rx_bytes,
    };
    return status_format_link(&link, eol, out);
}

static void write_file(struct client *c)
{
    if (c->status_file.fd < 0 || !c->dp) {
        return;
    }
    struct buf text = BUF_INIT(TEXT_MAX);
    int e = statistics_format(c, "\n", &text);
    if (!e) {
        e = status_file_write(&c->status_file, &text);
    }
    if (e) {
        log_warn("Cannot write the status file '%s': %s", c->config->status.path, err_str(e));
    }
    buf_free(&text, false);
}

static void timer(void *arg)
{
    write_file(arg);
}

void statistics_log(struct client *c)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    if (c->dp && statistics_format(c, "\n", &text) == 0) {
        char *at = (char *)text.data;
        char *line;
        while ((line = strsep(&at, "\n")) != NULL) {
            if (line[0]) {
                log_info("%s", line);
            }
        }
    }
    buf_free(&text, false);
    write_file(c);
}

int statistics_start(struct client *c)
{
    const struct config_status *status = &c->config->status;
    c->status_file.fd = -1;
    if (!status->path) {
        return 0;
    }
    int e = status_file_open(&c->status_file, status->path);
    if (e) {
        log_error("Cannot open the status file '%s': %s", status->path, err_str(e));
        return ERR_CONFIG;
    }
    if (status->seconds) {
        c->status_timer = loop_timer_new(c->loop, timer, c);
        loop_timer_every(c->status_timer, 1000u * (uint64_t)status->seconds);
    }
    write_file(c);
    return 0;
}

void statistics_stop(struct client *c)
{
    write_file(c);
    loop_timer_free(c->status_timer);
    c->status_timer = NULL;
    status_file_close(&c->status_file);
    c->status_file.fd = -1;
}
