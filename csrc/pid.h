/* csrc/pid.h -- the PID as the other files of the core see it.
 *
 * Who includes it: pid.c, which is the type; calls.c and runtime.c, which go from a PID to the mailbox.
 */
#ifndef LIBACTOR_PID_H
#define LIBACTOR_PID_H

#include "mailbox.h"

typedef struct {
    PyObject_HEAD
    PyObject *weak_references; /* borrowed list head, kept by the weakref machinery */
    PyObject *id;              /* owned text */
    PyObject *address;         /* owned text */
    PyObject *process;         /* owned: the direct way to the mailbox */
} PIDObject;

/* A new PID; NULL with MemoryError. May run finalizers. */
PyObject *pid_new(CoreState *core, PyObject *id, PyObject *address, PyObject *process);

/* The mailbox of `pid`, which is of pid_type; borrowed. */
static inline MailboxObject *pid_mailbox(PyObject *pid)
{
    return (MailboxObject *)((PIDObject *)pid)->process;
}

/* The mailbox that `pid` leads to, borrowed; NULL with TypeError, which names `operation`. */
MailboxObject *pid_receiver(CoreState *core, PyObject *pid, const char *operation);

#endif
