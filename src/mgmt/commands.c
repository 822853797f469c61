/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "mgmt/mgmt_private.h"

#define STATUS_MAX (16 * 1024 * 1024)
#define TEST_LINES_MAX 40000 /* about as much as may be unsent */
#define BYTECOUNT_MAX_S 86400
#define VERB_MAX 15
#define MUTE_MAX 1000000
#define ADDRESS_PART_MAX 128 /* with its NUL */

/* In which mode a command means something. */
enum where { EVERYWHERE, ON_SERVER, ON_CLIENT };

struct command {
    const char *name;
    unsigned min_arguments;
    bool exact;        /* for the wording of the complaint about too few */
    enum where where;
    const char *wrong_mode_name; /* as the complaint spells it; NULL: @name */
    void (*run)(struct mgmt_connection *c, const struct token_line *words);
};

static void reply(struct mgmt_connection *c, bool good, const char *success, const char *error)
{
    connection_printf(c, "%s: %s\r\n", good ? "SUCCESS" : "ERROR", good ? success : error);
}

static const char *word(const struct token_line *words, size_t i)
{
    return i < words->count ? words->text[i] : NULL;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    if (!text || *text < '0' || *text > '9') {
        return false;
    }
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return errno == 0 && *end == 0 && v <= max;
}

/* As atoi(), which is what OpenVPN reads most numbers with: the digits at the start, 0 without any. */
static long long loose_number(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

/* As sscanf("%lu"): blanks and a sign before the digits, anything behind them. */
static bool scan_number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return end != text;
}

static bool is_server(const struct mgmt *m)
{
    return m->host->kill_name != NULL;
}

static void refuse_mode(struct mgmt_connection *c, const char *command)
{
    connection_printf(c, "ERROR: The '%s' command is not supported by the current daemon mode\r\n", command);
}

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
        } else if (loose_number(w) > 0) {
            print_history(c, r->history, (size_t)loose_number(w));
        } else {
            connection_printf(c, "ERROR: %s parameter must be 'on' or 'off' or some number n or 'all'\r\n", r->name);
            return;
        }
    }
}

static void cmd_log(struct mgmt_connection *c, const struct token_line *words)
{
    run_realtime(c, words, &(struct realtime){"log", &c->log_on, &c->mgmt->log});
}

static void cmd_echo(struct mgmt_connection *c, const struct token_line *words)
{
    run_realtime(c, words, &(struct realtime){"echo", &c->echo_on, &c->mgmt->echo});
}

static void cmd_state(struct mgmt_connection *c, const struct token_line *words)
{
    if (words->count == 1) {
        print_history(c, &c->mgmt->state, 1);
        return;
    }
    run_realtime(c, words, &(struct realtime){"state", &c->state_on, &c->mgmt->state});
}

/* ------------------------------------------------------------------ the process */

static void cmd_version(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n;
    if (words->count > 1) {
        if (parse_number(words->text[1], 100, &n)) {
            c->mgmt->client_version = (unsigned)n;
        }
        return;
    }
    connection_printf(c, "OpenVPN Version: %s\r\nManagement Version: %d\r\nEND\r\n", c->mgmt->title, MGMT_VERSION);
}

static void cmd_pid(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "SUCCESS: pid=%ld\r\n", (long)getpid());
}

static void cmd_hold(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    const char *w = word(words, 1);
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

static void cmd_signal(struct mgmt_connection *c, const struct token_line *words)
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

static void cmd_status(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    long long version = loose_number(word(words, 1));
    if (is_server(m) && (version < 0 || version > 3)) {
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

static void cmd_bytecount(struct mgmt_connection *c, const struct token_line *words)
{
    long long n = loose_number(words->text[1]);
    c->bytecount_s = n < 0 ? 0 : n > BYTECOUNT_MAX_S ? BYTECOUNT_MAX_S : (unsigned)n;
    c->bytecount_at = uv_now(c->mgmt->loop);
    connection_printf(c, "SUCCESS: bytecount interval changed\r\n");
}

static void cmd_verb(struct mgmt_connection *c, const struct token_line *words)
{
    struct log_settings s = log_settings_get();
    long long n = loose_number(word(words, 1));
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

static void cmd_mute(struct mgmt_connection *c, const struct token_line *words)
{
    struct log_settings s = log_settings_get();
    long long n = loose_number(word(words, 1));
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

static void cmd_load_stats(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    struct mgmt_load load = {0};
    c->mgmt->host->load(c->mgmt->host_arg, &load);
    connection_printf(c, "SUCCESS: nclients=%" PRIu64 ",bytesin=%" PRIu64 ",bytesout=%" PRIu64 "\r\n", load.clients,
                      load.bytes_in, load.bytes_out);
}

static void cmd_nclients(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    struct mgmt_load load = {0};
    c->mgmt->host->load(c->mgmt->host_arg, &load);
    connection_printf(c, "SUCCESS: nclients=%" PRIu64 "\r\n", load.clients);
}

static void cmd_env_filter(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n = 0;
    (void)parse_number(word(words, 1), 100, &n);
    c->mgmt->env_filter = (unsigned)n;
    connection_printf(c, "SUCCESS: env_filter_level=%u\r\n", c->mgmt->env_filter);
}

static void cmd_net(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: Sorry, this command is currently only implemented on Windows\r\n");
}

static void cmd_test(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t n = 0;
    (void)parse_number(words->text[1], TEST_LINES_MAX, &n);
    for (uint64_t i = 0; i < n && !c->closing; i++) {
        connection_printf(c, "[%" PRIu64 "] The purpose of this command is to generate large amounts of output.\r\n",
                          i);
    }
}

static void cmd_exit(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_finish(c);
}

/* ------------------------------------------------------------------ credentials */

/* A server has no use for it, but tells what it was told. */
static const char *remember_auth_retry(struct mgmt *m, const char *mode)
{
    static const char *const known[] = {"none", "interact", "nointeract"};
    if (!m->auth_retry) {
        m->auth_retry = known[0];
    }
    if (!mode) {
        return m->auth_retry;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(mode, known[i]) == 0) {
            m->auth_retry = known[i];
            return known[i];
        }
    }
    return NULL;
}

static void cmd_auth_retry(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    const char *mode = word(words, 1);
    const char *now = m->host->auth_retry ? m->host->auth_retry(m->host_arg, mode) : remember_auth_retry(m, mode);
    if (!now) {
        connection_printf(c, "--auth-retry method must be 'interact', 'nointeract', or 'none'\r\n"
                             "ERROR: bad auth-retry parameter\r\n");
    } else if (mode) {
        connection_printf(c, "SUCCESS: auth-retry parameter changed\r\n");
    } else {
        connection_printf(c, "SUCCESS: auth-retry=%s\r\n", now);
    }
}

static void cmd_username(struct mgmt_connection *c, const struct token_line *words)
{
    (void)query_answer_username(c, words->text[1], words->text[2]);
}

static void cmd_password(struct mgmt_connection *c, const struct token_line *words)
{
    (void)query_answer_password(c, words->text[1], words->text[2]);
}

static void cmd_needok(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: no needok-confirmation is currently needed at this time\r\n");
}

static void cmd_needstr(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: no needstr-string is currently needed at this time\r\n");
}

static void cmd_forget_passwords(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    if (c->mgmt->host->forget_passwords) {
        c->mgmt->host->forget_passwords(c->mgmt->host_arg);
    }
    connection_printf(c, "SUCCESS: Passwords were forgotten\r\n");
}

static void signature_lines(struct mgmt_connection *c, const char *name, const char *lines)
{
    bool asked = c->mgmt->query.kind == QUERY_SIGNATURE;
    connection_printf(c, "%s: %s command %s\r\n", asked ? "SUCCESS" : "ERROR", name, asked ? "succeeded" : "failed");
    (void)query_answer_signature(c->mgmt, lines);
}

static void pk_sig_lines(struct mgmt_connection *c, const char *lines)
{
    signature_lines(c, "pk-sign", lines);
}

static void rsa_sig_lines(struct mgmt_connection *c, const char *lines)
{
    signature_lines(c, "rsa-sign", lines);
}

static void certificate_lines(struct mgmt_connection *c, const char *lines)
{
    connection_printf(c, "%s\r\n",
                      c->mgmt->query.kind == QUERY_CERTIFICATE ? "SUCCESS: certificate command succeeded"
                                                               : "ERROR: certificate command failed");
    (void)query_answer_certificate(c->mgmt, lines);
}

/* Lines up to END, if that is what is being waited for. */
static void collect(struct mgmt_connection *c, const struct token_line *words, enum query_kind kind, mgmt_lines_fn done)
{
    if (c->mgmt->query.kind != kind) {
        connection_printf(c, "ERROR: The %s command is not currently available\r\n", words->text[0]);
        return;
    }
    c->lines_done = done;
    buf_reset(&c->lines);
}

static void cmd_pk_sig(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_SIGNATURE, pk_sig_lines);
}

static void cmd_rsa_sig(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_SIGNATURE, rsa_sig_lines);
}

static void cmd_certificate(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_CERTIFICATE, certificate_lines);
}

static void cmd_pkcs11_count(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, ">PKCS11ID-COUNT:0\r\n");
}

static void cmd_pkcs11_get(struct mgmt_connection *c, const struct token_line *words)
{
    connection_printf(c, ">PKCS11ID-ENTRY:'%s'\r\n", words->text[1]);
}

/* ------------------------------------------------------------------ a server's clients */

static bool parse_ids(struct mgmt_connection *c, const struct token_line *words, uint64_t *cid, uint64_t *kid)
{
    if (!scan_number(words->text[1], cid)) {
        connection_printf(c, "ERROR: cannot parse CID\r\n");
        return false;
    }
    if (kid && !scan_number(words->text[2], kid)) {
        connection_printf(c, "ERROR: cannot parse KID\r\n");
        return false;
    }
    return true;
}

/* Up to the next colon, at most what fits. Return: what is behind it. */
static const char *address_part(const char *text, char out[ADDRESS_PART_MAX])
{
    size_t n = strcspn(text, ":");
    bool colon = n < ADDRESS_PART_MAX && text[n] == ':';
    n = n < ADDRESS_PART_MAX ? n : ADDRESS_PART_MAX - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    return text + n + colon;
}

/* Port behind the last colon, an IPv6 address perhaps in brackets: beyond OpenVPN. */
static bool parse_ipv6(const char *text, union addr *out)
{
    const char *colon = strrchr(text, ':');
    bool brackets = *text == '[' && colon > text && colon[-1] == ']';
    char *host = mem_strndup(text + brackets, (size_t)(colon - text) - 2 * brackets);
    struct ip_addr ip;
    uint64_t port = 0;
    bool good = strchr(host, ':') && ip_parse(host, &ip) == 0 && parse_number(colon + 1, 65535, &port) && port > 0;
    if (good) {
        *out = addr_from_ip(&ip, (uint16_t)port);
    }
    free(host);
    return good;
}

static void kill_at(struct mgmt_connection *c, const union addr *address, enum mgmt_transport transport,
                    const char *text)
{
    unsigned n = c->mgmt->host->kill_address(c->mgmt->host_arg, address, transport);
    if (n) {
        connection_printf(c, "SUCCESS: %u client(s) at address %s killed\r\n", n, text);
    } else {
        connection_printf(c, "ERROR: client at address %s not found\r\n", text);
    }
}

static void kill_name(struct mgmt_connection *c, const char *name)
{
    unsigned n = c->mgmt->host->kill_name(c->mgmt->host_arg, name);
    if (n) {
        connection_printf(c, "SUCCESS: common name '%s' found, %u client(s) killed\r\n", name, n);
    } else {
        connection_printf(c, "ERROR: common name '%s' not found\r\n", name);
    }
}

/* "IP:PORT" of 2.6, or "udp:IP:PORT" and "tcp:IP:PORT" of 2.7; anything else is a common name. */
static void cmd_kill(struct mgmt_connection *c, const struct token_line *words)
{
    const char *who = words->text[1];
    enum mgmt_transport transport = MGMT_ANY;
    if (strncmp(who, "udp:", 4) == 0 || strncmp(who, "tcp:", 4) == 0) {
        transport = who[0] == 'u' ? MGMT_UDP : MGMT_TCP;
        who += 4;
    }
    char host[ADDRESS_PART_MAX];
    char port[ADDRESS_PART_MAX];
    union addr address;
    struct ip_addr ip;
    if (strchr(who, ':') && parse_ipv6(who, &address)) {
        kill_at(c, &address, transport, who);
        return;
    }
    address_part(address_part(who, host), port);
    if (!*host) {
        connection_printf(c, "ERROR: kill parse\r\n");
    } else if (!*port) {
        kill_name(c, host);
    } else if (ip_parse(host, &ip) < 0) {
        connection_printf(c, "ERROR: error parsing IP address: %s\r\n", host);
    } else if (loose_number(port) < 1 || loose_number(port) > 65535) {
        connection_printf(c, "ERROR: port number is out of range: %s\r\n", port);
    } else {
        address = addr_from_ip(&ip, (uint16_t)loose_number(port));
        char text[ADDR_TEXT_MAX];
        kill_at(c, &address, transport, addr_format(&address, text));
    }
}

static void cmd_client_kill(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    if (!parse_ids(c, words, &cid, NULL)) {
        return;
    }
    if (!is_server(c->mgmt)) {
        refuse_mode(c, "client-kill");
        return;
    }
    const char *message = words->count > 2 ? words->text[2] : "RESTART";
    reply(c, c->mgmt->host->client_kill(c->mgmt->host_arg, cid, message), "client-kill command succeeded",
          "client-kill command failed");
}

static void accept_login(struct mgmt_connection *c, struct mgmt_verdict *verdict)
{
    struct mgmt *m = c->mgmt;
    bool good = client_auth_decide(m, verdict);
    reply(c, good, "client-auth command succeeded", "client-auth command failed");
    client_auth_tell(m, verdict);
}

static void client_auth_lines(struct mgmt_connection *c, const char *lines)
{
    if (!is_server(c->mgmt)) {
        refuse_mode(c, "client-auth");
        return;
    }
    accept_login(c, &(struct mgmt_verdict){.client_id = c->lines_cid, .key_id = c->lines_kid, .accept = true, .text = lines});
}

static void cmd_client_auth(struct mgmt_connection *c, const struct token_line *words)
{
    if (parse_ids(c, words, &c->lines_cid, &c->lines_kid)) {
        c->lines_done = client_auth_lines;
        buf_reset(&c->lines);
    }
}

static void cmd_client_auth_nt(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    if (parse_ids(c, words, &cid, &kid)) {
        if (!is_server(c->mgmt)) {
            refuse_mode(c, "client-auth");
            return;
        }
        accept_login(c, &(struct mgmt_verdict){.client_id = cid, .key_id = kid, .accept = true});
    }
}

static void cmd_client_deny(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    if (!parse_ids(c, words, &cid, &kid)) {
        return;
    }
    if (!is_server(c->mgmt)) {
        refuse_mode(c, "client-deny");
        return;
    }
    const char *client_reason = word(words, 4);
    struct mgmt *m = c->mgmt;
    struct mgmt_verdict verdict = {.client_id = cid, .key_id = kid, .text = client_reason};
    bool good = client_auth_decide(m, &verdict);
    if (good) {
        log_info("MULTI: connection rejected: %s, CLI:%s", words->text[3], client_reason ? client_reason : "[NULL]");
    }
    reply(c, good, "client-deny command succeeded", "client-deny command failed");
    client_auth_tell(m, &verdict);
}

static void cmd_client_pending_auth(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    uint64_t timeout;
    if (!parse_ids(c, words, &cid, &kid)) {
        return;
    }
    if (!scan_number(words->text[4], &timeout)) {
        connection_printf(c, "ERROR: cannot parse TIMEOUT\r\n");
        return;
    }
    if (!is_server(c->mgmt)) {
        refuse_mode(c, "client-pending-auth");
        return;
    }
    timeout = timeout < UINT32_MAX ? timeout : UINT32_MAX;
    reply(c, client_auth_pending(c->mgmt, cid, kid, words->text[3], (unsigned)timeout),
          "client-pending-auth command succeeded",
          "client-pending-auth command failed. Extra parameter might be too long");
}

static void cmd_push_update_broad(struct mgmt_connection *c, const struct token_line *words)
{
    unsigned n = c->mgmt->host->push_update_all(c->mgmt->host_arg, words->text[1]);
    if (n) {
        connection_printf(c, "SUCCESS: %u client(s) updated\r\n", n);
    } else {
        connection_printf(c, "ERROR: no client updated\r\n");
    }
    reply(c, n > 0, "push-update command succeeded", "push-update command failed");
}

static void cmd_push_update_cid(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    if (!parse_ids(c, words, &cid, NULL)) {
        connection_printf(c, "ERROR: push-update-cid fail during cid parsing\r\n");
        return;
    }
    bool good = c->mgmt->host->push_update(c->mgmt->host_arg, cid, words->text[2]);
    connection_printf(c, good ? "SUCCESS: 1 client(s) updated\r\n" : "ERROR: no client updated\r\n");
    reply(c, good, "push-update command succeeded", "push-update command failed");
}

/* ------------------------------------------------------------------ a client's remotes and proxies */

static void cmd_cr_response(struct mgmt_connection *c, const struct token_line *words)
{
    reply(c, c->mgmt->host->cr_response(c->mgmt->host_arg, words->text[1]), "command succeeded", "command failed");
}

static void cmd_remote(struct mgmt_connection *c, const struct token_line *words)
{
    query_answer_remote(c, words);
}

static void cmd_proxy(struct mgmt_connection *c, const struct token_line *words)
{
    query_answer_proxy(c, words);
}

static void cmd_remote_count(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "%zu\r\nEND\r\n", c->mgmt->host->remote_count(c->mgmt->host_arg));
}

static void cmd_remote_get(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    size_t count = m->host->remote_count(m->host_arg);
    uint64_t from = 0;
    uint64_t to = count;
    if (strcmp(words->text[1], "all") != 0) {
        (void)parse_number(words->text[1], UINT32_MAX, &from);
        to = from + 1;
        (void)parse_number(word(words, 2), UINT32_MAX, &to);
    }
    for (uint64_t i = from; i < to && i < count; i++) {
        struct mgmt_remote r;
        if (m->host->remote_get(m->host_arg, (size_t)i, &r)) {
            connection_printf(c, "%" PRIu64 ",%s,%s,%s,%s\r\n", i, r.host, r.port, r.proto,
                              r.enabled ? "enabled" : "disabled");
        }
    }
    connection_printf(c, "END\r\n");
}

/* ------------------------------------------------------------------ table */

static void cmd_help(struct mgmt_connection *c, const struct token_line *words);

static const struct command commands[] = {
    {"help", 0, true, EVERYWHERE, NULL, cmd_help},
    {"version", 0, true, EVERYWHERE, NULL, cmd_version},
    {"pid", 0, true, EVERYWHERE, NULL, cmd_pid},
    {"nclients", 0, true, ON_SERVER, NULL, cmd_nclients},
    {"load-stats", 0, true, EVERYWHERE, NULL, cmd_load_stats},
    {"env-filter", 0, true, EVERYWHERE, NULL, cmd_env_filter},
    {"signal", 1, true, EVERYWHERE, NULL, cmd_signal},
    {"status", 0, true, EVERYWHERE, NULL, cmd_status},
    {"kill", 1, true, ON_SERVER, NULL, cmd_kill},
    {"verb", 0, true, EVERYWHERE, NULL, cmd_verb},
    {"mute", 0, true, EVERYWHERE, NULL, cmd_mute},
    {"auth-retry", 0, true, EVERYWHERE, NULL, cmd_auth_retry},
    {"state", 0, true, EVERYWHERE, NULL, cmd_state},
    {"log", 1, false, EVERYWHERE, NULL, cmd_log},
    {"echo", 1, false, EVERYWHERE, NULL, cmd_echo},
    {"username", 2, true, EVERYWHERE, NULL, cmd_username},
    {"password", 2, true, EVERYWHERE, NULL, cmd_password},
    {"forget-passwords", 0, true, EVERYWHERE, NULL, cmd_forget_passwords},
    {"needok", 2, true, EVERYWHERE, NULL, cmd_needok},
    {"needstr", 2, true, EVERYWHERE, NULL, cmd_needstr},
    {"cr-response", 1, true, ON_CLIENT, "cr-repsonse", cmd_cr_response},
    {"net", 0, true, EVERYWHERE, NULL, cmd_net},
    {"hold", 0, true, EVERYWHERE, NULL, cmd_hold},
    {"bytecount", 1, true, EVERYWHERE, NULL, cmd_bytecount},
    {"client-kill", 1, false, EVERYWHERE, NULL, cmd_client_kill},
    {"client-deny", 3, false, EVERYWHERE, NULL, cmd_client_deny},
    {"client-auth-nt", 2, true, EVERYWHERE, NULL, cmd_client_auth_nt},
    {"client-auth", 2, true, EVERYWHERE, NULL, cmd_client_auth},
    {"client-pending-auth", 4, true, EVERYWHERE, NULL, cmd_client_pending_auth},
    {"rsa-sig", 0, true, EVERYWHERE, NULL, cmd_rsa_sig},
    {"pk-sig", 0, true, EVERYWHERE, NULL, cmd_pk_sig},
    {"certificate", 0, true, EVERYWHERE, NULL, cmd_certificate},
    {"pkcs11-id-count", 0, true, EVERYWHERE, NULL, cmd_pkcs11_count},
    {"pkcs11-id-get", 1, true, EVERYWHERE, NULL, cmd_pkcs11_get},
    {"proxy", 1, false, ON_CLIENT, NULL, cmd_proxy},
    {"remote", 1, false, ON_CLIENT, NULL, cmd_remote},
    {"remote-entry-count", 0, true, ON_CLIENT, NULL, cmd_remote_count},
    {"remote-entry-get", 1, false, ON_CLIENT, NULL, cmd_remote_get},
    {"push-update-broad", 1, true, ON_SERVER, NULL, cmd_push_update_broad},
    {"push-update-cid", 2, true, ON_SERVER, NULL, cmd_push_update_cid},
    {"test", 1, true, EVERYWHERE, NULL, cmd_test},
    {"exit", 0, true, EVERYWHERE, NULL, cmd_exit},
    {"quit", 0, true, EVERYWHERE, NULL, cmd_exit},
};

/* The list of OpenVPN 2.6, which programs show to people as it is. */
static const char help_text[] =
    "Commands:\r\n"
    "auth-retry t           : Auth failure retry mode (none,interact,nointeract).\r\n"
    "bytecount n            : Show bytes in/out, update every n secs (0=off).\r\n"
    "echo [on|off] [N|all]  : Like log, but only show messages in echo buffer.\r\n"
    "cr-response response   : Send a challenge response answer via CR_RESPONSE to server\r\n"
    "exit|quit              : Close management session.\r\n"
    "forget-passwords       : Forget passwords entered so far.\r\n"
    "help                   : Print this message.\r\n"
    "hold [on|off|release]  : Set/show hold flag to on/off state, or\r\n"
    "                         release current hold and start tunnel.\r\n"
    "kill cn                : Kill the client instance(s) having common name cn.\r\n"
    "kill IP:port           : Kill the client instance connecting from IP:port.\r\n"
    "load-stats             : Show global server load stats.\r\n"
    "log [on|off] [N|all]   : Turn on/off realtime log display\r\n"
    "                         + show last N lines or 'all' for entire history.\r\n"
    "mute [n]               : Set log mute level to n, or show level if n is absent.\r\n"
    "needok type action     : Enter confirmation for NEED-OK request of 'type',\r\n"
    "                         where action = 'ok' or 'cancel'.\r\n"
    "needstr type action    : Enter confirmation for NEED-STR request of 'type',\r\n"
    "                         where action is reply string.\r\n"
    "net                    : (Windows only) Show network info and routing table.\r\n"
    "password type p        : Enter password p for a queried OpenVPN password.\r\n"
    "remote type [host port] : Override remote directive, type=ACCEPT|MOD|SKIP.\r\n"
    "remote-entry-count     : Get number of available remote entries.\r\n"
    "remote-entry-get  i|all [j]: Get remote entry at index = i to to j-1 or all.\r\n"
    "proxy type [host port flags] : Enter dynamic proxy server info.\r\n"
    "pid                    : Show process ID of the current OpenVPN process.\r\n"
    "pkcs11-id-count        : Get number of available PKCS#11 identities.\r\n"
    "pkcs11-id-get index    : Get PKCS#11 identity at index.\r\n"
    "client-auth CID KID    : Authenticate client-id/key-id CID/KID (MULTILINE)\r\n"
    "client-auth-nt CID KID : Authenticate client-id/key-id CID/KID\r\n"
    "client-deny CID KID R [CR] : Deny auth client-id/key-id CID/KID with log reason\r\n"
    "                             text R and optional client reason text CR\r\n"
    "client-pending-auth CID KID MSG timeout : Instruct OpenVPN to send AUTH_PENDING and INFO_PRE msg\r\n"
    "                                      to the client and wait for a final client-auth/client-deny\r\n"
    "client-kill CID [M]    : Kill client instance CID with message M (def=RESTART)\r\n"
    "env-filter [level]     : Set env-var filter level\r\n"
    "rsa-sig                : Enter a signature in response to >RSA_SIGN challenge\r\n"
    "                         Enter signature base64 on subsequent lines followed by END\r\n"
    "pk-sig                 : Enter a signature in response to >PK_SIGN challenge\r\n"
    "                         Enter signature base64 on subsequent lines followed by END\r\n"
    "certificate            : Enter a client certificate in response to >NEED-CERT challenge\r\n"
    "                         Enter certificate base64 on subsequent lines followed by END\r\n"
    "signal s               : Send signal s to daemon,\r\n"
    "                         s = SIGHUP|SIGTERM|SIGUSR1|SIGUSR2.\r\n"
    "state [on|off] [N|all] : Like log, but show state history.\r\n"
    "status [n]             : Show current daemon status info using format #n.\r\n"
    "test n                 : Produce n lines of output for testing/debugging.\r\n"
    "username type u        : Enter username u for a queried OpenVPN username.\r\n"
    "verb [n]               : Set log verbosity level to n, or show if n is absent.\r\n"
    "version [n]            : Set client's version to n or show current version of daemon.\r\n"
    "END\r\n";

static void cmd_help(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "Management Interface for %s\r\n", c->mgmt->title);
    connection_write(c, help_text, sizeof(help_text) - 1);
}

static void log_command(const char *line)
{
    if (strncmp(line, "password ", 9) == 0) {
        log_write(LOG_SEV_DEBUG, 3, NULL, "MANAGEMENT: CMD 'password [...]'");
    } else if (strcmp(line, "load-stats") != 0) {
        log_write(LOG_SEV_DEBUG, 3, NULL, "MANAGEMENT: CMD '%s'", line);
    }
}

static bool split(struct mgmt_connection *c, const char *line, struct token_line *words)
{
    switch (token_split(line, strlen(line), words)) {
    case TOKEN_OK:
    case TOKEN_TOO_MANY:
        return words->count > 0;
    case TOKEN_OPEN_QUOTE:
        connection_printf(c, "ERROR: Options error: No closing quotation (\") in TCP:0\r\n");
        return false;
    case TOKEN_OPEN_SINGLE_QUOTE:
        connection_printf(c, "ERROR: Options error: No closing single quotation (') in TCP:0\r\n");
        return false;
    case TOKEN_BAD_BACKSLASH:
        if (line[strlen(line) - 1] == '\\') {
            connection_printf(c, "ERROR: Options error: Residual parse state (2) in TCP:0\r\n");
            return false;
        }
        connection_printf(c, "ERROR: Options warning: Bad backslash ('\\') usage in TCP:0: remember that backslashes "
                             "are treated as shell-escapes and if you need to pass backslash characters as part of a "
                             "Windows filename, you should use double backslashes such as \"c:\\\\openvpn\\\\static.key\""
                             "\r\n");
        return false;
    case TOKEN_TOO_LONG:
        connection_printf(c, "ERROR: Options error: Parameter at TCP:0 is too long (256 chars max): %s\r\n",
                          words->text[words->count - 1]);
        return false;
    }
    return false;
}

static bool wrong_mode(const struct mgmt *m, const struct command *command)
{
    return (command->where == ON_SERVER && !is_server(m)) || (command->where == ON_CLIENT && is_server(m));
}

static void dispatch(struct mgmt_connection *c, const struct command *command, const struct token_line *words)
{
    size_t given = words->count - 1;
    bool in_wrong_mode = wrong_mode(c->mgmt, command);
    if (given < command->min_arguments) {
        connection_printf(c, "ERROR: the '%s' command requires %s%u parameter%s\r\n", command->name,
                          command->exact ? "" : "at least ", command->min_arguments,
                          command->min_arguments > 1 ? "s" : "");
        return;
    }
    if (in_wrong_mode) {
        refuse_mode(c, command->wrong_mode_name ? command->wrong_mode_name : command->name);
        return;
    }
    command->run(c, words);
}

void command_run(struct mgmt_connection *c, char *line)
{
    struct token_line words;
    log_command(line);
    mgmt_log_flush(c->mgmt);
    if (!split(c, line, &words)) {
        return;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words.text[0], commands[i].name) == 0) {
            dispatch(c, &commands[i], &words);
            return;
        }
    }
    connection_printf(c, "ERROR: unknown command, enter 'help' for more options\r\n");
}
