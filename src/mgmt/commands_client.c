/* SPDX-License-Identifier: MIT */
#include "mgmt/commands.h"

#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------ a client's remotes and proxies */

void cmd_cr_response(struct mgmt_connection *c, const struct token_line *words)
{
    bool sent = c->mgmt->host->cr_response(c->mgmt->host_arg, words->text[1]);
    command_reply(c, sent, "command succeeded", "command failed");
}

void cmd_remote(struct mgmt_connection *c, const struct token_line *words)
{
    query_answer_remote(c, words);
}

void cmd_proxy(struct mgmt_connection *c, const struct token_line *words)
{
    query_answer_proxy(c, words);
}

void cmd_remote_count(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    connection_printf(c, "%zu\r\nEND\r\n", c->mgmt->host->remote_count(c->mgmt->host_arg));
}

void cmd_remote_get(struct mgmt_connection *c, const struct token_line *words)
{
    struct mgmt *m = c->mgmt;
    size_t count = m->host->remote_count(m->host_arg);
    uint64_t from = 0;
    uint64_t to = count;
    if (strcmp(words->text[1], "all") != 0) {
        (void)command_number(words->text[1], UINT32_MAX, &from);
        to = from + 1;
        (void)command_number(command_word(words, 2), UINT32_MAX, &to);
    }
    for (uint64_t i = from; i < to && i < count; i++) {
        struct mgmt_remote r;
        if (m->host->remote_get(m->host_arg, (size_t)i, &r)) {
            connection_printf(c, "%" PRIu64 ",%s,%s,%s,%s\r\n", i, r.host, r.port, r.proto,
                              r.enabled ? "enabled" : "disabled");
        }
    }
    connection_printf(c, "END\r\n");
}
