/* csrc/future.c -- the FutureCell: one value that arrives later; its state, its flags and its callbacks.
 *
 * Why C: a cell is created and completed once per message (bench/). Twin: libactor/_core/_future.py; both pass
 * tests/runtime/test_future_cell.py. Steps from one cell to the next are in step.c, what Python calls in
 * future_methods.c; policy (what waits, what joins several) stays in Python.
 * Threads: the GIL makes each entry point one step. Between looking at the state and changing it nothing may run
 *   Python code or let go of the GIL: no call, no DECREF of a foreign object, no allocation by the collector. So
 *   callbacks are first moved out of the cell, then called; tests re-enter from each place where Python code runs.
 * Collector: a cell is tracked only once it holds something that could be part of a cycle: a callback, the function of
 *   a step, or a value of a type the collector knows. Most never do. (A cell reachable from its own class alone is not
 *   found.)
 * Layout: 1 invariants  2 fast path  3 announcing  4 flags  5 reading  6 life cycle  7 type spec
 */
#include "future.h"
#include "hops.h"

/* ---- 1 invariants ---- */

static inline int future_is_sane(const FutureObject *self)
{
    return self->state <= DISCARDED && (self->state != PENDING || self->value == NULL || (self->flags & ABANDONED)) &&
           (self->state == PENDING || callbacks_count(&self->callbacks) == 0);
}

static inline PyObject *future_value(const FutureObject *self)
{
    return self->value == NULL ? Py_None : self->value;
}

/* ---- 2 fast path: once per message each ---- */

static int future_announce(FutureObject *self, Callbacks callbacks, int kind);

static int future_settle(FutureObject *self, int state, PyObject *value, int flag)
{
    if (self->state != PENDING)
        return 0;
    PyObject *cause = self->value;
    self->value = Py_NewRef(value);
    self->state = (unsigned char)state;
    self->flags |= (unsigned char)flag;
    if (PyObject_IS_GC(value))
        future_track(self);
    Callbacks callbacks = callbacks_detach(&self->callbacks);
    assert(future_is_sane(self));
    Py_XDECREF(cause);
    if (callbacks.first.function == NULL)
        return 1;
    return future_announce(self, callbacks, state - 1) < 0 ? -1 : 1;
}

int future_complete(FutureObject *self, int state, PyObject *value)
{
    return future_settle(self, state, value, 0);
}

int future_answer(FutureObject *self, PyObject *value, int per_reader)
{
    return future_settle(self, READY, value, per_reader ? PER_READER : 0);
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

int future_subscribe(FutureObject *self, int kind, PyObject *function)
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

int future_join(FutureObject *self, PyObject *gather)
{
    self->flags |= OBSERVED;
    if (self->state != PENDING)
        return hop_make(gather_arrive, gather, (PyObject *)self);
    Callback callback = {Py_NewRef(gather), ON_GATHER};
    if (callbacks_append(&self->callbacks, callback) < 0) {
        Py_DECREF(gather); /* the caller holds another reference */
        return -1;
    }
    future_track(self);
    return (self->flags & ABANDONED) == 0 ? 0 : hop_make(gather_lose, gather, (PyObject *)self);
}

/* ---- 3 announcing ---- */

CoreState *future_core(FutureObject *self)
{
    PyObject *module = PyType_GetModuleByDef(Py_TYPE(self), &core_module);
    if (module == NULL) {
        PyErr_Clear(); /* the interpreter is shutting down and has taken the type apart */
        return NULL;
    }
    return PyModule_GetState(module);
}

/* What a callback of this kind is called with; NULL with no exception: nothing. Owned. */
static PyObject *future_argument(FutureObject *self, int kind)
{
    if (kind == ON_ANY)
        return Py_NewRef((PyObject *)self);
    if (kind == ON_READY)
        return future_read(self);
    return kind == ON_FAILED ? Py_NewRef(future_value(self)) : NULL;
}

/* Call a user's callback; an Exception is reported, anything else becomes the interrupt. */
static void future_call(FutureObject *self, const Callback *callback, PyObject **interrupt)
{
    PyObject *argument = future_argument(self, callback->kind);
    PyObject *exception;
    if (argument == NULL && PyErr_Occurred())
        exception = core_exception_take();
    else
        exception = callbacks_call(callback->function, argument);
    Py_XDECREF(argument);
    if (exception == NULL)
        return;
    CoreState *core = future_core(self);
    PyObject *report = core == NULL ? NULL : core->report_callback;
    callbacks_report(report, callback->function, exception, interrupt);
}

/* Tell another future, a Gather, a coroutine or a Reply that this one is complete or abandoned; 0, or -1 with the interrupt. */
static int future_tell(FutureObject *self, const Callback *callback, int kind)
{
    if (callback->kind == ON_TASK)
        return hop_make(task_arrive, callback->function, (PyObject *)self);
    if (callback->kind == ON_REPLY)
        return hop_make(reply_arrive, callback->function, (PyObject *)self);
    HopAction arrive = callback->kind == ON_GATHER ? gather_arrive : step_arrive;
    HopAction lose = callback->kind == ON_GATHER ? gather_lose : step_lose;
    int is_lost = kind == ON_ABANDONED && callback_stays(callback);
    return hop_make(is_lost ? lose : arrive, callback->function, (PyObject *)self);
}

static void future_announce_kind(FutureObject *self, Callbacks *callbacks, int kind, PyObject **interrupt)
{
    Py_ssize_t count = callbacks_count(callbacks);
    for (Py_ssize_t i = 0; i < count; i++) {
        Callback *callback = callbacks_at(callbacks, i);
        if (callback->kind == kind)
            future_call(self, callback, interrupt);
        else if (callback->kind >= ON_STEP && (kind == ON_ANY || kind == ON_ABANDONED))
            if (future_tell(self, callback, kind) < 0)
                core_exception_keep_first(interrupt);
    }
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

/* ---- 4 flags ---- */

/* Raise a flag on a pending cell, once, and take out who waits for it. Answers like future_complete. */
static int future_raise_flag(FutureObject *self, int flag, int kind, Callbacks *taken)
{
    if (self->state != PENDING || (self->flags & flag) != 0)
        return 0;
    if (callbacks_wait_for(&self->callbacks, kind) && callbacks_split(&self->callbacks, kind, taken) < 0)
        return -1;
    self->flags |= (unsigned char)flag;
    return 1;
}

static int future_hear_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return future_discard((FutureObject *)op) < 0 ? -1 : 0;
}

int future_pass_discard(FutureObject *source)
{
    return hop_make(future_hear_discard, (PyObject *)source, NULL);
}

int future_discard(FutureObject *self)
{
    Callbacks taken = {0};
    int answer = future_raise_flag(self, DISCARD_REQUESTED, ON_DISCARD, &taken);
    if (answer != 1)
        return answer;
    PyObject *interrupt = NULL;
    FutureObject *source = (FutureObject *)Py_XNewRef((PyObject *)step_source(self));
    if (source != NULL && future_pass_discard(source) < 0)
        core_exception_keep_first(&interrupt);
    if (taken.first.function != NULL && future_announce(self, taken, ON_DISCARD) < 0)
        core_exception_keep_first(&interrupt);
    Py_XDECREF(source);
    if (interrupt == NULL)
        return 1;
    core_exception_restore(interrupt);
    return -1;
}

int future_abandon(FutureObject *self, PyObject *cause)
{
    Callbacks taken = {0};
    int answer = future_raise_flag(self, ABANDONED, ON_ABANDONED, &taken);
    if (answer != 1)
        return answer;
    if (cause != NULL && cause != Py_None) {
        self->value = Py_NewRef(cause);
        if (PyObject_IS_GC(cause))
            future_track(self);
    }
    assert(future_is_sane(self));
    if (taken.first.function == NULL)
        return 1;
    return future_announce(self, taken, ON_ABANDONED) < 0 ? -1 : 1;
}

/* ---- 5 reading ---- */

PyObject *future_read(FutureObject *self)
{
    PyObject *value = future_value(self);
    CoreState *core = (self->flags & PER_READER) == 0 ? NULL : future_core(self);
    if (core == NULL || core->copy_value == NULL)
        return Py_NewRef(value);
    Py_INCREF(value);
    PyObject *copy = PyObject_CallOneArg(core->copy_value, value);
    Py_DECREF(value);
    return copy;
}

/* Whoever calls holds one reference to the cell. If that is all there are, nobody else can ask, except by a method bound
 * beforehand (get = future.get): HANDED_OVER gives its later calls copies of what the first one got. */
PyObject *future_read_once(FutureObject *self)
{
    int wanted = PER_READER | HANDED_OVER;
    if ((self->flags & wanted) == PER_READER && Py_REFCNT(self) == 1 && self->value != NULL &&
        Py_REFCNT(self->value) == 1) {
        self->flags |= HANDED_OVER;
        return Py_NewRef(self->value);
    }
    return future_read(self);
}

/* ---- 6 life cycle ---- */

#define SELF ((FutureObject *)op)

static void FutureCell_dealloc(PyObject *op);
static void FutureCell_finalize(PyObject *op);

static inline PyObject *future_alloc(PyTypeObject *type)
{
    return core_alloc(type, sizeof(FutureObject), FutureCell_dealloc, FutureCell_finalize); /* zero: pending */
}

FutureObject *future_new(CoreState *core)
{
    return (FutureObject *)future_alloc((PyTypeObject *)core->future_type);
}

static PyObject *FutureCell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (core_check_new(type, arguments, keywords) < 0)
        return NULL;
    if (core_adds_no_fields(type, sizeof(FutureObject), offsetof(FutureObject, weak_references)))
        return future_alloc(type);
    return type->tp_alloc(type, 0); /* zeroed, and tracked for the sake of its own fields */
}

static int FutureCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->value);
    Py_VISIT(SELF->function);
    return callbacks_traverse(&SELF->callbacks, visit, arg);
}

static int FutureCell_clear(PyObject *op)
{
    Callbacks callbacks = callbacks_detach(&SELF->callbacks);
    for (Py_ssize_t i = 0; i < callbacks_count(&callbacks); i++)
        if (callbacks_at(&callbacks, i)->kind == ON_STEP || callbacks_at(&callbacks, i)->kind == ON_LOSS)
            step_cut((FutureObject *)callbacks_at(&callbacks, i)->function, SELF);
    callbacks_release(&callbacks);
    Py_CLEAR(SELF->function);
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
    CoreState *core = future_core(SELF);
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

static inline void FutureCell_free(PyObject *op)
{
    if (SELF->weak_references != NULL)
        PyObject_ClearWeakRefs(op);
    if (SELF->callbacks.first.function == NULL && SELF->function == NULL)
        Py_CLEAR(SELF->value);
    else
        FutureCell_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static void FutureCell_dealloc(PyObject *op)
{
    /* For a subclass defined in Python the interpreter has called the finalizer before it comes here. */
    if (SELF->state == FAILED && (SELF->flags & OBSERVED) == 0 && Py_TYPE(op)->tp_dealloc == FutureCell_dealloc) {
        future_track(SELF); /* should the reporter keep the cell, it lives on as any other */
        if (PyObject_CallFinalizerFromDealloc(op) < 0)
            return;
    }
    if (!PyObject_GC_IsTracked(op)) { /* it holds nothing by which others would go with it, one within the other */
        FutureCell_free(op);
        return;
    }
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, FutureCell_dealloc)
    FutureCell_free(op);
    Py_TRASHCAN_END
}

/* ---- 7 type spec ---- */

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
