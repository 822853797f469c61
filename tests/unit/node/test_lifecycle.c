/* SPDX-License-Identifier: MIT */
#include "node/lifecycle.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "sys/caps.h"
#include "unit/sys/netns.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct config plain(void)
{
    struct config config;
    memset(&config, 0, sizeof(config));
    config.verb = 3;
    config.script_security = 1;
    config.config_path = TEXT("/etc/vpnd/office.conf");
    setenv("RUNTIME_DIRECTORY", "/tmp", 1);
    return config;
}

Test(lifecycle, pid_file_lives_as_long_as_we_do)
{
    struct config config = plain();
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/vpnd-test-%d-life", getpid());
    config.writepid = path;
    struct lifecycle *life = NULL;
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    cr_assert_eq(log_settings_get().verb, 3);
    cr_assert_eq(access(path, F_OK), 0);
    lifecycle_end(life);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(lifecycle, runtime_file_is_the_same_at_each_start)
{
    struct config config = plain();
    struct lifecycle *life = NULL;
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    char *first = lifecycle_runtime_file(life, "journal");
    lifecycle_end(life);
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    char *second = lifecycle_runtime_file(life, "journal");
    lifecycle_end(life);
    config.config_path = TEXT("/etc/vpnd/home.conf");
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    char *other = lifecycle_runtime_file(life, "journal");
    lifecycle_end(life);
    cr_assert_str_eq(first, second);
    cr_assert_str_neq(first, other);
    cr_assert_eq(strncmp(first, "/tmp/office-", 12), 0);
    free(first);
    free(second);
    free(other);
}

Test(lifecycle, drop_keeps_what_the_configuration_needs)
{
    if (getuid() != 0) {
        cr_skip_test("needs root");
    }
    struct config config = plain();
    config.user = TEXT("nobody");
    config.lport = TEXT("443");
    struct lifecycle *life = NULL;
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    cr_assert_eq(lifecycle_drop(life, &config), 0);
    cr_assert_neq(getuid(), 0);
    cr_assert(caps_have(CAPS_NET_ADMIN | CAPS_NET_BIND_SERVICE));
    cr_assert_not(caps_have(CAPS_NET_RAW));
    cr_assert_not(caps_have(CAPS_IPC_LOCK));
    cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    cr_assert_eq(lifecycle_drop(life, &config), 0, "a second time does nothing");
    lifecycle_end(life);
}

Test(lifecycle, an_unknown_user_is_found_at_the_start)
{
    struct config config = plain();
    struct lifecycle *life = NULL;
    config.user = TEXT("no-such-user");
    cr_assert_eq(lifecycle_start(&config, &life), ERR_CONFIG);
    config.user = NULL;
    config.group = TEXT("no-such-group");
    cr_assert_eq(lifecycle_start(&config, &life), ERR_CONFIG);
    cr_assert_null(life);
}

Test(lifecycle, nothing_to_do_needs_nothing)
{
    if (getuid() != 0) {
        cr_skip_test("needs root");
    }
    struct config config = plain();
    config.user = TEXT("nobody");
    config.ifconfig_noexec = true;
    config.route_noexec = true;
    config.persist_tun = true;
    config.script_security = 2;
    struct lifecycle *life = NULL;
    cr_assert_eq(lifecycle_start(&config, &life), 0);
    cr_assert_eq(lifecycle_drop(life, &config), 0);
    cr_assert_not(caps_have(CAPS_NET_ADMIN));
    cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "scripts may use sudo");
    lifecycle_end(life);
}

Test(lifecycle, daemon_detaches)
{
    struct config config = plain();
    config.daemon = true;
    config.log = TEXT("/dev/null");
    int result[2];
    cr_assert_eq(pipe(result), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lifecycle *life = NULL;
        char ok = lifecycle_start(&config, &life) == 0 && getsid(0) == getpid();
        (void)!write(result[1], &ok, 1);
        _exit(0);
    }
    int status = 1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "the parent ends at once with 0");
    char ok = 0;
    cr_assert_eq(read(result[0], &ok, 1), 1);
    cr_assert(ok);
}
