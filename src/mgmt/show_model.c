/* SPDX-License-Identifier: MIT */
#include "mgmt/show_model.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define TEXT_MAX 256
#define COLUMNS_MAX 16
#define DAYS_WARN 30
#define POOL_WARN_PERCENT 90

/* Names come from peers: no control characters, neither of ASCII nor those that UTF-8 hides (U+0080 to U+009F). */
static char *safe(const char *text)
{
    char *copy = mem_strndup(text ? text : "", text ? strnlen(text, TEXT_MAX) : 0);
    for (unsigned char *at = (unsigned char *)copy; *at; at++) {
        if (*at < 0x20 || *at == 0x7f) {
            *at = '?';
        } else if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
            at[0] = '?';
            at[1] = '?';
        }
    }
    return copy;
}

static void problem(struct show_snapshot *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(struct show_snapshot *s, const char *format, ...)
{
    if (s->problem_count < SHOW_PROBLEMS_MAX) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(s->problems[s->problem_count++], SHOW_PROBLEM_SIZE, format, args);
        va_end(args);
    }
}

/* ------------------------------------------------------------------ JSON */

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static char *text(const json_t *object, const char *name)
{
    return safe(json_string_value(json_object_get(object, name)));
}

static void read_client(const json_t *object, struct show_client *out)
{
    *out = (struct show_client){
        .id = number(object, "client_id"),
        .name = text(object, "common_name"),
        .username = text(object, "username"),
        .real = text(object, "real_address"),
        .virtual4 = text(object, "virtual_address"),
        .virtual6 = text(object, "virtual_ipv6_address"),
        .cipher = text(object, "cipher"),
        .state = text(object, "state"),
        .since_unix_s = number(object, "connected_since"),
        .rx_bytes = number(object, "bytes_received"),
        .tx_bytes = number(object, "bytes_sent"),
    };
}

static void read_clients(const json_t *array, struct show_snapshot *out)
{
    size_t n = json_array_size(array);
    out->clients = mem_array(n + 1, sizeof(*out->clients));
    for (size_t i = 0; i < n; i++) {
        read_client(json_array_get(array, i), &out->clients[i]);
        out->waiting += strcmp(out->clients[i].state, "connected") != 0;
    }
    out->client_count = n;
}

static void warn_expiry(struct show_snapshot *s, const json_t *object, const char *what)
{
    double days = json_number_value(json_object_get(object, "days_left"));
    if (!object || days >= DAYS_WARN) {
        return;
    }
    if (days < 0) {
        problem(s, "%s has expired", what);
    } else {
        problem(s, "%s expires in %d day%s", what, (int)days, (int)days == 1 ? "" : "s");
    }
}

static uint64_t sum(json_t *object)
{
    uint64_t all = 0;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        all += (uint64_t)json_integer_value(value);
    }
    return all;
}

int show_model_json(const char *json, struct show_snapshot *out)
{
    json_error_t error;
    json_t *all = json_loads(json, 0, &error);
    const char *mode = json_string_value(json_object_get(all, "mode"));
    *out = (struct show_snapshot){0};
    if (!mode) {
        json_decref(all);
        return ERR_FORMAT;
    }
    const json_t *traffic = json_object_get(all, "traffic");
    const json_t *pool = json_object_get(all, "pool");
    out->server = strcmp(mode, "server") == 0;
    out->version = text(all, "version");
    out->state = text(all, "state");
    out->remote = text(all, "remote");
    out->virtual4 = text(all, "virtual_address");
    out->virtual6 = text(all, "virtual_ipv6_address");
    out->time_unix_s = number(all, "time");
    out->started_unix_s = number(all, "started");
    out->rx_bytes = number(traffic, "link_receive_bytes");
    out->tx_bytes = number(traffic, "link_transmit_bytes");
    out->pool_size = number(pool, "addresses");
    out->pool_used = number(pool, "used");
    out->failures = sum(json_object_get(json_object_get(all, "handshakes"), "failed"));
    out->dropped = sum(json_object_get(traffic, "dropped_packets"));
    read_clients(json_object_get(all, "clients"), out);
    warn_expiry(out, json_object_get(all, "certificate"), "our certificate");
    warn_expiry(out, json_object_get(all, "crl"), "the certificate revocation list");
    if (out->pool_size && out->pool_used * 100 >= out->pool_size * POOL_WARN_PERCENT) {
        problem(out, "%" PRIu64 " of %" PRIu64 " addresses of the pool are in use", out->pool_used, out->pool_size);
    }
    json_decref(all);
    return 0;
}

/* ------------------------------------------------------------------ management */

/* Cut at @separator. Return: how many columns. */
static size_t cut(char *line, char separator, char *columns[COLUMNS_MAX])
{
    size_t n = 0;
    char *rest = line;
    char separators[2] = {separator, 0};
    while (rest && n < COLUMNS_MAX) {
        columns[n++] = strsep(&rest, separators);
    }
    for (size_t i = n; i < COLUMNS_MAX; i++) {
        columns[i] = line + strlen(line);
    }
    return n;
}

static void add_row(struct show_snapshot *out, char *const c[COLUMNS_MAX])
{
    if ((out->client_count & (out->client_count + 1)) == 0) { /* 0, 1, 3, 7, ... */
        size_t room = 2 * out->client_count + 1;
        struct show_client *more = mem_array(room, sizeof(*more));
        if (out->client_count) {
            memcpy(more, out->clients, out->client_count * sizeof(*more));
        }
        free(out->clients);
        out->clients = more;
    }
    out->clients[out->client_count++] = (struct show_client){
        .name = safe(c[1]),
        .real = safe(c[2]),
        .virtual4 = safe(c[3]),
        .virtual6 = safe(c[4]),
        .rx_bytes = strtoull(c[5], NULL, 10),
        .tx_bytes = strtoull(c[6], NULL, 10),
        .since_unix_s = strtoull(c[8], NULL, 10),
        .username = safe(strcmp(c[9], "UNDEF") == 0 ? "" : c[9]),
        .id = strtoull(c[10], NULL, 10),
        .cipher = safe(c[12]),
        .state = mem_strdup("connected"),
    };
}

static void replace(char **field, const char *value)
{
    free(*field);
    *field = safe(value);
}

static void read_state(struct show_snapshot *out, char *line)
{
    char *c[COLUMNS_MAX];
    if (cut(line, ',', c) < 8 || *c[0] < '0' || *c[0] > '9') {
        return;
    }
    replace(&out->state, c[1]);
    replace(&out->virtual4, c[3]);
    replace(&out->virtual6, c[8]);
    char *remote = *c[4] ? mem_printf("%s:%s", c[4], c[5]) : mem_strdup("");
    replace(&out->remote, remote);
    free(remote);
}

static void read_line(struct show_snapshot *out, char *line, bool *known)
{
    char *c[COLUMNS_MAX];
    static const char version[] = "OpenVPN Version: ";
    if (strncmp(line, version, sizeof(version) - 1) == 0) {
        char *name = mem_strndup(line + sizeof(version) - 1, strcspn(line + sizeof(version) - 1, " ") + 1);
        const char *number = line + sizeof(version) - 2 + strlen(name) + 1;
        char *short_version = mem_strndup(number, strcspn(number, " "));
        replace(&out->version, short_version);
        free(short_version);
        free(name);
    } else if (strncmp(line, "TIME\t", 5) == 0) {
        cut(line, '\t', c);
        out->time_unix_s = strtoull(c[2], NULL, 10);
        out->server = true;
        *known = true;
    } else if (strncmp(line, "CLIENT_LIST\t", 12) == 0) {
        cut(line, '\t', c);
        add_row(out, c);
    } else if (strncmp(line, "SUCCESS: nclients=", 18) == 0) {
        (void)sscanf(line, "SUCCESS: nclients=%*u,bytesin=%" SCNu64 ",bytesout=%" SCNu64, &out->rx_bytes,
                     &out->tx_bytes);
    } else if (strncmp(line, "OpenVPN STATISTICS", 18) == 0) {
        *known = true;
    } else {
        read_state(out, line);
    }
}

int show_model_management(const char *answers, struct show_snapshot *out)
{
    bool known = false;
    char *copy = mem_strdup(answers);
    char *rest = copy;
    *out = (struct show_snapshot){0};
    replace(&out->version, "");
    replace(&out->state, "");
    replace(&out->remote, "");
    replace(&out->virtual4, "");
    replace(&out->virtual6, "");
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        line[strcspn(line, "\r")] = '\0';
        if (*line && *line != '>') {
            read_line(out, line, &known);
        }
    }
    free(copy);
    return known ? 0 : ERR_FORMAT;
}

/* ------------------------------------------------------------------ two looks */

static uint64_t rate(uint64_t now, uint64_t before, uint64_t ms)
{
    return ms && now > before ? (now - before) * 1000 / ms : 0;
}

static const struct show_client *find(const struct show_snapshot *s, uint64_t id, size_t guess)
{
    if (guess < s->client_count && s->clients[guess].id == id) {
        return &s->clients[guess];
    }
    for (size_t i = 0; i < s->client_count; i++) {
        if (s->clients[i].id == id) {
            return &s->clients[i];
        }
    }
    return NULL;
}

void show_model_compare(struct show_snapshot *now, const struct show_snapshot *earlier)
{
    uint64_t ms = now->mono_ms - earlier->mono_ms;
    size_t at = 0;
    now->rx_rate = rate(now->rx_bytes, earlier->rx_bytes, ms);
    now->tx_rate = rate(now->tx_bytes, earlier->tx_bytes, ms);
    for (size_t i = 0; i < now->client_count; i++) {
        struct show_client *c = &now->clients[i];
        const struct show_client *old = find(earlier, c->id, at);
        if (old) {
            at = (size_t)(old - earlier->clients) + 1; /* both lists have the same order */
            c->rx_rate = rate(c->rx_bytes, old->rx_bytes, ms);
            c->tx_rate = rate(c->tx_bytes, old->tx_bytes, ms);
        }
    }
    if (now->failures > earlier->failures) {
        uint64_t n = now->failures - earlier->failures;
        const char *plural = n == 1 ? "" : "s";
        problem(now, "%" PRIu64 " handshake%s or login%s failed in the last %" PRIu64 " s", n, plural, plural,
                (ms + 500) / 1000);
    }
    if (now->dropped > earlier->dropped) {
        problem(now, "%" PRIu64 " packet%s dropped in the last %" PRIu64 " s", now->dropped - earlier->dropped,
                now->dropped - earlier->dropped == 1 ? " was" : "s were", (ms + 500) / 1000);
    }
}

void show_model_free(struct show_snapshot *s)
{
    for (size_t i = 0; i < s->client_count; i++) {
        struct show_client *c = &s->clients[i];
        char *texts[] = {c->name, c->username, c->real, c->virtual4, c->virtual6, c->cipher, c->state};
        for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
            free(texts[j]);
        }
    }
    free(s->clients);
    free(s->version);
    free(s->state);
    free(s->remote);
    free(s->virtual4);
    free(s->virtual6);
    *s = (struct show_snapshot){0};
}
