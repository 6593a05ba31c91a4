/* csrc/record_array.c -- the records of an array, which stay where they are in its bytes, and columns of their fields.
 *
 * Who calls: RecordKind.read_array, for whoever takes in a great many records at once and needs some fields of each.
 * In one pass: the check of a record notes where its hot fields and the wanted ones begin. A value that was made of the
 *   same bytes a little before is given out again: of many records most have the same few in most columns.
 * Invariants: 1. a record that is a part of `whole` has JSON_PADDING bytes behind it that may be read, be they of
 *   others; one too near the end is copied.  2. how many there are to be is believed only as they come.
 * Rejected: to look through all values that there were so far, which costs most where all differ.
 * Twin: libactor/_core/_record.py. Layout: 1 which fields  2 values  3 the whole
 */
#include "record.h"

#define COLUMNS_MAX 16
#define KEPT 16 /* values of a column, a power of two */

typedef struct {
    const unsigned char *at; /* in `whole` */
    Py_ssize_t size;
    PyObject *value; /* owned; NULL: none yet */
} Seen;

typedef struct {
    uint32_t number; /* of the field */
    uint32_t mark;   /* which of the marks it is */
    PyObject *values; /* owned list */
    Seen seen[KEPT];
} Column;

typedef struct {
    RecordKindObject *kind;
    PyObject *whole;                           /* borrowed bytes */
    uint32_t mark_count, marks[HOT_MAX + COLUMNS_MAX]; /* fields whose places are noted, ascending */
    uint32_t hot_marks[HOT_MAX];               /* by hot field: which of the marks it is */
    uint32_t column_count;
    Column columns[COLUMNS_MAX];
} Reading;

/* ---- 1 which fields ---- */

static int reading_refuse(const Reading *reading, PyObject *name)
{
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "read_array: got fields with %R, expected at most %d names of fields of %U", name,
                     COLUMNS_MAX, reading->kind->name);
    return -1;
}

static int reading_take_columns(Reading *reading, PyObject *names)
{
    if (!PyTuple_CheckExact(names) || PyTuple_GET_SIZE(names) > COLUMNS_MAX)
        return reading_refuse(reading, names);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        PyObject *number = PyUnicode_CheckExact(name) ? PyDict_GetItemWithError(reading->kind->places, name) : NULL;
        if (number == NULL)
            return reading_refuse(reading, name);
        Column *column = &reading->columns[i];
        memset(column->seen, 0, sizeof column->seen);
        column->number = (uint32_t)PyLong_AsUnsignedLong(number);
        column->values = PyList_New(0);
        if (column->values == NULL)
            return -1;
        reading->column_count++;
    }
    return 0;
}

static void reading_mark(Reading *reading)
{
    const RecordKindObject *kind = reading->kind;
    for (uint32_t number = 0; number < kind->shapes[0].count; number++) {
        int is_wanted = kind->hot_place[number] >= 0;
        if (is_wanted)
            reading->hot_marks[kind->hot_place[number]] = reading->mark_count;
        for (uint32_t i = 0; i < reading->column_count; i++)
            if (reading->columns[i].number == number) {
                reading->columns[i].mark = reading->mark_count;
                is_wanted = 1;
            }
        if (is_wanted)
            reading->marks[reading->mark_count++] = number;
    }
}

static void reading_clear(Reading *reading)
{
    for (uint32_t i = 0; i < reading->column_count; i++) {
        Py_DECREF(reading->columns[i].values);
        for (int n = 0; n < KEPT; n++)
            Py_XDECREF(reading->columns[i].seen[n].value);
    }
}

/* ---- 2 values ---- */

static const Shape *column_shape(const Reading *reading, const Column *column)
{
    const Shape *shapes = reading->kind->shapes;
    return shapes + shapes[0].first + column->number;
}

static int is_document(const Shape *shape)
{
    return shape->kind == SHAPE_ANY || shape->kind > SHAPE_CHOICE;
}

/* Which place a value has among those kept; ids differ in their last bytes. */
static unsigned place_of(const unsigned char *at, Py_ssize_t size)
{
    uint64_t last = 0;
    memcpy(&last, size < 8 ? at : at + size - 8, size < 8 ? (size_t)size : 8);
    return (unsigned)((last + (uint64_t)size) * 0x9e3779b97f4a7c15u >> 60) % KEPT;
}

static int column_put(Reading *reading, Column *column, const unsigned char *at, const unsigned char *end)
{
    Py_ssize_t size = packed_skip(at, end) - at;
    Seen *seen = &column->seen[place_of(at, size)];
    if (seen->value == NULL || seen->size != size || memcmp(seen->at, at, (size_t)size) != 0) {
        PyObject *value = is_document(column_shape(reading, column))
                              ? PyBytes_FromStringAndSize((const char *)at, size)
                              : record_value(reading->kind, column->number, at, end);
        if (value == NULL)
            return -1;
        Py_XSETREF(seen->value, value);
        seen->at = at;
        seen->size = size;
    }
    return PyList_Append(column->values, seen->value);
}

static int column_put_default(Reading *reading, Column *column)
{
    if (is_document(column_shape(reading, column)))
        return PyList_Append(column->values, Py_None);
    PyObject *value = PyObject_CallNoArgs(PyTuple_GET_ITEM(reading->kind->defaults, column->number));
    int answer = value == NULL ? -1 : PyList_Append(column->values, value);
    Py_XDECREF(value);
    return answer;
}

/* ---- 3 the whole ---- */

/* The next record, of which `offsets` are the marks; it ends before `end`, the end of all. */
static PyObject *reading_record(Reading *reading, const unsigned char *began, size_t size, const unsigned char *end,
                                const uint32_t *offsets)
{
    uint32_t hot[HOT_MAX];
    for (uint32_t i = 0; i < reading->kind->hot_count; i++)
        hot[i] = offsets[reading->hot_marks[i]];
    int is_near_end = end + 1 - (began + size) < JSON_PADDING; /* bytes have a zero behind them */
    int is_far = began - (const unsigned char *)PyBytes_AS_STRING(reading->whole) > (Py_ssize_t)UINT32_MAX;
    return record_new(reading->kind, began, (uint32_t)size, hot, is_near_end || is_far ? NULL : reading->whole);
}

static int reading_step(Reading *reading, PyObject *records, const unsigned char **at, const unsigned char *end)
{
    uint32_t offsets[HOT_MAX + COLUMNS_MAX];
    const unsigned char *began = *at;
    if (record_check(reading->kind, at, end, 0, reading->marks, reading->mark_count, offsets) < 0)
        return -1;
    PyObject *record = reading_record(reading, began, (size_t)(*at - began), end, offsets);
    int answer = record == NULL ? -1 : PyList_Append(records, record);
    Py_XDECREF(record);
    for (uint32_t i = 0; answer == 0 && i < reading->column_count; i++) {
        Column *column = &reading->columns[i];
        uint32_t offset = offsets[column->mark];
        answer = offset == 0 ? column_put_default(reading, column) : column_put(reading, column, began + offset, *at);
    }
    return answer;
}

static int reading_all(Reading *reading, PyObject *records)
{
    const unsigned char *start = (const unsigned char *)PyBytes_AS_STRING(reading->whole);
    const unsigned char *end = start + PyBytes_GET_SIZE(reading->whole);
    PackedHead head = {0};
    const unsigned char *at = packed_head(start, end, &head);
    if (head.kind != PACKED_ARRAY)
        return record_refuse_at(reading->kind, head.kind == PACKED_CUT ? FAULT_CUT : FAULT_NO_ARRAY, 0);
    for (uint32_t i = 0; i < head.count; i++)
        if (reading_step(reading, records, &at, end) < 0)
            return -1;
    return at == end ? 0 : record_refuse_at(reading->kind, FAULT_BEHIND, at - start);
}

static PyObject *reading_answer(const Reading *reading, PyObject *records)
{
    PyObject *columns = PyTuple_New(reading->column_count);
    for (uint32_t i = 0; columns != NULL && i < reading->column_count; i++)
        PyTuple_SET_ITEM(columns, i, Py_NewRef(reading->columns[i].values));
    PyObject *answer = columns == NULL ? NULL : PyTuple_Pack(2, records, columns);
    Py_XDECREF(columns);
    return answer;
}

PyObject *record_read_array(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *nothing = count < 2 ? PyTuple_New(0) : NULL, *records = NULL, *answer = NULL;
    Reading reading; /* not zeroed as a whole: seven kilobytes */
    reading.kind = (RecordKindObject *)op;
    reading.mark_count = reading.column_count = 0;
    if (count < 1 || count > 2)
        PyErr_Format(PyExc_TypeError, "read_array: got %zd arguments, expected bytes, and names of fields", count);
    else if (!PyBytes_CheckExact(arguments[0]))
        PyErr_Format(PyExc_TypeError, "read_array: got %.100s, expected bytes", Py_TYPE(arguments[0])->tp_name);
    else if (count == 2 || nothing != NULL) {
        reading.whole = arguments[0];
        if (reading_take_columns(&reading, count == 2 ? arguments[1] : nothing) == 0 &&
            (records = PyList_New(0)) != NULL) {
            reading_mark(&reading);
            if (reading_all(&reading, records) == 0)
                answer = reading_answer(&reading, records);
        }
    }
    reading_clear(&reading);
    Py_XDECREF(records);
    Py_XDECREF(nothing);
    return answer;
}
