/* SPDX-License-Identifier: MIT */
#include "hooks/plugins.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/answer_files.h"
#include "hooks/base_env.h"
#include "hooks/plugin_abi.h"
#include "hooks/plugin_launch.h"
#include "hooks/plugin_link.h"
#include "hooks/plugin_message.h"

#define POLL_FIRST_MS 100
#define POLL_LAST_MS 1000
#define TICK_MS 100
#define OPTION "plugin" /* for messages about files */

/* What one plugin is to the bus. */
struct slot {
    struct plugins *plugins;
    size_t index;
    struct event_listener listener;
    struct list jobs;
};

struct plugins {
    struct plugin_launch launch;
    struct plugin_links *links;   /* NULL: not listening yet */
    struct slot *slots;
    struct event_bus *bus;
    const struct config *config;
    uv_timer_t *tick;             /* runs while an answer is deferred */
};

/* One event on its way through one plugin. */
struct job {
    struct list link;
    struct slot *slot;
    const struct kind *kind;
    struct event_request *request; /* NULL: nobody waits for the answer */
    struct plugin_call *call;      /* NULL: the plugin has deferred its answer */
    enum plugin_type type;         /* of the call */
    uint64_t client;
    struct answer_files files;
    struct env env;                /* CLIENT_CONNECT: for the calls that follow */
    uint64_t next_ms;
    unsigned pause_ms;
};

/* What an event is to a plugin. */
struct kind {
    enum event_type event;
    enum plugin_type type;
    const char *name;
    bool advisory;      /* failure is only logged */
};

static const struct kind kinds[] = {
    {EVENT_DEVICE_UP, PLUGIN_UP, "PLUGIN_UP", false},
    {EVENT_DEVICE_DOWN, PLUGIN_DOWN, "PLUGIN_DOWN", false},
    {EVENT_ROUTES_UP, PLUGIN_ROUTE_UP, "PLUGIN_ROUTE_UP", true},
    {EVENT_ROUTES_PRE_DOWN, PLUGIN_ROUTE_PREDOWN, "PLUGIN_ROUTE_PREDOWN", false},
    {EVENT_PEER_ADDRESS, PLUGIN_IPCHANGE, "PLUGIN_IPCHANGE", true},
    {EVENT_TLS_VERIFY, PLUGIN_TLS_VERIFY, "PLUGIN_TLS_VERIFY", false},
    {EVENT_TLS_FINAL, PLUGIN_TLS_FINAL, "PLUGIN_TLS_FINAL", false},
    {EVENT_USER_PASS, PLUGIN_AUTH_USER_PASS_VERIFY, "PLUGIN_AUTH_USER_PASS_VERIFY", false},
    {EVENT_CLIENT_CONNECT, PLUGIN_CLIENT_CONNECT, "PLUGIN_CLIENT_CONNECT", false},
    {EVENT_CLIENT_CONNECT, PLUGIN_CLIENT_CONNECT_V2, "PLUGIN_CLIENT_CONNECT_V2", false},
    {EVENT_CLIENT_DISCONNECT, PLUGIN_CLIENT_DISCONNECT, "PLUGIN_CLIENT_DISCONNECT", true},
    {EVENT_LEARN_ADDRESS, PLUGIN_LEARN_ADDRESS, "PLUGIN_LEARN_ADDRESS", false},
    {EVENT_CR_RESPONSE, PLUGIN_CLIENT_CRRESPONSE, "PLUGIN_CRRESPONSE", false},
};

static unsigned mask_of(const struct slot *slot)
{
    return slot->plugins->launch.seats[slot->index].mask;
}

static bool wants(const struct slot *slot, enum plugin_type type)
{
    return mask_of(slot) & 1u << type;
}

static const char *name_of(const struct slot *slot)
{
    return slot->plugins->launch.seats[slot->index].name;
}

/* The first kind of @event after @before (NULL: from the start) that the plugin wants. */
static const struct kind *next_kind(const struct slot *slot, enum event_type event, const struct kind *before)
{
    size_t from = before ? (size_t)(before - kinds) + 1 : 0;
    for (size_t i = from; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].event == event && wants(slot, kinds[i].type)) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ calls */

static void on_answer(void *arg, int status, char *const *answer);

static void fill_argv(const struct job *job, const struct event *event, const char *argv[])
{
    size_t n = 0;
    argv[n++] = name_of(job->slot);
    for (size_t i = 0; event && i < sizeof(event->args) / sizeof(event->args[0]) && event->args[i]; i++) {
        argv[n++] = event->args[i];
    }
    if (job->type == PLUGIN_CLIENT_CONNECT || job->type == PLUGIN_CLIENT_CONNECT_DEFER) {
        argv[n++] = job->files.argument;
    }
    argv[n] = NULL;
}

/* @event: NULL for a call that follows another one. Return: false when it cannot be made. */
static bool call_plugin(struct job *job, const struct event *event, struct env *env)
{
    struct plugins *plugins = job->slot->plugins;
    const char *argv[10];
    struct buf message = plugin_message_new(PLUGIN_MSG_CALL);
    bool verify = event && event->type == EVENT_TLS_VERIFY;
    fill_argv(job, event, argv);
    int rc = plugin_put_u32(&message, 0);
    rc = rc ? rc : plugin_put_u32(&message, job->type);
    rc = rc ? rc : plugin_put_u64(&message, job->client);
    rc = rc ? rc : plugin_put_u32(&message, verify ? (uint32_t)strtoul(event->args[0], NULL, 10) : 0);
    rc = rc ? rc : plugin_put_text(&message, verify ? event->data : NULL);
    rc = rc ? rc : plugin_put_list(&message, (char *const *)argv);
    rc = rc ? rc : plugin_put_list(&message, env_list(env));
    if (rc < 0) {
        log_error("PLUGIN_CALL: arguments and environment of %s are too long for plugin %s", job->kind->name,
                  name_of(job->slot));
        buf_free(&message, true);
        return false;
    }
    job->call = plugin_links_call(plugins->links, job->slot->index, &message, job->kind->name, on_answer, job);
    return job->call != NULL;
}

static void job_free(struct job *job)
{
    list_remove(&job->link);
    answer_files_remove(&job->files);
    env_free(&job->env);
    free(job);
}

static void vote_and_free(struct job *job, enum event_vote vote)
{
    struct event_request *request = job->request;
    struct event_listener *listener = &job->slot->listener;
    job_free(job);
    if (request) {
        event_answer(request, listener, vote, NULL);
    }
}

/* ------------------------------------------------------------------ deferred answers */

static void on_tick(uv_timer_t *timer);

static void poll_later(struct job *job)
{
    uv_timer_t *tick = job->slot->plugins->tick;
    job->pause_ms = job->pause_ms ? job->pause_ms * 2 : POLL_FIRST_MS;
    job->pause_ms = job->pause_ms > POLL_LAST_MS ? POLL_LAST_MS : job->pause_ms;
    job->next_ms = clock_read().mono_ms + job->pause_ms;
    if (!uv_is_active((uv_handle_t *)tick)) {
        (void)uv_timer_start(tick, on_tick, TICK_MS, TICK_MS);
    }
}

/* The plugin's next function for this event, or the vote. */
static void go_on(struct job *job)
{
    const struct kind *next = job->kind->event == EVENT_CLIENT_CONNECT
                                  ? next_kind(job->slot, EVENT_CLIENT_CONNECT, job->kind)
                                  : NULL;
    if (!next) {
        vote_and_free(job, EVENT_ACCEPT);
        return;
    }
    job->kind = next;
    job->type = next->type;
    job->pause_ms = 0;
    env_unset(&job->env, "client_connect_config_file");
    env_unset(&job->env, "client_connect_deferred_file");
    if (!call_plugin(job, NULL, &job->env)) {
        vote_and_free(job, EVENT_REJECT);
    }
}

static void take_vote(struct job *job, enum event_vote vote)
{
    if (vote == EVENT_LATER) {
        poll_later(job);
    } else if (vote == EVENT_ACCEPT) {
        go_on(job);
    } else {
        vote_and_free(job, vote);
    }
}

/* A plugin with a function for it is asked again; otherwise its file is looked at. */
static void poll_job(struct job *job)
{
    enum plugin_type again = job->kind->type == PLUGIN_CLIENT_CONNECT      ? PLUGIN_CLIENT_CONNECT_DEFER
                             : job->kind->type == PLUGIN_CLIENT_CONNECT_V2 ? PLUGIN_CLIENT_CONNECT_DEFER_V2
                                                                           : PLUGIN_TYPE_COUNT;
    if (again != PLUGIN_TYPE_COUNT && wants(job->slot, again)) {
        job->type = again;
        if (!call_plugin(job, NULL, &job->env)) {
            vote_and_free(job, EVENT_REJECT);
        }
        return;
    }
    take_vote(job, job->kind->type == PLUGIN_AUTH_USER_PASS_VERIFY
                       ? answer_files_login_vote(&job->files, job->request)
                       : answer_files_connect_vote(&job->files, job->request, true));
}

static struct job *first_due(const struct slot *slot, uint64_t now, bool *waiting)
{
    list_for(node, next, &slot->jobs)
    {
        struct job *job = container_of(node, struct job, link);
        if (!job->call && job->next_ms <= now) {
            return job;
        }
        *waiting = *waiting || !job->call;
    }
    return NULL;
}

/* An answer may end other jobs too, so the list is looked at anew after each; who was asked goes to its end. */
static void on_tick(uv_timer_t *timer)
{
    struct plugins *plugins = timer->data;
    uint64_t now = clock_read().mono_ms;
    bool waiting = false;
    for (size_t i = 0; i < plugins->launch.count; i++) {
        struct slot *slot = &plugins->slots[i];
        struct job *job;
        while ((job = first_due(slot, now, &waiting)) != NULL) {
            list_remove(&job->link);
            list_push(&slot->jobs, &job->link);
            poll_job(job);
        }
    }
    if (!waiting) {
        (void)uv_timer_stop(timer);
    }
}

/* ------------------------------------------------------------------ answers */

/* Configuration lines of version 2: values of "config". */
static void take_lines(const struct job *job, char *const *answer)
{
    for (size_t i = 0; answer && answer[i] && answer[i + 1]; i += 2) {
        if (strcmp(answer[i], "config") == 0) {
            event_note(job->request, answer[i + 1]);
        }
    }
}

static enum event_vote judge_connect(const struct job *job, int status, char *const *answer)
{
    bool v2 = job->kind->type == PLUGIN_CLIENT_CONNECT_V2;
    if (status == PLUGIN_DEFERRED) {
        if (v2 && !wants(job->slot, PLUGIN_CLIENT_CONNECT_DEFER_V2)) {
            log_error("A plugin that defers from the OPENVPN_PLUGIN_CLIENT_CONNECT_V2 call must also declare support "
                      "for OPENVPN_PLUGIN_CLIENT_CONNECT_DEFER_V2 (%s)",
                      name_of(job->slot));
            return EVENT_REJECT;
        }
        return EVENT_LATER;
    }
    if (status != PLUGIN_SUCCESS) {
        return EVENT_REJECT;
    }
    if (v2) {
        take_lines(job, answer);
        return EVENT_ACCEPT;
    }
    return answer_files_connect_vote(&job->files, job->request, false);
}

static enum event_vote judge(const struct job *job, int status, char *const *answer)
{
    if (job->kind->event == EVENT_CLIENT_CONNECT) {
        return judge_connect(job, status, answer);
    }
    if (job->kind->event == EVENT_USER_PASS && status == PLUGIN_DEFERRED) {
        return answer_files_deferred(&job->files, OPTION, job->request);
    }
    if (job->kind->event == EVENT_USER_PASS && status == PLUGIN_ERROR) {
        answer_files_note_reason(&job->files, job->request);
    }
    return status == PLUGIN_SUCCESS || job->kind->advisory ? EVENT_ACCEPT : EVENT_REJECT;
}

static void on_answer(void *arg, int status, char *const *answer)
{
    struct job *job = arg;
    job->call = NULL;
    log_debug("PLUGIN_CALL: POST %s/%s status=%d", name_of(job->slot), job->kind->name, status);
    if (status != PLUGIN_SUCCESS && status != PLUGIN_DEFERRED && status >= 0) {
        log_error("PLUGIN_CALL: plugin function %s failed with status %d: %s", job->kind->name, status,
                  name_of(job->slot));
    }
    if (!job->request) {
        job_free(job);
        return;
    }
    take_vote(job, judge(job, status, answer));
}

/* ------------------------------------------------------------------ events */

/* The login of this client that the plugin has deferred: a response may decide it. */
static const struct job *waiting_login(const struct job *job)
{
    list_for(node, next, &job->slot->jobs)
    {
        const struct job *other = container_of(node, struct job, link);
        if (other->kind->event == EVENT_USER_PASS && other->client == job->client && other->request) {
            return other;
        }
    }
    return NULL;
}

static int prepare(struct job *job, const struct event *event, struct env *env)
{
    const struct config *config = job->slot->plugins->config;
    bool bare = event->type == EVENT_LEARN_ADDRESS && event->args[0] && strcmp(event->args[0], "delete") == 0;
    if (!bare) {
        base_env_fill(env, config);
        if (event->env) {
            env_merge(env, event->env);
        }
    }
    env_unset(env, "script_type");
    if (event->type == EVENT_USER_PASS) {
        env_set(env, "username", event->username ? event->username : "");
        env_set(env, "password", event->password ? event->password : "");
        return answer_files_login(&job->files, config, OPTION, env);
    }
    if (event->type == EVENT_CR_RESPONSE) {
        const struct job *login = waiting_login(job);
        if (login) {
            answer_files_name_login(&login->files, env);
        }
        env_set(env, "username", event->username);
        env_set(env, "crresponse", event->text);
    }
    if (event->type == EVENT_CLIENT_CONNECT) {
        int rc = answer_files_connect(&job->files, config, OPTION, env);
        env_merge(&job->env, env);
        return rc;
    }
    return 0;
}

static enum event_vote begin(struct slot *slot, const struct kind *kind, const struct event *event,
                             struct event_request *request)
{
    struct job *job = mem_zalloc(sizeof(*job));
    struct env env = {0};
    *job = (struct job){.slot = slot, .kind = kind, .request = request, .type = kind->type,
                        .client = event->has_client ? event->client_id + 1 : 0};
    list_init(&job->link);
    list_push(&slot->jobs, &job->link);
    bool begun = prepare(job, event, &env) == 0 && call_plugin(job, event, &env);
    env_free(&env);
    if (!begun) {
        job_free(job);
        return kind->advisory ? EVENT_ACCEPT : EVENT_REJECT;
    }
    return request ? EVENT_LATER : EVENT_ACCEPT;
}

static void forget_client(struct slot *slot, uint64_t client_id)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_FORGET);
    if (plugin_put_u32(&message, 0) == 0 && plugin_put_u64(&message, client_id + 1) == 0) {
        (void)plugin_links_call(slot->plugins->links, slot->index, &message, "forgetting a client", NULL, NULL);
    }
}

static enum event_vote handle(void *arg, const struct event *event, struct event_request *request)
{
    struct slot *slot = arg;
    if (event->type == EVENT_CLIENT_GONE) {
        forget_client(slot, event->client_id);
        return EVENT_ABSTAIN;
    }
    const struct kind *kind = next_kind(slot, event->type, NULL);
    return kind ? begin(slot, kind, event, request) : EVENT_ABSTAIN;
}

static void cancel(void *arg, struct event_request *request)
{
    struct slot *slot = arg;
    list_for(node, next, &slot->jobs)
    {
        struct job *job = container_of(node, struct job, link);
        if (job->request == request) {
            if (job->call) {
                plugin_links_cancel(job->call);
            }
            job_free(job);
            return;
        }
    }
}

/* ------------------------------------------------------------------ life */

int plugins_start(const struct config *config, struct plugins **out)
{
    *out = NULL;
    if (!config->plugin.count) {
        return 0;
    }
    struct plugins *plugins = mem_zalloc(sizeof(*plugins));
    int rc = plugin_launch_start(config, &plugins->launch);
    if (rc < 0) {
        free(plugins);
        return rc;
    }
    plugins->config = config;
    *out = plugins;
    return 0;
}

void plugins_listen(struct plugins *plugins, uv_loop_t *loop, struct event_bus *bus, const struct config *config)
{
    if (!plugins) {
        return;
    }
    plugins->bus = bus;
    plugins->config = config;
    plugin_launch_streams(&plugins->launch);
    plugins->links = plugin_links_new(loop, &plugins->launch, config->hand_window);
    plugins->tick = mem_zalloc(sizeof(*plugins->tick));
    (void)uv_timer_init(loop, plugins->tick);
    plugins->tick->data = plugins;
    uv_unref((uv_handle_t *)plugins->tick);
    plugins->slots = mem_array(plugins->launch.count, sizeof(*plugins->slots));
    for (size_t i = 0; i < plugins->launch.count; i++) {
        struct slot *slot = &plugins->slots[i];
        *slot = (struct slot){.plugins = plugins, .index = i};
        slot->listener = (struct event_listener){
            .name = plugins->launch.seats[i].name, .handle = handle, .cancel = cancel, .arg = slot};
        list_init(&slot->jobs);
        event_listen(bus, &slot->listener);
    }
}

void plugins_settle(struct plugins *plugins)
{
    if (plugins) {
        plugin_launch_settle(&plugins->launch);
    }
}

static bool same_plugins(const struct config *a, const struct config *b)
{
    bool same = a->plugin.count == b->plugin.count;
    for (size_t i = 0; same && i < a->plugin.count; i++) {
        const struct config_plugin *p = &a->plugin.items[i];
        const struct config_plugin *q = &b->plugin.items[i];
        same = strcmp(p->module, q->module) == 0 && p->arguments.count == q->arguments.count;
        for (size_t j = 0; same && j < p->arguments.count; j++) {
            same = strcmp(p->arguments.items[j].text, q->arguments.items[j].text) == 0;
        }
    }
    return same;
}

void plugins_set_config(struct plugins *plugins, const struct config *config)
{
    if (!plugins) {
        return;
    }
    if (!same_plugins(plugins->config, config)) {
        log_warn("plugin: the changed list of plugins takes effect at the next start");
    }
    plugins->config = config;
}

bool plugins_want(const struct plugins *plugins, enum event_type type)
{
    for (size_t i = 0; plugins && i < plugins->launch.count; i++) {
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            if (kinds[k].event == type && plugins->launch.seats[i].mask & 1u << kinds[k].type) {
                return true;
            }
        }
    }
    return false;
}

size_t plugins_running(const struct plugins *plugins)
{
    return plugins && plugins->links ? plugin_links_busy(plugins->links) : 0;
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(handle);
}

void plugins_end(struct plugins *plugins, bool failed)
{
    if (!plugins) {
        return;
    }
    for (size_t i = 0; plugins->slots && i < plugins->launch.count; i++) {
        event_unlisten(plugins->bus, &plugins->slots[i].listener);
        list_for(node, next, &plugins->slots[i].jobs)
        {
            job_free(container_of(node, struct job, link));
        }
    }
    if (plugins->links) {
        plugin_links_free(plugins->links);
        uv_close((uv_handle_t *)plugins->tick, on_tick_closed);
    }
    plugin_launch_end(&plugins->launch, failed);
    free(plugins->slots);
    free(plugins);
}
