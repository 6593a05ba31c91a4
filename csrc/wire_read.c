/* csrc/wire_read.c -- frames between hosts, as they are read; see wire.c for what they are.
 *
 * Who calls: channel.c, with what has arrived; libactor/transport, for bytes that it has otherwise.
 * Bytes that are read are hostile: 1. nothing in them is nested, so there is no depth; 2. no length is believed before
 *   so many bytes are there, so a frame makes us allocate only in proportion to what was sent; 3. strict: whatever is
 *   not in the list above, is cut short, is no UTF-8 or is followed by more bytes within its frame, is refused.
 * The GIL: allocating may run Python code, by the garbage collector, and others run while much is copied. What is read
 *   cannot be resized meanwhile: it is exported, or nobody else has it.
 * Twin: libactor/_core/_wire.py, with the same complaints. Source: the msgpack specification.
 * Layout: 1 a value  2 frames
 */
#include "wire.h"

/* ---- 1 a value ---- */

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
    return core_bytes(cursor->at - size, (Py_ssize_t)size);
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

/* ---- 2 frames ---- */

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

PyObject *wire_take_frame(const unsigned char *data, Py_ssize_t *start, Py_ssize_t stop, Py_ssize_t bytes_max,
                          PyObject **complaint)
{
    if (stop - *start < HEAD_BYTES)
        return NULL;
    Cursor cursor = {data + *start + HEAD_BYTES, data + stop, NULL};
    Py_ssize_t size = (Py_ssize_t)wire_frame_size(data + *start);
    if (size < 1 || size > bytes_max) {
        *complaint = PyUnicode_FromFormat("frame: got %zd bytes, expected 1 to %zd", size, bytes_max);
        return NULL;
    }
    if (cursor.end - cursor.at < size)
        return NULL;
    cursor.end = cursor.at + size;
    PyObject *frame = take_frame(&cursor);
    if (frame == NULL)
        *complaint = cursor.complaint;
    else
        *start += HEAD_BYTES + size;
    return frame;
}

/* All whole frames from data[*start] on; *start is where the first that is not whole begins, or is refused. 0, or -1
 * with an exception. */
static int take_frames(PyObject *frames, const unsigned char *data, Py_ssize_t *start, Py_ssize_t stop,
                       Py_ssize_t bytes_max, PyObject **complaint)
{
    PyObject *frame;
    while ((frame = wire_take_frame(data, start, stop, bytes_max, complaint)) != NULL) {
        int failed = PyList_Append(frames, frame);
        Py_DECREF(frame);
        if (failed)
            return -1;
    }
    return PyErr_Occurred() ? -1 : 0;
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
    if (PyErr_Occurred() || wire_read_bytes_max("parse_frames", arguments[3], &bytes_max) < 0)
        return NULL;
    if (PyObject_GetBuffer(arguments[0], &view, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *result = parse_view(&view, start, stop, bytes_max);
    PyBuffer_Release(&view);
    return result;
}
