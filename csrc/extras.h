/* csrc/extras.h -- what only few actors have, beside their mailbox: made when first needed, gone with the mailbox.
 *
 * Who includes it: mailbox.h, whose type owns one or none. A mailbox without costs one pointer, and one look at it per
 *   event.
 * The control lane: events that are served ahead of all others, in their order, and that no bound refuses.
 * Held: a handler that lets nothing else in has not come to its end; what is sent waits, except in the control lane.
 *   How many such there are is counted.
 * Tasks: coroutines that have awaited and are not at their end (coroutine.h). While that of on_start or on_stop is
 *   suspended (`life`), not even the control lane is served.
 * Parts: what ends with the actor, each by its end(process): timers, say.
 * The bound (lanes.c) counts the calls and messages in the ordinary ring, and nothing else: the ends of links, say, are
 *   let in and stand there uncounted.
 * The stash (stash.c): calls and messages that a handler has set aside; no other thread looks at it.
 */
#ifndef LIBACTOR_EXTRAS_H
#define LIBACTOR_EXTRAS_H

#include "ring.h"
#include "waiter.h"

typedef struct {
    Ring urgent;     /* the control lane */
    PyObject *parts; /* owned list; NULL before the first */
    unsigned char overflow; /* what becomes of an event for which there is no room */
    uint32_t capacity;      /* calls and messages that may wait; 0: as many as come */
    uint32_t waiting;       /* those that do, while there is a bound */
    uint32_t places;        /* kept for threads that were woken to put theirs in */
    uint64_t overflows;     /* events that found no room, or made it for another */
    Waiter *blocked;        /* threads that wait for room, the last that came first */
    PyObject *control;      /* owned frozenset: names of methods, classes of messages, that go by the lane; or NULL */
    Ring stash;             /* what was set aside, the first of it first */
    PyObject *aside;        /* borrowed: the event being served, if it is to be set aside; else NULL */
    struct TaskObject *oldest, *newest; /* owned: the tasks, in order of their first suspension */
    struct TaskObject *life;            /* borrowed: the suspended one of on_start or on_stop, or NULL */
    uint32_t suspended;                 /* tasks that wait now */
    uint32_t overdue;                   /* those that are to go on, and for which there was no memory in a lane */
    uint32_t held;  /* if not 0, only the control lane, and a termination ahead of what waits, are served */
    char life_due;  /* what `life` waited for has come */
} MailboxExtras;

#endif
