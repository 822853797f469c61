/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_LOG_H
#define VPND_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/** How serious a line is; decides its syslog priority and its flag letter on the management interface. */
enum log_severity {
    LOG_SEV_FATAL, /* F: the process is about to exit */
    LOG_SEV_ERROR, /* N: non-fatal error */
    LOG_SEV_WARN,  /* W */
    LOG_SEV_INFO,  /* I: verb 1 */
    LOG_SEV_USUAL, /* no letter: verb 2 and 3 */
    LOG_SEV_DEBUG, /* D: verb 4 and more */
};

/** Where lines go and what they look like; defaults are stdout, time stamps on, verb 1, no mute. */
struct log_settings {
    unsigned verb;              /* 0..15; a line is printed when its verb is <= this */
    unsigned mute;              /* 0 = off; else suppress after this many consecutive lines of one format */
    bool timestamps;            /* "YYYY-MM-DD HH:MM:SS " prefix */
    bool machine_readable;      /* "EPOCH.USEC FLAGS-HEX " prefix instead */
    bool to_journal;            /* standard output is systemd's journal: lines begin with "<PRIORITY>" */
    bool to_syslog;             /* use syslog(3); log_open_syslog() must have been called */
    bool errors_to_stderr;      /* fatal and error lines go to stderr instead of stdout */
};

/** Called for every line that passes @verb, without prefix time; @tag may be NULL. Must not log. */
typedef void (*log_listener_fn)(void *arg, enum log_severity severity, const char *line);

/** log_stdout_is_journal - whether standard output leads to systemd's journal (JOURNAL_STREAM in systemd.exec(5)). */
bool log_stdout_is_journal(void);

/** log_settings_set - replace the settings. Thread: control thread only. */
void log_settings_set(const struct log_settings *settings);

/** log_settings_get - copy of the settings in force. */
struct log_settings log_settings_get(void);

/** log_open_file - send lines to @path (O_APPEND; truncated first unless @append); stdout and stderr follow.
 *  Return: 0 or -errno. */
int log_open_file(const char *path, bool append);

/** log_open_syslog - send lines to syslog under the name @ident (copied). */
void log_open_syslog(const char *ident);

/** log_listener_set - one listener (the management interface); NULL removes it. */
void log_listener_set(log_listener_fn fn, void *arg);

/** log_enabled - whether a line of this verb would be printed; to skip costly formatting. */
bool log_enabled(unsigned verb);

/**
 * log_write - print one line; use the macros below
 * @severity: see above
 * @verb:     least verbosity at which it is printed
 * @tag:      NULL, or the client prefix ("CN/addr:port") printed before the text
 *
 * Control characters in the formatted text are printed as '?', so that no peer can forge a line.
 * Thread: any but data-plane workers.
 */
void log_write(enum log_severity severity, unsigned verb, const char *tag, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define log_fatal(...) log_write(LOG_SEV_FATAL, 0, (const char *)0, __VA_ARGS__)
#define log_error(...) log_write(LOG_SEV_ERROR, 1, (const char *)0, __VA_ARGS__)
#define log_warn(...) log_write(LOG_SEV_WARN, 1, (const char *)0, __VA_ARGS__)
#define log_info(...) log_write(LOG_SEV_INFO, 1, (const char *)0, __VA_ARGS__)
#define log_usual(...) log_write(LOG_SEV_USUAL, 3, (const char *)0, __VA_ARGS__)
#define log_debug(...) log_write(LOG_SEV_DEBUG, 4, (const char *)0, __VA_ARGS__)

#endif
