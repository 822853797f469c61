/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_ANSWER_FILES_H
#define VPND_HOOKS_ANSWER_FILES_H

/*
 * Files in which scripts and plugins leave their answers, maybe later (server behaviour spec, 7.5): those of a login
 * (auth_control_file, auth_pending_file, auth_failed_reason_file) and those of client-connect
 * (client_connect_config_file, client_connect_deferred_file). Zero-initialise; release with answer_files_remove().
 */
#include "hooks/event.h"

struct config;

struct answer_files {
    char *argument; /* configuration lines; for scripts also other files that they are given as argument */
    char *control;  /* "1", "0", "2" or nothing yet */
    char *pending;
    char *reason;
};

/** answer_files_dir - tmp-dir of the configuration, or the system's. */
const char *answer_files_dir(const struct config *config);

/** answer_files_create - one file in that directory. @option: for the error line. Return: 0 or -errno, logged. */
int answer_files_create(const struct config *config, const char *option, const char *prefix, const void *content,
                        size_t len, char **path);

/** answer_files_login - create those of a login and name them in @env. Return: 0 or negative, logged. */
int answer_files_login(struct answer_files *files, const struct config *config, const char *option, struct env *env);

/** answer_files_name_login - name them in @env, for later programs of the same login. */
void answer_files_name_login(const struct answer_files *files, struct env *env);

/** answer_files_connect - create those of client-connect and name them in @env. Return: 0 or negative, logged. */
int answer_files_connect(struct answer_files *files, const struct config *config, const char *option,
                         struct env *env);

/** answer_files_deferred - a login was deferred: tell the peer what the pending file says. Return: EVENT_LATER, or a
 *  vote when there is one already. */
enum event_vote answer_files_deferred(const struct answer_files *files, const char *option,
                                      struct event_request *request);

/** answer_files_login_vote - what the control file says now; EVENT_LATER: nothing. */
enum event_vote answer_files_login_vote(const struct answer_files *files, struct event_request *request);

/** answer_files_note_reason - pass the text for AUTH_FAILED, if there is one. */
void answer_files_note_reason(const struct answer_files *files, struct event_request *request);

/** answer_files_connect_vote - what the deferred file says now; with EVENT_ACCEPT the configuration lines were passed.
 *  @deferred: an empty file means EVENT_LATER, otherwise that all is said. */
enum event_vote answer_files_connect_vote(const struct answer_files *files, struct event_request *request,
                                          bool deferred);

/** answer_files_remove - unlink all. */
void answer_files_remove(struct answer_files *files);

#endif
