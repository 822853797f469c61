/* SPDX-License-Identifier: MIT */

/* A configuration file, perhaps a profile that somebody got by mail: every error is reported, nothing is started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "fuzz.h"

static void check_line(void *arg, enum config_level level, const char *text)
{
    unsigned *errors = arg;
    *errors += level == CONFIG_ERROR;
    FUZZ_REQUIRE(text[0] && !strchr(text, '\n'));
}

/* The file is one in memory, so that running this costs no disk. */
static int memory_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("config", MFD_CLOEXEC);
        FUZZ_REQUIRE(fd >= 0);
    }
    FUZZ_REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return fd;
}

/* What was loaded is complete: it is the same as itself, and can be cloned. */
static void use(const struct config *config)
{
    struct config_changes changes = {0};
    config_compare(config, config, &changes);
    FUZZ_REQUIRE(changes.count == 0);
    config_changes_free(&changes);
    config_free(config_clone(config));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned errors = 0;
    /* jailed: an option cd leads nowhere */
    struct config_reporter reporter = {.line = check_line, .arg = &errors, .keep_going = true, .jailed = true};
    char path[64];
    char program[] = "vpnd";
    char *argv[] = {program, path, NULL};
    struct config *config = NULL;
    log_settings_set(&(struct log_settings){.verb = 0});
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_file(data, size));
    if (config_load(2, argv, &reporter, false, &config) == 0) {
        FUZZ_REQUIRE(config);
        use(config);
        config_free(config);
    } else {
        FUZZ_REQUIRE(errors > 0 && !config);
    }
    return 0;
}
