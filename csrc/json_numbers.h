/* csrc/json_numbers.h -- the same numbers of each of many things, packed and as JSON; see json_numbers.c. */
#ifndef LIBACTOR_JSON_NUMBERS_H
#define LIBACTOR_JSON_NUMBERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *native_pack_numbers(PyObject *module, PyObject *values);
PyObject *native_join_numbers(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
