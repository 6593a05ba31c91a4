/* csrc/record_column.c -- columns of many records; see record_column.h.
 *
 * Who calls: record_array.c, snapshot.c.
 * A value that was made of the same bytes a little before is given out again: of many records most have the same few in
 *   most columns.
 * Rejected: to look through all values that there were so far, which costs most where all differ.
 * Twin: libactor/_core/_record.py.
 */
#include "record_column.h"

static int is_document(const RecordColumn *column)
{
    const Shape *shape = column->kind->shapes + column->kind->shapes[0].first + column->number;
    return shape->kind == SHAPE_ANY || shape->kind > SHAPE_CHOICE;
}

/* Which place a value has among those kept; ids differ in their last bytes. */
static unsigned place_of(const unsigned char *at, Py_ssize_t size)
{
    uint64_t last = 0;
    memcpy(&last, size < 8 ? at : at + size - 8, size < 8 ? (size_t)size : 8);
    return (unsigned)((last + (uint64_t)size) * 0x9e3779b97f4a7c15u >> 60) % COLUMN_SEEN;
}

static int put_default(RecordColumn *column)
{
    if (is_document(column))
        return PyList_Append(column->values, Py_None);
    PyObject *value = PyObject_CallNoArgs(PyTuple_GET_ITEM(column->kind->defaults, column->number));
    int answer = value == NULL ? -1 : PyList_Append(column->values, value);
    Py_XDECREF(value);
    return answer;
}

int record_column_begin(RecordColumn *column, const RecordKindObject *kind, uint32_t number)
{
    memset(column->seen, 0, sizeof column->seen);
    column->kind = kind;
    column->number = number;
    column->values = PyList_New(0);
    return column->values == NULL ? -1 : 0;
}

int record_column_put(RecordColumn *column, const unsigned char *at, const unsigned char *end)
{
    if (at == NULL)
        return put_default(column);
    Py_ssize_t size = packed_skip(at, end) - at;
    RecordSeen *seen = &column->seen[place_of(at, size)];
    if (seen->value == NULL || seen->size != size || memcmp(seen->at, at, (size_t)size) != 0) {
        PyObject *value = is_document(column) ? PyBytes_FromStringAndSize((const char *)at, size)
                                              : record_value(column->kind, column->number, at, end);
        if (value == NULL)
            return -1;
        Py_XSETREF(seen->value, value);
        seen->at = at;
        seen->size = size;
    }
    return PyList_Append(column->values, seen->value);
}

void record_column_end(RecordColumn *column)
{
    Py_DECREF(column->values);
    for (int i = 0; i < COLUMN_SEEN; i++)
        Py_XDECREF(column->seen[i].value);
}
