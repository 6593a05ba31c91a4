/* csrc/record_replace.c -- Record.replace: a new record with some fields changed, and the bytes of the others as they were.
 *
 * Who calls: whoever keeps records and changes a field or two of one, such as the state of a task.
 * Only what is new is encoded and checked: the rest was.
 * Invariant: the answer, and the error, are those of reading the same bytes. So if a value does not fit by itself, all is
 *   read (a msgspec.Raw may hold no value, or two, and fit with what is beside it).
 * Twin: libactor/_core/_record.py. Layout: 1 which fields  2 bytes  3 the whole
 */
#include "record.h"

typedef struct {
    const RecordObject *record;
    const unsigned char *fields; /* where the first field begins */
    uint32_t count, count_after; /* fields that it has, those of a newer version included; and that it will have */
    uint32_t first, past;        /* what changes is among the fields from `first` on and before `past` */
    int is_fit;                  /* whether each new value is one of its field's type */
    PyObject *values[RECORD_FIELDS_MAX]; /* owned bytes, by field; NULL: as it was */
} Replacing;

/* ---- 1 which fields ---- */

static int replacing_encode(Replacing *replacing, uint32_t number, PyObject *given)
{
    const RecordKindObject *kind = replacing->record->kind;
    PyObject *value = PyObject_CallOneArg(kind->encode, given);
    if (value == NULL)
        return -1;
    Py_XSETREF(replacing->values[number], value);
    if (number < replacing->first)
        replacing->first = number;
    if (number >= replacing->past)
        replacing->past = number + 1;
    if (!PyBytes_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "Record.replace: expected encode to give bytes");
        return -1;
    }
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(value);
    ShapeCheck check = {.start = at, .end = at + PyBytes_GET_SIZE(value), .shapes = kind->shapes, .choices = kind->choices};
    replacing->is_fit &= shape_check_field(&check, number) == 0;
    return 0;
}

static int replacing_take(Replacing *replacing, PyObject *const *values, PyObject *names)
{
    const RecordKindObject *kind = replacing->record->kind;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *number = PyDict_GetItemWithError(kind->places, PyTuple_GET_ITEM(names, i));
        if (number == NULL) {
            record_refuse_name(kind, PyTuple_GET_ITEM(names, i), PyExc_TypeError);
            return -1;
        }
        if (replacing_encode(replacing, (uint32_t)PyLong_AsUnsignedLong(number), values[i]) < 0)
            return -1;
    }
    return 0;
}

/* What was left out before a field that is changed has to be there: its default. */
static int replacing_fill(Replacing *replacing)
{
    for (uint32_t number = replacing->count; number < replacing->past; number++) {
        if (replacing->values[number] != NULL)
            continue;
        PyObject *value = PyObject_CallNoArgs(PyTuple_GET_ITEM(replacing->record->kind->defaults, number));
        int answer = value == NULL ? -1 : replacing_encode(replacing, number, value);
        Py_XDECREF(value);
        if (answer < 0)
            return -1;
    }
    replacing->count_after = replacing->past > replacing->count ? replacing->past : replacing->count;
    return 0;
}

/* ---- 2 bytes ---- */

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

/* Write the head of the array; how many bytes it has. Known fields are at most 254. */
static size_t replacing_head(const Replacing *replacing, unsigned char *to)
{
    const unsigned char *bytes = record_bytes(replacing->record);
    uint32_t count = replacing->count_after;
    if (count == replacing->count)
        return (size_t)(put(to, bytes, (size_t)(replacing->fields - bytes)) - to);
    const unsigned char wide[] = {0xdc, 0, (unsigned char)count}, narrow[] = {(unsigned char)(0x90 | count)};
    return (size_t)(count < 16 ? put(to, narrow, sizeof narrow) - to : put(to, wide, sizeof wide) - to);
}

/* Where the first field that changes begins, or would. */
static const unsigned char *replacing_begin(const Replacing *replacing)
{
    const unsigned char *at = record_field(replacing->record, replacing->first);
    return at != NULL ? at : record_bytes(replacing->record) + replacing->record->size;
}

static size_t replacing_size(const Replacing *replacing)
{
    unsigned char head[5];
    const unsigned char *bytes = record_bytes(replacing->record), *at = replacing_begin(replacing);
    size_t size = replacing_head(replacing, head) + replacing->record->size - (size_t)(replacing->fields - bytes);
    for (uint32_t number = replacing->first; number < replacing->past; number++) {
        const unsigned char *next = number < replacing->count ? packed_skip(at, PACKED_NO_END) : at;
        if (replacing->values[number] != NULL)
            size += (size_t)PyBytes_GET_SIZE(replacing->values[number]) - (size_t)(next - at);
        at = next;
    }
    return size;
}

/* Write all of it, and where the hot fields begin. */
static void replacing_write(const Replacing *replacing, unsigned char *start, uint32_t *offsets)
{
    const RecordObject *record = replacing->record;
    const unsigned char *bytes = record_bytes(record), *at = replacing_begin(replacing);
    const uint32_t *hot = record->kind->hot, *hot_end = hot + record->kind->hot_count, *before = record->offsets;
    unsigned char *to = start + replacing_head(replacing, start);
    uint32_t shift = (uint32_t)((to - start) - (replacing->fields - bytes)); /* modulo 2^32, as below */
    to = put(to, replacing->fields, (size_t)(at - replacing->fields));
    for (; hot < hot_end && *hot < replacing->first; hot++)
        *offsets++ = *before++ + shift;
    for (uint32_t number = replacing->first; number < replacing->past; number++) {
        const unsigned char *next = number < replacing->count ? packed_skip(at, PACKED_NO_END) : at;
        PyObject *value = replacing->values[number];
        if (hot < hot_end && *hot == number) {
            *offsets++ = (uint32_t)(to - start);
            hot++;
            before++;
        }
        to = value == NULL ? put(to, at, (size_t)(next - at))
                           : put(to, PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value));
        at = next;
    }
    shift = (uint32_t)((to - start) - (at - bytes));
    for (; hot < hot_end; hot++, before++)
        *offsets++ = *before == 0 ? 0 : *before + shift;
    put(to, at, (size_t)(bytes + record->size - at));
}

/* ---- 3 the whole ---- */

/* The record of bytes that may be none. */
static PyObject *replacing_read(const Replacing *replacing, size_t size)
{
    uint32_t offsets[HOT_MAX];
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size), *record = NULL;
    if (bytes == NULL)
        return NULL;
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(bytes);
    replacing_write(replacing, (unsigned char *)PyBytes_AS_STRING(bytes), offsets);
    record = record_make(replacing->record->kind, &at, at + size, 1);
    Py_DECREF(bytes);
    return record;
}

static PyObject *replacing_make(Replacing *replacing, PyObject *const *values, PyObject *names)
{
    if (replacing_take(replacing, values, names) < 0 || replacing_fill(replacing) < 0)
        return NULL;
    size_t size = replacing_size(replacing);
    if (!replacing->is_fit || size > replacing->record->kind->bytes_max)
        return replacing_read(replacing, size);
    RecordObject *record = record_alloc(replacing->record->kind, (uint32_t)size, NULL);
    if (record != NULL)
        replacing_write(replacing, (unsigned char *)record_bytes(record), record->offsets);
    return (PyObject *)record;
}

PyObject *record_replace(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PackedHead head = {0};
    Replacing replacing;
    if (count > 0)
        return PyErr_Format(PyExc_TypeError, "Record.replace: got %zd values without a name, expected field=value", count);
    if (names == NULL || PyTuple_GET_SIZE(names) == 0)
        return Py_NewRef(op);
    memset(&replacing, 0, sizeof replacing);
    replacing.record = (RecordObject *)op;
    replacing.fields = packed_head(record_bytes(replacing.record), PACKED_NO_END, &head);
    replacing.count = head.count;
    replacing.first = RECORD_FIELDS_MAX;
    replacing.is_fit = 1;
    PyObject *record = replacing_make(&replacing, arguments, names);
    for (uint32_t number = replacing.first; number < replacing.past; number++)
        Py_XDECREF(replacing.values[number]);
    return record;
}
