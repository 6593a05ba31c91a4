/* csrc/type_check.c -- TypeCheck: whether all in a value is of exactly the types that a struct class declares.
 *
 * Who calls: libactor/records/type_check.py compiles a class to rows; whoever gets values of it from others asks `fits`.
 * Why C: it looks at every field of every message (bench: launch). Twin: libactor/_core/_type_check.py.
 * No code of any class runs, nothing is made, and nothing is changed: fields are read where they lie. What is of a
 *   recursive class may be nested without end, so the walk ends at NESTING_MAX and says no.
 * Layout: 1 object  2 the walk  3 making  4 type spec
 */
#include "layout.h"

#define SELF ((TypeCheckObject *)op)

/* ---- 1 object ---- */

/* As in libactor/_core/_type_check.py. */
enum { NEVER, BOOL, INT, FLOAT, TEXT, BYTES, MEMBER, ITEMS, TUPLE, STRUCT, UNION, KINDS };
enum { ROW_FIELDS = 6, NESTING_MAX = 64 };

/* What a value has to be. Rows of its parts lie together, from `first` on. */
typedef struct {
    int kind;
    int nullable;       /* None will do as well */
    PyObject *of;       /* borrowed from the rows: of a STRUCT its class, of a MEMBER a tuple of all there are */
    Py_ssize_t first;   /* of ITEMS one row for all of them */
    Py_ssize_t parts;   /* how many; of TUPLE, STRUCT and UNION */
    PyObject *slots;    /* borrowed as well: of a STRUCT the descriptors of its fields */
} Row;

typedef struct {
    PyObject_HEAD
    PyObject *given; /* owned: the tuple that the rows were made of, which keeps what they borrow */
    Row *rows;       /* owned */
    Py_ssize_t count;
} TypeCheckObject;

/* ---- 2 the walk ---- */

static int text_fits(PyObject *value)
{
    if (PyUnicode_IS_ASCII(value) || PyUnicode_KIND(value) == PyUnicode_1BYTE_KIND)
        return 1;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(value); i++) {
        Py_UCS4 character = PyUnicode_READ_CHAR(value, i);
        if (character >= 0xd800 && character <= 0xdfff) /* half a surrogate pair, which UTF-8 has not */
            return 0;
    }
    return 1;
}

static int int_fits(PyObject *value)
{
    int overflow;
    PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0;
}

static int is_among(PyObject *value, PyObject *members)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++)
        if (PyTuple_GET_ITEM(members, i) == value)
            return 1;
    return 0;
}

static int value_fits(const TypeCheckObject *self, const Row *row, PyObject *value, int nesting);

static int items_fit(const TypeCheckObject *self, const Row *row, PyObject *value, int nesting)
{
    int is_list = row->kind == ITEMS;
    if (!PyTuple_CheckExact(value) || (!is_list && PyTuple_GET_SIZE(value) != row->parts))
        return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++)
        if (!value_fits(self, self->rows + row->first + (is_list ? 0 : i), PyTuple_GET_ITEM(value, i), nesting + 1))
            return 0;
    return 1;
}

static int fields_fit(const TypeCheckObject *self, const Row *row, PyObject *value, int nesting)
{
    if (Py_TYPE(value) != (PyTypeObject *)row->of)
        return 0;
    for (Py_ssize_t i = 0; i < row->parts; i++) {
        PyMemberDescrObject *slot = (PyMemberDescrObject *)PyTuple_GET_ITEM(row->slots, i);
        PyObject *field = *(PyObject **)((char *)value + slot->d_member->offset);
        if (field == NULL || !value_fits(self, self->rows + row->first + i, field, nesting + 1))
            return 0;
    }
    return 1;
}

static int any_fits(const TypeCheckObject *self, const Row *row, PyObject *value, int nesting)
{
    for (Py_ssize_t i = 0; i < row->parts; i++)
        if (value_fits(self, self->rows + row->first + i, value, nesting + 1))
            return 1;
    return 0;
}

static int value_fits(const TypeCheckObject *self, const Row *row, PyObject *value, int nesting)
{
    if (value == Py_None)
        return row->nullable;
    if (nesting > NESTING_MAX)
        return 0;
    switch (row->kind) {
    case BOOL:
        return PyBool_Check(value);
    case INT:
        return PyLong_CheckExact(value) && int_fits(value);
    case FLOAT:
        return PyFloat_CheckExact(value);
    case TEXT:
        return PyUnicode_CheckExact(value) && text_fits(value);
    case BYTES:
        return PyBytes_CheckExact(value);
    case MEMBER:
        return is_among(value, row->of);
    case ITEMS:
    case TUPLE:
        return items_fit(self, row, value, nesting);
    case STRUCT:
        return fields_fit(self, row, value, nesting);
    case UNION:
        return any_fits(self, row, value, nesting);
    default:
        return 0;
    }
}

static PyObject *TypeCheck_fits(PyObject *op, PyObject *value)
{
    return PyBool_FromLong(value_fits(SELF, SELF->rows, value, 0));
}

/* ---- 3 making ---- */

/* Whether all `slots` are places of a `kind`, as many as a row has parts. */
static int slots_fit(const Row *row)
{
    if (!PyType_Check(row->of) || !PyTuple_CheckExact(row->slots) || PyTuple_GET_SIZE(row->slots) != row->parts)
        return 0;
    for (Py_ssize_t i = 0; i < row->parts; i++) {
        PyObject *slot = PyTuple_GET_ITEM(row->slots, i);
        if (Py_TYPE(slot) != &PyMemberDescr_Type || ((PyMemberDescrObject *)slot)->d_member->type != Py_T_OBJECT_EX ||
            !PyType_IsSubtype((PyTypeObject *)row->of, PyDescr_TYPE(slot)))
            return 0;
    }
    return 1;
}

/* 0, or -1 with TypeError. */
static int row_read(Row *row, PyObject *given, Py_ssize_t rows)
{
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != ROW_FIELDS ||
        !PyArg_ParseTuple(given, "ipOnnO", &row->kind, &row->nullable, &row->of, &row->first, &row->parts, &row->slots))
        goto wrong;
    Py_ssize_t parts = row->kind == ITEMS ? 1 : row->parts;
    if (row->kind < NEVER || row->kind >= KINDS || row->first < 0 || parts < 0 || row->first > rows - parts ||
        (row->kind == MEMBER && !PyTuple_CheckExact(row->of)) || (row->kind == STRUCT && !slots_fit(row)))
        goto wrong;
    return 0;
wrong:
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "TypeCheck got %R, expected a row as libactor.records makes it", given);
    return -1;
}

static PyObject *TypeCheck_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"rows", NULL};
    PyObject *given;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!:TypeCheck", names, &PyTuple_Type, &given))
        return NULL;
    TypeCheckObject *self = (TypeCheckObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->given = Py_NewRef(given);
    self->count = PyTuple_GET_SIZE(given);
    self->rows = PyMem_New(Row, self->count > 0 ? self->count : 1);
    int answer = self->rows == NULL ? (PyErr_NoMemory(), -1) : 0;
    if (answer == 0 && self->count == 0) {
        PyErr_SetString(PyExc_TypeError, "TypeCheck got no rows, expected one at least");
        answer = -1;
    }
    for (Py_ssize_t i = 0; answer == 0 && i < self->count; i++)
        answer = row_read(self->rows + i, PyTuple_GET_ITEM(given, i), self->count);
    if (answer < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int TypeCheck_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->given);
    return 0;
}

static void TypeCheck_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->given);
    PyMem_Free(SELF->rows);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 4 type spec ---- */

static PyMethodDef type_check_methods[] = {
    {"fits", TypeCheck_fits, METH_O,
     "fits($self, value, /)\n--\n\nWhether a value, and all in it, is of exactly the types that are declared."},
    {NULL},
};

static PyType_Slot type_check_slots[] = {
    {Py_tp_doc, "Looks at values of one type; see libactor.records.TypeCheck."},
    {Py_tp_new, TypeCheck_new},
    {Py_tp_traverse, TypeCheck_traverse},
    {Py_tp_dealloc, TypeCheck_dealloc},
    {Py_tp_methods, type_check_methods},
    {0, NULL},
};

PyType_Spec type_check_spec = {
    .name = "libactor.records.TypeCheckCell",
    .basicsize = sizeof(TypeCheckObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = type_check_slots,
};
