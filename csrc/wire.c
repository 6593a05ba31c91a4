/* csrc/wire.c -- frames between hosts: one length and one flat msgpack array of scalars each.
 *
 * Who calls: libactor/transport, for every frame that it sends, and with what it has received.
 * A frame is four bytes of length, big-endian, and so many bytes of msgpack: an array of at most VALUES_MAX of nil,
 *   bool, int, float (of 64 bits), str and bin. What is more than that crosses as the bytes libactor/codec.py makes.
 * Bytes that are read are hostile: 1. nothing in them is nested, so there is no depth; 2. no length is believed before
 *   so many bytes are there, so a frame makes us allocate only in proportion to what was sent; 3. strict: whatever is
 *   not in the list above, is cut short, is no UTF-8 or is followed by more bytes within its frame, is refused.
 * The GIL: allocating may run Python code, by the garbage collector. What is read is exported meanwhile, so nobody can
 *   resize it; what is written to is resized once, before the first byte, and nothing is allocated until the last.
 * Twin: libactor/_core/_wire.py, with the same complaints. Source: the msgpack specification.
 * Layout: 1 writing  2 reading a value  3 reading frames
 */
#include "wire.h"

#define HEAD_BYTES 4
#define VALUES_MAX 255
#define FRAME_BYTES_MAX 0xffffffffLL /* what four bytes can say */

/* ---- 1 writing ---- */

static char *put_number(char *at, uint64_t value, int bytes)
{
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift);
    return at;
}

/* A type byte, one of the four that follow `first`, and the number in 1, 2, 4 or 8 bytes. */
static char *put_unsigned(char *at, unsigned char first, uint64_t value)
{
    int width = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
    *at++ = (char)(first + width);
    return put_number(at, value, 1 << width);
}

static char *put_negative(char *at, int64_t value)
{
    int width = value >= INT8_MIN ? 0 : value >= INT16_MIN ? 1 : value >= INT32_MIN ? 2 : 3;
    *at++ = (char)(value >= -32 ? value : 0xd0 + width);
    return value >= -32 ? at : put_number(at, (uint64_t)value, 1 << width);
}

static char *put_block(char *at, unsigned char first, const char *bytes, Py_ssize_t size)
{
    at = put_unsigned(at, first, (uint64_t)size);
    memcpy(at, bytes, (size_t)size);
    return at + size;
}

static char *put_text(char *at, PyObject *value)
{
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(value, &size); /* kept by the str since room_for asked */
    if (size > 0x1f)
        return put_block(at, 0xd9, bytes, size);
    *at++ = (char)(0xa0 | size);
    memcpy(at, bytes, (size_t)size);
    return at + size;
}

static char *put_int(char *at, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return put_unsigned(at, 0xcc, PyLong_AsUnsignedLongLong(value));
    if (number < 0)
        return put_negative(at, number);
    if (number > 0x7f)
        return put_unsigned(at, 0xcc, (uint64_t)number);
    *at++ = (char)number;
    return at;
}

/* One value for which room_for found room. */
static char *put_value(char *at, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return put_text(at, value);
    if (PyLong_CheckExact(value))
        return put_int(at, value);
    if (PyBytes_CheckExact(value))
        return put_block(at, 0xc4, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    if (PyFloat_CheckExact(value)) {
        *at++ = (char)0xcb;
        PyFloat_Pack8(PyFloat_AS_DOUBLE(value), at, 0); /* cannot fail: the float is one of the machine's own */
        return at + 8;
    }
    *at++ = (char)(value == Py_None ? 0xc0 : value == Py_True ? 0xc3 : 0xc2);
    return at;
}

/* Whether an int is one of msgpack's; -1 with an exception. */
static int fits(PyObject *value)
{
    int overflow;
    PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow <= 0)
        return !overflow;
    if (PyLong_AsUnsignedLongLong(value) != (unsigned long long)-1 || !PyErr_Occurred())
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_OverflowError))
        return -1;
    PyErr_Clear();
    return 0;
}

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
    *at++ = (char)(count < 16 ? 0x90 | count : 0xdc);
    if (count >= 16)
        at = put_number(at, (uint64_t)count, 2);
    for (Py_ssize_t i = 0; i < count; i++)
        at = put_value(at, values[i]);
    return at;
}

/* 0 if arguments[at] is a number of bytes that a frame may have, else -1 with an exception. */
static int read_bytes_max(const char *operation, PyObject *argument, Py_ssize_t *bytes_max)
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

PyObject *native_append_frame(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t bytes_max;
    if (count < 2 || !PyByteArray_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "append_frame() expected a bytearray, bytes_max and values");
        return NULL;
    }
    if (read_bytes_max("append_frame", arguments[1], &bytes_max) < 0)
        return NULL;
    PyObject *buffer = arguments[0];
    Py_ssize_t before = PyByteArray_GET_SIZE(buffer), room = room_for_all(arguments + 2, count - 2);
    if (room <= 0)
        return room < 0 ? NULL : PyLong_FromLong(0);
    if (room - HEAD_BYTES - 3 > bytes_max + 9 * VALUES_MAX) /* far too large, so it need not be copied to be measured */
        return PyLong_FromLong(-1);
    if (PyByteArray_Resize(buffer, before + room) < 0)
        return NULL;
    char *start = PyByteArray_AS_STRING(buffer) + before;
    Py_ssize_t size = put_all(start + HEAD_BYTES, arguments + 2, count - 2) - start;
    int fitting = size - HEAD_BYTES <= bytes_max;
    if (fitting)
        put_number(start, (uint64_t)(size - HEAD_BYTES), HEAD_BYTES);
    if (PyByteArray_Resize(buffer, fitting ? before + size : before) < 0)
        return NULL;
    return PyLong_FromSsize_t(fitting ? size : -1);
}

/* ---- 2 reading a value ---- */

typedef struct {
    const unsigned char *at, *end; /* what is left of the frame */
    PyObject *complaint;           /* owned: why the frame is refused; NULL while it is not */
} Cursor;

/* NULL, as every function here returns for what it refuses; also without a complaint, but then with an exception. */
static PyObject *refuse(Cursor *cursor, const char *reason)
{
    cursor->complaint = PyUnicode_FromString(reason);
    return NULL;
}

/* Whether so many bytes are left; with a complaint if not. */
static int has(Cursor *cursor, uint64_t bytes)
{
    if ((uint64_t)(cursor->end - cursor->at) >= bytes)
        return 1;
    refuse(cursor, "frame: got a value that is cut short");
    return 0;
}

static uint64_t take_number(Cursor *cursor, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | *cursor->at++;
    return value;
}

static PyObject *take_text(Cursor *cursor, uint64_t size)
{
    if (!has(cursor, size))
        return NULL;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)cursor->at, (Py_ssize_t)size, NULL);
    cursor->at += size;
    if (text != NULL || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return text;
    PyErr_Clear();
    return refuse(cursor, "frame: got a str that is not UTF-8");
}

static PyObject *take_bytes(Cursor *cursor, uint64_t size)
{
    if (!has(cursor, size))
        return NULL;
    cursor->at += size;
    return PyBytes_FromStringAndSize((const char *)cursor->at - size, (Py_ssize_t)size);
}

static PyObject *take_float(Cursor *cursor)
{
    double value = PyFloat_Unpack8((const char *)cursor->at, 0);
    cursor->at += 8;
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

/* The int of the type bytes 0xd0 to 0xd3. */
static PyObject *take_signed(Cursor *cursor, int bytes)
{
    int unused = 64 - 8 * bytes;
    uint64_t shifted = take_number(cursor, bytes) << unused;
    return PyLong_FromLongLong((int64_t)shifted >> unused); /* gcc and clang shift the sign in */
}

/* What a type byte that is no int and no short str by itself stands for. */
static PyObject *take_typed(Cursor *cursor, unsigned char type)
{
    static const unsigned char widths[0xe0] = {/* bytes behind the type: of a number, or of a length */
        [0xc4] = 1, [0xc5] = 2, [0xc6] = 4, [0xcb] = 8, [0xcc] = 1, [0xcd] = 2, [0xce] = 4, [0xcf] = 8,
        [0xd0] = 1, [0xd1] = 2, [0xd2] = 4, [0xd3] = 8, [0xd9] = 1, [0xda] = 2, [0xdb] = 4};
    int width = widths[type];
    if (type == 0xc0)
        Py_RETURN_NONE;
    if (type == 0xc2 || type == 0xc3)
        return PyBool_FromLong(type == 0xc3);
    if (width == 0) {
        cursor->complaint = PyUnicode_FromFormat(
            "frame: got the type 0x%02x, expected nil, bool, int, float, str or bin", type);
        return NULL;
    }
    if (!has(cursor, (uint64_t)width))
        return NULL;
    if (type >= 0xd9)
        return take_text(cursor, take_number(cursor, width));
    if (type >= 0xd0)
        return take_signed(cursor, width);
    if (type >= 0xcc)
        return PyLong_FromUnsignedLongLong(take_number(cursor, width));
    return type == 0xcb ? take_float(cursor) : take_bytes(cursor, take_number(cursor, width));
}

static PyObject *take_value(Cursor *cursor)
{
    if (!has(cursor, 1))
        return NULL;
    unsigned char type = *cursor->at++;
    if (type < 0x80 || type >= 0xe0)
        return PyLong_FromLong((signed char)type);
    if ((type & 0xe0) == 0xa0)
        return take_text(cursor, type & 0x1f);
    return take_typed(cursor, type);
}

/* ---- 3 reading frames ---- */

/* How many values a frame has; -1 with a complaint. */
static Py_ssize_t take_count(Cursor *cursor)
{
    unsigned char type = *cursor->at++;
    if ((type & 0xf0) == 0x90)
        return type & 0x0f;
    if (type == 0xdc && cursor->end - cursor->at >= 2) {
        Py_ssize_t count = (Py_ssize_t)take_number(cursor, 2);
        if (count <= VALUES_MAX)
            return count;
    }
    refuse(cursor, "frame: got no array of at most 255 values");
    return -1;
}

/* The tuple of one whole frame of at least one byte. */
static PyObject *take_frame(Cursor *cursor)
{
    Py_ssize_t count = take_count(cursor);
    PyObject *frame = count < 0 ? NULL : PyTuple_New(count);
    if (frame == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = take_value(cursor);
        if (value == NULL) {
            Py_DECREF(frame);
            return NULL;
        }
        PyTuple_SET_ITEM(frame, i, value);
    }
    if (cursor->at == cursor->end)
        return frame;
    Py_DECREF(frame);
    cursor->complaint = PyUnicode_FromFormat("frame: got %zd bytes after its last value", cursor->end - cursor->at);
    return NULL;
}

/* All whole frames from data[*start] on; *start is where the first that is not whole begins, or is refused. 0, or -1
 * with an exception. */
static int take_frames(PyObject *frames, const unsigned char *data, Py_ssize_t *start, Py_ssize_t stop,
                       Py_ssize_t bytes_max, PyObject **complaint)
{
    while (stop - *start >= HEAD_BYTES) {
        Cursor cursor = {data + *start, data + stop, NULL};
        Py_ssize_t size = (Py_ssize_t)take_number(&cursor, HEAD_BYTES);
        if (size < 1 || size > bytes_max) {
            *complaint = PyUnicode_FromFormat("frame: got %zd bytes, expected 1 to %zd", size, bytes_max);
            return *complaint == NULL ? -1 : 0;
        }
        if (cursor.end - cursor.at < size)
            return 0;
        cursor.end = cursor.at + size;
        PyObject *frame = take_frame(&cursor);
        if (frame == NULL) {
            *complaint = cursor.complaint;
            return cursor.complaint == NULL ? -1 : 0;
        }
        int failed = PyList_Append(frames, frame);
        Py_DECREF(frame);
        if (failed)
            return -1;
        *start += HEAD_BYTES + size;
    }
    return 0;
}

static PyObject *parse_view(Py_buffer *view, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t bytes_max)
{
    PyObject *complaint = NULL;
    if (start < 0 || start > stop || stop > view->len) {
        PyErr_Format(PyExc_ValueError, "parse_frames: got %zd to %zd of %zd bytes, expected a part of them", start,
                     stop, view->len);
        return NULL;
    }
    PyObject *frames = PyList_New(0);
    if (frames == NULL)
        return NULL;
    if (take_frames(frames, view->buf, &start, stop, bytes_max, &complaint) < 0) {
        Py_DECREF(frames);
        return NULL;
    }
    return Py_BuildValue("NnN", frames, start, complaint == NULL ? Py_NewRef(Py_None) : complaint);
}

PyObject *native_parse_frames(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t start, stop, bytes_max;
    Py_buffer view;
    if (count != 4) {
        PyErr_Format(PyExc_TypeError, "parse_frames() expected 4 arguments, got %zd", count);
        return NULL;
    }
    start = PyLong_AsSsize_t(arguments[1]);
    stop = PyErr_Occurred() ? -1 : PyLong_AsSsize_t(arguments[2]);
    if (PyErr_Occurred() || read_bytes_max("parse_frames", arguments[3], &bytes_max) < 0)
        return NULL;
    if (PyObject_GetBuffer(arguments[0], &view, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *result = parse_view(&view, start, stop, bytes_max);
    PyBuffer_Release(&view);
    return result;
}
