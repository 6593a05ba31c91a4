/* csrc/actor.h -- the ActorCell and the Kind as the other files of the core see them.
 *
 * Who includes it: actor.c, which is both types; life.c and runtime.c, which start and end actors.
 */
#ifndef LIBACTOR_ACTOR_H
#define LIBACTOR_ACTOR_H

#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *id;      /* owned text; NULL until __init__ */
    PyObject *process; /* owned; NULL or None before the actor is spawned */
} ActorObject;

/* What is known of one class of actors; it stands in the class, as _libactor_kind. */
typedef struct {
    PyObject_HEAD
    PyTypeObject *owner; /* borrowed: the class; of a subclass that has none of its own yet, another */
    PyObject *name;      /* owned: the name of the class that the prefix was made of */
    PyObject *prefix;    /* owned: of the ids of its actors */
    PyObject *control;   /* owned frozenset: what goes by the control lane; NULL if nothing does */
    uint32_t capacity;   /* of the mailboxes of its actors; 0: no bound */
    unsigned char overflow; /* what becomes of an event for which there is no room */
    unsigned char quick; /* actors that have ended since a turn of one took too long, counted up to KIND_QUICK */
} KindObject;

enum { KIND_QUICK = 4 }; /* that make the next actors fit to be helped from their start */

/* The Kind of `type`, a class of actors; borrowed. NULL with an exception. */
KindObject *kind_of(CoreState *core, PyTypeObject *type);

/* Read a Bounded, or None, for which the capacity is 0; -1 with TypeError. */
int bound_read(CoreState *core, PyObject *bounded, uint32_t *capacity, unsigned char *overflow);

/* Text of `prefix` and the next number: prefix(1), prefix(2). NULL with an exception. */
PyObject *generate_id(CoreState *core, PyObject *prefix);

static inline int actor_check(CoreState *core, PyObject *object)
{
    return PyObject_TypeCheck(object, (PyTypeObject *)core->actor_type);
}

#endif
