/* csrc/event.h -- an Event: one call or message on its way to an actor.
 *
 * Who uses it: calls.c makes events, mailbox.c holds them, turn.c serves them. Python sees one only in a filter.
 * Ownership: an event owns all that it refers to; `values[0]` is a free place, where turn.c puts the actor, so that the
 *   arguments need not be copied into a frame of their own.
 * Collector: an event is none of the objects it knows; the mailbox that holds it shows what is inside (event_traverse).
 * Memory: events of up to EVENT_VALUES_KEPT arguments come from a list of free ones, which belongs to the module.
 */
#ifndef LIBACTOR_EVENT_H
#define LIBACTOR_EVENT_H

#include "core.h"

enum { EVENT_DISPATCH, EVENT_TELL, EVENT_EXECUTE, EVENT_MESSAGE, EVENT_SERVED };

enum { EVENT_VALUES_KEPT = 3, EVENTS_FREE_MAX = 1024 };

typedef struct EventObject {
    PyObject_HEAD
    PyObject *what;   /* owned: the method's name; the callable of EXECUTE; the message of MESSAGE */
    PyObject *future; /* owned: of DISPATCH and EXECUTE, who waits for the answer; of MESSAGE the sender, or None */
    PyObject *names;  /* owned tuple: the names of the last arguments; NULL if none has one */
    uint32_t count;   /* arguments, those with a name included */
    uint32_t kind;
    PyObject *values[]; /* [0] is free, [1] to [count] are owned */
} EventObject;

/* A new event with room for `count` arguments, to be filled before anything can fail; NULL with MemoryError.
 * Takes `what` and `future` as new references of its own. */
EventObject *event_new(CoreState *core, int kind, PyObject *what, PyObject *future, Py_ssize_t count);

static inline int event_traverse(EventObject *event, visitproc visit, void *arg)
{
    Py_VISIT(event->what);
    Py_VISIT(event->future);
    for (uint32_t i = 1; i <= event->count; i++)
        Py_VISIT(event->values[i]);
    return 0;
}

/* Whether somebody waits for its answer who was told nothing yet. */
static inline int event_is_call(EventObject *event)
{
    return event->kind == EVENT_DISPATCH || event->kind == EVENT_EXECUTE;
}

void Event_dealloc(PyObject *op); /* by which the type is known */

static inline int event_check(PyObject *object)
{
    return Py_TYPE(object)->tp_dealloc == Event_dealloc;
}

/* Give back the memory of the free events. */
void event_free_all(CoreState *core);

#endif
