/* SPDX-License-Identifier: MIT */
/*
 * A plugin for tests: writes down how it is called and answers as its arguments say.
 *
 *   plugin probe_vN.so LOG [TYPE=ACTION]...
 *
 * LOG gets one line a call and, with `setenv probe_env 1`, the environment of each. TYPE is a number of enum
 * plugin_type. ACTION: misbehave-HOW (garbage, exit, close, huge or flood) | fail | accept-now (through the file; for a response to a challenge) | defer (no answer ever) | accept-later | refuse-later | crash | hang | sleep (1 s) |
 * push=NETWORK (client-connect: a /16 to push) | crash-as=USER | hang-as=USER | sleep-as=USER.
 * "open=fail", "open=crash" and "open=hang" are for the opening; "point=N" is the initialisation point.
 *
 * -DPROBE_API=1, 2 or 3 selects the version of the interface that it exports.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/plugin_abi.h"

#ifndef PROBE_API
#define PROBE_API 3
#endif
#define EXPORT __attribute__((visibility("default")))
#define ACTIONS_MAX 16

struct probe {
    char *log;
    char *actions[ACTIONS_MAX];
    size_t count;
    unsigned clients;
    struct plugin_callbacks *callbacks;
};

struct client {
    unsigned number;
    unsigned calls;
};

static const char *variable(const char *const envp[], const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; envp && envp[i]; i++) {
        if (strncmp(envp[i], name, len) == 0 && envp[i][len] == '=') {
            return envp[i] + len + 1;
        }
    }
    return NULL;
}

static const char *action_of(const struct probe *p, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < p->count; i++) {
        if (strncmp(p->actions[i], key, len) == 0 && p->actions[i][len] == '=') {
            return p->actions[i] + len + 1;
        }
    }
    return "";
}

static void write_down(const struct probe *p, const char *what, int type, const char *const argv[],
                       const char *const envp[], const char *rest)
{
    FILE *log = fopen(p->log, "a");
    if (!log) {
        return;
    }
    fprintf(log, "%s %d uid=%d%s", what, type, (int)getuid(), rest);
    for (size_t i = 0; argv && argv[i]; i++) {
        fprintf(log, " [%s]", argv[i]);
    }
    fputc('\n', log);
    if (variable(envp, "probe_env")) {
        for (size_t i = 0; envp[i]; i++) {
            fprintf(log, "env %d %s\n", type, envp[i]);
        }
    }
    fclose(log);
}

static struct probe *make(const char *const argv[], const char *const envp[], struct plugin_callbacks *callbacks)
{
    struct probe *p = calloc(1, sizeof(*p));
    if (!p || !argv[0] || !argv[1]) {
        free(p);
        return NULL;
    }
    p->callbacks = callbacks;
    p->log = strdup(argv[1]);
    for (size_t i = 2; argv[i] && p->count < ACTIONS_MAX; i++) {
        p->actions[p->count++] = strdup(argv[i]);
    }
    write_down(p, "open", PROBE_API, argv, envp, "");
    const char *action = action_of(p, "open");
    if (strcmp(action, "crash") == 0) {
        abort();
    }
    while (strcmp(action, "hang") == 0) {
        sleep(1);
    }
    if (strcmp(action, "fail") == 0) {
        free(p);
        return NULL;
    }
    return p;
}

static unsigned wanted(const struct probe *p)
{
    const char *mask = action_of(p, "mask");
    return *mask ? (unsigned)strtoul(mask, NULL, 0) : 0xFFFFu & ~(1u << PLUGIN_ENABLE_PF);
}

struct later {
    char *path;
    char verdict;
};

static void *answer_later(void *arg)
{
    struct later *l = arg;
    usleep(300000);
    FILE *f = fopen(l->path, "w");
    if (f) {
        fputc(l->verdict, f);
        fclose(f);
    }
    free(l->path);
    free(l);
    return NULL;
}

static int later(const char *path, char verdict)
{
    struct later *l = calloc(1, sizeof(*l));
    pthread_t thread;
    if (!l || !path) {
        free(l);
        return PLUGIN_ERROR;
    }
    l->path = strdup(path);
    l->verdict = verdict;
    if (pthread_create(&thread, NULL, answer_later, l) == 0) {
        pthread_detach(thread);
    }
    return PLUGIN_DEFERRED;
}

static void give_config(int type, const char *const argv[], const char *line, struct plugin_string_list **list)
{
    if (type == PLUGIN_CLIENT_CONNECT && argv && argv[0] && argv[1]) {
        FILE *f = fopen(argv[1], "w");
        if (f) {
            fprintf(f, "%s\n", line);
            fclose(f);
        }
    } else if (list) {
        struct plugin_string_list *item = calloc(1, sizeof(*item));
        if (item) {
            item->name = strdup("config");
            item->value = strdup(line);
            *list = item;
        }
    }
}

static bool suffixed(const char **action, const char *stem, const char *user)
{
    size_t len = strlen(stem);
    if (strncmp(*action, stem, len) != 0) {
        return false;
    }
    return (*action)[len] == '\0' ||
           (strncmp(*action + len, "-as=", 4) == 0 && user && strcmp(*action + len + 4, user) == 0);
}

/* What a plugin with a hole may do to the one that runs it. */
static void misbehave(const struct probe *p, const char *how, struct plugin_string_list **list)
{
    char noise[600];
    if (strcmp(how, "exit") == 0) {
        exit(0);
    }
    if (strcmp(how, "close") == 0) {
        for (int fd = 3; fd < 64; fd++) {
            close(fd);
        }
    }
    for (unsigned i = 0; strcmp(how, "garbage") == 0 && i < 200; i++) {
        for (size_t j = 0; j < sizeof(noise); j++) {
            noise[j] = (char)rand();
        }
        noise[0] = (char)(i % 16);
        if (write(3, noise, i) < 0) {
            return;
        }
    }
    for (unsigned i = 0; strcmp(how, "flood") == 0 && p->callbacks && i < 20000; i++) {
        p->callbacks->log(PLUGIN_LOG_NOTE, "probe", "line %u\nforged line", i);
    }
    if (strcmp(how, "huge") == 0) {
        struct plugin_string_list *item = calloc(1, sizeof(*item));
        item->name = strdup("config");
        item->value = malloc(1 << 20);
        memset(item->value, 'x', (1 << 20) - 1);
        item->value[(1 << 20) - 1] = '\0';
        *list = item;
    }
}

static int act(struct probe *p, int type, const char *const argv[], const char *const envp[],
               struct plugin_string_list **list)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", type);
    const char *action = action_of(p, key);
    const char *user = variable(envp, "username");
    const char *file = variable(envp, type == PLUGIN_AUTH_USER_PASS_VERIFY ? "auth_control_file"
                                                                            : "client_connect_deferred_file");
    if (suffixed(&action, "crash", user)) {
        abort();
    }
    while (suffixed(&action, "hang", user)) {
        sleep(1);
    }
    if (suffixed(&action, "sleep", user)) {
        sleep(1);
    }
    if (suffixed(&action, "fail", user)) {
        return PLUGIN_ERROR;
    }
    if (strcmp(action, "defer") == 0) {
        return PLUGIN_DEFERRED;
    }
    if (strcmp(action, "accept-later") == 0) {
        return later(file, '1');
    }
    if (strcmp(action, "refuse-later") == 0) {
        return later(file, '0');
    }
    if (strncmp(action, "misbehave-", 10) == 0 && user && strcmp(user, "mallory") == 0) {
        misbehave(p, action + 10, list);
    }
    if (strcmp(action, "accept-now") == 0) {
        const char *control = variable(envp, "auth_control_file");
        FILE *f = control ? fopen(control, "w") : NULL;
        if (!f) {
            return PLUGIN_ERROR;
        }
        fputc('1', f);
        fclose(f);
    }
    if (strncmp(action, "push=", 5) == 0) {
        char line[128];
        snprintf(line, sizeof(line), "push \"route %s 255.255.0.0\"", action + 5);
        give_config(type, argv, line, list);
    }
    return PLUGIN_SUCCESS;
}

#if PROBE_API == 3
static void say_hello(const struct probe *p)
{
    char *text = NULL;
    char back[32] = "";
    int len = p->callbacks->base64_encode("vpn\0d", 5, &text);
    int n = p->callbacks->base64_decode(text ? text : "", back, sizeof(back));
    char secret[8] = "secret";
    p->callbacks->secure_memzero(secret, sizeof(secret));
    errno = ENOENT;
    p->callbacks->log(PLUGIN_LOG_NOTE, "probe", "base64 %d %s %d %s wiped=%d", len, text ? text : "?", n,
                      memcmp(back, "vpn\0d", 5) == 0 ? "same" : "different", secret[0] == 0);
    p->callbacks->log(PLUGIN_LOG_ERROR | PLUGIN_LOG_ERRNO, "probe", "an error with errno");
    p->callbacks->log(PLUGIN_LOG_WARN, "probe", "a warning");
    p->callbacks->log(PLUGIN_LOG_DEBUG, "probe", "a debug message");
    free(text);
}
#endif

EXPORT int openvpn_plugin_select_initialization_point_v1(void)
{
    const char *point = getenv("PROBE_POINT");
    return point ? atoi(point) : PLUGIN_INIT_PRE_DAEMON;
}

#if PROBE_API == 1
EXPORT plugin_handle openvpn_plugin_open_v1(unsigned *type_mask, const char *argv[], const char *envp[])
{
    struct probe *p = make(argv, envp, NULL);
    if (p) {
        *type_mask = wanted(p) & ~(1u << PLUGIN_CLIENT_CONNECT_V2 | 1u << PLUGIN_CLIENT_CONNECT_DEFER_V2);
    }
    return p;
}

EXPORT int openvpn_plugin_func_v1(plugin_handle handle, int type, const char *argv[], const char *envp[])
{
    write_down(handle, "call", type, argv, envp, "");
    return act(handle, type, argv, envp, NULL);
}
#else
EXPORT void *openvpn_plugin_client_constructor_v1(plugin_handle handle)
{
    struct probe *p = handle;
    struct client *c = calloc(1, sizeof(*c));
    if (c) {
        c->number = ++p->clients;
    }
    return c;
}

EXPORT void openvpn_plugin_client_destructor_v1(plugin_handle handle, void *context)
{
    struct client *c = context;
    char rest[64];
    snprintf(rest, sizeof(rest), " client=%u calls=%u", c->number, c->calls);
    write_down(handle, "gone", -1, NULL, NULL, rest);
    free(c);
}
#endif

#if PROBE_API == 2
EXPORT plugin_handle openvpn_plugin_open_v2(unsigned *type_mask, const char *argv[], const char *envp[],
                                            struct plugin_string_list **return_list)
{
    (void)return_list;
    struct probe *p = make(argv, envp, NULL);
    if (p) {
        *type_mask = wanted(p);
    }
    return p;
}

EXPORT int openvpn_plugin_func_v2(plugin_handle handle, int type, const char *argv[], const char *envp[],
                                  void *per_client_context, struct plugin_string_list **return_list)
{
    struct client *c = per_client_context;
    char rest[64] = "";
    if (c) {
        snprintf(rest, sizeof(rest), " client=%u calls=%u", c->number, ++c->calls);
    }
    write_down(handle, "call", type, argv, envp, rest);
    return act(handle, type, argv, envp, return_list);
}
#endif

#if PROBE_API == 3
EXPORT int openvpn_plugin_min_version_required_v1(void)
{
    return 3;
}

EXPORT int openvpn_plugin_open_v3(int version, const struct plugin_open_in *in, struct plugin_open_return *out)
{
    if (version < 5) {
        return PLUGIN_ERROR;
    }
    struct probe *p = make(in->argv, in->envp, in->callbacks);
    if (!p) {
        return PLUGIN_ERROR;
    }
    char rest[128];
    snprintf(rest, sizeof(rest), " struct=%d mask=%#x ssl=%d version=%s %u.%u patch=%s list=%d", version,
             (unsigned)in->type_mask, (int)in->ssl_api, in->version, in->version_major, in->version_minor,
             in->version_patch, out->return_list != NULL);
    write_down(p, "host", 0, NULL, NULL, rest);
    say_hello(p);
    out->type_mask = (int)wanted(p);
    out->handle = p;
    return PLUGIN_SUCCESS;
}

EXPORT int openvpn_plugin_func_v3(int version, const struct plugin_func_in *in, struct plugin_func_return *out)
{
    struct client *c = in->per_client_context;
    char rest[128] = "";
    size_t n = 0;
    (void)version;
    if (c) {
        n = (size_t)snprintf(rest, sizeof(rest), " client=%u calls=%u", c->number, ++c->calls);
    }
    if (in->type == PLUGIN_TLS_VERIFY) {
        snprintf(rest + n, sizeof(rest) - n, " depth=%d cert=%d", in->current_cert_depth, in->current_cert != NULL);
    }
    write_down(in->handle, "call", in->type, in->argv, in->envp, rest);
    return act(in->handle, in->type, in->argv, in->envp, out->return_list);
}
#endif

EXPORT void openvpn_plugin_close_v1(plugin_handle handle)
{
    write_down(handle, "close", -1, NULL, NULL, "");
}

EXPORT void openvpn_plugin_abort_v1(plugin_handle handle)
{
    write_down(handle, "abort", -1, NULL, NULL, "");
}
