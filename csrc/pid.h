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
    PyObject *process;         /* owned: the direct way to the mailbox; that of a supervised actor's newest incarnation */
} PIDObject;

/* A new PID; NULL with MemoryError. May run finalizers. */
PyObject *pid_new(CoreState *core, PyObject *id, PyObject *address, PyObject *process);

/* Have `pid` lead to another process of the same actor id from now on; returns the one before, now the caller's. */
static inline PyObject *pid_lead_to(PyObject *pid, PyObject *process)
{
    PyObject *before = ((PIDObject *)pid)->process;
    ((PIDObject *)pid)->process = Py_NewRef(process);
    return before;
}

/* The mailbox of `pid`, which is of pid_type; borrowed, until code of Python runs: then it may lead elsewhere. */
static inline MailboxObject *pid_mailbox(PyObject *pid)
{
    return (MailboxObject *)((PIDObject *)pid)->process;
}

/* The mailbox that `pid` leads to, a new reference; NULL with TypeError, which names `operation`, or with RuntimeError:
 * the collector has taken it apart. */
MailboxObject *pid_receiver(CoreState *core, PyObject *pid, const char *operation);

#endif
