/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/options.h"

/** Where a theme of the table begins. */
struct theme {
    enum config_option first;
    const char *title;
};

static const struct theme themes[] = {
    {CONFIG_OPT_remote, "Connection options (also in <connection> blocks)"},
    {CONFIG_OPT_push, "Options that may differ between clients"},
    {CONFIG_OPT_dev, "Tunnel options"},
    {CONFIG_OPT_connection, "Transport options"},
    {CONFIG_OPT_tls_client, "TLS and authentication options"},
    {CONFIG_OPT_mode, "Server options"},
    {CONFIG_OPT_config, "General options"},
    {CONFIG_OPT_check, "Options that only vpnd has"},
};

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
    size_t theme = 0;
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (theme < sizeof(themes) / sizeof(themes[0]) && i == themes[theme].first) {
            printf("\n%s:\n", themes[theme++].title);
        }
        if (row->kind != CONFIG_KIND_HARMLESS && row->kind != CONFIG_KIND_REFUSED &&
            row->state == CONFIG_STATE_WORKS) {
            print_option(row);
        }
    }
}
