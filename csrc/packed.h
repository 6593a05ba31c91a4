/* csrc/packed.h -- values as bytes that other hosts read: pack.c writes, packed.c looks at, unpack.c reads them.
 *
 * Who includes it: those, and module.c.
 */
#ifndef LIBACTOR_PACKED_H
#define LIBACTOR_PACKED_H

#include "core.h"

#define NESTING_MAX 1024 /* of depth_max: 4 KiB of the stack of a look, half a megabyte of that of a reader */

/* 0 if the argument is a depth, else -1 with an exception. */
int packed_read_depth(const char *operation, PyObject *argument, Py_ssize_t *depth_max);

PyObject *native_check_packed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_pack(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_unpack(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
