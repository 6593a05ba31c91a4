/* csrc/worker.c -- what a worker does: it runs the actors of its queue, and it watches over the worker that does.
 *
 * Why C: the loop goes round once per turn (bench/: ring); the watch must see a worker that keeps the GIL. Who does
 * what, when, in which thread: libactor/worker.py. Twin: the same methods in libactor/_core/_run_queue.py.
 * In charge: one worker at a time runs actors, under the GIL a second would only contend for it. It has a number;
 *   whoever takes charge makes a new one, and the worker whose number is old ends its turn and returns OVERTAKEN.
 *   The charge is taken from a worker that is awake only, inside a turn or outside of work(), or that has gone: two in
 *   epoll would take the rings of each other's bell, and one of them would sleep for ever.
 * The watch sleeps WATCH_US at a time while a worker is not parked, and without bound while all are. Before it does so
 *   it raises watch_asleep and looks at `awake` again; a worker that leaves the parked raises `awake` and looks at
 *   watch_asleep. Both in sequential order: one of them sees the other.
 * Layout: 1 being in charge  2 running  3 watching
 */
#include "chunk.h"
#include "mailbox.h"

enum { WATCH_US = 2000, STUCK_TICKS = 2, PATIENT_TICKS = 50, QUIET_TICKS = 10 };

#define SELF ((RunQueueObject *)op)

/* ---- 1 being in charge ---- */

/* The queue that this thread works for, borrowed, and its number there. */
static _Thread_local RunQueueObject *own_queue = NULL;
static _Thread_local uint64_t own_number = 0;

/* A new number for the worker in charge; NULL with MemoryError: the charge is where it was. */
static PyObject *take_charge(RunQueueObject *self)
{
    PyObject *number = PyLong_FromUnsignedLongLong(self->role + 1);
    if (number == NULL)
        return NULL;
    __atomic_store_n(&self->in_turn, 0, __ATOMIC_RELAXED); /* of the new one, who is not yet in any */
    __atomic_store_n(&self->patient, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&self->role, self->role + 1, __ATOMIC_RELAXED);
    self->vacant = 0;
    return number;
}

PyObject *RunQueue_take_charge(PyObject *op, PyObject *Py_UNUSED(none))
{
    return take_charge(SELF);
}

static int is_in_charge(RunQueueObject *self)
{
    return own_queue == self && own_number == self->role;
}

PyObject *RunQueue_in_charge(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(is_in_charge(SELF));
}

PyObject *RunQueue_hand_over(PyObject *op, PyObject *Py_UNUSED(none))
{
    return is_in_charge(SELF) ? take_charge(SELF) : PyLong_FromLong(0);
}

PyObject *RunQueue_succeed(PyObject *op, PyObject *Py_UNUSED(none))
{
    int wanted = SELF->items.count != 0 && (SELF->in_turn || SELF->vacant);
    return wanted ? take_charge(SELF) : PyLong_FromLong(0);
}

int run_queue_is_overtaken(RunQueueObject *self)
{
    return own_queue == self && own_number != self->role;
}

/* ---- 2 running: once per turn ---- */

/* Open the gate of the watch if it sleeps. */
void run_queue_wake_watch(RunQueueObject *self)
{
    if (__atomic_load_n(&self->watch_asleep, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&self->watch_asleep, 0, __ATOMIC_SEQ_CST);
        PyThread_release_lock(self->watch_gate);
    }
}

/* Sleep until there is something to do or it is `deadline`; 0, or -1 with what a signal handler raised. */
static int worker_park(RunQueueObject *self, Waiter **waiter, int64_t deadline)
{
    if (*waiter == NULL && (*waiter = waiter_new()) == NULL)
        return -1;
    PY_TIMEOUT_T timeout = UNBOUNDED;
    if (deadline >= 0) {
        int64_t left = (deadline - now_ns() + 999) / 1000;
        timeout = left < 0 ? 0 : left;
    }
    (*waiter)->woken = 0;
    (*waiter)->bell = self->poll == NULL ? -1 : self->poll->bell;
    __atomic_store_n(&self->awake, 0, __ATOMIC_RELAXED);
    int answer = run_queue_park(self, *waiter, timeout);
    __atomic_store_n(&self->awake, 1, __ATOMIC_SEQ_CST);
    run_queue_wake_watch(self);
    return answer;
}

/* Have the watch look at what the worker in charge does now, until watched_end. */
static void watched_begin(RunQueueObject *self)
{
    __atomic_store_n(&self->turn_over, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&self->turns, self->turns + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&self->in_turn, 1, __ATOMIC_RELAXED);
}

static void watched_end(RunQueueObject *self)
{
    if (!run_queue_is_overtaken(self)) /* else it is about another worker's turn */
        __atomic_store_n(&self->in_turn, 0, __ATOMIC_RELAXED);
}

/* One turn of `item`, which is consumed; it may have been run by a thread that helped, or be run by one just now. */
static int worker_turn(RunQueueObject *self, PyObject *item, int64_t *now)
{
    int answer = mailbox_check(item, "work");
    if (answer == 0) {
        MailboxObject *mailbox = (MailboxObject *)item;
        mailbox->queued = 0;
        if (!mailbox->running && mailbox->awake) {
            watched_begin(self);
            mailbox_run_turn(mailbox, NULL, now);
            watched_end(self);
        }
    }
    Py_DECREF(item);
    return answer;
}

/* Why the worker is to look at something else than actors: DUE, LOOK, ARRIVED, OVERTAKEN or OVER; 0 if it is not; -1
 * with an exception. */
static int worker_is_called(RunQueueObject *self, int64_t deadline, int64_t now)
{
    if (run_queue_is_overtaken(self))
        return OVERTAKEN;
    if (self->orphaned)
        return OVER; /* the handler forked: what runs on here is not the worker */
    if (self->closed && self->items.count == 0)
        return OVER; /* whatever timers are due */
    if (self->attention) {
        self->attention = 0;
        return LOOK;
    }
    if (deadline >= 0 && now >= deadline)
        return DUE;
    int arrived = self->poll == NULL ? 0 : poll_look(self, now);
    return arrived > 0 ? ARRIVED : arrived;
}

/* There is nothing to run: free a slice of the records that wait for it, and look again; or sleep. As worker_park. */
static int worker_rest(RunQueueObject *self, Waiter **waiter, int64_t deadline)
{
    if (self->core->chunks.waiting == NULL)
        return worker_park(self, waiter, deadline);
    chunks_free(&self->core->chunks, FREED_AT_ONCE);
    return 0;
}

/* At least one turn is made, if an actor has something to do: timers that are always due do not starve the actors. */
static int worker_run(RunQueueObject *self, int64_t deadline)
{
    Waiter *waiter = NULL;
    int answer = run_queue_is_overtaken(self) ? OVERTAKEN : 0;
    int64_t now = now_ns();
    while (answer == 0) {
        PyObject *item = ring_take(&self->items);
        if (item != NULL)
            answer = worker_turn(self, item, &now);
        if (answer == 0)
            answer = worker_is_called(self, deadline, now);
        if (answer != 0 || item != NULL)
            continue;
        answer = worker_rest(self, &waiter, deadline);
        now = now_ns();
    }
    if (waiter != NULL)
        waiter_free(waiter);
    return answer;
}

PyObject *RunQueue_run_watched(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "run_watched() got no arguments, expected a function");
        return NULL;
    }
    size_t given = (size_t)count - 1;
    if (run_queue_is_overtaken(SELF)) /* the watch looks at another worker by now */
        return PyObject_Vectorcall(arguments[0], arguments + 1, given, NULL);
    __atomic_store_n(&SELF->patient, 1, __ATOMIC_RELAXED); /* or those behind it come before it */
    watched_begin(SELF);
    SELF->progress++;
    PyObject *result = PyObject_Vectorcall(arguments[0], arguments + 1, given, NULL);
    watched_end(SELF);
    if (!run_queue_is_overtaken(SELF))
        __atomic_store_n(&SELF->patient, 0, __ATOMIC_RELAXED);
    return result;
}

PyObject *RunQueue_work(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("work", count, 2) < 0)
        return NULL;
    unsigned long long number = PyLong_AsUnsignedLongLong(arguments[0]);
    if (number == (unsigned long long)-1 && PyErr_Occurred())
        return NULL;
    long long deadline = PyLong_AsLongLong(arguments[1]);
    if (deadline == -1 && PyErr_Occurred())
        return NULL;
    own_queue = SELF;
    own_number = number;
    __atomic_store_n(&SELF->deadline, deadline, __ATOMIC_RELAXED);
    __atomic_store_n(&SELF->awake, 1, __ATOMIC_SEQ_CST);
    run_queue_wake_watch(SELF);
    int answer = worker_run(SELF, deadline);
    if (answer == OVER && is_in_charge(SELF))
        SELF->vacant = 1;
    if (answer == OVERTAKEN || answer == OVER)
        own_queue = NULL;
    return answer < 0 ? NULL : PyLong_FromLong(answer);
}

/* ---- 3 watching ---- */

/* What the watch has seen so far. */
typedef struct {
    uint64_t number;   /* of the worker in charge */
    uint64_t turns;    /* the turns begun */
    uint64_t progress; /* the events begun */
    int still; /* looks at which the worker in charge was inside the same event */
    int quiet; /* looks at which every worker was parked */
} Watch;

/* Whether an actor, a timer or an arrival waits for the worker in charge. Without the GIL. */
static int watch_is_wanted(RunQueueObject *self)
{
    int64_t deadline = __atomic_load_n(&self->deadline, __ATOMIC_RELAXED);
    return __atomic_load_n(&self->items.count, __ATOMIC_RELAXED) > 0 ||
           __atomic_load_n(&self->attention, __ATOMIC_RELAXED) || (deadline >= 0 && now_ns() >= deadline) ||
           poll_has_arrivals(self);
}

/* Whether the worker in charge is stuck: for a moment while others wait, or for long. Without the GIL. */
static int watch_look(RunQueueObject *self, Watch *watch)
{
    uint64_t number = __atomic_load_n(&self->role, __ATOMIC_RELAXED);
    uint64_t progress = __atomic_load_n(&self->progress, __ATOMIC_RELAXED);
    uint64_t turns = __atomic_load_n(&self->turns, __ATOMIC_RELAXED);
    if (turns == watch->turns && progress != watch->progress)
        __atomic_store_n(&self->turn_over, 1, __ATOMIC_RELAXED); /* at the next event: it is longer than a tick */
    watch->turns = turns;
    if (!__atomic_load_n(&self->in_turn, __ATOMIC_RELAXED) || number != watch->number || progress != watch->progress) {
        watch->number = number;
        watch->progress = progress;
        watch->still = 0;
        return 0;
    }
    watch->still++;
    if (watch->still >= PATIENT_TICKS)
        return 1;
    return watch->still >= STUCK_TICKS && !__atomic_load_n(&self->patient, __ATOMIC_RELAXED) && watch_is_wanted(self);
}

/* Sleep for one tick, or until somebody opens the gate if all workers are parked for long. Without the GIL. */
static void watch_sleep(RunQueueObject *self, Watch *watch)
{
    PY_TIMEOUT_T timeout = WATCH_US;
    watch->quiet = __atomic_load_n(&self->awake, __ATOMIC_RELAXED) ? 0 : watch->quiet + 1;
    if (watch->quiet >= QUIET_TICKS) {
        __atomic_store_n(&self->watch_asleep, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&self->awake, __ATOMIC_SEQ_CST) && !__atomic_load_n(&self->closed, __ATOMIC_SEQ_CST))
            timeout = UNBOUNDED;
        else if (!__atomic_exchange_n(&self->watch_asleep, 0, __ATOMIC_SEQ_CST))
            timeout = UNBOUNDED; /* somebody is about to open the gate: take what was given */
        watch->quiet = 0;
    }
    (void)PyThread_acquire_lock_timed(self->watch_gate, timeout, 0);
}

PyObject *RunQueue_watch(PyObject *op, PyObject *Py_UNUSED(none))
{
    Watch watch = {.number = SELF->role, .turns = SELF->turns, .progress = SELF->progress};
    for (;;) {
        int stuck = 0;
        Py_BEGIN_ALLOW_THREADS
        while (!stuck && !__atomic_load_n(&SELF->closed, __ATOMIC_SEQ_CST)) {
            watch_sleep(SELF, &watch);
            stuck = watch_look(SELF, &watch);
        }
        Py_END_ALLOW_THREADS
        if (SELF->closed)
            return PyLong_FromLong(0);
        if (watch_look(SELF, &watch)) { /* and is so still, now that it is this thread's turn */
            PyObject *number = take_charge(SELF);
            SELF->busy += number != NULL;
            return number;
        }
    }
}
