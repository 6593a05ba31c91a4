/* csrc/policy.h -- what the C core is told by Python once. */
#ifndef LIBACTOR_POLICY_H
#define LIBACTOR_POLICY_H

#include "core.h"

/* configure(**policies) of the module: TypeError for an unknown name or a type that the core can not make. */
PyObject *policy_configure(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* set_reporters(unobserved, callback) of the module. */
PyObject *policy_set_reporters(PyObject *module, PyObject *arguments, PyObject *keywords);

int policy_traverse(CoreState *state, visitproc visit, void *arg);
void policy_clear(CoreState *state);

#endif
