/* csrc/lanes.c -- which lane an event goes by, and what becomes of one for which a bounded mailbox has no room.
 *
 * Why C: once per message to an actor that is bounded or has a control lane. Twin: libactor/_core/_lanes.py, where the
 * contract is written down; both pass tests/runtime/test_bounded.py. Who is told of an event that is refused, and how,
 * is policy: Process._overflow. So is who may wait for room: may_block.
 * Threads: the GIL makes each step one. A thread that waits for room stands in `blocked`; whoever makes room wakes the
 *   one that came first, and keeps a place for it, so that no later sender is quicker.
 * Layout: 1 the control lane  2 room  3 waiting for room  4 no room  5 the way of an event
 */
#include "interrupts.h"
#include "mailbox.h"
#include "pid.h"

_Thread_local int core_finalizing = 0;

enum { NOTICED_US = 200000 }; /* a signal that comes just before the main thread sleeps wakes it this late at most */

/* ---- 1 the control lane ---- */

/* Whether `event` is of those that the actor's class has marked; -1 with an exception. */
static int lane_is_control(MailboxObject *self, PyObject *op)
{
    PyObject *control = self->extras->control;
    if (control == NULL || !event_check(op))
        return 0;
    EventObject *event = (EventObject *)op;
    if (event->kind == EVENT_MESSAGE)
        return PySet_Contains(control, (PyObject *)Py_TYPE(event->what));
    return event->kind == EVENT_EXECUTE ? 0 : PySet_Contains(control, event->what);
}

/* ---- 2 room ---- */

static int bound_has_room(const MailboxExtras *extras)
{
    return (uint64_t)extras->waiting + extras->places < extras->capacity;
}

/* Wake the threads that wait for the room there is, the first that came first. */
static void bound_let_in(MailboxExtras *extras)
{
    while (extras->blocked != NULL && bound_has_room(extras)) {
        Waiter *first = extras->blocked;
        while (first->next != NULL)
            first = first->next;
        extras->places++;
        waiter_wake(&extras->blocked, first);
    }
}

void mailbox_count(MailboxObject *self, PyObject *event)
{
    if (self->extras->capacity != 0 && event_check(event))
        self->extras->waiting++;
}

void mailbox_discount(MailboxObject *self, PyObject *event)
{
    if (self->extras->capacity == 0 || !event_check(event))
        return;
    self->extras->waiting--;
    bound_let_in(self->extras);
}

void mailbox_release_blocked(MailboxObject *self)
{
    while (self->extras->blocked != NULL)
        waiter_wake(&self->extras->blocked, self->extras->blocked);
}

/* ---- 3 waiting for room ---- */

/* Whether this thread may wait: 1 or 0, or -1 with an exception. */
static int bound_may_block(MailboxObject *self)
{
    CoreState *core = self->queue == NULL ? NULL : self->queue->core;
    if (core == NULL || core->may_block == NULL || running_mailbox != NULL || core_finalizing != 0)
        return 0;
    PyObject *answer = PyObject_CallOneArg(core->may_block, (PyObject *)self);
    int may = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return may;
}

/* Sleep until there is room, which is the caller's until something else runs, or the actor has stopped; -1 with what a
 * signal handler raised. */
static int bound_wait(MailboxObject *self)
{
    MailboxExtras *extras = self->extras;
    Waiter *waiter = waiter_new();
    if (waiter == NULL)
        return -1;
    waiter_enlist(&extras->blocked, waiter);
    bound_let_in(extras); /* there may be room by now */
    int answer = 0;
    while (!waiter->woken && !self->closed && answer == 0) {
        answer = waiter_sleep(waiter, is_main_thread() ? NOTICED_US : UNBOUNDED);
        if (!waiter->woken && answer == 0)
            answer = PyErr_CheckSignals();
    }
    if (!waiter->woken)
        waiter_delist(&extras->blocked, waiter);
    else if (!self->closed) {
        extras->places--;
        if (answer < 0)
            bound_let_in(extras);
    }
    waiter_free(waiter);
    return answer;
}

/* ---- 4 no room ---- */

/* Tell whoever is to hear of an event that is not let in; -1 with an exception. */
static int bound_refuse(MailboxObject *self, PyObject *event)
{
    self->extras->overflows++;
    PyObject *told = PyObject_CallMethod((PyObject *)self, "_overflow", "O", event);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* Let `event` in and refuse the call or message that waits longest. */
static int bound_replace(MailboxObject *self, PyObject *event)
{
    if (mailbox_send(self, event, LAST) < 0)
        return -1;
    uint32_t oldest = 0;
    while (!event_check(*ring_slot(&self->events, oldest)))
        oldest++; /* there is one: as many wait as there is room for */
    PyObject *old = ring_remove(&self->events, oldest);
    mailbox_discount(self, old);
    event_leave(old);
    int answer = bound_refuse(self, old);
    Py_DECREF(old);
    return answer;
}

static int bound_deliver(MailboxObject *self, PyObject *event, int patient)
{
    MailboxExtras *extras = self->extras;
    if (self->closed || (self->queue != NULL && self->queue->orphaned) || bound_has_room(extras))
        return mailbox_send(self, event, LAST);
    if (extras->overflow == DROP_OLD)
        return bound_replace(self, event);
    int waits = patient && extras->overflow == BLOCK ? bound_may_block(self) : 0;
    if (waits == 0) /* a simulation that was asked may have made room */
        return bound_has_room(extras) || self->closed ? mailbox_send(self, event, LAST)
                                                      : bound_refuse(self, event);
    if (waits < 0 || bound_wait(self) < 0)
        return -1;
    return self->closed ? mailbox_hand_on(self, event, LAST, 1) : mailbox_send(self, event, LAST);
}

/* ---- 5 the way of an event ---- */

int mailbox_route(MailboxObject *self, PyObject *event, int patient)
{
    Py_INCREF(self); /* other threads run while this one waits */
    int answer = lane_is_control(self, event);
    if (answer > 0)
        answer = mailbox_deliver_urgent(self, event);
    else if (answer == 0 && self->extras->capacity != 0 && event_check(event))
        answer = bound_deliver(self, event, patient);
    else if (answer == 0)
        answer = mailbox_send(self, event, LAST);
    Py_DECREF(self);
    return answer;
}
