/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

/* The one place besides main() that may hold process-wide state. */
static struct {
    pthread_mutex_t lock;
    struct log_settings settings;
    log_listener_fn listener;
    void *listener_arg;
    char ident[64];
    const char *last_format;
    unsigned repeats;
} log_state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .settings = {.verb = 1, .timestamps = true},
};

void log_settings_set(const struct log_settings *settings)
{
    pthread_mutex_lock(&log_state.lock);
    log_state.settings = *settings;
    pthread_mutex_unlock(&log_state.lock);
}

struct log_settings log_settings_get(void)
{
    pthread_mutex_lock(&log_state.lock);
    struct log_settings copy = log_state.settings;
    pthread_mutex_unlock(&log_state.lock);
    return copy;
}

bool log_stdout_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device = 0;
    unsigned long long inode = 0;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDOUT_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

int log_open_file(const char *path, bool append)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (append ? 0 : O_TRUNC), 0600);
    if (fd < 0) {
        return -errno;
    }
    fflush(stdout);
    if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    if (fd > STDERR_FILENO) {
        close(fd);
    }
    pthread_mutex_lock(&log_state.lock);
    log_state.settings.to_journal = false;
    pthread_mutex_unlock(&log_state.lock);
    return 0;
}

void log_open_syslog(const char *ident)
{
    pthread_mutex_lock(&log_state.lock);
    snprintf(log_state.ident, sizeof(log_state.ident), "%s", ident);
    openlog(log_state.ident, LOG_PID, LOG_DAEMON);
    pthread_mutex_unlock(&log_state.lock);
}

void log_listener_set(log_listener_fn fn, void *arg)
{
    pthread_mutex_lock(&log_state.lock);
    log_state.listener = fn;
    log_state.listener_arg = arg;
    pthread_mutex_unlock(&log_state.lock);
}

bool log_enabled(unsigned verb)
{
    return verb <= log_settings_get().verb;
}

static int syslog_priority(enum log_severity severity)
{
    switch (severity) {
    case LOG_SEV_FATAL:
    case LOG_SEV_ERROR:
        return LOG_ERR;
    case LOG_SEV_WARN:
        return LOG_WARNING;
    case LOG_SEV_DEBUG:
        return LOG_DEBUG;
    default:
        return LOG_NOTICE;
    }
}

static unsigned severity_flags(enum log_severity severity)
{
    static const unsigned flags[] = {
        [LOG_SEV_FATAL] = 0x10, [LOG_SEV_ERROR] = 0x20, [LOG_SEV_WARN] = 0x40,
        [LOG_SEV_INFO] = 0x01,  [LOG_SEV_USUAL] = 0x03, [LOG_SEV_DEBUG] = 0x80,
    };
    return flags[severity];
}

/* Also U+0080 to U+009F, which terminals obey as they do the old ones: U+009B is ESC [. */
static void replace_control_characters(char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        } else if (c == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80) {
            *text++ = '?';
            *text = '?';
        }
    }
}

static void emit(enum log_severity severity, const char *line)
{
    const struct log_settings *s = &log_state.settings;
    if (log_state.listener) {
        log_state.listener(log_state.listener_arg, severity, line);
    }
    if (s->to_syslog) {
        syslog(syslog_priority(severity), "%s", line);
        return;
    }
    char prefix[64] = "";
    struct timeval now;
    gettimeofday(&now, NULL);
    if (s->machine_readable) {
        snprintf(prefix, sizeof(prefix), "%lld.%06ld %x ", (long long)now.tv_sec, (long)now.tv_usec,
                 severity_flags(severity));
    } else if (s->timestamps) {
        struct tm local;
        localtime_r(&now.tv_sec, &local);
        strftime(prefix, sizeof(prefix), "%Y-%m-%d %H:%M:%S ", &local);
    }
    bool to_stderr = s->errors_to_stderr && severity <= LOG_SEV_ERROR;
    FILE *stream = to_stderr ? stderr : stdout;
    if (s->to_journal && !to_stderr) {
        fprintf(stream, "<%d>", syslog_priority(severity));
    }
    fprintf(stream, "%s%s\n", prefix, line);
    fflush(stream);
}

/* Whether `mute` swallows this line; emits its notes about what was swallowed. */
static bool muted(enum log_severity severity, const char *format)
{
    unsigned mute = log_state.settings.mute;
    if (mute == 0 || severity == LOG_SEV_FATAL) {
        return false;
    }
    if (format == log_state.last_format) {
        log_state.repeats++;
        if (log_state.repeats == mute + 1) {
            emit(LOG_SEV_USUAL, "NOTE: --mute triggered...");
        }
        return log_state.repeats > mute;
    }
    if (log_state.repeats > mute) {
        char note[128];
        snprintf(note, sizeof(note), "%u variation(s) on previous %u message(s) suppressed by --mute",
                 log_state.repeats - mute, mute);
        emit(LOG_SEV_USUAL, note);
    }
    log_state.last_format = format;
    log_state.repeats = 1;
    return false;
}

void log_write(enum log_severity severity, unsigned verb, const char *tag, const char *format, ...)
{
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    size_t used = 0;
    if (tag && *tag) {
        int n = snprintf(line, sizeof(line), "%s ", tag);
        used = n > 0 && (size_t)n < sizeof(line) ? (size_t)n : 0;
    }
    pthread_mutex_lock(&log_state.lock);
    if (verb <= log_state.settings.verb && !muted(severity, format)) {
        va_list args;
        va_start(args, format);
        vsnprintf(line + used, sizeof(line) - used, format, args);
        va_end(args);
        replace_control_characters(line);
        emit(severity, line);
    }
    pthread_mutex_unlock(&log_state.lock);
    errno = saved_errno;
}
