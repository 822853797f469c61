/* SPDX-License-Identifier: MIT */
#include "node/lifecycle.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "config/config.h"
#include "node/loop.h"
#include "sys/caps.h"
#include "sys/daemon.h"

#define RUNTIME_DIR "/run/vpnd"
#define PROGRAM "vpnd"
#define PRIVILEGED_PORTS 1024

struct lifecycle {
    char *pidfile;
    char *runtime_stem; /* without suffix; NULL: no runtime directory */
    int notify;         /* to the service manager; -1: none */
    struct loop_timer *watchdog;
    bool stopping;
    bool forked;
    bool dropped;
    bool chrooted;
};

/* ------------------------------------------------------------------ log */

static const char *log_file(const struct config *config)
{
    return config->log ? config->log : config->log_append;
}

static void apply_log(const struct config *config)
{
    struct log_settings settings = log_settings_get();
    settings.verb = config->verb;
    settings.mute = config->mute;
    settings.timestamps = !config->suppress_timestamps;
    settings.machine_readable = config->machine_readable_output;
    settings.errors_to_stderr = config->errors_to_stderr;
    settings.to_syslog = !log_file(config) && (config->daemon || config->syslog);
    if (settings.to_syslog && !log_settings_get().to_syslog) {
        log_open_syslog(config->syslog_name ? config->syslog_name : PROGRAM);
    }
    log_settings_set(&settings);
}

int lifecycle_reload(struct lifecycle *life, const struct config *config)
{
    (void)life;
    apply_log(config); /* the file stays open: log rotation copies and truncates it */
    return 0;
}

/* ------------------------------------------------------------------ start */

/* The network namespace that this process changes. */
static unsigned long long namespace_number(void)
{
    struct stat st;
    return stat("/proc/self/ns/net", &st) == 0 ? (unsigned long long)st.st_ino : 0;
}

/* One name for each configuration, the same at every start of it. */
static char *runtime_stem(const struct config *config)
{
    static const uint8_t key[16];
    const char *dir = getenv("RUNTIME_DIRECTORY");
    if (!dir || dir[0] != '/') {
        dir = RUNTIME_DIR;
        if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
            return NULL;
        }
    }
    const char *path = config->config_path ? config->config_path : "";
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    char cwd[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(cwd, sizeof(cwd))) {
        cwd[0] = '\0';
    }
    char *identity = mem_printf("%llu\n%s\n%s\n%s\n%s\n%s", namespace_number(), cwd, path,
                                config->dev ? config->dev : "", config->lport ? config->lport : "",
                                config->connections.count ? config->connections.items[0].rport : "");
    unsigned long long hash = siphash(key, identity, strlen(identity));
    free(identity);
    base = *base ? base : "command-line";
    return mem_printf("%s/%.*s-%08llx", dir, (int)strcspn(base, "."), base, hash & 0xFFFFFFFFull);
}

static int go_into_background(struct lifecycle *life, const struct config *config)
{
    if (!config->daemon) {
        return 0;
    }
    /* A manager that waits for READY=1 follows this very process. */
    if (!daemon_has_notify()) {
        int r = daemon_detach();
        if (r < 0) {
            log_error("cannot go into the background: %s", err_str(r));
            return ERR_CONFIG;
        }
        life->forked = true;
    }
    int r = daemon_null_stdio(!log_file(config));
    if (r < 0) {
        log_warn("cannot open /dev/null: %s", err_str(r));
    }
    return 0;
}

int lifecycle_start(const struct config *config, struct lifecycle **out)
{
    struct caps_identity identity = {.user = config->user, .group = config->group};
    if (caps_lookup(&identity) < 0) {
        return ERR_CONFIG; /* now, and not when the tunnel is up */
    }
    struct lifecycle *life = mem_zalloc(sizeof(*life));
    life->notify = daemon_notify_open();
    if (life->notify < 0 && life->notify != -ENOENT) {
        log_warn("cannot reach the service manager: %s", err_str(life->notify));
    }
    if (config->nice) {
        int r = daemon_nice(config->nice);
        if (r < 0) {
            log_warn("WARNING: nice %d failed: %s", config->nice, err_str(r));
        } else {
            log_info("nice %d succeeded", config->nice);
        }
    }
    if (go_into_background(life, config) < 0) {
        lifecycle_end(life);
        return ERR_CONFIG;
    }
    apply_log(config);
    if (config->writepid) {
        int r = daemon_pidfile_write(config->writepid);
        if (r < 0) {
            log_warn("Open error on pid file %s: %s", config->writepid, err_str(r));
        } else {
            life->pidfile = mem_strdup(config->writepid);
        }
    }
    if (config->mlock) {
        int r = daemon_lock_memory();
        if (r < 0) {
            log_warn("WARNING: mlockall call failed: %s", err_str(r));
        } else {
            log_info("mlockall call succeeded");
        }
    }
    daemon_raise_files();
    life->runtime_stem = runtime_stem(config);
    *out = life;
    return 0;
}

char *lifecycle_runtime_file(struct lifecycle *life, const char *suffix)
{
    return life->runtime_stem ? mem_printf("%s.%s", life->runtime_stem, suffix) : NULL;
}

const char *lifecycle_name(const struct lifecycle *life)
{
    const char *slash = life->runtime_stem ? strrchr(life->runtime_stem, '/') : NULL;
    return slash ? slash + 1 : PROGRAM;
}

/* ------------------------------------------------------------------ service manager */

static void notify(struct lifecycle *life, const char *text)
{
    if (life->notify < 0) {
        return;
    }
    int r = daemon_notify(life->notify, text);
    if (r < 0) {
        log_warn("cannot reach the service manager: %s", err_str(r));
    }
}

void lifecycle_ready(struct lifecycle *life)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "READY=1\nSTATUS=Pre-connection initialization successful\nMAINPID=%ld",
                   (long)getpid());
    notify(life, text);
}

void lifecycle_status(struct lifecycle *life, const char *text)
{
    char *line = mem_printf("STATUS=%s", text);
    notify(life, line);
    free(line);
}

static void feed_watchdog(void *arg)
{
    notify(arg, "WATCHDOG=1");
}

void lifecycle_watch(struct lifecycle *life, struct loop *loop)
{
    uint64_t every = life->notify >= 0 ? daemon_watchdog_ms() : 0;
    if (every) {
        life->watchdog = loop_timer_new(loop, feed_watchdog, life);
        loop_timer_every(life->watchdog, every);
    }
}

void lifecycle_stopping(struct lifecycle *life)
{
    if (!life || life->stopping) {
        return;
    }
    life->stopping = true;
    loop_timer_free(life->watchdog); /* how long the end may take is another limit of the service manager */
    life->watchdog = NULL;
    notify(life, "STOPPING=1");
}

void lifecycle_failed(struct lifecycle *life, const char *text)
{
    char *line = mem_printf("STATUS=Failed to start up: %s With Errors\nERRNO=1", text);
    notify(life, line);
    free(line);
}

/* ------------------------------------------------------------------ privileges */

static bool low_port(const char *port)
{
    long number = port ? strtol(port, NULL, 10) : 0;
    return number > 0 && number < PRIVILEGED_PORTS;
}

/* What a restart or the end of the process still has to do as somebody else than root. */
static unsigned needed_capabilities(const struct config *config)
{
    unsigned keep = 0;
    bool touches_network = !config->ifconfig_noexec || !config->route_noexec || config->redirect_gateway ||
                           config->mark || config->nat_masquerade || config->kill_switch || config->bridge ||
                           !config->persist_tun;
    if (touches_network) {
        keep |= CAPS_NET_ADMIN;
    }
    bool ports = low_port(config->lport);
    for (size_t i = 0; i < config->local.count; i++) {
        ports |= low_port(config->local.items[i].port);
    }
    for (size_t i = 0; i < config->connections.count; i++) {
        ports |= !config->connections.items[i].nobind && low_port(config->connections.items[i].lport);
    }
    if (ports) {
        keep |= CAPS_NET_BIND_SERVICE;
    }
    if (config->bind_dev) {
        keep |= CAPS_NET_RAW;
    }
    if (config->mlock) {
        keep |= CAPS_IPC_LOCK;
    }
    return keep;
}

/* Scripts may use sudo: with those the door has to stay open. */
static bool may_forbid_privileges(const struct config *config)
{
    return config->script_security < 2 && config->plugin.count == 0;
}

int lifecycle_drop(struct lifecycle *life, const struct config *config)
{
    if (life->dropped) {
        return 0;
    }
    life->dropped = true;
    struct caps_identity identity = {.user = config->user, .group = config->group};
    int r = caps_lookup(&identity); /* the user database is outside of a chroot */
    if (r < 0) {
        return r;
    }
    if (config->chroot) {
        r = daemon_chroot(config->chroot);
        if (r < 0) {
            log_error("chroot to '%s' failed: %s", config->chroot, err_str(r));
            return r;
        }
        life->chrooted = true;
        log_info("chroot to '%s' and cd to '/' succeeded", config->chroot);
    } else if (life->forked && !config->cd && chdir("/") < 0) {
        log_warn("cannot change to /: %s", strerror(errno));
    }
    if (!config->user && !config->group) {
        return 0;
    }
    return caps_drop(&identity, needed_capabilities(config), may_forbid_privileges(config));
}

void lifecycle_end(struct lifecycle *life)
{
    if (!life) {
        return;
    }
    if (life->pidfile && !life->chrooted) {
        daemon_pidfile_remove(life->pidfile);
    }
    if (life->notify >= 0) {
        (void)close(life->notify);
    }
    free(life->pidfile);
    free(life->runtime_stem);
    free(life);
}
