/* csrc/gather.c -- the Gather: what joins several futures in one, for `collect` and `await_all`.
 *
 * Why C: pipelined asks end in one collect, so it runs once per message (bench: pipelined). Twin: libactor/_core/
 * _gather.py; both pass tests/runtime/test_collect.py and test_await_all.py.
 * A Gather stands in the callbacks of every member (ON_GATHER: it hears of outcomes and of abandonment) and of the
 * result (ON_DISCARD: it is called without arguments). When the last member is complete nothing refers to it any more.
 * Layout: 1 object  2 the result  3 hops  4 beginning  5 life cycle and type
 */
#include "future.h"
#include "hops.h"

/* ---- 1 object ---- */

typedef struct {
    PyObject_HEAD
    PyObject *members;    /* owned list of futures, that nobody else has until it is the result of await_all */
    FutureObject *result; /* owned */
    Py_ssize_t left;      /* members that have not arrived: with a value, or for await_all in whichever way */
    char collects;        /* the result is of values, and fails with the first failure; else of the members */
} GatherObject;

#define SELF ((GatherObject *)op)

/* ---- 2 the result ---- */

/* The values of all members, which are ready; a new list, NULL if one could not be copied. */
static PyObject *gather_values(GatherObject *self)
{
    Py_ssize_t count = PyList_GET_SIZE(self->members);
    PyObject *values = PyList_New(count);
    for (Py_ssize_t i = 0; values != NULL && i < count; i++) {
        PyObject *value = future_read_once((FutureObject *)PyList_GET_ITEM(self->members, i));
        if (value == NULL)
            Py_CLEAR(values);
        else
            PyList_SET_ITEM(values, i, value);
    }
    return values;
}

static int gather_fail(GatherObject *self, PyObject *error)
{
    return error == NULL ? -1 : future_complete(self->result, FAILED, error);
}

static int gather_collect(GatherObject *self, FutureObject *member)
{
    if (member->state == FAILED)
        return gather_fail(self, member->value == NULL ? Py_None : member->value);
    if (member->state == DISCARDED) {
        if ((self->result->flags & DISCARD_REQUESTED) != 0)
            return 0;
        PyObject *error = PyObject_CallFunction(PyExc_RuntimeError, "s", "collect: a future was discarded");
        int answer = gather_fail(self, error);
        Py_XDECREF(error);
        return answer;
    }
    if (--self->left > 0)
        return 0;
    PyObject *values = gather_values(self);
    PyObject *error = values == NULL ? core_exception_take() : NULL;
    int answer = values == NULL ? gather_fail(self, error) : future_complete(self->result, READY, values);
    Py_XDECREF(values);
    Py_XDECREF(error);
    return answer;
}

static int gather_await(GatherObject *self)
{
    if (--self->left > 0 || (self->result->flags & DISCARD_REQUESTED) != 0)
        return 0;
    return future_complete(self->result, READY, self->members);
}

/* ---- 3 hops ---- */

int gather_arrive(PyObject *op, PyObject *member)
{
    int answer = SELF->collects ? gather_collect(SELF, (FutureObject *)member) : gather_await(SELF);
    return answer < 0 ? -1 : 0;
}

int gather_lose(PyObject *op, PyObject *member)
{
    FutureObject *lost = (FutureObject *)member;
    if (lost->state != PENDING)
        return 0;
    PyObject *cause = Py_XNewRef(lost->value);
    int answer = future_abandon(SELF->result, cause);
    Py_XDECREF(cause);
    return answer < 0 ? -1 : 0;
}

/* Hand a discard on to every member, and honour it. */
static PyObject *Gather_call(PyObject *op, PyObject *arguments, PyObject *keywords)
{
    PyObject *interrupt = NULL;
    PyObject *members = Py_NewRef(SELF->members);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); i++)
        if (future_pass_discard((FutureObject *)PyList_GET_ITEM(members, i)) < 0)
            core_exception_keep_first(&interrupt);
    Py_DECREF(members);
    if (future_complete(SELF->result, DISCARDED, Py_None) < 0)
        core_exception_keep_first(&interrupt);
    if (interrupt == NULL)
        Py_RETURN_NONE;
    core_exception_restore(interrupt);
    return NULL;
}

/* ---- 4 beginning ---- */

static GatherObject *gather_new(CoreState *core, PyObject *members, FutureObject *result, int collects)
{
    PyTypeObject *type = (PyTypeObject *)core->gather_type;
    GatherObject *self = (GatherObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->members = Py_NewRef(members);
    self->result = (FutureObject *)Py_NewRef((PyObject *)result);
    self->left = PyList_GET_SIZE(members);
    self->collects = (char)collects;
    return self;
}

static int gather_begin(GatherObject *self)
{
    PyObject *members = self->members;
    PyObject *interrupt = NULL;
    if (future_subscribe(self->result, ON_DISCARD, (PyObject *)self) < 0)
        core_exception_keep_first(&interrupt);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); i++)
        if (future_join((FutureObject *)PyList_GET_ITEM(members, i), (PyObject *)self) < 0)
            core_exception_keep_first(&interrupt);
    if (interrupt == NULL)
        return 0;
    core_exception_restore(interrupt);
    return -1;
}

/* 0 if all that is to be joined are futures, else -1 with TypeError. */
static int gather_check(CoreState *core, PyObject *members)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); i++)
        if (!future_check(core, PyList_GET_ITEM(members, i))) {
            PyErr_Format(PyExc_TypeError, "got %R as number %zd of the futures to join, expected a future",
                         PyList_GET_ITEM(members, i), i + 1);
            return -1;
        }
    return 0;
}

PyObject *native_gather(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("gather", count, 2) < 0)
        return NULL;
    CoreState *core = PyModule_GetState(module);
    int collects = PyObject_IsTrue(arguments[1]);
    PyObject *members = collects < 0 ? NULL : PySequence_List(arguments[0]);
    if (members == NULL || gather_check(core, members) < 0) {
        Py_XDECREF(members);
        return NULL;
    }
    FutureObject *result = future_new(core);
    GatherObject *self = result == NULL ? NULL : gather_new(core, members, result, collects);
    int answer = self == NULL ? -1 : 0;
    if (self != NULL && PyList_GET_SIZE(members) == 0)
        answer = future_complete(result, READY, members) < 0 ? -1 : 0;
    if (self != NULL && PyList_GET_SIZE(members) > 0)
        answer = gather_begin(self);
    Py_XDECREF(self);
    Py_DECREF(members);
    if (answer < 0)
        Py_CLEAR(result);
    return (PyObject *)result;
}

/* ---- 5 life cycle and type ---- */

static int Gather_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->members);
    Py_VISIT(SELF->result);
    return 0;
}

static void Gather_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, Gather_dealloc)
    Py_CLEAR(SELF->members);
    Py_CLEAR(SELF->result);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static PyType_Slot gather_slots[] = {
    {Py_tp_doc, "What joins several futures in one; called, it hands a discard on to them."},
    {Py_tp_call, Gather_call},
    {Py_tp_traverse, Gather_traverse},
    {Py_tp_dealloc, Gather_dealloc},
    {0, NULL},
};

PyType_Spec gather_spec = {
    .name = "libactor._core._native.Gather",
    .basicsize = sizeof(GatherObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = gather_slots,
};
