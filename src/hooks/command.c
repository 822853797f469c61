/* SPDX-License-Identifier: MIT */
#include "hooks/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "config/token.h"

int command_split(const char *command, char ***argv)
{
    struct token_line words;
    if (token_split(command, strlen(command), &words) != TOKEN_OK || words.count == 0) {
        return ERR_FORMAT;
    }
    *argv = mem_array(words.count + 1, sizeof(**argv));
    for (size_t i = 0; i < words.count; i++) {
        (*argv)[i] = mem_strdup(words.text[i]);
    }
    return 0;
}

void command_append(char ***argv, const char *word)
{
    size_t n = 0;
    while ((*argv)[n]) {
        n++;
    }
    *argv = mem_grow(*argv, n + 2, sizeof(**argv));
    (*argv)[n] = mem_strdup(word);
    (*argv)[n + 1] = NULL;
}

void command_free(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++) {
        free(argv[i]);
    }
    free(argv);
}
