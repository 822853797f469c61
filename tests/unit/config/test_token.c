/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "config/token.h"

static struct token_line words;

static enum token_error split(const char *line)
{
    return token_split(line, strlen(line), &words);
}

Test(token, blanks_quotes_and_escapes)
{
    cr_assert_eq(split("  push \"route 10.0.0.0\"\t'a \\b'  c\\ d \\\"e\r"), TOKEN_OK);
    cr_assert_eq(words.count, 5);
    cr_assert_str_eq(words.text[0], "push");
    cr_assert_str_eq(words.text[1], "route 10.0.0.0");
    cr_assert_str_eq(words.text[2], "a \\b");
    cr_assert_str_eq(words.text[3], "c d");
    cr_assert_str_eq(words.text[4], "\"e");
}

Test(token, comments_only_where_a_word_could_start)
{
    cr_assert_eq(split("a#b ;c d"), TOKEN_OK);
    cr_assert_eq(words.count, 1);
    cr_assert_str_eq(words.text[0], "a#b");
    cr_assert_eq(split("# nothing"), TOKEN_OK);
    cr_assert_eq(words.count, 0);
    cr_assert_eq(split("x \"\" ''"), TOKEN_OK);
    cr_assert_eq(words.count, 3);
    cr_assert_str_eq(words.text[2], "");
}

/* As in a list that was copied from a shell script; openvpn 2.6.14 reads it like this. */
Test(token, backslash_between_words_is_lost)
{
    cr_assert_eq(split("verb 3 \\"), TOKEN_OK);
    cr_assert_eq(words.count, 2);
    cr_assert_eq(split("push \"route 10.0.0.0\" \\\r"), TOKEN_OK);
    cr_assert_eq(words.count, 2);
    cr_assert_eq(split("verb 3 \\# more \\x"), TOKEN_OK);
    cr_assert_eq(words.count, 2);
    cr_assert_eq(split("\\;verb 3"), TOKEN_OK);
    cr_assert_eq(words.count, 0);
    cr_assert_eq(split("verb \\ 3 \\\\ \\\"a"), TOKEN_OK);
    cr_assert_eq(words.count, 4);
    cr_assert_str_eq(words.text[1], "3");
    cr_assert_str_eq(words.text[2], "\\");
    cr_assert_str_eq(words.text[3], "\"a");
    cr_assert_eq(split("verb \\'a'"), TOKEN_BAD_BACKSLASH);
}

Test(token, every_error)
{
    cr_assert_eq(split("a \\n"), TOKEN_BAD_BACKSLASH);
    cr_assert_eq(split("a\\"), TOKEN_BAD_BACKSLASH);
    cr_assert_eq(split("a \"b"), TOKEN_OPEN_QUOTE);
    cr_assert_eq(split("a 'b"), TOKEN_OPEN_SINGLE_QUOTE);
    cr_assert_eq(split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), TOKEN_TOO_MANY);
    cr_assert_eq(words.count, 16);
    char longer[300];
    memset(longer, 'x', sizeof(longer));
    cr_assert_eq(token_split(longer, 255, &words), TOKEN_OK);
    cr_assert_eq(token_split(longer, 256, &words), TOKEN_TOO_LONG);
}
