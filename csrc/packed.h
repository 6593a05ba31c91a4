/* csrc/packed.h -- whether bytes from a stranger are msgpack as we write it; see packed.c. */
#ifndef LIBACTOR_PACKED_H
#define LIBACTOR_PACKED_H

#include "core.h"

PyObject *native_check_packed(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
