/* csrc/record.h -- records and their kinds: who owns which bytes.
 *
 * Who includes it: record.c, record_array.c, record_kind.c, record_replace.c; chunk.h; and what reads the bytes without the interpreter.
 * A record owns a copy of its bytes, made once, or is a part of a bytes object, which it holds: one that was read by
 *   read_array, whose caller wants the whole kept. Else it has but a reference to its kind: so it is no matter for the
 *   collector. It never changes: any thread may read it that holds a reference.
 */
#ifndef LIBACTOR_RECORD_H
#define LIBACTOR_RECORD_H

#include "core.h"
#include "json_out.h"
#include "shape.h"

#define HOT_MAX 16
#define RECORD_FIELDS_MAX 255
#define RECORD_BYTES_MAX 0x7fffffff

typedef struct {
    PyObject_HEAD
    PyTypeObject *record_type; /* owned, as all below */
    PyObject *name;
    PyObject *names;   /* tuple: the fields */
    PyObject *places;  /* dict: field to its number */
    PyObject *readers; /* tuple: what makes the value of a field from bytes; None: the core does */
    PyObject *defaults; /* tuple: makes the value of a field that was left out; None: there is none */
    PyObject *decode;  /* makes the struct */
    PyObject *encode;  /* makes bytes of a value */
    PyObject *refuse;  /* (fault, offset, path) -> the error */
    Shape *shapes;
    int64_t *choices;
    uint32_t bytes_max, hot_count, hot[HOT_MAX];
    int8_t hot_place[RECORD_FIELDS_MAX]; /* by field: where it is in `hot`; -1: nowhere */
} RecordKindObject;

typedef struct {
    PyObject_HEAD
    RecordKindObject *kind;
    PyObject *whole;      /* owned: the bytes object that it is a part of; NULL: the bytes follow the offsets */
    uint32_t start, size; /* of the bytes: where they begin in `whole`, and how many they are */
    uint32_t offsets[];   /* of the hot fields, 0: left out; then, without `whole`, the bytes, and JSON_PADDING zeros */
} RecordObject; /* behind those of a part of `whole` as many bytes of that may be read */

static inline const unsigned char *record_bytes(const RecordObject *record)
{
    if (record->whole != NULL)
        return (const unsigned char *)PyBytes_AS_STRING(record->whole) + record->start;
    return (const unsigned char *)(record->offsets + record->kind->hot_count);
}

/* Check the value at `*at`, which ends there afterwards, and note in `offsets` where the fields `marks[0]` < `marks[1]`
 * ... of it begin, 0: left out. -1 with the kind's error. */
int record_check(RecordKindObject *kind, const unsigned char **at, const unsigned char *end, int is_last,
                 const uint32_t *marks, uint32_t mark_count, uint32_t *offsets);

/* A record of so many bytes, which the caller writes, with the offsets of the hot fields; or a part of `whole`, without
 * `start` yet. NULL with MemoryError. */
RecordObject *record_alloc(RecordKindObject *kind, uint32_t size, PyObject *whole);

/* A record of so many bytes that were checked; a copy of them, or, if that is not NULL, a part of `whole`. */
PyObject *record_new(RecordKindObject *kind, const unsigned char *bytes, uint32_t size, const uint32_t *hot_offsets,
                     PyObject *whole);

/* A new record of the value at `*at`, which ends there afterwards; NULL with the kind's error. */
PyObject *record_make(RecordKindObject *kind, const unsigned char **at, const unsigned char *end, int is_last);

/* Where the value of a field begins, NULL: left out. */
const unsigned char *record_field(const RecordObject *record, uint32_t number);

/* The value of a field, whose bytes begin at `at`. */
PyObject *record_value(const RecordKindObject *kind, uint32_t number, const unsigned char *at, const unsigned char *end);

/* Set the kind's error for what is wrong at this place outside of any record; -1. */
int record_refuse_at(RecordKindObject *kind, int fault, Py_ssize_t offset);

/* RecordKind.read_array. */
PyObject *record_read_array(PyObject *op, PyObject *const *arguments, Py_ssize_t count);

/* Record.replace. */
PyObject *record_replace(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* An error of this type, in the place of one that is set: there is no such field, and which there are. */
void record_refuse_name(const RecordKindObject *kind, PyObject *name, PyObject *type);

/* TypeError that names `call`, what it got, and the kind of which it expected a record. */
void record_refuse_other(const RecordKindObject *kind, const char *call, PyObject *given);

extern PyType_Spec record_spec;
extern PyType_Spec record_kind_spec;

#endif
