/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROXY_LOGIN_H
#define VPND_CLIENT_PROXY_LOGIN_H

#include <stdbool.h>

struct config;
struct config_connection;

/** User and password for a proxy; NULL where none is known. */
struct proxy_login {
    char *username;
    char *password;
};

/** When a person is asked for the login. */
enum proxy_login_asking {
    PROXY_LOGIN_NEVER,     /* a file has it, or none is wanted */
    PROXY_LOGIN_ON_DEMAND, /* once the proxy says that it wants one: "auto" without a file */
    PROXY_LOGIN_AT_ONCE,   /* before the first connection: "stdin" */
};

/** proxy_login_asking - for entry @e, with what @config says for all of them. */
enum proxy_login_asking proxy_login_asking(const struct config *config, const struct config_connection *e);

/** proxy_login_read - from http-proxy-user-pass or the file that http-proxy or socks-proxy names.
 *  Return: 0 (also when there is nothing), or ERR_CONFIG (logged). Any thread; reads a file. */
int proxy_login_read(const struct config *config, struct proxy_login *out);

/** proxy_login_has_source - a file, an inline block or "stdin" was configured for entry @e. */
bool proxy_login_has_source(const struct config *config, const struct config_connection *e);

/** proxy_login_wipe - overwrite and release. */
void proxy_login_wipe(struct proxy_login *login);

#endif
