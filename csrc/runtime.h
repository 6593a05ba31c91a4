/* csrc/runtime.h -- the RuntimeCell as the other files of the core see it.
 *
 * Who includes it: runtime.c, which is the type; life.c, which takes an actor out of it;
 * stepping.c, for those that stand for actors elsewhere.
 */
#ifndef LIBACTOR_RUNTIME_H
#define LIBACTOR_RUNTIME_H

#include "mailbox.h"

typedef struct {
    PyObject_HEAD
    PyObject *address;     /* owned text: what its PIDs have after the @ */
    RunQueueObject *queue; /* owned */
    PyObject *processes;   /* owned dict: id to process of each live actor, in order of spawning */
    unsigned long long spawned; /* actors so far */
    PyObject *current;     /* owned: the ChannelCell by which what is plain goes to where it stands for; NULL or None */
    char closed;           /* nothing is spawned any more */
} RuntimeObject;

/* Take a process that ends out of the table. */
void runtime_forget(RuntimeObject *self, MailboxObject *process);

/* stepping.c */
PyObject *RuntimeCell_stand_in(PyObject *op, PyObject *const *arguments, Py_ssize_t count);

#endif
