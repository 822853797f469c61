/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_CMD_H
#define VPND_WIRE_CMD_H

#include "base/span.h"

/* Control messages: NUL-terminated texts inside TLS (control channel spec, 8 and 9). */
#define CMD_MAX 1024             /* longest message that is sent, NUL included */
#define CMD_PUSH_SPLIT 940       /* a PUSH_REPLY part is closed when the next option would reach this */
#define CMD_OPTION_MAX 255       /* longest single pushed option */

enum cmd_type {
    CMD_UNKNOWN,
    CMD_AUTH_FAILED,
    CMD_PUSH_REQUEST,
    CMD_PUSH_REPLY,
    CMD_PUSH_UPDATE,
    CMD_RESTART,
    CMD_HALT,
    CMD_INFO_PRE,
    CMD_INFO,
    CMD_CR_RESPONSE,
    CMD_AUTH_PENDING,
    CMD_EXIT,
    CMD_ACC,
    CMD_RELAY,
};

struct cmd {
    enum cmd_type type;
    const char *args; /* text after the first comma; "" when there is none; points into the message */
    bool has_args;    /* there was a comma */
};

/** cmd_parse - classify one message. An unknown or malformed name gives CMD_UNKNOWN. */
struct cmd cmd_parse(const char *message);

/** cmd_text_valid - no control characters once trailing CR and LF are ignored; others must be dropped (4.2). */
bool cmd_text_valid(const uint8_t *text, size_t len);

/**
 * cmd_record_next - take the next NUL-terminated text from one TLS record
 * @r: reader over the record; advanced
 * @out: text without its NUL and without trailing CR/LF, valid as a C string only after the caller copies it
 * Return: 1; 0 at the end; ERR_FORMAT for one that lacks its NUL, is empty or has control characters (skipped:
 * go on calling).
 */
int cmd_record_next(struct rd *r, struct span *out);

/** Which variant of AUTH_FAILED (9.1). */
enum cmd_auth_failed_kind {
    CMD_AUTH_FAILED_PLAIN,     /* @text: reason, may be "" */
    CMD_AUTH_FAILED_SESSION,   /* token expired: @text after "SESSION:" */
    CMD_AUTH_FAILED_CHALLENGE, /* dynamic challenge: @text starts with "CRV1:" */
    CMD_AUTH_FAILED_TEMP,      /* temporary: keep the credentials */
};

enum cmd_advance { CMD_ADVANCE_DEFAULT, CMD_ADVANCE_NO, CMD_ADVANCE_ADDR, CMD_ADVANCE_REMOTE };

struct cmd_auth_failed {
    enum cmd_auth_failed_kind kind;
    const char *text;
    unsigned backoff_s;        /* TEMP: least wait, 0 when not given */
    enum cmd_advance advance;  /* TEMP */
};

/** cmd_auth_failed_parse - @args of CMD_AUTH_FAILED. Never fails: what is not understood is a plain reason. */
struct cmd_auth_failed cmd_auth_failed_parse(const char *args);

/** RESTART and HALT (9.2). */
struct cmd_restart {
    bool keep_credentials; /* P */
    bool next_remote;      /* N */
    const char *text;      /* message for the user, "" when there is none */
};

/** cmd_restart_parse - @args of CMD_RESTART or CMD_HALT. */
struct cmd_restart cmd_restart_parse(const char *args);

/** cmd_pending_timeout - `timeout N` of AUTH_PENDING's @args. Return: seconds, 0 when absent or not a number. */
unsigned cmd_pending_timeout(const char *args);

/* ------------------------------------------------------------------ challenges (12.4, 12.5) */

/** CRV1, from AUTH_FAILED; strings point into the message. */
struct cmd_challenge {
    bool echo;               /* E: show what is typed */
    bool respond;            /* R: an answer is wanted */
    struct span state_id;
    struct span username_base64; /* CRV1 only */
    const char *text;
};

/** cmd_challenge_parse - "CRV1:flags:state:user64:text". Return: 0 or ERR_FORMAT. */
int cmd_challenge_parse(const char *text, struct cmd_challenge *out);

/** What an INFO_PRE asks for. */
enum cmd_info_kind { CMD_INFO_OTHER, CMD_INFO_WEB_AUTH, CMD_INFO_OPEN_URL, CMD_INFO_CR_TEXT };

struct cmd_info {
    enum cmd_info_kind kind;
    struct span flags;       /* WEB_AUTH, CR_TEXT: comma separated */
    bool echo;               /* CR_TEXT */
    bool respond;
    const char *text;        /* URL or question, or the whole text */
};

/** cmd_info_parse - @args of CMD_INFO_PRE or CMD_INFO. */
struct cmd_info cmd_info_parse(const char *args);

/* ------------------------------------------------------------------ push */

/** Composes PUSH_REPLY or PUSH_UPDATE, split with push-continuation (8.2). One part at a time. */
struct cmd_push {
    const char *name; /* "PUSH_REPLY" or "PUSH_UPDATE" */
    bool split;       /* an earlier part was closed with continuation 2 */
    bool any;         /* the current part has options */
    size_t len;       /* of @text without NUL */
    char text[CMD_MAX];
};

/** cmd_push_begin - start with no options. @name must outlive @push. */
void cmd_push_begin(struct cmd_push *push, const char *name);

/**
 * cmd_push_option - append one option
 * Return: 0 appended; 1: @push->text is a finished part (",push-continuation 2" at its end): send it, call
 * cmd_push_next(), then append the same option again; ERR_LIMIT: the option fits no message; ERR_FORMAT: it
 * has a comma or a control character.
 */
int cmd_push_option(struct cmd_push *push, const char *option);

/** cmd_push_next - begin the next part after cmd_push_option() returned 1. */
void cmd_push_next(struct cmd_push *push);

/** cmd_push_end - close the last part (",push-continuation 1" if there were others); @push->text is ready. */
void cmd_push_end(struct cmd_push *push);

/** One option of a received PUSH_REPLY or PUSH_UPDATE. */
struct cmd_push_item {
    struct span text;  /* without prefixes */
    bool remove;       /* PUSH_UPDATE: '-' */
    bool optional;     /* PUSH_UPDATE: '?' */
};

/** cmd_push_item_next - next comma separated option; empty ones are skipped. @args is advanced.
 *  @update: understand the prefixes of PUSH_UPDATE. Return: 1, 0 at the end, ERR_FORMAT for "?-" (skipped). */
int cmd_push_item_next(const char **args, bool update, struct cmd_push_item *out);

/** cmd_push_continuation - value of the push-continuation item of @args: 2 more parts follow, 0 or 1 complete. */
unsigned cmd_push_continuation(const char *args);

#endif
