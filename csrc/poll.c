/* csrc/poll.c -- polling: the worker that has no actor to run sleeps in epoll, so that what arrives needs no other thread.
 *
 * Who calls: worker.c, before it sleeps and between turns; libactor/poller.py, which owns epoll and serves what it brings.
 * Why C: once per message from another host (bench/: remote). Twin: libactor/_core/_polling.py, and the
 * methods of the same names in _run_queue.py.
 * Waking: a worker that sleeps here is rung by the bell, an eventfd that is registered edge triggered, so that each ring
 *   is an event and nobody has to read it. A ring that comes too late wakes the next sleep for nothing.
 * Threads: the block of a queue is made once and stays until the queue goes; the watch reads `epoll` without the GIL.
 *   Only the worker in charge writes the arrivals, and takes them before it does anything else.
 */
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run_queue.h"

#define SELF ((RunQueueObject *)op)

#define POLL_NS 1000000LL /* how long actors may keep a worker from looking at epoll */

/* epoll_wait with a timeout in microseconds, below 0: none. */
static int poll_wait(int epoll, struct epoll_event *events, int64_t timeout)
{
#ifdef SYS_epoll_pwait2
    struct timespec left = {.tv_sec = timeout / 1000000, .tv_nsec = timeout % 1000000 * 1000};
    if (timeout != 0) {
        int count = (int)syscall(SYS_epoll_pwait2, epoll, events, ARRIVALS_MAX, timeout < 0 ? NULL : &left, NULL, 0);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) /* the latter by containers that do not know it */
            return count;
    }
#endif
    int64_t milliseconds = timeout <= 0 ? timeout : (timeout + 999) / 1000;
    return epoll_wait(epoll, events, ARRIVALS_MAX, milliseconds > 1000000 ? 1000000 : (int)milliseconds);
}

/* Note what epoll has brought, but for rings of the bell. */
static void poll_note(Poll *poll, int count)
{
    poll->count = 0;
    for (int i = 0; i < count; i++)
        if (poll->arrivals[i].data.fd != poll->bell)
            poll->arrivals[poll->count++] = poll->arrivals[i];
}

/* Whether there are arrivals, between two turns: asked of the kernel when it was not for a while; -1 with OSError. */
int poll_look(RunQueueObject *self, int64_t now)
{
    Poll *poll = self->poll;
    if (poll->count != 0)
        return 1;
    if (poll->epoll < 0 || now - poll->looked < POLL_NS)
        return 0;
    poll->looked = now;
    int count = poll_wait(poll->epoll, poll->arrivals, 0);
    if (count < 0 && errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    poll_note(poll, count);
    return poll->count != 0;
}

/* As waiter_sleep, in epoll, until something arrives as well; whoever wakes the waiter has rung the bell. */
int poll_sleep(RunQueueObject *self, PY_TIMEOUT_T timeout)
{
    Poll *poll = self->poll;
    int count, error;
    Py_BEGIN_ALLOW_THREADS
    count = poll_wait(poll->epoll, poll->arrivals, timeout);
    error = errno;
    Py_END_ALLOW_THREADS
    poll->looked = now_ns();
    if (count < 0 && error != EINTR) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    poll_note(poll, count);
    return 0;
}

/* Whether something has arrived that the worker in charge has not come to. Without the GIL. */
int poll_has_arrivals(RunQueueObject *self)
{
    Poll *own = __atomic_load_n(&self->poll, __ATOMIC_ACQUIRE);
    struct pollfd asked = {.fd = own == NULL ? -1 : __atomic_load_n(&own->epoll, __ATOMIC_RELAXED), .events = POLLIN};
    return asked.fd >= 0 && poll(&asked, 1, 0) > 0;
}

PyObject *RunQueue_poll_by(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("poll_by", count, 2) < 0)
        return NULL;
    long epoll = PyLong_AsLong(arguments[0]);
    long bell = epoll == -1 && PyErr_Occurred() ? -1 : PyLong_AsLong(arguments[1]);
    if (PyErr_Occurred())
        return NULL;
    if (SELF->poll == NULL) {
        Poll *poll = PyMem_RawCalloc(1, sizeof(Poll));
        if (poll == NULL)
            return PyErr_NoMemory();
        poll->epoll = poll->bell = -1;
        __atomic_store_n(&SELF->poll, poll, __ATOMIC_RELEASE);
    }
    SELF->poll->bell = epoll < 0 ? -1 : (int)bell;
    __atomic_store_n(&SELF->poll->epoll, epoll < 0 ? -1 : (int)epoll, __ATOMIC_RELAXED);
    run_queue_wake(SELF); /* a worker that sleeps at its gate goes to sleep there */
    Py_RETURN_NONE;
}

PyObject *RunQueue_arrivals(PyObject *op, PyObject *Py_UNUSED(none))
{
    Poll *poll = SELF->poll;
    int count = poll == NULL ? 0 : poll->count;
    PyObject *arrivals = PyList_New(count);
    for (int i = 0; arrivals != NULL && i < count; i++) {
        PyObject *pair = Py_BuildValue("(iI)", poll->arrivals[i].data.fd, (unsigned int)poll->arrivals[i].events);
        if (pair == NULL) {
            Py_DECREF(arrivals);
            return NULL;
        }
        PyList_SET_ITEM(arrivals, i, pair);
    }
    if (arrivals != NULL && poll != NULL)
        poll->count = 0;
    return arrivals;
}
