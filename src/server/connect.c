/* SPDX-License-Identifier: MIT */
#include "server/connect.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/event.h"
#include "hooks/plugins.h"
#include "server/activate.h"
#include "server/addresses.h"
#include "server/ccd.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/hook_env.h"
#include "server/instance.h"
#include "server/login.h"
#include "server/static_names.h"

struct connect {
    struct instance *instance;
    struct list waiting_link;
    struct event_request *request;
    struct static_names *names;            /* being looked up */
    void (*after_names)(struct connect *); /* what comes then */
    struct env env;
    bool step_succeeded; /* client-disconnect is owed even when a later step fails */
};

/* Messages of the configuration parser, with the client's prefix. */
static void report_line(void *arg, enum config_level level, const char *text)
{
    const struct instance *instance = arg;
    enum log_severity severity = level == CONFIG_ERROR ? LOG_SEV_ERROR : LOG_SEV_WARN;
    instance_log(instance, severity, 1, "%s", text);
}

static void finish(struct connect *connect)
{
    struct instance *instance = connect->instance;
    instance->connect = NULL;
    list_remove(&connect->waiting_link);
    env_free(&connect->env);
    free(connect);
}

static void refuse(struct connect *connect, const char *reason)
{
    struct instance *instance = connect->instance;
    instance->hooks_ran = connect->step_succeeded;
    finish(connect);
    instance_refuse(instance->current, reason);
}

static void admit(struct connect *connect)
{
    struct instance *instance = connect->instance;
    instance->hooks_ran = true;
    finish(connect);
    if (instance->options->override_username &&
        login_override_username(instance->current->login, instance->options->override_username) < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "MULTI: override-username needs a user and password check and a name of at most 127 bytes");
        instance_refuse(instance->current, NULL);
        return;
    }
    activate_begin(instance);
}

static void on_names(void *arg, const struct static_ifconfig *found, const char *failed)
{
    struct connect *connect = arg;
    connect->names = NULL;
    if (failed) {
        instance_log(connect->instance, LOG_SEV_ERROR, 1,
                     "Options error: ifconfig-push: the name '%s' has no IPv4 address; the client is refused", failed);
        refuse(connect, NULL);
        return;
    }
    addresses_choose_static(connect->instance, found);
    connect->after_names(connect);
}

/* Static addresses of the options so far, whose names may have to be looked up; then @next, unless refused. */
static void choose_static(struct connect *connect, void (*next)(struct connect *))
{
    struct instance *instance = connect->instance;
    if (!instance->options->ifconfig_push.local) {
        addresses_choose_static(instance, NULL);
        next(connect);
        return;
    }
    connect->after_names = next;
    struct static_names *names =
        static_names_start(instance->server->loop, &instance->options->ifconfig_push, on_names, connect);
    if (names) {
        connect->names = names; /* NULL: it is over and connect may be gone */
    }
}

static bool is_disabled(struct connect *connect, const char *by)
{
    if (connect->instance->options->disable) {
        instance_log(connect->instance, LOG_SEV_INFO, 1,
                     "MULTI: client has been rejected due to 'disable' directive (%s)", by);
        return true;
    }
    return false;
}

/* Configuration lines of hooks: "line\nline\n". */
static int apply_lines(struct connect *connect, const char *lines)
{
    struct instance *instance = connect->instance;
    struct config_reporter reporter = {.line = report_line, .arg = instance, .keep_going = true};
    unsigned number = 0;
    int worst = 0;
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        char *text = mem_strndup(lines, n);
        int rc = config_client_apply(instance->options, "client-connect", ++number, text, &reporter);
        worst = rc < 0 ? rc : worst;
        free(text);
        lines += n + (lines[n] == '\n');
    }
    return worst;
}

static void on_hooks_done(void *arg, const struct event_result *result)
{
    struct connect *connect = arg;
    struct instance *instance = connect->instance;
    connect->request = NULL;
    if (!result->accepted) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "WARNING: client-connect command or deferred client-connect refused the client");
        refuse(connect, result->reason);
        return;
    }
    connect->step_succeeded = connect->step_succeeded || result->voters > 0;
    bool configured = result->config && *result->config;
    if (configured) {
        (void)apply_lines(connect, result->config); /* wrong lines are named in the log and skipped, as 2.x does */
    }
    if (is_disabled(connect, "client-connect")) {
        refuse(connect, NULL);
        return;
    }
    if (configured) {
        choose_static(connect, admit);
    } else {
        admit(connect);
    }
}

/* Plugins hear of a client's address here (the `ipchange` script is for clients). */
static void announce_peer(const struct instance *instance)
{
    struct env env = {0};
    char text[ADDR_TEXT_MAX];
    char *where = mem_strdup(addr_format_log(&instance->entry.path.remote, text));
    char *colon = strrchr(where, ':');
    if (colon) {
        *colon = ' ';
    }
    hook_env_client(instance, &env);
    event_announce(instance->server->bus, &(struct event){.type = EVENT_PEER_ADDRESS, .env = &env, .args = {where}});
    env_free(&env);
    free(where);
}

static void ask_hooks(struct connect *connect)
{
    struct instance *instance = connect->instance;
    hook_env_client(instance, &connect->env);
    struct event event = {
        .type = EVENT_CLIENT_CONNECT,
        .env = &connect->env,
        .username = instance->username,
        .has_client = true,
        .client_id = instance->entry.client_id,
    };
    struct event_asker asker = {.done = on_hooks_done, .arg = connect};
    struct event_request *request = event_ask(instance->server->bus, &event, &asker);
    if (request) {
        connect->request = request; /* NULL: it is over and connect may be gone */
    }
}

/* client-config-dir. Return: 0 when there is no file, 1 applied, negative: refuse. */
static int apply_ccd(struct connect *connect)
{
    struct instance *instance = connect->instance;
    const char *dir = held_config_get(instance->held)->client_config_dir;
    struct config_reporter reporter = {.line = report_line, .arg = instance, .keep_going = true};
    char *path = NULL;
    if (!dir) {
        return 0;
    }
    int rc = ccd_find(dir, instance->cn, &path);
    if (rc == ERR_NOT_FOUND || rc == ERR_FORMAT) {
        return 0;
    }
    if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "Options error: client-config-dir %s: the file of this client cannot be read: %s", dir,
                     err_str(rc));
        return rc;
    }
    instance_log(instance, LOG_SEV_USUAL, 3, "OPTIONS IMPORT: reading client specific options from: %s", path);
    rc = config_client_apply_file(instance->options, path, &reporter);
    if (rc == ERR_CONFIG) {
        rc = 0; /* wrong lines were named in the log and are skipped, as 2.x does */
    } else if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "Options error: %s cannot be read: %s; the client is refused", path,
                     err_str(rc));
    }
    free(path);
    return rc < 0 ? rc : 1;
}

static void go_on(struct connect *connect)
{
    struct instance *instance = connect->instance;
    config_client_free(instance->options);
    held_config_unref(instance->held);
    instance->held = held_config_ref(instance->server->live);
    instance->options = config_client_new(held_config_get(instance->held));
    addresses_choose_dynamic(instance);
    int ccd = apply_ccd(connect);
    if (ccd < 0) {
        refuse(connect, NULL);
        return;
    }
    connect->step_succeeded = ccd > 0;
    if (is_disabled(connect, "client-config-dir")) {
        connect->step_succeeded = false;
        refuse(connect, NULL);
        return;
    }
    choose_static(connect, ask_hooks);
}

static void drop_duplicates(struct instance *instance)
{
    struct server *server = instance->server;
    bool told = false;
    if (held_config_get(server->live)->duplicate_cn || !*instance->cn) {
        return;
    }
    struct instance_entry *at = instances_named(&server->instances, instance->cn, NULL);
    while (at) {
        struct instance_entry *next = instances_named(&server->instances, instance->cn, at);
        if (at != &instance->entry) {
            if (!told) {
                log_write(
                    LOG_SEV_INFO, 1, NULL,
                    "MULTI: new connection by client '%s' will cause previous active sessions by this client to be "
                    "dropped.  Remember to use the --duplicate-cn option if you want multiple clients using the same "
                    "certificate or username to concurrently connect.",
                    instance->cn);
                told = true;
            }
            instance_close(instance_of(at), "");
        }
        at = next;
    }
}

/* An older client of this name whose last hooks have not been started yet. */
static bool must_wait(const struct instance *instance)
{
    struct server *server = instance->server;
    if (held_config_get(server->live)->duplicate_cn || !*instance->cn) {
        return false;
    }
    list_for (at, next, &server->departing) {
        const struct instance *other = container_of(at, struct instance, departing_link);
        if (other->cn && strcmp(other->cn, instance->cn) == 0) {
            return true;
        }
    }
    return false;
}

void connect_begin(struct instance *instance)
{
    struct connect *connect = mem_zalloc(sizeof(*connect));
    const char *username = login_username(instance->current->login);

    connect->instance = instance;
    list_init(&connect->waiting_link);
    instance->connect = connect;
    free(instance->cn);
    free(instance->username);
    instance->cn = mem_strdup(login_common_name(instance->current->login));
    instance->username = mem_strdup(username);
    if (plugins_want(instance->server->plugins, EVENT_PEER_ADDRESS)) {
        announce_peer(instance);
    }
    drop_duplicates(instance);
    instances_name(&instance->server->instances, &instance->entry, instance->cn);
    instance_retag(instance);
    if (must_wait(instance)) {
        list_push(&instance->server->waiting, &connect->waiting_link);
    } else {
        go_on(connect);
    }
}

void connect_cancel(struct instance *instance)
{
    struct connect *connect = instance->connect;
    if (!connect) {
        return;
    }
    if (connect->request) {
        event_cancel(connect->request);
    }
    static_names_cancel(connect->names);
    instance->hooks_ran = connect->step_succeeded;
    finish(connect);
}

void connect_resume(struct server *server)
{
    struct list ready;
    list_init(&ready);
    list_for (at, next, &server->waiting) {
        struct connect *connect = container_of(at, struct connect, waiting_link);
        if (!must_wait(connect->instance)) {
            list_remove(&connect->waiting_link);
            list_push(&ready, &connect->waiting_link);
        }
    }
    while (!list_empty(&ready)) {
        struct connect *connect = container_of(ready.next, struct connect, waiting_link);
        list_remove(&connect->waiting_link);
        go_on(connect);
    }
}
