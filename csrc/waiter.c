/* csrc/waiter.c -- a Waiter: a thread that sleeps until somebody wakes it, or for some time.
 *
 * Who uses it: run_queue.c, for workers and for those who wait until all is idle.
 * Waking: whoever wakes a waiter takes it off its list, marks it woken and releases its gate, with the GIL held; the
 *   waiter needs the GIL to go on, so it frees a gate only after that release is over.
 * Waiters are on the heap, not on the stack of their thread: when the interpreter shuts down it ends daemon threads
 *   where they stand, and a list that leads into a stack that is gone would be read by the next push.
 * Layout: 1 waiters  2 timeouts  3 sleeping
 */
#include <math.h>
#include <sys/eventfd.h>

#include "run_queue.h"

/* ---- 1 waiters ---- */

/* A waiter with its gate held; NULL with MemoryError. */
Waiter *waiter_new(void)
{
    Waiter *waiter = PyMem_RawCalloc(1, sizeof(Waiter));
    if (waiter == NULL)
        goto failed;
    waiter->gate = PyThread_allocate_lock();
    if (waiter->gate == NULL)
        goto failed;
    waiter->bell = -1;
    PyThread_acquire_lock(waiter->gate, WAIT_LOCK);
    return waiter;
failed:
    PyMem_RawFree(waiter);
    PyErr_NoMemory();
    return NULL;
}

void waiter_free(Waiter *waiter)
{
    (void)PyThread_acquire_lock(waiter->gate, NOWAIT_LOCK); /* held unless woken too late to notice */
    PyThread_release_lock(waiter->gate);
    PyThread_free_lock(waiter->gate);
    PyMem_RawFree(waiter);
}

void waiter_enlist(Waiter **list, Waiter *waiter)
{
    waiter->next = *list;
    if (*list != NULL)
        (*list)->previous = waiter;
    *list = waiter;
}

void waiter_delist(Waiter **list, Waiter *waiter)
{
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        *list = waiter->next;
    waiter->next = waiter->previous = NULL;
}

void waiter_wake(Waiter **list, Waiter *waiter)
{
    waiter_delist(list, waiter);
    waiter->woken = 1;
    if (waiter->bell < 0)
        PyThread_release_lock(waiter->gate);
    else
        (void)eventfd_write(waiter->bell, 1); /* fails only when it was rung 2^64 times */
}

/* ---- 2 timeouts ---- */

/* Seconds or None as microseconds, at least 0 and clipped to what a lock can wait, or UNBOUNDED; 0, or -1 with
 * TypeError or ValueError. */
static int timeout_parse(PyObject *object, PY_TIMEOUT_T *timeout)
{
    *timeout = UNBOUNDED;
    if (object == NULL || object == Py_None)
        return 0;
    double seconds = PyFloat_AsDouble(object);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "timeout is NaN, expected seconds or None");
        return -1;
    }
    if (seconds <= 0)
        *timeout = 0;
    else if (seconds >= (double)PY_TIMEOUT_MAX / 1e6)
        *timeout = PY_TIMEOUT_MAX;
    else
        *timeout = (PY_TIMEOUT_T)ceil(seconds * 1e6);
    return 0;
}

/* The one optional argument `timeout`, by position or by name. */
int timeout_argument(const char *method, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                            PY_TIMEOUT_T *timeout)
{
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count + named > 1) {
        PyErr_Format(PyExc_TypeError, "%s() got %zd arguments, expected at most 1", method, count + named);
        return -1;
    }
    if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0) {
        PyErr_Format(PyExc_TypeError, "%s() got argument '%U', expected 'timeout'", method, PyTuple_GET_ITEM(names, 0));
        return -1;
    }
    return timeout_parse(count + named == 1 ? arguments[0] : NULL, timeout);
}

/* ---- 3 sleeping ---- */

/* Sleep until woken or for `timeout`; the waiter stands in its list. Lets go of the GIL, and runs signal handlers if
 * this is the main thread: -1 with what one of them raised. Whether it was woken, waiter->woken says. */
int waiter_sleep(Waiter *waiter, PY_TIMEOUT_T timeout)
{
    PY_TIMEOUT_T deadline = timeout == UNBOUNDED ? 0 : now_ns() / 1000 + timeout;
    for (;;) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(waiter->gate, timeout, 1);
        Py_END_ALLOW_THREADS
        if (status != PY_LOCK_INTR)
            return 0;
        if (PyErr_CheckSignals() < 0)
            return -1;
        if (timeout == UNBOUNDED)
            continue;
        timeout = deadline - now_ns() / 1000;
        if (timeout <= 0)
            return 0;
    }
}
