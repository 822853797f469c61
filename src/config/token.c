/* SPDX-License-Identifier: MIT */
#include "config/token.h"

#include <stdbool.h>

enum state { BETWEEN, PLAIN, QUOTED, SINGLE };

struct splitter {
    struct token_line *out;
    size_t len; /* of the word being read */
    enum token_error error;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static void begin_word(struct splitter *s)
{
    if (s->out->count == TOKEN_MAX_COUNT) {
        s->error = TOKEN_TOO_MANY;
        return;
    }
    s->len = 0;
    s->out->text[s->out->count++][0] = 0;
}

static void add(struct splitter *s, char c)
{
    char *word = s->out->text[s->out->count - 1];
    if (s->len == TOKEN_MAX_SIZE - 1) {
        s->error = TOKEN_TOO_LONG;
        return;
    }
    word[s->len++] = c;
    word[s->len] = 0;
}

static bool escapable(char c)
{
    return c == '\\' || c == '"' || blank(c);
}

/* One character outside words, where a backslash before a blank or a comment changes nothing. Return: the next state. */
static enum state between(struct splitter *s, char c, bool escaped, bool *comment)
{
    if (blank(c)) {
        return BETWEEN;
    }
    if (c == '#' || c == ';') {
        *comment = true;
        return BETWEEN;
    }
    begin_word(s);
    if (s->error != TOKEN_OK) {
        return BETWEEN;
    }
    if (c == '"' && !escaped) {
        return QUOTED;
    }
    if (c == '\'' && !escaped) {
        return SINGLE;
    }
    add(s, c);
    return PLAIN;
}

/* Whether the backslash at @at, with @left bytes from there to the end of the line, may stand there. */
static bool backslash_fits(enum state state, const char *at, size_t left)
{
    if (left < 2) {
        return state == BETWEEN;
    }
    return escapable(at[1]) || (state == BETWEEN && (at[1] == '#' || at[1] == ';'));
}

static enum token_error end_of_line(enum state state)
{
    if (state == QUOTED) {
        return TOKEN_OPEN_QUOTE;
    }
    return state == SINGLE ? TOKEN_OPEN_SINGLE_QUOTE : TOKEN_OK;
}

enum token_error token_split(const char *line, size_t len, struct token_line *out)
{
    struct splitter s = {.out = out, .error = TOKEN_OK};
    enum state state = BETWEEN;
    bool comment = false;
    out->count = 0;
    for (size_t i = 0; i < len && line[i] && !comment && s.error == TOKEN_OK; i++) {
        char c = line[i];
        bool escaped = false;
        if (c == '\\' && state != SINGLE) {
            if (!backslash_fits(state, line + i, len - i)) {
                return TOKEN_BAD_BACKSLASH;
            }
            if (++i == len) {
                break;
            }
            c = line[i];
            escaped = true;
        }
        if (state == BETWEEN) {
            state = between(&s, c, escaped, &comment);
        } else if (!escaped && ((state == PLAIN && blank(c)) || (state == QUOTED && c == '"') ||
                                (state == SINGLE && c == '\''))) {
            state = BETWEEN;
        } else {
            add(&s, c);
        }
    }
    return s.error != TOKEN_OK ? s.error : end_of_line(state);
}
