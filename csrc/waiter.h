/* csrc/waiter.h -- the Waiter as the other files of the core see it; see waiter.c.
 */
#ifndef LIBACTOR_WAITER_H
#define LIBACTOR_WAITER_H

#include "core.h"
#include "pythread.h"

/* A thread that waits in the queue. */
typedef struct Waiter {
    struct Waiter *next;     /* the one that came before; both NULL once woken */
    struct Waiter *previous; /* the one that came after */
    PyThread_type_lock gate; /* owned; held until somebody wakes the waiter */
    int bell;                /* an eventfd to ring instead, for one that sleeps in epoll; -1: it sleeps at its gate */
    int woken;
} Waiter;

#define UNBOUNDED ((PY_TIMEOUT_T) - 1) /* what PyThread_acquire_lock_timed takes for "no bound" */

/* A waiter with its gate held; NULL with MemoryError. */
Waiter *waiter_new(void);
void waiter_free(Waiter *waiter);

/* Put it into a list, take it out, wake it. */
void waiter_enlist(Waiter **list, Waiter *waiter);
void waiter_delist(Waiter **list, Waiter *waiter);
void waiter_wake(Waiter **list, Waiter *waiter);

/* Sleep until woken or for `timeout`; the waiter stands in its list. Lets go of the GIL, and runs signal handlers if
 * this is the main thread: -1 with what one of them raised. Whether it was woken, waiter->woken says. */
int waiter_sleep(Waiter *waiter, PY_TIMEOUT_T timeout);

/* The one optional argument `timeout` of `method`, in seconds or None, by position or by name, as microseconds or
 * UNBOUNDED; 0, or -1 with TypeError or ValueError. */
int timeout_argument(const char *method, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                     PY_TIMEOUT_T *timeout);

#endif
