/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROMPT_H
#define VPND_CLIENT_PROMPT_H

/*
 * Asking a person: on the terminal, or through systemd-ask-password where a service manager started us and there
 * is no terminal. Blocks; call it before the loop runs or from a pool thread.
 */
#include <stdbool.h>
#include <stddef.h>

/**
 * prompt_ask - one answer
 * @text:   "Enter Auth Username:"
 * @echo:   show what is typed
 * @cancel: fd that becomes readable to give up, or -1
 * @out:    @cap bytes, receives the line without its end; the caller wipes it
 * Return: length; -ENOTTY (nobody to ask); -ECANCELED; ERR_LIMIT (longer than @cap); other -errno.
 */
int prompt_ask(const char *text, bool echo, int cancel, char *out, size_t cap);

#endif
