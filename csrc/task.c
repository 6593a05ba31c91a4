/* csrc/task.c -- the Task: a coroutine of an actor that has awaited, while it waits; and its end before its time.
 *
 * Who calls: coroutine.c, which drives it; the future that it waits for, when that comes out. Why C, and the twin: see there.
 * A task stands in the callbacks of the future it waits for (ON_TASK) and among the tasks of its actor, who own it. When
 *   the future comes out the task goes into the mailbox as an event.
 * The answer follows the awaited future meanwhile (`upstream`, as the result of a step does, though no step is made):
 *   a discard reaches that one, and who waits for the answer finds whom it waits for.
 * Layout: 1 links  2 waiting  3 closing  4 life cycle and type
 */
#include "coroutine.h"
#include "hops.h"

#define SELF ((TaskObject *)op)

/* ---- 1 links ---- */

FutureObject *task_future(TaskObject *self)
{
    return self->event != NULL && event_is_call(self->event) ? (FutureObject *)self->event->future : NULL;
}

static void task_list(TaskObject *self, MailboxExtras *extras)
{
    if (self->listed)
        return;
    self->listed = 1;
    self->older = extras->newest;
    *(extras->newest == NULL ? &extras->oldest : &extras->newest->newer) = self;
    extras->newest = (TaskObject *)Py_NewRef(self);
}

void task_unlist(TaskObject *self, MailboxExtras *extras)
{
    if (!self->listed)
        return;
    self->listed = 0;
    *(self->older == NULL ? &extras->oldest : &self->older->newer) = self->newer;
    *(self->newer == NULL ? &extras->newest : &self->newer->older) = self->older;
    self->older = self->newer = NULL;
    Py_DECREF(self);
}

/* Note on all sides that the task waits for `awaited`. */
static void task_link(TaskObject *self, MailboxExtras *extras, FutureObject *awaited)
{
    FutureObject *future = task_future(self);
    self->awaited = (FutureObject *)Py_NewRef(awaited);
    if (future != NULL) {
        future->target = (PyObject *)self->mailbox;
        if (future->state == PENDING && future->upstream == NULL) {
            future->upstream = awaited;
            future->step = MIRROR;
        }
    }
    task_list(self, extras);
    extras->suspended++;
    if (self->role != TASK_HANDLER)
        extras->life = self;
    else if (self->exclusive)
        extras->held++;
}

/* The answer does not follow what was awaited any more. */
static void task_let_go(TaskObject *self)
{
    FutureObject *future = task_future(self);
    if (future != NULL && future->upstream == self->awaited)
        future->upstream = NULL;
}

FutureObject *task_unlink(TaskObject *self)
{
    FutureObject *awaited = self->awaited, *future = task_future(self);
    MailboxExtras *extras = self->mailbox == NULL ? NULL : self->mailbox->extras;
    if (awaited == NULL)
        return NULL;
    task_let_go(self);
    self->awaited = NULL;
    if (future != NULL)
        future->target = NULL;
    if (extras == NULL)
        return awaited; /* the mailbox goes away */
    extras->suspended--;
    extras->overdue -= self->overdue;
    self->overdue = 0;
    if (extras->life == self) {
        extras->life = NULL;
        extras->life_due = 0;
    } else if (self->exclusive)
        extras->held -= extras->held != 0;
    return awaited;
}

/* ---- 2 waiting ---- */

/* The error to raise at the await of `awaited`, as what is being raised; 0 if it can be waited for. */
static int task_refuse(CoreState *core, TaskObject *self, PyObject *awaited)
{
    if (future_check(core, awaited) &&
        !(self->exclusive && future_awaits((FutureObject *)awaited, (PyObject *)self->mailbox)))
        return 0;
    if (core_require(core->refuse_awaited, "refuse_awaited") < 0)
        return -1;
    PyObject *error = PyObject_CallFunctionObjArgs(core->refuse_awaited, (PyObject *)self->mailbox, self->event->what,
                                                   awaited, NULL);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return -1;
}

int task_wait(CoreState *core, TaskObject *self, PyObject *op)
{
    if (task_refuse(core, self, op) < 0)
        return -1;
    FutureObject *awaited = (FutureObject *)op;
    MailboxExtras *extras = mailbox_extras(self->mailbox);
    if (extras == NULL || future_is_over(awaited))
        return extras == NULL ? -1 : 0;
    Callback callback = {Py_NewRef(self), ON_TASK};
    if (callbacks_append(&awaited->callbacks, callback) < 0) {
        Py_DECREF(self); /* the caller holds another reference */
        return -1;
    }
    awaited->flags |= OBSERVED;
    future_track(awaited);
    task_link(self, extras, awaited);
    return 1;
}

int task_pass_discard(TaskObject *self)
{
    FutureObject *future = task_future(self);
    if (future == NULL || (future->flags & DISCARD_REQUESTED) == 0 || self->awaited == NULL)
        return 0;
    FutureObject *awaited = (FutureObject *)Py_NewRef(self->awaited);
    int answer = future_pass_discard(awaited);
    Py_DECREF(awaited);
    return answer;
}

int task_arrive(PyObject *op, PyObject *awaited)
{
    if ((PyObject *)SELF->awaited != awaited || SELF->mailbox->queue->orphaned || SELF->mailbox->extras == NULL)
        return 0; /* it was closed; or nothing runs here, in the child of a fork; or the mailbox goes away */
    MailboxObject *mailbox = SELF->mailbox;
    task_let_go(SELF);
    if (SELF->role == TASK_HANDLER) {
        int sent = SELF->exclusive ? mailbox_deliver_urgent(mailbox, op) : mailbox_send(mailbox, op, LAST);
        if (sent == 0)
            return 0;
        SELF->overdue = 1; /* there is no memory: the next turn finds it all the same */
        mailbox->extras->overdue++;
        PyErr_Clear();
    } else
        mailbox->extras->life_due = 1;
    return mailbox_awaken(mailbox);
}

PyObject *tasks_take_overdue(MailboxExtras *extras)
{
    TaskObject *task = extras->oldest;
    while (!task->overdue)
        task = task->newer;
    task->overdue = 0;
    extras->overdue--;
    return Py_NewRef((PyObject *)task);
}

/* ---- 3 closing ---- */

/* Raise GeneratorExit where the coroutine stands. */
static void close_coroutine(TaskObject *self)
{
    PyObject *coroutine = self->coroutine, *closed = NULL;
    self->coroutine = NULL;
    if (coroutine == NULL)
        return;
    if (PyContext_Enter(self->context) == 0) {
        closed = PyObject_CallMethod(coroutine, "close", NULL);
        if (PyContext_Exit(self->context) < 0)
            Py_CLEAR(closed);
    }
    if (closed == NULL)
        mailbox_report(self->mailbox, "a coroutine that was closed");
    Py_XDECREF(closed);
    Py_DECREF(coroutine);
}

int task_close(TaskObject *self)
{
    Py_INCREF(self);
    FutureObject *awaited = task_unlink(self);
    if (self->mailbox->extras != NULL)
        task_unlist(self, self->mailbox->extras);
    if (awaited != NULL && callbacks_remove(&awaited->callbacks, ON_TASK, (PyObject *)self))
        Py_DECREF(self);
    close_coroutine(self);
    if (awaited != NULL && future_discard(awaited) < 0)
        mailbox_report(self->mailbox, "what a coroutine waited for");
    Py_XDECREF(awaited);
    event_leave((PyObject *)self->event);
    if (event_drop(self->event, self->mailbox, "the actor has stopped") < 0)
        mailbox_report(self->mailbox, "what waited for an answer");
    Py_DECREF(self);
    return 0;
}

void tasks_close(MailboxObject *mailbox)
{
    TaskObject *task;
    while (mailbox->extras != NULL && (task = mailbox->extras->newest) != NULL)
        if (task->awaited != NULL)
            task_close(task);
        else
            task_unlist(task, mailbox->extras); /* it has ended the actor in this very step: see task_run */
}

void tasks_forsake(MailboxExtras *extras)
{
    while (extras->newest != NULL) {
        TaskObject *task = (TaskObject *)Py_NewRef(extras->newest);
        task_unlist(task, extras);
        FutureObject *awaited = task_unlink(task);
        if (awaited != NULL && callbacks_remove(&awaited->callbacks, ON_TASK, (PyObject *)task))
            Py_DECREF(task);
        Py_XDECREF(awaited);
        Py_DECREF(task);
    }
}

/* ---- 4 life cycle and type ---- */

static int Task_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->coroutine);
    Py_VISIT(SELF->context);
    Py_VISIT(SELF->mailbox);
    Py_VISIT(SELF->awaited);
    return SELF->event == NULL ? 0 : event_traverse(SELF->event, visit, arg);
}

static int Task_clear(PyObject *op)
{
    FutureObject *awaited = task_unlink(SELF);
    Py_CLEAR(SELF->coroutine);
    Py_CLEAR(SELF->context);
    Py_CLEAR(SELF->event); /* whose answer is abandoned */
    Py_CLEAR(SELF->mailbox);
    Py_XDECREF(awaited);
    return 0;
}

void Task_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, Task_dealloc)
    Task_clear(op);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static PyType_Slot task_slots[] = {
    {Py_tp_doc, "A coroutine of an actor that has awaited, on its way to its end."},
    {Py_tp_traverse, Task_traverse},
    {Py_tp_clear, Task_clear},
    {Py_tp_dealloc, Task_dealloc},
    {0, NULL},
};

PyType_Spec task_spec = {
    .name = "libactor._core._native.Task",
    .basicsize = sizeof(TaskObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = task_slots,
};
