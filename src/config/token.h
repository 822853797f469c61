/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_TOKEN_H
#define VPND_CONFIG_TOKEN_H

#include <stddef.h>

#define TOKEN_MAX_COUNT 16  /* words on a line */
#define TOKEN_MAX_SIZE 256  /* of one word with its NUL */

/** The words of one line. @text may hold secrets: wipe it after use where it can. */
struct token_line {
    size_t count;
    char text[TOKEN_MAX_COUNT][TOKEN_MAX_SIZE];
};

enum token_error {
    TOKEN_OK,
    TOKEN_BAD_BACKSLASH,     /* a backslash before something that needs none */
    TOKEN_OPEN_QUOTE,        /* no closing " */
    TOKEN_OPEN_SINGLE_QUOTE, /* no closing ' */
    TOKEN_TOO_LONG,          /* a word of more than 255 bytes; it is the last of @text, cut */
    TOKEN_TOO_MANY,          /* more than 16 words; the first 16 are in @text */
};

/**
 * token_split - split one line as configuration files, commands and the management interface do
 * (client behaviour spec, 1.2): "..." groups with escapes, '...' without, # and ; start a comment at a word's
 * start, backslash escapes backslash, quote and blank; between words it is lost before a blank, a comment and the end.
 * @line: @len bytes without the line end; a NUL ends it early
 * Pure: no state, no allocation. Return: TOKEN_OK (an empty line has no words) or what is wrong.
 */
enum token_error token_split(const char *line, size_t len, struct token_line *out);

#endif
