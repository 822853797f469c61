/* SPDX-License-Identifier: MIT */
#include "hooks/answer_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "hooks/exchange_file.h"

#define CONFIG_TEXT_MAX (64 * 1024)
#define REASON_FILE_MAX 65536
#define REASON_TEXT_MAX 512 /* what of it is passed on */
#define PENDING_TEXT_MAX 4096
#define PENDING_SECONDS_MAX 86400

const char *answer_files_dir(const struct config *config)
{
    const char *from_environment = getenv("TMPDIR");
    return config->tmp_dir ? config->tmp_dir : from_environment ? from_environment : "/tmp";
}

int answer_files_create(const struct config *config, const char *option, const char *prefix, const void *content,
                        size_t len, char **path)
{
    int err = exchange_file_new(answer_files_dir(config), prefix, content, len, path);
    if (err < 0) {
        log_error("cannot create a file in %s for --%s: %s; see tmp-dir", answer_files_dir(config), option,
                  strerror(-err));
    }
    return err;
}

int answer_files_login(struct answer_files *files, const struct config *config, const char *option, struct env *env)
{
    if (answer_files_create(config, option, "acf", "", 0, &files->control) < 0 ||
        answer_files_create(config, option, "apf", "", 0, &files->pending) < 0 ||
        answer_files_create(config, option, "afr", "", 0, &files->reason) < 0) {
        return -1;
    }
    answer_files_name_login(files, env);
    return 0;
}

void answer_files_name_login(const struct answer_files *files, struct env *env)
{
    env_set(env, "auth_control_file", files->control);
    env_set(env, "auth_pending_file", files->pending);
    env_set(env, "auth_failed_reason_file", files->reason);
}

int answer_files_connect(struct answer_files *files, const struct config *config, const char *option, struct env *env)
{
    if (answer_files_create(config, option, "cc", "", 0, &files->argument) < 0 ||
        answer_files_create(config, option, "ccr", "", 0, &files->control) < 0) {
        return -1;
    }
    env_set(env, "client_connect_config_file", files->argument);
    env_set(env, "client_connect_deferred_file", files->control);
    return 0;
}

/* Three lines: seconds, method, text. Return: false when the peer cannot do what is asked. */
static bool announce_pending(const struct answer_files *files, const char *option, struct event_request *request)
{
    struct buf text = BUF_INIT(PENDING_TEXT_MAX);
    bool possible = true;
    if (exchange_file_read(files->pending, &text) == 0 && text.len) {
        char *rest = (char *)text.data;
        char *line[3];
        for (int i = 0; i < 3; i++) {
            line[i] = strsep(&rest, "\n");
        }
        long timeout = line[0] ? strtol(line[0], NULL, 10) : 0;
        if (timeout > 0 && timeout < PENDING_SECONDS_MAX && line[1] && *line[1] && line[2]) {
            possible = event_pending(request, (unsigned)timeout, line[1], line[2]);
        } else {
            log_warn("--%s: auth_pending_file must hold seconds, method and text on three lines", option);
        }
    }
    buf_free(&text, false);
    return possible;
}

void answer_files_note_reason(const struct answer_files *files, struct event_request *request)
{
    struct buf text = BUF_INIT(REASON_FILE_MAX);
    (void)exchange_file_read(files->reason, &text);
    if (text.len) {
        size_t line = strcspn((char *)text.data, "\r\n");
        text.data[line < REASON_TEXT_MAX ? line : REASON_TEXT_MAX - 1] = 0;
        event_note(request, buf_str(&text));
    }
    buf_free(&text, false);
}

enum event_vote answer_files_login_vote(const struct answer_files *files, struct event_request *request)
{
    switch (exchange_file_first(files->control)) {
    case '1':
        return EVENT_ACCEPT;
    case '0':
        answer_files_note_reason(files, request);
        return EVENT_REJECT;
    default:
        return EVENT_LATER;
    }
}

enum event_vote answer_files_deferred(const struct answer_files *files, const char *option,
                                      struct event_request *request)
{
    return announce_pending(files, option, request) ? answer_files_login_vote(files, request) : EVENT_REJECT;
}

static enum event_vote accept_with_lines(const struct answer_files *files, struct event_request *request)
{
    struct buf lines = BUF_INIT(CONFIG_TEXT_MAX);
    enum event_vote vote = EVENT_ACCEPT;
    if (exchange_file_read(files->argument, &lines) < 0) {
        log_error("client-connect: the file with its answer is too long or unreadable");
        vote = EVENT_REJECT;
    } else {
        event_note(request, buf_str(&lines));
    }
    buf_free(&lines, false);
    return vote;
}

enum event_vote answer_files_connect_vote(const struct answer_files *files, struct event_request *request,
                                          bool deferred)
{
    char first = exchange_file_first(files->control);
    if (first == '0') {
        return EVENT_REJECT;
    }
    return first == '2' || (deferred && first != '1') ? EVENT_LATER : accept_with_lines(files, request);
}

void answer_files_remove(struct answer_files *files)
{
    exchange_file_remove(&files->argument);
    exchange_file_remove(&files->control);
    exchange_file_remove(&files->pending);
    exchange_file_remove(&files->reason);
}
