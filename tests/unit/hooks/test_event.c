/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hooks/event.h"

struct voter {
    struct event_listener listener;
    enum event_vote vote;
    const char *note;
    struct event_request *kept;
    int asked;
    int cancelled;
};

static enum event_vote vote(void *arg, const struct event *event, struct event_request *request)
{
    struct voter *v = arg;
    (void)event;
    v->asked++;
    v->kept = v->vote == EVENT_LATER ? request : NULL;
    event_note(request, v->note);
    return v->vote;
}

static void cancelled(void *arg, struct event_request *request)
{
    struct voter *v = arg;
    (void)request;
    v->cancelled++;
}

static struct voter voter(enum event_vote answer, const char *note)
{
    struct voter v = {.vote = answer, .note = note};
    v.listener = (struct event_listener){.name = "test", .handle = vote, .cancel = cancelled};
    return v;
}

struct outcome {
    int calls;
    struct event_result result;
    char text[64];
};

static void done(void *arg, const struct event_result *result)
{
    struct outcome *o = arg;
    o->calls++;
    o->result = *result;
    snprintf(o->text, sizeof(o->text), "%s", result->reason ? result->reason : result->config);
}

static struct event_request *ask(struct event_bus *bus, enum event_type type, struct outcome *o)
{
    return event_ask(bus, &(struct event){.type = type}, &(struct event_asker){.done = done, .arg = o});
}

#define LISTEN(v) ((v).listener.arg = &(v), event_listen(bus, &(v).listener))

Test(event, nobody_listening_accepts_without_voters)
{
    struct event_bus *bus = event_bus_new();
    struct outcome o = {0};
    cr_assert_null(ask(bus, EVENT_USER_PASS, &o));
    cr_assert_eq(o.calls, 1);
    cr_assert(o.result.accepted);
    cr_assert_eq(o.result.voters, 0);
    event_bus_free(bus);
}

Test(event, any_rejection_wins_over_a_pending_vote)
{
    struct event_bus *bus = event_bus_new();
    struct voter late = voter(EVENT_LATER, NULL);
    struct voter no = voter(EVENT_REJECT, "go away");
    LISTEN(late);
    LISTEN(no);
    struct outcome o = {0};
    cr_assert_null(ask(bus, EVENT_USER_PASS, &o));
    cr_assert_eq(o.calls, 1);
    cr_assert_not(o.result.accepted);
    cr_assert_str_eq(o.text, "go away");
    cr_assert_eq(late.cancelled, 1);
    event_bus_free(bus);
}

Test(event, acceptance_needs_every_late_vote)
{
    struct event_bus *bus = event_bus_new();
    struct voter a = voter(EVENT_LATER, NULL);
    struct voter b = voter(EVENT_LATER, NULL);
    LISTEN(a);
    LISTEN(b);
    struct outcome o = {0};
    cr_assert_not_null(ask(bus, EVENT_USER_PASS, &o));
    event_answer(a.kept, &a.listener, EVENT_ACCEPT, NULL);
    event_answer(a.kept, &a.listener, EVENT_ACCEPT, NULL);
    cr_assert_eq(o.calls, 0, "one listener must not vote for the other");
    event_answer(b.kept, &b.listener, EVENT_ACCEPT, NULL);
    cr_assert_eq(o.calls, 1);
    cr_assert(o.result.accepted);
    cr_assert_eq(o.result.voters, 2);
    event_bus_free(bus);
}

Test(event, connect_asks_in_order_gathers_lines_and_stops_at_rejection)
{
    struct event_bus *bus = event_bus_new();
    struct voter first = voter(EVENT_LATER, NULL);
    struct voter second = voter(EVENT_ACCEPT, "push \"b\"");
    struct voter third = voter(EVENT_REJECT, NULL);
    struct voter never = voter(EVENT_ACCEPT, NULL);
    LISTEN(first);
    LISTEN(second);
    LISTEN(third);
    LISTEN(never);
    struct outcome o = {0};
    cr_assert_not_null(ask(bus, EVENT_CLIENT_CONNECT, &o));
    cr_assert_eq(second.asked, 0);
    event_answer(first.kept, &first.listener, EVENT_ACCEPT, "push \"a\"");
    cr_assert_eq(o.calls, 1);
    cr_assert_not(o.result.accepted);
    cr_assert_str_eq(o.text, "push \"a\"\npush \"b\"\n");
    cr_assert_eq(never.asked, 0);
    event_bus_free(bus);
}

Test(event, reasons_for_peers_are_printable)
{
    struct event_bus *bus = event_bus_new();
    struct voter a = voter(EVENT_LATER, NULL);
    LISTEN(a);
    struct outcome o = {0};
    cr_assert_not_null(ask(bus, EVENT_USER_PASS, &o));
    event_answer(a.kept, &a.listener, EVENT_REJECT, "no\x1b[31m\nPUSH_REPLY");
    cr_assert_str_eq(o.text, "no_[31m_PUSH_REPLY");
    event_bus_free(bus);
}

Test(event, cancel_and_unlisten_leave_nothing_open)
{
    struct event_bus *bus = event_bus_new();
    struct voter a = voter(EVENT_LATER, NULL);
    LISTEN(a);
    struct outcome o = {0};
    struct event_request *request = ask(bus, EVENT_USER_PASS, &o);
    event_cancel(request);
    cr_assert_eq(a.cancelled, 1);
    cr_assert_eq(o.calls, 0);
    cr_assert_not_null(ask(bus, EVENT_USER_PASS, &o));
    event_unlisten(bus, &a.listener);
    cr_assert_eq(o.calls, 1);
    cr_assert_not(o.result.accepted);
    event_bus_free(bus);
}
