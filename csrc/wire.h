/* csrc/wire.h -- frames between hosts: one length and one flat msgpack array of scalars each.
 *
 * Who includes it: wire.c and module.c. Python: libactor/transport, by append_frame and parse_frames of the module.
 */
#ifndef LIBACTOR_WIRE_H
#define LIBACTOR_WIRE_H

#include "core.h"

PyObject *native_append_frame(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_parse_frames(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
