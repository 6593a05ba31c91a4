/* csrc/help.c -- helping: a thread outside the actors that waits runs the actor it waits for.
 *
 * Why: an ask then costs no switch of threads, which is most of what it would cost (bench/: ask). Why C: once per ask.
 * Twin: libactor/_core/_helping.py.
 * Rules: 1. only the actor that the future leads to is run, never a stranger's, and only what it was sent before the
 *   answer comes.    2. only an actor whose last turns were quick: a handler that blocks would keep the waiting thread
 *   from its timeout and from Ctrl-C.    3. not with less than HELP_NS left before the timeout, which is to be kept
 *   even if the actor blocks for the first time; one of that length is a net.    4. not inside a
 *   handler: helping there would stack actors on one another and deadlock (libactor/worker.py).    5. a handler finds
 *   what it would find on a worker: context variables of its own, no exception being handled, no running event loop,
 *   most of the stack.
 *   6. signals come between handlers.
 * Layout: 1 what a handler finds  2 whom to help  3 helping
 */
#include "help.h"
#include "interrupts.h"
#include "mailbox.h"

enum { DEPTH_MAX = 200 /* calls on the stack of a thread that helps */ };

#define HELP_NS 10000000000LL

/* ---- 1 what a handler finds ---- */

static int stack_is_deep(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030C0000
    return thread->py_recursion_limit - thread->py_recursion_remaining > DEPTH_MAX;
#else
    return thread->recursion_limit - thread->recursion_remaining > DEPTH_MAX;
#endif
}

/* As PyErr_GetHandledException, without a call: the innermost frame may have none of its own. */
static int exception_is_handled(PyThreadState *thread)
{
    _PyErr_StackItem *item = thread->exc_info;
    while ((item->exc_value == NULL || item->exc_value == Py_None) && item->previous_item != NULL)
        item = item->previous_item;
    return item->exc_value != NULL && item->exc_value != Py_None;
}

/* A loop that runs has set the hooks of its thread for asynchronous generators: without them there is none to ask for. */
static int loop_is_running(CoreState *core, PyThreadState *thread)
{
    if (thread->async_gen_firstiter == NULL || core->running_loop == NULL)
        return 0;
    PyObject *loop = PyObject_CallNoArgs(core->running_loop);
    if (loop == NULL)
        PyErr_Clear(); /* whatever it is: helping is no duty */
    int runs = loop != Py_None;
    Py_XDECREF(loop);
    return runs;
}

/* Whether a handler would find here what it finds on a worker, context variables apart. */
static int is_like_worker(CoreState *core)
{
    PyThreadState *thread = PyThreadState_Get();
    return !stack_is_deep(thread) && !exception_is_handled(thread) && !loop_is_running(core, thread);
}

/* mailbox_run_turn with context variables of its own, made when a handler first asks for them; what it sets goes. */
static void run_turn_apart(MailboxObject *mailbox, FutureObject *future, int64_t *now)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *context = thread->context;
    thread->context = NULL;
    thread->context_ver++;
    mailbox_run_turn(mailbox, future, now);
    Py_XSETREF(thread->context, context);
    thread->context_ver++;
}

/* ---- 2 whom to help ---- */

/* Raise RuntimeError for an actor that would wait for what it can do only once its handler has returned. */
static int refuse_self(MailboxObject *mailbox)
{
    PyErr_Format(PyExc_RuntimeError,
                 "get: %S would wait for an answer of its own, which it can give only after this handler; let the "
                 "handler return, and go on with then() and defer()",
                 mailbox->pid);
    return -1;
}

/* The mailbox that this thread may run now for `future`, borrowed; NULL: there is none. */
static MailboxObject *find_target(FutureObject *future, int64_t deadline, int64_t now)
{
    MailboxObject *mailbox = future_is_over(future) ? NULL : (MailboxObject *)future_target(future);
    if (mailbox == NULL || !mailbox->awake || mailbox->running || mailbox->quick < QUICK_TURNS)
        return NULL;
    RunQueueObject *queue = mailbox->queue;
    if (queue == NULL || !queue->helping || queue->orphaned)
        return NULL;
    return deadline >= 0 && deadline - now < HELP_NS ? NULL : mailbox;
}

/* ---- 3 helping: once per ask ---- */

/* Take an actor that has gone out of the queue, if it was the last that came there: no worker need look at it. */
static void help_dequeue(MailboxObject *mailbox, RunQueueObject *queue)
{
    Ring *items = &queue->items;
    if (!mailbox->gone || !mailbox->queued || items->count == 0 ||
        *ring_slot(items, items->count - 1) != (PyObject *)mailbox)
        return;
    mailbox->queued = 0;
    Py_DECREF(ring_take_last(items));
}

/* One turn of the actor that `future` waits for. */
static void help_turn(MailboxObject *mailbox, FutureObject *future, int64_t *now)
{
    RunQueueObject *queue = (RunQueueObject *)Py_NewRef(mailbox->queue);
    queue->busy++;
    queue->helped++;
    Py_INCREF(mailbox);
    run_turn_apart(mailbox, future, now);
    help_dequeue(mailbox, queue);
    Py_DECREF(mailbox);
    run_queue_leave(queue);
    Py_DECREF(queue);
}

/* Help as long as it does; -1 with what a signal handler raised. */
static int help(FutureObject *future, int64_t deadline)
{
    int is_main = is_main_thread(), helps = 1;
    int64_t now = now_ns();
    while (helps && find_target(future, deadline, now) != NULL) {
        if (is_main && interrupts_hold(now) < 0)
            return -1;
        MailboxObject *mailbox = find_target(future, deadline, now); /* a signal handler may have changed everything */
        helps = mailbox != NULL;
        if (helps)
            help_turn(mailbox, future, &now);
        if (is_main && interrupts_release() < 0)
            return -1;
    }
    return 0;
}

int future_help(FutureObject *future, int64_t deadline)
{
    MailboxObject *target = (MailboxObject *)future_target(future);
    if (target == NULL || target->queue == NULL)
        return 0;
    if (target->queue->orphaned)
        return mailbox_refuse_orphan(target);
    if (running_mailbox != NULL && future_awaits(future, (PyObject *)running_mailbox) &&
        (deadline < 0 || deadline > now_ns()))
        return refuse_self(running_mailbox);
    if (running_mailbox != NULL || !is_like_worker(target->queue->core))
        return 0;
    return help(future, deadline);
}
