/* SPDX-License-Identifier: MIT */
#include "server/ccd.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

int ccd_file_name(const char *cn, char *out, size_t cap)
{
    if (!cn || !*cn) {
        cn = "UNDEF";
    }
    size_t n = strlen(cn);
    if (n >= cap) {
        return ERR_LIMIT;
    }
    if (strcmp(cn, ".") == 0 || strcmp(cn, "..") == 0) {
        return ERR_FORMAT;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)cn[i];
        out[i] = (char)(c < 0x20 || c == 0x7f || c == '/' ? '_' : c);
    }
    out[n] = '\0';
    return 0;
}

/* 0, ERR_NOT_FOUND or -errno: a folder or a device is no client's file. */
static int check_file(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return ERR_NOT_FOUND;
    }
    return access(path, R_OK) < 0 ? -errno : 0;
}

int ccd_find(const char *dir, const char *cn, char **path)
{
    char name[NAME_MAX + 1];
    int rc = ccd_file_name(cn, name, sizeof(name));
    if (rc < 0) {
        return rc == ERR_LIMIT ? ERR_FORMAT : rc;
    }
    char *own = mem_printf("%s/%s", dir, name);
    rc = check_file(own);
    if (rc == ERR_NOT_FOUND) {
        free(own);
        own = mem_printf("%s/DEFAULT", dir);
        rc = check_file(own);
    }
    if (rc < 0) {
        free(own);
        return rc;
    }
    *path = own;
    return 0;
}

bool ccd_exists(const char *dir, const char *cn)
{
    char name[NAME_MAX + 1];
    if (ccd_file_name(cn, name, sizeof(name)) < 0 || strcmp(name, "DEFAULT") == 0) {
        return false;
    }
    char *path = mem_printf("%s/%s", dir, name);
    int rc = check_file(path);
    free(path);
    return rc == 0;
}
