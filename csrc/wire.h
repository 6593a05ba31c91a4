/* csrc/wire.h -- frames between hosts: one length and one flat msgpack array of scalars each.
 *
 * Who includes it: wire.c, wire_read.c, module.c; channel.c and channel_calls.c, which send and receive frames. Python:
 *   libactor/transport, by append_frame; tests, by parse_frames.
 */
#ifndef LIBACTOR_WIRE_H
#define LIBACTOR_WIRE_H

#include "core.h"

#define HEAD_BYTES 4
#define VALUES_MAX 255
#define FRAME_BYTES_MAX 0xffffffffLL /* what four bytes can say */

/* 0 if the argument is a number of bytes that a frame may have, else -1 with an exception. */
int wire_read_bytes_max(const char *operation, PyObject *argument, Py_ssize_t *bytes_max);

/* Append a frame of these values to a bytearray: how many bytes it takes; 0, -1: nothing appended, see append_frame in
 * module.c; -2 with an exception. No code of Python runs. */
Py_ssize_t wire_append(PyObject *buffer, Py_ssize_t bytes_max, PyObject *const *values, Py_ssize_t count);

/* How many bytes follow the HEAD_BYTES at `head`. */
static inline uint32_t wire_frame_size(const unsigned char *head)
{
    return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | (uint32_t)head[3];
}

/* The frame at data[*start], a tuple, behind which *start is set. NULL: none is there as a whole; or none can begin
 * there: then with *complaint, owned; or with an exception. */
PyObject *wire_take_frame(const unsigned char *data, Py_ssize_t *start, Py_ssize_t stop, Py_ssize_t bytes_max,
                          PyObject **complaint);

PyObject *native_append_frame(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *native_parse_frames(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
