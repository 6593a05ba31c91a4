/* csrc/values.h -- the ValueCopier for the rest of the core, and what its own files share.
 *
 * Who includes it: values.c, which copies one object, containers.c and objects.c, which walk through the parts of one; and
 *   whoever sends or answers in C, for section 4.
 * Layout: 1 objects  2 steps of values.c  3 steps of the others  4 what the rest of the core calls
 */
#ifndef LIBACTOR_VALUES_H
#define LIBACTOR_VALUES_H

#include "core.h"
#include "memo.h"

/* ---- 1 objects ---- */

typedef struct {
    PyObject_HEAD
    PyObject *plans;     /* owned dict: type -> SHARED, MOVED, a layout or a function */
    PyObject *find_plan; /* owned; type -> its plan, for one that is not in plans */
    PyObject *refuse;    /* owned; (reason, type, where, details) -> the exception */
    PyObject *argument;  /* owned str; `where` of an argument of a call */
    PyObject *deque;     /* owned; collections.deque */
    Py_ssize_t depth_max;
    PyObject *passed;    /* owned; (values, places) -> None, before they pass. Both NULL but in debug mode */
    PyObject *delivered; /* owned; (values) -> None, before the receiver gets them */
} CopierObject;

/* One way through one value, or through the arguments of one call. All but the memo is borrowed from the caller. */
typedef struct {
    CopierObject *copier;
    PyObject *where;          /* with its details; of a call NULL, and instead: */
    PyObject *const *details;
    Py_ssize_t details_count;
    PyObject *name;           /* of what is called */
    PyObject *keywords;       /* tuple: names of the last arguments; NULL: none has one */
    Py_ssize_t count;         /* of the arguments */
    Py_ssize_t index;         /* of the one that is passed now */
    Memo memo;
} Pass;

/* Makes the copy of `value`, whose parts are at `depth`; `plan` is that of its class, NULL for a container. */
typedef PyObject *(*Walk)(Pass *pass, PyObject *value, PyObject *plan, Py_ssize_t depth);

/* Who holds an unaliased part while it is copied: its container, the copy of that as it stood, and the loop. */
enum { UNALIASED = 3 };

/* The commonest types that are SHARED, without a look into plans. */
static inline int kind_is_scalar(PyTypeObject *kind)
{
    return kind == &PyUnicode_Type || kind == &PyLong_Type || kind == Py_TYPE(Py_None) || kind == &PyFloat_Type ||
           kind == &PyBool_Type || kind == &PyBytes_Type;
}

/* ---- 2 steps of values.c ---- */

/* What the receiver gets for `value`, a new reference; NULL with an error. `aliased`: it may be met a second time. */
PyObject *pass_copy(Pass *pass, PyObject *value, Py_ssize_t depth, int aliased);

/* Put the copies of its items into `items`, a list of this pass alone; 1 if one is another object, 0 if none, -1. */
int pass_items(Pass *pass, PyObject *items, Py_ssize_t depth);

/* What the place of the value leaves open, a new tuple: of an argument its name or, from 1, its number, and the call. */
PyObject *pass_details(Pass *pass);

/* 1 if values of this very type are shared, 0 if not, -1 with an error. */
int copier_shares(CopierObject *self, PyTypeObject *kind);

/* ---- 3 steps of the others: containers.c ---- */

/* How values of this very type are copied if it is a built-in container; NULL for any other type. */
Walk copier_walk(CopierObject *self, PyTypeObject *kind);

/* 1 if whatever `items`, a tuple, a set or a frozenset, holds is shared; 0 if not; -1 with an error. */
int copier_shares_all(CopierObject *self, PyObject *items);

/* objects.c: the Walk for whatever else is copied. */
PyObject *object_walk(Pass *pass, PyObject *value, PyObject *plan, Py_ssize_t depth);

/* watch.c: tell debug mode of `values` that are about to pass; 0, or -1 with what it raised. Without it, one test. */
int watch_pass(Pass *pass, PyObject *const *values, Py_ssize_t count);

static inline int pass_is_watched(Pass *pass, PyObject *const *values, Py_ssize_t count)
{
    return pass->copier->passed == NULL ? 0 : watch_pass(pass, values, count);
}

PyObject *Copier_watch(PyObject *op, PyObject *const *arguments, Py_ssize_t count);

/* ---- 4 what the rest of the core calls: `copier` is a ValueCopier ---- */

/* by_value: what the receiver gets for `value`, a new reference; NULL with NotPassable. `where % details` names it. */
PyObject *copier_pass_one(CopierObject *self, PyObject *value, PyObject *where, PyObject *const *details,
                          Py_ssize_t details_count);

/* Whether values of this type hand over what they hold: those that move() makes. */
int copier_moves(PyObject *copier, PyTypeObject *kind);

/* The rest of copier_pass_call, from the first value that is no scalar. */
int copier_pass_from(CopierObject *self, PyObject **values, Py_ssize_t first, Py_ssize_t count, PyObject *keywords,
                     PyObject *name);

static inline PyObject *copier_pass(PyObject *copier, PyObject *value, PyObject *where, PyObject *const *details,
                                    Py_ssize_t details_count)
{
    if (kind_is_scalar(Py_TYPE(value)))
        return Py_NewRef(value);
    return copier_pass_one((CopierObject *)copier, value, where, details, details_count);
}

/* Tell debug mode of `values`, which their receiver is about to get; 0, or -1 with what it raised. */
int watch_delivery(CopierObject *self, PyObject *const *values, Py_ssize_t count);

static inline int copier_deliver(PyObject *copier, PyObject *const *values, Py_ssize_t count)
{
    CopierObject *self = (CopierObject *)copier;
    return self->delivered == NULL ? 0 : watch_delivery(self, values, count);
}

/* Replace each of `values`, owned references to the arguments of a call of `name`, by what the receiver gets; 0, or -1
 * with NotPassable and every entry still owned. `keywords`, a tuple or NULL, names the last of them, as in vectorcall.
 * What is one object among the arguments becomes one copy. Shared values cost a look at their types, and no memory. */
static inline int copier_pass_call(PyObject *copier, PyObject **values, Py_ssize_t count, PyObject *keywords,
                                   PyObject *name)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (!kind_is_scalar(Py_TYPE(values[i])))
            return copier_pass_from((CopierObject *)copier, values, i, count, keywords, name);
    return 0;
}

/* As above, of a call without arguments by name. */
static inline int copier_pass_all(PyObject *copier, PyObject **values, Py_ssize_t count, PyObject *name)
{
    return copier_pass_call(copier, values, count, NULL, name);
}

#endif
