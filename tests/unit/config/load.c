/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static void line(void *arg, enum config_level level, const char *text)
{
    struct load *load = arg;
    buf_printf(&load->messages, "%c %s\n", "NWE"[level], text);
}

/* Each test is a process of its own, with a directory of its own. */
static char own[] = "/tmp/config-test-XXXXXX";

static void remove_directory(void)
{
    DIR *d = opendir(own);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d) {
        closedir(d);
    }
    rmdir(own);
}

static void own_directory(void)
{
    static bool made;
    if (!made) {
        cr_assert_not_null(mkdtemp(own));
        cr_assert_eq(chdir(own), 0);
        atexit(remove_directory);
        made = true;
    }
}

void load_file(const char *name, const char *text)
{
    own_directory();
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
    chmod(name, 0600);
}

struct load *load_args(const char *const args[])
{
    char *argv[32] = {(char *)(uintptr_t) "vpnd"};
    int argc = 1;
    for (; args[argc - 1]; argc++) {
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    }
    own_directory();
    struct load *load = mem_zalloc(sizeof(*load));
    load->messages = BUF_INIT(1 << 20);
    load->reporter = (struct config_reporter){.line = line, .arg = load};
    load->rc = config_load(argc, argv, &load->reporter, false, &load->config);
    return load;
}

struct load *load_text(const char *text)
{
    load_file("t.conf", text);
    return load_args((const char *const[]){"t.conf", NULL});
}

bool load_said(const struct load *load, const char *text)
{
    return strstr(buf_str(&load->messages), text) != NULL;
}

void load_reset(struct load *load)
{
    buf_reset(&load->messages);
}

void load_free(struct load *load)
{
    config_free(load->config);
    buf_free(&load->messages, false);
    free(load);
}
