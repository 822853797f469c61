/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_COMMANDS_H
#define VPND_MGMT_COMMANDS_H

/* The commands of the management protocol, by file; the table in commands.c names them. Loop thread only. */
#include "mgmt/mgmt_private.h"

/** command_reply - one line, SUCCESS or ERROR. */
void command_reply(struct mgmt_connection *c, bool good, const char *success, const char *error);

/** command_word - word @i of a command, NULL when there are fewer. */
const char *command_word(const struct token_line *words, size_t i);

/** command_number - a decimal number up to @max and nothing else. NULL @text: false. */
bool command_number(const char *text, uint64_t max, uint64_t *out);

/** command_loose_number - as atoi(), which is what OpenVPN reads most numbers with: 0 without digits. */
long long command_loose_number(const char *text);

/** command_scan_number - as sscanf("%lu"): blanks and a sign before the digits, anything behind them. */
bool command_scan_number(const char *text, uint64_t *out);

/** command_on_server - whether the process has clients. */
bool command_on_server(const struct mgmt *m);

/** command_refuse_mode - "not supported by the current daemon mode". */
void command_refuse_mode(struct mgmt_connection *c, const char *command);

/** command_refuse_count - too few arguments. */
void command_refuse_count(struct mgmt_connection *c, const char *command, unsigned wanted, bool exact);

/* commands_process.c: the daemon */

/** cmd_log - `log`. */
void cmd_log(struct mgmt_connection *c, const struct token_line *words);

/** cmd_echo - `echo`. */
void cmd_echo(struct mgmt_connection *c, const struct token_line *words);

/** cmd_state - `state`. */
void cmd_state(struct mgmt_connection *c, const struct token_line *words);

/** cmd_version - `version`. */
void cmd_version(struct mgmt_connection *c, const struct token_line *words);

/** cmd_pid - `pid`. */
void cmd_pid(struct mgmt_connection *c, const struct token_line *words);

/** cmd_hold - `hold`. */
void cmd_hold(struct mgmt_connection *c, const struct token_line *words);

/** cmd_signal - `signal`. */
void cmd_signal(struct mgmt_connection *c, const struct token_line *words);

/** cmd_status - `status`. */
void cmd_status(struct mgmt_connection *c, const struct token_line *words);

/** cmd_bytecount - `bytecount`. */
void cmd_bytecount(struct mgmt_connection *c, const struct token_line *words);

/** cmd_verb - `verb`. */
void cmd_verb(struct mgmt_connection *c, const struct token_line *words);

/** cmd_mute - `mute`. */
void cmd_mute(struct mgmt_connection *c, const struct token_line *words);

/** cmd_load_stats - `load-stats`. */
void cmd_load_stats(struct mgmt_connection *c, const struct token_line *words);

/** cmd_nclients - `nclients`. */
void cmd_nclients(struct mgmt_connection *c, const struct token_line *words);

/** cmd_env_filter - `env-filter`. */
void cmd_env_filter(struct mgmt_connection *c, const struct token_line *words);

/** cmd_net - `net`. */
void cmd_net(struct mgmt_connection *c, const struct token_line *words);

/** cmd_test - `test`. */
void cmd_test(struct mgmt_connection *c, const struct token_line *words);

/** cmd_exit - `exit`. */
void cmd_exit(struct mgmt_connection *c, const struct token_line *words);

/* commands_secrets.c: passwords, keys, certificates */

/** cmd_auth_retry - `auth-retry`. */
void cmd_auth_retry(struct mgmt_connection *c, const struct token_line *words);

/** cmd_username - `username`. */
void cmd_username(struct mgmt_connection *c, const struct token_line *words);

/** cmd_password - `password`. */
void cmd_password(struct mgmt_connection *c, const struct token_line *words);

/** cmd_needok - `needok`. */
void cmd_needok(struct mgmt_connection *c, const struct token_line *words);

/** cmd_needstr - `needstr`. */
void cmd_needstr(struct mgmt_connection *c, const struct token_line *words);

/** cmd_forget_passwords - `forget-passwords`. */
void cmd_forget_passwords(struct mgmt_connection *c, const struct token_line *words);

/** cmd_pk_sig - `pk-sig`. */
void cmd_pk_sig(struct mgmt_connection *c, const struct token_line *words);

/** cmd_rsa_sig - `rsa-sig`. */
void cmd_rsa_sig(struct mgmt_connection *c, const struct token_line *words);

/** cmd_certificate - `certificate`. */
void cmd_certificate(struct mgmt_connection *c, const struct token_line *words);

/** cmd_pkcs11_count - `pkcs11-count`. */
void cmd_pkcs11_count(struct mgmt_connection *c, const struct token_line *words);

/** cmd_pkcs11_get - `pkcs11-get`. */
void cmd_pkcs11_get(struct mgmt_connection *c, const struct token_line *words);

/* commands_server.c: clients */

/** cmd_kill - `kill`. */
void cmd_kill(struct mgmt_connection *c, const struct token_line *words);

/** cmd_client_kill - `client-kill`. */
void cmd_client_kill(struct mgmt_connection *c, const struct token_line *words);

/** cmd_client_auth - `client-auth`. */
void cmd_client_auth(struct mgmt_connection *c, const struct token_line *words);

/** cmd_client_auth_nt - `client-auth-nt`. */
void cmd_client_auth_nt(struct mgmt_connection *c, const struct token_line *words);

/** cmd_client_deny - `client-deny`. */
void cmd_client_deny(struct mgmt_connection *c, const struct token_line *words);

/** cmd_client_pending_auth - `client-pending-auth`. */
void cmd_client_pending_auth(struct mgmt_connection *c, const struct token_line *words);

/** cmd_push_update_broad - `push-update-broad`. */
void cmd_push_update_broad(struct mgmt_connection *c, const struct token_line *words);

/** cmd_push_update_cid - `push-update-cid`. */
void cmd_push_update_cid(struct mgmt_connection *c, const struct token_line *words);

/* commands_client.c: remotes and proxies */

/** cmd_cr_response - `cr-response`. */
void cmd_cr_response(struct mgmt_connection *c, const struct token_line *words);

/** cmd_remote - `remote`. */
void cmd_remote(struct mgmt_connection *c, const struct token_line *words);

/** cmd_proxy - `proxy`. */
void cmd_proxy(struct mgmt_connection *c, const struct token_line *words);

/** cmd_remote_count - `remote-count`. */
void cmd_remote_count(struct mgmt_connection *c, const struct token_line *words);

/** cmd_remote_get - `remote-get`. */
void cmd_remote_get(struct mgmt_connection *c, const struct token_line *words);

#endif
