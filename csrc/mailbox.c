/* csrc/mailbox.c -- the Mailbox: one actor's FIFO of pending events; many producers, one consumer.
 *
 * Why C: every message goes through put and take (bench/). Twin: libactor/_core/_mailbox.py, where the invariants
 * are written down; both pass tests/runtime/test_mailbox.py.
 * Threads: the GIL makes each method one step. From looking at `closed` or at the ring to the change of `awake`
 *   nothing may run Python code or let go of the GIL: a put is either seen by that take or answers WAKE. close()
 *   therefore empties the ring before it makes the list.
 * Memory: an unused mailbox has no ring; a ring gives back what a burst took (csrc/ring.h).
 * Layout: 1 object  2 steps  3 Python methods  4 life cycle  5 type spec
 */
#include "core.h"
#include "ring.h"

/* ---- 1 object ---- */

typedef struct {
    PyObject_HEAD
    Ring events;
    char awake;  /* the actor is on the run queue or running */
    char closed; /* the actor has stopped */
} MailboxObject;

#define SELF ((MailboxObject *)op)

/* ---- 2 steps: once per message each ---- */

static PyObject *mailbox_put(MailboxObject *self, PyObject *event, int (*insert)(Ring *, PyObject *))
{
    if (self->closed)
        return PyLong_FromLong(CLOSED);
    if (insert(&self->events, event) < 0)
        return NULL;
    int answer = self->awake ? QUEUED : WAKE;
    self->awake = 1;
    return PyLong_FromLong(answer);
}

static PyObject *mailbox_take(MailboxObject *self)
{
    PyObject *event = ring_take(&self->events);
    if (event != NULL)
        return event;
    self->awake = 0;
    Py_RETURN_NONE;
}

static PyObject *mailbox_close(MailboxObject *self)
{
    self->closed = 1;
    Ring events = ring_detach(&self->events);
    PyObject *rest = PyList_New(events.count);
    if (rest == NULL) {
        self->events = events; /* closed, so that nothing has come in meanwhile */
        return NULL;
    }
    for (uint32_t i = 0; i < events.count; i++)
        PyList_SET_ITEM(rest, i, *ring_slot(&events, i));
    PyMem_Free(events.slots);
    return rest;
}

/* ---- 3 Python methods ---- */

static PyObject *Mailbox_put(PyObject *op, PyObject *event)
{
    return mailbox_put(SELF, event, ring_append);
}

static PyObject *Mailbox_put_first(PyObject *op, PyObject *event)
{
    return mailbox_put(SELF, event, ring_prepend);
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

/* ---- 4 life cycle ---- */

static PyObject *Mailbox_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    return core_check_new(type, arguments, keywords) < 0 ? NULL : type->tp_alloc(type, 0);
}

static int Mailbox_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return ring_traverse(&SELF->events, visit, arg);
}

static int Mailbox_clear(PyObject *op)
{
    ring_clear(&SELF->events);
    return 0;
}

static void Mailbox_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, Mailbox_dealloc)
    Mailbox_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* ---- 5 type spec ---- */

static PyMethodDef mailbox_methods[] = {
    {"put", Mailbox_put, METH_O,
     "put($self, event, /)\n--\n\n"
     "Append ``event``; CLOSED if refused, WAKE if the caller must now schedule the actor, else QUEUED."},
    {"put_first", Mailbox_put_first, METH_O,
     "put_first($self, event, /)\n--\n\nAs put, ahead of everything that waits."},
    {"take", Mailbox_take, METH_NOARGS,
     "take($self, /)\n--\n\nThe next event, or None: then the mailbox is idle and the caller must let go of the actor."},
    {"close", Mailbox_close, METH_NOARGS,
     "close($self, /)\n--\n\nRefuse every further event; the events that were still inside."},
    {NULL},
};

static PyType_Slot mailbox_slots[] = {
    {Py_tp_doc, "Pending events of one actor, and whether the actor waits for the next one."},
    {Py_tp_new, Mailbox_new},
    {Py_tp_traverse, Mailbox_traverse},
    {Py_tp_clear, Mailbox_clear},
    {Py_tp_dealloc, Mailbox_dealloc},
    {Py_tp_methods, mailbox_methods},
    {Py_sq_length, Mailbox_len},
    {0, NULL},
};

PyType_Spec mailbox_spec = {
    .name = "libactor._core._native.Mailbox",
    .basicsize = sizeof(MailboxObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = mailbox_slots,
};
