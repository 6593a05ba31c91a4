/* csrc/calls.h -- the steps of a call that calls.c and deferred.c share.
 *
 * Ownership: what a function takes is borrowed, unless it says that it is consumed.
 */
#ifndef LIBACTOR_CALLS_H
#define LIBACTOR_CALLS_H

#include "mailbox.h"

/* The mailbox of `pid`, which is of pid_type; borrowed; NULL for a PID that somebody has made of something else. */
static inline MailboxObject *call_mailbox(CoreState *core, PyObject *pid)
{
    PyObject *process = *(PyObject **)((char *)pid + core->pid_process_offset);
    if (process == NULL || !PyObject_TypeCheck(process, (PyTypeObject *)core->mailbox_type))
        return NULL;
    return (MailboxObject *)process;
}

/* The mailbox that `pid` leads to, borrowed; NULL with TypeError. */
MailboxObject *call_receiver(CoreState *core, PyObject *pid, const char *operation);

/* The name of `method`, borrowed, if it is a plain function that the class of the actor has by its name; else NULL
 * without an exception. */
PyObject *call_plain_method(MailboxObject *mailbox, PyObject *method);

/* Deliver `event`, which is consumed and may be NULL, whose answer `future`, consumed too, waits for; the future. */
PyObject *call_ask(MailboxObject *mailbox, EventObject *event, FutureObject *future);

#endif
