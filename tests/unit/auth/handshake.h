/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_UNIT_AUTH_HANDSHAKE_H
#define VPND_TESTS_UNIT_AUTH_HANDSHAKE_H

#include <stdbool.h>

#include "auth/peer.h"
#include "auth/tls_setup.h"
#include "certs.h"
#include "config/config.h"

/** An authority, a server and a client, with configurations that work; a test changes one thing. */
struct scene {
    struct test_cert ca;
    struct test_cert server;
    struct test_cert client;
    char *texts[16];
    int count;
    struct config server_config;
    struct config client_config;
    struct auth_peer *seen_by_server;
    struct auth_peer *seen_by_client;
};

/** scene_open - make certificates and configurations. */
void scene_open(struct scene *s);

void scene_close(struct scene *s);

/** scene_use - give @config the certificate and key of @c. */
void scene_use(struct scene *s, struct config *config, const struct test_cert *c);

/** scene_keep - @text is freed with the scene. Return: @text. */
char *scene_keep(struct scene *s, char *text);

/** scene_handshake - one TLS handshake between the two configurations. Return: both ends accepted. */
bool scene_handshake(struct scene *s);

/** scene_log - everything logged since scene_open() or the last call of scene_log_reset(). */
const char *scene_log(void);
void scene_log_reset(void);

#endif
