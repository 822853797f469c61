/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_OPTIONS_H
#define VPND_CONFIG_OPTIONS_H

/*
 * The table of all options, made from the rows of options_*.def. A row is
 *
 *   OPTION(field, "name", TYPE, MIN, MAX, WHERE, MODES, PUSH, STATE, DEFAULT, "arguments", "help")
 *
 * TYPE   FLAG, UINT(low, high), UINT_OR(low, high, value without argument), INT(low, high), U64, TEXT,
 *        COMMAND (a program and its arguments), PATH_OF(check), FILE_OF(check), CHOICE(set),
 *        CHOICE_OR(set, "word without argument"), LIST(element, handler), CALL(field type, handler)
 * MIN, MAX  how many arguments
 * WHERE  FILES (file and command line), BLOCK (<connection>), CCD (per client), PUSHED, INLINE; and what a
 *        change of it does at SIGHUP in a running server: LIVE: new clients and handshakes follow it; KEYS: they do as
 *        soon as certificates and keys could be read again; NETWORK: clients of before and after could not both live
 *        with it, so that the whole reload has to wait for a restart; none: it alone waits for a restart. What
 *        src/auth reads of a session's certificates has to be KEYS, what src/server reads of the configuration of its
 *        start cannot be LIVE (tests/lint/options.py)
 * MODES  for whom it is: CLIENT, SERVER, P2P, ANY_MODE, TOOLS
 * PUSH   permission class when pushed; UPDATE: PUSH_UPDATE may change it
 * STATE  WORKS, or LATER: refused with a clear error until its code exists
 * DEFAULT  what the user would have to write for it, or NULL for zero
 *
 * The other rows: MEMBER is a field without an option of its own; WORD an option without a field; ALIAS another
 * name of an option; TOOL makes the program do something else than run; BLOCK_OPTION exists only as a block;
 * HARMLESS is accepted with one warning; REFUSED is an error that says why and what to do.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config_types.h"

struct set;

/** Stores the arguments of an option; see set.h. Return: 0 or ERR_CONFIG after set_error(). */
typedef int (*config_set_fn)(struct set *s, void *field);

/** Every option has a number, in the order of the tables. */
enum config_option {
#define OPTION(id, name, type, min, max, where, modes, push, state, init, args, help) CONFIG_OPT_##id,
#define MEMBER(type, id, help)
#define WORD(id, name, handler, min, max, where, modes, push, state, args, help) CONFIG_OPT_##id,
#define ALIAS(id, name, target, min, max, where, modes, push, args, help) CONFIG_OPT_##id,
#define TOOL(id, name, command, min, max, state, args, help) CONFIG_OPT_##id,
#define BLOCK_OPTION(id, name, where, modes, state, args, help) CONFIG_OPT_##id,
#define HARMLESS(id, name, min, max, where, modes, push, why) CONFIG_OPT_##id,
#define REFUSED(id, name, where, why, remedy) CONFIG_OPT_##id,
#include "config/options_connection.def"
#include "config/options_client.def"
#include "config/options_tunnel.def"
#include "config/options_transport.def"
#include "config/options_tls.def"
#include "config/options_server.def"
#include "config/options_process.def"
#include "config/options_vpnd.def"
#undef OPTION
#undef MEMBER
#undef WORD
#undef ALIAS
#undef TOOL
#undef BLOCK_OPTION
#undef HARMLESS
#undef REFUSED
    CONFIG_OPTIONS
};

_Static_assert(CONFIG_OPTIONS <= 512, "struct config has room for 512 bits of given options");

/** Where an option may stand. */
enum config_where {
    CONFIG_AT_FILES = 1,
    CONFIG_AT_BLOCK = 2,
    CONFIG_AT_CCD = 4,
    CONFIG_AT_PUSHED = 8,
    CONFIG_AT_INLINE = 16, /* contents may be given in a block */
    CONFIG_LIVE = 32,
    CONFIG_WITH_KEYS = 64,
    CONFIG_NETWORK = 128,
};

enum config_modes { CONFIG_FOR_CLIENT = 1, CONFIG_FOR_SERVER = 2, CONFIG_FOR_P2P = 4, CONFIG_FOR_TOOLS = 8 };

/** Permission classes of pushed options (client behaviour 6.1). */
enum config_push_class {
    CONFIG_PUSH_NONE = 0,
    CONFIG_PUSH_UP = 1,
    CONFIG_PUSH_ROUTE = 2, /* refused by route-nopull */
    CONFIG_PUSH_DNS = 4,   /* refused by route-nopull */
    CONFIG_PUSH_ROUTE_EXTRA = 8,
    CONFIG_PUSH_TIMER = 16,
    CONFIG_PUSH_SOCKET = 32,
    CONFIG_PUSH_MISC = 64,
    CONFIG_PUSH_PROTOCOL = 128,
    CONFIG_PUSH_UPDATE = 256, /* may stand in PUSH_UPDATE */
};

enum config_kind {
    CONFIG_KIND_FLAG,
    CONFIG_KIND_UINT,
    CONFIG_KIND_INT,
    CONFIG_KIND_U64,
    CONFIG_KIND_TEXT,
    CONFIG_KIND_COMMAND,
    CONFIG_KIND_PATH,
    CONFIG_KIND_FILE,
    CONFIG_KIND_CHOICE,
    CONFIG_KIND_LIST,
    CONFIG_KIND_CALL,
    CONFIG_KIND_WORD,
    CONFIG_KIND_ALIAS,
    CONFIG_KIND_TOOL,
    CONFIG_KIND_BLOCK,
    CONFIG_KIND_HARMLESS,
    CONFIG_KIND_REFUSED,
};

enum config_state { CONFIG_STATE_WORKS, CONFIG_STATE_LATER };

/** Which struct the field is in. */
enum config_scope { CONFIG_IN_CONNECTION, CONFIG_IN_CLIENT, CONFIG_IN_CONFIG };

/** What is checked about a file before anything is opened. */
enum config_check {
    CONFIG_CHECK_NOTHING,
    CONFIG_CHECK_READ,
    CONFIG_CHECK_READ_PRIVATE, /* and a warning when others may read it */
    CONFIG_CHECK_READ_OR_NONE, /* the word none is no file */
    CONFIG_CHECK_DIR,
    CONFIG_CHECK_DIR_WRITE,
};

/** One word of a CHOICE; a list ends with a NULL word. */
struct config_choice {
    const char *word;
    int value;
};

/** One row of the table. */
struct config_row {
    const char *name;
    enum config_kind kind;
    enum config_scope scope;
    enum config_state state;
    enum config_check check;
    unsigned min;
    unsigned max;
    unsigned where;
    unsigned modes;
    unsigned push;
    size_t offset;                        /* of the field in its struct */
    size_t size;                          /* of the field */
    int64_t low;                          /* UINT, INT; TOOL: the command; ALIAS: the option meant */
    int64_t high;
    const char *missing;                  /* value when there is no argument, or NULL */
    const struct config_choice *choices;  /* CHOICE */
    config_set_fn handler;
    const char *init;
    const char *args;
    const char *help;                     /* HARMLESS, REFUSED: why */
    const char *remedy;                   /* REFUSED */
};

/** config_row - the row of an option. */
const struct config_row *config_row(enum config_option option);

/** config_row_find - by name, without leading dashes; NULL when there is none. */
const struct config_row *config_row_find(const char *name);

/** config_row_option - number of a row. */
enum config_option config_row_option(const struct config_row *row);

/** config_row_target - the row itself, or the one an alias stands for. */
const struct config_row *config_row_target(const struct config_row *row);

/** config_row_theme - title of the part of the table that begins with this option, NULL inside a part. */
const char *config_row_theme(enum config_option option);

/** config_choice_word - the word of a choice's value, "" when there is none. */
const char *config_choice_word(const struct config_row *row, int value);

#endif
