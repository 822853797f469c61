/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/token.h"
#include "config/validate.h"

/** How a failure is told. */
struct subject {
    const char *name;   /* "--ca" */
    const char *prefix; /* chroot, or "" */
};

/* Where paths begin that are opened after a chroot. */
static const char *jail(const struct check *k)
{
    return k->c->chroot && !k->reporter->jailed ? k->c->chroot : "";
}

static void report(struct check *k, const struct subject *what, const char *path, int error)
{
    if (error == EACCES && k->reporter->reload) {
        return;
    }
    char start[PATH_MAX];
    if (error == ENOENT && *path && *path != '/' && getcwd(start, sizeof(start))) {
        check_error(k, "%s fails with '%s': %s (errno=%d); it was looked for in %s (option cd)", what->name, path,
                    strerror(error), error, start);
    } else if (error == EACCES && geteuid() != 0) {
        check_error(k, "%s fails with '%s': %s (errno=%d); start vpnd as root", what->name, path, strerror(error), error);
    } else {
        check_error(k, "%s fails with '%s': %s (errno=%d)", what->name, path, strerror(error), error);
    }
}

static void test(struct check *k, const struct subject *what, const char *path, int mode)
{
    char full[PATH_MAX];
    if (*what->prefix) {
        snprintf(full, sizeof(full), "%s/%s", what->prefix, path);
        path = full;
    }
    if (access(path, mode) != 0) {
        report(k, what, path, errno);
    }
}

static void warn_if_public(struct check *k, const char *name, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !(st.st_mode & (S_IRWXG | S_IRWXO))) {
        return;
    }
    if (k->c->command == CONFIG_COMMAND_CHECK) {
        check_warning(k, "%s: others may read '%s'; chmod 600 it", name, path);
    } else {
        check_note(k, "WARNING: file '%s' is group or others accessible", path);
    }
}

/* A file that will be written: it may not exist yet, but its directory has to. */
static void test_output(struct check *k, const char *name, const char *path)
{
    struct subject what = {name, ""};
    char dir[PATH_MAX];
    if (!path || access(path, W_OK) == 0) {
        return;
    }
    if (errno != ENOENT) {
        report(k, &what, path, errno);
        return;
    }
    snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash) {
        slash[slash == dir] = 0;
    }
    if (access(slash ? dir : ".", W_OK) != 0) {
        report(k, &what, path, errno);
    }
}

/* Names that are no files: questions on the terminal, and URIs of keys. */
static bool is_special(const char *path)
{
    return strcmp(path, "stdin") == 0 || strncmp(path, "pkcs11:", 7) == 0 || strncmp(path, "file:", 5) == 0;
}

static void test_input(struct check *k, const char *name, const struct config_file *file, bool private)
{
    char option[64];
    if (!file->path || file->is_inline || is_special(file->path)) {
        return;
    }
    snprintf(option, sizeof(option), "--%s", name);
    struct subject what = {option, ""};
    if (private) {
        warn_if_public(k, name, file->path);
    }
    test(k, &what, file->path, R_OK);
}

static void test_path(struct check *k, const char *name, const char *path, bool private)
{
    if (path) {
        test_input(k, name, &(struct config_file){.path = (char *)(uintptr_t)path}, private);
    }
}

/* Files and directories whose rows say what is to be checked. */
static void from_table(struct check *k)
{
    const struct config *c = k->c;
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (row->scope != CONFIG_IN_CONFIG) {
            continue;
        }
        const void *field = (const char *)c + row->offset;
        if (row->kind == CONFIG_KIND_FILE) {
            const struct config_file *file = field;
            bool none = row->check == CONFIG_CHECK_READ_OR_NONE && file->path && strcmp(file->path, "none") == 0;
            if (!none) {
                test_input(k, row->name, file, row->check == CONFIG_CHECK_READ_PRIVATE);
            }
        } else if (row->kind == CONFIG_KIND_PATH && *(char *const *)field) {
            char name[64];
            bool in_chroot = i == CONFIG_OPT_client_config_dir || i == CONFIG_OPT_tmp_dir;
            bool labelled = i == CONFIG_OPT_chroot || i == CONFIG_OPT_tmp_dir;
            snprintf(name, sizeof(name), labelled ? "%s" : "--%s",
                     i == CONFIG_OPT_chroot ? "--chroot directory"
                     : labelled             ? "Temporary directory (--tmp-dir)"
                                            : row->name);
            struct subject what = {name, in_chroot ? jail(k) : ""};
            if (i == CONFIG_OPT_chroot && k->reporter->jailed) {
                continue;
            }
            test(k, &what, *(char *const *)field, row->check == CONFIG_CHECK_DIR_WRITE ? W_OK | X_OK : X_OK);
        }
    }
}

static void connection_files(struct check *k, const struct config_connection *e)
{
    test_input(k, "tls-auth", &e->tls_auth, true);
    test_input(k, "tls-crypt", &e->tls_crypt, true);
    test_input(k, "tls-crypt-v2", &e->tls_crypt_v2, true);
    test_path(k, "http-proxy", e->http_proxy.auth_file, true);
    test_path(k, "socks-proxy", e->socks_proxy.auth_file, true);
}

static bool same_wraps(const struct config_connection *a, const struct config_connection *b)
{
    return a->tls_auth.path == b->tls_auth.path && a->tls_crypt.path == b->tls_crypt.path &&
           a->tls_crypt_v2.path == b->tls_crypt_v2.path && a->http_proxy.auth_file == b->http_proxy.auth_file &&
           a->socks_proxy.auth_file == b->socks_proxy.auth_file;
}

static void other_files(struct check *k)
{
    const struct config *c = k->c;
    for (size_t i = 0; i < c->connections.count; i++) {
        if (i == 0 || !same_wraps(&c->connections.items[i], &c->connections.items[i - 1])) {
            connection_files(k, &c->connections.items[i]);
        }
    }
    struct subject crl = {"--crl-verify", jail(k)};
    if (c->crl_verify.file.path && !c->crl_verify.file.is_inline) {
        test(k, &crl, c->crl_verify.file.path, c->crl_verify.is_dir ? X_OK : R_OK);
    }
    test_path(k, "askpass", c->askpass.path, true);
    test_input(k, "auth-user-pass", &c->auth_user_pass.file, true);
    test_path(k, "management user/password file", c->management.password_file, true);
    test_output(k, "--writepid", c->writepid);
    test_output(k, "--status", c->status.path);
    if (c->ifconfig_pool_persist.seconds) {
        test_output(k, "--ifconfig-pool-persist", c->ifconfig_pool_persist.path);
    }
}

/* The program of a script option has to exist and be executable; like openvpn it is looked for outside of a chroot,
 * where the first ones run. */
static void test_command(struct check *k, const char *name, const char *command)
{
    struct token_line words;
    if (!command || token_split(command, strlen(command), &words) != TOKEN_OK) {
        return;
    }
    char option[64];
    snprintf(option, sizeof(option), "--%s script", name);
    struct subject what = {option, ""};
    test(k, &what, words.count ? words.text[0] : "", X_OK);
}

static void commands(struct check *k)
{
    const struct config *c = k->c;
    for (unsigned i = 0; i < CONFIG_OPTIONS; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        if (row->kind == CONFIG_KIND_COMMAND) {
            test_command(k, row->name, *(char *const *)((const char *)c + row->offset));
        }
    }
    test_command(k, "auth-user-pass-verify", c->auth_user_pass_verify.command);
    test_command(k, "dns-updown", c->dns_updown.command);
}

bool check_files(struct check *k)
{
    unsigned before = k->errors;
    k->every = true;
    from_table(k);
    other_files(k);
    commands(k);
    if (k->errors > before) {
        check_error(k, "Please correct these errors.");
    }
    k->every = false;
    return k->errors == before;
}
