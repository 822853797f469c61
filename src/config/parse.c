/* SPDX-License-Identifier: MIT */
#include "config/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/set_handlers.h"
#include "config/token.h"

#define FILE_MAX (16u << 20)
#define BODY_MAX (4u << 20)

/** What is left of a text that is being read line by line. */
struct lines {
    const char *at;
    const char *end;
};

static bool next_line(struct lines *in, const char **line, size_t *len)
{
    if (in->at >= in->end) {
        return false;
    }
    const char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
    *line = in->at;
    *len = (size_t)((newline ? newline : in->end) - in->at);
    in->at = newline ? newline + 1 : in->end;
    return true;
}

static int report_token_problem(struct set *s, enum token_error problem)
{
    switch (problem) {
    case TOKEN_TOO_LONG:
        return set_error(s, "a word is longer than 255 bytes");
    case TOKEN_OPEN_QUOTE:
        return set_error_plain(s, "No closing quotation (\") in %s:%u", s->source, s->line);
    case TOKEN_OPEN_SINGLE_QUOTE:
        return set_error_plain(s, "No closing single quotation (') in %s:%u", s->source, s->line);
    default:
        s->errors++;
        set_report(s->reporter, CONFIG_ERROR,
                   "Options warning: Bad backslash ('\\') usage in %s:%u: remember that backslashes are treated as "
                   "shell-escapes and if you need to pass backslash characters as part of a Windows filename, you "
                   "should use double backslashes such as \"c:\\\\openvpn\\\\static.key\"", s->source, s->line);
        return ERR_CONFIG;
    }
}

/* Whether a line ends the block @name: its first non-blank text is </name>. */
static bool ends_block(const char *line, size_t len, const char *name)
{
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    size_t n = strlen(name);
    return len >= n + 3 && line[0] == '<' && line[1] == '/' && memcmp(line + 2, name, n) == 0 && line[n + 2] == '>';
}

/* Per-connection values of a block begin as those of the top level. */
static void begin_block(struct set *s, struct config_connection *block)
{
    *block = s->config->top;
    block->remote = (struct config_remote_list){0};
    block->local.cap = block->local.count;
    block->http_proxy_option.headers.cap = block->http_proxy_option.headers.count;
    block->tls_auth = (struct config_file){0};
    block->tls_crypt = (struct config_file){0};
    block->tls_crypt_v2 = (struct config_file){0};
    block->key_direction = -1;
    block->tls_wrap_given = false;
}

static int connection_block(struct set *s, const char *body, size_t len)
{
    struct config_connection block;
    unsigned line = s->line;
    begin_block(s, &block);
    struct set inner = *s;
    inner.connection = &block;
    inner.context = SET_BLOCK;
    inner.body = NULL;
    int rc = parse_text(&inner, body, len);
    s->errors = inner.errors;
    s->line = line;
    if (rc == 0 && block.remote.count == 0) {
        return set_error_plain(s, "Each 'connection' block must contain exactly one 'remote' directive (%s:%u)",
                               s->source, line);
    }
    if (rc == 0) {
        *CONFIG_APPEND(s->arena, &s->config->connections) = block;
        struct config_statement *statement = CONFIG_APPEND(s->arena, &s->config->statements);
        *statement = (struct config_statement){.option = CONFIG_OPT_connection,
                                               .text = arena_strdup(s->arena, "connection"),
                                               .body = arena_strndup(s->arena, body, len),
                                               .source = arena_strdup(s->arena, s->source),
                                               .line = line};
    }
    return rc;
}

/* A block: collect its body, then treat it as the option with that argument. */
static int inline_block(struct set *s, struct lines *in, const char *name)
{
    const char *body = in->at;
    const char *line = NULL;
    size_t len = 0;
    unsigned lines = 0;
    do {
        if (!next_line(in, &line, &len)) {
            s->errors++;
            set_report(s->reporter, CONFIG_ERROR, "ERROR: Endtag </%s> missing (%s:%u)", name, s->source, s->line);
            return ERR_CONFIG;
        }
        lines++;
    } while (!ends_block(line, len, name));
    size_t body_len = (size_t)(line - body);
    if (body_len > BODY_MAX) {
        return set_error(s, "the block <%s> is larger than %u bytes", name, BODY_MAX);
    }
    int rc = 0;
    if (strcmp(name, "connection") == 0 && s->context == SET_FILES) {
        rc = connection_block(s, body, body_len);
    } else {
        char word[] = "[INLINE]";
        char *copy = mem_strdup(name);
        char *argv[] = {copy, word, NULL};
        s->argv = argv;
        s->argc = 2;
        s->body = body;
        s->body_len = body_len;
        rc = set_option(s);
        s->body = NULL;
        s->body_len = 0;
        free(copy);
    }
    s->line += lines;
    return rc;
}

/* The name in "<name>", NUL-terminated in place, or NULL. */
static char *block_name(char *word)
{
    size_t n = strlen(word);
    if (n < 3 || word[0] != '<' || word[n - 1] != '>' || word[1] == '/') {
        return NULL;
    }
    word[n - 1] = 0;
    return word + 1;
}

/* Options for connections that come after a block do not reach it: say so. */
static void warn_after_blocks(struct set *s)
{
    const struct config_row *row = config_row_find(s->argv[0]);
    if (s->context == SET_FILES && s->config->connections.count > 0 && row && (row->where & CONFIG_AT_BLOCK)) {
        set_report(s->reporter, CONFIG_WARNING, "Option '%s' in %s:%u is ignored by previous <connection> blocks ",
                   row->name, s->source, s->line);
    }
}

static int split_words(struct set *s, struct lines *in, struct token_line *words)
{
    char *argv[SET_ARGS_MAX + 1] = {NULL};
    for (size_t i = 0; i < words->count; i++) {
        argv[i] = words->text[i];
    }
    char *name = words->count == 1 && in ? block_name(argv[0]) : NULL;
    if (name) {
        return inline_block(s, in, name);
    }
    if (strncmp(argv[0], "--", 2) == 0 && argv[0][2]) {
        argv[0] += 2;
    }
    s->argv = argv;
    s->argc = (int)words->count;
    warn_after_blocks(s);
    int rc = set_option(s);
    s->argv = NULL;
    return rc;
}

static int one_line(struct set *s, struct lines *in, const char *line, size_t len)
{
    struct token_line words;
    enum token_error problem = token_split(line, len, &words);
    int rc = 0;
    if (problem == TOKEN_TOO_MANY) {
        set_warning(s, "only the first %d words of the line count", TOKEN_MAX_COUNT);
    } else if (problem != TOKEN_OK) {
        rc = report_token_problem(s, problem);
    }
    if (rc == 0 && words.count > 0) {
        rc = split_words(s, in, &words);
    }
    secret_wipe(&words, sizeof(words));
    return rc;
}

int parse_text(struct set *s, const char *text, size_t len)
{
    struct lines in = {text, text + len};
    const char *line = NULL;
    size_t n = 0;
    int rc = 0;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 && s->context != SET_BLOCK) {
        in.at += 3;
    }
    if (s->context != SET_BLOCK) {
        s->line = 0;
    }
    while (next_line(&in, &line, &n)) {
        s->line++;
        int one = 0;
        if (n + (in.at > line + n ? 1 : 0) > SET_LINE_MAX) {
            one = set_error_plain(s, "In %s:%u: Maximum option line length (256) exceeded, line starts with %.60s",
                                  s->source, s->line, line);
        } else {
            one = one_line(s, &in, line, n);
        }
        if (one != 0) {
            rc = one;
            if (!s->reporter || !s->reporter->keep_going) {
                return rc;
            }
        }
    }
    return rc;
}

int parse_line(struct set *s, const char *text)
{
    size_t n = strlen(text);
    if (n > SET_LINE_MAX) {
        return set_error_plain(s, "In %s:%u: Maximum option line length (256) exceeded, line starts with %.60s",
                               s->source, s->line, text);
    }
    return one_line(s, NULL, text, n);
}

/* Contents of a file that the user named, as a string. Return: 0 or -errno. */
static int slurp(const char *path, bool from_stdin, char **out, size_t *len)
{
    int fd = from_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct buf contents = BUF_INIT(FILE_MAX);
    char chunk[4096];
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            rc = n < 0 ? -errno : 0;
            break;
        }
        if (buf_append(&contents, chunk, (size_t)n) != 0) {
            rc = -EFBIG;
            break;
        }
    }
    close(fd);
    secret_wipe(chunk, sizeof(chunk));
    if (rc == 0) {
        *out = mem_strndup(buf_str(&contents), contents.len);
        *len = contents.len;
    }
    buf_free(&contents, true);
    return rc;
}

int parse_file(struct set *s, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    bool from_stdin = s->context == SET_FILES && strcmp(path, "stdin") == 0;
    int rc = slurp(path, from_stdin, &text, &len);
    if (rc != 0) {
        return rc;
    }
    const char *source = s->source;
    unsigned line = s->line;
    s->source = arena_strdup(s->arena, path);
    s->depth++;
    rc = parse_text(s, text, len);
    s->depth--;
    s->source = source;
    s->line = line;
    secret_wipe(text, len);
    free(text);
    return rc;
}

/* config FILE, from wherever it was said. */
static int include(struct set *s, const char *path)
{
    if (s->depth >= SET_INCLUDE_DEPTH) {
        return set_error_plain(s, "In %s:%u: Maximum recursive include levels exceeded in include attempt of file %s -- "
                               "probably you have a configuration file that tries to include itself.", s->source,
                               s->line, path);
    }
    if (s->context == SET_FILES && !s->config->config_path) {
        s->config->config_path = arena_strdup(s->arena, path);
    }
    int rc = parse_file(s, path);
    if (rc != 0 && rc != ERR_CONFIG) {
        s->unread = true;
        return set_error_plain(s, "In %s:%u: Error opening configuration file: %s (%s)", s->source, s->line, path,
                               err_str(rc));
    }
    return rc;
}

int set_config(struct set *s, void *field)
{
    (void)field;
    char *path = set_text(s, 1); /* the line it stands in is overwritten by those of the file */
    return include(s, path);
}

static int arg_option(struct set *s, int argc, char *const argv[])
{
    char *words[SET_ARGS_MAX + 1];
    int n = argc > SET_ARGS_MAX ? SET_ARGS_MAX : argc;
    for (int i = 0; i < n; i++) {
        words[i] = arena_strdup(s->arena, argv[i]);
    }
    words[n] = NULL;
    words[0] += 2;
    s->argv = words;
    s->argc = n;
    s->source = "[CMD-LINE]";
    s->line = 1;
    if (argc > SET_ARGS_MAX) {
        return set_error(s, "--%s has more than %d arguments", words[0], SET_ARGS_MAX - 1);
    }
    warn_after_blocks(s);
    return set_option(s);
}

int parse_args(struct set *s, int argc, char *const argv[])
{
    s->source = "[CMD-LINE]";
    s->line = 1;
    if (argc == 2 && strncmp(argv[1], "--", 2) != 0) {
        return include(s, argv[1]);
    }
    int rc = 0;
    for (int i = 1; i < argc;) {
        if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2]) {
            s->unread = true;
            return set_error_plain(s, "I'm trying to parse \"%s\" as an --option parameter but I don't see a leading "
                                   "'--'; a file is named with --config FILE, when other options follow", argv[i]);
        }
        int n = 1;
        while (i + n < argc && strncmp(argv[i + n], "--", 2) != 0) {
            n++;
        }
        int one = arg_option(s, n, argv + i);
        if (one != 0) {
            rc = one;
            if (!s->reporter || !s->reporter->keep_going) {
                return rc;
            }
        }
        i += n;
    }
    return rc;
}
