/* SPDX-License-Identifier: MIT */
#ifndef VPND_DOC_REFERENCE_H
#define VPND_DOC_REFERENCE_H

/*
 * What is made from the table of options at build time: the manual's reference, the shells' completions, and a list
 * for the lint.
 */
#include <stdbool.h>

#include "config/options.h"

/** What the value of an option is, for completion. */
enum reference_value { REFERENCE_NOTHING, REFERENCE_WORDS, REFERENCE_FILE, REFERENCE_DIRECTORY, REFERENCE_OTHER };

/** reference_value_of - what may follow the option's name. */
enum reference_value reference_value_of(const struct config_row *row);

/** reference_words_of - the words that may follow, separated by blanks, in a static buffer; "" when any text may. */
const char *reference_words_of(const struct config_row *row);

/** reference_on_command_line - whether a user would write --NAME: it works, and is allowed there. */
bool reference_on_command_line(const struct config_row *row);

/** reference_manual - vpnd.8 on standard output: @template with the options in place of its @OPTIONS@ line and the
 *  paragraphs of @notes under their options. Return: 0, or -1 after a message. */
int reference_manual(const char *template, const char *notes);

/** reference_completion - completion for @shell (bash, zsh, fish) on standard output. Return: 0, -1 when unknown. */
int reference_completion(const char *shell);

#endif
