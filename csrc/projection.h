/* csrc/projection.h -- projections as Python has them: a program, and the kind of records that it was compiled for.
 *
 * Who includes it: projection.c; rendering.c, which renders chunks.
 * It never changes once made: any thread may run it that holds a reference, with or without the interpreter's lock.
 */
#ifndef LIBACTOR_PROJECTION_H
#define LIBACTOR_PROJECTION_H

#include "record.h"
#include "transcode.h"

typedef struct {
    PyObject_HEAD
    RecordKindObject *kind; /* owned */
    int32_t *code;          /* owned, as the next */
    unsigned char *pool;
    int words;       /* of the program; tables follow */
    int layout;      /* of the record */
    uint64_t number; /* no other projection of this interpreter has it */
} ProjectionObject;

/* Write records, NULL ones left out, with commas between them. */
void projection_render(const ProjectionObject *projection, RecordObject *const *records, Py_ssize_t count, JsonOut *out);

/* ---- rendering.c: methods of it ---- */

/* render_chunks(snapshot, start, stop, bytes_max, comma, keep) */
PyObject *projection_chunks(PyObject *projection, PyObject *const *arguments, Py_ssize_t count);
/* chunk_count(snapshot) */
PyObject *projection_count(PyObject *projection, PyObject *snapshot);

#endif
