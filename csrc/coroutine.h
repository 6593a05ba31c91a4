/* csrc/coroutine.h -- a handler that awaits, as the other files of the core see it; see coroutine.c and task.c.
 *
 * Who includes it: coroutine.c and task.c; turn.c, which begins and resumes it; life.c, which closes it; future.c, which tells it.
 */
#ifndef LIBACTOR_COROUTINE_H
#define LIBACTOR_COROUTINE_H

#include "mailbox.h"

/* What a coroutine is to its actor. */
enum { TASK_HANDLER, TASK_START, TASK_STOP };

/* A coroutine that has awaited, from its first suspension to its end. */
typedef struct TaskObject {
    PyObject_HEAD
    PyObject *coroutine;              /* owned: what is driven; NULL once it has ended */
    PyObject *context;                /* owned: its context variables */
    MailboxObject *mailbox;           /* owned: the actor in whose turns it goes on */
    EventObject *event;               /* owned: what it answers, without the arguments */
    FutureObject *awaited;            /* owned: what it waits for; NULL while it runs and once it has ended */
    struct TaskObject *older, *newer; /* borrowed: its neighbours among those of the actor */
    unsigned char role;               /* of the enum above */
    unsigned char exclusive;          /* while it is suspended the actor serves nothing else */
    unsigned char overdue;            /* what it waited for has come, and there was no memory to say so */
    unsigned char listed;             /* it is among those of the actor, who own it */
} TaskObject;

void Task_dealloc(PyObject *op); /* by which the type is known */

static inline int task_check(PyObject *object)
{
    return Py_TYPE(object)->tp_dealloc == Task_dealloc;
}

/* Drive `coroutine`, which is consumed, as what the call `event`, of this kind before it was settled, has come to.
 * 0, or -1 with what ends the actor. */
int task_begin(CoreState *core, EventObject *event, int kind, MailboxObject *mailbox, PyObject *coroutine);

/* As task_begin for what on_start or on_stop has returned, a coroutine or a future; anything else is let go.
 * 1 if it is over, 0 if the actor is to wait for it, -1 with what was raised. */
int task_begin_life(MailboxObject *mailbox, int role, PyObject *returned);

/* Go on: what it waited for has come. As task_begin. */
int task_resume(TaskObject *task);

static inline int task_is_coroutine(PyObject *object)
{
    return PyCoro_CheckExact(object);
}

PyObject *Mailbox_drive(PyObject *op, PyObject *const *arguments, Py_ssize_t count);

/* ---- task.c ---- */

/* Who waits for the answer of a task, borrowed; NULL if nobody does. */
FutureObject *task_future(TaskObject *self);

/* Wait for what the coroutine awaits: 1 if that is to come, 0 if it is there, -1 with what to raise at the await. */
int task_wait(CoreState *core, TaskObject *self, PyObject *awaited);

/* A discard that was asked for reaches what is waited for now. Runs Python code; -1 with an interrupt. */
int task_pass_discard(TaskObject *self);

/* It does not wait any more; what it waited for, now the caller's, or NULL. */
FutureObject *task_unlink(TaskObject *self);

/* It is over: take it out of those of its actor. */
void task_unlist(TaskObject *self, MailboxExtras *extras);

/* End a task that is not at its end: nobody gets an answer. Answers 0. */
int task_close(TaskObject *self);

/* The oldest of those that are overdue, of which there is one; a new reference. */
PyObject *tasks_take_overdue(MailboxExtras *extras);

/* Close those of the actor that are suspended, the newest first: in its own turn, at its end. */
void tasks_close(MailboxObject *mailbox);

/* Let go of those of a mailbox that goes away without an end. */
void tasks_forsake(MailboxExtras *extras);

#endif
