/* csrc/mailbox.c -- the Mailbox: one actor's FIFO of pending events; many producers, one consumer.
 *
 * Why C: every message goes through put and take (bench/). Twin: libactor/_core/_mailbox.py, where the invariants
 * are written down; both pass tests/runtime/test_mailbox.py.
 * Threads: the GIL makes each method one step. From looking at `closed` or at the ring to the change of `awake`
 *   nothing may run Python code or let go of the GIL: a put is either seen by that take or answers WAKE. close()
 *   therefore empties the ring before it makes the list.
 * Memory: an unused mailbox has no ring; a ring gives back what a burst took (csrc/ring.h).
 * Layout: 1 steps  2 Python methods  3 life cycle  4 type spec
 */
#include "mailbox.h"

#define SELF ((MailboxObject *)op)

/* ---- 1 steps: once per message each ---- */

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

/* QUEUED, WAKE or CLOSED; -1 with MemoryError. */
static int mailbox_insert(MailboxObject *self, PyObject *event, int (*insert)(Ring *, PyObject *))
{
    if (self->closed)
        return CLOSED;
    if (insert(&self->events, event) < 0)
        return -1;
    int answer = self->awake ? QUEUED : WAKE;
    self->awake = 1;
    return answer;
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
        return event_drop((EventObject *)event, self);
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

static int mailbox_send(MailboxObject *self, PyObject *event, int (*insert)(Ring *, PyObject *))
{
    if (self->queue != NULL && self->queue->orphaned)
        return mailbox_refuse_orphan(self);
    int answer = mailbox_insert(self, event, insert);
    if (answer == CLOSED)
        return mailbox_drop(self, event);
    if (answer == WAKE && self->queue != NULL && mailbox_enqueue(self) < 0) {
        self->awake = 0; /* it was empty before: take the event out again */
        Py_XDECREF(ring_take(&self->events));
        return -1;
    }
    return answer < 0 ? -1 : 0;
}

int mailbox_deliver(MailboxObject *self, PyObject *event)
{
    return mailbox_send(self, event, ring_append);
}

static PyObject *mailbox_take(MailboxObject *self)
{
    PyObject *event = ring_take(&self->events);
    if (event != NULL) {
        event_leave(event);
        return event;
    }
    self->awake = 0;
    Py_RETURN_NONE;
}

static PyObject *mailbox_close(MailboxObject *self)
{
    self->closed = 1;
    self->starting = self->ending = 0;
    Ring events = ring_detach(&self->events);
    PyObject *rest = PyList_New(events.count);
    if (rest == NULL) {
        self->events = events; /* closed, so that nothing has come in meanwhile */
        return NULL;
    }
    for (uint32_t i = 0; i < events.count; i++) {
        event_leave(*ring_slot(&events, i));
        PyList_SET_ITEM(rest, i, *ring_slot(&events, i));
    }
    PyMem_Free(events.slots);
    return rest;
}

/* ---- 2 Python methods ---- */

static PyObject *mailbox_answer(int answer)
{
    return answer < 0 ? NULL : PyLong_FromLong(answer);
}

static PyObject *Mailbox_put(PyObject *op, PyObject *event)
{
    return mailbox_answer(mailbox_insert(SELF, event, ring_append));
}

static PyObject *Mailbox_put_first(PyObject *op, PyObject *event)
{
    return mailbox_answer(mailbox_insert(SELF, event, ring_prepend));
}

static PyObject *Mailbox_deliver(PyObject *op, PyObject *event)
{
    if (mailbox_send(SELF, event, ring_append) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_deliver_first(PyObject *op, PyObject *event)
{
    if (mailbox_send(SELF, event, ring_prepend) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_enqueue(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (SELF->queue == NULL)
        return PyErr_Format(PyExc_RuntimeError, "enqueue: a bare mailbox has no run queue");
    if (mailbox_enqueue(SELF) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_run_turn(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (SELF->running || !SELF->awake || SELF->queue == NULL)
        Py_RETURN_FALSE;
    int64_t now = now_ns();
    mailbox_run_turn(SELF, NULL, &now);
    Py_RETURN_TRUE;
}

static PyObject *Mailbox_take(PyObject *op, PyObject *Py_UNUSED(none))
{
    return mailbox_take(SELF);
}

static PyObject *Mailbox_close(PyObject *op, PyObject *Py_UNUSED(none))
{
    return mailbox_close(SELF);
}

static Py_ssize_t Mailbox_len(PyObject *op)
{
    return SELF->events.count;
}

FutureObject *mailbox_stopped(MailboxObject *self)
{
    if (self->stopped != NULL)
        return (FutureObject *)Py_NewRef(self->stopped);
    if (self->queue == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "stopped: a bare mailbox has no actor that could stop");
        return NULL;
    }
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

static PyObject *Mailbox_stopped(PyObject *op, void *Py_UNUSED(closure))
{
    return (PyObject *)mailbox_stopped(SELF);
}

static int Mailbox_set_queue(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    if (value != NULL && value != Py_None && run_queue_check(value) < 0)
        return -1;
    RunQueueObject *queue = value == NULL || value == Py_None ? NULL : (RunQueueObject *)Py_NewRef(value);
    Py_XSETREF(SELF->queue, queue);
    return 0;
}

static PyObject *Mailbox_get_queue(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(SELF->queue == NULL ? Py_None : (PyObject *)SELF->queue);
}

/* ---- 3 life cycle ---- */

static PyObject *Mailbox_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    return core_check_new(type, arguments, keywords) < 0 ? NULL : type->tp_alloc(type, 0);
}

static int Mailbox_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->actor);
    Py_VISIT(SELF->kind);
    Py_VISIT(SELF->pid);
    Py_VISIT(SELF->reason);
    Py_VISIT(SELF->runtime);
    Py_VISIT(SELF->delegates);
    Py_VISIT(SELF->linkers);
    Py_VISIT(SELF->linked);
    Py_VISIT(SELF->queue);
    Py_VISIT(SELF->stopped);
    for (uint32_t i = 0; i < SELF->events.count; i++) {
        PyObject *event = *ring_slot(&SELF->events, i);
        Py_VISIT(event);
        if (event_check(event) && Py_REFCNT(event) == 1 &&
            event_traverse((EventObject *)event, visit, arg) != 0)
            return -1;
    }
    return 0;
}

static int Mailbox_clear(PyObject *op)
{
    Ring events = ring_detach(&SELF->events);
    for (uint32_t i = 0; i < events.count; i++)
        event_leave(*ring_slot(&events, i));
    Py_CLEAR(SELF->actor);
    Py_CLEAR(SELF->kind);
    Py_CLEAR(SELF->pid);
    Py_CLEAR(SELF->reason);
    Py_CLEAR(SELF->runtime);
    Py_CLEAR(SELF->delegates);
    Py_CLEAR(SELF->linkers);
    Py_CLEAR(SELF->linked);
    Py_CLEAR(SELF->queue);
    if (SELF->stopped != NULL)
        SELF->stopped->target = NULL;
    Py_CLEAR(SELF->stopped);
    ring_clear(&events);
    return 0;
}

void Mailbox_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, Mailbox_dealloc)
    if (SELF->weak_references != NULL)
        PyObject_ClearWeakRefs(op);
    Mailbox_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* ---- 4 type spec ---- */

static PyMethodDef mailbox_methods[] = {
    {"put", Mailbox_put, METH_O,
     "put($self, event, /)\n--\n\n"
     "Append ``event``; CLOSED if refused, WAKE if the caller must now schedule the actor, else QUEUED."},
    {"put_first", Mailbox_put_first, METH_O,
     "put_first($self, event, /)\n--\n\nAs put, ahead of everything that waits."},
    {"enqueue", Mailbox_enqueue, METH_NOARGS,
     "enqueue($self, /)\n--\n\nPut the mailbox on its run queue, unless it stands there."},
    {"deliver", Mailbox_deliver, METH_O,
     "deliver($self, event, /)\n--\n\n"
     "Put ``event`` in and see that it is served; a stopped actor's events are dropped."},
    {"deliver_first", Mailbox_deliver_first, METH_O,
     "deliver_first($self, event, /)\n--\n\nAs deliver, ahead of everything that waits."},
    {"run_turn", Mailbox_run_turn, METH_NOARGS,
     "run_turn($self, /)\n--\n\n"
     "Serve events until none is left or the turn is over; False if it is idle, bare or being run by another thread."},
    {"take", Mailbox_take, METH_NOARGS,
     "take($self, /)\n--\n\nThe next event, or None: then the mailbox is idle and the caller must let go of the actor."},
    {"close", Mailbox_close, METH_NOARGS,
     "close($self, /)\n--\n\nRefuse every further event; the events that were still inside."},
    {"stop", Mailbox_stop, METH_O,
     "stop($self, reason, /)\n--\n\n"
     "End the actor, in its own turn: on_stop, drop what waits, tell links, release waiters."},
    {"_open_linkers", Mailbox_open_linkers, METH_NOARGS,
     "_open_linkers($self, /)\n--\n\nA dict of its own for the first link; None once the actor has ended."},
    {NULL},
};

static PyMemberDef mailbox_members[] = {
    {"actor", T_OBJECT_EX, offsetof(MailboxObject, actor), READONLY, "Whose methods are called; gone after the end."},
    {"kind", T_OBJECT_EX, offsetof(MailboxObject, kind), READONLY, "The class of the actor."},
    {"pid", T_OBJECT_EX, offsetof(MailboxObject, pid), READONLY, "The address of the actor."},
    {"reason", T_OBJECT, offsetof(MailboxObject, reason), READONLY, "What stopped the actor; None before, or if terminated."},
    {"runtime", T_OBJECT_EX, offsetof(MailboxObject, runtime), READONLY, "Where the actor lives."},
    {"started", T_BOOL, offsetof(MailboxObject, started), READONLY, "Whether on_start has returned."},
    {"_delegates", T_OBJECT, offsetof(MailboxObject, delegates), 0, "To whom messages of a class go on, or None."},
    {"_linkers", T_OBJECT, offsetof(MailboxObject, linkers), 0,
     "Who is to hear of its end, in order of linking; None once that is being told."},
    {"_linked", T_OBJECT, offsetof(MailboxObject, linked), 0, "Those of whose end it is to hear."},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(MailboxObject, weak_references), Py_READONLY, NULL},
    {NULL},
};

static PyGetSetDef mailbox_properties[] = {
    {"stopped", Mailbox_stopped, NULL, "Ready, with None, once the actor is gone.", NULL},
    {"queue", Mailbox_get_queue, Mailbox_set_queue, "The RunQueue it is put on; None for a bare mailbox.", NULL},
    {NULL},
};

static PyType_Slot mailbox_slots[] = {
    {Py_tp_doc, "Pending events of one actor, and whether the actor waits for the next one."},
    {Py_tp_new, Mailbox_new},
    {Py_tp_traverse, Mailbox_traverse},
    {Py_tp_clear, Mailbox_clear},
    {Py_tp_dealloc, Mailbox_dealloc},
    {Py_tp_methods, mailbox_methods},
    {Py_tp_members, mailbox_members},
    {Py_tp_getset, mailbox_properties},
    {Py_sq_length, Mailbox_len},
    {0, NULL},
};

PyType_Spec mailbox_spec = {
    .name = "libactor._core._native.Mailbox",
    .basicsize = sizeof(MailboxObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = mailbox_slots,
};
