/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_MANAGEMENT_H
#define VPND_CLIENT_MANAGEMENT_H

/*
 * What management clients see of the client, what they can make it do, and what it asks them. Each question goes on
 * with @then at once when there is nobody to ask. A signal makes an open question void: its @then is not called.
 * Loop thread.
 */
#include <stdbool.h>

struct client;

/** client_management_open - start the interface that the configuration asks for. Return: 0 or ERR_CONFIG (logged). */
int client_management_open(struct client *c);

/** client_management_close - everybody is sent away. */
void client_management_close(struct client *c);

/** client_management_cancel - the question that is open is not of interest any more. */
void client_management_cancel(struct client *c);

/** client_management_waits - a question is open. */
bool client_management_waits(const struct client *c);

/** client_management_hold - wait for a release instead of pausing for @seconds. Return: false: no hold, @then is
 * not called. */
bool client_management_hold(struct client *c, unsigned seconds, void (*then)(void *arg));

/** client_management_ask_login - user name and password of the VPN, where they are missing. */
void client_management_ask_login(struct client *c, void (*then)(struct client *c));

/** client_management_asks - passwords are asked for over the management interface and not on the terminal. */
bool client_management_asks(const struct client *c);

/** client_management_ask_proxy_login - @type: "HTTP Proxy" or "SOCKS Proxy"; @then gets the answer, valid during the
 *  call. Return: false: nobody to ask. */
bool client_management_ask_proxy_login(struct client *c, const char *type,
                                       void (*then)(struct client *c, const char *username, const char *password));

/** client_management_ask_passphrase - of the private key; @then gets it, valid during the call. @again: the last
 * one was wrong. Return: false: nobody to ask. */
bool client_management_ask_passphrase(struct client *c, bool again,
                                      void (*then)(struct client *c, const char *passphrase));

/** client_management_ask_certificate - management-external-cert; @then gets PEM text, valid during the call.
 *  Return: false: nobody to ask. */
bool client_management_ask_certificate(struct client *c, void (*then)(struct client *c, const char *pem));

enum management_remote { MANAGEMENT_REMOTE_GO, MANAGEMENT_REMOTE_SKIP };

/** client_management_ask_remote - which remote and which proxy the attempt's configuration gets, which may be
 * changed. */
void client_management_ask_remote(struct client *c, void (*then)(struct client *c, enum management_remote what));

#endif
