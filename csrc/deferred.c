/* csrc/deferred.c -- defer and the Deferred: a callable that calls into an actor whenever it is called.
 *
 * Why C: made and called once per step that goes on in an actor (bench: then-defer). Twin: libactor/_core/_deferred.py,
 * which see for the contract. Here is the quick way of defer, for a plain method of the actor with plain arguments;
 * what else may be deferred, and how, libactor/deferred.py knows (policy defer_slowly).
 * Layout: 1 object  2 the call  3 making one  4 life cycle  5 type spec
 */
#include "calls.h"
#include "pid.h"
#include "values.h"

/* ---- 1 object ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    CoreState *core;        /* of the module that the type belongs to */
    MailboxObject *mailbox; /* owned: whose actor is called */
    PyObject *what;         /* owned: the method's name, or the callable */
    PyObject *name;         /* owned: what that is called in an error */
    PyObject *bound;        /* owned tuple of the bound arguments; NULL once they were moved into the only call */
    PyObject *names;        /* owned tuple: the names of the last of them; NULL if none has one */
    PyObject *places;       /* owned tuple, as long as bound: which argument of the call stands there; 0: the bound */
    Py_ssize_t place_last;  /* the highest of them; 0 without `places`: then the call's own follow the unnamed */
    char kind;              /* EVENT_DISPATCH or EVENT_EXECUTE */
    char once;              /* for one call only */
} DeferredObject;

#define SELF ((DeferredObject *)op)

/* ---- 2 the call ---- */

/* What stands in place `index` of the bound arguments: a new reference. The places were looked at when they came. */
static PyObject *deferred_value(DeferredObject *self, PyObject *bound, Py_ssize_t index, PyObject *const *arguments)
{
    Py_ssize_t place = self->places == NULL ? 0 : PyLong_AsSsize_t(PyTuple_GET_ITEM(self->places, index));
    return Py_NewRef(place == 0 ? PyTuple_GET_ITEM(bound, index) : arguments[place - 1]);
}

/* A new event with `bound` and the `count` arguments of the call in their places; NULL with
 * MemoryError. */
static EventObject *deferred_arrange(DeferredObject *self, FutureObject *future, PyObject *bound,
                                     PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t kept = PyTuple_GET_SIZE(bound);
    Py_ssize_t unnamed = kept - (self->names == NULL ? 0 : PyTuple_GET_SIZE(self->names));
    Py_ssize_t added = self->places == NULL ? count : 0;
    EventObject *event = event_new(self->core, self->kind, self->what, (PyObject *)future, kept + added);
    if (event == NULL)
        return NULL;
    PyObject **value = event->values + 1;
    for (Py_ssize_t i = 0; i < unnamed; i++)
        *value++ = deferred_value(self, bound, i, arguments);
    for (Py_ssize_t i = 0; i < added; i++)
        *value++ = Py_NewRef(arguments[i]);
    for (Py_ssize_t i = unnamed; i < kept; i++)
        *value++ = deferred_value(self, bound, i, arguments);
    event->names = Py_XNewRef(self->names);
    return event;
}

/* The event of a call that leaves the bound arguments as they are: all are passed by value. NULL with NotPassable. */
static EventObject *deferred_event(DeferredObject *self, FutureObject *future, PyObject *bound,
                                   PyObject *const *arguments, Py_ssize_t count)
{
    EventObject *event = deferred_arrange(self, future, bound, arguments, count);
    if (event != NULL &&
        copier_pass_call(self->core->copier, event->values + 1, event->count, self->names, self->name) < 0)
        Py_CLEAR(event);
    return event;
}

/* The event of the one call, into which the bound arguments go as they are. NULL with NotPassable. */
static EventObject *deferred_event_once(DeferredObject *self, FutureObject *future, PyObject *bound,
                                        PyObject *const *arguments, Py_ssize_t count)
{
    EventObject *event = NULL;
    PyObject *passed = PyTuple_New(count);
    for (Py_ssize_t i = 0; passed != NULL && i < count; i++)
        PyTuple_SET_ITEM(passed, i, Py_NewRef(arguments[i]));
    if (passed != NULL &&
        copier_pass_all(self->core->copier, ((PyTupleObject *)passed)->ob_item, count, self->name) == 0)
        event = deferred_arrange(self, future, bound, ((PyTupleObject *)passed)->ob_item, count);
    Py_XDECREF(passed);
    return event;
}

/* The bound arguments, a new reference, if the call can be made: for good, if it is the only one. Else NULL with
 * TypeError or MovedError. Nothing runs between looking and taking. */
static PyObject *deferred_take(DeferredObject *self, Py_ssize_t count, PyObject *names)
{
    if (names != NULL && PyTuple_GET_SIZE(names) != 0)
        return PyErr_Format(PyExc_TypeError,
                            "deferred %U: called with %R, expected arguments without names; bind them in defer",
                            self->name, names);
    if (count < self->place_last)
        return PyErr_Format(PyExc_TypeError, "deferred %U: called with %zd arguments, expected %zd or more, for _%zd",
                            self->name, count, self->place_last, self->place_last);
    PyObject *bound = self->bound;
    if (bound == NULL)
        return PyErr_Format(self->core->moved_error,
                            "deferred %U: was for one call (once=True), which took its arguments; defer again",
                            self->name);
    if (!self->once)
        return Py_NewRef(bound);
    self->bound = NULL;
    return bound;
}

static PyObject *deferred_call(PyObject *op, PyObject *const *arguments, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    PyObject *answer = NULL, *bound = deferred_take(SELF, count, names);
    if (bound == NULL)
        return NULL;
    Py_INCREF(op); /* hostile code may run on the way, and let go of it */
    FutureObject *future = future_new(SELF->core);
    if (future != NULL) {
        EventObject *event = SELF->once ? deferred_event_once(SELF, future, bound, arguments, count)
                                        : deferred_event(SELF, future, bound, arguments, count);
        Py_CLEAR(bound); /* before the event is served, which may be at once in another thread */
        answer = call_ask(SELF->mailbox, event, future, 0); /* a callback waits for nothing */
    }
    Py_XDECREF(bound);
    Py_DECREF(op);
    return answer;
}

/* ---- 3 making one ---- */

/* Its `bound` is still to be set, whatever else differs too, and then it is to be tracked. NULL with MemoryError. */
static DeferredObject *deferred_new(CoreState *core, MailboxObject *mailbox, int kind, PyObject *what, PyObject *name)
{
    DeferredObject *self = PyObject_GC_New(DeferredObject, (PyTypeObject *)core->deferred_type);
    if (self == NULL)
        return NULL;
    self->call = deferred_call;
    self->core = core;
    self->mailbox = (MailboxObject *)Py_NewRef((PyObject *)mailbox);
    self->what = Py_NewRef(what);
    self->name = Py_NewRef(name);
    self->bound = self->names = self->places = NULL;
    self->place_last = 0;
    self->kind = (char)kind;
    self->once = 0;
    return self;
}

/* Whether this is bound here: scalars, containers of Python's, and, in a callable for one call, what is moved. */
static int binds_quickly(CoreState *core, PyObject *value, int once)
{
    PyTypeObject *kind = Py_TYPE(value);
    return kind_is_scalar(kind) || kind == &PyList_Type || kind == &PyTuple_Type || kind == &PyDict_Type ||
           kind == &PyByteArray_Type || (once && copier_moves(core->copier, kind));
}

/* A tuple of the arguments, by value; Py_None if one is not for here; NULL with NotPassable. */
static PyObject *bind_quickly(CoreState *core, PyObject *name, PyObject *const *arguments, Py_ssize_t count, int once)
{
    int scalars = 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!binds_quickly(core, arguments[i], once))
            Py_RETURN_NONE;
        scalars &= kind_is_scalar(Py_TYPE(arguments[i]));
    }
    PyObject *bound = PyTuple_New(count);
    for (Py_ssize_t i = 0; bound != NULL && i < count; i++)
        PyTuple_SET_ITEM(bound, i, Py_NewRef(arguments[i]));
    if (bound == NULL || scalars)
        return bound;
    PyObject *where = PyUnicode_FromFormat("defer(%U)", name);
    if (where == NULL ||
        copier_pass_all(core->copier, ((PyTupleObject *)bound)->ob_item, count, where) < 0)
        Py_CLEAR(bound);
    Py_XDECREF(where);
    return bound;
}

/* Whether the only argument with a name is `once`, and true: 1; 0: it is not there, or false; -1: others are there, or
 * with an exception. */
static int takes_once(PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (names == NULL)
        return 0;
    if (PyTuple_GET_SIZE(names) != 1 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "once") != 0)
        return -1;
    return PyObject_IsTrue(arguments[count]);
}

/* The Deferred for a plain method of the actor with plain arguments; Py_None for what is not so plain; NULL with an
 * exception. */
static PyObject *defer_quickly(CoreState *core, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    int once = takes_once(arguments, count, names);
    if (PyErr_Occurred())
        return NULL;
    if (once < 0 || count < 2 || !Py_IS_TYPE(arguments[0], (PyTypeObject *)core->pid_type))
        Py_RETURN_NONE;
    MailboxObject *mailbox = pid_mailbox(arguments[0]);
    PyObject *name = call_plain_method(mailbox, arguments[1]);
    if (name == NULL || _PyType_Lookup((PyTypeObject *)mailbox->kind, name) != arguments[1])
        Py_RETURN_NONE; /* a function of one's own may be called like a method */
    Py_INCREF(mailbox); /* code of the arguments may run from here on */
    Py_INCREF(name);
    PyObject *bound = bind_quickly(core, name, arguments + 2, count - 2, once);
    DeferredObject *self = NULL;
    if (bound != NULL && bound != Py_None && (self = deferred_new(core, mailbox, EVENT_DISPATCH, name, name)) != NULL) {
        self->bound = Py_NewRef(bound);
        self->once = (char)once;
        PyObject_GC_Track((PyObject *)self);
    }
    Py_DECREF(name);
    Py_DECREF(mailbox);
    if (bound == Py_None)
        return bound;
    Py_XDECREF(bound);
    return (PyObject *)self;
}

PyObject *native_defer(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    PyObject *deferred = defer_quickly(core, arguments, count, names);
    if (deferred != Py_None)
        return deferred;
    Py_DECREF(deferred);
    return PyObject_Vectorcall(core->defer_slowly, arguments, (size_t)count, names);
}

/* The highest of `places`; -1 with an exception. */
static Py_ssize_t places_last(PyObject *places, Py_ssize_t expected)
{
    Py_ssize_t last = 0;
    if (PyTuple_GET_SIZE(places) != expected) {
        PyErr_Format(PyExc_TypeError, "Deferred() got %zd places, expected %zd", PyTuple_GET_SIZE(places), expected);
        return -1;
    }
    for (Py_ssize_t i = 0; i < expected; i++) {
        Py_ssize_t place = PyLong_AsSsize_t(PyTuple_GET_ITEM(places, i));
        if (place < 0) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "Deferred() got the place %zd, expected 0 or more", place);
            return -1;
        }
        last = place > last ? place : last;
    }
    return last;
}

static PyObject *Deferred_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    CoreState *core = PyType_GetModuleState(type);
    PyObject *pid, *what, *name, *bound, *names, *places;
    int once;
    if (keywords != NULL && PyDict_GET_SIZE(keywords) != 0)
        return PyErr_Format(PyExc_TypeError, "Deferred() takes no arguments with a name");
    if (!PyArg_ParseTuple(arguments, "OOUO!O!O!p:Deferred", &pid, &what, &name, &PyTuple_Type, &bound, &PyTuple_Type,
                          &names, &PyTuple_Type, &places, &once))
        return NULL;
    MailboxObject *mailbox = pid_receiver(core, pid, "Deferred");
    if (mailbox == NULL)
        return NULL;
    Py_ssize_t kept = PyTuple_GET_SIZE(bound), last = 0;
    int kind = PyUnicode_Check(what) ? EVENT_DISPATCH : EVENT_EXECUTE;
    DeferredObject *self = NULL;
    if (PyTuple_GET_SIZE(names) > kept)
        PyErr_SetString(PyExc_TypeError, "Deferred() got more names than arguments");
    else if (PyTuple_GET_SIZE(places) == 0 || (last = places_last(places, kept)) >= 0)
        self = deferred_new(core, mailbox, kind, what, name);
    Py_DECREF(mailbox);
    if (self == NULL)
        return NULL;
    self->bound = Py_NewRef(bound);
    self->names = PyTuple_GET_SIZE(names) == 0 ? NULL : Py_NewRef(names);
    self->places = PyTuple_GET_SIZE(places) == 0 ? NULL : Py_NewRef(places);
    self->place_last = last;
    self->once = (char)once;
    PyObject_GC_Track((PyObject *)self);
    return (PyObject *)self;
}

/* ---- 4 life cycle ---- */

/* There is no tp_clear, as tuples have none: what it refers to is older, so whatever closes a cycle can be cleared. */
static int Deferred_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->mailbox);
    Py_VISIT(SELF->what);
    Py_VISIT(SELF->bound);
    return 0;
}

static void Deferred_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, Deferred_dealloc)
    Py_XDECREF(SELF->bound);
    Py_XDECREF(SELF->names);
    Py_XDECREF(SELF->places);
    Py_DECREF(SELF->mailbox);
    Py_DECREF(SELF->what);
    Py_DECREF(SELF->name);
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static PyObject *Deferred_repr(PyObject *op)
{
    return PyUnicode_FromFormat("<Deferred %U in %S>", SELF->name, SELF->mailbox->pid);
}

/* ---- 5 type spec ---- */

static PyMethodDef deferred_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Deferred[int] is for readers and type checkers."},
    {NULL},
};

static PyMemberDef deferred_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(DeferredObject, call), Py_READONLY, NULL},
    {NULL},
};

static PyType_Slot deferred_slots[] = {
    {Py_tp_doc, "A callable that calls into an actor and answers with the future of the result: what defer returns."},
    {Py_tp_new, Deferred_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_repr, Deferred_repr},
    {Py_tp_traverse, Deferred_traverse},
    {Py_tp_dealloc, Deferred_dealloc},
    {Py_tp_methods, deferred_methods},
    {Py_tp_members, deferred_members},
    {0, NULL},
};

PyType_Spec deferred_spec = {
    .name = "libactor._core._native.Deferred",
    .basicsize = sizeof(DeferredObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = deferred_slots,
};
