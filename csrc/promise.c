/* csrc/promise.c -- the PromiseCell: the delivering side of one future.
 *
 * Why C: a promise is made, delivers and goes once per future that no actor answers (bench: callback, then). Twin:
 * libactor/_core/_promise.py; both pass tests/runtime/test_promise.py.
 * At its end it abandons its future, if it has not delivered: in a cycle by the finalizer, else at once, since nobody
 * refers to it any more.
 * Layout: 1 object  2 Python methods  3 life cycle  4 type spec
 */
#include "future.h"

/* ---- 1 object ---- */

typedef struct {
    PyObject_HEAD
    FutureObject *future; /* owned; NULL only once collected */
    char associated;      /* another future delivers: set, fail and discard are refused */
} PromiseObject;

#define SELF ((PromiseObject *)op)

/* ---- 2 Python methods ---- */

static PyObject *promise_complete(PyObject *op, int state, PyObject *value)
{
    if (SELF->associated || SELF->future == NULL)
        Py_RETURN_FALSE;
    Py_INCREF(op); /* a callback may let go of it */
    int answer = future_complete(SELF->future, state, value);
    Py_DECREF(op);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *PromiseCell_associate(PyObject *op, PyObject *source)
{
    if (SELF->future == NULL || !future_is_fellow(SELF->future, source)) {
        PyErr_Format(PyExc_TypeError, "associate: got %R, expected a future", source);
        return NULL;
    }
    if (SELF->associated || SELF->future->state != PENDING)
        Py_RETURN_FALSE;
    SELF->associated = 1;
    Py_INCREF(op);
    int answer = future_follow(SELF->future, (FutureObject *)source, MIRROR);
    Py_DECREF(op);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *PromiseCell_set(PyObject *op, PyObject *value)
{
    if (SELF->future != NULL && future_is_fellow(SELF->future, value))
        return PromiseCell_associate(op, value);
    return promise_complete(op, READY, value);
}

static PyObject *PromiseCell_fail(PyObject *op, PyObject *error)
{
    if (PyExceptionInstance_Check(error))
        return promise_complete(op, FAILED, error);
    PyErr_Format(PyExc_TypeError, "fail: got %R, expected an exception object", error);
    return NULL;
}

static PyObject *PromiseCell_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return promise_complete(op, DISCARDED, Py_None);
}

/* ---- 3 life cycle ---- */

static void PromiseCell_dealloc(PyObject *op);
static void PromiseCell_finalize(PyObject *op);

static PyObject *PromiseCell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (core_check_new(type, arguments, keywords) < 0)
        return NULL;
    PyObject *module = PyType_GetModuleByDef(type, &core_module);
    FutureObject *future = module == NULL ? NULL : future_new(PyModule_GetState(module));
    if (future == NULL)
        return NULL;
    int is_bare = core_adds_no_fields(type, sizeof(PromiseObject), 0);
    PyObject *op = is_bare ? core_alloc(type, sizeof(PromiseObject), PromiseCell_dealloc, PromiseCell_finalize)
                           : type->tp_alloc(type, 0);
    if (op == NULL) {
        Py_DECREF(future);
        return NULL;
    }
    SELF->future = future;
    if (is_bare)
        PyObject_GC_Track(op);
    return op;
}

static int PromiseCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->future);
    return 0;
}

static int PromiseCell_clear(PyObject *op)
{
    Py_CLEAR(SELF->future);
    return 0;
}

/* Keeps the exception that is being raised, as a finalizer must. */
static void PromiseCell_finalize(PyObject *op)
{
    if (SELF->associated || SELF->future == NULL || SELF->future->state != PENDING)
        return;
    PyObject *raised = core_exception_take();
    FutureObject *future = (FutureObject *)Py_NewRef((PyObject *)SELF->future);
    core_finalizing++;
    if (future_abandon(future, NULL) < 0)
        PyErr_WriteUnraisable((PyObject *)future);
    core_finalizing--;
    Py_DECREF(future);
    core_exception_restore(raised);
}

static void PromiseCell_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    PromiseCell_finalize(op); /* of a subclass with fields the interpreter has called it before it comes here */
    Py_TRASHCAN_BEGIN(op, PromiseCell_dealloc)
    PromiseCell_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* ---- 4 type spec ---- */

static PyMemberDef promise_members[] = {
    {"future", Py_T_OBJECT_EX, offsetof(PromiseObject, future), Py_READONLY, "The reading side."},
    {NULL},
};

static PyMethodDef promise_methods[] = {
    {"set", PromiseCell_set, METH_O,
     "set($self, value, /)\n--\n\nDeliver ``value``, or ``associate`` with it if it is a future.\n\n"
     "False if the future is complete, or was handed over by ``associate``."},
    {"fail", PromiseCell_fail, METH_O,
     "fail($self, error, /)\n--\n\n"
     "Deliver a failure; False as ``set``. Raises TypeError if ``error`` is not an exception."},
    {"discard", PromiseCell_discard, METH_NOARGS, "discard($self, /)\n--\n\nHonour a discard; False as ``set``."},
    {"associate", PromiseCell_associate, METH_O,
     "associate($self, source, /)\n--\n\n"
     "Let ``source`` deliver from now on; False if the future is complete or was handed over before."},
    {NULL},
};

static PyType_Slot promise_slots[] = {
    {Py_tp_doc, "The delivering side of one future. ``libactor.Promise`` derives from it."},
    {Py_tp_new, PromiseCell_new},
    {Py_tp_traverse, PromiseCell_traverse},
    {Py_tp_clear, PromiseCell_clear},
    {Py_tp_finalize, PromiseCell_finalize},
    {Py_tp_dealloc, PromiseCell_dealloc},
    {Py_tp_methods, promise_methods},
    {Py_tp_members, promise_members},
    {0, NULL},
};

PyType_Spec promise_spec = {
    .name = "libactor._core._native.PromiseCell",
    .basicsize = sizeof(PromiseObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = promise_slots,
};
