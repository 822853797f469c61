/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_COMMAND_H
#define VPND_HOOKS_COMMAND_H

/** command_split - words of a command line, split like a line of a configuration file.
 *  Return: 0 and a NULL-terminated array for command_free() (at least one word), or ERR_FORMAT. */
int command_split(const char *command, char ***argv);

/** command_append - add one word as it is. */
void command_append(char ***argv, const char *word);

/** command_free - release the array and its words. */
void command_free(char **argv);

#endif
