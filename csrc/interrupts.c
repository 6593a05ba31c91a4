/* csrc/interrupts.c -- signals, kept back while a handler of an actor runs in the main thread.
 *
 * Who calls: help.c, around each turn that the main thread makes.
 * Python runs its signal handlers in the main thread, between any two instructions: what one raises (KeyboardInterrupt,
 * SystemExit) would break off the actor's handler in the middle, and come out of the actor instead of the program. So a
 * handler of ours stands in front of Python's. While it is to hold, it keeps signals, and hands them on once the actor's
 * handler has ended; a second SIGINT or SIGTERM goes through at once, for a handler that does not end.
 * Python's table of handlers is not touched: asyncio and whoever else asks finds what was there.
 * It stands in front of Python's own handler only. Somebody else's (faulthandler's, say) may stand in front of ours, and
 *   take it for the next in a chain; to stand in front of that one again would close a ring.
 * The variables are the process's, as signals are.
 * Layout: 1 the handler  2 standing in front  3 holding
 */
#include "interrupts.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHECKED_NS = 1000000, SIGNALS = 32 /* those that have names */ };

/* ---- 1 the handler ---- */

static void (*pythons)(int);             /* what Python does on a signal; NULL: not known yet */
static volatile sig_atomic_t holds;      /* the main thread is inside a handler of an actor */
static volatile sig_atomic_t kept_any;   /* a signal came meanwhile */
static volatile sig_atomic_t kept[SIGNALS];
static int64_t checked;                  /* when ours was last looked after */

static void on_signal(int number)
{
    int saved = errno;
    if (holds && !(kept[number] && (number == SIGINT || number == SIGTERM)))
        kept[number] = kept_any = 1;
    else
        pythons(number);
    errno = saved;
}

int help_is_interrupted(void)
{
    return kept_any != 0;
}

/* ---- 2 standing in front ---- */

/* Whether Python may have put its handler for this signal. */
static int signal_look(int number, struct sigaction *present)
{
    return sigaction(number, NULL, present) == 0 && (present->sa_flags & SA_SIGINFO) == 0 &&
           present->sa_handler != SIG_DFL && present->sa_handler != SIG_IGN;
}

void interrupts_learn(void)
{
    struct sigaction present;
    if (pythons == NULL && signal_look(SIGINT, &present))
        pythons = present.sa_handler;
}

/* See that ours is in front of Python's, which signal.signal puts back; once in a while, since it is system calls. */
static void interrupts_guard(int64_t now)
{
    if (now - checked < CHECKED_NS)
        return;
    checked = now;
    interrupts_learn();
    for (int number = 1; pythons != NULL && number < SIGNALS; number++) {
        struct sigaction present;
        if (!signal_look(number, &present) || present.sa_handler != pythons)
            continue;
        present.sa_handler = on_signal;
        (void)sigaction(number, &present, NULL);
    }
}

static _Thread_local int known_main = -1;

int is_main_thread(void)
{
    if (known_main < 0)
        known_main = getpid() == (pid_t)syscall(SYS_gettid);
    return known_main;
}

/* ---- 3 holding ---- */

int interrupts_hold(int64_t now)
{
    interrupts_guard(now);
    holds = 1;
    if (PyErr_CheckSignals() == 0) /* what came before is not to come out of the handler */
        return 0;
    holds = 0;
    return -1;
}

int interrupts_release(void)
{
    holds = 0;
    if (!kept_any)
        return 0;
    kept_any = 0;
    for (int number = 1; number < SIGNALS; number++)
        if (kept[number]) {
            kept[number] = 0;
            PyErr_SetInterruptEx(number);
        }
    return PyErr_Occurred() ? 0 : PyErr_CheckSignals(); /* beside an exception they are noticed a little later */
}

void help_forget(void)
{
    holds = kept_any = 0;
    for (int number = 1; number < SIGNALS; number++)
        kept[number] = 0;
    known_main = -1; /* the thread that forked is the main one of the child */
}
