/* SPDX-License-Identifier: MIT */
#include "fake_config.h"

#include <string.h>

#include "base/err.h"
#include "config/config.h"

const char *fake_config_given = "";

bool config_is_given(const struct config *config, const char *name)
{
    (void)config;
    return strcmp(fake_config_given, name) == 0;
}

bool config_file_given(const struct config_file *file)
{
    return file->path != NULL;
}

int config_file_read(const struct config_file *file, struct buf *out)
{
    if (!file->is_inline) {
        return -2; /* ENOENT */
    }
    return buf_append(out, file->data, file->len);
}
