/* csrc/turn.c -- the turn of an actor: its events served one after the other, for about a millisecond.
 *
 * Why C: once per message (bench/). Twin: run_turn in libactor/_core/_mailbox.py and the classes of _events.py.
 * Threads: one at a time is inside the turns of a mailbox: the worker that took it from the run queue, or a thread
 *   that helps (help.c); `running` says so. Handlers let go of the GIL; whatever was read before one runs is read anew.
 * Errors: what a dispatch raises goes into its future; what anything else raises ends the actor (Process._fail).
 * Layout: 1 answers  2 serving  3 dropping  4 the turn
 */
#include "coroutine.h"
#include "help.h"
#include "values.h"

_Thread_local MailboxObject *running_mailbox = NULL;
_Thread_local PyObject *running_event = NULL;

enum { TURN_NS = 1000000, STRIDE_MAX = 16, SLOW_NS = 2000000 /* of a turn: its actor is not quick */ };

/* ---- 1 answers ---- */

/* What an error calls the call: the name of the method, or of the function; no code of the user's runs for it. */
static PyObject *failure_name(EventObject *event, MailboxObject *mailbox)
{
    if (PyUnicode_Check(event->what))
        return PyUnicode_FromFormat("%U in %S", event->what, mailbox->pid);
    if (PyFunction_Check(event->what))
        return PyUnicode_FromFormat("%U in %S", ((PyFunctionObject *)event->what)->func_qualname, mailbox->pid);
    return PyUnicode_FromFormat("a callable in %S", mailbox->pid);
}

/* Keep with an exception which call it came out of, for the log, should nobody look at it. On a TypeError that no frame
 * of Python has raised it is noted too: its arguments do not fit. */
static void failure_note(EventObject *event, MailboxObject *mailbox, PyObject *error)
{
    PyObject *trace = PyException_GetTraceback(error), *name = PyUnicode_InternFromString("_libactor_call");
    Py_XDECREF(trace);
    PyObject *call = name == NULL ? NULL : failure_name(event, mailbox);
    int kept = call == NULL ? -1 : PyObject_GenericSetAttr(error, name, call);
    if (kept == 0 && trace == NULL && Py_IS_TYPE(error, (PyTypeObject *)PyExc_TypeError)) {
        PyObject *note = PyUnicode_FromFormat("in the call of %U", call);
        PyObject *added = note == NULL ? NULL : PyObject_CallMethod(error, "add_note", "N", note);
        kept = added == NULL ? -1 : 0;
        Py_XDECREF(added);
    }
    if (kept < 0)
        PyErr_WriteUnraisable(error);
    Py_XDECREF(call);
    Py_XDECREF(name);
}

/* Fail the future with what is being raised; -1, raising it again, if it is no Exception: it then ends the actor too. */
static int answer_failure(EventObject *event, MailboxObject *mailbox)
{
    PyObject *error = core_exception_take();
    failure_note(event, mailbox, error);
    int answer = future_complete((FutureObject *)event->future, FAILED, error);
    if (answer >= 0 && !PyErr_GivenExceptionMatches(error, PyExc_Exception)) {
        core_exception_restore(error);
        return -1;
    }
    Py_DECREF(error);
    return answer < 0 ? -1 : 0;
}

/* What the asker gets for `result`; NULL with NotPassable. */
static PyObject *answer_pass(CoreState *core, EventObject *event, MailboxObject *mailbox, PyObject *result)
{
    if (kind_is_scalar(Py_TYPE(result)))
        return Py_NewRef(result);
    PyObject *id = PyObject_GetAttrString(mailbox->pid, "id");
    if (id == NULL)
        return NULL;
    PyObject *details[] = {id, event->what};
    int named = PyUnicode_Check(event->what);
    PyObject *passed = copier_pass(core->copier, result, named ? core->text_result : core->text_executed, details,
                                   named ? 2 : 1);
    Py_DECREF(id);
    return passed;
}

int event_answer(CoreState *core, EventObject *event, MailboxObject *mailbox, PyObject *result)
{
    FutureObject *future = (FutureObject *)event->future;
    PyObject *passed = result == NULL ? NULL : answer_pass(core, event, mailbox, result);
    int outcome = -1;
    if (passed == NULL)
        outcome = answer_failure(event, mailbox);
    else if (future_check(core, passed))
        outcome = future_follow(future, (FutureObject *)passed, ANSWERS);
    else /* what was copied is mutable; what was moved is the receiver's own */
        outcome = future_answer(future, passed, passed != result && !copier_moves(core->copier, Py_TYPE(result)));
    Py_XDECREF(passed);
    Py_XDECREF(result);
    return outcome < 0 ? -1 : 0;
}

/* The kind of a call that is now served or dropped. */
static int event_settle(EventObject *event)
{
    int kind = (int)event->kind;
    event->kind = EVENT_SERVED;
    return kind;
}

/* ---- 2 serving: once per message ---- */

static PyObject *event_call_method(EventObject *event, MailboxObject *mailbox)
{
    size_t named = event->names == NULL ? 0 : (size_t)PyTuple_GET_SIZE(event->names);
    if (copier_deliver(mailbox->queue->core->copier, event->values + 1, event->count) < 0)
        return NULL;
    PyObject *actor = Py_NewRef(mailbox->actor);
    event->values[0] = actor;
    PyObject *result = PyObject_VectorcallMethod(event->what, event->values, event->count + 1 - named, event->names);
    Py_DECREF(actor);
    return result;
}

static PyObject *event_call_function(EventObject *event, CoreState *core)
{
    size_t named = event->names == NULL ? 0 : (size_t)PyTuple_GET_SIZE(event->names);
    if (copier_deliver(core->copier, event->values + 1, event->count) < 0)
        return NULL;
    return PyObject_Vectorcall(event->what, event->values + 1,
                               (event->count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET, event->names);
}

/* Whether a handler that has set its event aside has failed since, so that the event is not kept. */
static int stash_gives_up(MailboxObject *mailbox, PyObject *result)
{
    if (result == NULL)
        mailbox->extras->aside = NULL;
    return result == NULL;
}

static int event_serve_call(CoreState *core, EventObject *event, MailboxObject *mailbox)
{
    FutureObject *future = (FutureObject *)event->future;
    int kind = event_settle(event);
    if (future->state == PENDING && (future->flags & DISCARD_REQUESTED) != 0)
        return future_complete(future, DISCARDED, Py_None) < 0 ? -1 : 0;
    PyObject *result = kind == EVENT_DISPATCH ? event_call_method(event, mailbox) : event_call_function(event, core);
    if (mailbox_sets_aside(mailbox, event) && !stash_gives_up(mailbox, result)) {
        event->kind = (uint32_t)kind; /* the answer comes when it is served again */
        Py_DECREF(result);
        return 0;
    }
    if (result != NULL && task_is_coroutine(result))
        return task_begin(core, event, kind, mailbox, result);
    return event_answer(core, event, mailbox, result);
}

/* What a handler that nobody waits for has returned: only a coroutine is of interest. */
static int event_finish(EventObject *event, int kind, MailboxObject *mailbox, PyObject *result)
{
    if (result != NULL && task_is_coroutine(result))
        return task_begin(mailbox->queue->core, event, kind, mailbox, result);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Call the handler of the message's class; without one the message is a dead letter, unless it is delegated. */
static int event_serve_message(EventObject *event, MailboxObject *mailbox)
{
    if (copier_deliver(mailbox->queue->core->copier, &event->what, 1) < 0)
        return -1;
    PyObject *result = NULL, *handler = NULL, *actor = Py_NewRef(mailbox->actor);
    PyObject *handlers = PyObject_GetAttrString(actor, "_libactor_handlers");
    if (handlers == NULL)
        goto done;
    handler = Py_XNewRef(PyDict_GetItemWithError(handlers, (PyObject *)Py_TYPE(event->what)));
    if (handler == NULL) {
        if (!PyErr_Occurred())
            result = PyObject_CallMethod((PyObject *)mailbox, "_unhandled", "O", (PyObject *)event);
        goto done;
    }
    PyObject *arguments[] = {actor, event->what, event->future};
    size_t count = PyTuple_GET_ITEM(handler, 1) == Py_True ? 3 : 2;
    result = PyObject_VectorcallMethod(PyTuple_GET_ITEM(handler, 0), arguments, count, NULL);
done:
    Py_XDECREF(handler);
    Py_XDECREF(handlers);
    Py_DECREF(actor);
    return event_finish(event, EVENT_MESSAGE, mailbox, result);
}

int event_serve(EventObject *event, MailboxObject *mailbox)
{
    switch (event->kind) {
    case EVENT_TELL:
        return event_finish(event, EVENT_TELL, mailbox, event_call_method(event, mailbox));
    case EVENT_MESSAGE:
        return event_serve_message(event, mailbox);
    case EVENT_SERVED:
        return 0;
    default: /* EVENT_DISPATCH, EVENT_EXECUTE */
        return event_serve_call(mailbox->queue->core, event, mailbox);
    }
}

/* ---- 3 dropping ---- */

/* Tell who waits for the answer that none will come, and why. */
static int event_abandon(EventObject *event, MailboxObject *mailbox, PyObject *reason)
{
    PyObject *cause = NULL;
    if (mailbox->pid != NULL)
        cause = PyTuple_Pack(2, mailbox->pid, reason == NULL ? Py_None : reason);
    if (cause == NULL)
        PyErr_Clear(); /* there is no memory for the cause: go without */
    int answer = future_abandon((FutureObject *)event->future, cause);
    Py_XDECREF(cause);
    return answer < 0 ? -1 : 0;
}

/* Record a tell or a message that is not served; 0 for what is neither, -1 with an exception. */
static int event_bury(EventObject *event, MailboxObject *mailbox, const char *why)
{
    PyObject *letter;
    switch (event->kind) {
    case EVENT_TELL:
        letter = Py_NewRef(event->what);
        break;
    case EVENT_MESSAGE:
        letter = PyType_GetQualName(Py_TYPE(event->what));
        break;
    default:
        return 0;
    }
    PyObject *counted =
        letter == NULL ? NULL : PyObject_CallMethod((PyObject *)mailbox, "_dead_letter", "Ns", letter, why);
    Py_XDECREF(counted);
    return counted == NULL ? -1 : 0;
}

int event_drop(EventObject *event, MailboxObject *mailbox, const char *why)
{
    if (!event_is_call(event))
        return event_bury(event, mailbox, why);
    event_settle(event);
    ((FutureObject *)event->future)->target = NULL;
    return event_abandon(event, mailbox, mailbox->reason);
}

int event_refuse(EventObject *event, MailboxObject *mailbox, PyObject *error, int fails)
{
    if (!event_is_call(event))
        return event_bury(event, mailbox, "its mailbox is full");
    event_settle(event);
    ((FutureObject *)event->future)->target = NULL;
    if (!fails)
        return event_abandon(event, mailbox, error);
    return future_complete((FutureObject *)event->future, FAILED, error) < 0 ? -1 : 0;
}

/* ---- 4 the turn ---- */

/* 1 if the filter wants the event dropped, or has ended the actor, 0 if not, -1 with what it raised. */
__attribute__((cold, noinline)) static int turn_asks_filter(MailboxObject *self, PyObject *event)
{
    PyObject *filter = Py_NewRef(self->queue->filter);
    PyObject *answer = PyObject_CallFunctionObjArgs(filter, (PyObject *)self, event, NULL);
    int drops = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    Py_DECREF(filter);
    if (drops == 0 && self->stopping)
        return mailbox_drop(self, event) < 0 ? -1 : 1;
    return drops;
}

static int turn_serve_event(MailboxObject *self, PyObject *event)
{
    if (event_check(event))
        return event_serve((EventObject *)event, self);
    if (task_check(event))
        return task_resume((TaskObject *)event);
    PyObject *served = PyObject_CallMethod(event, "serve", "O", self);
    Py_XDECREF(served);
    return served == NULL ? -1 : 0;
}

/* End the actor: what is being raised is for nobody else. Nothing may keep a worker from going on, not even what is
 * raised on the way (a handler of the log that fails, no memory). */
static void turn_fail(MailboxObject *self)
{
    PyObject *error = core_exception_take();
    PyObject *ended = PyObject_CallMethod((PyObject *)self, "_fail", "O", error);
    Py_DECREF(error);
    if (ended == NULL)
        PyErr_WriteUnraisable((PyObject *)self);
    Py_XDECREF(ended);
}

/* The filter has raised: the actor ends, and whoever waits for the answer of `event` hears so. */
__attribute__((cold, noinline)) static void turn_refuse(MailboxObject *self, PyObject *event)
{
    turn_fail(self);
    PyObject *told = PyObject_CallMethod(event, "drop", "O", self);
    if (told == NULL)
        PyErr_WriteUnraisable((PyObject *)self);
    Py_XDECREF(told);
}

/* Serve one event, whose reference is consumed, unless a filter drops it: who waits for its answer hears so when it goes
 * away. -1 with an exception. */
static inline int turn_serve(MailboxObject *self, PyObject *event)
{
    event_leave(event);
    running_event = event;
    int dropped = self->queue->filter == NULL || task_check(event) ? 0 : turn_asks_filter(self, event);
    int failed = dropped == 0 && turn_serve_event(self, event) < 0;
    if (dropped < 0)
        turn_refuse(self, event);
    running_event = NULL;
    if (self->extras != NULL && self->extras->aside != NULL && mailbox_keep_aside(self, failed || dropped != 0) < 0)
        failed = 1;
    Py_DECREF(event);
    return failed ? -1 : 0;
}

/* The next event, now the caller's: that of the control lane first. */
static inline PyObject *turn_take(MailboxObject *self)
{
    if (self->extras == NULL)
        return ring_take(&self->events);
    return self->extras->overdue != 0 ? tasks_take_overdue(self->extras) : mailbox_take_any(self);
}

/* The next step of the actor's life, or its next event. */
static void turn_step(MailboxObject *self)
{
    int failed;
    if (self->starting || self->ending || (self->extras != NULL && self->extras->life_due))
        failed = mailbox_live(self) < 0;
    else
        failed = turn_serve(self, turn_take(self)) < 0;
    if (failed)
        turn_fail(self);
}

static int turn_is_over(MailboxObject *self, FutureObject *until)
{
    RunQueueObject *queue = self->queue;
    if (self->closed || queue->orphaned)
        return 1;
    if (until != NULL)
        return future_is_over(until) || help_is_interrupted();
    return run_queue_is_overtaken(queue) || __atomic_load_n(&queue->turn_over, __ATOMIC_RELAXED);
}

/* The clock is read after the first event, the second, the fourth and so on, and then after every sixteenth, so that
 * quick handlers do not pay for it. Should slow ones come between, the watch ends the turn (`turn_over`). */
static void turn_run(MailboxObject *self, FutureObject *until, int64_t *now)
{
    int64_t begun = *now;
    int stride = 1, left = 1;
    while (mailbox_has_work(self)) {
        self->queue->progress += until == NULL; /* what a helper does is not the worker's doing */
        turn_step(self);
        if (turn_is_over(self, until))
            break;
        if (--left == 0) {
            *now = now_ns();
            if (*now - begun >= TURN_NS)
                break;
            left = stride = stride < STRIDE_MAX ? stride * 2 : STRIDE_MAX;
        }
    }
    *now = now_ns();
    if (*now - begun >= SLOW_NS)
        mailbox_warn(self);
    else if (self->quick < QUICK_TURNS)
        self->quick++;
}

void mailbox_run_turn(MailboxObject *self, FutureObject *until, int64_t *now)
{
    assert(!self->running && running_mailbox == NULL);
    Py_INCREF(self);
    self->running = 1;
    running_mailbox = self;
    turn_run(self, until, now);
    running_mailbox = NULL;
    self->running = 0;
    self->awake = mailbox_has_work(self);
    if (self->awake && mailbox_enqueue(self) < 0) {
        self->awake = 0; /* there is no memory: whoever puts the next event tries again */
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_DECREF(self);
}
