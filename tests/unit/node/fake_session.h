/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_NODE_FAKE_SESSION_H
#define TESTS_UNIT_NODE_FAKE_SESSION_H

#include <stdatomic.h>

#include "session/session.h"

/*
 * Stands in for session/, settings.c and the data plane, so that the driver's order of events and its handling
 * of threads can be tested alone. A packet's first byte tells the fake what to do.
 */
enum fake_packet {
    FAKE_ECHO = 'e',   /* send the packet back */
    FAKE_EVENT = 'v',  /* raise SESSION_EV_MESSAGE with the rest as text */
    FAKE_SLOW = 's',   /* wait until the test sets fake.release */
    FAKE_BAD = 'b',    /* ERR_AUTH */
};

struct fake_state {
    atomic_int inside;       /* threads inside the session right now */
    atomic_int overlap;      /* two were seen at once */
    atomic_int release;      /* lets FAKE_SLOW go on */
    atomic_int slow_started;
    atomic_int freed;        /* sessions */
    atomic_int settings_refs;
    atomic_int ticks;
    int sent;                /* packets that reached the data plane */
    char last_sent[64];
    int touched_rx;
    int touched_tx;
    uint64_t deadline;
    enum session_verdict verdict;
    char message[64];
    char username[32];
    char password[32];
};

extern struct fake_state fake;

#endif
