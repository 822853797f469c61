/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"

static void print_option(const struct config_row *row)
{
    char head[200];
    snprintf(head, sizeof(head), "--%s%s%s", row->name, *row->args ? " " : "", row->args);
    int width = (int)strlen(head);
    if (width > 30) {
        printf("%s\n%32s", head, "");
    } else {
        printf("%-32s", head);
    }
    const char *text = row->help;
    size_t room = 78;
    while (strlen(text) > room) {
        size_t n = room;
        while (n > 0 && text[n] != ' ') {
            n--;
        }
        n = n ? n : room;
        printf("%.*s\n%32s", (int)n, text, "");
        text += n + (text[n] == ' ');
    }
    printf("%s\n", text);
}

void config_print_help(void)
{
    printf("vpnd %s\n\nvpnd FILE, or vpnd --OPTION [ARGUMENTS] ... ; in a file the same without the dashes.\n", VERSION);
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        const char *theme = config_row_theme((enum config_option)i);
        if (theme) {
            printf("\n%s:\n", theme);
        }
        if (row->kind != CONFIG_KIND_HARMLESS && row->kind != CONFIG_KIND_REFUSED &&
            row->state == CONFIG_STATE_WORKS) {
            print_option(row);
        }
    }
}
