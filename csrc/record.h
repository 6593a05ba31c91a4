/* csrc/record.h -- records and their kinds: who owns which bytes.
 *
 * Who includes it: record.c, record_kind.c; chunk.h; and what reads the bytes without the interpreter.
 * A record owns a copy of its bytes, made once, and nothing else but a reference to its kind: so it is no matter for the
 *   collector, and pins no buffer that it came in. It never changes: any thread may read it that holds a reference.
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
    PyObject *refuse;  /* (fault, offset, path) -> the error */
    Shape *shapes;
    int64_t *choices;
    uint32_t bytes_max, hot_count, hot[HOT_MAX];
    int8_t hot_place[RECORD_FIELDS_MAX]; /* by field: where it is in `hot`; -1: nowhere */
} RecordKindObject;

typedef struct {
    PyObject_VAR_HEAD /* the size is that of what follows the struct */
    RecordKindObject *kind;
    uint32_t size;      /* of the bytes */
    uint32_t offsets[]; /* of the hot fields, 0: left out; then the bytes, then JSON_PADDING zeros */
} RecordObject;

static inline const unsigned char *record_bytes(const RecordObject *record)
{
    return (const unsigned char *)(record->offsets + record->kind->hot_count);
}

/* A new record of the value at `*at`, which ends there afterwards; NULL with the kind's error. */
PyObject *record_make(RecordKindObject *kind, const unsigned char **at, const unsigned char *end, int is_last);

/* Where the value of a field begins, NULL: left out. */
const unsigned char *record_field(const RecordObject *record, uint32_t number);

/* TypeError that names `call`, what it got, and the kind of which it expected a record. */
void record_refuse_other(const RecordKindObject *kind, const char *call, PyObject *given);

extern PyType_Spec record_spec;
extern PyType_Spec record_kind_spec;

#endif
