/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "config/set.h"
#include "config/set_handlers.h"

int set_cd(struct set *s, void *field)
{
    (void)field;
    if (!s->reporter->jailed && chdir(s->argv[1]) != 0) {
        return set_error_plain(s, "cd to '%s' failed: %s (errno=%d) (%s:%u)", s->argv[1], strerror(errno), errno,
                               s->source, s->line);
    }
    s->config->cd = set_text(s, 1);
    return 0;
}

int set_daemon(struct set *s, void *field)
{
    *(bool *)field = true;
    if (s->argc > 1) {
        s->config->syslog_name = set_text(s, 1);
    }
    return 0;
}

int set_syslog(struct set *s, void *field)
{
    *(bool *)field = true;
    if (s->argc > 1) {
        s->config->syslog_name = set_text(s, 1);
    }
    if (s->act) {
        log_open_syslog(s->argc > 1 ? s->argv[1] : "vpnd");
        struct log_settings settings = log_settings_get();
        settings.to_syslog = true;
        log_settings_set(&settings);
    }
    return 0;
}

static int open_log(struct set *s, bool append)
{
    if (s->act) {
        int rc = log_open_file(s->argv[1], append);
        if (rc != 0) {
            return set_error(s, "log file '%s' cannot be opened: %s", s->argv[1], err_str(rc));
        }
    }
    return 0;
}

int set_log(struct set *s, void *field)
{
    *(char **)field = set_text(s, 1);
    s->config->log_append = NULL;
    return open_log(s, false);
}

int set_log_append(struct set *s, void *field)
{
    *(char **)field = set_text(s, 1);
    s->config->log = NULL;
    return open_log(s, true);
}

int set_verb(struct set *s, void *field)
{
    unsigned verb = 0;
    int rc = set_unsigned(s, 1, 0, INT32_MAX, &verb);
    if (rc == 0) {
        *(unsigned *)field = verb > 11 ? 11 : verb;
        if (s->act && !s->defaults) {
            struct log_settings settings = log_settings_get();
            settings.verb = *(unsigned *)field;
            log_settings_set(&settings);
        }
    }
    return rc;
}

int set_ignore_unknown(struct set *s, void *field)
{
    (void)field;
    for (int i = 1; i < s->argc; i++) {
        const char *name = s->argv[i];
        name += strncmp(name, "--", 2) == 0 ? 2 : 0;
        CONFIG_APPEND(s->arena, &s->config->ignore_unknown_option)->text = arena_strdup(s->arena, name);
    }
    return 0;
}

int set_status(struct set *s, void *field)
{
    struct config_status status = {.seconds = 60};
    int rc = s->argc > 2 ? set_unsigned(s, 2, 0, 86400 * 365, &status.seconds) : 0;
    if (rc == 0) {
        status.path = set_text(s, 1);
        *(struct config_status *)field = status;
    }
    return rc;
}

int set_plugin(struct set *s, void *field)
{
    struct config_plugin_list *list = field;
    struct config_plugin *plugin = CONFIG_APPEND(s->arena, list);
    plugin->module = set_text(s, 1);
    for (int i = 2; i < s->argc; i++) {
        CONFIG_APPEND(s->arena, &plugin->arguments)->text = set_text(s, i);
    }
    return 0;
}

static int endpoint(struct set *s, char **address, char **port, bool *is_unix)
{
    *is_unix = strcmp(s->argv[2], "unix") == 0;
    if (!*is_unix) {
        int rc = set_port_text(s, 2, port);
        if (rc != 0) {
            return rc;
        }
    }
    *address = set_text(s, 1);
    return 0;
}

int set_management(struct set *s, void *field)
{
    struct config_management m = {0};
    int rc = endpoint(s, &m.address, &m.port, &m.is_unix);
    if (rc == 0) {
        m.password_file = set_text(s, 3);
        *(struct config_management *)field = m;
    }
    return rc;
}

int set_metrics(struct set *s, void *field)
{
    struct config_endpoint e = {0};
    int rc = endpoint(s, &e.address, &e.port, &e.is_unix);
    if (rc == 0) {
        *(struct config_endpoint *)field = e;
    }
    return rc;
}

int set_external_key(struct set *s, void *field)
{
    struct config_external_key key = {.enabled = true};
    for (int i = 1; i < s->argc; i++) {
        const char *word = s->argv[i];
        if (strcmp(word, "nopadding") == 0) {
            key.nopadding = true;
        } else if (strcmp(word, "pkcs1") == 0) {
            key.pkcs1 = true;
        } else if (strcmp(word, "pss") == 0) {
            key.pss = true;
        } else if (strcmp(word, "digest") == 0) {
            key.digest = true;
        } else {
            return set_error_plain(s, "Unknown management-external-key flag: %s (%s:%u)", word, s->source, s->line);
        }
    }
    *(struct config_external_key *)field = key;
    return 0;
}

int set_genkey(struct set *s, void *field)
{
    static const char *const types[] = {"secret",     "tls-auth", "tls-crypt", "tls-crypt-v2-server",
                                        "tls-crypt-v2-client", "auth-token", NULL};
    struct config_genkey *genkey = field;
    const char *type = s->argc > 1 ? s->argv[1] : "secret";
    for (size_t i = 0; types[i]; i++) {
        if (strcmp(types[i], type) == 0) {
            genkey->enabled = true;
            genkey->type = arena_strdup(s->arena, type);
            genkey->path = set_text(s, 2);
            genkey->metadata = set_text(s, 3);
            s->config->command = CONFIG_COMMAND_GENKEY;
            return 0;
        }
    }
    return set_error_plain(s, "unknown --genkey type: %s", type);
}

/* Static-key mode is gone; only "--genkey --secret FILE" of old scripts still means something. */
int set_secret(struct set *s, void *field)
{
    *(char **)field = set_text(s, 1);
    return 0;
}

int set_limit(struct set *s, void *field)
{
    if (strcmp(s->argv[1], "infinite") == 0 || strcmp(s->argv[1], "unlimited") == 0) {
        *(unsigned *)field = CONFIG_INFINITE;
        return 0;
    }
    return set_unsigned(s, 1, 0, INT32_MAX, field);
}

int set_multihome(struct set *s, void *field)
{
    if (s->argc > 1) {
        if (strcmp(s->argv[1], "same-interface") != 0) {
            return set_bad_value(s, 1, "'same-interface' or nothing");
        }
        s->config->multihome_same_interface = true;
    }
    *(bool *)field = true;
    return 0;
}
