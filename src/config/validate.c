/* SPDX-License-Identifier: MIT */
#include "config/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "config/arena.h"
#include "config/set.h"

#define MESSAGE_MAX 1024
#define PLACES_MAX 3 /* lines named in one message */

/* The last line that gave an option; NULL: none did. */
static const struct config_statement *statement_of(const struct config *c, const struct config_row *row)
{
    for (size_t i = c->statements.count; row && i > 0; i--) {
        if (c->statements.items[i - 1].option == (int)config_row_option(row)) {
            return &c->statements.items[i - 1];
        }
    }
    return NULL;
}

/* Messages are worded as users know them; where their options stand is found by the names in the text. */
static void append_places(const struct config *c, char text[MESSAGE_MAX])
{
    const struct config_statement *seen[PLACES_MAX];
    size_t found = 0;
    size_t end = strlen(text);
    for (const char *at = text; found < PLACES_MAX && (at = strstr(at, "--")) != NULL;) {
        char name[64];
        at += 2;
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
        at += len;
        const struct config_statement *statement = statement_of(c, config_row_find(name));
        for (size_t i = 0; statement && i < found; i++) {
            statement = seen[i] == statement ? NULL : statement;
        }
        if (statement) {
            seen[found++] = statement;
        }
    }
    for (size_t i = 0; i < found && end < MESSAGE_MAX; i++) {
        int n = snprintf(text + end, MESSAGE_MAX - end, "%s%s:%u%s", i ? ", " : " (", seen[i]->source, seen[i]->line,
                         i + 1 == found ? ")" : "");
        end += n > 0 ? (size_t)n : 0;
    }
}

/* The line that a message is about: where the first option that it names was written. NULL when none was. */
static const struct config_statement *about(const struct check *k, const char *text)
{
    char copy[MESSAGE_MAX];
    char *save = NULL;
    if (strncmp(text, "no ", 3) == 0) {
        return NULL; /* about an option that was not written */
    }
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strtok_r(copy, " '\",:;()/", &save); word; word = strtok_r(NULL, " '\",:;()/", &save)) {
        const struct config_statement *statement =
            statement_of(k->c, config_row_find(strncmp(word, "--", 2) == 0 ? word + 2 : word));
        if (statement) {
            return statement;
        }
    }
    return NULL;
}

/* --check names the line; otherwise the texts are those that other programs know. */
static void report(struct check *k, enum config_level level, const char *prefix, const char *format, va_list args)
{
    char text[MESSAGE_MAX];
    vsnprintf(text, sizeof(text), format, args);
    const struct config_statement *at = k->c->command == CONFIG_COMMAND_CHECK ? about(k, text) : NULL;
    if (at) {
        set_report(k->reporter, level, "%s%s:%u: %s", prefix, at->source, at->line, text);
    } else {
        set_report(k->reporter, level, "%s%s", prefix, text);
    }
}

void check_error(struct check *k, const char *format, ...)
{
    if (!check_stop(k) || k->every) {
        char text[MESSAGE_MAX];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        append_places(k->c, text);
        set_report(k->reporter, CONFIG_ERROR, "Options error: %s", text);
    }
    k->errors++;
}

void check_warning(struct check *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(k, CONFIG_WARNING, "WARNING: ", format, args);
    va_end(args);
}

void check_note(struct check *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(k, CONFIG_NOTE, "", format, args);
    va_end(args);
}

bool check_stop(const struct check *k)
{
    return k->errors > 0 && !(k->reporter && k->reporter->keep_going);
}

bool check_given(const struct check *k, enum config_option option)
{
    return k->c->given[option / 64] >> (option % 64) & 1;
}

/* Kind of the device, from its name if need be. */
static void device_type(struct check *k)
{
    struct config *c = k->c;
    bool tls = c->tls_client || c->tls_server || c->server.given || c->server_bridge.kind != CONFIG_BRIDGE_OFF ||
               c->server_ipv6.addr.family != AF_UNSPEC;
    if (!c->dev) {
        if (!tls) {
            check_error(k, "You must define TUN/TAP device (--dev)");
            return;
        }
        c->dev = arena_strdup(c->arena, c->dev_type == CONFIG_DEV_TAP ? "tap" : "tun");
    }
    if (c->dev_type != CONFIG_DEV_TYPE_UNSET) {
        return;
    }
    if (strncmp(c->dev, "tun", 3) == 0) {
        c->dev_type = CONFIG_DEV_TUN;
    } else if (strncmp(c->dev, "tap", 3) == 0) {
        c->dev_type = CONFIG_DEV_TAP;
    } else if (strncmp(c->dev, "null", 4) == 0) {
        c->dev_type = CONFIG_DEV_NULL;
    } else {
        check_error(k, "the name of device '%s' does not say whether it is tun or tap; add dev-type tun or dev-type tap",
                    c->dev);
    }
}

static void secret_mode(struct check *k)
{
    if (k->c->secret) {
        check_error(k, "option 'secret' is not supported: static-key mode has no forward secrecy and was removed from "
                       "OpenVPN 2.7; use TLS: peer-fingerprint needs no certificate authority");
    }
}

/* Keys of "--genkey --secret FILE", the old way of saying it; what --show-ciphers and the like can list. */
static int validate_tool(struct check *k)
{
    struct config *c = k->c;
    compat_load_providers(k);
    if (c->command == CONFIG_COMMAND_GENKEY && c->secret && !c->genkey.path) {
        check_note(k, "WARNING: Using --genkey --secret filename is DEPRECATED.  Use --genkey secret filename instead.");
        c->genkey.path = c->secret;
    }
    if (c->command == CONFIG_COMMAND_GENKEY && strcmp(c->genkey.type, "tls-crypt-v2-client") == 0 &&
        !config_file_given(&c->tls_crypt_v2)) {
        check_error(k, "--genkey tls-crypt-v2-client requires a server key to be set via --tls-crypt-v2 to create a "
                       "client key");
    }
    if (c->command == CONFIG_COMMAND_MKTUN || c->command == CONFIG_COMMAND_RMTUN) {
        if (!c->dev) {
            check_error(k, "You must define TUN/TAP device (--dev)");
        } else {
            device_type(k);
        }
    }
    return k->errors ? ERR_CONFIG : 0;
}

int validate(struct config *c, const struct config_reporter *reporter)
{
    static void (*const steps[])(struct check *k) = {secret_mode, device_type, helper_expand, connections_build,
                                                     compat_apply, check_mode, check_tls};
    struct check k = {.c = c, .reporter = reporter};
    if (c->command != CONFIG_COMMAND_RUN && c->command != CONFIG_COMMAND_CHECK) {
        return validate_tool(&k);
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !check_stop(&k); i++) {
        steps[i](&k);
    }
    if (!check_stop(&k)) {
        check_files(&k);
    }
    if (c->command == CONFIG_COMMAND_CHECK) {
        check_weak(&k);
    }
    return k.errors ? ERR_CONFIG : 0;
}
