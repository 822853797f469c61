/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

#define LINE_MAX_BYTES 4096
#define LINE_WIDTH 72

/** The text of the notes: "[NAME]" lines, each followed by what the manual says under that option. */
struct notes {
    char *text;
    bool used[CONFIG_OPTIONS];
};

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = f ? calloc(1, 1) : NULL;
    size_t len = 0;
    char line[LINE_MAX_BYTES];
    while (text && fgets(line, sizeof(line), f)) {
        size_t n = strlen(line);
        char *more = realloc(text, len + n + 1);
        if (!more) {
            free(text);
            text = NULL;
            break;
        }
        text = more;
        memcpy(text + len, line, n + 1);
        len += n;
    }
    if (!text) {
        perror(path);
    }
    if (f) {
        fclose(f);
    }
    return text;
}

/* One character of text for mdoc; @before and @after are its neighbours. */
static const char *escaped(char c, char before, char after, bool quoted)
{
    static char plain[2];
    if (c == '\\') {
        return "\\e";
    }
    if (c == '"' && quoted) {
        return "\"\"";
    }
    if (c == '-' && (after == '-' || isalnum((unsigned char)before))) {
        return "\\-";
    }
    plain[0] = c;
    return plain;
}

/* An argument of a macro, without its quotation marks. */
static void put_argument(const char *text)
{
    for (const char *p = text; *p; p++) {
        fputs(escaped(*p, p > text ? p[-1] : 0, p[1], true), stdout);
    }
}

/* Text lines of at most LINE_WIDTH characters: nothing in them may be taken for a request or an escape. */
static void put_text(const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word;) {
        size_t n = strcspn(word, " ");
        if (column > 0 && column + 1 + n > LINE_WIDTH) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        if (column == 0 && (*word == '.' || *word == '\'')) {
            fputs("\\&", stdout);
        }
        for (size_t i = 0; i < n; i++) {
            const char *out = escaped(word[i], i ? word[i - 1] : 0, word[i + 1], false);
            fputs(out, stdout);
            column += strlen(out);
        }
        word += n + (word[n] == ' ');
    }
    putchar('\n');
}

/* A help text as a sentence. */
static void put_sentence(const char *text)
{
    char copy[LINE_MAX_BYTES];
    snprintf(copy, sizeof(copy), "%s%s", text, strchr(".!?", text[strlen(text) - 1]) ? "" : ".");
    /* The program's name keeps its small letter. */
    if (strncmp(copy, "vpnd", 4) != 0) {
        copy[0] = (char)toupper((unsigned char)copy[0]);
    }
    put_text(copy);
}

static void put_note(struct notes *notes, const struct config_row *row)
{
    char mark[128];
    snprintf(mark, sizeof(mark), "[%s]\n", row->name);
    for (char *at = notes->text; (at = strstr(at, mark)); at++) {
        if (at != notes->text && at[-1] != '\n') {
            continue;
        }
        notes->used[config_row_option(row)] = true;
        char *body = at + strlen(mark);
        char *end = strstr(body, "\n[");
        size_t n = end ? (size_t)(end - body) + 1 : strlen(body);
        while (n > 1 && body[n - 1] == '\n' && body[n - 2] == '\n') {
            n--;
        }
        printf(".Pp\n%.*s", (int)n, body);
        return;
    }
}

static const char *who(unsigned modes)
{
    switch (modes) {
    case CONFIG_FOR_CLIENT:
        return "For clients.";
    case CONFIG_FOR_SERVER:
        return "For servers.";
    case CONFIG_FOR_P2P:
        return "For peers without a server.";
    case CONFIG_FOR_CLIENT | CONFIG_FOR_P2P:
        return "Not for servers.";
    case CONFIG_FOR_SERVER | CONFIG_FOR_P2P:
        return "Not for clients.";
    default:
        return NULL;
    }
}

/* Default, places and users of the option in one more line. */
static void put_facts(const struct config_row *row)
{
    if (row->init && strcmp(row->init, "0") != 0) {
        char text[LINE_MAX_BYTES];
        snprintf(text, sizeof(text), "Default: %s.", row->init);
        put_text(text);
    }
    if (who(row->modes)) {
        puts(who(row->modes));
    }
    bool files = row->where & CONFIG_AT_FILES;
    if (row->where & CONFIG_AT_BLOCK) {
        puts("Also in a <connection> block.");
    }
    if (row->where & CONFIG_AT_CCD) {
        puts(files ? "Also in the files of single clients." : "Only in the files of single clients.");
    }
    if (row->where & CONFIG_AT_PUSHED) {
        puts(files || row->where & CONFIG_AT_CCD ? "A server may push it." : "Only a server pushes it.");
    }
    if (row->where & CONFIG_AT_INLINE && row->kind != CONFIG_KIND_BLOCK) {
        printf("The contents may be inline: <%s>.\n", row->name);
    }
    if (row->where & CONFIG_LIVE) {
        puts("A change takes effect at SIGHUP without disturbing clients.");
    }
    if (row->where & CONFIG_NETWORK) {
        puts("A server takes nothing over at SIGHUP when this has changed: restart it.");
    }
}

static void put_option(struct notes *notes, const struct config_row *row)
{
    if (row->kind == CONFIG_KIND_BLOCK) {
        printf(".It Li <%s>", row->name);
    } else {
        printf(".It Fl \\-%s", row->name);
    }
    if (*row->args) {
        fputs(" Ar \"", stdout);
        put_argument(row->args);
        putchar('"');
    }
    putchar('\n');
    put_sentence(row->help);
    put_facts(row);
    put_note(notes, row);
}

static void put_working(struct notes *notes)
{
    bool open = false;
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        const char *theme = config_row_theme((enum config_option)i);
        if (theme) {
            printf("%s.Ss %s\n.Bl -tag -width Ds\n", open ? ".El\n" : "", theme);
            open = true;
        }
        if (row->state == CONFIG_STATE_WORKS && row->kind != CONFIG_KIND_HARMLESS && row->kind != CONFIG_KIND_REFUSED) {
            put_option(notes, row);
        }
    }
    puts(".El");
}

static void put_others(enum config_kind kind, const char *title, const char *intro)
{
    printf(".Ss %s\n%s\n.Bl -tag -width Ds\n", title, intro);
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        bool later = row->state == CONFIG_STATE_LATER && kind == CONFIG_KIND_REFUSED;
        if (row->kind != kind && !later) {
            continue;
        }
        printf(".It Fl \\-%s\n", row->name);
        if (later) {
            puts("Not supported by this version.");
            continue;
        }
        put_sentence(row->help);
        if (row->remedy) {
            put_sentence(row->remedy);
        }
    }
    puts(".El");
}

static int unused_note(const struct notes *notes)
{
    int rc = 0;
    for (char *line = notes->text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char name[128];
        if (sscanf(line, "[%127[^]\n]]", name) != 1) {
            continue;
        }
        const struct config_row *row = config_row_find(name);
        if (!row || !notes->used[config_row_option(row)]) {
            fprintf(stderr, "the notes speak of an option that the manual does not have: %s\n", name);
            rc = -1;
        }
    }
    return rc;
}

int reference_manual(const char *template, const char *notes_path)
{
    struct notes notes = {.text = read_all(notes_path)};
    char *text = read_all(template);
    char *at = text ? strstr(text, ".\\\" @OPTIONS@\n") : NULL;
    int rc = -1;
    if (notes.text && at) {
        fwrite(text, 1, (size_t)(at - text), stdout);
        put_working(&notes);
        put_others(CONFIG_KIND_HARMLESS, "Options without effect",
                   "These are accepted, with one warning, because configurations in use have them.");
        put_others(CONFIG_KIND_REFUSED, "Options that are refused",
                   "These end the start with an error that says why.");
        fputs(strchr(at, '\n') + 1, stdout);
        rc = unused_note(&notes);
    } else if (text && notes.text) {
        fprintf(stderr, "%s has no line .\\\" @OPTIONS@\n", template);
    }
    free(text);
    free(notes.text);
    return rc;
}
