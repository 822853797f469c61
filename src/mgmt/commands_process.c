/* SPDX-License-Identifier: MIT */
#include "mgmt/commands.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define STATUS_MAX (16 * 1024 * 1024)
#define TEST_LINES_MAX 40000 /* about as much as may be unsent */
#define BYTECOUNT_MAX_S 86400
#define VERB_MAX 15
#define MUTE_MAX 1000000

/* ------------------------------------------------------------------ histories: log, state, echo */

struct realtime {
    const char *name;
    bool *flag;
    const struct history *history;
};

static void print_history(struct mgmt_connection *c, const struct history *history, size_t last)
{
    size_t from = last < history->count ? history->count - last : 0;
    for (size_t i = from; i < history->count; i++) {
        connection_printf(c, "%s\r\n", history_get(history, i));
    }
    connection_printf(c, "END\r\n");
}

/* "on all": switch, then print, as one action. */
static void run_realtime(struct mgmt_connection *c, const struct token_line *words, const struct realtime *r)
{
    for (size_t i = 1; i < words->count && i <= 2; i++) {
        const char *w = words->text[i];
        if (strcmp(w, "on") == 0 || strcmp(w, "off") == 0) {
            *r->flag = strcmp(w, "on") == 0;
            connection_printf(c, "SUCCESS: real-time %s notification set to %s\r\n", r->name, *r->flag ? "ON" : "OFF");
        } else if (strcmp(w, "all") == 0) {
            print_history(c, r->history, SIZE_MAX);
        } else if (command_loose_number(w) > 0) {
            print_history(c, r->history, (size_t)command_loose_number(w));
        } else {
            connection_printf(c, "ERROR: %s parameter must be 'on' or 'off' or some number n or 'all'\r\n", r->name);
            return;
        }
    }
}

void cmd_log(struct mgmt_connection *c, const struct token_line *words)
{
    run_realtime(c, words, &(struct realtime){"log", &c->log_on, &c->mgmt->log});
}

void cmd_echo(struct mgmt_connection *c, const struct token_line *words)
{
    run_realtime(c, words, &(struct realtime){"echo", &c->echo_on, &c->mgmt->echo});
}

void cmd_state(struct mgmt_connection *c, const struct token_line *words)
{
    if (words->count == 1) {
        print_history(c, &c->mgmt->state, 1);
        return;
    }
    run_realtime(c, words, &(struct realtime){"state", &c->state_on, &c->mgmt->state});
}

/* ------------------------------------------------------------------ the process */

void cmd_version(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n;
    if (words->count == 1) {
        connection_printf(c, "OpenVPN Version: %s\r\nManagement Version: %u\r\nEND\r\n", c->mgmt->title, c->version);
        return;
    }
    if (!command_number(words->text[1], 100, &n)) {
        return;
    }
    c->mgmt->client_version = (unsigned)n;
    if (n >= MGMT_VERSION_LAST) {
        c->version = MGMT_VERSION_LAST;
    }
    if (c->version >= 6 && n >= 4) {
        connection_printf(c, "SUCCESS: Management client version set to %u\r\n", c->mgmt->client_version);
    }
}

void cmd_pid(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "SUCCESS: pid=%ld\r\n", (long)getpid());
}

void cmd_hold(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    const char *w = command_word(words, 1);
    if (!w) {
        connection_printf(c, "SUCCESS: hold=%d\r\n", m->hold);
    } else if (strcmp(w, "on") == 0 || strcmp(w, "off") == 0) {
        m->hold = strcmp(w, "on") == 0;
        connection_printf(c, "SUCCESS: hold flag set to %s\r\n", m->hold ? "ON" : "OFF");
    } else if (strcmp(w, "release") == 0) {
        connection_printf(c, "SUCCESS: hold release succeeded\r\n");
        (void)query_answer_hold(m);
    } else {
        connection_printf(c, "ERROR: bad hold command parameter\r\n");
    }
}

void cmd_signal(struct mgmt_connection *c, const struct token_line *words)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {{"SIGHUP", SIGHUP}, {"SIGTERM", SIGTERM}, {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}};
    struct mgmt *m = c->mgmt;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(words->text[1], known[i].name) != 0) {
            continue;
        }
        bool restart = known[i].number == SIGHUP || known[i].number == SIGUSR1;
        if (restart && m->query.kind == QUERY_HOLD) {
            connection_printf(c, "ERROR: signal '%s' is currently ignored\r\n%s\r\n", known[i].name, m->query.prompt);
            return;
        }
        connection_printf(c, "SUCCESS: signal %s thrown\r\n", known[i].name);
        m->host->signal(m->host_arg, known[i].number, "");
        return;
    }
    connection_printf(c, "ERROR: signal '%s' is not a known signal type\r\n", words->text[1]);
}

void cmd_status(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    long long version = command_loose_number(command_word(words, 1));
    if (command_on_server(m) && (version < 0 || version > 3)) {
        connection_printf(c, "ERROR: bad status format version number\r\n");
        return;
    }
    struct buf text = BUF_INIT(STATUS_MAX);
    if (m->host->status(m->host_arg, (unsigned)version, "\r\n", &text) == 0) {
        connection_write(c, (const char *)text.data, text.len);
    } else {
        connection_printf(c, "END\r\n");
    }
    buf_free(&text, false);
}

void cmd_bytecount(struct mgmt_connection *c, const struct token_line *words)
{
    long long n = command_loose_number(words->text[1]);
    c->bytecount_s = n < 0 ? 0 : n > BYTECOUNT_MAX_S ? BYTECOUNT_MAX_S : (unsigned)n;
    c->bytecount_at = uv_now(c->mgmt->loop);
    connection_printf(c, "SUCCESS: bytecount interval changed\r\n");
}

void cmd_verb(struct mgmt_connection *c, const struct token_line *words)
{
    struct log_settings s = log_settings_get();
    long long n = command_loose_number(command_word(words, 1));
    if (words->count == 1) {
        connection_printf(c, "SUCCESS: verb=%u\r\n", s.verb);
    } else if (n >= 0 && n <= VERB_MAX) {
        s.verb = (unsigned)n;
        log_settings_set(&s);
        connection_printf(c, "SUCCESS: verb level changed\r\n");
    } else {
        connection_printf(c, "ERROR: verb level is out of range\r\n");
    }
}

void cmd_mute(struct mgmt_connection *c, const struct token_line *words)
{
    struct log_settings s = log_settings_get();
    long long n = command_loose_number(command_word(words, 1));
    if (words->count == 1) {
        connection_printf(c, "SUCCESS: mute=%u\r\n", s.mute);
    } else if (n >= 0 && n <= MUTE_MAX) {
        s.mute = (unsigned)n;
        log_settings_set(&s);
        connection_printf(c, "SUCCESS: mute level changed\r\n");
    } else {
        connection_printf(c, "ERROR: mute level is out of range\r\n");
    }
}

void cmd_load_stats(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    struct mgmt_load load = {0};
    c->mgmt->host->load(c->mgmt->host_arg, &load);
    connection_printf(c, "SUCCESS: nclients=%" PRIu64 ",bytesin=%" PRIu64 ",bytesout=%" PRIu64 "\r\n", load.clients,
                      load.bytes_in, load.bytes_out);
}

void cmd_nclients(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    struct mgmt_load load = {0};
    c->mgmt->host->load(c->mgmt->host_arg, &load);
    connection_printf(c, "SUCCESS: nclients=%" PRIu64 "\r\n", load.clients);
}

void cmd_env_filter(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n = 0;
    (void)command_number(command_word(words, 1), 100, &n);
    c->mgmt->env_filter = (unsigned)n;
    connection_printf(c, "SUCCESS: env_filter_level=%u\r\n", c->mgmt->env_filter);
}

void cmd_net(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: Sorry, this command is currently only implemented on Windows\r\n");
}

void cmd_test(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n = 0;
    (void)command_number(words->text[1], TEST_LINES_MAX, &n);
    for (uint64_t i = 0; i < n && !c->closing; i++) {
        connection_printf(c, "[%" PRIu64 "] The purpose of this command is to generate large amounts of output.\r\n",
                          i);
    }
}

void cmd_exit(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_finish(c);
}
