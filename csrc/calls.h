/* csrc/calls.h -- the steps of a call that calls.c and deferred.c share.
 *
 * Ownership: what a function takes is borrowed, unless it says that it is consumed.
 */
#ifndef LIBACTOR_CALLS_H
#define LIBACTOR_CALLS_H

#include "mailbox.h"

/* The name of `method`, borrowed, if it is a plain function that the class of the actor has by its name; else NULL
 * without an exception. */
PyObject *call_plain_method(MailboxObject *mailbox, PyObject *method);

/* Deliver `event`, which is consumed and may be NULL, whose answer `future`, consumed too, waits for; the future. One
 * who is `patient` may wait for room in a bounded mailbox. */
PyObject *call_ask(MailboxObject *mailbox, EventObject *event, FutureObject *future, int patient);

#endif
