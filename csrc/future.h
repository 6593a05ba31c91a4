/* csrc/future.h -- the FutureCell as the other files of the core see it.
 *
 * Who includes it: csrc/future.c, and those that make futures and complete them.
 */
#ifndef LIBACTOR_FUTURE_H
#define LIBACTOR_FUTURE_H

#include "callbacks.h"
#include "core.h"

enum { DISCARD_REQUESTED = 1, ABANDONED = 2, OBSERVED = 4 };

typedef struct {
    PyObject_HEAD
    PyObject *weak_references; /* borrowed list head, kept by the weakref machinery */
    PyObject *value;           /* owned; NULL while PENDING, and after the collector has cleared the cell */
    Callbacks callbacks;       /* empty unless PENDING */
    PyObject *target;          /* borrowed: the mailbox that holds the call this is the answer of; NULL once served */
    unsigned char state;       /* PENDING, READY, FAILED or DISCARDED; leaves PENDING once */
    unsigned char flags;       /* DISCARD_REQUESTED, ABANDONED, OBSERVED: a failure was looked at, or is awaited */
} FutureObject;

/* A pending future of the class that the policy names (future_type); NULL with an exception. */
FutureObject *future_new(CoreState *core);

/* 1 if the cell has left PENDING for `state` by this call, 0 if it had before, -1 if a callback was interrupted. */
int future_complete(FutureObject *self, int state, PyObject *value);

/* As future_complete, for the flag that nobody is left to complete it. */
int future_abandon(FutureObject *self);

#endif
