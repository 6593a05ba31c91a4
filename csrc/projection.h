/* csrc/projection.h -- projections as Python has them: a program, and the kind of records that it was compiled for.
 *
 * Who includes it: projection.c; rendering.c, which renders chunks.
 * It never changes once made: any thread may run it that holds a reference, with or without the interpreter's lock.
 * Whoever renders has a Renderer, which remembers what came in one record and may come again in the next.
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

/* A projection at work, for as long as the records that were written are held, and `out` grows. */
typedef struct {
    Transcoder transcoder;
    TextMemo memos[TEXT_MEMOS];
} Renderer;

/* Begin; of a single record there is nothing to remember. */
void renderer_begin(Renderer *renderer, const ProjectionObject *projection, JsonOut *out, int is_single);
/* Write a record. Without the lock. */
void renderer_write(Renderer *renderer, const RecordObject *record);

/* ---- rendering.c: methods of it ---- */

/* render_chunks(snapshot, start, stop, bytes_max, comma, keep) */
PyObject *projection_chunks(PyObject *projection, PyObject *const *arguments, Py_ssize_t count);
/* chunk_count(snapshot) */
PyObject *projection_count(PyObject *projection, PyObject *snapshot);

#endif
