/* SPDX-License-Identifier: MIT
 *
 * No include guard: turns rows of options_*.def into struct fields. Included inside a struct definition after
 * CONFIG_FIELDS_FROM was defined as the file to read.
 */
#define FIELD_FLAG bool
#define FIELD_UINT(low, high) unsigned
#define FIELD_UINT_OR(low, high, missing) unsigned
#define FIELD_INT(low, high) int
#define FIELD_U64 uint64_t
#define FIELD_TEXT char *
#define FIELD_COMMAND char *
#define FIELD_PATH_OF(check) char *
#define FIELD_FILE_OF(check) struct config_file
#define FIELD_CHOICE(set) enum config_##set
#define FIELD_CHOICE_OR(set, missing) enum config_##set
#define FIELD_LIST(element, handler) struct element##_list
#define FIELD_CALL(type, handler) type
#define OPTION(id, name, type, min, max, where, modes, push, state, init, args, help) FIELD_##type id;
#define MEMBER(type, id, help) type id;
#define WORD(id, name, handler, min, max, where, modes, push, state, args, help)
#define ALIAS(id, name, target, min, max, where, modes, push, args, help)
#define TOOL(id, name, command, min, max, state, args, help)
#define BLOCK_OPTION(id, name, where, modes, state, args, help)
#define HARMLESS(id, name, min, max, where, modes, push, why)
#define REFUSED(id, name, where, why, remedy)
#include CONFIG_FIELDS_FROM
#undef OPTION
#undef MEMBER
#undef WORD
#undef ALIAS
#undef TOOL
#undef BLOCK_OPTION
#undef HARMLESS
#undef REFUSED
#undef FIELD_FLAG
#undef FIELD_UINT
#undef FIELD_UINT_OR
#undef FIELD_INT
#undef FIELD_U64
#undef FIELD_TEXT
#undef FIELD_COMMAND
#undef FIELD_PATH_OF
#undef FIELD_FILE_OF
#undef FIELD_CHOICE
#undef FIELD_CHOICE_OR
#undef FIELD_LIST
#undef FIELD_CALL
#undef CONFIG_FIELDS_FROM
