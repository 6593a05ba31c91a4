/* csrc/future.c -- the FutureCell: one value that arrives later; its state, its flags and its callbacks.
 *
 * Why C: a cell is created and completed once per message (bench/). Twin: libactor/_core/_future.py; both pass
 * tests/runtime/test_future_cell.py. Policy (combinators, timeouts, waiting) stays in Python.
 * Threads: the GIL makes each entry point one step. Between looking at the state and changing it nothing may run
 *   Python code or let go of the GIL: no call, no DECREF of a foreign object, no allocation by the collector. So
 *   callbacks are first moved out of the cell, then called; tests re-enter from each place where Python code runs.
 * Collector: a cell is tracked only once it holds something that could be part of a cycle: a callback, or a value of
 *   a type the collector knows. Most cells never do. (A cell that is reachable from its own class alone is not found.)
 * Layout: 1 invariants  2 fast path  3 slow path  4 Python methods  5 life cycle  6 type spec
 */
#include "future.h"

/* ---- 1 invariants ---- */

static inline int future_is_sane(const FutureObject *self)
{
    return self->state <= DISCARDED && (self->state != PENDING || self->value == NULL) &&
           (self->state == PENDING || callbacks_count(&self->callbacks) == 0);
}

static inline PyObject *future_value(const FutureObject *self)
{
    return self->value == NULL ? Py_None : self->value;
}

static inline void future_track(FutureObject *self)
{
    if (!PyObject_GC_IsTracked((PyObject *)self))
        PyObject_GC_Track(self);
}

/* ---- 2 fast path: once per message each ---- */

static int future_announce(FutureObject *self, Callbacks callbacks, int kind);

int future_complete(FutureObject *self, int state, PyObject *value)
{
    if (self->state != PENDING)
        return 0;
    self->value = Py_NewRef(value);
    self->state = (unsigned char)state;
    if (PyObject_IS_GC(value))
        future_track(self);
    Callbacks callbacks = callbacks_detach(&self->callbacks);
    assert(future_is_sane(self));
    if (callbacks.first.function == NULL)
        return 1;
    return future_announce(self, callbacks, state - 1) < 0 ? -1 : 1;
}

static int future_has_happened(const FutureObject *self, int kind)
{
    switch (kind) {
    case ON_ANY:
        return self->state != PENDING;
    case ON_DISCARD:
        return (self->flags & DISCARD_REQUESTED) != 0;
    case ON_ABANDONED:
        return (self->flags & ABANDONED) != 0 && self->state == PENDING;
    default:
        return self->state == kind + 1;
    }
}

/* 0, or -1 if there is no memory or the callback, called at once, was interrupted. */
static int future_subscribe(FutureObject *self, int kind, PyObject *function)
{
    if (kind == ON_FAILED || kind == ON_ANY)
        self->flags |= OBSERVED;
    Callback callback = {Py_NewRef(function), kind};
    if (future_has_happened(self, kind))
        return future_announce(self, (Callbacks){.first = callback}, kind);
    if (self->state != PENDING) {
        Py_DECREF(function); /* the caller holds another reference */
        return 0;
    }
    if (callbacks_append(&self->callbacks, callback) < 0) {
        Py_DECREF(function);
        return -1;
    }
    future_track(self);
    assert(future_is_sane(self));
    return 0;
}

/* ---- 3 slow path ---- */

static CoreState *future_core_state(FutureObject *self)
{
    PyObject *module = PyType_GetModuleByDef(Py_TYPE(self), &core_module);
    if (module == NULL) {
        PyErr_Clear(); /* the interpreter is shutting down and has taken the type apart */
        return NULL;
    }
    return PyModule_GetState(module);
}

/* What a callback of this kind is called with; NULL: nothing. Borrowed. */
static PyObject *future_argument(FutureObject *self, int kind)
{
    if (kind == ON_ANY)
        return (PyObject *)self;
    return kind == ON_READY || kind == ON_FAILED ? future_value(self) : NULL;
}

static void future_announce_kind(FutureObject *self, Callbacks *callbacks, int kind, PyObject **interrupt)
{
    PyObject *argument = Py_XNewRef(future_argument(self, kind));
    Py_ssize_t count = callbacks_count(callbacks);
    for (Py_ssize_t i = 0; i < count; i++) {
        Callback *callback = callbacks_at(callbacks, i);
        PyObject *exception = callback->kind == kind ? callbacks_call(callback->function, argument) : NULL;
        if (exception != NULL) {
            CoreState *core = future_core_state(self);
            PyObject *report = core == NULL ? NULL : core->report_callback;
            callbacks_report(report, callback->function, exception, interrupt);
        }
    }
    Py_XDECREF(argument);
}

/* Call the callbacks of `kind`, then, if that is an outcome, those of ON_ANY; release all. Owns `callbacks`, which the
 * cell does not hold any more. -1 with the first exception that is not an Exception, after everything was called. */
static int future_announce(FutureObject *self, Callbacks callbacks, int kind)
{
    PyObject *interrupt = NULL;
    Py_INCREF(self);
    future_announce_kind(self, &callbacks, kind, &interrupt);
    if (kind <= ON_DISCARDED)
        future_announce_kind(self, &callbacks, ON_ANY, &interrupt);
    callbacks_release(&callbacks);
    Py_DECREF(self);
    if (interrupt == NULL)
        return 0;
    core_exception_restore(interrupt);
    return -1;
}

/* Raise a flag on a pending cell, once, and call who waits for it. Answers like future_complete. */
static int future_raise_flag(FutureObject *self, int flag, int kind)
{
    if (self->state != PENDING || (self->flags & flag) != 0)
        return 0;
    Callbacks taken = {0};
    if (callbacks_split(&self->callbacks, kind, &taken) < 0)
        return -1;
    self->flags |= (unsigned char)flag;
    assert(future_is_sane(self));
    if (taken.first.function == NULL)
        return 1;
    return future_announce(self, taken, kind) < 0 ? -1 : 1;
}

/* A small number between two bounds; -1 with ValueError or TypeError. */
static int future_number(PyObject *object, const char *what, int minimum, int maximum)
{
    long number = PyLong_AsLong(object);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < minimum || number > maximum) {
        PyErr_Format(PyExc_ValueError, "%s is %ld, expected %d to %d", what, number, minimum, maximum);
        return -1;
    }
    return (int)number;
}

static PyObject *future_answer(int answer)
{
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

FutureObject *future_new(CoreState *core)
{
    PyTypeObject *type = (PyTypeObject *)core->future_type;
    PyObject *op = type->tp_alloc(type, 0); /* zeroed: pending, no flags, no callbacks */
    if (op != NULL)
        PyObject_GC_UnTrack(op);
    return (FutureObject *)op;
}

int future_abandon(FutureObject *self)
{
    return future_raise_flag(self, ABANDONED, ON_ABANDONED);
}

/* ---- 4 Python methods ---- */

#define SELF ((FutureObject *)op)

static PyObject *FutureCell_is_pending(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(SELF->state == PENDING);
}

static PyObject *FutureCell_is_ready(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(SELF->state == READY);
}

static PyObject *FutureCell_is_failed(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(SELF->state == FAILED);
}

static PyObject *FutureCell_is_discarded(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(SELF->state == DISCARDED);
}

static PyObject *FutureCell_is_abandoned(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(future_has_happened(SELF, ON_ABANDONED));
}

static PyObject *FutureCell_has_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(future_has_happened(SELF, ON_DISCARD));
}

static PyObject *FutureCell_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return future_answer(future_raise_flag(SELF, DISCARD_REQUESTED, ON_DISCARD));
}

static PyObject *FutureCell_abandon(PyObject *op, PyObject *Py_UNUSED(none))
{
    return future_answer(future_abandon(SELF));
}

static PyObject *FutureCell_complete(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("_complete", count, 2) < 0)
        return NULL;
    int state = future_number(arguments[0], "state", READY, DISCARDED);
    if (state < 0)
        return NULL;
    return future_answer(future_complete(SELF, state, arguments[1]));
}

static PyObject *FutureCell_subscribe(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("_subscribe", count, 2) < 0)
        return NULL;
    int kind = future_number(arguments[0], "kind", ON_READY, ON_ABANDONED);
    if (kind < 0 || future_subscribe(SELF, kind, arguments[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *FutureCell_unsubscribe(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("_unsubscribe", count, 2) < 0)
        return NULL;
    int kind = future_number(arguments[0], "kind", ON_READY, ON_ABANDONED);
    return kind < 0 ? NULL : future_answer(callbacks_remove_equal(&SELF->callbacks, kind, arguments[1]));
}

static PyObject *FutureCell_outcome(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (SELF->state == FAILED)
        SELF->flags |= OBSERVED;
    PyObject *state = PyLong_FromLong(SELF->state); /* a small int: always there */
    PyObject *outcome = PyTuple_Pack(2, state, future_value(SELF));
    Py_DECREF(state);
    return outcome;
}

/* ---- 5 life cycle ---- */

static PyObject *FutureCell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (core_check_new(type, arguments, keywords) < 0)
        return NULL;
    PyObject *op = type->tp_alloc(type, 0); /* zeroed: pending, no flags, no callbacks */
    if (op == NULL)
        return NULL;
    if (type->tp_basicsize == sizeof(FutureObject) && type->tp_dictoffset == 0)
        PyObject_GC_UnTrack(op); /* a subclass with fields of its own stays tracked */
    assert(future_is_sane(SELF));
    return op;
}

static int FutureCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->value);
    return callbacks_traverse(&SELF->callbacks, visit, arg);
}

static int FutureCell_clear(PyObject *op)
{
    callbacks_release(&SELF->callbacks);
    Py_CLEAR(SELF->value);
    return 0;
}

/* Report a failure that nobody has looked at. Keeps the exception that is being raised, as a finalizer must. */
static void FutureCell_finalize(PyObject *op)
{
    if (SELF->state != FAILED || (SELF->flags & OBSERVED) != 0)
        return;
    SELF->flags |= OBSERVED;
    PyObject *raised = core_exception_take();
    CoreState *core = future_core_state(SELF);
    if (core != NULL && core->report_unobserved != NULL) {
        PyObject *report = Py_NewRef(core->report_unobserved);
        PyObject *result = PyObject_CallOneArg(report, future_value(SELF));
        if (result == NULL)
            PyErr_WriteUnraisable(report);
        Py_XDECREF(result);
        Py_DECREF(report);
    }
    core_exception_restore(raised);
}

static void FutureCell_dealloc(PyObject *op)
{
    /* For a subclass defined in Python the interpreter has called the finalizer before it comes here. */
    if (SELF->state == FAILED && (SELF->flags & OBSERVED) == 0 && Py_TYPE(op)->tp_dealloc == FutureCell_dealloc) {
        future_track(SELF); /* should the reporter keep the cell, it lives on as any other */
        if (PyObject_CallFinalizerFromDealloc(op) < 0)
            return;
    }
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, FutureCell_dealloc)
    if (SELF->weak_references != NULL)
        PyObject_ClearWeakRefs(op);
    FutureCell_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* ---- 6 type spec ---- */

static PyMethodDef future_methods[] = {
    {"is_pending", FutureCell_is_pending, METH_NOARGS,
     "is_pending($self, /)\n--\n\nTrue until the future is ready, failed or discarded; an abandoned one stays pending."},
    {"is_ready", FutureCell_is_ready, METH_NOARGS, "is_ready($self, /)\n--\n\nTrue once a value has arrived."},
    {"is_failed", FutureCell_is_failed, METH_NOARGS,
     "is_failed($self, /)\n--\n\nTrue once the computation has failed."},
    {"is_discarded", FutureCell_is_discarded, METH_NOARGS,
     "is_discarded($self, /)\n--\n\nTrue once the completing side has honoured a discard."},
    {"is_abandoned", FutureCell_is_abandoned, METH_NOARGS,
     "is_abandoned($self, /)\n--\n\nTrue when nobody is left who could complete this future; implies pending."},
    {"has_discard", FutureCell_has_discard, METH_NOARGS,
     "has_discard($self, /)\n--\n\nTrue once somebody has asked for a discard."},
    {"discard", FutureCell_discard, METH_NOARGS,
     "discard($self, /)\n--\n\nAsk the completing side to give up; True on the first request to a pending future.\n\n"
     "It is only a request: the state changes when, and if, the completing side honours it."},
    {"_abandon", FutureCell_abandon, METH_NOARGS,
     "_abandon($self, /)\n--\n\nDeclare that nobody will complete this future; False if it is completed or was\n"
     "abandoned before."},
    {"_complete", (PyCFunction)(void (*)(void))FutureCell_complete, METH_FASTCALL,
     "_complete($self, state, value, /)\n--\n\nLeave PENDING for ``state``; False if that has happened before.\n\n"
     "``value``: the result for READY, the exception for FAILED, None for DISCARDED."},
    {"_subscribe", (PyCFunction)(void (*)(void))FutureCell_subscribe, METH_FASTCALL,
     "_subscribe($self, kind, callback, /)\n--\n\nCall ``callback`` when ``kind`` happens: now, in this thread, if it\n"
     "has; never, if it no longer can.\n\n"
     "Arguments by kind: ON_READY the value, ON_FAILED the exception, ON_ANY this future; the others none."},
    {"_unsubscribe", (PyCFunction)(void (*)(void))FutureCell_unsubscribe, METH_FASTCALL,
     "_unsubscribe($self, kind, callback, /)\n--\n\n"
     "Take one subscription back, the oldest that equals this one; False if it is not there (any more)."},
    {"_outcome", FutureCell_outcome, METH_NOARGS,
     "_outcome($self, /)\n--\n\nThe state and the value; reading a failure counts as looking at it."},
    {NULL},
};

static PyMemberDef future_members[] = {
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(FutureObject, weak_references), Py_READONLY, NULL},
    {NULL},
};

static PyType_Slot future_slots[] = {
    {Py_tp_doc, "State, value and callbacks of one future. ``libactor.Future`` derives from it."},
    {Py_tp_new, FutureCell_new},
    {Py_tp_traverse, FutureCell_traverse},
    {Py_tp_clear, FutureCell_clear},
    {Py_tp_finalize, FutureCell_finalize},
    {Py_tp_dealloc, FutureCell_dealloc},
    {Py_tp_methods, future_methods},
    {Py_tp_members, future_members},
    {0, NULL},
};

PyType_Spec future_spec = {
    .name = "libactor._core._native.FutureCell",
    .basicsize = sizeof(FutureObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = future_slots,
};
