/* SPDX-License-Identifier: MIT */
#include "client/proxy_ask.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/job.h"
#include "client/outfit.h"
#include "client/prompt.h"
#include "client/state.h"
#include "mgmt/mgmt.h"

#define TEXT_MAX 512

/** A question on the terminal; it may outlive the interest in its answer. */
struct proxy_terminal {
    struct client *client;
    const char *type;
    int cancel;
    char username[TEXT_MAX];
    char password[TEXT_MAX];
};

static const char *type_of(const struct config *config)
{
    return config->http_proxy.host ? "HTTP Proxy" : "SOCKS Proxy";
}

static char *name_of(const struct config *config)
{
    return mem_printf("%s %s:%s", type_of(config), outfit_proxy_host(config), outfit_proxy_port(config));
}

/* ------------------------------------------------------------------ what is known */

const struct proxy_login *proxy_ask_known(const struct client *c, const struct config *config)
{
    char *name = name_of(config);
    bool same = c->proxy.proxy && strcmp(c->proxy.proxy, name) == 0;
    free(name);
    return same ? &c->proxy.login : NULL;
}

void proxy_ask_forget(struct client *c)
{
    proxy_login_wipe(&c->proxy.login);
    free(c->proxy.proxy);
    c->proxy.proxy = NULL;
}

/* @name: ownership passes. */
static void remember(struct client *c, char *name, const char *username, const char *password)
{
    proxy_ask_forget(c);
    c->proxy.proxy = name;
    c->proxy.login.username = mem_strdup(username);
    c->proxy.login.password = mem_strdup(password);
}

void proxy_ask_refused(struct client *c, const struct config *config)
{
    if (!proxy_ask_known(c, config)) {
        return; /* it came from a file, which is read again anyway */
    }
    mgmt_password_failed(c->mgmt, type_of(config), NULL);
    proxy_ask_forget(c);
}

static void answered(struct client *c, const char *username, const char *password)
{
    void (*then)(struct client *) = c->proxy.then;
    char *name = c->proxy.asked_for;
    c->proxy.then = NULL;
    c->proxy.asked_for = NULL;
    remember(c, name, username, password);
    then(c);
}

/* ------------------------------------------------------------------ on the terminal */

static int ask_line(const struct proxy_terminal *t, const char *what, bool echo, char *out)
{
    char *text = mem_printf("Enter %s %s:", t->type, what);
    int n = prompt_ask(text, echo, t->cancel, out, TEXT_MAX);
    free(text);
    return n < 0 ? n : 0;
}

static int ask_lines(struct proxy_terminal *t)
{
    int e = ask_line(t, "Username", true, t->username);
    return e ? e : ask_line(t, "Password", false, t->password);
}

/* Return: 0, -ECANCELED, or ERR_CONFIG after one error line. */
static int judge(const struct proxy_terminal *t, int result)
{
    if (result == -ECANCELED) {
        return result;
    }
    if (result == -ENOTTY) {
        log_error("Nobody to ask for the login of the %s: there is no terminal; put user name and password into a file"
                  " and name it in %s",
                  t->type, t->type[0] == 'H' ? "http-proxy-user-pass" : "socks-proxy");
    } else if (result) {
        log_error("Asking for the login of the %s failed: %s", t->type, err_str(result));
    } else if (!t->username[0]) {
        log_error("ERROR: %s username is empty", t->type);
    }
    return result || !t->username[0] ? ERR_CONFIG : 0;
}

static int terminal_work(void *arg)
{
    return ask_lines(arg);
}

static void terminal_done(void *arg, int result)
{
    struct proxy_terminal *t = arg;
    struct client *c = t->client;
    c->proxy.job = NULL;
    c->proxy.terminal = NULL;
    int e = judge(t, result);
    if (e == 0) {
        answered(c, t->username, t->password);
    } else if (e != -ECANCELED) {
        client_fatal(c);
    }
}

static void terminal_release(void *arg)
{
    struct proxy_terminal *t = arg;
    if (t->cancel >= 0) {
        close(t->cancel);
    }
    secret_wipe(t, sizeof(*t));
    free(t);
}

static void ask_on_terminal(struct client *c, const char *type)
{
    struct proxy_terminal *t = mem_zalloc(sizeof(*t));
    *t = (struct proxy_terminal){.client = c, .type = type, .cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    c->proxy.terminal = t;
    c->proxy.job = job_start(c->loop, &(struct job_request){.work = terminal_work, .done = terminal_done,
                                                             .release = terminal_release, .arg = t});
}

int proxy_ask_before_detaching(struct client *c)
{
    struct config *config = outfit_entry(c, 0);
    int e = 0;
    if (!config->management_query_passwords && proxy_login_asking(config, &config->top) == PROXY_LOGIN_AT_ONCE) {
        struct proxy_terminal t = {.type = type_of(config), .cancel = -1};
        e = judge(&t, ask_lines(&t));
        if (!e) {
            remember(c, name_of(config), t.username, t.password);
        }
        secret_wipe(&t, sizeof(t));
    }
    config_free(config);
    return e;
}

/* ------------------------------------------------------------------ either way */

void proxy_ask_start(struct client *c, const struct config *config, void (*then)(struct client *c))
{
    free(c->proxy.asked_for);
    c->proxy.asked_for = name_of(config);
    c->proxy.then = then;
    if (!client_management_ask_proxy_login(c, type_of(config), answered)) {
        ask_on_terminal(c, type_of(config));
    }
}

void proxy_ask_cancel(struct client *c)
{
    if (c->proxy.job) {
        uint64_t one = 1;
        ssize_t n = write(c->proxy.terminal->cancel, &one, sizeof(one));
        (void)n;
        job_cancel(c->proxy.job);
    }
    c->proxy.job = NULL;
    c->proxy.terminal = NULL;
    c->proxy.then = NULL;
    free(c->proxy.asked_for);
    c->proxy.asked_for = NULL;
}
