/* csrc/json_writer.c -- JsonWriter: JSON text written step by step, and given out a piece at a time.
 *
 * Who calls: Python code that makes documents; see libactor.records.JsonWriter.
 * What may be written next follows from the levels that are open; a call that does not fit raises, and writes nothing.
 * A value that cannot be written whole leaves a broken text: nothing more can be written then, since parts of it may have
 *   gone out already. While a sink or what expands a value runs, no other call may write (`is_busy`).
 * Twin: libactor/_core/_json.py. Layout: 1 steps  2 life cycle  3 type spec
 */
#include "json_writer.h"
#include "shape.h"

#define SELF ((WriterObject *)op)

/* ---- 1 steps ---- */

static int enter(WriterObject *self, const char *call)
{
    if (!self->is_broken && !self->is_busy) {
        self->is_busy = 1;
        return 0;
    }
    if (self->is_broken)
        PyErr_Format(PyExc_RuntimeError, "JsonWriter.%s: the text is broken, because %s; make another writer", call,
                     self->has_sink_raised ? "the sink raised" : "a value before could not be written");
    else
        PyErr_Format(PyExc_RuntimeError, "JsonWriter.%s: another call is writing", call);
    return -1;
}

/* The end of a step: None, or NULL if it failed. What `begin_value` refuses has written nothing. */
static PyObject *leave(WriterObject *self, int answer, int is_begun)
{
    if (answer == 0)
        answer = writer_settle(self);
    self->is_busy = 0;
    self->is_broken |= answer < 0 && is_begun;
    return answer < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *start(WriterObject *self, int kind)
{
    const char *call = kind == OBJECT ? "start_object" : "start_array";
    if (enter(self, call) < 0)
        return NULL;
    if (writer_begin_value(self, call) < 0)
        return leave(self, -1, 0);
    return leave(self, writer_open_level(self, kind, call), 1);
}

static PyObject *end(WriterObject *self, int kind)
{
    int open = self->levels[self->depth].kind;
    if (enter(self, kind == OBJECT ? "end_object" : "end_array") < 0)
        return NULL;
    if (open == kind && !self->levels[self->depth].has_key) {
        writer_close_level(self);
        return leave(self, 0, 1);
    }
    PyErr_Format(PyExc_ValueError, "JsonWriter.end_%s: %s", kind == OBJECT ? "object" : "array",
                 open == kind ? "a key was written, and expects its value"
                 : open == ROOT ? "nothing is open" : open == OBJECT ? "an object is open" : "an array is open");
    return leave(self, -1, 0);
}

static PyObject *Writer_start_object(PyObject *op, PyObject *none) { return start(SELF, OBJECT); }
static PyObject *Writer_start_array(PyObject *op, PyObject *none) { return start(SELF, ARRAY); }
static PyObject *Writer_end_object(PyObject *op, PyObject *none) { return end(SELF, OBJECT); }
static PyObject *Writer_end_array(PyObject *op, PyObject *none) { return end(SELF, ARRAY); }

static PyObject *Writer_key(PyObject *op, PyObject *key)
{
    if (enter(SELF, "key") < 0)
        return NULL;
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "JsonWriter.key: got %.200R, expected a text", key);
        return leave(SELF, -1, 0);
    }
    if (SELF->levels[SELF->depth].kind == OBJECT && !SELF->levels[SELF->depth].has_key)
        return leave(SELF, writer_put_key(SELF, key), 1);
    return leave(SELF, writer_refuse(PyExc_ValueError, SELF->levels[SELF->depth].has_key
                                                    ? "key: the key before expects its value"
                                                    : "key: no object is open; begin one with start_object()"), 0);
}

static PyObject *Writer_value(PyObject *op, PyObject *value)
{
    if (enter(SELF, "value") < 0)
        return NULL;
    if (writer_begin_value(SELF, "value") < 0)
        return leave(SELF, -1, 0);
    return leave(SELF, writer_put_value(SELF, value), 1);
}

/* Begin a step that writes bytes; -1 with an error. */
static int enter_with(WriterObject *self, const char *call, PyObject *bytes, Py_buffer *view)
{
    if (enter(self, call) < 0)
        return -1;
    if (PyObject_GetBuffer(bytes, view, PyBUF_SIMPLE) == 0)
        return 0;
    self->is_busy = 0;
    return -1;
}

static PyObject *Writer_raw(PyObject *op, PyObject *json)
{
    Py_buffer view;
    if (enter_with(SELF, "raw", json, &view) < 0)
        return NULL;
    int answer = view.len == 0 ? writer_refuse(PyExc_ValueError, "raw: got nothing, expected one JSON value")
                               : writer_begin_value(SELF, "raw");
    int is_begun = answer == 0;
    if (is_begun)
        answer = writer_put_long(SELF, view.buf, (size_t)view.len, writer_put_raw);
    PyBuffer_Release(&view);
    return leave(SELF, answer, is_begun);
}

static PyObject *Writer_items(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    Py_buffer view;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "JsonWriter.items: got %zd arguments, expected 2", count);
    if (enter_with(SELF, "items", arguments[0], &view) < 0)
        return NULL;
    int is_open = SELF->levels[SELF->depth].kind == ARRAY, answer = 0;
    if (!is_open)
        answer = writer_refuse(PyExc_ValueError, "items: no array is open; begin one with start_array()");
    else if (view.len > 0) {
        if (arguments[1] != Py_True)
            writer_begin_value(SELF, "items");
        answer = writer_put_long(SELF, view.buf, (size_t)view.len, writer_put_raw);
    }
    PyBuffer_Release(&view);
    return leave(SELF, answer, is_open);
}

/* A text that may be no UTF-8: what is none is escaped byte by byte. */
static int write_loose(WriterObject *self, const unsigned char *at, size_t count)
{
    const unsigned char *end = at + count;
    static const char digits[] = "0123456789ABCDEF";
    json_byte(&self->out, '"');
    while (at < end) {
        const unsigned char *plain = at;
        size_t most = (size_t)(end - at) < self->piece ? (size_t)(end - at) : self->piece;
        int size = 0;
        while ((size_t)(at - plain) < most && (size = utf8_character(at, end)) > 0)
            at += size;
        json_text_part(&self->out, plain, (size_t)(at - plain));
        if (at < end && (size_t)(at - plain) < most) {
            char text[6] = {'\\', 'u', '0', '0', digits[*at >> 4], digits[*at & 15]};
            json_raw(&self->out, text, sizeof text);
            at++;
        }
        if (writer_settle(self) < 0)
            return -1;
    }
    json_byte(&self->out, '"');
    return 0;
}

static PyObject *Writer_text(PyObject *op, PyObject *bytes)
{
    Py_buffer view;
    if (enter_with(SELF, "text", bytes, &view) < 0)
        return NULL;
    int answer = writer_begin_value(SELF, "text"), is_begun = answer == 0;
    if (is_begun)
        answer = write_loose(SELF, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return leave(SELF, answer, is_begun);
}

static PyObject *Writer_take(PyObject *op, PyObject *Py_UNUSED(none))
{
    return writer_take(SELF, SELF->piece);
}

static PyObject *Writer_finish(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (enter(SELF, "finish") < 0)
        return NULL;
    if (SELF->depth > 0 || !SELF->levels[0].is_filled)
        return leave(SELF, writer_refuse(PyExc_ValueError, SELF->depth > 0 ? "finish: an object or an array is open"
                                                                    : "finish: nothing was written"), 0);
    return leave(SELF, writer_give(SELF, 1), 1);
}

/* ---- 2 life cycle ---- */

static PyObject *Writer_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"piece", "sink", "expand", NULL};
    Py_ssize_t piece;
    PyObject *sink, *expand;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "nOO:JsonWriterCell", names, &piece, &sink, &expand))
        return NULL;
    if (piece < 1)
        return PyErr_Format(PyExc_ValueError, "JsonWriter: got pieces of %zd bytes, expected 1 or more", piece);
    WriterObject *self = (WriterObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->piece = (size_t)piece;
    self->sink = sink == Py_None ? NULL : Py_NewRef(sink);
    self->expand = Py_NewRef(expand);
    return (PyObject *)self;
}

static int Writer_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->sink);
    Py_VISIT(SELF->expand);
    return 0;
}

static int Writer_clear(PyObject *op)
{
    Py_CLEAR(SELF->sink);
    return 0;
}

static void Writer_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->sink);
    Py_XDECREF(SELF->expand);
    json_free(&SELF->out);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *Writer_size(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(SELF->out.size - SELF->taken);
}

/* ---- 3 type spec ---- */

static PyMethodDef writer_methods[] = {
    {"start_object", Writer_start_object, METH_NOARGS, "start_object($self, /)\n--\n\nBegin an object, as a value."},
    {"end_object", Writer_end_object, METH_NOARGS, "end_object($self, /)\n--\n\nEnd the object that was begun last."},
    {"start_array", Writer_start_array, METH_NOARGS, "start_array($self, /)\n--\n\nBegin an array, as a value."},
    {"end_array", Writer_end_array, METH_NOARGS, "end_array($self, /)\n--\n\nEnd the array that was begun last."},
    {"key", Writer_key, METH_O, "key($self, name, /)\n--\n\nThe name of the next member of an object; its value follows."},
    {"value", Writer_value, METH_O,
     "value($self, value, /)\n--\n\nA value with all that is in it.\n\n"
     "None, bool, int, float, str, bytes (as base64), list, tuple, dict by str, enumerations (their names), and structs.\n"
     "Raises: TypeError for another; UnicodeEncodeError for a text with half a surrogate pair; ValueError if it is nested\n"
     "too deep. Nothing more can be written then."},
    {"text", Writer_text, METH_O,
     "text($self, data, /)\n--\n\nBytes as a text. Those that are no UTF-8 are escaped each for itself, as Mesos does."},
    {"raw", Writer_raw, METH_O, "raw($self, json, /)\n--\n\nA value that is JSON already, which is not checked."},
    {"items", (PyCFunction)(void (*)(void))Writer_items, METH_FASTCALL,
     "items($self, json, goes_on, /)\n--\n\nItems of an array that are JSON already, commas between them; none is fine.\n\n"
     "``goes_on``: they are the rest of those before, and begin with a comma if they need one."},
    {"take", Writer_take, METH_NOARGS,
     "take($self, /)\n--\n\nThe next piece of what was written, empty if there is none."},
    {"finish", Writer_finish, METH_NOARGS,
     "finish($self, /)\n--\n\nGive the rest to the sink, if there is one. Raises: ValueError if the document is not complete."},
    {NULL},
};

static PyGetSetDef writer_getters[] = {
    {"size", Writer_size, NULL, "How many bytes were written and not taken.", NULL},
    {NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_doc, "Writes JSON step by step; see libactor.records.JsonWriter."},
    {Py_tp_new, Writer_new},
    {Py_tp_traverse, Writer_traverse},
    {Py_tp_clear, Writer_clear},
    {Py_tp_dealloc, Writer_dealloc},
    {Py_tp_methods, writer_methods},
    {Py_tp_getset, writer_getters},
    {0, NULL},
};

PyType_Spec json_writer_spec = {
    .name = "libactor.records.JsonWriterCell",
    .basicsize = sizeof(WriterObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = writer_slots,
};
