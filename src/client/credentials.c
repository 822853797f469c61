/* SPDX-License-Identifier: MIT */
#include "client/credentials.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/challenge.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"

#define FILE_SIZE_MAX 16384
#define PASSWORD_BLANK "[[BLANK]]"

/** A text that is wiped when it is replaced. */
struct hidden {
    char *text; /* NULL: unknown */
};

struct credentials {
    atomic_uint users;
    pthread_mutex_t asking;       /* held by the thread that asks a person; taken before @lock */
    pthread_mutex_t lock;         /* never held while a person thinks */
    const struct config *config;
    credentials_ask_fn ask;
    int cancel;
    struct hidden username;
    struct hidden password;
    struct hidden response;       /* of the static challenge */
    bool given;                   /* the password is complete, whatever challenge there is */
    struct hidden token;
    struct hidden token_user;
    bool challenged;              /* a dynamic challenge is open */
    bool challenge_echo;
    bool challenge_respond;
    struct hidden challenge_user;
    struct hidden challenge_state;
    struct hidden challenge_text;
    struct hidden challenge_answer;
};

struct credentials_copy {
    struct credentials *of;
    struct hidden username;
    struct hidden password;
};

static void hide(struct hidden *h, char *text)
{
    if (h->text) {
        secret_wipe(h->text, strlen(h->text));
        free(h->text);
    }
    h->text = text;
}

struct credentials *credentials_new(const struct config *config, credentials_ask_fn ask)
{
    struct credentials *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->users, 1);
    pthread_mutex_init(&c->asking, NULL);
    pthread_mutex_init(&c->lock, NULL);
    c->config = config;
    c->ask = ask ? ask : prompt_ask;
    c->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (config->auth_token) {
        credentials_set_token(c, config->auth_token, config->auth_token_user);
    }
    return c;
}

static void close_challenge(struct credentials *c)
{
    c->challenged = false;
    hide(&c->challenge_user, NULL);
    hide(&c->challenge_state, NULL);
    hide(&c->challenge_text, NULL);
    hide(&c->challenge_answer, NULL);
}

static void forget(struct credentials *c)
{
    hide(&c->username, NULL);
    hide(&c->password, NULL);
    hide(&c->response, NULL);
    c->given = false;
}

void credentials_free(struct credentials *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) > 1) {
        return;
    }
    forget(c);
    close_challenge(c);
    hide(&c->token, NULL);
    hide(&c->token_user, NULL);
    pthread_mutex_destroy(&c->asking);
    pthread_mutex_destroy(&c->lock);
    if (c->cancel >= 0) {
        close(c->cancel);
    }
    free(c);
}

struct credentials *credentials_ref(struct credentials *c)
{
    atomic_fetch_add(&c->users, 1);
    return c;
}

struct credentials_copy *credentials_copy_new(struct credentials *c)
{
    struct credentials_copy *copy = mem_zalloc(sizeof(*copy));
    copy->of = credentials_ref(c);
    return copy;
}

void credentials_copy_free(struct credentials_copy *copy)
{
    if (copy) {
        hide(&copy->username, NULL);
        hide(&copy->password, NULL);
        credentials_free(copy->of);
        free(copy);
    }
}

bool credentials_wanted(const struct credentials *c)
{
    return c->config->auth_user_pass.enabled;
}

/* ------------------------------------------------------------------ sources */

/* Next line of @text without control characters, NULL at the end. */
static char *take_line(const char **text)
{
    const char *at = *text;
    if (!*at) {
        return NULL;
    }
    size_t n = strcspn(at, "\n");
    *text = at + n + (at[n] == '\n');
    char *line = mem_strndup(at, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!iscntrl((unsigned char)line[i])) {
            line[kept++] = line[i];
        }
    }
    line[kept] = '\0';
    return line;
}

static bool from_file(const struct config *config)
{
    const struct config_file *file = &config->auth_user_pass.file;
    return config_file_given(file) && (file->is_inline || strcmp(file->path, "stdin") != 0);
}

static int read_file(struct credentials *c)
{
    const struct config_file *file = &c->config->auth_user_pass.file;
    struct buf text = BUF_INIT(FILE_SIZE_MAX);
    int e = config_file_read(file, &text);
    if (e) {
        log_error("auth-user-pass: cannot read '%s': %s", file->path, err_str(e));
    } else {
        const char *at = buf_str(&text);
        char *user = take_line(&at);
        char *password = take_line(&at);
        hide(&c->username, user);
        if (password && password[0]) {
            hide(&c->password, password);
        } else {
            free(password);
        }
    }
    buf_free(&text, true);
    return e ? ERR_CONFIG : 0;
}

/* Anything may have changed when it returns: the lock is not held meanwhile. */
static int ask(struct credentials *c, const char *text, bool echo, struct hidden *out)
{
    char line[CREDENTIALS_TEXT_MAX];
    pthread_mutex_unlock(&c->lock);
    int n = c->ask(text, echo, c->cancel, line, sizeof(line));
    pthread_mutex_lock(&c->lock);
    if (n >= 0) {
        const char *at = line;
        char *answer = take_line(&at);
        hide(out, answer ? answer : mem_strdup(""));
    } else if (n == -ENOTTY) {
        log_error("Nobody to ask \"%s\": there is no terminal; put user name and password into a file and name it in"
                  " auth-user-pass",
                  text);
    } else if (n != -ECANCELED) {
        log_error("Reading the answer to \"%s\" failed: %s", text, err_str(n));
    }
    secret_wipe(line, sizeof(line));
    return n < 0 ? (n == -ECANCELED ? n : ERR_CONFIG) : 0;
}

static int ask_challenge(struct credentials *c)
{
    if (!c->challenge_respond) {
        log_info("CHALLENGE: %s", c->challenge_text.text);
        hide(&c->challenge_answer, mem_strdup(""));
        return 0;
    }
    char *text = mem_printf("CHALLENGE: %s", c->challenge_text.text);
    int e = ask(c, text, c->challenge_echo, &c->challenge_answer);
    free(text);
    return e;
}

static int ask_static_challenge(struct credentials *c)
{
    char *text = mem_printf("CHALLENGE: %s", c->config->static_challenge.text);
    int e = ask(c, text, c->config->static_challenge.echo, &c->response);
    free(text);
    return e;
}

static int obtain_username(struct credentials *c)
{
    int e = from_file(c->config) ? read_file(c) : 0;
    if (!e && !c->username.text) {
        e = ask(c, "Enter Auth Username:", true, &c->username);
    }
    if (!e && c->username.text && !c->username.text[0]) {
        log_error("ERROR: Auth username is empty");
        hide(&c->username, NULL);
        return ERR_AUTH;
    }
    return e;
}

/* The next of what is missing. */
static int obtain_login(struct credentials *c)
{
    if (!c->username.text) {
        return obtain_username(c);
    }
    if (!c->password.text && c->config->auth_user_pass.username_only) {
        hide(&c->password, mem_strdup(PASSWORD_BLANK));
        return 0;
    }
    return c->password.text ? ask_static_challenge(c) : ask(c, "Enter Auth Password:", false, &c->password);
}

static bool missing(const struct credentials *c)
{
    if (!c->config->auth_user_pass.enabled) {
        return false;
    }
    if (c->challenged) {
        return !c->challenge_answer.text;
    }
    if (c->token.text && (c->token_user.text || c->username.text)) {
        return false;
    }
    return !c->username.text || !c->password.text ||
           (c->config->static_challenge.text && !c->given && !c->response.text);
}

/* Under both locks. */
static int obtain(struct credentials *c)
{
    int e = 0;
    while (!e && missing(c)) {
        e = c->challenged ? ask_challenge(c) : obtain_login(c);
    }
    return e;
}

int credentials_obtain(struct credentials *c)
{
    pthread_mutex_lock(&c->asking);
    pthread_mutex_lock(&c->lock);
    int e = obtain(c);
    pthread_mutex_unlock(&c->lock);
    pthread_mutex_unlock(&c->asking);
    return e;
}

bool credentials_missing(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    bool result = missing(c);
    pthread_mutex_unlock(&c->lock);
    return result;
}

bool credentials_ask_needed(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    bool login = missing(c) && !c->challenged;
    if (login && !c->username.text && from_file(c->config)) {
        (void)read_file(c); /* logged: the person is asked instead */
    }
    bool result = missing(c);
    pthread_mutex_unlock(&c->lock);
    return result;
}

bool credentials_challenged(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    bool result = c->challenged;
    pthread_mutex_unlock(&c->lock);
    return result;
}

void credentials_given(struct credentials *c, const char *username, const char *password)
{
    pthread_mutex_lock(&c->lock);
    close_challenge(c);
    hide(&c->username, mem_strdup(username));
    hide(&c->password, mem_strdup(password ? password : PASSWORD_BLANK));
    c->given = true;
    pthread_mutex_unlock(&c->lock);
}

void credentials_cancel(struct credentials *c)
{
    uint64_t one = 1;
    ssize_t n = write(c->cancel, &one, sizeof(one));
    (void)n;
}

/* ------------------------------------------------------------------ what is sent */

static void compose(struct credentials *c, struct credentials_copy *copy)
{
    if (c->challenged) {
        hide(&copy->username, mem_strdup(c->challenge_user.text));
        hide(&copy->password, challenge_dynamic(c->challenge_state.text, c->challenge_answer.text));
        close_challenge(c);
    } else if (c->token.text) {
        hide(&copy->username, mem_strdup(c->token_user.text ? c->token_user.text : c->username.text));
        hide(&copy->password, mem_strdup(c->token.text));
    } else {
        hide(&copy->username, mem_strdup(c->username.text));
        hide(&copy->password, c->config->static_challenge.text && !c->given
                                  ? challenge_static(c->password.text, c->response.text,
                                                     c->config->static_challenge.concat)
                                  : mem_strdup(c->password.text));
    }
}

void credentials_hook(void *arg, struct session_credentials *out)
{
    struct credentials_copy *copy = arg;
    struct credentials *c = copy->of;
    *out = (struct session_credentials){0};
    pthread_mutex_lock(&c->asking);
    pthread_mutex_lock(&c->lock);
    if (c->config->auth_user_pass.enabled && obtain(c) == 0) {
        compose(c, copy);
        out->username = copy->username.text;
        out->password = copy->password.text;
    }
    pthread_mutex_unlock(&c->lock);
    pthread_mutex_unlock(&c->asking);
}

void credentials_used_hook(void *arg)
{
    struct credentials_copy *copy = arg;
    hide(&copy->username, NULL);
    hide(&copy->password, NULL);
}

/* ------------------------------------------------------------------ tokens and challenges */

static char *decode(const char *text, size_t len)
{
    uint8_t raw[CREDENTIALS_TEXT_MAX];
    int n = base64_decode(text, len, raw, sizeof(raw));
    char *copy = n >= 0 ? mem_strndup((const char *)raw, (size_t)n) : NULL;
    secret_wipe(raw, sizeof(raw));
    return copy;
}

void credentials_set_token(struct credentials *c, const char *token, const char *user64)
{
    pthread_mutex_lock(&c->lock);
    hide(&c->token, mem_strdup(token));
    if (user64) {
        hide(&c->token_user, decode(user64, strlen(user64)));
    }
    pthread_mutex_unlock(&c->lock);
}

bool credentials_drop_token(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    bool had = c->token.text != NULL;
    hide(&c->token, NULL);
    hide(&c->token_user, NULL);
    pthread_mutex_unlock(&c->lock);
    return had;
}

void credentials_forget(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    forget(c);
    pthread_mutex_unlock(&c->lock);
}

void credentials_forget_used(struct credentials *c)
{
    if (!c->config->auth_nocache) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    /* the user's name stays with a token that came without one of its own */
    hide(&c->password, NULL);
    hide(&c->response, NULL);
    c->given = false;
    if (!c->token.text || c->token_user.text) {
        hide(&c->username, NULL);
    }
    pthread_mutex_unlock(&c->lock);
}

int credentials_challenge(struct credentials *c, const char *crv1)
{
    struct cmd_challenge challenge;
    int e = cmd_challenge_parse(crv1, &challenge);
    if (e) {
        return e;
    }
    char *user = decode((const char *)challenge.username_base64.data, challenge.username_base64.len);
    if (!user) {
        return ERR_FORMAT;
    }
    pthread_mutex_lock(&c->lock);
    close_challenge(c);
    c->challenged = true;
    c->challenge_echo = challenge.echo;
    c->challenge_respond = challenge.respond;
    hide(&c->challenge_user, user);
    hide(&c->challenge_state, mem_strndup((const char *)challenge.state_id.data, challenge.state_id.len));
    hide(&c->challenge_text, mem_strdup(challenge.text));
    pthread_mutex_unlock(&c->lock);
    return 0;
}

const char *credentials_username(struct credentials *c)
{
    return c->username.text ? c->username.text : "";
}
