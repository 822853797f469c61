/* SPDX-License-Identifier: MIT */
#include "mgmt/commands.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define ADDRESS_PART_MAX 128 /* with its NUL */

/* ------------------------------------------------------------------ a server's clients */

static bool parse_ids(struct mgmt_connection *c, const struct token_line *words, uint64_t *cid, uint64_t *kid)
{
    if (!command_scan_number(words->text[1], cid)) {
        connection_printf(c, "ERROR: cannot parse CID\r\n");
        return false;
    }
    if (kid && !command_scan_number(words->text[2], kid)) {
        connection_printf(c, "ERROR: cannot parse KID\r\n");
        return false;
    }
    return true;
}

/* Up to the next colon, at most what fits. Return: what is behind it. */
static const char *address_part(const char *text, char out[ADDRESS_PART_MAX])
{
    size_t n = strcspn(text, ":");
    bool colon = n < ADDRESS_PART_MAX && text[n] == ':';
    n = n < ADDRESS_PART_MAX ? n : ADDRESS_PART_MAX - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    return text + n + colon;
}

/* Port behind the last colon, an IPv6 address perhaps in brackets: beyond OpenVPN. */
static bool parse_ipv6(const char *text, union addr *out)
{
    const char *colon = strrchr(text, ':');
    bool brackets = *text == '[' && colon > text && colon[-1] == ']';
    char *host = mem_strndup(text + brackets, (size_t)(colon - text) - 2 * brackets);
    struct ip_addr ip;
    uint64_t port = 0;
    bool good = strchr(host, ':') && ip_parse(host, &ip) == 0 && command_number(colon + 1, 65535, &port) && port > 0;
    if (good) {
        *out = addr_from_ip(&ip, (uint16_t)port);
    }
    free(host);
    return good;
}

static void kill_at(struct mgmt_connection *c, const union addr *address, enum mgmt_transport transport,
                    const char *text)
{
    unsigned n = c->mgmt->host->kill_address(c->mgmt->host_arg, address, transport);
    if (n) {
        connection_printf(c, "SUCCESS: %u client(s) at address %s killed\r\n", n, text);
    } else {
        connection_printf(c, "ERROR: client at address %s not found\r\n", text);
    }
}

static void kill_name(struct mgmt_connection *c, const char *name)
{
    unsigned n = c->mgmt->host->kill_name(c->mgmt->host_arg, name);
    if (n) {
        connection_printf(c, "SUCCESS: common name '%s' found, %u client(s) killed\r\n", name, n);
    } else {
        connection_printf(c, "ERROR: common name '%s' not found\r\n", name);
    }
}

/* What version 6 makes of three parts, PROTO:IP:PORT. */
static void kill_by_parts(struct mgmt_connection *c, const char *proto, const char *host, const char *port)
{
    bool udp = strcmp(proto, "udp") == 0;
    long long number = command_loose_number(port);
    struct in_addr ip; /* "10.1" is one, too */
    if (!inet_aton(host, &ip)) {
        connection_printf(c, "ERROR: error parsing IP address: %s\r\n", host);
    } else if ((!udp && strcmp(proto, "tcp") != 0) || number < 1 || number > 65535) {
        connection_printf(c, "ERROR: port number or protocol out of range: %s %s\r\n", port, proto);
    } else {
        struct ip_addr parsed = ip4_from_u32(ntohl(ip.s_addr));
        union addr address = addr_from_ip(&parsed, (uint16_t)number);
        char text[ADDR_TEXT_MAX];
        char named[ADDR_TEXT_MAX + 16];
        snprintf(named, sizeof(named), "%s:%s", udp ? "udp" : "tcp-server", addr_format(&address, text));
        kill_at(c, &address, udp ? MGMT_UDP : MGMT_TCP, named);
    }
}

/* As 2.7 reads it; where that finds nobody, as 2.6 does. */
static void kill_version_6(struct mgmt_connection *c, const char *who)
{
    char first[ADDRESS_PART_MAX];
    char second[ADDRESS_PART_MAX];
    char third[ADDRESS_PART_MAX];
    struct ip_addr ip;
    address_part(address_part(address_part(who, first), second), third);
    if (!*first) {
        connection_printf(c, "ERROR: kill parse\r\n");
    } else if (*second && *third) {
        kill_by_parts(c, first, second, third);
    } else if (*second && ip_parse(first, &ip) == 0 && command_loose_number(second) > 0 &&
               command_loose_number(second) <= 65535) {
        union addr address = addr_from_ip(&ip, (uint16_t)command_loose_number(second));
        unsigned n = c->mgmt->host->kill_address(c->mgmt->host_arg, &address, MGMT_ANY);
        if (n) {
            connection_printf(c, "SUCCESS: %u client(s) at address %s killed\r\n", n, who);
        } else {
            kill_name(c, first);
        }
    } else {
        kill_name(c, first);
    }
}

/* "IP:PORT" of 2.6, or "udp:IP:PORT" and "tcp:IP:PORT" of 2.7; anything else is a common name. */
void cmd_kill(struct mgmt_connection *c, const struct token_line *words)
{
    const char *who = words->text[1];
    enum mgmt_transport transport = MGMT_ANY;
    bool prefixed = strncmp(who, "udp:", 4) == 0 || strncmp(who, "tcp:", 4) == 0;
    if (prefixed) {
        transport = who[0] == 'u' ? MGMT_UDP : MGMT_TCP;
        who += 4;
    }
    char host[ADDRESS_PART_MAX];
    char port[ADDRESS_PART_MAX];
    union addr address;
    struct ip_addr ip;
    if (strchr(who, ':') && parse_ipv6(who, &address)) {
        kill_at(c, &address, transport, words->text[1]);
        return;
    }
    if (c->version >= 6) {
        kill_version_6(c, words->text[1]);
        return;
    }
    address_part(address_part(who, host), port);
    if (!*host) {
        connection_printf(c, "ERROR: kill parse\r\n");
    } else if (!*port) {
        kill_name(c, host);
    } else if (ip_parse(host, &ip) < 0) {
        connection_printf(c, "ERROR: error parsing IP address: %s\r\n", host);
    } else if (command_loose_number(port) < 1 || command_loose_number(port) > 65535) {
        connection_printf(c, "ERROR: port number is out of range: %s\r\n", port);
    } else {
        address = addr_from_ip(&ip, (uint16_t)command_loose_number(port));
        char text[ADDR_TEXT_MAX];
        kill_at(c, &address, transport, addr_format(&address, text));
    }
}

void cmd_client_kill(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    if (!parse_ids(c, words, &cid, NULL)) {
        return;
    }
    if (!command_on_server(c->mgmt)) {
        command_refuse_mode(c, "client-kill");
        return;
    }
    const char *message = words->count > 2 ? words->text[2] : "RESTART";
    command_reply(c, c->mgmt->host->client_kill(c->mgmt->host_arg, cid, message), "client-kill command succeeded",
          "client-kill command failed");
}

static void accept_login(struct mgmt_connection *c, struct mgmt_verdict *verdict)
{
    struct mgmt *m = c->mgmt;
    bool good = client_auth_decide(m, verdict);
    command_reply(c, good, "client-auth command succeeded", "client-auth command failed");
    client_auth_tell(m, verdict);
}

static void client_auth_lines(struct mgmt_connection *c, const char *lines)
{
    if (!command_on_server(c->mgmt)) {
        command_refuse_mode(c, "client-auth");
        return;
    }
    struct mgmt_verdict verdict = {
        .client_id = c->lines_cid, .key_id = c->lines_kid, .accept = true, .text = lines};
    accept_login(c, &verdict);
}

void cmd_client_auth(struct mgmt_connection *c, const struct token_line *words)
{
    if (parse_ids(c, words, &c->lines_cid, &c->lines_kid)) {
        c->lines_done = client_auth_lines;
        buf_reset(&c->lines);
    }
}

void cmd_client_auth_nt(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    if (parse_ids(c, words, &cid, &kid)) {
        if (!command_on_server(c->mgmt)) {
            command_refuse_mode(c, "client-auth");
            return;
        }
        accept_login(c, &(struct mgmt_verdict){.client_id = cid, .key_id = kid, .accept = true});
    }
}

void cmd_client_deny(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    if (!parse_ids(c, words, &cid, &kid)) {
        return;
    }
    if (!command_on_server(c->mgmt)) {
        command_refuse_mode(c, "client-deny");
        return;
    }
    const char *client_reason = command_word(words, 4);
    struct mgmt *m = c->mgmt;
    struct mgmt_verdict verdict = {.client_id = cid, .key_id = kid, .text = client_reason};
    bool good = client_auth_decide(m, &verdict);
    if (good) {
        log_info("MULTI: connection rejected: %s, CLI:%s", words->text[3], client_reason ? client_reason : "[NULL]");
    }
    command_reply(c, good, "client-deny command succeeded", "client-deny command failed");
    client_auth_tell(m, &verdict);
}

void cmd_client_pending_auth(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    uint64_t kid;
    uint64_t timeout;
    if (!parse_ids(c, words, &cid, &kid)) {
        return;
    }
    if (!command_scan_number(words->text[4], &timeout)) {
        connection_printf(c, "ERROR: cannot parse TIMEOUT\r\n");
        return;
    }
    if (!command_on_server(c->mgmt)) {
        command_refuse_mode(c, "client-pending-auth");
        return;
    }
    timeout = timeout < UINT32_MAX ? timeout : UINT32_MAX;
    command_reply(c, client_auth_pending(c->mgmt, cid, kid, words->text[3], (unsigned)timeout),
          "client-pending-auth command succeeded",
          "client-pending-auth command failed. Extra parameter might be too long");
}

void cmd_push_update_broad(struct mgmt_connection *c, const struct token_line *words)
{
    unsigned n = c->mgmt->host->push_update_all(c->mgmt->host_arg, words->text[1]);
    if (n) {
        connection_printf(c, "SUCCESS: %u client(s) updated\r\n", n);
    } else {
        connection_printf(c, "ERROR: no client updated\r\n");
    }
    command_reply(c, n > 0, "push-update command succeeded", "push-update command failed");
}

void cmd_push_update_cid(struct mgmt_connection *c, const struct token_line *words)
{
    uint64_t cid;
    if (!parse_ids(c, words, &cid, NULL)) {
        connection_printf(c, "ERROR: push-update-cid fail during cid parsing\r\n");
        return;
    }
    bool good = c->mgmt->host->push_update(c->mgmt->host_arg, cid, words->text[2]);
    connection_printf(c, good ? "SUCCESS: 1 client(s) updated\r\n" : "ERROR: no client updated\r\n");
    command_reply(c, good, "push-update command succeeded", "push-update command failed");
}
