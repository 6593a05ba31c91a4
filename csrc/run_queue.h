/* csrc/run_queue.h -- the RunQueue as the other files of the core see it.
 *
 * Who includes it: run_queue.c, which is the type; worker.c, which runs what stands in it; mailbox.c; help.c.
 */
#ifndef LIBACTOR_RUN_QUEUE_H
#define LIBACTOR_RUN_QUEUE_H

#include "core.h"
#include "pythread.h"
#include <structmember.h>
#include <sys/epoll.h>
#include <time.h>

#include "ring.h"
#include "waiter.h"

enum { ARRIVALS_MAX = 64 }; /* descriptors that one look at epoll brings */

/* The descriptors that a worker watches while it sleeps (poll.c). */
typedef struct {
    int epoll;         /* borrowed; -1: none, the worker sleeps at its gate. The watch reads it without the GIL */
    int bell;          /* borrowed eventfd, which is registered there too: rung to wake that worker */
    int64_t looked;    /* when epoll was last asked */
    int count;         /* arrivals that nobody has taken yet */
    struct epoll_event arrivals[ARRIVALS_MAX];
} Poll;

typedef struct {
    PyObject_HEAD
    CoreState *core; /* of the module that the type belongs to */
    Ring items;
    Waiter *parked;  /* workers; the last one parked is the first of the list and the first to go */
    Waiter *waiting; /* for idleness */
    Py_ssize_t busy; /* threads that run actors, or are about to look; one that was woken counts at once */
    unsigned long long helped; /* turns that were run by threads outside which wait */
    char closed;
    char attention;  /* somebody wants a worker to look at the clock before it sleeps */
    char orphaned;   /* the process is a fork of the one whose threads run this queue */
    char vacant;     /* nobody is in charge: the worker that was has returned OVER, or there was none yet */
    char helping;    /* threads outside that wait may run actors */
    PyObject *filter; /* owned: (process, event) -> whether the event is dropped; NULL outside tests */
    PyObject *network; /* owned: see stepping.c; NULL outside tests */
    Poll *poll;        /* owned block; NULL until somebody asks for one */
    /* What the watch reads without the GIL, and only the worker in charge writes, except `role`. */
    uint64_t role;             /* the number of the worker in charge; changes whenever another one takes over */
    uint64_t progress;         /* events that the workers have begun */
    int in_turn;               /* the worker in charge is inside a turn */
    int64_t deadline;          /* when it is to look at the clock; -1: never */
    uint64_t turns;            /* that the worker in charge has begun */
    int patient;               /* it runs what a timer was set for, which is overtaken only if it blocks for long */
    int turn_over;             /* the watch wants that turn to end */
    int awake;                 /* a worker is not parked */
    int watch_asleep;          /* the watch sleeps until somebody opens its gate */
    PyThread_type_lock watch_gate; /* owned; held, except for a moment to wake the watch */
} RunQueueObject;

#define SECONDS_MAX 3e9 /* a hundred years: what is longer has no end */

static inline int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 0 if `object` is a RunQueue, else -1 with TypeError. */
int run_queue_check(PyObject *object);

/* Steps of run_queue.c. */
int run_queue_push(RunQueueObject *self, PyObject *item);
void run_queue_unpark(RunQueueObject *self);
void run_queue_wake(RunQueueObject *self);
void run_queue_leave(RunQueueObject *self);
int run_queue_park(RunQueueObject *self, Waiter *waiter, PY_TIMEOUT_T timeout);

/* Methods of worker.c. */
PyObject *RunQueue_work(PyObject *op, PyObject *const *arguments, Py_ssize_t count);
PyObject *RunQueue_watch(PyObject *op, PyObject *none);
PyObject *RunQueue_run_watched(PyObject *op, PyObject *const *arguments, Py_ssize_t count);
PyObject *RunQueue_take_charge(PyObject *op, PyObject *none);
PyObject *RunQueue_in_charge(PyObject *op, PyObject *none);
PyObject *RunQueue_hand_over(PyObject *op, PyObject *none);
PyObject *RunQueue_succeed(PyObject *op, PyObject *none);

/* Steps and methods of poll.c. */
int poll_look(RunQueueObject *self, int64_t now);
int poll_sleep(RunQueueObject *self, PY_TIMEOUT_T timeout);
int poll_has_arrivals(RunQueueObject *self);
PyObject *RunQueue_poll_by(PyObject *op, PyObject *const *arguments, Py_ssize_t count);
PyObject *RunQueue_arrivals(PyObject *op, PyObject *none);

/* Methods of stepping.c. */
PyObject *RunQueue_step(PyObject *op, PyObject *number);
PyObject *RunQueue_peek(PyObject *op, PyObject *number);

void run_queue_wake_watch(RunQueueObject *self);

/* 1 if the thread is a worker that is not in charge of this queue any more. */
int run_queue_is_overtaken(RunQueueObject *self);

#endif
