/* csrc/future_methods.c -- what Python calls of a FutureCell.
 *
 * Thin: arguments in, answers out; future.c and step.c do the work. `get` of a future that is ready is all here, since
 * every answer passes through it; of any other, what waits and what raises is policy (get_slowly).
 * Layout: 1 answers  2 state  3 the completing side  4 callbacks  5 get  6 the table
 */
#include "future.h"
#include "help.h"
#include "hops.h"
#include "run_queue.h"

#define SELF ((FutureObject *)op)

/* ---- 1 answers ---- */

/* A small number between two bounds; -1 with ValueError or TypeError. */
static int method_number(PyObject *object, const char *what, int minimum, int maximum)
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

static PyObject *method_bool(int answer)
{
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

/* ---- 2 state ---- */

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
    return PyBool_FromLong(SELF->state == PENDING && (SELF->flags & ABANDONED) != 0);
}

static PyObject *FutureCell_has_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong((SELF->flags & DISCARD_REQUESTED) != 0);
}

static PyObject *FutureCell_outcome(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (SELF->state == FAILED)
        SELF->flags |= OBSERVED;
    PyObject *state = PyLong_FromLong(SELF->state); /* a small int: always there */
    PyObject *outcome = PyTuple_Pack(2, state, SELF->value == NULL ? Py_None : SELF->value);
    Py_DECREF(state);
    return outcome;
}

static PyObject *FutureCell_find_target(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *target = future_target(SELF);
    return Py_NewRef(target == NULL ? Py_None : target);
}

/* ---- 3 the completing side ---- */

static PyObject *FutureCell_discard(PyObject *op, PyObject *Py_UNUSED(none))
{
    return method_bool(future_discard(SELF));
}

static PyObject *FutureCell_abandon(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count > 1 && core_check_count("_abandon", count, 1) < 0)
        return NULL;
    return method_bool(future_abandon(SELF, count == 0 ? NULL : arguments[0]));
}

static PyObject *FutureCell_complete(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3 && core_check_count("_complete", count, 2) < 0)
        return NULL;
    int state = method_number(arguments[0], "state", READY, DISCARDED);
    int per_reader = count == 3 ? PyObject_IsTrue(arguments[2]) : 0;
    if (state < 0 || per_reader < 0)
        return NULL;
    if (state == READY)
        return method_bool(future_answer(SELF, arguments[1], per_reader));
    return method_bool(future_complete(SELF, state, arguments[1]));
}

/* ---- 4 callbacks ---- */

static PyObject *FutureCell_subscribe(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("_subscribe", count, 2) < 0)
        return NULL;
    int kind = method_number(arguments[0], "kind", ON_READY, ON_ABANDONED);
    if (kind < 0 || future_subscribe(SELF, kind, arguments[1]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *FutureCell_unsubscribe(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("_unsubscribe", count, 2) < 0)
        return NULL;
    int kind = method_number(arguments[0], "kind", ON_READY, ON_ABANDONED);
    return kind < 0 ? NULL : method_bool(callbacks_remove_equal(&SELF->callbacks, kind, arguments[1]));
}

static PyObject *method_subscribe(PyObject *op, PyObject *callback, int kind)
{
    static const char *const names[] = {"on_ready", "on_failed", "on_discarded", "on_any", "on_discard", "on_abandoned"};
    if (step_check_function(names[kind], callback) < 0)
        return NULL;
    return future_subscribe(SELF, kind, callback) < 0 ? NULL : Py_NewRef(op);
}

static PyObject *FutureCell_on_ready(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_READY);
}

static PyObject *FutureCell_on_failed(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_FAILED);
}

static PyObject *FutureCell_on_discarded(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_DISCARDED);
}

static PyObject *FutureCell_on_any(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_ANY);
}

static PyObject *FutureCell_on_discard(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_DISCARD);
}

static PyObject *FutureCell_on_abandoned(PyObject *op, PyObject *callback)
{
    return method_subscribe(op, callback, ON_ABANDONED);
}

/* ---- 5 get ---- */

/* When `timeout`, in seconds or None, is over by the monotonic clock, -1 for never; 0, or -1 with TypeError. */
static int deadline_of(PyObject *timeout, int64_t *deadline)
{
    *deadline = -1;
    if (timeout == Py_None)
        return 0;
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError))
            return -1;
        PyErr_Clear();
        seconds = SECONDS_MAX; /* longer than a float can say */
    }
    if (seconds != seconds) {
        PyErr_SetString(PyExc_ValueError, "get: the timeout is NaN, expected seconds or None");
        return -1;
    }
    *deadline = now_ns() + (seconds > 0 ? (int64_t)(Py_MIN(seconds, SECONDS_MAX) * 1e9) : 0);
    return 0;
}

/* Wait by policy, for what is left until `deadline`; -1 with what there is to raise. */
static int future_wait_slowly(FutureObject *self, PyObject *timeout, int64_t deadline)
{
    CoreState *core = future_core(self);
    if (core == NULL || core->get_slowly == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "get: nothing can wait yet, or any more; import libactor first");
        return -1;
    }
    PyObject *left = deadline < 0 ? Py_NewRef(Py_None) : PyFloat_FromDouble((double)(deadline - now_ns()) / 1e9);
    if (left == NULL)
        return -1;
    PyObject *result = PyObject_CallFunctionObjArgs(core->get_slowly, self, timeout, left, NULL);
    Py_DECREF(left);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int future_wait(FutureObject *self, PyObject *timeout)
{
    int64_t deadline;
    if (deadline_of(timeout, &deadline) < 0 || hop_on() < 0 || future_help(self, deadline) < 0)
        return -1;
    return self->state == READY ? 0 : future_wait_slowly(self, timeout, deadline);
}

static PyObject *FutureCell_get(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    static const char *const known[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    if ((count > 0 || names != NULL) && core_take_arguments("get", known, 0, arguments, count, names, &timeout) < 0)
        return NULL;
    if (SELF->state != READY && future_wait(SELF, timeout == NULL ? Py_None : timeout) < 0)
        return NULL;
    return future_read_once(SELF);
}

/* ---- 6 the table ---- */

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

PyMethodDef future_methods[] = {
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
    {"get", FAST(FutureCell_get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, timeout=None)\n--\n\nWait for the value and return it; ``timeout`` in seconds, None for ever.\n\n"
     "Raises: a fresh exception of the failure's own class with the original as its cause; Discarded; Abandoned;\n"
     "TimeoutError. Inside a handler the wait lets another worker run the other actors."},
    {"on_ready", FutureCell_on_ready, METH_O,
     "on_ready($self, callback, /)\n--\n\nCall ``callback(value)`` when the value arrives."},
    {"on_failed", FutureCell_on_failed, METH_O,
     "on_failed($self, callback, /)\n--\n\nCall ``callback(exception)`` when the computation fails."},
    {"on_discarded", FutureCell_on_discarded, METH_O,
     "on_discarded($self, callback, /)\n--\n\nCall ``callback()`` when a discard has been honoured."},
    {"on_any", FutureCell_on_any, METH_O,
     "on_any($self, callback, /)\n--\n\n"
     "Call ``callback(future)`` when the future is complete in whichever way; after the more specific ones."},
    {"on_discard", FutureCell_on_discard, METH_O,
     "on_discard($self, callback, /)\n--\n\n"
     "Call ``callback()`` when somebody asks for a discard: for the completing side."},
    {"on_abandoned", FutureCell_on_abandoned, METH_O,
     "on_abandoned($self, callback, /)\n--\n\n"
     "Call ``callback()`` when nobody is left who could complete the future."},
    {"then", FutureCell_then, METH_O,
     "then($self, function, /)\n--\n\nThe future of ``function(value)``; if that returns a future, of what comes of it.\n\n"
     "A failure or discard passes by without calling ``function``; so does a value after a discard was asked for.\n"
     "A discard of the result reaches this future, and then the one that ``function`` returned."},
    {"repair", FutureCell_repair, METH_O,
     "repair($self, function, /)\n--\n\n"
     "As this future, but of ``function(this future)`` if it fails; other outcomes pass by."},
    {"recover", FutureCell_recover, METH_O,
     "recover($self, function, /)\n--\n\n"
     "As this future if it is ready, else (failed, discarded or abandoned) the future of ``function(this future)``.\n\n"
     "A discard of the result reaches this future, and is forgotten when ``function`` is called: it does not reach the\n"
     "future that ``function`` returns, but one that comes later does. Source: libprocess future.hpp."},
    {"_follow", FAST(FutureCell_follow), METH_FASTCALL | METH_KEYWORDS,
     "_follow($self, source, answer=False, shield=False)\n--\n\n"
     "Come out as ``source`` from now on; False if this future is complete, or comes out of another one already.\n\n"
     "A discard of this future reaches the source, unless ``shield``; abandonment comes back. ``answer``: a value leaves\n"
     "an actor here, and is passed by value."},
    {"_find_target", FutureCell_find_target, METH_NOARGS,
     "_find_target($self, /)\n--\n\nThe mailbox that the future, or what it comes from, waits for; or None."},
    {"_abandon", FAST(FutureCell_abandon), METH_FASTCALL,
     "_abandon($self, cause=None, /)\n--\n\nDeclare that nobody will complete this future, and why; False if it is\n"
     "completed or was abandoned before."},
    {"_complete", FAST(FutureCell_complete), METH_FASTCALL,
     "_complete($self, state, value, per_reader=False, /)\n--\n\n"
     "Leave PENDING for ``state``; False if that has happened before.\n\n"
     "``value``: the result for READY, the exception for FAILED, None for DISCARDED. ``per_reader``: it is mutable and\n"
     "came from an actor, so that each reader gets a copy. Raises: ValueError, if ``state`` is no outcome."},
    {"_subscribe", FAST(FutureCell_subscribe), METH_FASTCALL,
     "_subscribe($self, kind, callback, /)\n--\n\nCall ``callback`` when ``kind`` happens: now, in this thread, if it\n"
     "has; never, if it no longer can.\n\n"
     "Arguments by kind: ON_READY the value, ON_FAILED the exception, ON_ANY this future; the others none."},
    {"_unsubscribe", FAST(FutureCell_unsubscribe), METH_FASTCALL,
     "_unsubscribe($self, kind, callback, /)\n--\n\n"
     "Take one subscription back, the oldest that equals this one; False if it is not there (any more)."},
    {"_outcome", FutureCell_outcome, METH_NOARGS,
     "_outcome($self, /)\n--\n\nThe state and the value; reading a failure counts as looking at it. Of an abandoned\n"
     "future: PENDING and the cause, or None."},
    {NULL},
};
