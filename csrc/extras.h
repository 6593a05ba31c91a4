/* csrc/extras.h -- what only few actors have, beside their mailbox: made when first needed, gone with the mailbox.
 *
 * Who includes it: mailbox.h, whose type owns one or none. A mailbox without costs one pointer, and one look at it per
 *   event.
 * The control lane: events that are served ahead of all others, in their order, and that no bound refuses.
 * Held: a handler that lets nothing else in has not come to its end; what is sent waits, except in the control lane.
 * Parts: what ends with the actor, each by its end(process): timers, say.
 */
#ifndef LIBACTOR_EXTRAS_H
#define LIBACTOR_EXTRAS_H

#include "ring.h"

typedef struct {
    Ring urgent;     /* the control lane */
    PyObject *parts; /* owned list; NULL before the first */
    char held;       /* only the control lane, and a termination ahead of what waits, are served */
} MailboxExtras;

#endif
