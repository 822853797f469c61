/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hashmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/certificate.h"
#include "hooks/plugin_message.h"
#include "hooks/plugin_module.h"
#include "sys/caps.h"
#include "sys/daemon.h"

#define LOG_TEXT_MAX 4096

struct host {
    struct plugin_callbacks callbacks;
    const struct plugin_load *load;
    struct plugin_module *module;
    struct hashmap clients; /* struct client */
    bool settled;
};

/* What the plugin keeps for one client. */
struct client {
    struct hash_node node;
    uint64_t id;
    void *data;
};

/* ------------------------------------------------------------------ services for the plugin */

static void send_log(int flags, const char *text)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_LOG);
    if (plugin_put_u32(&message, (uint32_t)flags) == 0 && plugin_put_text(&message, text) == 0) {
        (void)plugin_send(PLUGIN_HOST_FD, &message, NULL, 0, true);
    }
    buf_free(&message, false);
}

static void log_list(int flags, const char *name, const char *format, va_list args)
{
    int error = errno;
    char text[LOG_TEXT_MAX];
    int n = snprintf(text, sizeof(text), "PLUGIN %s: ", name ? name : "?");
    size_t used = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    (void)vsnprintf(text + used, sizeof(text) - used, format, args);
    if (flags & PLUGIN_LOG_ERRNO) {
        used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, ": %s (errno=%d)", strerror(error), error);
    }
    send_log(flags, text);
}

static void log_args(int flags, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_list(flags, name, format, args);
    va_end(args);
}

static void wipe(void *data, size_t len)
{
    secret_wipe(data, len);
}

static int encode(const void *data, int size, char **str)
{
    if (!data || size < 0 || !str) {
        return -1;
    }
    *str = base64_encode(data, (size_t)size);
    return *str ? (int)strlen(*str) : -1;
}

static int decode(const char *str, void *data, int size)
{
    if (!str || !data || size < 0) {
        return -1;
    }
    int n = base64_decode(str, strlen(str), data, (size_t)size);
    return n < 0 ? -1 : n;
}

static const struct plugin_callbacks services = {
    .log = log_args, .vlog = log_list, .secure_memzero = wipe, .base64_encode = encode, .base64_decode = decode};

/* ------------------------------------------------------------------ clients */

static struct client *find_client(const struct host *host, uint64_t id)
{
    uint64_t hash = hashmap_hash(&host->clients, &id, sizeof(id));
    for (struct hash_node *node = hashmap_first(&host->clients, hash); node; node = hashmap_next(node)) {
        struct client *client = (struct client *)(void *)((char *)node - offsetof(struct client, node));
        if (client->id == id) {
            return client;
        }
    }
    return NULL;
}

static void *client_data(struct host *host, uint64_t id)
{
    struct client *client = find_client(host, id);
    if (!client) {
        client = mem_zalloc(sizeof(*client));
        client->id = id;
        client->data = plugin_module_client_new(host->module);
        hashmap_insert(&host->clients, &client->node, hashmap_hash(&host->clients, &id, sizeof(id)));
    }
    return client->data;
}

static void forget_client(struct host *host, uint64_t id)
{
    struct client *client = find_client(host, id);
    if (client) {
        (void)hashmap_remove(&host->clients, &client->node);
        plugin_module_client_free(host->module, client->data);
        free(client);
    }
}

static void forget_node(struct hash_node *node, void *arg)
{
    struct host *host = arg;
    struct client *client = (struct client *)(void *)((char *)node - offsetof(struct client, node));
    forget_client(host, client->id);
}

/* ------------------------------------------------------------------ requests */

static int send_result(uint32_t id, int status, const struct plugin_string_list *answer)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_RESULT);
    uint32_t items = 0;
    for (const struct plugin_string_list *item = answer; item && items < PLUGIN_LIST_MAX; item = item->next) {
        items += 2;
    }
    char **list = mem_array(items + 1, sizeof(*list));
    uint32_t at = 0;
    for (const struct plugin_string_list *item = answer; item && at < items; item = item->next) {
        list[at++] = item->name ? item->name : (char[]){""};
        list[at++] = item->value ? item->value : (char[]){""};
    }
    int rc = plugin_put_u32(&message, id);
    rc = rc ? rc : plugin_put_u32(&message, (uint32_t)status);
    rc = rc ? rc : plugin_put_list(&message, list);
    free(list);
    if (rc < 0) {
        buf_free(&message, true);
        send_log(PLUGIN_LOG_ERROR, "PLUGIN: the answer of a plugin is longer than this side takes");
        return send_result(id, PLUGIN_ERROR, NULL);
    }
    rc = plugin_send(PLUGIN_HOST_FD, &message, NULL, 0, true);
    buf_free(&message, true);
    return rc;
}

static int run_call(struct host *host, struct rd *in)
{
    uint32_t id = rd_u32(in);
    struct plugin_module_call call = {.type = (enum plugin_type)rd_u32(in)};
    uint64_t client = rd_u64(in);
    call.depth = rd_u32(in);
    char *pem = plugin_get_text(in);
    char **argv = plugin_get_list(in);
    char **envp = plugin_get_list(in);
    int rc = -EBADMSG;
    if (pem && argv && envp) {
        call.argv = (const char **)argv;
        call.envp = (const char **)envp;
        call.client = client_data(host, client);
        call.certificate = *pem ? certificate_from_pem(pem) : NULL;
        int status = plugin_module_run(host->module, &call);
        certificate_free(call.certificate);
        rc = send_result(id, status, call.answer);
        plugin_module_answer_free(call.answer);
    }
    free(pem);
    plugin_list_free(argv);
    plugin_list_free(envp);
    return rc;
}

static int run_close(struct host *host, struct rd *in)
{
    uint32_t id = rd_u32(in);
    int failed = (int)rd_u32(in);
    hashmap_each(&host->clients, forget_node, host);
    plugin_module_close(host->module, failed);
    (void)send_result(id, 0, NULL);
    return 0;
}

/* ------------------------------------------------------------------ life */

static int become_user(const struct host *host)
{
    const struct plugin_load *load = host->load;
    struct caps_identity identity = {.user = *load->user ? load->user : NULL,
                                     .group = *load->group ? load->group : NULL};
    if (caps_lookup(&identity) < 0) {
        return -1;
    }
    if (*load->chroot && daemon_chroot(load->chroot) < 0) {
        return -1;
    }
    return identity.user || identity.group ? caps_drop(&identity, 0, false) : 0;
}

static int settle(struct host *host)
{
    if (host->settled) {
        return 0;
    }
    host->settled = true;
    return become_user(host);
}

static int send_opened(unsigned mask, const char *error)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_OPENED);
    int rc = plugin_put_u32(&message, mask);
    rc = rc ? rc : plugin_put_text(&message, error);
    rc = rc ? rc : plugin_send(PLUGIN_HOST_FD, &message, NULL, 0, true);
    buf_free(&message, false);
    return rc;
}

static int open_module(struct host *host)
{
    char *error = NULL;
    unsigned mask = 0;
    host->module = plugin_module_load(host->load->path, &error);
    if (host->module) {
        bool late = plugin_module_init_point(host->module) == PLUGIN_INIT_POST_UID_CHANGE;
        if (late && !host->settled) {
            host->settled = true;
            if (become_user(host) < 0) {
                error = mem_printf("the process of plugin %s cannot give up privileges", host->load->path);
            }
        }
        if (!error) {
            (void)plugin_module_open(host->module, (const char **)host->load->argv, (const char **)host->load->envp,
                                     &host->callbacks, &mask, &error);
        }
    }
    int rc = send_opened(mask, error ? error : "");
    rc = error ? -1 : rc;
    free(error);
    return rc;
}

/* Return: 1 go on, 0 the end, negative: broken. */
static int serve_one(struct host *host, struct buf *message)
{
    int fds[PLUGIN_FDS_MAX];
    int kind = plugin_receive(PLUGIN_HOST_FD, message, fds, true);
    struct rd in = plugin_message_read(message);
    uint32_t id;
    switch (kind) {
    case PLUGIN_MSG_CALL:
        return run_call(host, &in) < 0 ? -1 : 1;
    case PLUGIN_MSG_FORGET:
        id = rd_u32(&in);
        forget_client(host, rd_u64(&in));
        return send_result(id, 0, NULL) < 0 ? -1 : 1;
    case PLUGIN_MSG_STREAMS:
        plugin_take_streams(fds);
        return 1;
    case PLUGIN_MSG_SETTLE:
        return settle(host) < 0 ? -1 : 1;
    case PLUGIN_MSG_CLOSE:
        return run_close(host, &in);
    case 0:
        plugin_module_close(host->module, 1); /* the daemon is gone without a word */
        return 0;
    default:
        return -1;
    }
}

int plugin_host_run(const struct plugin_load *load, bool settled)
{
    struct host host = {.callbacks = services, .load = load};
    struct buf message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    hashmap_init(&host.clients);
    if (open_module(&host) < 0) {
        return 1;
    }
    if (settled && !host.settled) {
        host.settled = true;
        if (become_user(&host) < 0) {
            return 1;
        }
    }
    int rc;
    do {
        rc = serve_one(&host, &message);
        secret_wipe(message.data, message.len);
    } while (rc > 0);
    return rc < 0;
}
