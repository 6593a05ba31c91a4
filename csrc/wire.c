/* csrc/wire.c -- frames between hosts: one length and one flat msgpack array of scalars each.
 *
 * Who calls: libactor/transport, for every frame that it sends, and with what it has received.
 * A frame is four bytes of length, big-endian, and so many bytes of msgpack: an array of at most VALUES_MAX of nil,
 *   bool, int, float (of 64 bits), str and bin. What is more than that crosses as the bytes libactor/codec.py makes.
 * The GIL: what is written to is resized once, before the first byte, and nothing is allocated until the last.
 * Twin: libactor/_core/_wire.py, with the same complaints. Source: the msgpack specification.
 * Here they are written; wire_read.c reads them.
 */
#include "wire.h"
#include "msgpack.h"

/* How many bytes a value takes at most; 0: it is no scalar that crosses as it is; -1 with an exception. */
static Py_ssize_t room_for(PyObject *value)
{
    Py_ssize_t size;
    if (PyUnicode_CheckExact(value)) {
        if (PyUnicode_AsUTF8AndSize(value, &size) != NULL)
            return 5 + size;
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear(); /* half a surrogate pair */
        return 0;
    }
    if (PyLong_CheckExact(value))
        return 9 * fits(value);
    if (PyBytes_CheckExact(value))
        return 5 + PyBytes_GET_SIZE(value);
    if (PyFloat_CheckExact(value))
        return 9;
    return value == Py_None || PyBool_Check(value);
}

/* Room for all, with what stands before them; 0 or -1 as above. */
static Py_ssize_t room_for_all(PyObject *const *values, Py_ssize_t count)
{
    Py_ssize_t room = HEAD_BYTES + 3, one = count <= VALUES_MAX;
    for (Py_ssize_t i = 0; i < count && one > 0; i++) {
        one = room_for(values[i]);
        room += Py_MIN(one, FRAME_BYTES_MAX + 1); /* more is too large in any case */
    }
    return one > 0 ? room : one;
}

static char *put_all(char *at, PyObject *const *values, Py_ssize_t count)
{
    at = put_array(at, (size_t)count);
    for (Py_ssize_t i = 0; i < count; i++)
        at = put_value(at, values[i]);
    return at;
}

int wire_read_bytes_max(const char *operation, PyObject *argument, Py_ssize_t *bytes_max)
{
    *bytes_max = PyLong_AsSsize_t(argument);
    if (*bytes_max == -1 && PyErr_Occurred())
        return -1;
    if (*bytes_max >= 1 && *bytes_max <= FRAME_BYTES_MAX)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: got %zd as bytes_max, expected 1 to %lld", operation, *bytes_max,
                 FRAME_BYTES_MAX);
    return -1;
}

Py_ssize_t wire_append(PyObject *buffer, Py_ssize_t bytes_max, PyObject *const *values, Py_ssize_t count)
{
    Py_ssize_t before = PyByteArray_GET_SIZE(buffer), room = room_for_all(values, count);
    if (room <= 0)
        return room < 0 ? -2 : 0;
    if (room - HEAD_BYTES - 3 > bytes_max + 9 * VALUES_MAX) /* far too large, so it need not be copied to be measured */
        return -1;
    if (PyByteArray_Resize(buffer, before + room) < 0)
        return -2;
    char *start = PyByteArray_AS_STRING(buffer) + before;
    Py_ssize_t size = put_all(start + HEAD_BYTES, values, count) - start;
    int fitting = size - HEAD_BYTES <= bytes_max;
    if (fitting)
        put_number(start, (uint64_t)(size - HEAD_BYTES), HEAD_BYTES);
    if (PyByteArray_Resize(buffer, fitting ? before + size : before) < 0)
        return -2;
    return fitting ? size : -1;
}

PyObject *native_append_frame(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t bytes_max;
    if (count < 2 || !PyByteArray_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "append_frame() expected a bytearray, bytes_max and values");
        return NULL;
    }
    if (wire_read_bytes_max("append_frame", arguments[1], &bytes_max) < 0)
        return NULL;
    Py_ssize_t size = wire_append(arguments[0], bytes_max, arguments + 2, count - 2);
    return size == -2 ? NULL : PyLong_FromSsize_t(size);
}
