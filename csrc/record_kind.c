/* csrc/record_kind.c -- RecordKind: what records of one kind look like, and the making of them.
 *
 * Who calls: libactor/records/record_type.py, which compiles shapes from a struct class; the code that receives bytes.
 * Twin: libactor/_core/_record.py. Layout: 1 making a kind  2 making records  3 life cycle  4 type spec
 */
#include "record.h"

#define SELF ((RecordKindObject *)op)

/* ---- 1 making a kind ---- */

/* A copy of an array whose items have this size, from an object with a buffer of a multiple of it; NULL with an error. */
static void *copy_array(PyObject *source, size_t item, Py_ssize_t *count)
{
    Py_buffer view;
    if (PyObject_GetBuffer(source, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    void *copy = NULL;
    *count = view.len / (Py_ssize_t)item;
    if (view.len % (Py_ssize_t)item != 0)
        PyErr_Format(PyExc_ValueError, "RecordKind: got %zd bytes, expected a multiple of %zu", view.len, item);
    else if ((copy = PyMem_Malloc((size_t)view.len + 1)) == NULL)
        PyErr_NoMemory();
    else
        memcpy(copy, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return copy;
}

/* 0 if no shape is nested deeper than checks follow: their stack, and the path of what is wrong, are bounded by it. */
static int check_nesting(const Shape *shapes, Py_ssize_t count)
{
    uint8_t *nesting = PyMem_Calloc((size_t)count, 1);
    if (nesting == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int deepest = 0;
    for (Py_ssize_t i = 0; i < count && deepest <= SHAPE_NESTING_MAX; i++) {
        uint32_t parts = shapes[i].kind == SHAPE_STRUCT ? shapes[i].count : 1;
        if (nesting[i] + 1 > deepest)
            deepest = nesting[i] + 1;
        for (uint32_t n = 0; n < parts && shapes[i].kind >= SHAPE_ARRAY; n++)
            if (nesting[shapes[i].first + n] <= nesting[i])
                nesting[shapes[i].first + n] = (uint8_t)(nesting[i] + 1);
    }
    PyMem_Free(nesting);
    if (deepest <= SHAPE_NESTING_MAX)
        return 0;
    PyErr_Format(PyExc_ValueError, "RecordKind: shapes are nested more than %d deep", SHAPE_NESTING_MAX);
    return -1;
}

/* 0 if shapes only name shapes and choices that are there, and fields behind themselves; so that no check goes astray. */
static int check_shapes(const Shape *shapes, Py_ssize_t count, Py_ssize_t choices)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        uint64_t last = (uint64_t)shapes[i].first + (shapes[i].kind == SHAPE_STRUCT || shapes[i].kind == SHAPE_CHOICE
                                                         ? shapes[i].count : 1);
        int is_bad = shapes[i].kind > SHAPE_MAP || (shapes[i].kind == SHAPE_CHOICE && last > (uint64_t)choices);
        if (shapes[i].kind >= SHAPE_ARRAY && shapes[i].kind <= SHAPE_MAP)
            is_bad |= last > (uint64_t)count || (shapes[i].first <= (uint64_t)i && last > shapes[i].first);
        if (is_bad) {
            PyErr_Format(PyExc_ValueError, "RecordKind: shape %zd names what is not there, or what is before it", i);
            return -1;
        }
    }
    if (count > 0 && shapes[0].kind == SHAPE_STRUCT && shapes[0].count > 0 && shapes[0].count < RECORD_FIELDS_MAX)
        return check_nesting(shapes, count);
    PyErr_SetString(PyExc_ValueError, "RecordKind: the first shape has to be a struct of 1 to 254 fields");
    return -1;
}

static int take_hot(RecordKindObject *self, PyObject *hot)
{
    self->hot_count = 0;
    memset(self->hot_place, -1, sizeof self->hot_place);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(hot); i++) {
        long number = PyLong_AsLong(PyTuple_GET_ITEM(hot, i));
        if (number == -1 && PyErr_Occurred())
            return -1;
        if (i >= HOT_MAX || number < 0 || number >= (long)self->shapes[0].count ||
            (i > 0 && number <= (long)self->hot[i - 1])) {
            PyErr_Format(PyExc_ValueError, "RecordKind: hot is %R, expected at most %d numbers of fields, ascending", hot,
                         HOT_MAX);
            return -1;
        }
        self->hot_place[number] = (int8_t)i;
        self->hot[self->hot_count++] = (uint32_t)number;
    }
    return 0;
}

static int take_names(RecordKindObject *self)
{
    self->places = PyDict_New();
    for (Py_ssize_t i = 0; self->places != NULL && i < PyTuple_GET_SIZE(self->names); i++) {
        PyObject *number = PyLong_FromSsize_t(i);
        int answer = number == NULL ? -1 : PyDict_SetItem(self->places, PyTuple_GET_ITEM(self->names, i), number);
        Py_XDECREF(number);
        if (answer < 0)
            return -1;
    }
    return self->places == NULL ? -1 : 0;
}

static int take_counts(const RecordKindObject *self)
{
    Py_ssize_t fields = self->shapes[0].count;
    if (PyTuple_GET_SIZE(self->names) == fields && PyTuple_GET_SIZE(self->readers) == fields &&
        PyTuple_GET_SIZE(self->defaults) == fields)
        return 0;
    PyErr_SetString(PyExc_ValueError, "RecordKind: names, readers and defaults have to be as many as fields");
    return -1;
}

static PyObject *RecordKind_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"name", "names", "shapes", "choices", "hot", "readers", "defaults", "decode", "encode",
                            "refuse", "bytes_max", NULL};
    PyObject *name, *fields, *shapes, *choices, *hot, *readers, *defaults, *decode, *encode, *refuse;
    Py_ssize_t bytes_max, shape_count, choice_count;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "UO!OOO!O!O!OOOn:RecordKind", names, &name, &PyTuple_Type,
                                     &fields, &shapes, &choices, &PyTuple_Type, &hot, &PyTuple_Type, &readers,
                                     &PyTuple_Type, &defaults, &decode, &encode, &refuse,
                                     &bytes_max))
        return NULL;
    if (bytes_max < 1 || bytes_max > RECORD_BYTES_MAX)
        return PyErr_Format(PyExc_ValueError, "RecordKind: bytes_max is %zd, expected 1 to %zd", bytes_max,
                            (Py_ssize_t)RECORD_BYTES_MAX);
    PyObject *module = PyType_GetModuleByDef(type, &core_module);
    RecordKindObject *self = module == NULL ? NULL : (RecordKindObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->record_type = (PyTypeObject *)Py_NewRef(((CoreState *)PyModule_GetState(module))->record_type);
    self->name = Py_NewRef(name);
    self->names = Py_NewRef(fields);
    self->readers = Py_NewRef(readers);
    self->defaults = Py_NewRef(defaults);
    self->decode = Py_NewRef(decode);
    self->encode = Py_NewRef(encode);
    self->refuse = Py_NewRef(refuse);
    self->bytes_max = (uint32_t)bytes_max;
    if ((self->shapes = copy_array(shapes, sizeof(Shape), &shape_count)) != NULL &&
        (self->choices = copy_array(choices, sizeof(int64_t), &choice_count)) != NULL &&
        check_shapes(self->shapes, shape_count, choice_count) == 0 && take_counts(self) == 0 &&
        take_hot(self, hot) == 0 && take_names(self) == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

/* ---- 2 making records ---- */

static PyObject *RecordKind_read(PyObject *op, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *at = view.buf;
    PyObject *record = record_make(SELF, &at, at + view.len, 1);
    PyBuffer_Release(&view);
    return record;
}

static PyObject *RecordKind_read_all(PyObject *op, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *at = view.buf, *end = at + view.len;
    PyObject *records = PyList_New(0);
    while (records != NULL && at < end) {
        PyObject *record = record_make(SELF, &at, end, 0);
        if (record == NULL || PyList_Append(records, record) < 0)
            Py_CLEAR(records);
        Py_XDECREF(record);
    }
    PyBuffer_Release(&view);
    return records;
}

/* ---- 3 life cycle ---- */

/* There is no clear: like a tuple it is made of what was there before it, so whatever leads back to it can be cleared. */
static int RecordKind_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->record_type);
    Py_VISIT(SELF->names);
    Py_VISIT(SELF->places);
    Py_VISIT(SELF->readers);
    Py_VISIT(SELF->defaults);
    Py_VISIT(SELF->decode);
    Py_VISIT(SELF->encode);
    Py_VISIT(SELF->refuse);
    return 0;
}

static void RecordKind_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->readers);
    Py_XDECREF(SELF->defaults);
    Py_XDECREF(SELF->decode);
    Py_XDECREF(SELF->encode);
    Py_XDECREF(SELF->refuse);
    Py_XDECREF(SELF->record_type);
    Py_XDECREF(SELF->name);
    Py_XDECREF(SELF->names);
    Py_XDECREF(SELF->places);
    PyMem_Free(SELF->shapes);
    PyMem_Free(SELF->choices);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 4 type spec ---- */

static PyMethodDef record_kind_methods[] = {
    {"read", RecordKind_read, METH_O,
     "read($self, data, /)\n--\n\n"
     "The record of these bytes, which are copied: msgpack of one struct.\n\n"
     "Raises: RecordError, which names offset and path, for anything else; TypeError for what has no bytes."},
    {"read_all", RecordKind_read_all, METH_O,
     "read_all($self, data, /)\n--\n\nThe records that stand behind one another in ``data``; see read."},
    {"read_array", (PyCFunction)(void (*)(void))record_read_array, METH_FASTCALL,
     "read_array($self, data, fields=(), /)\n--\n\n"
     "The records of an array in msgpack, and the values of ``fields`` of them: (records, a list for each field).\n\n"
     "Nothing is copied: a record holds ``data``, bytes, as long as it lives. A value is what the attribute is, but of\n"
     "an array, a map, a struct or Any its bytes, None if it is left out; of equal ones many are one object.\n"
     "Raises: RecordError, as read does, and for what is no such array; TypeError for what is no bytes, or no field."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "RecordType[Task]: the type of what makes records of tasks."},
    {NULL},
};

static PyMemberDef record_kind_members[] = {
    {"name", Py_T_OBJECT_EX, offsetof(RecordKindObject, name), Py_READONLY, "What its records are."},
    {"names", Py_T_OBJECT_EX, offsetof(RecordKindObject, names), Py_READONLY, "The names of their fields."},
    {NULL},
};

static PyType_Slot record_kind_slots[] = {
    {Py_tp_doc, "What records of one kind look like; see libactor.records.RecordType."},
    {Py_tp_new, RecordKind_new},
    {Py_tp_traverse, RecordKind_traverse},
    {Py_tp_dealloc, RecordKind_dealloc},
    {Py_tp_methods, record_kind_methods},
    {Py_tp_members, record_kind_members},
    {0, NULL},
};

PyType_Spec record_kind_spec = {
    .name = "libactor.records.RecordKind",
    .basicsize = sizeof(RecordKindObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = record_kind_slots,
};
