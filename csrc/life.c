/* csrc/life.c -- the beginning and the end of an actor: on_start, on_stop, and what is owed to others at its end.
 *
 * Why C: once per actor (bench/: spawn+stop). Twin: the life of libactor/_core/_mailbox.py.
 * Start and termination are no events but flags of the mailbox, which a turn looks at before it takes an event: nothing
 *   is served before on_start, and a termination goes ahead of what waits.
 * Invariants: 1. after mailbox_stop no handler runs; what is left is dropped, and says so to whoever waits for it.
 *   2. it goes through to its end, whatever the code it calls on its way raises.
 * Layout: 1 beginning  2 end  3 Python methods
 */
#include "actor.h"
#include "coroutine.h"
#include "pid.h"
#include "runtime.h"

#define SELF ((MailboxObject *)op)

/* ---- 1 beginning ---- */

/* Call on_start or on_stop; as task_begin_life. */
static int mailbox_call(MailboxObject *self, PyObject *name, int role)
{
    PyObject *actor = Py_NewRef(self->actor);
    PyObject *result = PyObject_VectorcallMethod(name, &actor, 1, NULL);
    Py_DECREF(actor);
    return result == NULL ? -1 : task_begin_life(self, role, result);
}

int mailbox_live(MailboxObject *self)
{
    if (self->starting) {
        self->starting = 0;
        int over = mailbox_call(self, self->queue->core->text_on_start, TASK_START);
        self->started |= over == 1;
        return over < 0 ? -1 : 0;
    }
    if (self->ending) {
        self->ending = 0;
        return mailbox_stop(self, Py_None);
    }
    return task_resume(self->extras->life);
}

int mailbox_awaken(MailboxObject *self)
{
    if (self->awake)
        return 0;
    self->awake = 1;
    if (self->queue == NULL || mailbox_enqueue(self) == 0)
        return 0;
    self->awake = 0; /* there is no memory: whoever puts the next event tries again */
    return -1;
}

/* ---- 2 end ---- */

void mailbox_report(MailboxObject *self, const char *what)
{
    PyObject *error = core_exception_take();
    PyObject *reported = PyObject_CallMethod((PyObject *)self, "_report_last", "sO", what, error);
    if (reported == NULL)
        PyErr_WriteUnraisable((PyObject *)self);
    Py_XDECREF(reported);
    Py_DECREF(error);
}

static void mailbox_drop_lane(MailboxObject *self, Ring rest, const char *why)
{
    for (uint32_t i = 0; i < rest.count; i++) {
        PyObject *event = *ring_slot(&rest, i);
        event_leave(event);
        if ((event_check(event) ? event_drop((EventObject *)event, self, why) : mailbox_drop(self, event)) < 0)
            mailbox_report(self, "what waited for an answer");
        Py_DECREF(event);
    }
    PyMem_Free(rest.slots);
}

/* Refuse whatever comes from now on, and drop what is there. */
static void mailbox_drop_rest(MailboxObject *self)
{
    self->closed = 1;
    self->starting = self->ending = 0;
    if (self->extras != NULL) {
        mailbox_release_blocked(self);
        mailbox_drop_lane(self, ring_detach(&self->extras->urgent), "the actor has stopped");
        mailbox_drop_lane(self, ring_detach(&self->extras->stash), WAS_ASIDE);
    }
    mailbox_drop_lane(self, ring_detach(&self->events), "the actor has stopped");
}

/* End what ends with the actor, the last part first; what a part adds meanwhile as well. */
static void mailbox_end_parts(MailboxObject *self)
{
    if (self->extras == NULL)
        return;
    PyObject *parts;
    while ((parts = self->extras->parts) != NULL && PyList_GET_SIZE(parts) != 0) {
        Py_ssize_t last = PyList_GET_SIZE(parts) - 1;
        PyObject *part = Py_NewRef(PyList_GET_ITEM(parts, last));
        PyObject *ended = NULL;
        if (PyList_SetSlice(parts, last, last + 1, NULL) == 0)
            ended = PyObject_CallMethod(part, "end", "O", self);
        if (ended == NULL)
            mailbox_report(self, "what belongs to it");
        Py_XDECREF(ended);
        Py_DECREF(part);
    }
}

/* Tell the links; the common actor has none. */
static void mailbox_end_links(MailboxObject *self)
{
    PyObject *none_yet = self->queue->core->no_links;
    if (self->linkers == none_yet && self->linked == none_yet) {
        Py_SETREF(self->linkers, Py_NewRef(Py_None));
        return;
    }
    PyObject *told = PyObject_CallMethod((PyObject *)self, "_end_links", NULL);
    if (told == NULL)
        mailbox_report(self, "its links");
    Py_XDECREF(told);
}

/* An actor that ends speaks for those of its class that come; a slow turn, also this one, will speak against them. */
static void mailbox_recommend(MailboxObject *self)
{
    CoreState *core = self->queue->core;
    if (((PyTypeObject *)self->kind)->tp_base == (PyTypeObject *)core->actor_type)
        return; /* a plain Actor, which anybody makes for any purpose: for la.run, say */
    KindObject *kind = kind_of(core, (PyTypeObject *)self->kind);
    if (kind == NULL)
        PyErr_Clear(); /* no memory: the next ones begin as unknown */
    else if (kind->quick < KIND_QUICK)
        kind->quick++;
}

void mailbox_warn(MailboxObject *self)
{
    self->quick = 0;
    if (self->kind == NULL)
        return;
    KindObject *kind = kind_of(self->queue->core, (PyTypeObject *)self->kind);
    if (kind == NULL)
        PyErr_Clear();
    else
        kind->quick = 0;
}

static int mailbox_depart(MailboxObject *self)
{
    FutureObject *stopped = self->stopped;
    int answer = 0;
    self->gone = 1;
    self->stopped = NULL;
    if (stopped != NULL) {
        stopped->target = NULL;
        answer = future_complete(stopped, READY, Py_None);
        Py_DECREF(stopped);
    }
    pid_lend(self);
    return answer < 0 ? -1 : 0;
}

int mailbox_stop(MailboxObject *self, PyObject *reason)
{
    if (self->stopping)
        return 0; /* what failed was told at its end */
    self->stopping = 1;
    Py_XSETREF(self->reason, Py_NewRef(reason));
    tasks_close(self);
    mailbox_end_parts(self);
    if (self->started) {
        self->started = 0;
        int over = mailbox_call(self, self->queue->core->text_on_stop, TASK_STOP);
        if (over == 0)
            return 0;
        if (over < 0)
            mailbox_report(self, "on_stop");
    }
    return mailbox_leave(self);
}

int mailbox_leave(MailboxObject *self)
{
    mailbox_end_parts(self); /* that on_stop has made */
    runtime_forget((RuntimeObject *)self->runtime, self);
    mailbox_drop_rest(self);
    mailbox_end_links(self);
    mailbox_recommend(self);
    Py_CLEAR(self->delegates);
    Py_CLEAR(self->actor);
    return mailbox_depart(self);
}

/* Ask the actor to stop: ahead of what waits, or, as the event `last`, after it. */
int mailbox_terminate(MailboxObject *self, PyObject *last)
{
    if (self->queue->orphaned)
        return mailbox_refuse_orphan(self);
    if (self->closed || self->stopping)
        return 0;
    MailboxExtras *extras = self->extras;
    int waits = self->events.count != 0 ||
                (extras != NULL && (extras->urgent.count != 0 || extras->held || extras->life != NULL));
    if (last != NULL && waits)
        return mailbox_deliver(self, last, 0);
    self->ending = 1;
    return mailbox_awaken(self);
}

/* ---- 3 Python methods ---- */

PyObject *Mailbox_stop(PyObject *op, PyObject *reason)
{
    if (SELF->runtime == NULL)
        return PyErr_Format(PyExc_RuntimeError, "stop: a bare mailbox has no actor that could stop");
    if (mailbox_stop(SELF, reason) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* A dict for the first link, in one step with the look whether the actor has ended; None if it has. */
PyObject *Mailbox_open_linkers(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *fresh = PyDict_New(); /* may run finalizers: before the look */
    if (fresh == NULL)
        return NULL;
    if (SELF->linkers == NULL || SELF->queue == NULL) {
        Py_DECREF(fresh);
        return PyErr_Format(PyExc_RuntimeError, "link: a bare mailbox has no actor that could stop");
    }
    if (SELF->linkers == SELF->queue->core->no_links)
        Py_SETREF(SELF->linkers, Py_NewRef(fresh));
    Py_DECREF(fresh);
    return Py_NewRef(SELF->linkers);
}
