/* csrc/moved.h -- the Moved as the copier of values sees it; see moved.c.
 */
#ifndef LIBACTOR_MOVED_H
#define LIBACTOR_MOVED_H

#include "core.h"

typedef struct {
    PyObject_HEAD
    PyObject *value; /* owned */
} MovedObject;

void Moved_dealloc(PyObject *op); /* by which the type is known */

static inline int moved_check(PyObject *object)
{
    return Py_TYPE(object)->tp_dealloc == Moved_dealloc;
}

#endif
