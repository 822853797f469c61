/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_CONFIG_H
#define VPND_CONFIG_CONFIG_H

/*
 * The configuration. Its fields come from the rows of options_*.def: the field of an option is the option's
 * name with '-' replaced by '_' (float, a word of C, became float_), and its type follows from the row's type:
 * FLAG bool, UINT unsigned, TEXT, COMMAND, PATH_OF char *, FILE_OF struct config_file, CHOICE(x) enum config_x,
 * LIST(x) struct x_list, CALL(type) that type. Defaults are filled in; strings that were not given are NULL.
 *
 * A configuration that config_load() returned is validated and never changes. What a server pushes goes into a
 * clone. Everything here: control thread only, except that any thread may read a configuration that is not
 * being changed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config_types.h"

struct config_arena; /* owner of strings and arrays */

/** What one entry of the list of remotes, or the top level, says about the connection. */
struct config_connection {
#define CONFIG_FIELDS_FROM "config/options_connection.def"
#include "config/config_fields.h"
    bool tls_wrap_given; /* one of tls-auth, tls-crypt, tls-crypt-v2 was given here */
};
CONFIG_LIST(config_connection);

/** What may differ between the clients of a server. */
struct config_client {
#define CONFIG_FIELDS_FROM "config/options_client.def"
#include "config/config_fields.h"
    bool push_ifconfig_blocked;      /* push-remove ifconfig */
    bool push_ifconfig_ipv6_blocked; /* push-remove ifconfig-ipv6 */
    struct config_arena *arena;      /* what a client's own lines allocated; NULL inside struct config */
};

/** One option as it was written: for the dump, comparisons and messages. */
struct config_statement {
    int option; /* enum config_option */
    char *text; /* "NAME ARGS...", secrets left out */
    char *body; /* inline contents, or what was left out; NULL */
    char *source;
    unsigned line;
};
CONFIG_LIST(config_statement);

/** The whole configuration. */
struct config {
    /** Top-level values of the options that a <connection> block may set; a server and a peer without remotes
     *  use them directly, a client uses @connections. The fields are reachable both ways. */
    union {
        struct config_connection top;
        struct {
#define CONFIG_FIELDS_FROM "config/options_connection.def"
#include "config/config_fields.h"
            bool tls_wrap_given;
        };
    };
    /** Server-wide values of the options that may differ between clients, reachable both ways. */
    union {
        struct config_client client;
        struct {
#define CONFIG_FIELDS_FROM "config/options_client.def"
#include "config/config_fields.h"
        };
    };
#define CONFIG_FIELDS_FROM "config/options_tunnel.def"
#include "config/config_fields.h"
#define CONFIG_FIELDS_FROM "config/options_transport.def"
#include "config/config_fields.h"
#define CONFIG_FIELDS_FROM "config/options_tls.def"
#include "config/config_fields.h"
#define CONFIG_FIELDS_FROM "config/options_server.def"
#include "config/config_fields.h"
#define CONFIG_FIELDS_FROM "config/options_process.def"
#include "config/config_fields.h"
#define CONFIG_FIELDS_FROM "config/options_vpnd.def"
#include "config/config_fields.h"
    enum config_command command; /* what the command line asks for */
    char *command_argument;      /* TARGET of show-gateway, SOCKET of show-status */
    bool push_peer_info_hint;    /* setenv PUSH_PEER_INFO */
    struct config_statement_list statements;
    uint64_t read_unix_s;        /* when it was read */
    uint64_t given[8];           /* bit set of enum config_option, see config_is_given() */
    struct config_arena *arena;
};

/** How a message of the configuration has to be taken. */
enum config_level { CONFIG_NOTE, CONFIG_WARNING, CONFIG_ERROR };

/** Where messages go; @text is one line without a newline. */
struct config_reporter {
    void (*line)(void *arg, enum config_level level, const char *text);
    void *arg;
    bool keep_going; /* report every error instead of stopping at the first one (--check) */
    bool reload;     /* files that this user may not open are no error: they are in use already */
    bool jailed;     /* the process is in its chroot: names begin there, cd has no effect */
};

/**
 * config_load - read the command line and the files it names, expand helper directives, check everything
 * @argv:     as main() got it
 * @reporter: gets each error and warning
 * @out:      the validated configuration, or one whose @command is a tool (then only what the tool needs was
 *            checked); NULL on failure. Free with config_free().
 *
 * log, syslog, verb and their kind act on base/log at once while @act is set, so that later lines go there.
 * Return: 0, or ERR_CONFIG after at least one CONFIG_ERROR line.
 */
int config_load(int argc, char *const argv[], const struct config_reporter *reporter, bool act, struct config **out);

/** config_free - release a configuration or a clone (a clone before its original); secrets are wiped. */
void config_free(struct config *config);

/** config_is_given - whether the user (or a push) gave the option, by its name, as opposed to its default. */
bool config_is_given(const struct config *config, const char *name);

/** config_clone - a copy to apply pushed options to; cheap, shares unchanged values, must not outlive @base.
 *  Throwing the clone away restores the state before the pushes. */
struct config *config_clone(const struct config *base);

/** config_select - make an entry of @connections the top level of a clone, so that what the server pushes about the
 *  connection (tun-mtu, explicit-exit-notify) changes the entry's own values. */
void config_select(struct config *clone, size_t entry);

/** config_file_given - whether a file option has a value. */
bool config_file_given(const struct config_file *file);

/**
 * config_file_read - contents of a file option, inline or from its path
 * @out: appended to; its limit bounds the size; wipe it when it holds a secret
 * Return: 0, ERR_NOT_FOUND when not given, ERR_LIMIT when too large, -errno.
 */
int config_file_read(const struct config_file *file, struct buf *out);

/* ---- what a server pushes (client) ---- */

/** Fate of one pushed option. */
enum config_push_result {
    CONFIG_PUSH_APPLIED,
    CONFIG_PUSH_SKIPPED,  /* filtered, unknown, not allowed, or without effect here: logged, go on */
    CONFIG_PUSH_REJECTED, /* pull-filter reject, or a value without which the session makes no sense: reconnect */
};

/**
 * config_push_apply - one option of a PUSH_REPLY
 * @active: a clone of the configuration
 * @index:  position in the reply from 1, for messages
 * @line:   the option's text
 *
 * Applies pull-filter and route-nopull of @active, then the permission class of the option.
 */
enum config_push_result config_push_apply(struct config *active, unsigned index, const char *line,
                                          const struct config_reporter *reporter);

/** State over all parts of one PUSH_UPDATE; zero-initialise. */
struct config_push_update {
    uint64_t seen[8]; /* list-like options that were already emptied */
    bool changed;     /* something took effect: close and reopen the device */
};

/**
 * config_push_update_apply - one option of a PUSH_UPDATE, with its "-" and "?" prefixes
 * Return: as config_push_apply(); REJECTED when an option without "?" cannot be updated, or when the updates of this
 * session have taken 16 MB: a new one begins with nothing.
 */
enum config_push_result config_push_update_apply(struct config *active, struct config_push_update *update,
                                                 unsigned index, const char *line,
                                                 const struct config_reporter *reporter);

/** config_push_in_digest - whether an accepted option line counts for the digest that persist-tun compares.
 *  @tun_mtu_given: the user configured tun-mtu. */
bool config_push_in_digest(const char *line, bool tun_mtu_given);

/* ---- options of one client (server) ---- */

/** config_client_new - the server's values, to be changed by the client's own lines. Must not outlive @config. */
struct config_client *config_client_new(const struct config *config);

/** config_client_free - release; NULL is fine. */
void config_client_free(struct config_client *client);

/**
 * config_client_apply - one line of a client-connect file, of management, or of a plug-in
 * @source, @line: for messages
 * Return: 0; ERR_CONFIG after a message (the caller decides whether the client is refused).
 */
int config_client_apply(struct config_client *client, const char *source, unsigned line, const char *text,
                        const struct config_reporter *reporter);

/** config_client_apply_file - all lines of a client-config-dir or client-connect file, with config includes.
 *  Return: 0; ERR_CONFIG when some line was wrong (the others were applied); -errno when it cannot be read. */
int config_client_apply_file(struct config_client *client, const char *path, const struct config_reporter *reporter);

/* ---- reload ---- */

/** Options that differ between two configurations: their names, separated by blanks. */
struct config_changes {
    struct buf live;      /* new clients follow them */
    struct buf restart;   /* those that cannot change in a running server */
    const char *keys;     /* the first one that takes effect with the reading of certificates and keys; NULL: none */
    const char *network;  /* the first one that running clients could not live with; NULL: none */
    size_t count;
};

/** config_compare - what was written differently, by the words of the options' table (options.h). Free @out with
 *  config_changes_free(). */
void config_compare(const struct config *old, const struct config *now, struct config_changes *out);

/** config_changes_free - release. */
void config_changes_free(struct config_changes *changes);

/* ---- for people ---- */

/** config_dump - log every option that was given, at verb 4, secrets left out. */
void config_dump(const struct config *config);

/** config_print_help - the text of --help to standard output. */
void config_print_help(void);

#endif
