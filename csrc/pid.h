/* csrc/pid.h -- the PID as the other files of the core see it.
 *
 * Who includes it: pid.c, which is the type; calls.c and runtime.c, which go from a PID to the mailbox; life.c.
 * A PID and the mailbox that it leads to own each other while the actor lives. Once it has gone the PID alone owns the
 *   mailbox (`lent`), so that both go with the last who has the PID, and not by the collector; should somebody else have
 *   the mailbox by then, both are as before.
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

/* The actor has gone: its mailbox owns its PID no more, if that leads here and somebody else has it. */
static inline void pid_lend(MailboxObject *mailbox)
{
    PyObject *pid = mailbox->pid;
    if (pid == NULL || mailbox->lent || Py_REFCNT(pid) == 1 || ((PIDObject *)pid)->process != (PyObject *)mailbox)
        return;
    mailbox->lent = 1;
    Py_DECREF(pid);
}

/* The mailbox owns `pid` again, if that was lent. */
static inline void pid_take_back(MailboxObject *mailbox, PyObject *pid)
{
    if (!mailbox->lent || mailbox->pid != pid)
        return;
    mailbox->lent = 0;
    Py_INCREF(pid);
}

/* Have `pid` lead to another process of the same actor id from now on; returns the one before, now the caller's. */
static inline PyObject *pid_lead_to(PyObject *pid, PyObject *process)
{
    PyObject *before = ((PIDObject *)pid)->process;
    pid_take_back((MailboxObject *)before, pid);
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
