/* csrc/layout.h -- what an object of a class consists of, as C reads it: see libactor/_core/layouts.py.
 *
 * Who includes it: objects.c, which copies objects and has the functions below; pack.c and unpack.c, which write and
 *   make them. No code of a class runs for any of it.
 */
#ifndef LIBACTOR_LAYOUT_H
#define LIBACTOR_LAYOUT_H

#include "core.h"

/* The fields of a Layout, in their order. All borrowed from the plan. */
typedef struct {
    PyTypeObject *kind;
    PyObject *slots;   /* tuple of member descriptors */
    PyObject *state;   /* the descriptor of the __dict__ of an instance; None: it has none */
    int has_items;     /* it is a tuple */
    int is_frozen;     /* one whose parts all pass themselves passes itself */
    PyObject *shallow; /* makes a shallow copy; None: an empty object will do */
} Layout;

/* 0, or -1 with TypeError if `plan` is no layout. */
int layout_parse(Layout *layout, PyObject *plan);

/* Where `slot` lies in `object`; NULL with TypeError if it has none there. */
PyObject **layout_slot(PyObject *object, PyObject *slot);

#endif
