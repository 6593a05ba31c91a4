/* csrc/record_array.c -- the records of an array, which stay where they are in its bytes, and columns of their fields.
 *
 * Who calls: RecordKind.read_array, for whoever takes in a great many records at once and needs some fields of each.
 * In one pass: the check of a record notes where its hot fields and the wanted ones begin.
 * Invariants: 1. a record that is a part of `whole` has JSON_PADDING bytes behind it that may be read, be they of
 *   others; one too near the end is copied.  2. how many there are to be is believed only as they come.
 * Twin: libactor/_core/_record.py. Layout: 1 which fields  2 the whole
 */
#include "record_column.h"

#define COLUMNS_MAX 16

typedef struct {
    RecordKindObject *kind;
    PyObject *whole;                           /* borrowed bytes */
    uint32_t mark_count, marks[HOT_MAX + COLUMNS_MAX]; /* fields whose places are noted, ascending */
    uint32_t hot_marks[HOT_MAX], column_marks[COLUMNS_MAX]; /* by hot field, and by column: which of the marks it is */
    uint32_t column_count;
    RecordColumn columns[COLUMNS_MAX];
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
        if (record_column_begin(&reading->columns[i], reading->kind, (uint32_t)PyLong_AsUnsignedLong(number)) < 0)
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
                reading->column_marks[i] = reading->mark_count;
                is_wanted = 1;
            }
        if (is_wanted)
            reading->marks[reading->mark_count++] = number;
    }
}

static void reading_clear(Reading *reading)
{
    for (uint32_t i = 0; i < reading->column_count; i++)
        record_column_end(&reading->columns[i]);
}

/* ---- 2 the whole ---- */

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
        uint32_t offset = offsets[reading->column_marks[i]];
        answer = record_column_put(&reading->columns[i], offset == 0 ? NULL : began + offset, *at);
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
