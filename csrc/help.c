/* csrc/help.c -- helping: a thread outside the actors that waits runs the actor it waits for.
 *
 * Why: an ask then costs no switch of threads, which is most of what it would cost (bench/: ask). Why C: once per ask.
 * Twin: libactor/_core/_helping.py.
 * Rules: 1. only the actor that the future leads to is run, never a stranger's, and only what it was sent before the
 *   answer comes.    2. only an actor whose last turns were quick: a handler that blocks would keep the waiting thread
 *   from its timeout and from Ctrl-C.    3. not with less than HELP_NS left before the timeout.    4. not inside a
 *   handler: helping there would stack actors on one another and deadlock (libactor/worker.py).
 *   5. Ctrl-C comes between handlers.    6. only where a handler sees nothing of the thread it runs in: not inside an
 *   event loop, not while an exception is handled, not deep in a recursion; context variables are its own.
 * Ctrl-C: while a handler runs in the main thread, a SIGINT is kept by a handler in front of Python's own, and handed
 *   on as soon as the handler has ended; a second one goes through at once. Python's table of handlers is not touched,
 *   so that asyncio and whoever else asks finds what was there.
 * Layout: 1 Ctrl-C  2 helping
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "help.h"
#include "mailbox.h"

enum { HELP_NS = 5000000, INTERRUPTS_CHECKED_NS = 1000000 };

/* ---- 1 Ctrl-C ---- */

static struct sigaction behind;               /* what was there before ours: Python's */
static volatile sig_atomic_t interrupts_held; /* the main thread is inside a handler of an actor */
static volatile sig_atomic_t interrupts_kept; /* SIGINTs that came meanwhile */
static int64_t interrupts_checked;            /* when ours was last seen to be in front */

static void on_interrupt(int number)
{
    int saved = errno;
    if (interrupts_held && interrupts_kept == 0)
        interrupts_kept = 1;
    else
        behind.sa_handler(number);
    errno = saved;
}

/* Put our handler in front of the one that is there, which whoever calls signal.signal puts back; not in front of one
 * that ends the process or does nothing. */
static void interrupts_guard(int64_t now)
{
    if (now - interrupts_checked < INTERRUPTS_CHECKED_NS)
        return;
    interrupts_checked = now;
    struct sigaction present;
    if (sigaction(SIGINT, NULL, &present) < 0 || (present.sa_flags & SA_SIGINFO) != 0 ||
        present.sa_handler == SIG_DFL || present.sa_handler == SIG_IGN || present.sa_handler == on_interrupt)
        return;
    behind = present;
    present.sa_handler = on_interrupt;
    (void)sigaction(SIGINT, &present, NULL);
}

/* Whether this is the thread that Python's signal handlers run in. */
static int is_main_thread(void)
{
    static _Thread_local int known = -1;
    if (known < 0)
        known = getpid() == (pid_t)syscall(SYS_gettid);
    return known;
}

int help_is_interrupted(void)
{
    return interrupts_kept != 0;
}

void help_forget(void)
{
    interrupts_held = interrupts_kept = 0;
}

/* Hand on the SIGINT that was kept; 0, or -1 with what Python's handler raised. */
static int interrupts_release(void)
{
    interrupts_held = 0;
    if (interrupts_kept == 0)
        return 0;
    interrupts_kept = 0;
    PyErr_SetInterruptEx(SIGINT);
    return PyErr_Occurred() ? 0 : PyErr_CheckSignals(); /* beside an exception it is noticed a little later */
}

/* ---- 2 helping ---- */

/* Whether this thread may run `mailbox` now. */
static int may_help(MailboxObject *mailbox)
{
    RunQueueObject *queue = mailbox->queue;
    return queue != NULL && queue->helping && !queue->orphaned && mailbox->awake && !mailbox->running &&
           mailbox->quick >= QUICK_TURNS;
}

/* mailbox_run_turn with context variables of its own, made when a handler first asks for them; what it sets goes. */
static int run_turn_apart(MailboxObject *mailbox, FutureObject *future, int64_t *now)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *context = thread->context;
    thread->context = NULL;
    thread->context_ver++;
    int answer = mailbox_run_turn(mailbox, future, now);
    Py_XSETREF(thread->context, context);
    thread->context_ver++;
    return answer;
}

/* One turn of the actor that `future` waits for; -1 with what Ctrl-C or a callback raised. */
static int help_turn(MailboxObject *mailbox, FutureObject *future, int64_t *now)
{
    RunQueueObject *queue = (RunQueueObject *)Py_NewRef(mailbox->queue);
    int is_main = is_main_thread();
    if (is_main) {
        interrupts_guard(*now);
        interrupts_held = 1;
    }
    int answer = -1;
    if (!is_main || PyErr_CheckSignals() == 0) { /* what came before is not to come out of the handler */
        queue->busy++;
        answer = run_turn_apart(mailbox, future, now);
        run_queue_leave(queue);
    }
    Py_DECREF(queue);
    if (is_main && interrupts_release() < 0)
        answer = -1;
    return answer;
}

/* Whether a handler in this thread would see nothing of it: no exception in progress, no running event loop, and room
 * on the stack. -1 with an exception. */
static int help_goes_unseen(CoreState *core)
{
    PyThreadState *thread = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030C0000
    int left = thread->py_recursion_remaining, limit = thread->py_recursion_limit;
#else
    int left = thread->recursion_remaining, limit = thread->recursion_limit;
#endif
    if (left < limit / 2)
        return 0;
    PyObject *handled = PyErr_GetHandledException();
    Py_XDECREF(handled);
    if (handled != NULL)
        return 0;
    if (core->running_loop == NULL)
        return 1;
    PyObject *loop = PyObject_CallNoArgs(core->running_loop);
    Py_XDECREF(loop);
    return loop == NULL ? -1 : loop == Py_None;
}

/* Raise RuntimeError for an actor that would wait for what it can do only once its handler has returned. */
static int refuse_self(MailboxObject *mailbox)
{
    PyErr_Format(PyExc_RuntimeError,
                 "get: %S would wait for an answer of its own, which it can give only after this handler; let the "
                 "handler return, and go on with then() and defer()",
                 mailbox->pid);
    return -1;
}

int future_help(FutureObject *future, int64_t deadline)
{
    MailboxObject *target = (MailboxObject *)future_target(future);
    if (target != NULL && target->queue != NULL && target->queue->orphaned)
        return mailbox_refuse_orphan(target);
    if (target != NULL && target == running_mailbox && (deadline < 0 || deadline > now_ns()))
        return refuse_self(target);
    if (running_mailbox != NULL)
        return 0;
    int64_t now = 0;
    while (!future_is_over(future)) {
        MailboxObject *mailbox = (MailboxObject *)future_target(future);
        if (mailbox == NULL || !may_help(mailbox))
            return 0;
        if (now == 0) {
            int unseen = help_goes_unseen(mailbox->queue->core);
            if (unseen <= 0)
                return unseen;
            now = now_ns();
        }
        if (deadline >= 0 && deadline - now < HELP_NS)
            return 0;
        if (help_turn(mailbox, future, &now) < 0)
            return -1;
    }
    return 0;
}
