/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROXY_LOGIN_H
#define VPND_CLIENT_PROXY_LOGIN_H

struct config;

/** User and password for a proxy; NULL where none is known. */
struct proxy_login {
    char *username;
    char *password;
};

/** proxy_login_read - from http-proxy-user-pass or the file that http-proxy or socks-proxy names.
 *  Return: 0 (also when there is nothing), or ERR_CONFIG (logged). Any thread; reads a file. */
int proxy_login_read(const struct config *config, struct proxy_login *out);

/** proxy_login_wipe - overwrite and release. */
void proxy_login_wipe(struct proxy_login *login);

#endif
