/* csrc/record_column.h -- a column: the values of one field of many records, as a list.
 *
 * Who includes it: record_array.c, which reads records; snapshot.c, whose records there are.
 * A value is what the attribute of the record is, but of an array, a map, a struct or Any its bytes, None if it was left
 *   out: who wants objects decodes those that differ.
 */
#ifndef LIBACTOR_RECORD_COLUMN_H
#define LIBACTOR_RECORD_COLUMN_H

#include "record.h"

#define COLUMN_SEEN 16 /* values that are given out again, a power of two */

typedef struct {
    const unsigned char *at; /* of bytes that stay for as long as the column is made */
    Py_ssize_t size;
    PyObject *value; /* owned; NULL: none yet */
} RecordSeen;

typedef struct {
    const RecordKindObject *kind;
    uint32_t number;  /* of the field */
    PyObject *values; /* owned list */
    RecordSeen seen[COLUMN_SEEN];
} RecordColumn;

/* Begin with no value; -1 with MemoryError, and there is nothing to end. */
int record_column_begin(RecordColumn *column, const RecordKindObject *kind, uint32_t number);
/* Append the value at `at`, which ends before `end`; NULL: it was left out. */
int record_column_put(RecordColumn *column, const unsigned char *at, const unsigned char *end);
void record_column_end(RecordColumn *column);

#endif
