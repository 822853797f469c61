/* SPDX-License-Identifier: MIT */
#include "client/proxy_login.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"

#define FILE_SIZE_MAX 4096

static void wipe(char **text)
{
    if (*text) {
        secret_wipe(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

void proxy_login_wipe(struct proxy_login *login)
{
    wipe(&login->username);
    wipe(&login->password);
}

static char *line(const char **at)
{
    size_t n = strcspn(*at, "\r\n");
    char *text = mem_strndup(*at, n);
    *at += n;
    *at += **at == '\r';
    *at += **at == '\n';
    return text;
}

/* What the configuration names; without path and text if it names nothing. */
static struct config_file source(const struct config *config, const struct config_connection *e)
{
    if (e->http_proxy.host && config_file_given(&config->http_proxy_user_pass)) {
        return config->http_proxy_user_pass;
    }
    return (struct config_file){.path = e->http_proxy.host ? e->http_proxy.auth_file : e->socks_proxy.auth_file};
}

static bool is_person(const struct config_file *file)
{
    return !file->is_inline && file->path && strcmp(file->path, "stdin") == 0;
}

bool proxy_login_has_source(const struct config *config, const struct config_connection *e)
{
    struct config_file file = source(config, e);
    return config_file_given(&file);
}

enum proxy_login_asking proxy_login_asking(const struct config *config, const struct config_connection *e)
{
    struct config_file file = source(config, e);
    if (!e->http_proxy.host && !e->socks_proxy.host) {
        return PROXY_LOGIN_NEVER;
    }
    if (config_file_given(&file)) {
        return is_person(&file) ? PROXY_LOGIN_AT_ONCE : PROXY_LOGIN_NEVER;
    }
    return e->http_proxy.host && e->http_proxy.auth != CONFIG_HTTP_AUTH_NONE ? PROXY_LOGIN_ON_DEMAND
                                                                             : PROXY_LOGIN_NEVER;
}

int proxy_login_read(const struct config *config, struct proxy_login *out)
{
    *out = (struct proxy_login){0};
    struct config_file file = source(config, &config->top);
    if (!config_file_given(&file) || is_person(&file)) {
        return 0;
    }
    struct buf text = BUF_INIT(FILE_SIZE_MAX);
    int e = config_file_read(&file, &text);
    if (e) {
        log_error("Cannot read user and password of the proxy from '%s': %s", file.path, err_str(e));
    } else {
        const char *at = buf_str(&text);
        out->username = line(&at);
        out->password = line(&at);
    }
    buf_free(&text, true);
    return e ? ERR_CONFIG : 0;
}
