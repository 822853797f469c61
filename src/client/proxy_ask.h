/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROXY_ASK_H
#define VPND_CLIENT_PROXY_ASK_H

/*
 * Asking for the login of a proxy, over the management interface or on the terminal, and remembering the answer until
 * the proxy refuses it. One question at a time. Loop thread.
 */
#include "client/proxy_login.h"

struct client;
struct config;
struct job;
struct proxy_terminal;

/** What the client knows and asks; in struct client. */
struct proxy_ask {
    struct proxy_login login;        /* NULL: unknown */
    char *proxy;                     /* whose login that is; NULL: nobody's */
    char *asked_for;                 /* whose login is being asked for */
    struct job *job;                 /* the question on the terminal */
    struct proxy_terminal *terminal; /* of @job */
    void (*then)(struct client *c);
};

/** proxy_ask_known - the answer for the proxy of @config. Return: valid until the next call here; NULL: unknown. */
const struct proxy_login *proxy_ask_known(const struct client *c, const struct config *config);

/** proxy_ask_start - ask for the login of the proxy of @config; @then is called in a later turn, with the answer known.
 *  With nobody to ask the client ends (logged). */
void proxy_ask_start(struct client *c, const struct config *config, void (*then)(struct client *c));

/** proxy_ask_before_detaching - ask on the terminal, which blocks, where the first entry wants that ("stdin").
 *  Return: 0, or ERR_CONFIG (logged). */
int proxy_ask_before_detaching(struct client *c);

/** proxy_ask_refused - the proxy of @config does not accept the login: tell management and forget it. */
void proxy_ask_refused(struct client *c, const struct config *config);

/** proxy_ask_cancel - the open question, if any, is not of interest any more. client_management_cancel() too. */
void proxy_ask_cancel(struct client *c);

/** proxy_ask_forget - wipe what is known. */
void proxy_ask_forget(struct client *c);

#endif
