/* csrc/coroutine.c -- handlers that await: a coroutine driven in the turns of its actor, one step after the other.
 *
 * Why C: once per call of an async handler, and once per await of a future that is pending (bench/). Twin:
 *   libactor/_core/_coroutine.py, where the rules are written down; both pass tests/runtime/test_coroutines*.py.
 * A coroutine that never waits costs a context and one step. At its first suspension it becomes a Task (task.c).
 * Errors: what a step returns -1 with ends the actor.
 * Layout: 1 a step  2 the end  3 going on  4 beginning
 */
#include "coroutine.h"

/* ---- 1 a step ---- */

/* The value of the StopIteration that is being raised: a coroutine that was thrown into has returned. */
static PySendResult stop_value(PyObject **result)
{
    if (!PyErr_ExceptionMatches(PyExc_StopIteration))
        return PYGEN_ERROR;
    PyObject *stop = core_exception_take();
    *result = Py_NewRef(((PyStopIterationObject *)stop)->value);
    Py_DECREF(stop);
    return PYGEN_RETURN;
}

static PySendResult send_or_throw(PyObject *coroutine, PyObject *error, PyObject **result)
{
    if (error == NULL)
        return PyIter_Send(coroutine, Py_None, result);
    *result = PyObject_CallMethod(coroutine, "throw", "O", error);
    return *result != NULL ? PYGEN_NEXT : stop_value(result);
}

/* Run the coroutine up to its next await or its end, with context variables of its own. Raises `error`, which is
 * consumed, at the await where it stands, unless that is NULL. */
static PySendResult step(PyObject *coroutine, PyObject *context, PyObject *error, PyObject **result)
{
    *result = NULL;
    PySendResult sent = PYGEN_ERROR;
    Py_INCREF(coroutine); /* what it does may end the actor, and that lets go of it */
    Py_INCREF(context);
    if (PyContext_Enter(context) == 0) {
        sent = send_or_throw(coroutine, error, result);
        if (PyContext_Exit(context) < 0) {
            Py_CLEAR(*result);
            sent = PYGEN_ERROR;
        }
    }
    Py_DECREF(context);
    PyObject *raised = sent == PYGEN_ERROR ? core_exception_take() : NULL;
    Py_DECREF(coroutine);
    if (raised != NULL)
        core_exception_restore(raised);
    Py_XDECREF(error);
    return sent;
}

/* ---- 2 the end ---- */

/* Note on what is being raised what may help; it goes on being raised. */
static void explain_escaped(CoreState *core)
{
    if (core->explain_escaped == NULL)
        return;
    if (!PyErr_ExceptionMatches(PyExc_RuntimeError) && !PyErr_ExceptionMatches(PyExc_AttributeError))
        return;
    PyObject *error = core_exception_take();
    PyObject *explained = PyObject_CallOneArg(core->explain_escaped, error);
    if (explained == NULL)
        PyErr_WriteUnraisable(error);
    Py_XDECREF(explained);
    core_exception_restore(error);
}

/* The answer of a coroutine: `result`, which is consumed, or, if that is NULL, what is being raised. */
static int answer_call(CoreState *core, EventObject *event, MailboxObject *mailbox, PyObject *result)
{
    if (result != NULL || core->discarded_error == NULL || !PyErr_ExceptionMatches(core->discarded_error))
        return event_answer(core, event, mailbox, result);
    Py_XDECREF(core_exception_take());
    return future_complete((FutureObject *)event->future, DISCARDED, Py_None) < 0 ? -1 : 0;
}

/* The coroutine has returned `result`, which is consumed, or raised; 1, or -1 with what ends the actor. */
static int finish(CoreState *core, EventObject *event, int is_call, MailboxObject *mailbox, PyObject *result)
{
    if (result == NULL)
        explain_escaped(core);
    if (is_call)
        return answer_call(core, event, mailbox, result) < 0 ? -1 : 1;
    int over = result == NULL ? -1 : 1;
    Py_XDECREF(result);
    return over;
}

/* As finish, for a task, which is over. */
static int task_finish(CoreState *core, TaskObject *self, PyObject *result)
{
    MailboxObject *mailbox = self->mailbox;
    int is_call = task_future(self) != NULL;
    Py_CLEAR(self->coroutine);
    if (mailbox->extras != NULL)
        task_unlist(self, mailbox->extras);
    if (is_call)
        event_leave((PyObject *)self->event);
    self->event->kind = EVENT_SERVED;
    return finish(core, self->event, is_call, mailbox, result);
}

/* ---- 3 going on ---- */

/* Go on from what the last step came to, `result`, which is consumed: 1 at the end, 0 if it waits, -1 with what was
 * raised. The caller holds a reference. */
static int task_run(CoreState *core, TaskObject *self, PySendResult sent, PyObject *result)
{
    while (sent == PYGEN_NEXT) {
        if (self->role == TASK_STOP ? self->mailbox->closed : self->mailbox->stopping) {
            Py_DECREF(result);
            return task_close(self); /* the actor has ended inside this very step */
        }
        int waits = task_wait(core, self, result);
        Py_DECREF(result);
        if (waits == 1)
            return task_pass_discard(self);
        PyObject *error = waits < 0 ? core_exception_take() : NULL;
        sent = step(self->coroutine, self->context, error, &result);
    }
    return task_finish(core, self, result);
}

int task_resume(TaskObject *self)
{
    FutureObject *awaited = self->coroutine == NULL ? NULL : task_unlink(self);
    if (awaited == NULL)
        return 0; /* it was closed */
    Py_INCREF(self);
    MailboxObject *mailbox = self->mailbox;
    PyObject *result;
    PySendResult sent = step(self->coroutine, self->context, NULL, &result);
    int over = task_run(mailbox->queue->core, self, sent, result);
    Py_DECREF(awaited);
    int role = self->role;
    if (role == TASK_START && over == 1)
        mailbox->started = 1;
    if (role == TASK_STOP && over < 0)
        mailbox_report(mailbox, "on_stop");
    if (role == TASK_STOP && over != 0)
        over = mailbox_leave(mailbox);
    Py_DECREF(self);
    return over < 0 ? -1 : 0;
}

/* ---- 4 beginning ---- */

static int ask_is_exclusive(CoreState *core, MailboxObject *mailbox, PyObject *what)
{
    if (core->is_exclusive == NULL)
        return 0;
    PyObject *answer = PyObject_CallFunctionObjArgs(core->is_exclusive, mailbox->kind, what, NULL);
    int exclusive = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return exclusive;
}

/* The Task of a coroutine that has come to its first await; NULL with an exception. `future` is NULL if nobody waits
 * for its answer. */
static TaskObject *task_new(CoreState *core, MailboxObject *mailbox, PyObject *what, PyObject *future, int role)
{
    int exclusive = role != TASK_HANDLER ? 1 : ask_is_exclusive(core, mailbox, what);
    PyTypeObject *type = (PyTypeObject *)core->task_type;
    TaskObject *self = exclusive < 0 ? NULL : (TaskObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->mailbox = (MailboxObject *)Py_NewRef(mailbox);
    self->role = (unsigned char)role;
    self->exclusive = (unsigned char)exclusive;
    self->event = event_new(core, EVENT_SERVED, what, future, 0);
    if (self->event == NULL)
        Py_CLEAR(self);
    else if (future != NULL)
        self->event->kind = PyUnicode_Check(what) ? EVENT_DISPATCH : EVENT_EXECUTE;
    return self;
}

/* Drive `coroutine`, which is consumed, for the first time. `event` is what it answers, or NULL, of this `kind` before
 * it was settled; `what` is the name it goes by. As task_run. */
static int begin(CoreState *core, EventObject *event, int kind, PyObject *what, int role, MailboxObject *mailbox,
                 PyObject *coroutine)
{
    int is_call = kind == EVENT_DISPATCH || kind == EVENT_EXECUTE;
    PyObject *result = NULL, *context = PyContext_CopyCurrent();
    PySendResult sent = context == NULL ? PYGEN_ERROR : step(coroutine, context, NULL, &result);
    if (is_call && mailbox_sets_aside(mailbox, event)) {
        if (sent == PYGEN_ERROR)
            mailbox->extras->aside = NULL; /* it has failed like any other */
        else {
            event->kind = (uint32_t)kind; /* the answer comes when it is served again */
            is_call = 0;
        }
    }
    if (sent != PYGEN_NEXT) {
        Py_XDECREF(context);
        Py_DECREF(coroutine);
        return finish(core, event, is_call, mailbox, result);
    }
    TaskObject *task = task_new(core, mailbox, what, is_call ? event->future : NULL, role);
    if (task == NULL) {
        Py_DECREF(result);
        Py_DECREF(context);
        PyObject *error = core_exception_take(); /* closing runs code */
        Py_DECREF(coroutine);
        core_exception_restore(error);
        return finish(core, event, is_call, mailbox, NULL);
    }
    task->coroutine = coroutine;
    task->context = context;
    int over = task_run(core, task, sent, result);
    Py_DECREF(task);
    return over;
}

int task_begin(CoreState *core, EventObject *event, int kind, MailboxObject *mailbox, PyObject *coroutine)
{
    PyObject *what = kind == EVENT_MESSAGE ? (PyObject *)Py_TYPE(event->what) : event->what;
    return begin(core, event, kind, what, TASK_HANDLER, mailbox, coroutine) < 0 ? -1 : 0;
}

int task_begin_life(MailboxObject *mailbox, int role, PyObject *returned)
{
    CoreState *core = mailbox->queue->core;
    if (future_check(core, returned))
        Py_SETREF(returned, PyObject_CallMethod(returned, "__await__", NULL));
    else if (!task_is_coroutine(returned)) {
        Py_DECREF(returned);
        return 1;
    }
    PyObject *what = role == TASK_START ? core->text_on_start : core->text_on_stop;
    return returned == NULL ? -1 : begin(core, NULL, EVENT_SERVED, what, role, mailbox, returned);
}

PyObject *Mailbox_drive(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    MailboxObject *mailbox = (MailboxObject *)op;
    if (core_check_count("_drive", count, 2) < 0)
        return NULL;
    if (!task_is_coroutine(arguments[0]) || mailbox->queue == NULL)
        Py_RETURN_NONE;
    if (begin(mailbox->queue->core, NULL, EVENT_SERVED, arguments[1], TASK_HANDLER, mailbox,
              Py_NewRef(arguments[0])) < 0)
        return NULL;
    Py_RETURN_NONE;
}

