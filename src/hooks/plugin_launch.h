/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_LAUNCH_H
#define VPND_HOOKS_PLUGIN_LAUNCH_H

/*
 * The daemon's first contact with its plugins: starts the supervisor with one process a plugin and waits until all
 * are open. Before any loop, thread or secret of the daemon exists.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct rd;

/** A plugin that runs. */
struct plugin_seat {
    char *name;      /* as in the configuration */
    int fd;          /* socket to its process; -1: there is none now */
    unsigned mask;   /* of enum plugin_type */
};

struct plugin_launch {
    int supervisor;  /* socket; -1: no plugin is configured */
    pid_t pid;
    size_t count;
    struct plugin_seat *seats;
};

/**
 * plugin_launch_start - start everything that @config names
 * Return: 0 and *out for plugin_launch_end(), or ERR_CONFIG with one line about the plugin that could not be opened.
 */
int plugin_launch_start(const struct config *config, struct plugin_launch *out);

/** plugin_launch_streams - the daemon went into the background: processes write where it writes now. */
void plugin_launch_streams(const struct plugin_launch *launch);

/** plugin_launch_settle - start-up is over: processes give their privileges up. */
void plugin_launch_settle(const struct plugin_launch *launch);

/** plugin_launch_end - let plugins close (@failed: abort), close all sockets and wait a moment for the end. */
void plugin_launch_end(struct plugin_launch *launch, bool failed);

/** plugin_launch_log - write the fields of a PLUGIN_MSG_LOG to the log. */
void plugin_launch_log(struct rd *in);

/** plugin_launch_describe_end - "was ended by signal 11" or "exited with status 1". Return: @out. */
const char *plugin_launch_describe_end(int wait_status, char out[64]);

#endif
