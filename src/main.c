/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/tls_check.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"
#include "config/config.h"
#include "hooks/plugin_supervisor.h"
#include "node/loop.h"
#include "node/settings.h"
#include "server/server.h"
#include "standalone.h"
#include "sys/caps.h"

/** The program as it was called, to read the configuration again. */
struct program {
    int argc;
    char **argv;
    int start_dir; /* where relative names began, before any cd; -1 with chroot: it would lead out of it */
    char start_path[PATH_MAX]; /* the same, for a restart before the chroot */
    struct stat root;
    bool as_openvpn;
    struct config_reporter reporter;
};

/* Errors of the configuration have no time stamp, as callers of openvpn expect. */
static void report(void *arg, enum config_level level, const char *text)
{
    (void)arg;
    struct log_settings settings = log_settings_get();
    struct log_settings plain = settings;
    plain.timestamps = settings.timestamps && level != CONFIG_ERROR;
    log_settings_set(&plain);
    log_write(level == CONFIG_ERROR ? LOG_SEV_FATAL : LOG_SEV_WARN, level == CONFIG_ERROR ? 0 : 1, NULL, "%s", text);
    log_settings_set(&settings);
}

static void apply_log_settings(const struct config *config)
{
    struct log_settings settings = log_settings_get();
    settings.verb = config->command == CONFIG_COMMAND_CHECK ? 1 : config->verb;
    settings.mute = config->mute;
    settings.timestamps = !config->suppress_timestamps && config->command != CONFIG_COMMAND_CHECK;
    settings.machine_readable = config->machine_readable_output;
    log_settings_set(&settings);
}

static bool is_jailed(const struct program *program)
{
    struct stat now;
    return stat("/", &now) == 0 && (now.st_ino != program->root.st_ino || now.st_dev != program->root.st_dev);
}

/* To where relative names begin: the directory of the start, or the root of the chroot that the process is in. */
static int go_to_start(struct program *program)
{
    program->reporter.jailed = is_jailed(program);
    if (program->reporter.jailed) {
        return chdir("/");
    }
    return program->start_dir >= 0 ? fchdir(program->start_dir) : chdir(program->start_path);
}

static void forget_start_dir(struct program *program)
{
    (void)close(program->start_dir);
    program->start_dir = -1;
}

static int load(struct program *program, bool first, struct config **out)
{
    if (!first && go_to_start(program) != 0) {
        log_warn("the directory in which vpnd was started is gone; relative file names will not be found");
    }
    int rc = config_load(program->argc, program->argv, &program->reporter, first, out);
    if (rc == 0 && (*out)->chroot && program->start_dir >= 0) {
        forget_start_dir(program);
    }
    if (rc == 0) {
        apply_log_settings(*out);
    }
    return rc;
}

static int reread(void *arg, struct config **out)
{
    return load(arg, false, out);
}

/* The server keeps what it cannot open any more after the change of user. */
static int reread_running(void *arg, struct config **out)
{
    struct program *program = arg;
    program->reporter.reload = true;
    return load(program, false, out);
}

static void release(void *arg, struct config *config)
{
    (void)arg;
    config_free(config);
}

static void announce(const struct program *program, const struct config *config)
{
    char text[256];
    log_info("%s", standalone_title(program->as_openvpn, text, sizeof(text)));
    log_info("%s", standalone_libraries(text, sizeof(text)));
    config_dump(config);
}

static int run(struct program *program, struct config *config)
{
    char title[256];
    standalone_title(program->as_openvpn, title, sizeof(title));
    struct client_source client = {reread, release, program, title};
    struct server_source server = {reread_running, release, program, title};
    announce(program, config);
    loop_pool_size(config->handshake_threads);
    if (config->mode == CONFIG_MODE_SERVER) {
        return server_run(config, &server);
    }
    return client_run(config, &client);
}

/* What a start would find out after reading the configuration: certificates and keys. */
static int check(const struct program *program, const struct config *config)
{
    unsigned errors = 0;
    if (config->tls_server || config->tls_client) {
        errors = tls_check(config, &program->reporter, clock_read().unix_s);
    }
    struct settings_keys *keys = NULL;
    if (settings_keys_load(config, NULL, NULL, &keys) != 0) {
        errors++; /* it said which key and why */
    }
    settings_keys_unref(keys);
    struct caps_identity identity = {.user = config->user, .group = config->group};
    if (caps_lookup(&identity) != 0) {
        errors++;
    }
    if (errors == 0) {
        puts("The configuration is correct.");
    }
    return errors ? 1 : 0;
}

/* --check wants to know everything that is wrong, not only the first error. */
static bool wants_check(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            return true;
        }
    }
    return false;
}

static bool called_openvpn(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "openvpn") == 0;
}

int main(int argc, char *argv[])
{
    struct program program = {.argc = argc,
                              .argv = argv,
                              .start_dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              .as_openvpn = argc > 0 && called_openvpn(argv[0]),
                              .reporter = {.line = report, .keep_going = wants_check(argc, argv)}};
    if (argc == 2 && strcmp(argv[1], PLUGIN_SUPERVISOR_ARGUMENT) == 0) {
        return plugin_supervisor_run();
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        config_print_help();
        return 1;
    }
    (void)stat("/", &program.root);
    if (!getcwd(program.start_path, sizeof(program.start_path))) {
        program.start_path[0] = '\0'; /* of use with chroot only, which says so */
    }
    struct config *config = NULL;
    if (log_stdout_is_journal()) {
        struct log_settings settings = log_settings_get();
        settings.to_journal = true;
        log_settings_set(&settings);
    }
    if (program.reporter.keep_going) { /* the terminal of a person, who does not care for the time */
        struct log_settings settings = log_settings_get();
        settings.timestamps = false;
        log_settings_set(&settings);
    }
    if (load(&program, true, &config) != 0) {
        if (!program.reporter.keep_going) {
            report(NULL, CONFIG_ERROR, "Use --help for more information.");
        }
        return 1;
    }
    int status = 0;
    if (config->command == CONFIG_COMMAND_RUN) {
        status = run(&program, config);
    } else if (config->command == CONFIG_COMMAND_CHECK) {
        status = check(&program, config);
    } else {
        status = standalone_run(config, program.as_openvpn);
    }
    config_free(config);
    if (status & CLIENT_LEAVE_AT_ONCE) {
        (void)fflush(NULL);
        _exit(status & ~CLIENT_LEAVE_AT_ONCE);
    }
    return status;
}
