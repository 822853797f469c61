/* SPDX-License-Identifier: MIT */
#ifndef VPND_STANDALONE_H
#define VPND_STANDALONE_H

/*
 * Commands that print or make something and exit (client behaviour spec, 1.5). Part of main. Thread: main.
 */
#include <stdbool.h>
#include <stddef.h>

struct config;

/** standalone_title - first line of --version and of the log, "vpnd 0.1.0 x86_64-pc-linux-gnu [SSL (OpenSSL)] ...";
 *  under the name openvpn the one that callers of openvpn parse. Return: @out. */
const char *standalone_title(bool as_openvpn, char *out, size_t cap);

/** standalone_libraries - "library versions: OpenSSL ..., LZO 2.10". Return: @out. */
const char *standalone_libraries(char *out, size_t cap);

/**
 * standalone_run - do what @config->command says (anything but RUN and CHECK)
 * Return: the exit status of the process; errors were logged.
 */
int standalone_run(const struct config *config, bool as_openvpn);

/** standalone_gateway - --show-gateway. Return: exit status. */
int standalone_gateway(const char *target);

/** standalone_persist - --mktun and --rmtun. Return: exit status. */
int standalone_persist(const struct config *config, bool on);

#endif
