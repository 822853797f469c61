/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PRERESOLVE_H
#define VPND_CLIENT_PRERESOLVE_H

/* `preresolve`: the names of all remotes are looked up once, before anything else, and kept. Loop thread only. */
struct client;
struct preresolve;

/** preresolve_start - look everything up, then call @then in a later turn; names that fail are logged and looked up
 *  again when they are used. Return: a handle for preresolve_free(), valid until @then was called. */
struct preresolve *preresolve_start(struct client *c, void (*then)(struct client *c));

/** preresolve_free - @then will not be called. NULL is fine. */
void preresolve_free(struct preresolve *p);

#endif
