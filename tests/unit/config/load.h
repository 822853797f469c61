/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_CONFIG_LOAD_H
#define VPND_TESTS_CONFIG_LOAD_H

#include "base/buf.h"
#include "config/config.h"

#define CLIENT "client\ndev tun\nremote 192.0.2.1\n<ca>\nx\n</ca>\n<cert>\nx\n</cert>\n<key>\nx\n</key>\n"
#define SERVER "dev tun\n<ca>\nx\n</ca>\n<cert>\nx\n</cert>\n<key>\nx\n</key>\ndh none\n"
#define SERVER_NET SERVER "server 10.8.0.0 255.255.255.0\n"

/** What a configuration said: every message on a line of its own, with its level's letter (N, W, E) before it. */
struct load {
    struct config *config;
    struct buf messages;
    struct config_reporter reporter;
    int rc;
};

/** load_text - a file t.conf with this text, read by "vpnd t.conf" in a directory of its own. */
struct load *load_text(const char *text);

/** load_args - a command line, NULL-terminated, without the program's name. */
struct load *load_args(const char *const args[]);

/** load_said - whether a message contains @text. */
bool load_said(const struct load *load, const char *text);

/** load_reset - forget the messages. */
void load_reset(struct load *load);

/** load_file - make a file in the test's directory. */
void load_file(const char *name, const char *text);

void load_free(struct load *load);

#endif
