/* csrc/rendering.c -- chunks of a snapshot as JSON, a piece at a time: what was rendered before is found, the rest is made.
 *
 * Who calls: Projection.pieces. Several threads may render parts of a snapshot at once: the lock is held only to find and
 *   to keep texts. The caller holds the snapshot, and so its chunks; a text that was found is held while it is copied.
 * Twin: libactor/_core/_projection.py.
 */
#include <stdlib.h>
#include "collection.h"
#include "projection.h"

#define PIECE_CHUNKS 256

/* The texts of some chunks that follow one another. */
typedef struct {
    Chunk *const *chunks;
    Py_ssize_t count;
    size_t size; /* of all, commas included */
    int failed;
    Fragment *found[PIECE_CHUNKS]; /* held; NULL: nothing was cached */
    JsonOut made[PIECE_CHUNKS];    /* owned; what was made instead */
} Piece;

/* About how much a chunk will be as text. */
static size_t guess(const Chunk *chunk)
{
    size_t size = 0;
    for (int i = 0; i < CHUNK_RECORDS; i++)
        size += chunk->records[i] == NULL ? 0 : chunk->records[i]->size;
    return 2 * size;
}

/* Choose chunks that make up a piece, from the first on, and find what was rendered of them. */
static void piece_begin(Piece *piece, ChunkPool *pool, const ProjectionObject *projection, Py_ssize_t left, size_t bytes_max)
{
    size_t expected = 0;
    for (; piece->count < left && piece->count < PIECE_CHUNKS; piece->count++) {
        Chunk *chunk = piece->chunks[piece->count];
        Fragment *found = chunk->filled == 0 ? NULL : fragment_find(pool, chunk, projection->number);
        size_t size = found != NULL ? found->size : guess(chunk);
        piece->found[piece->count] = found;
        if (expected + size > bytes_max && expected > 0) {
            if (found != NULL)
                fragment_release(found);
            return;
        }
        expected += size + 1;
    }
}

/* Render what was not found, and add up what it takes. Without the lock. */
static void piece_make(Piece *piece, const ProjectionObject *projection)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        JsonOut *out = &piece->made[i];
        const Fragment *found = piece->found[i];
        *out = (JsonOut){0};
        if (found == NULL && piece->chunks[i]->filled > 0) {
            json_reserve(out, guess(piece->chunks[i]));
            projection_render(projection, piece->chunks[i]->records, CHUNK_RECORDS, out);
            piece->failed |= out->failed;
        }
        size_t size = found != NULL ? found->size : out->size;
        piece->size += size + (size > 0);
    }
}

/* Put the texts behind one another; where they end. Without the lock. */
static void piece_copy(const Piece *piece, char *to, int comma)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        const Fragment *found = piece->found[i];
        size_t size = found != NULL ? found->size : piece->made[i].size;
        if (size == 0)
            continue;
        if (comma)
            *to++ = ',';
        comma = 1;
        memcpy(to, found != NULL ? found->data : piece->made[i].data, size);
        to += size;
    }
}

static void piece_end(Piece *piece, ChunkPool *pool, const ProjectionObject *projection)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        JsonOut *out = &piece->made[i];
        if (piece->found[i] != NULL)
            fragment_release(piece->found[i]);
        else if (out->size == 0 || out->failed)
            json_free(out);
        else {
            void *exact = realloc(out->data, out->size);
            fragment_keep(pool, piece->chunks[i], projection->number, exact == NULL ? out->data : exact, out->size);
        }
    }
}

PyObject *projection_chunks(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    ProjectionObject *self = (ProjectionObject *)op;
    CoreState *state = core_of_type((PyTypeObject *)self->kind->record_type);
    SnapshotObject *snapshot = (SnapshotObject *)(count == 5 ? arguments[0] : NULL);
    if (snapshot == NULL || (PyObject *)Py_TYPE(snapshot) != state->snapshot_type || snapshot->kind != self->kind)
        return PyErr_Format(PyExc_TypeError, "Projection.pieces: expected a snapshot of %U records", self->kind->name);
    Py_ssize_t start = PyLong_AsSsize_t(arguments[1]), stop = PyLong_AsSsize_t(arguments[2]);
    Py_ssize_t bytes_max = PyLong_AsSsize_t(arguments[3]);
    if (PyErr_Occurred())
        return NULL;
    if (start < 0 || stop > Py_SIZE(snapshot) || start > stop)
        return PyErr_Format(PyExc_ValueError, "Projection.pieces: the snapshot has no chunks %zd to %zd", start, stop);
    int comma = arguments[4] == Py_True;
    Piece *piece = PyMem_Malloc(sizeof *piece);
    if (piece == NULL)
        return PyErr_NoMemory();
    piece->chunks = snapshot->chunks + start;
    piece->count = 0;
    piece->size = 0;
    piece->failed = 0;
    piece_begin(piece, snapshot->pool, self, stop - start, bytes_max < 0 ? 0 : (size_t)bytes_max);
    Py_BEGIN_ALLOW_THREADS
    piece_make(piece, self);
    Py_END_ALLOW_THREADS
    size_t size = piece->size - (piece->size > 0 && !comma); /* each text was counted with a comma */
    PyObject *text = piece->failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (text != NULL && size > 0) {
        Py_BEGIN_ALLOW_THREADS
        piece_copy(piece, PyBytes_AS_STRING(text), comma);
        Py_END_ALLOW_THREADS
    }
    piece_end(piece, snapshot->pool, self);
    start += piece->count;
    PyMem_Free(piece);
    return text == NULL ? NULL : Py_BuildValue("Nn", text, start);
}

PyObject *projection_count(PyObject *op, PyObject *snapshot)
{
    ProjectionObject *self = (ProjectionObject *)op;
    CoreState *state = core_of_type((PyTypeObject *)self->kind->record_type);
    if ((PyObject *)Py_TYPE(snapshot) != state->snapshot_type || ((SnapshotObject *)snapshot)->kind != self->kind)
        return PyErr_Format(PyExc_TypeError, "Projection.pieces: got %R, expected a snapshot of %U records", snapshot,
                            self->kind->name);
    return PyLong_FromSsize_t(Py_SIZE(snapshot));
}
