/* csrc/hops.h -- hops: from one future of a chain to the next, without a deep stack.
 *
 * Who calls: csrc/step.c and csrc/future.c wherever one future makes another complete, discard or abandon; Python code
 *   that does the same (libactor/combinators.py, iteration.py) by the functions `hop` and `hop_on` of the module.
 * Twin: libactor/_core/_hops.py, where the invariant is written down. Each thread has its own.
 */
#ifndef LIBACTOR_HOPS_H
#define LIBACTOR_HOPS_H

#include "core.h"

/* What a hop does; 0, or -1 with what passes through: KeyboardInterrupt and its like, or what a reporter raised. */
typedef int (*HopAction)(PyObject *object, PyObject *argument);

/* Do it now or, when HOPS_MAX stand on the stack, as soon as it has unwound. Borrows; `argument` may be NULL. */
int hop_make(HopAction action, PyObject *object, PyObject *argument);

/* Do all that was put off. 0, or -1 with the first exception, after all were done. */
int hop_on(void);

PyObject *native_hop(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_hop_on(PyObject *module, PyObject *none);

#endif
