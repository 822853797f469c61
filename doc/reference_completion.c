/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "reference.h"

/* A help text between single quotes of a shell; @special are characters that need a backslash besides. */
static void put_quoted(const char *text, const char *special)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'') {
            fputs("'\\''", stdout);
        } else {
            if (strchr(special, *p)) {
                putchar('\\');
            }
            putchar(*p);
        }
    }
}

static void names_with(enum reference_value value)
{
    const char *before = "";
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (reference_on_command_line(row) && reference_value_of(row) == value) {
            printf("%s--%s", before, row->name);
            before = "|";
        }
    }
}

static void bash(void)
{
    puts("# bash completion for vpnd; made from its table of options\n"
         "_vpnd()\n"
         "{\n"
         "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    COMPREPLY=()\n"
         "    if [[ $current != --* ]]; then\n"
         "        case $previous in");
    fputs("        ", stdout);
    names_with(REFERENCE_FILE);
    puts(")\n            mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n            return ;;");
    fputs("        ", stdout);
    names_with(REFERENCE_DIRECTORY);
    puts(")\n            mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n            return ;;");
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (reference_on_command_line(row) && reference_value_of(row) == REFERENCE_WORDS) {
            printf("        --%s)\n            mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")\n"
                   "            return ;;\n", row->name, reference_words_of(row));
        }
    }
    puts("        esac\n    fi\n"
         "    if [[ $COMP_CWORD = 1 && $current != -* ]]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
         "        return\n"
         "    fi\n"
         "    mapfile -t COMPREPLY < <(compgen -W '");
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (reference_on_command_line(row)) {
            printf("--%s\n", row->name);
        }
    }
    puts("' -- \"$current\")\n"
         "}\n"
         "complete -o filenames -o bashdefault -F _vpnd vpnd");
}

static void zsh(void)
{
    puts("#compdef vpnd\n# zsh completion for vpnd; made from its table of options\n_arguments -s \\");
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (!reference_on_command_line(row)) {
            continue;
        }
        printf("  '*--%s[", row->name);
        put_quoted(row->help, "[]:");
        putchar(']');
        switch (reference_value_of(row)) {
        case REFERENCE_NOTHING:
            break;
        case REFERENCE_WORDS:
            printf(":%s:(%s)", "value", reference_words_of(row));
            break;
        case REFERENCE_FILE:
            fputs(":file:_files", stdout);
            break;
        case REFERENCE_DIRECTORY:
            fputs(":directory:_files -/", stdout);
            break;
        case REFERENCE_OTHER:
            fputs(":", stdout);
            put_quoted(row->args, "[]:");
            fputs(": ", stdout);
            break;
        }
        puts("' \\");
    }
    puts("  '1:configuration file:_files'");
}

static void fish(void)
{
    puts("# fish completion for vpnd; made from its table of options");
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (!reference_on_command_line(row)) {
            continue;
        }
        printf("complete -c vpnd -l %s", row->name);
        switch (reference_value_of(row)) {
        case REFERENCE_NOTHING:
            break;
        case REFERENCE_WORDS:
            printf(" -x -a '%s'", reference_words_of(row));
            break;
        case REFERENCE_FILE:
            fputs(" -r -F", stdout);
            break;
        case REFERENCE_DIRECTORY:
            fputs(" -x -a '(__fish_complete_directories)'", stdout);
            break;
        case REFERENCE_OTHER:
            fputs(" -x", stdout);
            break;
        }
        fputs(" -d '", stdout);
        for (const char *p = row->help; *p; p++) {
            if (*p == '\'' || *p == '\\') {
                putchar('\\');
            }
            putchar(*p);
        }
        puts("'");
    }
}

int reference_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        bash();
    } else if (strcmp(shell, "zsh") == 0) {
        zsh();
    } else if (strcmp(shell, "fish") == 0) {
        fish();
    } else {
        fprintf(stderr, "no completion for this shell: %s\n", shell);
        return -1;
    }
    return 0;
}
