/* csrc/mailbox.c -- the Mailbox: one actor's FIFO of pending events; many producers, one consumer.
 *
 * Why C: every message goes through put and take (bench/). Twin: libactor/_core/_mailbox.py, where the invariants
 * are written down; both pass tests/runtime/test_mailbox.py.
 * Threads: the GIL makes each method one step. From looking at `closed` or at the ring to the change of `awake`
 *   nothing may run Python code or let go of the GIL: a put is either seen by that take or answers WAKE. close()
 *   therefore empties the ring before it makes the list.
 * Memory: an unused mailbox has no ring; a ring gives back what a burst took (csrc/ring.h).
 * What Python sees of it: mailbox_type.c.
 * Layout: steps, once per message most of them
 */
#include "coroutine.h"
#include "pid.h"

int mailbox_check(PyObject *object, const char *method)
{
    PyTypeObject *type = Py_TYPE(object);
    while (type != NULL && type->tp_dealloc != Mailbox_dealloc)
        type = type->tp_base;
    if (type != NULL)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() got %R, expected a Mailbox", method, object);
    return -1;
}

/* What an insertion answers: WAKE if there is something to do now, which there was not before. */
static int mailbox_rouse(MailboxObject *self)
{
    int answer = self->awake || !mailbox_has_work(self) ? QUEUED : WAKE;
    self->awake |= answer == WAKE;
    return answer;
}

/* QUEUED, WAKE or CLOSED; -1 with MemoryError. */
int mailbox_insert(MailboxObject *self, PyObject *event, int place)
{
    if (self->closed)
        return CLOSED;
    int failed = place == FIRST ? ring_prepend(&self->events, event) : ring_append(&self->events, event);
    if (failed < 0)
        return -1;
    if (self->extras != NULL)
        mailbox_count(self, event);
    return mailbox_rouse(self);
}

MailboxExtras *mailbox_extras(MailboxObject *self)
{
    if (self->extras == NULL && (self->extras = PyMem_Calloc(1, sizeof(MailboxExtras))) == NULL)
        PyErr_NoMemory();
    return self->extras;
}

int mailbox_refuse_orphan(MailboxObject *self)
{
    PyObject *error = PyObject_CallMethod((PyObject *)self, "_orphaned", NULL);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return -1;
}

int mailbox_drop(MailboxObject *self, PyObject *event)
{
    if (event_check(event))
        return event_drop((EventObject *)event, self, "the actor has stopped");
    if (task_check(event))
        return 0; /* it was closed */
    PyObject *dropped = PyObject_CallMethod(event, "drop", "O", self);
    Py_XDECREF(dropped);
    return dropped == NULL ? -1 : 0;
}

int mailbox_enqueue(MailboxObject *self)
{
    if (self->queued)
        return 0;
    if (run_queue_push(self->queue, (PyObject *)self) < 0)
        return -1;
    self->queued = 1;
    return 0;
}

/* Who gets a call or message that has come for an actor that has stopped: its newest incarnation, where its PID leads; a
 * new reference. NULL if there is none, and for the events of the actor's own life, which are for no other. */
static MailboxObject *mailbox_successor(MailboxObject *self, PyObject *event)
{
    MailboxObject *newest = self->pid == NULL ? self : pid_mailbox(self->pid);
    if (newest == self || !event_check(event) || ((EventObject *)event)->kind == EVENT_SERVED)
        return NULL;
    if (event_is_call((EventObject *)event))
        ((FutureObject *)((EventObject *)event)->future)->target = (PyObject *)newest;
    return (MailboxObject *)Py_NewRef((PyObject *)newest);
}

int mailbox_hand_on(MailboxObject *self, PyObject *event, int place, int patient)
{
    MailboxObject *newest = mailbox_successor(self, event);
    if (newest == NULL)
        return mailbox_drop(self, event);
    int answer = place == BY_LANE ? mailbox_deliver_urgent(newest, event)
                 : place == LAST  ? mailbox_enter(newest, event, patient)
                                  : mailbox_send(newest, event, place);
    Py_DECREF(newest);
    return answer;
}

/* See that an event is served that was put into `ring`, with that answer; or, if there is no memory for that, undo it:
 * -1. Nothing has run in between. */
static int mailbox_follow_up(MailboxObject *self, int answer, Ring *ring, int first)
{
    if (answer != WAKE || self->queue == NULL || mailbox_enqueue(self) == 0)
        return answer < 0 ? -1 : 0;
    self->awake = 0;
    PyObject *event = first ? ring_take(ring) : ring_take_last(ring);
    if (self->extras != NULL && ring == &self->events)
        mailbox_discount(self, event);
    Py_DECREF(event); /* the caller has it too */
    return -1;
}

int mailbox_send(MailboxObject *self, PyObject *event, int place)
{
    if (self->queue != NULL && self->queue->orphaned)
        return mailbox_refuse_orphan(self);
    if (self->extras == NULL && place == LAST && !self->closed) { /* the common way of a message */
        if (ring_append(&self->events, event) < 0)
            return -1;
        if (self->awake)
            return 0;
        self->awake = 1;
        return mailbox_follow_up(self, WAKE, &self->events, 0);
    }
    int answer = mailbox_insert(self, event, place);
    if (answer == CLOSED)
        return mailbox_hand_on(self, event, place, 0);
    return mailbox_follow_up(self, answer, &self->events, place == FIRST);
}

int mailbox_deliver_urgent(MailboxObject *self, PyObject *event)
{
    if (self->queue != NULL && self->queue->orphaned)
        return mailbox_refuse_orphan(self);
    if (self->closed)
        return mailbox_hand_on(self, event, BY_LANE, 0);
    MailboxExtras *extras = mailbox_extras(self);
    if (extras == NULL || ring_append(&extras->urgent, event) < 0)
        return -1;
    return mailbox_follow_up(self, mailbox_rouse(self), &extras->urgent, 0);
}

PyObject *mailbox_take_any(MailboxObject *self)
{
    PyObject *event = self->extras == NULL ? NULL : ring_take(&self->extras->urgent);
    if (event != NULL)
        return event;
    event = ring_take(&self->events);
    if (event != NULL && self->extras != NULL)
        mailbox_discount(self, event);
    return event;
}

PyObject *mailbox_take(MailboxObject *self)
{
    PyObject *event = mailbox_take_any(self);
    if (event != NULL) {
        event_leave(event);
        return event;
    }
    self->awake = 0;
    Py_RETURN_NONE;
}

PyObject *mailbox_close(MailboxObject *self)
{
    self->closed = 1;
    self->starting = self->ending = 0;
    uint32_t urgent = self->extras == NULL ? 0 : self->extras->urgent.count;
    if (self->extras != NULL)
        mailbox_release_blocked(self);
    PyObject *rest = PyList_New((Py_ssize_t)urgent + self->events.count); /* closed: nothing comes in meanwhile */
    for (Py_ssize_t i = 0; rest != NULL && i < PyList_GET_SIZE(rest); i++) {
        PyObject *event = mailbox_take_any(self);
        event_leave(event);
        PyList_SET_ITEM(rest, i, event);
    }
    return rest;
}

FutureObject *mailbox_stopped(MailboxObject *self)
{
    if (self->stopped != NULL)
        return (FutureObject *)Py_NewRef(self->stopped);
    if (self->queue == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "stopped: a bare mailbox has no actor that could stop");
        return NULL;
    }
    if (self->distant)
        return (void *)PyErr_Format(PyExc_RuntimeError,
                                    "wait, stopped: %S is an actor of another host, whose end only a link tells of: call "
                                    "link in an actor", self->pid);
    FutureObject *stopped = future_new(self->queue->core); /* may run finalizers, which may ask too */
    if (stopped == NULL)
        return NULL;
    if (self->gone)
        (void)future_complete(stopped, READY, Py_None); /* nobody else has it, so no callback can be interrupted */
    else {
        if (self->stopped != NULL)
            Py_SETREF(stopped, (FutureObject *)Py_NewRef(self->stopped));
        else
            self->stopped = (FutureObject *)Py_NewRef(stopped);
        stopped->target = (PyObject *)self;
    }
    return stopped;
}
