/* csrc/stepping.c -- a run queue without workers: whoever owns it says which actor is next, one event at a time.
 *
 * Who calls: libactor/testing/simulation.py; `waiting`, libactor/http/processes.py. Why C: once per message of a
 *   simulated run. Twin: the methods of the same names in libactor/_core/_run_queue.py and _stepping.py.
 * The network: what passes from an actor of one runtime to one of another that shares the queue is offered to
 *   `network` first. A queue without one costs one look per message.
 *   A process that stands for an actor of another machine has a queue whose network is the way there: libactor/transport.
 * Layout: 1 steps  2 the network
 */
#include "channel.h"
#include "coroutine.h"
#include "pid.h"
#include "runtime.h"

#define QUEUE ((RunQueueObject *)op)
#define MAILBOX ((MailboxObject *)op)

/* ---- 1 steps ---- */

/* The place in the queue that `number` names; -1 with IndexError or TypeError. */
static Py_ssize_t step_index(RunQueueObject *self, PyObject *number)
{
    Py_ssize_t index = PyNumber_AsSsize_t(number, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred())
        return -1;
    if (index >= 0 && index < (Py_ssize_t)self->items.count)
        return index;
    PyErr_Format(PyExc_IndexError, "step: got the place %zd, expected 0 to less than %u", index, self->items.count);
    return -1;
}

PyObject *RunQueue_step(PyObject *op, PyObject *number)
{
    Py_ssize_t index = step_index(QUEUE, number);
    if (index < 0)
        return NULL;
    PyObject *item = ring_remove(&QUEUE->items, (uint32_t)index);
    MailboxObject *mailbox = (MailboxObject *)item;
    int answer = mailbox_check(item, "step");
    if (answer == 0) {
        mailbox->queued = 0;
        if (!mailbox->running && mailbox->awake) {
            int64_t now = now_ns();
            QUEUE->turn_over = 1; /* after one event */
            mailbox_run_turn(mailbox, NULL, &now);
        }
    }
    Py_DECREF(item);
    if (answer < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *RunQueue_peek(PyObject *op, PyObject *number)
{
    Py_ssize_t index = step_index(QUEUE, number);
    return index < 0 ? NULL : Py_NewRef(*ring_slot(&QUEUE->items, (uint32_t)index));
}

PyObject *Mailbox_peek(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (MAILBOX->starting)
        return PyUnicode_FromString("start");
    if (MAILBOX->ending)
        return PyUnicode_FromString("stop");
    const MailboxExtras *extras = MAILBOX->extras;
    const Ring *lane = extras != NULL && extras->urgent.count != 0 ? &extras->urgent : &MAILBOX->events;
    PyObject *event = lane->count == 0 ? Py_None : *ring_slot(lane, 0);
    const TaskObject *task = task_check(event) ? (TaskObject *)event : NULL;
    if (extras != NULL && extras->life_due)
        task = extras->life;
    if (task != NULL)
        return Py_BuildValue("(sO)", "resume", task->event == NULL ? Py_None : task->event->what);
    return Py_NewRef(event);
}

/* The event in place `index` of those that wait, the control lane first; NULL without exception behind the last. */
static PyObject *mailbox_event(const MailboxObject *self, Py_ssize_t index)
{
    Py_ssize_t urgent = self->extras == NULL ? 0 : self->extras->urgent.count;
    if (index < urgent)
        return *ring_slot(&self->extras->urgent, (uint32_t)index);
    return index - urgent < self->events.count ? *ring_slot(&self->events, (uint32_t)(index - urgent)) : NULL;
}

PyObject *Mailbox_waiting(PyObject *op, PyObject *number)
{
    Py_ssize_t most = PyNumber_AsSsize_t(number, PyExc_OverflowError);
    if (most == -1 && PyErr_Occurred())
        return NULL;
    PyObject *events = PyList_New(0);
    PyObject *event;
    for (Py_ssize_t i = 0; events != NULL && i < most && (event = mailbox_event(MAILBOX, i)) != NULL; i++) {
        const EventObject *call = task_check(event) ? ((TaskObject *)event)->event : NULL; /* a coroutine goes on */
        PyObject *shown = !task_check(event) ? Py_NewRef(event)
                                             : Py_BuildValue("(sO)", "resume", call == NULL ? Py_None : call->what);
        if (shown == NULL || PyList_Append(events, shown) < 0)
            Py_CLEAR(events);
        Py_XDECREF(shown);
    }
    return events;
}

PyObject *Mailbox_awaiting(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *pairs = PyList_New(0);
    const TaskObject *task = pairs == NULL || MAILBOX->extras == NULL ? NULL : MAILBOX->extras->oldest;
    for (; task != NULL; task = task->newer) {
        if (task->awaited == NULL || task->event == NULL)
            continue;
        PyObject *pair = PyTuple_Pack(2, task->event->what, (PyObject *)task->awaited);
        int answer = pair == NULL ? -1 : PyList_Append(pairs, pair);
        Py_XDECREF(pair);
        if (answer < 0) {
            Py_DECREF(pairs);
            return NULL;
        }
    }
    return pairs;
}

PyObject *Mailbox_crash(PyObject *op, PyObject *reason)
{
    if (!MAILBOX->stopping || MAILBOX->runtime == NULL) {
        MAILBOX->started = 0;
        return Mailbox_stop(op, reason);
    }
    tasks_close(MAILBOX); /* an on_stop that waits */
    if (mailbox_leave(MAILBOX) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- 2 the network ---- */

/* The connection by which plain calls to the actor of another host go, borrowed; NULL if there is none. */
static ChannelObject *mailbox_channel(MailboxObject *self)
{
    PyObject *channel = self->runtime == NULL ? NULL : ((RuntimeObject *)self->runtime)->current;
    if (channel == NULL || !PyObject_TypeCheck(channel, (PyTypeObject *)self->queue->core->channel_type))
        return NULL;
    return (ChannelObject *)channel;
}

/* As mailbox_ask_network, of an actor of another host: what is plain need not be asked of Python. */
static int mailbox_offer(MailboxObject *self, PyObject *event)
{
    ChannelObject *channel = event_check(event) ? mailbox_channel(self) : NULL;
    if (channel == NULL)
        return 0;
    Py_INCREF(channel);
    int taken = channel_offer(channel, self->pid, (EventObject *)event);
    Py_DECREF(channel);
    if (taken > 0)
        event_leave(event); /* it is in no mailbox */
    return taken;
}

int mailbox_ask_network(MailboxObject *self, PyObject *event)
{
    MailboxObject *sender = running_mailbox;
    int offered = self->distant ? mailbox_offer(self, event) : 0;
    if (offered != 0)
        return offered;
    if (sender != NULL && sender->runtime == self->runtime)
        return 0;
    PyObject *network = Py_NewRef(self->queue->network);
    PyObject *taken = PyObject_CallFunctionObjArgs(network, sender == NULL ? Py_None : (PyObject *)sender,
                                                   (PyObject *)self, event, NULL);
    int answer = taken == NULL ? -1 : PyObject_IsTrue(taken);
    Py_XDECREF(taken);
    Py_DECREF(network);
    if (answer > 0)
        event_leave(event); /* it is in no mailbox yet */
    return answer;
}

int mailbox_terminate_elsewhere(MailboxObject *self, int inject)
{
    if (self->queue->network == NULL)
        return 0;
    PyObject *taken = PyObject_CallMethod(self->queue->network, "terminate", "OO", (PyObject *)self,
                                          inject ? Py_True : Py_False);
    int answer = taken == NULL ? -1 : PyObject_IsTrue(taken);
    Py_XDECREF(taken);
    return answer;
}

PyObject *Mailbox_arrive(PyObject *op, PyObject *event)
{
    if (mailbox_enter(MAILBOX, event, 0) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The PID of a fresh process that stands for the actor `id` of class `kind`, which the network of the queue knows how to
 * reach: nothing is ever served in it. */
PyObject *RuntimeCell_stand_in(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    RuntimeObject *self = (RuntimeObject *)op;
    CoreState *core = PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(op), &core_module));
    if (core_check_count("_stand_in", count, 2) < 0 || core_require(core->process_type, "process_type") < 0)
        return NULL;
    if (!PyUnicode_CheckExact(arguments[0]) || !PyType_Check(arguments[1]))
        return PyErr_Format(PyExc_TypeError, "_stand_in() got %R and %R, expected an id and a class", arguments[0],
                            arguments[1]);
    PyTypeObject *type = (PyTypeObject *)core->process_type;
    MailboxObject *process = (MailboxObject *)type->tp_alloc(type, 0);
    if (process == NULL)
        return NULL;
    process->runtime = Py_NewRef(op);
    process->queue = (RunQueueObject *)Py_NewRef(self->queue);
    process->kind = Py_NewRef(arguments[1]);
    process->linkers = Py_NewRef(core->no_links);
    process->linked = Py_NewRef(core->no_links);
    process->distant = 1;
    process->pid = pid_new(core, arguments[0], self->address, (PyObject *)process);
    PyObject *pid = Py_XNewRef(process->pid);
    Py_DECREF(process);
    return pid;
}
