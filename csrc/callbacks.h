/* csrc/callbacks.h -- the callbacks of one future, in the order registered.
 *
 * Who uses it: csrc/future.c. Most futures get exactly one callback: it lies inline, an array comes with the second.
 * Ownership: a Callbacks owns its functions. Moving a Callbacks by assignment moves the ownership.
 * The GIL: only callbacks_release, _call, _report and _remove_equal run Python code. It may do to the future
 *   whatever it likes: the last works on a list of its own, the others on callbacks that no future holds any more.
 */
#ifndef LIBACTOR_CALLBACKS_H
#define LIBACTOR_CALLBACKS_H

#include "core.h"

typedef struct {
    PyObject *function; /* owned; from ON_STEP on what comes out of this future: another one, or a Gather */
    int kind;           /* what it waits for: ON_READY and so on */
} Callback;

typedef struct {
    Py_ssize_t count;
    Py_ssize_t capacity;
    Callback items[];
} CallbackArray;

typedef struct {
    Callback first;         /* function NULL: there is none at all */
    CallbackArray *further; /* owned; NULL until a second one comes */
} Callbacks;

static inline Py_ssize_t callbacks_count(const Callbacks *callbacks)
{
    if (callbacks->first.function == NULL)
        return 0;
    return callbacks->further == NULL ? 1 : 1 + callbacks->further->count;
}

static inline Callback *callbacks_at(Callbacks *callbacks, Py_ssize_t index)
{
    return index == 0 ? &callbacks->first : &callbacks->further->items[index - 1];
}

static inline Callbacks callbacks_detach(Callbacks *callbacks)
{
    Callbacks content = *callbacks;
    *callbacks = (Callbacks){0};
    return content;
}

/* Append a callback, whose function the Callbacks now owns; on -1 with MemoryError it stays with the caller. */
static inline int callbacks_append(Callbacks *callbacks, Callback callback)
{
    if (callbacks->first.function == NULL) {
        callbacks->first = callback;
        return 0;
    }
    CallbackArray *further = callbacks->further;
    if (further == NULL || further->count == further->capacity) {
        Py_ssize_t capacity = further == NULL ? 3 : 2 * further->capacity + 1;
        size_t size = sizeof(CallbackArray) + (size_t)capacity * sizeof(Callback);
        CallbackArray *larger = PyMem_Realloc(further, size);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (further == NULL)
            larger->count = 0;
        larger->capacity = capacity;
        callbacks->further = further = larger;
    }
    further->items[further->count++] = callback;
    return 0;
}

/* 1 if there is a callback that a flag of `kind` calls. */
static inline int callbacks_wait_for(Callbacks *callbacks, int kind)
{
    Py_ssize_t count = callbacks_count(callbacks);
    for (Py_ssize_t i = 0; i < count; i++) {
        int waits_for = callbacks_at(callbacks, i)->kind;
        if (waits_for == kind || (kind == ON_ABANDONED && waits_for >= ON_STEP))
            return 1;
    }
    return 0;
}

/* 1 if a callback that abandonment calls stays all the same, for the outcome that may still come. */
static inline int callback_stays(const Callback *callback)
{
    return callback->kind == ON_STEP || callback->kind == ON_GATHER;
}

/* Move the callbacks that a flag of `kind` calls to `taken`, which is empty, and copy there those that stay; on -1 with
 * MemoryError nothing has moved. */
static inline int callbacks_split(Callbacks *callbacks, int kind, Callbacks *taken)
{
    Callbacks kept = {0};
    Py_ssize_t count = callbacks_count(callbacks);
    int failed = 0;
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        Callback callback = *callbacks_at(callbacks, i);
        int takes = callback.kind == kind || (kind == ON_ABANDONED && callback.kind >= ON_STEP);
        int keeps = !takes || callback_stays(&callback);
        failed = (takes && callbacks_append(taken, callback) < 0) || (keeps && callbacks_append(&kept, callback) < 0);
    }
    if (failed) {
        PyMem_Free(kept.further);
        PyMem_Free(taken->further);
        *taken = (Callbacks){0};
        return -1;
    }
    for (Py_ssize_t i = 0; i < callbacks_count(taken); i++)
        if (callback_stays(callbacks_at(taken, i)))
            Py_INCREF(callbacks_at(taken, i)->function);
    PyMem_Free(callbacks->further);
    *callbacks = kept;
    return 0;
}

/* The functions of one kind, oldest first, in a new list; NULL with MemoryError. */
static inline PyObject *callbacks_functions(Callbacks *callbacks, int kind)
{
    PyObject *functions = PyList_New(0);
    for (Py_ssize_t i = 0; functions != NULL && i < callbacks_count(callbacks); i++) {
        Callback *callback = callbacks_at(callbacks, i);
        if (callback->kind == kind && PyList_Append(functions, callback->function) < 0)
            Py_CLEAR(functions);
    }
    return functions;
}

/* Take out the oldest callback with this kind and this very function, which is now the caller's; 0 if there is none. */
static inline int callbacks_remove(Callbacks *callbacks, int kind, PyObject *function)
{
    Py_ssize_t count = callbacks_count(callbacks);
    Py_ssize_t index = 0;
    while (index < count && (callbacks_at(callbacks, index)->kind != kind ||
                             callbacks_at(callbacks, index)->function != function))
        index++;
    if (index == count)
        return 0;
    for (; index + 1 < count; index++)
        *callbacks_at(callbacks, index) = *callbacks_at(callbacks, index + 1);
    if (count == 1)
        PyMem_Free(callbacks_detach(callbacks).further); /* an empty one owns nothing: whoever finds it lets go of it */
    else
        callbacks->further->count--;
    return 1;
}

/* 1 if the oldest callback that equals this one was taken out, 0 if there is none, -1 if a comparison raised. Comparing
 * runs Python code, so it goes over a list of its own, and what it finds must still be there to be taken out. */
static inline int callbacks_remove_equal(Callbacks *callbacks, int kind, PyObject *function)
{
    PyObject *functions = callbacks_functions(callbacks, kind);
    if (functions == NULL)
        return -1;
    int answer = 0;
    PyObject *found = NULL;
    for (Py_ssize_t i = 0; answer == 0 && i < PyList_GET_SIZE(functions); i++) {
        found = PyList_GET_ITEM(functions, i);
        answer = PyObject_RichCompareBool(found, function, Py_EQ);
    }
    if (answer == 1)
        answer = callbacks_remove(callbacks, kind, found);
    if (answer == 1)
        Py_DECREF(found); /* the list holds another reference */
    Py_DECREF(functions);
    return answer;
}

/* Release every function and the array. Runs Python code. */
static inline void callbacks_release(Callbacks *callbacks)
{
    Callbacks content = callbacks_detach(callbacks);
    Py_ssize_t count = callbacks_count(&content);
    for (Py_ssize_t i = 0; i < count; i++)
        Py_DECREF(callbacks_at(&content, i)->function);
    PyMem_Free(content.further);
}

static inline int callbacks_traverse(Callbacks *callbacks, visitproc visit, void *arg)
{
    Py_ssize_t count = callbacks_count(callbacks);
    for (Py_ssize_t i = 0; i < count; i++)
        Py_VISIT(callbacks_at(callbacks, i)->function);
    return 0;
}

/* A callback that completes the next future, and so on: how deep that may go. Python guards its stack too,
 * but 3.13 lets calls between C functions go so deep (10,000) that they overrun a stack of 4 MB. */
#define CALLBACKS_DEPTH_MAX 500

/* Call one function with `argument`, or without if that is NULL; what it raised, or NULL. Runs Python code. */
static inline PyObject *callbacks_call(PyObject *function, PyObject *argument)
{
    static _Thread_local int depth;
    if (depth >= CALLBACKS_DEPTH_MAX) {
        PyErr_Format(PyExc_RecursionError, "%d callbacks of futures within each other; complete the next one from an "
                     "actor", depth);
        return core_exception_take();
    }
    PyObject *arguments[2] = {NULL, argument}; /* the first slot is for the callee to use */
    size_t count = (argument != NULL ? 1 : 0) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    depth++;
    PyObject *result = PyObject_Vectorcall(function, arguments + 1, count, NULL);
    depth--;
    if (result == NULL)
        return core_exception_take();
    Py_DECREF(result);
    return NULL;
}

/* Tell `report` (NULL: nobody wants to know) what a function raised, if that is an Exception; steals `exception`. What
 * is no Exception, or what `report` raises, goes to `interrupt` unless one is there. Runs Python code. */
static inline void callbacks_report(PyObject *report, PyObject *function, PyObject *exception, PyObject **interrupt)
{
    if (PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_Exception)) {
        PyObject *raised = NULL;
        if (report != NULL) {
            Py_INCREF(report); /* it may be replaced while it runs */
            PyObject *result = PyObject_CallFunctionObjArgs(report, function, exception, NULL);
            raised = result == NULL ? core_exception_take() : NULL;
            Py_XDECREF(result);
            Py_DECREF(report);
        }
        Py_SETREF(exception, raised);
    }
    if (*interrupt == NULL)
        *interrupt = exception;
    else
        Py_XDECREF(exception);
}

#endif
