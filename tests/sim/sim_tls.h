/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_SIM_TLS_H
#define VPND_TESTS_SIM_TLS_H

/* Certificates and TLS contexts for simulated ends: one CA and two P-256 certificates, made once a run. */
#include <stdint.h>

#include "session/tls.h"

enum sim_tls_version { SIM_TLS_1_2, SIM_TLS_1_3, SIM_TLS_VERSIONS };

/** sim_tls_setup - make keys, certificates and contexts; ends the program when OpenSSL cannot. */
void sim_tls_setup(void);

/** sim_tls_teardown - release them. */
void sim_tls_teardown(void);

/** sim_tls_context - shared context of a role that speaks only this version. */
const struct tls_context *sim_tls_context(enum sim_tls_version version, int server);

/** sim_tls_seed - OpenSSL's random numbers are from now on a function of @seed. */
void sim_tls_seed(uint64_t seed);

#endif
