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
#define SPARE_MAX (4 << 20) /* bytes; what a piece was rendered in is kept for the next one if it is no larger */

/* A part of what was rendered. */
typedef struct {
    size_t start, size;
} Part;

/* The texts of some chunks that follow one another. */
typedef struct {
    Chunk *const *chunks;
    Py_ssize_t count;
    size_t size;      /* of all, commas included */
    size_t expected;  /* of those that are to be made */
    JsonOut made;     /* owned: what was made of chunks that nothing was found of */
    Fragment *texts[PIECE_CHUNKS]; /* held: what was found, or what is to be kept, if that can be; else NULL */
    Part parts[PIECE_CHUNKS];      /* of `made`; size 0: found */
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
        Fragment *found = chunk->filled == 0 ? NULL : fragment_look(chunk, projection->number);
        size_t size = found != NULL ? found->size : guess(chunk);
        if (expected + size > bytes_max && expected > 0)
            break;
        if (chunk->filled > 0)
            fragment_use(pool, found);
        piece->texts[piece->count] = found;
        expected += size + 1;
        piece->expected += found != NULL ? 0 : size;
    }
}

/* Begin a text in memory that was used before, if there is any. */
static void spare_take(ChunkPool *pool, JsonOut *out)
{
    for (size_t i = 0; i < SPARES && out->data == NULL; i++) {
        out->data = pool->spares[i].data;
        out->room = out->data == NULL ? 0 : pool->spares[i].room;
        pool->spares[i].data = NULL;
    }
}

/* Let go of a text, but of its memory only if it is large, or if there is enough. */
static void spare_leave(ChunkPool *pool, JsonOut *out)
{
    for (size_t i = 0; i < SPARES && out->data != NULL && out->room <= SPARE_MAX; i++)
        if (pool->spares[i].data == NULL) {
            pool->spares[i].data = out->data;
            pool->spares[i].room = out->room;
            out->data = NULL;
        }
    json_free(out);
}

/* Render what was not found, and add up what it takes. Without the lock. */
static void piece_make(Piece *piece, const ProjectionObject *projection)
{
    JsonOut *out = &piece->made;
    if (piece->expected > 0)
        json_reserve(out, piece->expected);
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        const Fragment *found = piece->texts[i];
        size_t start = out->size;
        if (found == NULL && piece->chunks[i]->filled > 0)
            projection_render(projection, piece->chunks[i]->records, CHUNK_RECORDS, out);
        piece->parts[i] = (Part){start, out->size - start};
        size_t size = found != NULL ? found->size : out->size - start;
        piece->size += size + (size > 0);
    }
}

/* Make fragments for what was rendered, to be filled. */
static void piece_prepare(Piece *piece, ChunkPool *pool, const ProjectionObject *projection)
{
    for (Py_ssize_t i = 0; i < piece->count; i++)
        if (piece->parts[i].size > 0)
            piece->texts[i] = fragment_new(pool, projection->number, piece->parts[i].size);
}

/* Put the texts behind one another, and into the fragments for them. Without the lock. */
static void piece_copy(const Piece *piece, unsigned char *to, int comma)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        Part part = piece->parts[i];
        Fragment *text = piece->texts[i];
        size_t size = part.size > 0 ? part.size : text == NULL ? 0 : text->size;
        if (size == 0)
            continue;
        if (comma)
            *to++ = ',';
        comma = 1;
        if (part.size == 0)
            fragment_copy(text, to);
        else {
            memcpy(to, piece->made.data + part.start, size);
            if (text != NULL)
                fragment_fill(text, to);
        }
        to += size;
    }
}

/* Let go of everything, and keep what was copied, if it was. */
static void piece_end(Piece *piece, ChunkPool *pool, int is_copied)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        Fragment *text = piece->texts[i];
        if (text == NULL)
            continue;
        if (piece->parts[i].size > 0 && is_copied)
            fragment_keep(pool, piece->chunks[i], text);
        else
            fragment_release(pool, text);
    }
    spare_leave(pool, &piece->made);
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
    piece->size = piece->expected = 0;
    piece->made = (JsonOut){0};
    spare_take(snapshot->pool, &piece->made);
    piece_begin(piece, snapshot->pool, self, stop - start, bytes_max < 0 ? 0 : (size_t)bytes_max);
    Py_BEGIN_ALLOW_THREADS
    piece_make(piece, self);
    Py_END_ALLOW_THREADS
    size_t size = piece->size - (piece->size > 0 && !comma); /* each text was counted with a comma */
    PyObject *text = piece->made.failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (text != NULL && size > 0) {
        piece_prepare(piece, snapshot->pool, self);
        Py_BEGIN_ALLOW_THREADS
        piece_copy(piece, (unsigned char *)PyBytes_AS_STRING(text), comma);
        Py_END_ALLOW_THREADS
    }
    piece_end(piece, snapshot->pool, text != NULL);
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
