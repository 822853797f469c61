/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_SET_HANDLERS_H
#define VPND_CONFIG_SET_HANDLERS_H

/*
 * Prototypes of every handler that a row of options_*.def names: int HANDLER(struct set *s, void *field), a
 * config_set_fn. They live in set_*.c, one file a theme.
 */
struct set;

#define DECLARE(handler) int handler(struct set *s, void *field);
#define DECLARE_FLAG
#define DECLARE_UINT(low, high)
#define DECLARE_UINT_OR(low, high, missing)
#define DECLARE_INT(low, high)
#define DECLARE_U64
#define DECLARE_TEXT
#define DECLARE_COMMAND
#define DECLARE_PATH_OF(check)
#define DECLARE_FILE_OF(check)
#define DECLARE_CHOICE(set)
#define DECLARE_CHOICE_OR(set, missing)
#define DECLARE_LIST(element, handler) DECLARE(handler)
#define DECLARE_CALL(type, handler) DECLARE(handler)
#define OPTION(id, name, type, min, max, where, modes, push, state, init, args, help) DECLARE_##type
#define MEMBER(type, id, help)
#define WORD(id, name, handler, min, max, where, modes, push, state, args, help) DECLARE(handler)
#define ALIAS(id, name, target, min, max, where, modes, push, args, help)
#define TOOL(id, name, command, min, max, state, args, help)
#define BLOCK_OPTION(id, name, where, modes, state, args, help)
#define HARMLESS(id, name, min, max, where, modes, push, why)
#define REFUSED(id, name, where, why, remedy)
#include "config/options_connection.def"
#include "config/options_client.def"
#include "config/options_tunnel.def"
#include "config/options_transport.def"
#include "config/options_tls.def"
#include "config/options_server.def"
#include "config/options_process.def"
#include "config/options_vpnd.def"
#undef DECLARE
#undef OPTION
#undef MEMBER
#undef WORD
#undef ALIAS
#undef TOOL
#undef BLOCK_OPTION
#undef HARMLESS
#undef REFUSED

#endif
