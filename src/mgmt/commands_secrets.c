/* SPDX-License-Identifier: MIT */
#include "mgmt/commands.h"

#include <signal.h>
#include <string.h>

/* ------------------------------------------------------------------ credentials */

/* A server has no use for it, but tells what it was told. */
static const char *remember_auth_retry(struct mgmt *m, const char *mode)
{
    static const char *const known[] = {"none", "interact", "nointeract"};
    if (!m->auth_retry) {
        m->auth_retry = known[0];
    }
    if (!mode) {
        return m->auth_retry;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(mode, known[i]) == 0) {
            m->auth_retry = known[i];
            return known[i];
        }
    }
    return NULL;
}

void cmd_auth_retry(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    const char *mode = command_word(words, 1);
    const char *now = m->host->auth_retry ? m->host->auth_retry(m->host_arg, mode) : remember_auth_retry(m, mode);
    if (!now) {
        connection_printf(c, "--auth-retry method must be 'interact', 'nointeract', or 'none'\r\n"
                             "ERROR: bad auth-retry parameter\r\n");
    } else if (mode) {
        connection_printf(c, "SUCCESS: auth-retry parameter changed\r\n");
    } else {
        connection_printf(c, "SUCCESS: auth-retry=%s\r\n", now);
    }
}

void cmd_username(struct mgmt_connection *c, const struct token_line *words)
{
    (void)query_answer_username(c, words->text[1], words->text[2]);
}

void cmd_password(struct mgmt_connection *c, const struct token_line *words)
{
    if (words->count > 2) {
        (void)query_answer_password(c, words->text[1], words->text[2]);
    } else if (c->mgmt->client_version < 5) {
        command_refuse_count(c, "password", 2, true);
    } else if (query_wants_password(c, words->text[1])) {
        c->lines_done = query_answer_password_lines;
        buf_reset(&c->lines);
    }
}

void cmd_needok(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: no needok-confirmation is currently needed at this time\r\n");
}

void cmd_needstr(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "ERROR: no needstr-string is currently needed at this time\r\n");
}

void cmd_forget_passwords(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    if (c->mgmt->host->forget_passwords) {
        c->mgmt->host->forget_passwords(c->mgmt->host_arg);
    }
    connection_printf(c, "SUCCESS: Passwords were forgotten\r\n");
}

static void signature_lines(struct mgmt_connection *c, const char *name, const char *lines)
{
    bool asked = c->mgmt->query.kind == QUERY_SIGNATURE;
    connection_printf(c, "%s: %s command %s\r\n", asked ? "SUCCESS" : "ERROR", name, asked ? "succeeded" : "failed");
    (void)query_answer_signature(c->mgmt, lines);
}

static void pk_sig_lines(struct mgmt_connection *c, const char *lines)
{
    signature_lines(c, "pk-sign", lines);
}

static void rsa_sig_lines(struct mgmt_connection *c, const char *lines)
{
    signature_lines(c, "rsa-sign", lines);
}

static void certificate_lines(struct mgmt_connection *c, const char *lines)
{
    connection_printf(c, "%s\r\n",
                      c->mgmt->query.kind == QUERY_CERTIFICATE ? "SUCCESS: certificate command succeeded"
                                                               : "ERROR: certificate command failed");
    (void)query_answer_certificate(c->mgmt, lines);
}

/* Lines up to END, if that is what is being waited for. */
static void collect(struct mgmt_connection *c, const struct token_line *words, enum query_kind kind, mgmt_lines_fn done)
{
    if (c->mgmt->query.kind != kind) {
        connection_printf(c, "ERROR: The %s command is not currently available\r\n", words->text[0]);
        return;
    }
    c->lines_done = done;
    buf_reset(&c->lines);
}

void cmd_pk_sig(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_SIGNATURE, pk_sig_lines);
}

void cmd_rsa_sig(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_SIGNATURE, rsa_sig_lines);
}

void cmd_certificate(struct mgmt_connection *c, const struct token_line *words)
{
    collect(c, words, QUERY_CERTIFICATE, certificate_lines);
}

void cmd_pkcs11_count(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, ">PKCS11ID-COUNT:0\r\n");
}

void cmd_pkcs11_get(struct mgmt_connection *c, const struct token_line *words)
{
    connection_printf(c, ">PKCS11ID-ENTRY:'%s'\r\n", words->text[1]);
}
