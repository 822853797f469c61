/* SPDX-License-Identifier: MIT */
#include "client/management.h"

#include <signal.h>
#include <string.h>

#include "client/external.h"
#include "client/outfit.h"
#include "client/state.h"
#include "client/statistics.h"
#include "config/arena.h"
#include "mgmt/mgmt.h"

/* ------------------------------------------------------------------ what it can make the client do */

static int host_status(void *arg, unsigned version, const char *eol, struct buf *out)
{
    (void)version; /* one format for all */
    return statistics_format(arg, eol, out);
}

static void host_signal(void *arg, int signo, const char *reason)
{
    static const struct {
        int number;
        enum loop_signal signal;
    } known[] = {{SIGHUP, LOOP_SIGNAL_HUP}, {SIGTERM, LOOP_SIGNAL_TERM}, {SIGUSR1, LOOP_SIGNAL_USR1},
                 {SIGUSR2, LOOP_SIGNAL_USR2}};
    struct client *c = arg;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == signo) {
            loop_raise(c->loop, known[i].signal, *reason ? LOOP_SOURCE_SOFT : LOOP_SOURCE_HARD, reason);
        }
    }
}

static void host_load(void *arg, struct mgmt_load *out)
{
    struct client *c = arg;
    struct dp_stats totals = {0};
    if (c->dp) {
        dp_stats(c->dp, &totals);
    }
    *out = (struct mgmt_load){.bytes_in = totals.link_rx_bytes, .bytes_out = totals.link_tx_bytes};
}

static size_t host_remote_count(void *arg)
{
    const struct client *c = arg;
    return outfit_count(c->config);
}

static const char *proto_name(enum config_proto proto)
{
    bool tcp = config_proto_is_tcp(proto);
    switch (config_proto_family(proto)) {
    case AF_INET:
        return tcp ? "tcp4-client" : "udp4";
    case AF_INET6:
        return tcp ? "tcp6-client" : "udp6";
    default:
        return tcp ? "tcp-client" : "udp";
    }
}

static bool host_remote_get(void *arg, size_t index, struct mgmt_remote *out)
{
    const struct client *c = arg;
    const struct config_connection *e = outfit_connection(c, index);
    if (!e->remote.count) {
        return false;
    }
    const struct config_remote *remote = &e->remote.items[e->remote.count - 1];
    *out = (struct mgmt_remote){
        .host = remote->host,
        .port = remote->port ? remote->port : e->rport ? e->rport : e->port,
        .proto = proto_name(remote->proto_given ? remote->proto : e->proto),
        .enabled = !c->remotes.disabled[index],
    };
    return true;
}

static bool host_remote_is_tcp(void *arg)
{
    const struct client *c = arg;
    return c->attempt && config_proto_is_tcp(c->attempt->config->proto);
}

static bool host_cr_response(void *arg, const char *base64)
{
    struct client *c = arg;
    char text[CMD_MAX];
    int n = snprintf(text, sizeof(text), "CR_RESPONSE,%s", base64);
    if (n < 0 || (size_t)n >= sizeof(text) || !c->attempt || !c->attempt->link) {
        return false;
    }
    link_message(c->attempt->link, text);
    return true;
}

static void host_forget_passwords(void *arg)
{
    struct client *c = arg;
    if (c->credentials) {
        credentials_forget(c->credentials);
        (void)credentials_drop_token(c->credentials);
    }
    proxy_ask_forget(c);
}

static const char *host_auth_retry(void *arg, const char *mode)
{
    static const char *const names[] = {
        [CONFIG_AUTH_RETRY_NONE] = "none",
        [CONFIG_AUTH_RETRY_NOINTERACT] = "nointeract",
        [CONFIG_AUTH_RETRY_INTERACT] = "interact",
    };
    struct client *c = arg;
    if (!mode) {
        return names[c->auth_retry];
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(mode, names[i]) == 0) {
            c->auth_retry = (enum config_auth_retry)i;
            return names[i];
        }
    }
    return NULL;
}

static const struct mgmt_host host = {
    .status = host_status,
    .signal = host_signal,
    .load = host_load,
    .remote_count = host_remote_count,
    .remote_get = host_remote_get,
    .remote_is_tcp = host_remote_is_tcp,
    .cr_response = host_cr_response,
    .forget_passwords = host_forget_passwords,
    .auth_retry = host_auth_retry,
};

/* ------------------------------------------------------------------ life */

int client_management_open(struct client *c)
{
    struct mgmt_open open = {
        .loop = loop_uv(c->loop),
        .bus = c->events,
        .config = c->config,
        .host = &host,
        .host_arg = c,
        .title = c->title,
    };
    return mgmt_new(&open, &c->mgmt);
}

void client_management_close(struct client *c)
{
    mgmt_free(c->mgmt);
    c->mgmt = NULL;
}

void client_management_cancel(struct client *c)
{
    mgmt_ask_cancel(c->mgmt);
    external_cancel(c->external);
    c->asked = (struct client_asked){0};
}

bool client_management_waits(const struct client *c)
{
    return mgmt_ask_open(c->mgmt);
}

bool client_management_hold(struct client *c, unsigned seconds, void (*then)(void *arg))
{
    return mgmt_hold(c->mgmt, seconds, then, c);
}

/* ------------------------------------------------------------------ passwords */

bool client_management_asks(const struct client *c)
{
    return mgmt_asks_passwords(c->mgmt);
}

static void login_given(void *arg, const struct mgmt_credentials *answer)
{
    struct client *c = arg;
    void (*then)(struct client *) = c->asked.login;
    c->asked.login = NULL;
    credentials_given(c->credentials, answer->username, answer->password);
    then(c);
}

void client_management_ask_login(struct client *c, void (*then)(struct client *c))
{
    const struct config_static_challenge *challenge = &c->config->static_challenge;
    if (!client_management_asks(c) || !credentials_ask_needed(c->credentials)) {
        then(c);
        return;
    }
    bool dynamic = credentials_challenged(c->credentials);
    struct mgmt_need need = {
        .type = "Auth",
        .username = true,
        .password = dynamic || !c->config->auth_user_pass.username_only,
        .challenge = dynamic ? NULL : challenge->text,
        .challenge_flags = (challenge->echo ? 1u : 0u) | (challenge->concat ? 2u : 0u),
    };
    c->asked.login = then;
    (void)mgmt_ask_credentials(c->mgmt, &need, login_given, c);
}

static void proxy_login_given(void *arg, const struct mgmt_credentials *answer)
{
    struct client *c = arg;
    void (*then)(struct client *, const char *, const char *) = c->asked.proxy_login;
    c->asked.proxy_login = NULL;
    then(c, answer->username, answer->password);
}

bool client_management_ask_proxy_login(struct client *c, const char *type,
                                       void (*then)(struct client *c, const char *username, const char *password))
{
    struct mgmt_need need = {.type = type, .username = true, .password = true};
    if (!client_management_asks(c)) {
        return false;
    }
    c->asked.proxy_login = then;
    return mgmt_ask_credentials(c->mgmt, &need, proxy_login_given, c);
}

static void passphrase_given(void *arg, const struct mgmt_credentials *answer)
{
    struct client *c = arg;
    void (*then)(struct client *, const char *) = c->asked.passphrase;
    c->asked.passphrase = NULL;
    then(c, answer->password);
}

bool client_management_ask_passphrase(struct client *c, bool again,
                                      void (*then)(struct client *c, const char *passphrase))
{
    struct mgmt_need need = {.type = "Private Key", .password = true};
    if (!client_management_asks(c)) {
        return false;
    }
    if (again) {
        mgmt_password_failed(c->mgmt, need.type, NULL);
    }
    c->asked.passphrase = then;
    return mgmt_ask_credentials(c->mgmt, &need, passphrase_given, c);
}

static void certificate_given(void *arg, const char *pem)
{
    struct client *c = arg;
    void (*then)(struct client *, const char *) = c->asked.certificate;
    c->asked.certificate = NULL;
    then(c, pem);
}

bool client_management_ask_certificate(struct client *c, void (*then)(struct client *c, const char *pem))
{
    c->asked.certificate = then;
    return mgmt_ask_certificate(c->mgmt, c->config->management_external_cert, certificate_given, c);
}

/* ------------------------------------------------------------------ remote and proxy */

static void answer_remote(struct client *c, enum management_remote what)
{
    void (*then)(struct client *, enum management_remote) = c->asked.remote;
    c->asked.remote = NULL;
    then(c, what);
}

static void remote_given(void *arg, const struct mgmt_remote_answer *answer)
{
    struct client *c = arg;
    struct config *config = c->attempt->config;
    if (answer->action == MGMT_REMOTE_SKIP) {
        remotes_skip(&c->remotes, answer->skip);
        answer_remote(c, MANAGEMENT_REMOTE_SKIP);
        return;
    }
    if (answer->action == MGMT_REMOTE_MODIFY) {
        /* the clone's own list: the entry's is shared with the configuration */
        struct config_remote *changed = arena_alloc(config->arena, sizeof(*changed));
        *changed = *outfit_remote(config);
        changed->host = arena_strdup(config->arena, answer->host);
        changed->port = arena_strdup(config->arena, answer->port);
        config->remote.items = changed;
        config->remote.count = 1;
        c->addresses[remotes_current(&c->remotes)].count = 0;
    }
    answer_remote(c, MANAGEMENT_REMOTE_GO);
}

static void proxy_given(void *arg, const struct mgmt_proxy_answer *answer)
{
    struct client *c = arg;
    struct config *config = c->attempt->config;
    config->http_proxy = (struct config_http_proxy){0};
    config->socks_proxy = (struct config_socks_proxy){0};
    if (answer->kind == MGMT_PROXY_HTTP) {
        config->http_proxy.host = arena_strdup(config->arena, answer->host);
        config->http_proxy.port = arena_strdup(config->arena, answer->port);
        config->http_proxy.auth = answer->no_clear_text ? CONFIG_HTTP_AUTH_AUTO_NCT : CONFIG_HTTP_AUTH_AUTO;
    } else if (answer->kind == MGMT_PROXY_SOCKS) {
        config->socks_proxy.host = arena_strdup(config->arena, answer->host);
        config->socks_proxy.port = arena_strdup(config->arena, answer->port);
    }
    answer_remote(c, MANAGEMENT_REMOTE_GO);
}

void client_management_ask_remote(struct client *c, void (*then)(struct client *c, enum management_remote what))
{
    const struct config *config = c->attempt->config;
    const struct config_remote *remote = outfit_remote(config);
    c->asked.remote = then;
    if (!remote) {
        answer_remote(c, MANAGEMENT_REMOTE_GO);
        return;
    }
    struct mgmt_remote entry = {.host = remote->host, .port = outfit_port(config), .proto = proto_name(config->proto)};
    if (mgmt_ask_remote(c->mgmt, &entry, remote_given, c) ||
        mgmt_ask_proxy(c->mgmt, (unsigned)remotes_current(&c->remotes) + 1, config_proto_is_tcp(config->proto),
                       remote->host, proxy_given, c)) {
        return;
    }
    answer_remote(c, MANAGEMENT_REMOTE_GO);
}
