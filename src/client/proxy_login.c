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

int proxy_login_read(const struct config *config, struct proxy_login *out)
{
    *out = (struct proxy_login){0};
    char *path = config->http_proxy.host ? config->http_proxy.auth_file : config->socks_proxy.auth_file;
    struct config_file named = {.path = path};
    const struct config_file *file = &named;
    if (config->http_proxy.host && config_file_given(&config->http_proxy_user_pass)) {
        file = &config->http_proxy_user_pass;
    }
    if (!file->path && !file->is_inline) {
        return 0;
    }
    struct buf text = BUF_INIT(FILE_SIZE_MAX);
    int e = config_file_read(file, &text);
    if (e) {
        log_error("Cannot read user and password of the proxy from '%s': %s", file->path, err_str(e));
    } else {
        const char *at = buf_str(&text);
        out->username = line(&at);
        out->password = line(&at);
    }
    buf_free(&text, true);
    return e ? ERR_CONFIG : 0;
}
