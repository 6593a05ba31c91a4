/* csrc/future.h -- the FutureCell as the other files of the core see it.
 *
 * Who includes it: csrc/future.c, step.c and future_methods.c, and those that make futures and complete them.
 * Whatever answers -1 has called callbacks, one of which was interrupted (KeyboardInterrupt and its like), or a reporter
 *   that raised: the exception is set, and all that was to be done has been done all the same.
 */
#ifndef LIBACTOR_FUTURE_H
#define LIBACTOR_FUTURE_H

#include "callbacks.h"
#include "core.h"

enum {
    DISCARD_REQUESTED = 1,
    ABANDONED = 2,
    OBSERVED = 4,    /* a failure was looked at, or is awaited */
    PER_READER = 8,  /* the value is mutable and came from an actor: each reader gets a copy */
    HANDED_OVER = 16 /* one reader got the value itself, as the last who could ask */
};

/* How a future comes out of the one upstream: what acts on an outcome by a function, or none; and more. */
enum { NO_STEP, THEN, REPAIR, RECOVER, MIRROR, STEP_MASK = 7, KEEPS_DISCARDS = 8, ANSWERS = 16 };

typedef struct FutureObject {
    PyObject_HEAD
    PyObject *weak_references;     /* borrowed list head, kept by the weakref machinery */
    PyObject *value;               /* owned; while PENDING the cause of abandonment or NULL; NULL also once collected */
    Callbacks callbacks;           /* empty unless PENDING */
    PyObject *target;              /* borrowed: the mailbox that holds the call this is the answer of; NULL once served */
    struct FutureObject *upstream; /* borrowed: the future this one is a step of, until that step is made or cannot be */
    PyObject *function;            /* owned: that of the step; NULL in a mirror, and once called */
    unsigned char state;           /* PENDING, READY, FAILED or DISCARDED; leaves PENDING once */
    unsigned char flags;           /* of the first enum above */
    unsigned char step;            /* of the second, while there is an upstream */
} FutureObject;

/* The collector looks only at cells that hold something that could be part of a cycle. */
static inline void future_track(FutureObject *self)
{
    if (!PyObject_GC_IsTracked((PyObject *)self))
        PyObject_GC_Track(self);
}

/* ---- future.c ---- */

/* A pending future of the class that the policy names (future_type); NULL with an exception. */
FutureObject *future_new(CoreState *core);

/* The state of the module that a cell is of; NULL, without an exception, when the interpreter shuts down. */
CoreState *future_core(FutureObject *self);

/* 1 if `op` is a FutureCell of this core. Most values are told by their type alone. */
static inline int future_check(CoreState *core, PyObject *op)
{
    return PyType_IS_GC(Py_TYPE(op)) && PyObject_TypeCheck(op, (PyTypeObject *)core->cell_type);
}

/* 1 if `op` is a FutureCell of the same core as `self`. */
static inline int future_is_fellow(FutureObject *self, PyObject *op)
{
    if (!PyType_IS_GC(Py_TYPE(op)))
        return 0;
    CoreState *core = Py_IS_TYPE(op, Py_TYPE(self)) ? NULL : future_core(self);
    return Py_IS_TYPE(op, Py_TYPE(self)) || (core != NULL && future_check(core, op));
}

/* 1 if the cell has left PENDING for `state` by this call, 0 if it had before, -1 if a callback was interrupted. */
int future_complete(FutureObject *self, int state, PyObject *value);

/* As future_complete with READY; `per_reader`: a mutable value that came from an actor, so each reader gets a copy. */
int future_answer(FutureObject *self, PyObject *value, int per_reader);

/* As future_complete, for the flag that nobody is left to complete it; `cause` is why, or NULL. */
int future_abandon(FutureObject *self, PyObject *cause);

/* As future_complete, for the request to give up. */
int future_discard(FutureObject *self);

/* future_discard as a hop (csrc/hops.h): 0 or -1. */
int future_pass_discard(FutureObject *source);

/* Call `function` when `kind` happens: now, if it has. 0, or -1 also if there is no memory. */
int future_subscribe(FutureObject *self, int kind, PyObject *function);

/* Let a Gather hear what comes of `self`; 0, or -1 as future_subscribe. */
int future_join(FutureObject *self, PyObject *gather);

/* The value as one reader gets it: owned, NULL if it could not be copied. The cell is READY or FAILED. */
PyObject *future_read(FutureObject *self);

/* As future_read, by a call that may be the last who can ask. */
PyObject *future_read_once(FutureObject *self);

/* Whether nobody need wait any more: it is complete, or nobody is left to complete it. */
static inline int future_is_over(const FutureObject *future)
{
    return future->state != PENDING || (future->flags & ABANDONED) != 0;
}

/* ---- step.c ---- */

/* 0 if `function` can be called and is no `async def`, which nobody would run; else -1 with TypeError. */
int step_check_function(const char *operation, PyObject *function);

/* Let `source` deliver to `result` by `step`; 0, or -1 also if there is no memory. */
int step_begin(FutureObject *source, FutureObject *result, int step, PyObject *function);

/* 1 if `self` follows `source` from now on, 0 if it is complete or follows another; with `how` KEEPS_DISCARDS discards
 * do not reach the source, with ANSWERS the value leaves an actor: it is passed by value. */
int future_follow(FutureObject *self, FutureObject *source, int how);

/* What the future, or what it comes from, waits for: a mailbox, borrowed; NULL if there is none. Of a coroutine that
 * awaits it is what that waits for. */
PyObject *future_target(FutureObject *self);

/* Whether the future can only come out by a turn of `mailbox`. */
int future_awaits(FutureObject *self, PyObject *mailbox);

/* What a source does with the step in its callbacks, as hops: when it is complete, abandoned, goes away. */
int step_arrive(PyObject *result, PyObject *source);
int step_lose(PyObject *result, PyObject *source);
void step_cut(FutureObject *result, FutureObject *source);

/* The future that a discard of this one reaches; borrowed, NULL if there is none. */
FutureObject *step_source(FutureObject *result);

PyObject *FutureCell_then(PyObject *op, PyObject *function);
PyObject *FutureCell_repair(PyObject *op, PyObject *function);
PyObject *FutureCell_recover(PyObject *op, PyObject *function);
PyObject *FutureCell_follow(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* ---- gather.c ---- */

/* What an awaited future does with a task in its callbacks, as a hop (coroutine.c). */
int task_arrive(PyObject *task, PyObject *awaited);

/* What the future of a call from another host does with the Reply in its callbacks, as a hop (channel_calls.c). */
int reply_arrive(PyObject *reply, PyObject *future);

/* What a member does with a Gather in its callbacks, as hops: when it is complete, abandoned. */
int gather_arrive(PyObject *gather, PyObject *member);
int gather_lose(PyObject *gather, PyObject *member);

PyObject *native_gather(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- future_methods.c ---- */

/* Come back once the future is ready; -1 with what there is to raise: its failure, or that it did not become so. */
int future_wait(FutureObject *self, PyObject *timeout);

extern PyMethodDef future_methods[];

#endif
