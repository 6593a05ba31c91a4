/* csrc/json_parts.h -- where the members of a JSON array or object are; see json_parts.c. */
#ifndef LIBACTOR_JSON_PARTS_H
#define LIBACTOR_JSON_PARTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *native_json_parts(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
