/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "hooks/base_env.h"
#include "mgmt/mgmt_private.h"

#define PENDING_TEXT_MAX 1000

/* What env-filter 1 and 2 let through, besides peer info. */
static const char *const filter_prefixes[] = {
    "username=",        "password=",        "X509_0_CN=",       "tls_serial_",            "untrusted_ip=",
    "ifconfig_local=",  "ifconfig_netmask=", "daemon_start_time=", "daemon_pid=",         "dev=",
    "ifconfig_pool_remote_ip=", "ifconfig_pool_netmask=", "time_duration=", "bytes_sent=", "bytes_received=",
    "session_id=",      "session_state=",
};

static bool peer_info_item(const char *item)
{
    return strncmp(item, "IV_", 3) == 0 || strncmp(item, "UV_", 3) == 0;
}

static bool passes_filter(unsigned level, const char *item)
{
    if (level == 0 || peer_info_item(item)) {
        return true;
    }
    if (level >= 3) {
        return false;
    }
    if (level == 1 && strncmp(item, "X509_", 5) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(filter_prefixes) / sizeof(filter_prefixes[0]); i++) {
        if (strncmp(item, filter_prefixes[i], strlen(filter_prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

void client_auth_env(struct mgmt *m, const char *prefix, const struct env *env, const char *username,
                     const char *password)
{
    struct env all = {0};
    base_env_fill(&all, m->config);
    if (env) {
        env_merge(&all, env);
    }
    if (username) {
        env_set(&all, "username", username);
    }
    if (password) {
        env_set(&all, "password", password);
    }
    for (size_t i = 0; i < all.count; i++) {
        if (passes_filter(m->env_filter, all.items[i])) {
            mgmt_broadcast(m, "%s,%s", prefix, all.items[i]);
        }
    }
    mgmt_broadcast(m, "%s,END", prefix);
    env_free(&all);
}

static struct mgmt_login *find(struct mgmt *m, uint64_t client_id)
{
    uint64_t hash = hashmap_hash(&m->logins, &client_id, sizeof(client_id));
    for (struct hash_node *node = hashmap_first(&m->logins, hash); node; node = hashmap_next(node)) {
        struct mgmt_login *login = container_of(node, struct mgmt_login, node);
        if (login->client_id == client_id) {
            return login;
        }
    }
    return NULL;
}

static void forget(struct mgmt *m, struct mgmt_login *login)
{
    (void)hashmap_remove(&m->logins, &login->node);
    free(login->config);
    free(login);
}

static enum event_vote ask(struct mgmt *m, const struct event *e, struct event_request *request)
{
    struct mgmt_login *login = find(m, e->client_id);
    bool again = login != NULL && e->flag;
    if (!login) {
        login = mem_zalloc(sizeof(*login));
        login->client_id = e->client_id;
        hashmap_insert(&m->logins, &login->node, hashmap_hash(&m->logins, &login->client_id, sizeof(uint64_t)));
    }
    login->key_id = e->key_id;
    login->accepted = false;
    login->request = request;
    struct mgmt_load load = {0};
    m->host->load(m->host_arg, &load);
    mgmt_broadcast(m, ">CLIENT:%s,%" PRIu64 ",%" PRIu64, again ? "REAUTH" : "CONNECT", e->client_id, e->key_id);
    mgmt_broadcast(m, ">CLIENT:ENV,n_clients=%" PRIu64, load.clients);
    client_auth_env(m, ">CLIENT:ENV", e->env, e->username, e->password);
    return EVENT_LATER;
}

static enum event_vote hand_over_config(struct mgmt *m, const struct event *e, struct event_request *request)
{
    struct mgmt_login *login = find(m, e->client_id);
    if (!login || !login->config) {
        return EVENT_ABSTAIN;
    }
    event_note(request, login->config);
    free(login->config);
    login->config = NULL;
    return EVENT_ACCEPT;
}

static void tell_end(struct mgmt *m, const struct event *e)
{
    struct mgmt_login *login = find(m, e->client_id);
    if (!login) {
        return;
    }
    mgmt_broadcast(m, ">CLIENT:DISCONNECT,%" PRIu64, e->client_id);
    client_auth_env(m, ">CLIENT:ENV", e->env, NULL, NULL);
    forget(m, login);
}

enum event_vote client_auth_event(struct mgmt *m, const struct event *e, struct event_request *request)
{
    switch (e->type) {
    case EVENT_USER_PASS:
        return ask(m, e, request);
    case EVENT_CLIENT_CONNECT:
        return hand_over_config(m, e, request);
    case EVENT_CLIENT_ESTABLISHED:
        mgmt_broadcast(m, ">CLIENT:ESTABLISHED,%" PRIu64, e->client_id);
        client_auth_env(m, ">CLIENT:ENV", e->env, NULL, NULL);
        return EVENT_ABSTAIN;
    case EVENT_CLIENT_ADDRESS:
        mgmt_broadcast(m, ">CLIENT:ADDRESS,%" PRIu64 ",%s,%d", e->client_id, e->text, e->flag);
        return EVENT_ABSTAIN;
    case EVENT_CR_RESPONSE:
        mgmt_broadcast(m, ">CLIENT:CR_RESPONSE,%" PRIu64 ",%" PRIu64 ",%s", e->client_id, e->key_id, e->text);
        client_auth_env(m, ">CLIENT:ENV", e->env, NULL, NULL);
        return EVENT_ABSTAIN;
    case EVENT_CLIENT_GONE:
        tell_end(m, e);
        return EVENT_ABSTAIN;
    default:
        return EVENT_ABSTAIN;
    }
}

static void drop_request(struct hash_node *node, void *request)
{
    struct mgmt_login *login = container_of(node, struct mgmt_login, node);
    if (login->request == request) {
        login->request = NULL;
    }
}

void client_auth_cancel(struct mgmt *m, struct event_request *request)
{
    hashmap_each(&m->logins, drop_request, request);
}

bool client_auth_decide(struct mgmt *m, struct mgmt_verdict *verdict)
{
    struct mgmt_login *login = find(m, verdict->client_id);
    if (!login || login->key_id != verdict->key_id) {
        return false;
    }
    verdict->request = login->request;
    if (!login->request) {
        return verdict->accept && login->accepted; /* said twice */
    }
    login->request = NULL;
    login->accepted = verdict->accept;
    if (verdict->accept && verdict->text && *verdict->text) {
        free(login->config);
        login->config = mem_strdup(verdict->text);
    }
    return true;
}

void client_auth_tell(struct mgmt *m, const struct mgmt_verdict *verdict)
{
    if (verdict->request) {
        event_answer(verdict->request, &m->listener, verdict->accept ? EVENT_ACCEPT : EVENT_REJECT,
                     verdict->accept ? NULL : verdict->text);
    }
}

bool client_auth_pending(struct mgmt *m, uint64_t client_id, uint64_t key_id, const char *extra, unsigned timeout_s)
{
    struct mgmt_login *login = find(m, client_id);
    if (!login || login->key_id != key_id || !login->request || strlen(extra) > PENDING_TEXT_MAX) {
        return false;
    }
    return event_pending(login->request, timeout_s, NULL, extra);
}

static void forget_node(struct hash_node *node, void *m)
{
    forget(m, container_of(node, struct mgmt_login, node));
}

void client_auth_free(struct mgmt *m)
{
    hashmap_each(&m->logins, forget_node, m);
    hashmap_free(&m->logins);
}
