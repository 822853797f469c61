/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_SET_H
#define VPND_CONFIG_SET_H

/*
 * How one option with its arguments gets into a configuration: the way from words to fields that files, command
 * line, pushes and per-client lines share. Internal to config/.
 */
#include "config/arena.h"
#include "config/config.h"
#include "config/options.h"

/** Where the words come from; decides which options are allowed. */
enum set_context { SET_FILES, SET_BLOCK, SET_CCD, SET_PUSHED };

/** One option on its way; argv[0] is its name. */
struct set {
    struct config *config;                  /* NULL in SET_CCD */
    struct config_connection *connection;   /* the top level, or the block in progress */
    struct config_client *client;
    struct config_arena *arena;             /* owner of what is stored */
    const struct config_reporter *reporter;
    enum set_context context;
    const char *source;                     /* file name, "[CMD-LINE]", "[PUSH-OPTIONS]" */
    unsigned line;
    const struct config_row *row;           /* of the option being stored, aliases resolved */
    int argc;
    char **argv;
    const char *body;                       /* inline contents, else NULL */
    size_t body_len;
    bool act;                               /* log options take effect at once */
    bool defaults;                          /* storing defaults: nothing counts as given */
    bool tolerant;                          /* setenv opt: an unknown option is only a warning */
    bool forward_compatible;                /* setenv FORWARD_COMPATIBLE 1 */
    unsigned depth;                         /* of config includes */
    unsigned errors;                        /* reported so far */
    bool unread;                            /* a file or the command line could not be read: what is there is not all */
};

#define SET_ARGS_MAX 16      /* words of a line, with the option itself */
#define SET_LINE_MAX 255     /* bytes of a line with its newline */
#define SET_INCLUDE_DEPTH 10

/** set_error - "Options error: SOURCE:LINE: TEXT". Return: ERR_CONFIG. */
int set_error(struct set *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** set_error_plain - "Options error: TEXT", for texts that other programs know. Return: ERR_CONFIG. */
int set_error_plain(struct set *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** set_warning - "SOURCE:LINE: TEXT". */
void set_warning(struct set *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** set_report - a whole line. */
void set_report(const struct config_reporter *reporter, enum config_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * set_option - look up argv[0], check where it stands and its arguments, store it
 * Return: 0 (also when an unknown option was tolerated), ERR_CONFIG after a message.
 */
int set_option(struct set *s);

/** set_bad_value - the usual complaint about argument @i. Return: ERR_CONFIG. */
int set_bad_value(struct set *s, int i, const char *expected);

/** set_number - argument @i as a number within limits. Return: 0 or ERR_CONFIG after a message. */
int set_number(struct set *s, int i, int64_t low, int64_t high, int64_t *out);

/** set_unsigned - as set_number() for an unsigned. */
int set_unsigned(struct set *s, int i, unsigned low, unsigned high, unsigned *out);

/** set_u64 - argument @i as a non-negative 64-bit number. */
int set_u64(struct set *s, int i, uint64_t *out);

/** set_ipv4 - argument @i as an IPv4 address in host order. */
int set_ipv4(struct set *s, int i, uint32_t *out);

/** set_netmask - argument @i as a contiguous netmask in host order. */
int set_netmask(struct set *s, int i, uint32_t *out);

/** set_ipv6_bits - argument @i as ADDRESS/BITS, host bits kept. */
int set_ipv6_bits(struct set *s, int i, struct ip_addr *ip, unsigned *bits);

/** set_port_text - argument @i as the text of a port number; the name of a service becomes its number. */
int set_port_text(struct set *s, int i, char **out);

/** set_proto_word - argument @i as a protocol. */
int set_proto_word(struct set *s, int i, enum config_proto *out);

/** set_choice - argument @i as one of the words. */
int set_choice(struct set *s, int i, const struct config_choice *choices, int *out);

/** set_text - copy of argument @i, or NULL when there are not that many. */
char *set_text(struct set *s, int i);

/** set_file - the inline body, or argument 1 as a path. */
struct config_file set_file(struct set *s);

/** set_given - mark @option in the bit set of given options. */
void set_given(struct config *config, enum config_option option);

/** set_defaults - store the defaults of every row of @scope into @s's structs. */
void set_defaults(struct set *s, enum config_scope scope);

#endif
