/* csrc/stash.c -- the stash: calls and messages that a handler has set aside, until one puts them back.
 *
 * Twin: libactor/_core/_lanes.py. Who may set what aside, and what it is told if not: libactor/stash.py.
 * Threads: only the actor's own turn comes here, and its end.
 * An event is kept after its handler has returned, not when it asks: one that raises afterwards has failed like any
 *   other, and what it was given does not come again.
 * Layout: 1 setting aside  2 putting back
 */
#include "mailbox.h"

#define SELF ((MailboxObject *)op)

/* ---- 1 setting aside ---- */

PyObject *Mailbox_set_aside(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (running_mailbox != SELF || running_event == NULL || !event_check(running_event))
        return PyErr_Format(PyExc_RuntimeError, "set_aside: no call and no message is being served here");
    MailboxExtras *extras = mailbox_extras(SELF);
    if (extras == NULL)
        return NULL;
    if (extras->aside != NULL)
        return PyErr_Format(PyExc_RuntimeError, "set_aside: the event was set aside before");
    if (ring_reserve(&extras->stash) < 0)
        return NULL;
    extras->aside = running_event;
    Py_RETURN_NONE;
}

int mailbox_keep_aside(MailboxObject *self, int failed)
{
    PyObject *event = self->extras->aside;
    self->extras->aside = NULL;
    if (failed)
        return 0;
    if (self->closed) /* its handler has ended the actor */
        return event_drop((EventObject *)event, self, WAS_ASIDE);
    if (ring_append(&self->extras->stash, event) < 0)
        return -1;
    if (event_is_call((EventObject *)event)) /* whoever waits for the answer waits for this actor still */
        ((FutureObject *)((EventObject *)event)->future)->target = (PyObject *)self;
    return 0;
}

/* ---- 2 putting back ---- */

PyObject *Mailbox_put_back(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (running_mailbox != SELF)
        return PyErr_Format(PyExc_RuntimeError, "put_back: called outside of the actor's own turn");
    MailboxExtras *extras = SELF->extras;
    if (extras == NULL || extras->stash.count == 0)
        return PyLong_FromLong(0);
    if (ring_reserve_many(&SELF->events, extras->stash.count) < 0)
        return NULL;
    uint32_t count = extras->stash.count;
    PyObject *event;
    while ((event = ring_take_last(&extras->stash)) != NULL) {
        (void)ring_prepend(&SELF->events, event); /* there is room */
        mailbox_count(SELF, event);
        Py_DECREF(event);
    }
    return PyLong_FromUnsignedLong(count);
}
