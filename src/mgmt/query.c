/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "mgmt/mgmt_private.h"

#define HOST_MAX 79
#define PORT_MAX 15
#define SIGNATURE_MAX 8192
#define PASSWORD_MAX 4095

static void wipe_text(char **text)
{
    if (*text) {
        secret_wipe(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

static void query_clear(struct mgmt_query *q)
{
    wipe_text(&q->username);
    wipe_text(&q->password);
    free(q->prompt);
    free(q->type);
    *q = (struct mgmt_query){0};
}

/* Make the question current and put it to whoever is there. */
static void query_open(struct mgmt *m, enum query_kind kind, char *prompt, void *arg)
{
    query_clear(&m->query);
    m->query.kind = kind;
    m->query.prompt = prompt;
    m->query.arg = arg;
    mgmt_broadcast(m, "%s", prompt);
}

bool mgmt_ask_open(const struct mgmt *mgmt)
{
    return mgmt && mgmt->query.kind != QUERY_NONE;
}

const char *mgmt_ask_type(const struct mgmt *mgmt)
{
    return mgmt && mgmt->query.kind == QUERY_CREDENTIALS ? mgmt->query.type : NULL;
}

void mgmt_ask_cancel(struct mgmt *mgmt)
{
    if (mgmt) {
        query_clear(&mgmt->query);
    }
}

/* ------------------------------------------------------------------ hold */

bool mgmt_hold(struct mgmt *mgmt, unsigned hint_s, void (*released)(void *arg), void *arg)
{
    if (!mgmt || !mgmt->hold) {
        return false;
    }
    log_usual("Need hold release from management interface, waiting...");
    query_open(mgmt, QUERY_HOLD, mem_printf(">HOLD:Waiting for hold release:%u", hint_s), arg);
    mgmt->query.released = released;
    return true;
}

bool query_answer_hold(struct mgmt *m)
{
    if (m->query.kind != QUERY_HOLD) {
        return false;
    }
    struct mgmt_query q = m->query;
    m->query = (struct mgmt_query){0};
    q.released(q.arg);
    query_clear(&q);
    return true;
}

/* ------------------------------------------------------------------ credentials */

bool mgmt_asks_passwords(const struct mgmt *mgmt)
{
    return mgmt && mgmt->config->management_query_passwords;
}

bool mgmt_ask_credentials(struct mgmt *mgmt, const struct mgmt_need *need,
                          void (*answer)(void *arg, const struct mgmt_credentials *credentials), void *arg)
{
    if (!mgmt_asks_passwords(mgmt)) {
        return false;
    }
    bool password = need->password || mgmt->client_version < 4;
    const char *what = !need->username ? "password" : !password ? "username" : "username/password";
    char *prompt = need->challenge ? mem_printf(">PASSWORD:Need '%s' %s SC:%u,%s", need->type, what,
                                                need->challenge_flags, need->challenge)
                                   : mem_printf(">PASSWORD:Need '%s' %s", need->type, what);
    query_open(mgmt, QUERY_CREDENTIALS, prompt, arg);
    mgmt->query.type = mem_strdup(need->type);
    mgmt->query.need_username = need->username;
    mgmt->query.need_password = password;
    mgmt->query.credentials = answer;
    return true;
}

static void credentials_complete(struct mgmt *m)
{
    struct mgmt_query *q = &m->query;
    if ((q->need_username && !q->username) || (q->need_password && !q->password)) {
        return;
    }
    struct mgmt_query done = *q;
    *q = (struct mgmt_query){0};
    struct mgmt_credentials credentials = {.username = done.username, .password = done.password};
    done.credentials(done.arg, &credentials);
    query_clear(&done);
}

/* Whether the open question is this one; if not, the client is told so. */
static bool is_wanted(struct mgmt_connection *c, const char *what, const char *type)
{
    const struct mgmt_query *q = &c->mgmt->query;
    bool is_password = strcmp(what, "password") == 0;
    if (q->kind != QUERY_CREDENTIALS || !(is_password ? q->need_password : q->need_username)) {
        connection_printf(c, "ERROR: no %s is currently needed at this time\r\n", what);
        return false;
    }
    if (strcmp(type, q->type) != 0) {
        connection_printf(c, "ERROR: %s of type '%s' entered, but we need one of type '%s'\r\n", what, type, q->type);
        return false;
    }
    return true;
}

static bool answer_field(struct mgmt_connection *c, const char *what, const char *type, const char *value)
{
    struct mgmt_query *q = &c->mgmt->query;
    if (!is_wanted(c, what, type)) {
        return false;
    }
    char **field = strcmp(what, "password") == 0 ? &q->password : &q->username;
    wipe_text(field);
    *field = mem_strdup(value);
    connection_printf(c, "SUCCESS: '%s' %s entered, but not yet verified\r\n", type, what);
    credentials_complete(c->mgmt);
    return true;
}

bool query_answer_username(struct mgmt_connection *c, const char *type, const char *value)
{
    return answer_field(c, "username", type, value);
}

bool query_answer_password(struct mgmt_connection *c, const char *type, const char *value)
{
    return answer_field(c, "password", type, value);
}

bool query_wants_password(struct mgmt_connection *c, const char *type)
{
    return is_wanted(c, "password", type);
}

/* Lines of base64 into one piece of bytes. Return: their number, or negative. */
static int decode_lines(const char *lines, uint8_t *out, size_t cap)
{
    char *joined = mem_strdup(lines);
    size_t n = 0;
    for (const char *at = lines; *at; at++) {
        if (*at != '\n') {
            joined[n++] = *at;
        }
    }
    int len = n == 0 ? 0 : base64_decode(joined, n, out, cap);
    secret_wipe(joined, strlen(lines));
    free(joined);
    return len;
}

void query_answer_password_lines(struct mgmt_connection *c, const char *lines)
{
    char password[PASSWORD_MAX + 1];
    int len = strchr(lines, ' ') ? ERR_FORMAT : decode_lines(lines, (uint8_t *)password, PASSWORD_MAX);
    if (len == ERR_LIMIT) {
        connection_printf(c, "ERROR: password too long\r\n");
    } else if (len < 0) {
        connection_printf(c, "ERROR: could not base64-decode password\r\n");
    } else {
        password[len] = '\0';
        const char *type = c->mgmt->query.type ? c->mgmt->query.type : "";
        (void)query_answer_password(c, type, password);
    }
    secret_wipe(password, sizeof(password));
}

/* ------------------------------------------------------------------ remote and proxy */

bool mgmt_ask_remote(struct mgmt *mgmt, const struct mgmt_remote *remote,
                     void (*answer)(void *arg, const struct mgmt_remote_answer *answer), void *arg)
{
    if (!mgmt || !mgmt->config->management_query_remote) {
        return false;
    }
    query_open(mgmt, QUERY_REMOTE, mem_printf(">REMOTE:%s,%s,%s", remote->host, remote->port, remote->proto), arg);
    mgmt->query.remote = answer;
    return true;
}

static bool parse_remote(const struct token_line *words, struct mgmt_remote_answer *out)
{
    const char *action = words->text[1];
    if (strcmp(action, "ACCEPT") == 0) {
        out->action = MGMT_REMOTE_ACCEPT;
        return true;
    }
    if (strcmp(action, "SKIP") == 0) {
        out->action = MGMT_REMOTE_SKIP;
        out->skip = 1;
        if (words->count > 2) {
            out->skip = (unsigned)strtoul(words->text[2], NULL, 10);
        }
        return out->skip >= 1;
    }
    if (strcmp(action, "MOD") == 0 && words->count >= 4 && strlen(words->text[2]) <= HOST_MAX &&
        strlen(words->text[3]) <= PORT_MAX) {
        *out = (struct mgmt_remote_answer){MGMT_REMOTE_MODIFY, 0, words->text[2], words->text[3]};
        return true;
    }
    return false;
}

void query_answer_remote(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    struct mgmt_remote_answer answer = {0};
    if (m->query.kind != QUERY_REMOTE || !parse_remote(words, &answer)) {
        connection_printf(c, "ERROR: remote command failed\r\n");
        return;
    }
    connection_printf(c, "SUCCESS: remote command succeeded\r\n");
    struct mgmt_query q = m->query;
    m->query = (struct mgmt_query){0};
    q.remote(q.arg, &answer);
    query_clear(&q);
}

bool mgmt_ask_proxy(struct mgmt *mgmt, unsigned index, bool tcp, const char *host,
                    void (*answer)(void *arg, const struct mgmt_proxy_answer *answer), void *arg)
{
    if (!mgmt || !mgmt->config->management_query_proxy) {
        return false;
    }
    query_open(mgmt, QUERY_PROXY, mem_printf(">PROXY:%u,%s,%s", index, tcp ? "TCP" : "UDP", host), arg);
    mgmt->query.proxy = answer;
    return true;
}

void query_answer_proxy(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    struct mgmt_proxy_answer answer = {0};
    bool good = strcmp(words->text[1], "NONE") == 0;
    if (!good && words->count >= 4 && (strcmp(words->text[1], "HTTP") == 0 || strcmp(words->text[1], "SOCKS") == 0)) {
        good = true;
        answer.kind = words->text[1][0] == 'H' ? MGMT_PROXY_HTTP : MGMT_PROXY_SOCKS;
        answer.host = words->text[2];
        answer.port = words->text[3];
        answer.no_clear_text = words->count > 4 && strcmp(words->text[4], "nct") == 0;
        /* A UDP entry cannot go through CONNECT. */
        if (answer.kind == MGMT_PROXY_HTTP && !m->host->remote_is_tcp(m->host_arg)) {
            good = false;
            answer = (struct mgmt_proxy_answer){0};
        }
    }
    /* Any answer ends the wait, a wrong one goes on without a proxy. */
    connection_printf(c, good ? "SUCCESS: proxy command succeeded\r\n" : "ERROR: proxy command failed\r\n");
    if (m->query.kind == QUERY_PROXY) {
        struct mgmt_query q = m->query;
        m->query = (struct mgmt_query){0};
        q.proxy(q.arg, &answer);
        query_clear(&q);
    }
}

/* ------------------------------------------------------------------ keys that are elsewhere */

bool mgmt_ask_signature(struct mgmt *mgmt, const char *algorithm, const void *data, size_t len,
                        void (*answer)(void *arg, const void *signature, size_t len), void *arg)
{
    if (!mgmt) {
        return false;
    }
    char *data64 = base64_encode(data, len);
    char *prompt = mgmt->client_version >= 3   ? mem_printf(">PK_SIGN:%s,%s", data64, algorithm)
                   : mgmt->client_version == 2 ? mem_printf(">PK_SIGN:%s", data64)
                                               : mem_printf(">RSA_SIGN:%s", data64);
    free(data64);
    query_open(mgmt, QUERY_SIGNATURE, prompt, arg);
    mgmt->query.signature = answer;
    return true;
}

bool query_answer_signature(struct mgmt *m, const char *lines)
{
    if (m->query.kind != QUERY_SIGNATURE) {
        return false;
    }
    uint8_t raw[SIGNATURE_MAX];
    int len = decode_lines(lines, raw, sizeof(raw));
    struct mgmt_query q = m->query;
    m->query = (struct mgmt_query){0};
    q.signature(q.arg, len > 0 ? raw : NULL, len > 0 ? (size_t)len : 0);
    query_clear(&q);
    return true;
}

bool mgmt_ask_certificate(struct mgmt *mgmt, const char *hint, void (*answer)(void *arg, const char *pem), void *arg)
{
    if (!mgmt) {
        return false;
    }
    query_open(mgmt, QUERY_CERTIFICATE, mem_printf(">NEED-CERTIFICATE:%s", hint), arg);
    mgmt->query.certificate = answer;
    return true;
}

bool query_answer_certificate(struct mgmt *m, const char *lines)
{
    if (m->query.kind != QUERY_CERTIFICATE) {
        return false;
    }
    struct mgmt_query q = m->query;
    m->query = (struct mgmt_query){0};
    q.certificate(q.arg, lines);
    query_clear(&q);
    return true;
}
