/* csrc/record.c -- Record: the bytes of one message, checked once, and read where somebody looks.
 *
 * Who calls: Python code, by the names of fields; collections and projections read the bytes.
 * Twin: libactor/_core/_record.py, which says what a record is.
 * Layout: 1 values  2 life cycle  3 what Python sees  4 type spec
 */
#include "record.h"

#define SELF ((RecordObject *)op)
#define FIELDS_SHOWN 16 /* in an error */

/* ---- 1 values ---- */

/* The value at `at`, if the core knows its kind; it was checked. Of an int that stands for a float: the float. */
static PyObject *value_of(const unsigned char *at, const unsigned char *end, int is_float)
{
    PackedHead head = {0};
    at = packed_head(at, end, &head);
    switch (head.kind) {
    case PACKED_NIL:
        Py_RETURN_NONE;
    case PACKED_BOOL:
        return PyBool_FromLong((long)head.i);
    case PACKED_INT:
        return is_float ? PyFloat_FromDouble((double)head.i) : PyLong_FromLongLong(head.i);
    case PACKED_UINT:
        return PyLong_FromUnsignedLongLong(head.u);
    case PACKED_FLOAT:
        return PyFloat_FromDouble(head.d);
    case PACKED_TEXT:
        return PyUnicode_DecodeUTF8((const char *)at, head.count, NULL);
    default:
        return PyBytes_FromStringAndSize((const char *)at, head.count);
    }
}

const unsigned char *record_field(const RecordObject *record, uint32_t number)
{
    const unsigned char *bytes = record_bytes(record), *end = bytes + record->size;
    int place = record->kind->hot_place[number];
    if (place >= 0)
        return record->offsets[place] == 0 ? NULL : bytes + record->offsets[place];
    PackedHead head = {0};
    const unsigned char *at = packed_head(bytes, end, &head);
    if (number >= head.count)
        return NULL;
    while (number-- > 0)
        at = packed_skip(at, end);
    return at;
}

PyObject *record_value(const RecordKindObject *kind, uint32_t number, const unsigned char *at, const unsigned char *end)
{
    PyObject *reader = PyTuple_GET_ITEM(kind->readers, number);
    if (reader == Py_None || *at == 0xc0)
        return value_of(at, end, kind->shapes[kind->shapes[0].first + number].kind == SHAPE_FLOAT);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)at, packed_skip(at, end) - at);
    PyObject *value = bytes == NULL ? NULL : PyObject_CallOneArg(reader, bytes);
    Py_XDECREF(bytes);
    return value;
}

static PyObject *record_attribute(const RecordObject *self, uint32_t number)
{
    const unsigned char *at = record_field(self, number);
    return at == NULL ? PyObject_CallNoArgs(PyTuple_GET_ITEM(self->kind->defaults, number))
                      : record_value(self->kind, number, at, record_bytes(self) + self->size);
}

/* ---- 2 life cycle ---- */

/* The error of the kind for what shape_check has found. */
static void record_refuse(RecordKindObject *kind, const ShapeCheck *check)
{
    PyObject *path = PyTuple_New(check->depth);
    for (int i = 0; path != NULL && i < check->depth; i++) {
        PyObject *step = PyLong_FromUnsignedLong(check->path[check->depth - 1 - i]);
        if (step == NULL)
            Py_CLEAR(path);
        else
            PyTuple_SET_ITEM(path, i, step);
    }
    PyObject *error = path == NULL ? NULL : PyObject_CallFunction(kind->refuse, "inO", check->fault,
                                                                  (Py_ssize_t)(check->at - check->start), path);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(path);
}

int record_refuse_at(RecordKindObject *kind, int fault, Py_ssize_t offset)
{
    ShapeCheck check = {.at = (const unsigned char *)offset, .fault = fault};
    record_refuse(kind, &check);
    return -1;
}

int record_check(RecordKindObject *kind, const unsigned char **at, const unsigned char *end, int is_last,
                 const uint32_t *marks, uint32_t mark_count, uint32_t *offsets)
{
    ShapeCheck check = {.start = *at, .end = end, .shapes = kind->shapes, .choices = kind->choices};
    if (end - *at > (Py_ssize_t)kind->bytes_max)
        check.end = *at + kind->bytes_max; /* what is larger is cut there */
    int answer = shape_check(&check, marks, mark_count, offsets);
    if (is_last && answer == 0 && check.at < end) {
        check.fault = FAULT_BEHIND;
        answer = -1;
    }
    if (answer < 0 && (is_last || check.fault != FAULT_BEHIND)) {
        if (check.fault == FAULT_CUT && check.end < end)
            check.fault = FAULT_LARGE;
        record_refuse(kind, &check);
        return -1;
    }
    *at = check.at;
    return 0;
}

RecordObject *record_alloc(RecordKindObject *kind, uint32_t size, PyObject *whole)
{
    size_t own = offsetof(RecordObject, offsets) + kind->hot_count * sizeof(uint32_t);
    RecordObject *self = PyObject_Malloc(whole == NULL ? own + size + JSON_PADDING : own);
    if (self == NULL)
        return (RecordObject *)PyErr_NoMemory();
    PyObject_Init((PyObject *)self, kind->record_type);
    self->kind = (RecordKindObject *)Py_NewRef((PyObject *)kind);
    self->whole = Py_XNewRef(whole);
    self->start = 0;
    self->size = size;
    if (whole == NULL)
        memset((char *)self + own + size, 0, JSON_PADDING);
    return self;
}

PyObject *record_new(RecordKindObject *kind, const unsigned char *bytes, uint32_t size, const uint32_t *hot_offsets,
                     PyObject *whole)
{
    RecordObject *self = record_alloc(kind, size, whole);
    if (self == NULL)
        return NULL;
    memcpy(self->offsets, hot_offsets, kind->hot_count * sizeof(uint32_t));
    if (whole == NULL)
        memcpy((unsigned char *)record_bytes(self), bytes, size);
    else
        self->start = (uint32_t)(bytes - (const unsigned char *)PyBytes_AS_STRING(whole));
    return (PyObject *)self;
}

PyObject *record_make(RecordKindObject *kind, const unsigned char **at, const unsigned char *end, int is_last)
{
    uint32_t offsets[HOT_MAX];
    const unsigned char *start = *at;
    if (record_check(kind, at, end, is_last, kind->hot, kind->hot_count, offsets) < 0)
        return NULL;
    return record_new(kind, start, (uint32_t)(*at - start), offsets, NULL);
}

void record_refuse_other(const RecordKindObject *kind, const char *call, PyObject *given)
{
    int is_record = Py_TYPE(given) == kind->record_type;
    PyObject *name = is_record ? Py_NewRef(((RecordObject *)given)->kind->name) : PyType_GetName(Py_TYPE(given));
    if (name != NULL)
        PyErr_Format(PyExc_TypeError, "%s: got %s%U%s, expected a record of %U; make one by the pack() of a struct, or "
                     "the read() of bytes, of its RecordType", call, is_record ? "a record of another RecordType(" : "",
                     name, is_record ? ")" : "", kind->name);
    Py_XDECREF(name);
}

static void Record_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    Py_DECREF(SELF->kind);
    Py_XDECREF(SELF->whole);
    PyObject_Free(op);
    Py_DECREF(type);
}

/* ---- 3 what Python sees ---- */

void record_refuse_name(const RecordKindObject *kind, PyObject *name, PyObject *type)
{
    PyErr_Clear();
    PyObject *shown = PyTuple_GetSlice(kind->names, 0, FIELDS_SHOWN), *comma = PyUnicode_FromString(", ");
    PyObject *fields = shown == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, shown);
    Py_ssize_t more = PyTuple_GET_SIZE(kind->names) - FIELDS_SHOWN;
    if (fields != NULL && more > 0)
        PyErr_Format(type, "a record of %U has no field '%.100U'; it has %U and %zd more", kind->name, name, fields, more);
    else if (fields != NULL)
        PyErr_Format(type, "a record of %U has no field '%.100U'; it has %U", kind->name, name, fields);
    Py_XDECREF(shown);
    Py_XDECREF(comma);
    Py_XDECREF(fields);
}

static PyObject *Record_getattro(PyObject *op, PyObject *name)
{
    PyObject *number = PyDict_GetItemWithError(SELF->kind->places, name);
    if (number != NULL)
        return record_attribute(SELF, (uint32_t)PyLong_AsUnsignedLong(number));
    PyObject *value = PyErr_Occurred() ? NULL : PyObject_GenericGetAttr(op, name);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError))
        record_refuse_name(SELF->kind, name, PyExc_AttributeError);
    return value;
}

static int Record_setattro(PyObject *op, PyObject *name, PyObject *value)
{
    PyErr_Format(PyExc_AttributeError, "a record of %U never changes: '%.100U' cannot be %s; replace() gives a "
                 "changed copy", SELF->kind->name, name, value == NULL ? "deleted" : "set");
    return -1;
}

static PyObject *Record_compare(PyObject *op, PyObject *other, int how)
{
    if ((how != Py_EQ && how != Py_NE) || Py_TYPE(other) != Py_TYPE(op) || ((RecordObject *)other)->kind != SELF->kind)
        Py_RETURN_NOTIMPLEMENTED;
    RecordObject *record = (RecordObject *)other;
    int is_equal = SELF->size == record->size && memcmp(record_bytes(SELF), record_bytes(record), SELF->size) == 0;
    return PyBool_FromLong(is_equal == (how == Py_EQ));
}

static PyObject *Record_bytes(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyBytes_FromStringAndSize((const char *)record_bytes(SELF), SELF->size);
}

static Py_hash_t Record_hash(PyObject *op)
{
    PyObject *bytes = Record_bytes(op, NULL);
    Py_hash_t hash = bytes == NULL ? -1 : PyObject_Hash(bytes);
    Py_XDECREF(bytes);
    return hash;
}

static Py_ssize_t Record_length(PyObject *op)
{
    return SELF->size;
}

static int Record_buffer(PyObject *op, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, op, (void *)record_bytes(SELF), SELF->size, 1, flags);
}

static PyObject *Record_decode(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyObject_CallOneArg(SELF->kind->decode, op);
}

static PyObject *Record_kind(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef((PyObject *)SELF->kind);
}

static PyObject *Record_repr(PyObject *op)
{
    PyObject *first = record_attribute(SELF, 0);
    PyObject *text = first == NULL ? NULL : PyUnicode_FromFormat(
        "<%U record, %U=%R, %u bytes>", SELF->kind->name, PyTuple_GET_ITEM(SELF->kind->names, 0), first, SELF->size);
    Py_XDECREF(first);
    return text;
}

static PyObject *Record_sizeof(PyObject *op, PyObject *Py_UNUSED(none))
{
    size_t own = offsetof(RecordObject, offsets) + SELF->kind->hot_count * sizeof(uint32_t);
    return PyLong_FromSize_t(SELF->whole == NULL ? own + SELF->size + JSON_PADDING : own);
}

static PyObject *Record_reduce(PyObject *op, PyObject *Py_UNUSED(protocol))
{
    PyErr_Format(PyExc_TypeError, "a record of %U cannot be pickled or copied by its state; keep bytes(record), and "
                 "make it again with the read() of its kind", SELF->kind->name);
    return NULL;
}

static PyObject *Record_copy(PyObject *op, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(op); /* nothing in it changes */
}

/* ---- 4 type spec ---- */

static PyMethodDef record_methods[] = {
    {"decode", Record_decode, METH_NOARGS, "decode($self, /)\n--\n\nThe struct that it is the bytes of: a new one each time."},
    {"replace", (PyCFunction)(void (*)(void))record_replace, METH_FASTCALL | METH_KEYWORDS,
     "replace($self, /, *unnamed, **changed)\n--\n\n"
     "A record with these fields changed, and the others as they are, bytes of newer versions included.\n\n"
     "What was left out before a changed field has its default there.\n"
     "Raises: TypeError for what is no field; for values, what pack does."},
    {"__bytes__", Record_bytes, METH_NOARGS, "__bytes__($self, /)\n--\n\nIts bytes, msgpack."},
    {"__sizeof__", Record_sizeof, METH_NOARGS, NULL},
    {"__reduce_ex__", Record_reduce, METH_O, NULL},
    {"__copy__", Record_copy, METH_NOARGS, NULL},
    {"__deepcopy__", Record_copy, METH_O, NULL},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Record[Task]: the type of the records of tasks."},
    {NULL},
};

static PyGetSetDef record_getters[] = {
    {"kind", Record_kind, NULL, "The kind of record that it is.", NULL},
    {NULL},
};

static PyType_Slot record_slots[] = {
    {Py_tp_doc, "The bytes of one message: checked when they arrived, never changed, read field by field.\n\n"
                "Its fields are attributes. len() is the number of its bytes. Made by the ``read`` of its kind."},
    {Py_tp_getattro, Record_getattro},
    {Py_tp_setattro, Record_setattro},
    {Py_tp_richcompare, Record_compare},
    {Py_tp_hash, Record_hash},
    {Py_tp_repr, Record_repr},
    {Py_sq_length, Record_length},
    {Py_bf_getbuffer, Record_buffer},
    {Py_tp_dealloc, Record_dealloc},
    {Py_tp_methods, record_methods},
    {Py_tp_getset, record_getters},
    {0, NULL},
};

PyType_Spec record_spec = {
    .name = "libactor.records.Record",
    .basicsize = offsetof(RecordObject, offsets),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = record_slots,
};
