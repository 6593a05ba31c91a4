/* csrc/values.h -- what the two files of the ValueCopier share: the object, one pass through a value, the steps.
 *
 * Who includes it: values.c, which copies one object, and containers.c, which walks through the built-in ones.
 * Layout: 1 objects  2 steps of values.c  3 steps of containers.c
 */
#ifndef LIBACTOR_VALUES_H
#define LIBACTOR_VALUES_H

#include "core.h"
#include "memo.h"

/* ---- 1 objects ---- */

typedef struct {
    PyObject_HEAD
    PyObject *plans;     /* owned dict: type -> SHARED, MOVED or a rule */
    PyObject *find_plan; /* owned; type -> its plan, for one that is not in plans */
    PyObject *refuse;    /* owned; (reason, type, where, details) -> the exception */
    PyObject *argument;  /* owned str; `where` of all_by_value */
    PyObject *deque;     /* owned; collections.deque */
    Py_ssize_t depth_max;
} CopierObject;

/* One way through one value. All but the memo is borrowed from the caller of by_value. */
typedef struct {
    CopierObject *copier;
    PyObject *where;
    PyObject *const *details;
    Py_ssize_t details_count;
    Memo memo;
} Pass;

/* Makes the copy of `value`, whose parts are at `depth`. */
typedef PyObject *(*Walk)(Pass *pass, PyObject *value, PyObject *rule, Py_ssize_t depth);

/* Who holds an unaliased part while it is copied: its container, the copy of that as it stood, and the loop. */
enum { UNALIASED = 3, UNKNOWN_HOLDERS = 0 };

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
int pass_items(Pass *pass, PyObject *items, Py_ssize_t depth, Py_ssize_t holders);

/* 1 if values of this very type are shared, 0 if not, -1 with an error. */
int copier_shares(CopierObject *self, PyTypeObject *kind);

/* ---- 3 steps of containers.c ---- */

/* How values of this very type are copied if it is a built-in container; NULL for any other type. */
Walk copier_walk(CopierObject *self, PyTypeObject *kind);

/* 1 if whatever `items`, a tuple, a set or a frozenset, holds is shared; 0 if not; -1 with an error. */
int copier_shares_all(CopierObject *self, PyObject *items);

#endif
