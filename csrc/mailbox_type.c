/* csrc/mailbox_type.c -- the Mailbox as Python sees it, and its life as an object.
 *
 * Who calls: Process (libactor/process.py), tests, and the interpreter. What the methods do: mailbox.c, life.c, turn.c.
 * Layout: 1 Python methods  2 life cycle  3 type spec
 */
#include "coroutine.h"

#define SELF ((MailboxObject *)op)

/* ---- 1 Python methods ---- */

static PyObject *mailbox_answer(int answer)
{
    return answer < 0 ? NULL : PyLong_FromLong(answer);
}

static PyObject *Mailbox_put(PyObject *op, PyObject *event)
{
    return mailbox_answer(mailbox_insert(SELF, event, LAST));
}

static PyObject *Mailbox_put_first(PyObject *op, PyObject *event)
{
    return mailbox_answer(mailbox_insert(SELF, event, FIRST));
}

static PyObject *Mailbox_deliver(PyObject *op, PyObject *event)
{
    if (mailbox_deliver(SELF, event, 0) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_deliver_first(PyObject *op, PyObject *event)
{
    if (mailbox_send(SELF, event, FIRST) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_deliver_urgent(PyObject *op, PyObject *event)
{
    if (mailbox_deliver_urgent(SELF, event) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_hold(PyObject *op, PyObject *held)
{
    int holds = PyObject_IsTrue(held);
    MailboxExtras *extras = holds < 0 ? NULL : mailbox_extras(SELF);
    if (extras == NULL)
        return NULL;
    extras->held += holds ? 1 : extras->held != 0 ? -1 : 0;
    Py_RETURN_NONE;
}

static PyObject *Mailbox_belong(PyObject *op, PyObject *part)
{
    PyObject *fresh = PyList_New(0); /* may run finalizers: before the look */
    MailboxExtras *extras = fresh == NULL ? NULL : mailbox_extras(SELF);
    if (extras != NULL && extras->parts == NULL)
        extras->parts = Py_NewRef(fresh);
    Py_XDECREF(fresh);
    return extras == NULL || PyList_Append(extras->parts, part) < 0 ? NULL : Py_NewRef(Py_None);
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
    return (Py_ssize_t)SELF->events.count + (SELF->extras == NULL ? 0 : SELF->extras->urgent.count);
}

/* Who asks for what few have: the extras, or those that say nothing. */
static const MailboxExtras *extras_of(PyObject *op)
{
    static const MailboxExtras none = {.overflow = DROP_NEW};
    return SELF->extras == NULL ? &none : SELF->extras;
}

static PyObject *Mailbox_stashed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(extras_of(op)->stash.count);
}

static PyObject *Mailbox_overflows(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(extras_of(op)->overflows);
}

static PyObject *Mailbox_blocked(PyObject *op, void *Py_UNUSED(closure))
{
    unsigned long count = 0;
    for (const Waiter *waiter = extras_of(op)->blocked; waiter != NULL; waiter = waiter->next)
        count++;
    return PyLong_FromUnsignedLong(count);
}

static PyObject *Mailbox_bound(PyObject *op, void *Py_UNUSED(closure))
{
    const MailboxExtras *extras = extras_of(op);
    if (extras->capacity == 0)
        Py_RETURN_NONE;
    return Py_BuildValue("Ii", extras->capacity, extras->overflow);
}

static PyObject *Mailbox_serving(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(running_mailbox != SELF || running_event == NULL ? Py_None : running_event);
}

static PyObject *Mailbox_stopped(PyObject *op, void *Py_UNUSED(closure))
{
    return (PyObject *)mailbox_stopped(SELF);
}

static PyObject *Mailbox_suspended(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLong(SELF->extras == NULL ? 0 : SELF->extras->suspended);
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

/* ---- 2 life cycle ---- */

static PyObject *Mailbox_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    return core_check_new(type, arguments, keywords) < 0 ? NULL : type->tp_alloc(type, 0);
}

static int mailbox_traverse_events(const Ring *events, visitproc visit, void *arg)
{
    for (uint32_t i = 0; i < events->count; i++) {
        PyObject *event = *ring_slot(events, i);
        Py_VISIT(event);
        if (event_check(event) && Py_REFCNT(event) == 1 &&
            event_traverse((EventObject *)event, visit, arg) != 0)
            return -1;
    }
    return 0;
}

static int Mailbox_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->actor);
    Py_VISIT(SELF->kind);
    if (!SELF->lent)
        Py_VISIT(SELF->pid);
    Py_VISIT(SELF->reason);
    Py_VISIT(SELF->runtime);
    Py_VISIT(SELF->delegates);
    Py_VISIT(SELF->linkers);
    Py_VISIT(SELF->linked);
    Py_VISIT(SELF->queue);
    Py_VISIT(SELF->stopped);
    if (SELF->extras != NULL) {
        Py_VISIT(SELF->extras->parts);
        Py_VISIT(SELF->extras->control);
        for (TaskObject *task = SELF->extras->oldest; task != NULL; task = task->newer)
            Py_VISIT(task);
        if (mailbox_traverse_events(&SELF->extras->urgent, visit, arg) != 0 ||
            mailbox_traverse_events(&SELF->extras->stash, visit, arg) != 0)
            return -1;
    }
    return mailbox_traverse_events(&SELF->events, visit, arg);
}

/* Have the futures of the events of a lane lead here no more. */
static void mailbox_leave_lane(const Ring *lane)
{
    for (uint32_t i = 0; i < lane->count; i++)
        event_leave(*ring_slot(lane, i));
}

/* Let go of the events and of the extras. Runs Python code, for which no future leads to what is going. */
static void mailbox_clear_events(MailboxObject *self)
{
    MailboxExtras *extras = self->extras;
    self->extras = NULL;
    mailbox_leave_lane(&self->events);
    if (extras != NULL) {
        mailbox_leave_lane(&extras->urgent);
        mailbox_leave_lane(&extras->stash);
    }
    ring_clear(&self->events);
    if (extras == NULL)
        return;
    ring_clear(&extras->urgent);
    ring_clear(&extras->stash);
    tasks_forsake(extras);
    Py_XDECREF(extras->parts);
    Py_XDECREF(extras->control);
    PyMem_Free(extras);
}

static int Mailbox_clear(PyObject *op)
{
    mailbox_clear_events(SELF);
    Py_CLEAR(SELF->actor);
    Py_CLEAR(SELF->kind);
    if (SELF->lent)
        SELF->pid = NULL;
    SELF->lent = 0;
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

/* ---- 3 type spec ---- */

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
    {"deliver_urgent", Mailbox_deliver_urgent, METH_O,
     "deliver_urgent($self, event, /)\n--\n\n"
     "As deliver, by the control lane: ahead of everything else, in order, and although the mailbox is held."},
    {"hold", Mailbox_hold, METH_O,
     "hold($self, held, /)\n--\n\n"
     "Serve only the control lane, and a termination, from now on; with False, once for each time, all again. In the\n"
     "actor's own turn."},
    {"_drive", (PyCFunction)(void (*)(void))Mailbox_drive, METH_FASTCALL,
     "_drive($self, returned, what, /)\n--\n\n"
     "Go on with what a handler that nobody waits for has returned, if that is a coroutine. In the actor's own turn."},
    {"belong", Mailbox_belong, METH_O,
     "belong($self, part, /)\n--\n\n"
     "Have ``part.end(process)`` called at the end of the actor, in its own turn, before on_stop."},
    {"set_aside", Mailbox_set_aside, METH_NOARGS,
     "set_aside($self, /)\n--\n\n"
     "Keep the call or message that is being served in the stash, once its handler has returned."},
    {"put_back", Mailbox_put_back, METH_NOARGS,
     "put_back($self, /)\n--\n\n"
     "Put what is in the stash ahead of what waits, in order; how many. In the actor's own turn."},
    {"arrive", Mailbox_arrive, METH_O,
     "arrive($self, event, /)\n--\n\nAs deliver, at the end of its way through a network, which is not asked again."},
    {"peek", Mailbox_peek, METH_NOARGS,
     "peek($self, /)\n--\n\nWhat is served next: \"start\", \"stop\", (\"resume\", which handler) or an event; None."},
    {"awaiting", Mailbox_awaiting, METH_NOARGS,
     "awaiting($self, /)\n--\n\nWhich handlers wait at an await, and for which futures: pairs, in order of first waits."},
    {"waiting", Mailbox_waiting, METH_O,
     "waiting($self, most, /)\n--\n\n"
     "What is in the mailbox, in the order of serving, ``most`` of it: events, or (\"resume\", which handler)."},
    {"run_turn", Mailbox_run_turn, METH_NOARGS,
     "run_turn($self, /)\n--\n\n"
     "Serve events until none is left or the turn is over; False if it is idle, bare or being run by another thread."},
    {"take", Mailbox_take, METH_NOARGS,
     "take($self, /)\n--\n\nThe next event, or None: then the mailbox is idle and the caller must let go of the actor."},
    {"close", Mailbox_close, METH_NOARGS,
     "close($self, /)\n--\n\nRefuse every further event; the events that were still inside."},
    {"crash", Mailbox_crash, METH_O,
     "crash($self, reason, /)\n--\n\nAs stop, and on_stop is not called: the machine of the actor has gone."},
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
    {"_running", T_BOOL, offsetof(MailboxObject, running), READONLY, "Whether a thread is in one of its turns."},
    {"_stopping", T_BOOL, offsetof(MailboxObject, stopping), READONLY, "Whether its end has begun."},
    {"_delegates", T_OBJECT, offsetof(MailboxObject, delegates), 0, "To whom messages of a class go on, or None."},
    {"_linkers", T_OBJECT, offsetof(MailboxObject, linkers), 0,
     "Who is to hear of its end, in order of linking; None once that is being told."},
    {"_linked", T_OBJECT, offsetof(MailboxObject, linked), 0, "Those of whose end it is to hear."},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(MailboxObject, weak_references), Py_READONLY, NULL},
    {NULL},
};

static PyGetSetDef mailbox_properties[] = {
    {"stopped", Mailbox_stopped, NULL, "Ready, with None, once the actor is gone.", NULL},
    {"stashed", Mailbox_stashed, NULL, "How many calls and messages were set aside.", NULL},
    {"overflows", Mailbox_overflows, NULL, "How many found no room in the mailbox, or made it for another.", NULL},
    {"blocked", Mailbox_blocked, NULL, "How many threads wait for room.", NULL},
    {"bound", Mailbox_bound, NULL, "Its capacity and what becomes of what finds no room; None without a bound.", NULL},
    {"serving", Mailbox_serving, NULL, "The event whose handler the calling thread is in here, or None.", NULL},
    {"suspended", Mailbox_suspended, NULL, "How many of its coroutines wait for a future now.", NULL},
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
