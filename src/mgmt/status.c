/* SPDX-License-Identifier: MIT */
#include "mgmt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELL_MAX 512

/* A row under construction: cells with a separator between them. */
struct row {
    struct buf *out;
    char separator;
    const char *eol;
    bool first;
    int err;
};

static struct row row_begin(struct buf *out, char separator, const char *eol)
{
    return (struct row){.out = out, .separator = separator, .eol = eol, .first = true};
}

static void cell(struct row *row, const char *text)
{
    char clean[CELL_MAX];
    size_t n = 0;
    for (const char *p = text ? text : ""; *p && n < sizeof(clean) - 1; p++) {
        unsigned char c = (unsigned char)*p;
        clean[n++] = c < 0x20 || c == 0x7f || *p == row->separator ? '_' : *p;
    }
    clean[n] = 0;
    if (row->err == 0 && !row->first) {
        row->err = buf_append(row->out, &row->separator, 1);
    }
    row->first = false;
    if (row->err == 0) {
        row->err = buf_append(row->out, clean, n);
    }
}

static void cell_u64(struct row *row, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    cell(row, text);
}

static void cell_time(struct row *row, uint64_t unix_s)
{
    char text[32];
    cell(row, status_time(unix_s, text));
}

static void cell_name(struct row *row, const char *name)
{
    cell(row, name && *name ? name : "UNDEF");
}

static int row_end(struct row *row)
{
    return row->err ? row->err : buf_append(row->out, row->eol, strlen(row->eol));
}

const char *status_time(uint64_t unix_s, char out[32])
{
    time_t t = (time_t)unix_s;
    struct tm local;
    localtime_r(&t, &local);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local);
    return out;
}

static void cell_address(struct row *row, const struct status_route *route)
{
    char text[CELL_MAX];
    snprintf(text, sizeof(text), "%s%s", route->virtual_address, route->cached ? "C" : "");
    cell(row, text);
}

static int fixed(struct buf *out, const char *eol, const char *text)
{
    return buf_printf(out, "%s%s", text, eol);
}

static int format_v1(const struct status_server *s, const char *eol, struct buf *out)
{
    char when[32];
    int err = buf_printf(out, "OpenVPN CLIENT LIST%sUpdated,%s%s", eol, status_time(s->now_unix, when), eol);
    err = err ? err : fixed(out, eol, "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since");
    for (size_t i = 0; i < s->client_count && !err; i++) {
        const struct status_client *c = &s->clients[i];
        struct row row = row_begin(out, ',', eol);
        cell_name(&row, c->common_name);
        cell(&row, c->real_address);
        cell_u64(&row, c->bytes_received);
        cell_u64(&row, c->bytes_sent);
        cell_time(&row, c->since_unix);
        err = row_end(&row);
    }
    err = err ? err : buf_printf(out, "ROUTING TABLE%sVirtual Address,Common Name,Real Address,Last Ref%s", eol, eol);
    for (size_t i = 0; i < s->route_count && !err; i++) {
        struct row row = row_begin(out, ',', eol);
        cell_address(&row, &s->routes[i]);
        cell_name(&row, s->routes[i].common_name);
        cell(&row, s->routes[i].real_address);
        cell_time(&row, s->routes[i].last_ref_unix);
        err = row_end(&row);
    }
    return err ? err : buf_printf(out, "GLOBAL STATS%sMax bcast/mcast queue length,%" PRIu64 "%sEND%s", eol,
                                  s->bcast_queue_max, eol, eol);
}

/* Header and other fixed rows are written with commas here and get the version's separator. */
static int columns(struct buf *out, char separator, const char *eol, const char *text)
{
    struct row row = row_begin(out, separator, eol);
    while (text) {
        char one[64];
        const char *comma = strchr(text, ',');
        size_t n = comma ? (size_t)(comma - text) : strlen(text);
        snprintf(one, sizeof(one), "%.*s", (int)n, text);
        cell(&row, one);
        text = comma ? comma + 1 : NULL;
    }
    return row_end(&row);
}

static int client_rows(const struct status_server *s, char separator, const char *eol, struct buf *out)
{
    int err = columns(out, separator, eol,
                      "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,"
                      "Bytes Received,Bytes Sent,Connected Since,Connected Since (time_t),Username,Client ID,"
                      "Peer ID,Data Channel Cipher");
    for (size_t i = 0; i < s->client_count && !err; i++) {
        const struct status_client *c = &s->clients[i];
        struct row row = row_begin(out, separator, eol);
        cell(&row, "CLIENT_LIST");
        cell_name(&row, c->common_name);
        cell(&row, c->real_address);
        cell(&row, c->virtual4);
        cell(&row, c->virtual6);
        cell_u64(&row, c->bytes_received);
        cell_u64(&row, c->bytes_sent);
        cell_time(&row, c->since_unix);
        cell_u64(&row, c->since_unix);
        cell_name(&row, c->username);
        cell_u64(&row, c->client_id);
        cell_u64(&row, c->peer_id);
        cell(&row, c->cipher);
        err = row_end(&row);
    }
    return err;
}

static int route_rows(const struct status_server *s, char separator, const char *eol, struct buf *out)
{
    int err = columns(out, separator, eol,
                      "HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)");
    for (size_t i = 0; i < s->route_count && !err; i++) {
        struct row row = row_begin(out, separator, eol);
        cell(&row, "ROUTING_TABLE");
        cell_address(&row, &s->routes[i]);
        cell_name(&row, s->routes[i].common_name);
        cell(&row, s->routes[i].real_address);
        cell_time(&row, s->routes[i].last_ref_unix);
        cell_u64(&row, s->routes[i].last_ref_unix);
        err = row_end(&row);
    }
    return err;
}

static int format_columns(const struct status_server *s, char separator, const char *eol, struct buf *out)
{
    struct row row = row_begin(out, separator, eol);
    cell(&row, "TITLE");
    cell(&row, s->title);
    int err = row_end(&row);
    row = row_begin(out, separator, eol);
    cell(&row, "TIME");
    cell_time(&row, s->now_unix);
    cell_u64(&row, s->now_unix);
    err = err ? err : row_end(&row);
    err = err ? err : client_rows(s, separator, eol, out);
    err = err ? err : route_rows(s, separator, eol, out);
    row = row_begin(out, separator, eol);
    cell(&row, "GLOBAL_STATS");
    cell(&row, "Max bcast/mcast queue length");
    cell_u64(&row, s->bcast_queue_max);
    err = err ? err : row_end(&row);
    err = err ? err : columns(out, separator, eol, "GLOBAL_STATS,dco_enabled,0");
    return err ? err : fixed(out, eol, "END");
}

int status_format_server(const struct status_server *status, unsigned version, const char *eol, struct buf *out)
{
    if (version == 1) {
        return format_v1(status, eol, out);
    }
    return format_columns(status, version == 3 ? '\t' : ',', eol, out);
}

int status_format_link(const struct status_link *status, const char *eol, struct buf *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"TUN/TAP read bytes", status->device_read},      {"TUN/TAP write bytes", status->device_write},
        {"TCP/UDP read bytes", status->link_read},        {"TCP/UDP write bytes", status->link_write},
        {"Auth read bytes", status->auth_read},           {"pre-compress bytes", status->pre_compress},
        {"post-compress bytes", status->post_compress},   {"pre-decompress bytes", status->pre_decompress},
        {"post-decompress bytes", status->post_decompress},
    };
    size_t count = status->compression ? sizeof(rows) / sizeof(rows[0]) : 5;
    char when[32];
    int err = buf_printf(out, "OpenVPN STATISTICS%sUpdated,%s%s", eol, status_time(status->now_unix, when), eol);
    for (size_t i = 0; i < count && !err; i++) {
        err = buf_printf(out, "%s,%" PRIu64 "%s", rows[i].name, rows[i].value, eol);
    }
    return err ? err : fixed(out, eol, "END");
}

int status_file_open(struct status_file *file, const char *path)
{
    file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return file->fd < 0 ? -errno : 0;
}

int status_file_write(struct status_file *file, const struct buf *text)
{
    if (file->fd < 0) {
        return -EBADF;
    }
    size_t done = 0;
    while (done < text->len) {
        ssize_t n = pwrite(file->fd, text->data + done, text->len - done, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        done += (size_t)n;
    }
    return ftruncate(file->fd, (off_t)done) < 0 ? -errno : 0;
}

void status_file_close(struct status_file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
}
