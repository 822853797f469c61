/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_PARSE_H
#define VPND_CONFIG_PARSE_H

/*
 * From files, the command line and texts to set_option(). Internal to config/.
 */
#include "config/set.h"

/** parse_args - a whole command line: one file name, or --option words. Return: 0 or ERR_CONFIG after messages. */
int parse_args(struct set *s, int argc, char *const argv[]);

/**
 * parse_file - a configuration file, or standard input when it is called stdin and we are not in SET_CCD
 * Return: 0, ERR_CONFIG after messages, -errno when it could not be opened (no message).
 */
int parse_file(struct set *s, const char *path);

/** parse_text - lines in memory under the current @s->source. Return: 0 or ERR_CONFIG after messages. */
int parse_text(struct set *s, const char *text, size_t len);

/** parse_line - one line, which cannot begin a block. Return: 0 or ERR_CONFIG after messages. */
int parse_line(struct set *s, const char *text);

#endif
