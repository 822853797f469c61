/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_NODE_FAKE_CONFIG_H
#define TESTS_UNIT_NODE_FAKE_CONFIG_H

/* Stands in for the parser: tests fill struct config themselves. */
extern const char *fake_config_given; /* the one option that config_is_given() says yes to */

#endif
