/* csrc/run_queue.c -- the RunQueue: the actors that have something to do, and the workers that wait for one.
 *
 * Why C: each turn of an actor is a push and a pop (bench/). Twin: libactor/_core/_run_queue.py, where the invariants
 * are written down; both pass tests/runtime/test_run_queue.py.
 * Threads: the GIL makes each step one. From looking at the ring to entering the list of parked workers (pop), and
 *   from appending to looking at that list (push), nothing may run Python code or let go of the GIL: no wake-up is
 *   lost. The GIL is let go in one place only, waiter_sleep, when the waiter stands in its list.
 * Layout: 1 queue  2 Python methods  3 life cycle  4 type spec
 */
#include "help.h"
#include "run_queue.h"

#define SELF ((RunQueueObject *)op)

/* ---- 1 queue: once per turn each ---- */

void run_queue_unpark(RunQueueObject *self)
{
    if (self->parked == NULL)
        return;
    self->busy++;
    waiter_wake(&self->parked, self->parked);
}

/* Have a worker look at more than actors. */
void run_queue_wake(RunQueueObject *self)
{
    self->attention = 1;
    run_queue_unpark(self);
}

int run_queue_push(RunQueueObject *self, PyObject *item)
{
    if (ring_append(&self->items, item) < 0)
        return -1;
    run_queue_unpark(self);
    return 0;
}

void run_queue_leave(RunQueueObject *self)
{
    self->busy--;
    if (self->busy != 0 || self->items.count != 0)
        return;
    while (self->waiting != NULL)
        waiter_wake(&self->waiting, self->waiting);
}

/* Sleep among the parked workers. On return the worker is counted busy, whatever the answer: 0, or -1 with what a
 * signal handler raised; then a wake-up that came meanwhile is handed on. */
int run_queue_park(RunQueueObject *self, Waiter *waiter, PY_TIMEOUT_T timeout)
{
    waiter_enlist(&self->parked, waiter);
    run_queue_leave(self);
    int answer = waiter->bell < 0 ? waiter_sleep(waiter, timeout) : poll_sleep(self, timeout);
    if (!waiter->woken) {
        waiter_delist(&self->parked, waiter);
        self->busy++;
    } else if (answer < 0 && self->items.count != 0)
        run_queue_unpark(self);
    return answer;
}

static PyObject *run_queue_pop(RunQueueObject *self, PY_TIMEOUT_T timeout)
{
    PyObject *item = ring_take(&self->items);
    if (item != NULL)
        return item;
    if (self->closed || timeout == 0)
        Py_RETURN_NONE;
    Waiter *waiter = waiter_new();
    if (waiter == NULL)
        return NULL;
    int answer = run_queue_park(self, waiter, timeout);
    waiter_free(waiter);
    if (answer < 0)
        return NULL;
    item = ring_take(&self->items);
    if (item != NULL)
        return item;
    Py_RETURN_NONE;
}

/* 1 if idle, 0 if the time is over, -1 with an exception. */
static int run_queue_wait_idle(RunQueueObject *self, PY_TIMEOUT_T timeout)
{
    if (self->items.count == 0 && self->busy == 0)
        return 1;
    if (timeout == 0)
        return 0;
    Waiter *waiter = waiter_new();
    if (waiter == NULL)
        return -1;
    waiter_enlist(&self->waiting, waiter);
    int answer = waiter_sleep(waiter, timeout);
    if (answer == 0)
        answer = waiter->woken;
    if (!waiter->woken)
        waiter_delist(&self->waiting, waiter);
    waiter_free(waiter);
    return answer;
}

/* ---- 2 Python methods ---- */

static PyObject *RunQueue_push(PyObject *op, PyObject *item)
{
    if (run_queue_push(SELF, item) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *RunQueue_pop(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PY_TIMEOUT_T timeout;
    if (timeout_argument("pop", arguments, count, names, &timeout) < 0)
        return NULL;
    return run_queue_pop(SELF, timeout);
}

static PyObject *RunQueue_wake(PyObject *op, PyObject *Py_UNUSED(none))
{
    run_queue_wake(SELF);
    Py_RETURN_NONE;
}

static PyObject *RunQueue_close(PyObject *op, PyObject *Py_UNUSED(none))
{
    __atomic_store_n(&SELF->closed, 1, __ATOMIC_SEQ_CST); /* before the look at the watch: see worker.c */
    while (SELF->parked != NULL)
        run_queue_unpark(SELF);
    run_queue_wake_watch(SELF);
    Py_RETURN_NONE;
}

static PyObject *RunQueue_enter(PyObject *op, PyObject *Py_UNUSED(none))
{
    SELF->busy++;
    Py_RETURN_NONE;
}

static PyObject *RunQueue_leave(PyObject *op, PyObject *Py_UNUSED(none))
{
    run_queue_leave(SELF);
    Py_RETURN_NONE;
}

static PyObject *RunQueue_wait_idle(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PY_TIMEOUT_T timeout;
    if (timeout_argument("wait_idle", arguments, count, names, &timeout) < 0)
        return NULL;
    int answer = run_queue_wait_idle(SELF, timeout);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *RunQueue_orphan(PyObject *op, PyObject *Py_UNUSED(none))
{
    SELF->orphaned = 1;
    help_forget();
    Py_RETURN_NONE;
}

static PyObject *RunQueue_closed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(SELF->closed);
}

static PyObject *RunQueue_orphaned(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(SELF->orphaned);
}

static Py_ssize_t RunQueue_len(PyObject *op)
{
    return SELF->items.count;
}

static void RunQueue_dealloc(PyObject *op);

int run_queue_check(PyObject *object)
{
    if (Py_TYPE(object)->tp_dealloc == RunQueue_dealloc)
        return 0;
    PyErr_Format(PyExc_TypeError, "got %R, expected a RunQueue", object);
    return -1;
}

static PyObject *RunQueue_get_filter(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(SELF->filter == NULL ? Py_None : SELF->filter);
}

static int RunQueue_set_filter(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    Py_XSETREF(SELF->filter, value == NULL || value == Py_None ? NULL : Py_NewRef(value));
    return 0;
}

static PyObject *RunQueue_get_network(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(SELF->network == NULL ? Py_None : SELF->network);
}

static int RunQueue_set_network(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    Py_XSETREF(SELF->network, value == NULL || value == Py_None ? NULL : Py_NewRef(value));
    return 0;
}

/* ---- 3 life cycle ---- */

static PyObject *RunQueue_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (core_check_new(type, arguments, keywords) < 0)
        return NULL;
    PyObject *op = type->tp_alloc(type, 0);
    if (op == NULL)
        return NULL;
    SELF->core = PyType_GetModuleState(type);
    SELF->helping = SELF->vacant = 1;
    SELF->deadline = -1;
    SELF->watch_gate = PyThread_allocate_lock();
    if (SELF->watch_gate == NULL) {
        Py_DECREF(op);
        return PyErr_NoMemory();
    }
    PyThread_acquire_lock(SELF->watch_gate, WAIT_LOCK);
    return op;
}

static int RunQueue_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->filter);
    Py_VISIT(SELF->network);
    return ring_traverse(&SELF->items, visit, arg);
}

static int RunQueue_clear(PyObject *op)
{
    Py_CLEAR(SELF->filter);
    Py_CLEAR(SELF->network);
    ring_clear(&SELF->items);
    return 0;
}

static void RunQueue_dealloc(PyObject *op)
{
    assert(SELF->parked == NULL && SELF->waiting == NULL); /* a waiter's frame holds a reference */
    PyObject_GC_UnTrack(op);
    RunQueue_clear(op);
    PyMem_RawFree(SELF->poll);
    if (SELF->watch_gate != NULL) {
        (void)PyThread_acquire_lock(SELF->watch_gate, NOWAIT_LOCK);
        PyThread_release_lock(SELF->watch_gate);
        PyThread_free_lock(SELF->watch_gate);
    }
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 4 type spec ---- */

static PyMethodDef run_queue_methods[] = {
    {"push", RunQueue_push, METH_O,
     "push($self, item, /)\n--\n\nAppend ``item`` and unpark a worker if one is parked."},
    {"pop", (PyCFunction)(void (*)(void))RunQueue_pop, METH_FASTCALL | METH_KEYWORDS,
     "pop($self, timeout=None)\n--\n\n"
     "The next item; None after ``timeout`` seconds, after wake(), once the queue is closed and empty, or when\n"
     "another worker was quicker.\n\n"
     "None as timeout waits without bound. The caller must be counted busy (enter) and is again on return.\n"
     "Raises: ValueError if ``timeout`` is NaN."},
    {"wake", RunQueue_wake, METH_NOARGS,
     "wake($self, /)\n--\n\nHave a worker look at the clock before it sleeps, or sleeps on: its work returns LOOK, and\n"
     "the pop of one that is parked None if there is nothing to run."},
    {"close", RunQueue_close, METH_NOARGS, "close($self, /)\n--\n\nUnpark every worker; pop no longer waits."},
    {"enter", RunQueue_enter, METH_NOARGS,
     "enter($self, /)\n--\n\n"
     "Count the calling worker busy: when it starts, and when a handler of its returns from a wait."},
    {"leave", RunQueue_leave, METH_NOARGS,
     "leave($self, /)\n--\n\n"
     "Take the calling worker off the count: when it ends, and when a handler of its is about to wait."},
    {"work", (PyCFunction)(void (*)(void))RunQueue_work, METH_FASTCALL,
     "work($self, number, deadline_ns, /)\n--\n\n"
     "Run actors as worker ``number`` until something else is to be done: DUE, LOOK, ARRIVED, OVERTAKEN or OVER.\n\n"
     "DUE: it is ``deadline_ns`` by the monotonic clock (-1: never). LOOK: see wake(). ARRIVED: see poll_by().\n"
     "OVERTAKEN: another worker is in charge. OVER: the queue is closed and empty. The caller must be counted busy\n"
     "(enter) and is still on return."},
    {"poll_by", (PyCFunction)(void (*)(void))RunQueue_poll_by, METH_FASTCALL,
     "poll_by($self, epoll, bell, /)\n--\n\n"
     "Have the worker in charge sleep in this epoll, and look at it once a millisecond while actors keep it busy; its\n"
     "work returns ARRIVED when there is something. ``bell``: an eventfd that is registered there, edge triggered.\n"
     "Both are descriptors, which stay the caller's; -1 ends it, but for a worker that sleeps there just now."},
    {"arrivals", RunQueue_arrivals, METH_NOARGS,
     "arrivals($self, /)\n--\n\nWhat epoll has brought since the last call: pairs of descriptor and event mask."},
    {"run_watched", (PyCFunction)(void (*)(void))RunQueue_run_watched, METH_FASTCALL,
     "run_watched($self, function, /, *arguments)\n--\n\n"
     "Call ``function`` as the worker in charge outside of any actor: should it block, another worker takes charge."},
    {"watch", RunQueue_watch, METH_NOARGS,
     "watch($self, /)\n--\n\n"
     "Wait, without the interpreter's lock, until the worker in charge is stuck in a handler while others have something\n"
     "to do; the caller is then in charge and counted busy. Its number, or 0 once the queue is closed."},
    {"take_charge", RunQueue_take_charge, METH_NOARGS,
     "take_charge($self, /)\n--\n\nThe number for a worker that is in charge from now on; whoever was is overtaken."},
    {"is_in_charge", RunQueue_in_charge, METH_NOARGS,
     "is_in_charge($self, /)\n--\n\nWhether the calling thread is the worker in charge."},
    {"hand_over", RunQueue_hand_over, METH_NOARGS,
     "hand_over($self, /)\n--\n\n"
     "The number for whoever the calling worker hands the charge to; 0 if it does not have it, having been overtaken."},
    {"succeed", RunQueue_succeed, METH_NOARGS,
     "succeed($self, /)\n--\n\n"
     "The number for a worker that takes charge because something is queued, and whoever is in charge is inside a turn\n"
     "or has gone; else 0: nothing is queued, or it will be run."},
    {"orphan", RunQueue_orphan, METH_NOARGS,
     "orphan($self, /)\n--\n\nIn the child of a fork: the threads that ran this queue are not there."},
    {"step", RunQueue_step, METH_O,
     "step($self, index, /)\n--\n\n"
     "Take the actor at ``index`` out of the queue and have it serve one event, its start and stop being one each.\n\n"
     "For a queue without workers. Raises: IndexError if there is none at that place."},
    {"peek", RunQueue_peek, METH_O, "peek($self, index, /)\n--\n\nThe actor at ``index``; raises as step."},
    {"wait_idle", (PyCFunction)(void (*)(void))RunQueue_wait_idle, METH_FASTCALL | METH_KEYWORDS,
     "wait_idle($self, timeout=None)\n--\n\n"
     "Wait until nothing is queued and no worker is busy; False if ``timeout`` seconds pass before.\n\n"
     "Raises: ValueError if ``timeout`` is NaN; in the main thread, what a signal handler raises."},
    {NULL},
};

static PyMemberDef run_queue_members[] = {
    {"busy", T_PYSSIZET, offsetof(RunQueueObject, busy), READONLY,
     "Threads that run actors or are about to look; and what else counts as busy by enter()."},
    {"helped", T_ULONGLONG, offsetof(RunQueueObject, helped), READONLY,
     "Turns that were run by threads outside which wait."},
    {"helping", T_BOOL, offsetof(RunQueueObject, helping), 0, "Whether threads outside that wait may run actors."},
    {NULL},
};

static PyGetSetDef run_queue_properties[] = {
    {"orphaned", RunQueue_orphaned, NULL, "True after orphan().", NULL},
    {"closed", RunQueue_closed, NULL, "True after close().", NULL},
    {"filter", RunQueue_get_filter, RunQueue_set_filter,
     "Asked, with process and event, before an event is served: True drops it. None: nobody is asked.", NULL},
    {"network", RunQueue_get_network, RunQueue_set_network,
     "Asked, with the process that sends (None outside of actors), the one that is sent to and the event, before one\n"
     "goes from one runtime to another on this queue: True takes it over. None: nobody is asked.", NULL},
    {NULL},
};

static PyType_Slot run_queue_slots[] = {
    {Py_tp_doc, "FIFO of runnable actors with parking for workers and for those who wait until all is idle."},
    {Py_tp_new, RunQueue_new},
    {Py_tp_traverse, RunQueue_traverse},
    {Py_tp_clear, RunQueue_clear},
    {Py_tp_dealloc, RunQueue_dealloc},
    {Py_tp_methods, run_queue_methods},
    {Py_tp_members, run_queue_members},
    {Py_tp_getset, run_queue_properties},
    {Py_sq_length, RunQueue_len},
    {0, NULL},
};

PyType_Spec run_queue_spec = {
    .name = "libactor._core._native.RunQueue",
    .basicsize = sizeof(RunQueueObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = run_queue_slots,
};
