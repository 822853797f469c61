/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <stdio.h>
#include <string.h>

bool reference_on_command_line(const struct config_row *row)
{
    return row->state == CONFIG_STATE_WORKS && (row->where & CONFIG_AT_FILES) && row->kind != CONFIG_KIND_HARMLESS &&
           row->kind != CONFIG_KIND_REFUSED && row->kind != CONFIG_KIND_BLOCK;
}

enum reference_value reference_value_of(const struct config_row *row)
{
    const struct config_row *target = config_row_target(row);
    const char *args = row->args;
    if (row->max == 0) {
        return REFERENCE_NOTHING;
    }
    if (target->kind == CONFIG_KIND_COMMAND || target->kind == CONFIG_KIND_FILE || strstr(args, "FILE") == args ||
        strncmp(args, "[FILE", 5) == 0 || strncmp(args, "COMMAND", 7) == 0 || strncmp(args, "MODULE", 6) == 0 ||
        strncmp(args, "PATH", 4) == 0 || strncmp(args, "SOCKET", 6) == 0) {
        return REFERENCE_FILE;
    }
    if (target->kind == CONFIG_KIND_PATH || strncmp(args, "DIRECTORY", 9) == 0) {
        return REFERENCE_DIRECTORY;
    }
    return *reference_words_of(row) ? REFERENCE_WORDS : REFERENCE_OTHER;
}

/* Words in the first argument of the usage text: those in small letters or digits, "[no|yes] X" gives "no yes". */
static void words_of_usage(const char *args, char *out, size_t cap)
{
    size_t n = 0;
    for (const char *p = args; *p && *p != ' ' && n + 2 < cap; p++) {
        if (*p >= 'A' && *p <= 'Z') {
            out[0] = 0;
            return;
        }
        if (*p != '[' && *p != ']') {
            out[n++] = *p == '|' ? ' ' : *p;
        }
    }
    out[n] = 0;
}

const char *reference_words_of(const struct config_row *row)
{
    static char words[256];
    const struct config_row *target = config_row_target(row);
    words[0] = 0;
    if (!target->choices) {
        if (strchr(row->args, '|')) {
            words_of_usage(row->args, words, sizeof(words));
        }
        return words;
    }
    for (const struct config_choice *c = target->choices; c->word; c++) {
        size_t n = strlen(words);
        snprintf(words + n, sizeof(words) - n, "%s%s", n ? " " : "", c->word);
    }
    return words;
}

/* One line an option: name, kind, state, field's place, where it may stand. */
static void print_table(void)
{
    static const char *const kinds[] = {"flag", "uint",  "int",  "u64",  "text",     "command", "path",   "file", "choice",
                                        "list", "call",  "word", "alias", "tool",    "block",   "harmless", "refused"};
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        printf("%s\t%s\t%s\t%s\n", row->name, kinds[row->kind], row->state == CONFIG_STATE_WORKS ? "works" : "later",
               config_row_target(row)->name);
    }
}

int main(int argc, char *argv[])
{
    int rc = -1;
    if (argc == 4 && strcmp(argv[1], "manual") == 0) {
        rc = reference_manual(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(argv[1], "completion") == 0) {
        rc = reference_completion(argv[2]);
    } else if (argc == 2 && strcmp(argv[1], "table") == 0) {
        print_table();
        rc = 0;
    } else {
        fprintf(stderr, "usage: %s manual TEMPLATE NOTES | completion bash|zsh|fish | table\n", argv[0]);
    }
    return rc == 0 && fflush(stdout) == 0 ? 0 : 1;
}
