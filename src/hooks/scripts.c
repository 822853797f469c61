/* SPDX-License-Identifier: MIT */
#include "hooks/scripts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/answer_files.h"
#include "hooks/base_env.h"
#include "hooks/command.h"
#include "hooks/process.h"

#define POLL_FIRST_MS 100
#define POLL_LAST_MS 2000
#define STATUS_DEFERRED 2
#define STATUS_NOT_EXECUTED 127

struct scripts {
    uv_loop_t *loop;
    struct event_bus *bus;
    const struct config *config;
    struct event_listener listener;
    struct list jobs;
    unsigned running;
    bool warned_security;
};

/* One run of a program for one event. */
struct job {
    struct list link;
    struct scripts *scripts;
    const struct hook *hook;
    struct event_request *request; /* NULL: nobody waits for the answer */
    struct process *process;       /* NULL: it has ended and we wait for its control file */
    uv_timer_t timer;
    unsigned poll_ms;
    struct answer_files files;
    bool has_client;
    uint64_t client_id;
};

/* What is special about one kind of program. */
struct hook {
    enum event_type type;
    const char *script_type;                         /* NULL: as the event's environment has it */
    const char *option;                              /* as users know it, for messages */
    const char *(*command)(const struct config *c);  /* NULL: not configured */
    int (*prepare)(struct job *job, const struct event *event, struct env *env); /* files and variables; may be NULL */
    enum event_vote (*conclude)(struct job *job, int status); /* vote for an exit status */
    bool bare_environment;                           /* without the base set */
};

#define COMMAND_OF(name, field)                                                                                        \
    static const char *name##_command(const struct config *c)                                                         \
    {                                                                                                                  \
        return c->field;                                                                                               \
    }

COMMAND_OF(up, up)
COMMAND_OF(down, down)
COMMAND_OF(route_up, route_up)
COMMAND_OF(route_pre_down, route_pre_down)
COMMAND_OF(ipchange, ipchange)
COMMAND_OF(tls_verify, tls_verify)
COMMAND_OF(user_pass_verify, auth_user_pass_verify.command)
COMMAND_OF(client_connect, client_connect)
COMMAND_OF(client_disconnect, client_disconnect)
COMMAND_OF(learn_address, learn_address)
COMMAND_OF(client_crresponse, client_crresponse)
COMMAND_OF(tls_crypt_v2_verify, tls_crypt_v2_verify)
COMMAND_OF(dns_updown, dns_updown.command)

/* ------------------------------------------------------------------ votes */

static enum event_vote zero_accepts(struct job *job, int status)
{
    (void)job;
    return status == 0 ? EVENT_ACCEPT : EVENT_REJECT;
}

static enum event_vote status_ignored(struct job *job, int status)
{
    (void)job;
    (void)status;
    return EVENT_ACCEPT;
}

static int prepare_user_pass(struct job *job, const struct event *event, struct env *env)
{
    const struct config *c = job->scripts->config;
    const char *username = event->username ? event->username : "";
    const char *password = event->password ? event->password : "";
    env_set(env, "username", username);
    if (answer_files_login(&job->files, c, job->hook->option, env) < 0) {
        return -1;
    }
    if (!c->auth_user_pass_verify.via_file) {
        if (c->script_security >= 3) {
            env_set(env, "password", password);
        }
        return 0;
    }
    struct buf lines = BUF_INIT(16384);
    int err = buf_printf(&lines, "%s\n%s\n", username, password);
    if (err == 0) {
        err = answer_files_create(c, job->hook->option, "up", lines.data, lines.len, &job->files.argument);
    }
    buf_free(&lines, true);
    return err;
}

static enum event_vote conclude_user_pass(struct job *job, int status)
{
    if (status == STATUS_DEFERRED) {
        return answer_files_deferred(&job->files, job->hook->option, job->request);
    }
    if (status != 0) {
        answer_files_note_reason(&job->files, job->request);
        return EVENT_REJECT;
    }
    return EVENT_ACCEPT;
}

static int prepare_connect(struct job *job, const struct event *event, struct env *env)
{
    (void)event;
    return answer_files_connect(&job->files, job->scripts->config, job->hook->option, env);
}

static enum event_vote conclude_connect(struct job *job, int status)
{
    return status == 0 ? answer_files_connect_vote(&job->files, job->request, false) : EVENT_REJECT;
}

/* The login of this client that waits for its answer: a response may decide it. */
static const struct job *waiting_login(const struct job *job)
{
    list_for(node, next, &job->scripts->jobs)
    {
        const struct job *other = container_of(node, struct job, link);
        if (other->hook->type == EVENT_USER_PASS && other->has_client && other->client_id == job->client_id &&
            other->request) {
            return other;
        }
    }
    return NULL;
}

static int prepare_response(struct job *job, const struct event *event, struct env *env)
{
    const struct job *login = waiting_login(job);
    if (login) {
        answer_files_name_login(&login->files, env);
    }
    env_set(env, "username", event->username);
    const char *text = event->text ? event->text : "";
    return answer_files_create(job->scripts->config, job->hook->option, "cr", text, strlen(text),
                               &job->files.argument);
}

static int prepare_metadata(struct job *job, const struct event *event, struct env *env)
{
    const unsigned char *data = event->data;
    size_t len = event->data_len;
    int err = answer_files_create(job->scripts->config, job->hook->option, "tls_crypt_v2_metadata_",
                                  len ? data + 1 : data, len ? len - 1 : 0, &job->files.control);
    if (err < 0) {
        return err;
    }
    env_setf(env, "metadata_type", "%u", len ? data[0] : 0u);
    env_set(env, "metadata_file", job->files.control);
    return 0;
}

static const struct hook hooks[] = {
    {EVENT_DEVICE_UP, "up", "up", up_command, NULL, zero_accepts, false},
    {EVENT_DEVICE_DOWN, "down", "down", down_command, NULL, zero_accepts, false},
    {EVENT_ROUTES_UP, "route-up", "route-up", route_up_command, NULL, status_ignored, false},
    {EVENT_ROUTES_PRE_DOWN, "route-pre-down", "route-pre-down", route_pre_down_command, NULL, zero_accepts, false},
    {EVENT_PEER_ADDRESS, "ipchange", "ipchange", ipchange_command, NULL, status_ignored, false},
    {EVENT_TLS_VERIFY, "tls-verify", "tls-verify", tls_verify_command, NULL, zero_accepts, false},
    {EVENT_USER_PASS, "user-pass-verify", "auth-user-pass-verify", user_pass_verify_command, prepare_user_pass,
     conclude_user_pass, false},
    {EVENT_CLIENT_CONNECT, "client-connect", "client-connect", client_connect_command, prepare_connect,
     conclude_connect, false},
    {EVENT_CLIENT_DISCONNECT, "client-disconnect", "client-disconnect", client_disconnect_command, NULL,
     status_ignored, false},
    {EVENT_LEARN_ADDRESS, "learn-address", "learn-address", learn_address_command, NULL, zero_accepts, false},
    {EVENT_CR_RESPONSE, "client-crresponse", "client-crresponse", client_crresponse_command, prepare_response,
     zero_accepts, false},
    {EVENT_TLS_CRYPT_V2_VERIFY, "tls-crypt-v2-verify", "tls-crypt-v2-verify", tls_crypt_v2_verify_command,
     prepare_metadata, zero_accepts, true},
    {EVENT_DNS_UPDOWN, NULL, "dns-updown", dns_updown_command, NULL, status_ignored, false},
};

/* ------------------------------------------------------------------ life of a job */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void job_free(struct job *job)
{
    answer_files_remove(&job->files);
    list_remove(&job->link);
    job->scripts->running--;
    uv_close((uv_handle_t *)&job->timer, on_timer_closed);
}

static void vote_and_free(struct job *job, enum event_vote vote)
{
    struct event_request *request = job->request;
    struct event_listener *listener = &job->scripts->listener;
    job_free(job);
    if (request) {
        event_answer(request, listener, vote, NULL);
    }
}

static void on_poll(uv_timer_t *timer)
{
    struct job *job = timer->data;
    enum event_vote vote = job->hook->type == EVENT_USER_PASS
                               ? answer_files_login_vote(&job->files, job->request)
                               : answer_files_connect_vote(&job->files, job->request, false);
    if (vote != EVENT_LATER) {
        vote_and_free(job, vote);
        return;
    }
    job->poll_ms = job->poll_ms * 2 > POLL_LAST_MS ? POLL_LAST_MS : job->poll_ms * 2;
    uv_timer_start(timer, on_poll, job->poll_ms, 0);
}

static void on_exit_of_program(void *arg, int status, int term_signal)
{
    struct job *job = arg;
    job->process = NULL;
    bool deferral = job->hook->type == EVENT_USER_PASS && status == STATUS_DEFERRED;
    if (term_signal) {
        log_warn("WARNING: Failed running command (--%s): external program was ended by signal %d", job->hook->option,
                 term_signal);
        status = 1;
    } else if (status == STATUS_NOT_EXECUTED) {
        log_warn("WARNING: Failed running command (--%s): could not execute external program", job->hook->option);
    } else if (status != 0 && !deferral) {
        log_warn("WARNING: Failed running command (--%s): external program exited with error status: %d",
                 job->hook->option, status);
    }
    if (!job->request) {
        job_free(job);
        return;
    }
    enum event_vote vote = job->hook->conclude(job, status);
    if (vote == EVENT_LATER) {
        job->poll_ms = POLL_FIRST_MS;
        uv_timer_start(&job->timer, on_poll, job->poll_ms, 0);
        return;
    }
    vote_and_free(job, vote);
}

static int launch(struct job *job, const char *command, const struct event *event, struct env *env)
{
    char **argv;
    int err = command_split(command, &argv);
    if (err < 0) {
        log_error("--%s: cannot be split into words: %s", job->hook->option, command);
        return err;
    }
    for (size_t i = 0; i < sizeof(event->args) / sizeof(event->args[0]) && event->args[i]; i++) {
        command_append(&argv, event->args[i]);
    }
    if (job->files.argument) {
        command_append(&argv, job->files.argument);
    }
    err = process_start(job->scripts->loop, argv, env, on_exit_of_program, job, &job->process);
    if (err < 0) {
        log_warn("WARNING: Failed running command (--%s): could not execute external program %s: %s",
                 job->hook->option, argv[0], strerror(-err));
    }
    command_free(argv);
    return err;
}

static bool allowed(struct scripts *s)
{
    if (s->config->script_security >= 2) {
        return true;
    }
    if (!s->warned_security) {
        s->warned_security = true;
        log_warn("WARNING: External program may not be called unless '--script-security 2' or higher is enabled. "
                 "See '--help text' or man page for detailed info.");
    }
    return false;
}

static enum event_vote start_job(struct scripts *s, const struct hook *hook, const char *command,
                                 const struct event *event, struct event_request *request)
{
    struct job *job = mem_zalloc(sizeof(*job));
    job->scripts = s;
    job->hook = hook;
    job->request = request;
    job->has_client = event->has_client;
    job->client_id = event->client_id;
    uv_timer_init(s->loop, &job->timer);
    job->timer.data = job;
    list_init(&job->link);
    list_push(&s->jobs, &job->link);
    s->running++;

    struct env env = {0};
    bool bare = hook->bare_environment ||
                (event->type == EVENT_LEARN_ADDRESS && event->args[0] && strcmp(event->args[0], "delete") == 0);
    if (!bare) {
        base_env_fill(&env, s->config);
        if (event->env) {
            env_merge(&env, event->env);
        }
    }
    if (hook->script_type) {
        env_set(&env, "script_type", hook->script_type);
    }
    int err = hook->prepare ? hook->prepare(job, event, &env) : 0;
    if (err == 0) {
        err = launch(job, command, event, &env);
    }
    env_free(&env);
    if (err < 0) {
        job_free(job);
        return hook->conclude == status_ignored ? EVENT_ACCEPT : EVENT_REJECT;
    }
    return request ? EVENT_LATER : EVENT_ACCEPT;
}

static enum event_vote handle(void *arg, const struct event *event, struct event_request *request)
{
    struct scripts *s = arg;
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        if (hooks[i].type != event->type) {
            continue;
        }
        const char *command = hooks[i].command(s->config);
        if (!command) {
            return EVENT_ABSTAIN;
        }
        if (!allowed(s)) {
            return hooks[i].conclude == status_ignored ? EVENT_ACCEPT : EVENT_REJECT;
        }
        return start_job(s, &hooks[i], command, event, request);
    }
    return EVENT_ABSTAIN;
}

/* The program goes on alone, so that a disconnect does not cut it off in the middle; its answer is dropped. */
static void cancel(void *arg, struct event_request *request)
{
    struct scripts *s = arg;
    list_for(node, next, &s->jobs)
    {
        struct job *job = container_of(node, struct job, link);
        if (job->request == request) {
            job->request = NULL;
            if (!job->process) {
                job_free(job);
            }
            return;
        }
    }
}

struct scripts *scripts_new(uv_loop_t *loop, struct event_bus *bus, const struct config *config)
{
    struct scripts *s = mem_zalloc(sizeof(*s));
    s->loop = loop;
    s->bus = bus;
    s->config = config;
    list_init(&s->jobs);
    s->listener = (struct event_listener){.name = "scripts", .handle = handle, .cancel = cancel, .arg = s};
    event_listen(bus, &s->listener);
    return s;
}

void scripts_set_config(struct scripts *scripts, const struct config *config)
{
    scripts->config = config;
}

unsigned scripts_running(const struct scripts *scripts)
{
    return scripts->running;
}

void scripts_free(struct scripts *scripts)
{
    if (!scripts) {
        return;
    }
    event_unlisten(scripts->bus, &scripts->listener);
    list_for(node, next, &scripts->jobs)
    {
        struct job *job = container_of(node, struct job, link);
        if (job->process) {
            process_cancel(job->process);
        }
        job_free(job);
    }
    free(scripts);
}
