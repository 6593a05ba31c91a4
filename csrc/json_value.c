/* csrc/json_value.c -- what a JsonWriter writes: pieces that go out, levels that are open, values; see json_writer.h.
 *
 * Who calls: json_writer.c. A sink is Python code, as is what expands a value: lists and dicts may change meanwhile; that
 *   is noticed.
 * Layout: 1 pieces  2 levels  3 scalars  4 values
 */
#include "json_writer.h"

#define TEXT_PART 16384 /* characters of a long text that are made UTF-8 at a time */
#define BYTES_PART 49152 /* bytes that are made base64 at a time: a multiple of 3, so that the parts fit together */

/* ---- 1 pieces ---- */

/* The next bytes, so many at most. */
PyObject *writer_take(WriterObject *self, size_t most)
{
    size_t left = self->out.size - self->taken, size = left < most ? left : most;
    PyObject *bytes = PyBytes_FromStringAndSize((char *)self->out.data + self->taken, (Py_ssize_t)size);
    if (bytes == NULL)
        return NULL;
    self->taken += size;
    if (self->taken == self->out.size && self->out.room > 4 * self->piece)
        json_free(&self->out);
    else if (self->taken * 2 >= self->out.size && size > 0) {
        memmove(self->out.data, self->out.data + self->taken, left - size);
        self->out.size = left - size;
    } else
        return bytes;
    self->taken = 0;
    return bytes;
}

int writer_give(WriterObject *self, size_t least)
{
    while (self->sink != NULL && self->out.size - self->taken >= least && self->out.size > self->taken) {
        PyObject *bytes = writer_take(self, self->piece);
        if (bytes == NULL)
            return -1;
        PyObject *answer = PyObject_CallOneArg(self->sink, bytes);
        Py_DECREF(bytes);
        if (answer == NULL) {
            self->has_sink_raised = 1;
            return -1;
        }
        Py_DECREF(answer);
    }
    return 0;
}

/* After something was written. */
int writer_settle(WriterObject *self)
{
    if (self->out.failed) {
        PyErr_NoMemory();
        return -1;
    }
    return self->out.size - self->taken >= self->piece ? writer_give(self, self->piece) : 0;
}

/* ---- 2 levels ---- */

int writer_refuse(PyObject *kind, const char *text)
{
    PyErr_Format(kind, "JsonWriter.%s", text);
    return -1;
}

/* 0 if a value may come now, behind a comma if it needs one. */
int writer_begin_value(WriterObject *self, const char *call)
{
    int kind = self->levels[self->depth].kind;
    if (kind == OBJECT && !self->levels[self->depth].has_key) {
        PyErr_Format(PyExc_ValueError, "JsonWriter.%s: an object is open and expects key() or end_object()", call);
        return -1;
    }
    if (kind == ROOT && self->levels[0].is_filled) {
        PyErr_Format(PyExc_ValueError, "JsonWriter.%s: the document is complete; make another writer", call);
        return -1;
    }
    if (kind == ARRAY && self->levels[self->depth].is_filled)
        json_byte(&self->out, ',');
    self->levels[self->depth].is_filled = 1;
    self->levels[self->depth].has_key = 0;
    return 0;
}

int writer_open_level(WriterObject *self, int kind, const char *call)
{
    if (self->depth == DEPTH_MAX) {
        PyErr_Format(PyExc_ValueError, "JsonWriter.%s: nested more than %d deep; does a value hold itself?", call, DEPTH_MAX);
        return -1;
    }
    json_byte(&self->out, kind == OBJECT ? '{' : '[');
    self->depth++;
    self->levels[self->depth].kind = (char)kind;
    self->levels[self->depth].is_filled = self->levels[self->depth].has_key = 0;
    return 0;
}

void writer_close_level(WriterObject *self)
{
    json_byte(&self->out, self->levels[self->depth--].kind == OBJECT ? '}' : ']');
}

/* ---- 3 scalars ---- */

/* Bytes as they are, or as a part of a text, given out as they come. */
int writer_put_long(WriterObject *self, const unsigned char *bytes, size_t count,
                      void (*write)(JsonOut *, const unsigned char *, size_t))
{
    do {
        size_t size = count < self->piece ? count : self->piece;
        write(&self->out, bytes, size);
        bytes += size;
        count -= size;
        if (writer_settle(self) < 0)
            return -1;
    } while (count > 0);
    return 0;
}

void writer_put_raw(JsonOut *out, const unsigned char *bytes, size_t count)
{
    json_raw(out, bytes, count);
}

/* The characters of a text from `at` to `stop`, which are made UTF-8 first. */
static int write_part(WriterObject *self, PyObject *text, Py_ssize_t at, Py_ssize_t stop)
{
    PyObject *part = PyUnicode_Substring(text, at, stop);
    PyObject *encoded = part == NULL ? NULL : PyUnicode_AsUTF8String(part);
    Py_XDECREF(part);
    if (encoded == NULL)
        return -1;
    const unsigned char *bytes = (const unsigned char *)PyBytes_AS_STRING(encoded);
    int answer = writer_put_long(self, bytes, (size_t)PyBytes_GET_SIZE(encoded), json_text_part);
    Py_DECREF(encoded);
    return answer;
}

static int write_text(WriterObject *self, PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    int answer = 0;
    json_byte(&self->out, '"');
    if (PyUnicode_IS_ASCII(text)) /* which is UTF-8 as it lies there */
        answer = writer_put_long(self, PyUnicode_DATA(text), (size_t)size, json_text_part);
    for (Py_ssize_t at = 0; !PyUnicode_IS_ASCII(text) && at < size && answer == 0; at += TEXT_PART)
        answer = write_part(self, text, at, size - at > TEXT_PART ? at + TEXT_PART : size);
    json_byte(&self->out, '"');
    return answer;
}

static int write_base64(WriterObject *self, PyObject *bytes)
{
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(bytes);
    size_t left = (size_t)PyBytes_GET_SIZE(bytes);
    json_byte(&self->out, '"');
    while (left > 0) {
        size_t size = left < BYTES_PART ? left : BYTES_PART;
        json_base64_part(&self->out, at, size);
        at += size;
        left -= size;
        if (writer_settle(self) < 0)
            return -1;
    }
    json_byte(&self->out, '"');
    return 0;
}

static int write_int(WriterObject *self, PyObject *number)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (!overflow) {
        json_integer(&self->out, small);
        return small == -1 && PyErr_Occurred() ? -1 : 0;
    }
    PyObject *digits = PyLong_Type.tp_repr(number);
    if (digits == NULL)
        return -1;
    json_raw(&self->out, PyUnicode_DATA(digits), (size_t)PyUnicode_GET_LENGTH(digits));
    Py_DECREF(digits);
    return 0;
}

/* ---- 4 values ---- */

static int write_item(WriterObject *self, PyObject *value)
{
    if (writer_begin_value(self, "value") < 0)
        return -1;
    Py_INCREF(value);
    int answer = writer_put_value(self, value);
    Py_DECREF(value);
    return answer < 0 ? -1 : writer_settle(self);
}

int writer_put_key(WriterObject *self, PyObject *key)
{
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "JsonWriter: got key %.200R, expected a text", key);
        return -1;
    }
    if (self->levels[self->depth].is_filled)
        json_byte(&self->out, ',');
    self->levels[self->depth].is_filled = self->levels[self->depth].has_key = 1;
    if (write_text(self, key) < 0)
        return -1;
    json_byte(&self->out, ':');
    return 0;
}

static int write_list(WriterObject *self, PyObject *list)
{
    Py_ssize_t size = PySequence_Fast_GET_SIZE(list);
    if (writer_open_level(self, ARRAY, "value") < 0)
        return -1;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (write_item(self, PySequence_Fast_GET_ITEM(list, i)) < 0)
            return -1;
        if (PySequence_Fast_GET_SIZE(list) != size)
            return writer_refuse(PyExc_RuntimeError, "value: a list changed its size while it was written");
    }
    writer_close_level(self);
    return 0;
}

static int write_dict(WriterObject *self, PyObject *dict)
{
    Py_ssize_t size = PyDict_GET_SIZE(dict), place = 0;
    PyObject *key, *value;
    if (writer_open_level(self, OBJECT, "value") < 0)
        return -1;
    while (PyDict_Next(dict, &place, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int answer = writer_put_key(self, key);
        answer = answer < 0 ? answer : write_item(self, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (answer < 0)
            return -1;
        if (PyDict_GET_SIZE(dict) != size)
            return writer_refuse(PyExc_RuntimeError, "value: a dict changed its size while it was written");
    }
    writer_close_level(self);
    return 0;
}

/* What is none of the types below: what `expand` makes of it. */
static int write_other(WriterObject *self, PyObject *value)
{
    if (Py_EnterRecursiveCall(" while a JsonWriter expands a value"))
        return -1;
    PyObject *other = PyObject_CallOneArg(self->expand, value);
    int answer = other == NULL ? -1 : writer_put_value(self, other);
    Py_XDECREF(other);
    Py_LeaveRecursiveCall();
    return answer;
}

int writer_put_value(WriterObject *self, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type)
        return write_text(self, value);
    if (type == &PyLong_Type)
        return write_int(self, value);
    if (type == &PyFloat_Type)
        json_double(&self->out, PyFloat_AS_DOUBLE(value));
    else if (value == Py_None || type == &PyBool_Type)
        json_raw(&self->out, value == Py_None ? "null" : value == Py_True ? "true" : "false", value == Py_False ? 5 : 4);
    else if (type == &PyDict_Type)
        return write_dict(self, value);
    else if (type == &PyList_Type || type == &PyTuple_Type)
        return write_list(self, value);
    else if (type == &PyBytes_Type)
        return write_base64(self, value);
    else
        return write_other(self, value);
    return 0;
}
