/* csrc/hops.c -- hops: those put off wait in an array of the thread's own.
 *
 * Why an array and not a list of the futures themselves: a hop may be any Python function (csrc/hops.h says whose).
 * Memory: a chain of up to HOPS_MAX futures takes none; the array goes when the last hop in it is made. Without memory
 *   for it a hop is made at once, deeper on the stack: nothing is ever lost.
 * Layout: 1 the thread's own  2 entry points  3 Python functions
 */
#include "hops.h"

/* ---- 1 the thread's own ---- */

#define HOPS_MAX 16 /* as in the twin, so that both call in the same order */

typedef struct {
    HopAction action;
    PyObject *object;   /* owned */
    PyObject *argument; /* owned; may be NULL */
} Hop;

static _Thread_local struct {
    int depth;    /* hops that stand on one another on the stack */
    Hop *waiting; /* put off until it unwinds: from `first` on, up to `end`; NULL if there are none */
    Py_ssize_t first, end, capacity;
} hops;

/* 0, or -1, without an exception, if there is no memory. */
static int hops_reserve(void)
{
    if (hops.end < hops.capacity)
        return 0;
    if (hops.first > hops.capacity / 2) {
        memmove(hops.waiting, hops.waiting + hops.first, (size_t)(hops.end - hops.first) * sizeof(Hop));
        hops.end -= hops.first;
        hops.first = 0;
        return 0;
    }
    Py_ssize_t capacity = hops.capacity == 0 ? 16 : 2 * hops.capacity;
    Hop *larger = PyMem_RawRealloc(hops.waiting, (size_t)capacity * sizeof(Hop));
    if (larger == NULL)
        return -1;
    hops.waiting = larger;
    hops.capacity = capacity;
    return 0;
}

static int hops_put_off(HopAction action, PyObject *object, PyObject *argument)
{
    if (hops_reserve() < 0)
        return -1;
    hops.waiting[hops.end++] = (Hop){action, Py_NewRef(object), Py_XNewRef(argument)};
    return 0;
}

static Hop hops_take(void)
{
    Hop hop = hops.waiting[hops.first++];
    if (hops.first == hops.end) {
        PyMem_RawFree(hops.waiting);
        hops.waiting = NULL;
        hops.first = hops.end = hops.capacity = 0;
    }
    return hop;
}

/* ---- 2 entry points ---- */

int hop_on(void)
{
    if (hops.waiting == NULL)
        return 0;
    PyObject *interrupt = NULL;
    while (hops.waiting != NULL) {
        Hop hop = hops_take();
        if (hop.action(hop.object, hop.argument) < 0)
            core_exception_keep_first(&interrupt);
        Py_DECREF(hop.object);
        Py_XDECREF(hop.argument);
    }
    if (interrupt == NULL)
        return 0;
    core_exception_restore(interrupt);
    return -1;
}

int hop_make(HopAction action, PyObject *object, PyObject *argument)
{
    if (hops.depth >= HOPS_MAX && hops_put_off(action, object, argument) == 0)
        return 0;
    hops.depth++;
    int answer = action(object, argument);
    if (hops.depth == 1 && hops.waiting != NULL) {
        PyObject *interrupt = NULL;
        if (answer < 0)
            core_exception_keep_first(&interrupt);
        if (hop_on() < 0)
            core_exception_keep_first(&interrupt);
        answer = interrupt == NULL ? 0 : -1;
        core_exception_restore(interrupt);
    }
    hops.depth--;
    return answer;
}

/* ---- 3 Python functions ---- */

static int hop_call(PyObject *function, PyObject *arguments)
{
    PyObject *result = PyObject_CallObject(function, arguments);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

PyObject *native_hop(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "hop() got no arguments, expected a function and its arguments");
        return NULL;
    }
    PyObject *rest = PyTuple_New(count - 1);
    for (Py_ssize_t i = 1; rest != NULL && i < count; i++)
        PyTuple_SET_ITEM(rest, i - 1, Py_NewRef(arguments[i]));
    int answer = rest == NULL ? -1 : hop_make(hop_call, arguments[0], rest);
    Py_XDECREF(rest);
    if (answer < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *native_hop_on(PyObject *module, PyObject *Py_UNUSED(none))
{
    if (hop_on() < 0)
        return NULL;
    Py_RETURN_NONE;
}
