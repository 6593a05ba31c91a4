/* csrc/rendering.c -- chunks of a snapshot as JSON, a piece at a time: what was rendered before is found, the rest is made.
 *
 * Who calls: Projection.pieces. Several threads may render parts of a snapshot at once: the lock is held only to find and
 *   to keep texts. The caller holds the snapshot, and so its chunks; a text that was found is held while it is copied.
 * Of a chunk in which some records have changed, those are rendered, and the others copied from what is left of its text.
 * A piece is written where it is handed out, in bytes that are made for about as much; from there what was rendered is
 *   copied into the texts that are kept.
 * Rejected: to keep parts of the piece itself. It would stay whole for as long as one of its chunks does not change.
 * Twin: libactor/_core/_projection.py.
 */
#include "collection.h"
#include "projection.h"

#define PIECE_CHUNKS 256
#define ROOM_MAX (4 << 20) /* bytes: for more nothing is set aside before it is there */
#define ROOM_MORE 4096     /* for what is written next: some operations ask for more than they take in the end */

/* What becomes of a chunk. */
typedef struct {
    Text *found;    /* held: what was rendered before, of the places in `valid` still true; NULL: nothing */
    uint32_t valid;
    Text *made;     /* held: of what was rendered, to be kept; NULL: nothing, or it cannot be */
    size_t start, size; /* in `out`, of what was rendered; size 0: nothing, or all was found */
    uint32_t ends[CHUNK_RECORDS]; /* of what was rendered, as in a Text */
} Part;

/* Some chunks that follow one another. */
typedef struct {
    Chunk *const *chunks;
    Py_ssize_t count;
    size_t expected; /* bytes of all, about; exactly if all were found */
    int is_found;    /* whether all were */
    int is_kept;     /* whether what is rendered is to be kept */
    JsonOut out;     /* all of them; lent by the bytes that become the piece */
    Renderer renderer;
    Part parts[PIECE_CHUNKS];
} Piece;

/* About how much a chunk will be as text; exactly if all was found. */
static size_t guess(const Chunk *chunk, const Part *part)
{
    size_t size = part->found == NULL ? 0 : part->found->size;
    for (int i = 0; part->valid != ALL_PLACES && i < CHUNK_RECORDS; i++)
        if (chunk->records[i] != NULL && !(part->valid >> i & 1))
            size += 2 * chunk->records[i]->size;
    return size;
}

/* Choose chunks that make up a piece, from the first on, and find what was rendered of them. */
static void piece_begin(Piece *piece, ChunkPool *pool, const ProjectionObject *projection, Py_ssize_t left, size_t bytes_max)
{
    piece->count = 0;
    piece->expected = 0;
    piece->is_found = 1;
    for (; piece->count < left && piece->count < PIECE_CHUNKS; piece->count++) {
        const Chunk *chunk = piece->chunks[piece->count];
        Part *part = &piece->parts[piece->count];
        Fragment *fragment = chunk->filled == 0 ? NULL : fragment_look(chunk, projection->number);
        part->found = fragment == NULL ? NULL : fragment->text;
        part->valid = fragment == NULL ? 0 : fragment->valid;
        part->made = NULL;
        size_t size = guess(chunk, part);
        if (piece->expected + size > bytes_max && piece->expected > 0)
            return;
        if (chunk->filled > 0)
            fragment_use(pool, fragment);
        if (part->found != NULL)
            part->found->holders++;
        piece->expected += size + (size > 0);
        piece->is_found &= part->valid == ALL_PLACES || size == 0;
    }
}

/* New bytes to write the piece to; NULL with MemoryError. */
static PyObject *piece_lend(Piece *piece, int comma)
{
    size_t room = piece->expected;
    if (!piece->is_found)
        room = (room < ROOM_MAX ? room : ROOM_MAX) + ROOM_MORE;
    else if (room > 0 && !comma)
        room--; /* each text was counted with a comma */
    PyObject *text = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (text != NULL)
        piece->out = (JsonOut){.data = (unsigned char *)PyBytes_AS_STRING(text), .room = room, .is_lent = 1};
    return text;
}

/* Copy bytes of a text. */
static void put_found(JsonOut *out, const Text *text, size_t start, size_t stop)
{
    if (json_reserve(out, stop - start)) {
        text_read(text, start, stop - start, out->data + out->size);
        out->size += stop - start;
    }
}

/* Render what has changed of a chunk, and put what has not. */
static void put_chunk(Renderer *renderer, const Chunk *chunk, Part *part, JsonOut *out)
{
    part->start = out->size;
    for (int place = 0; place < CHUNK_RECORDS; place++) {
        if (chunk->records[place] != NULL) {
            if (out->size > part->start)
                json_byte(out, ',');
            if (part->valid >> place & 1) {
                uint32_t before = place == 0 ? 0 : part->found->ends[place - 1];
                put_found(out, part->found, before + (before > 0), part->found->ends[place]);
            } else
                renderer_write(renderer, chunk->records[place]);
        }
        part->ends[place] = (uint32_t)(out->size - part->start); /* a text that is longer is not kept */
    }
    part->size = out->size - part->start;
}

/* Put what was found, and render what was not. Without the lock. */
static void piece_make(Piece *piece, const ProjectionObject *projection, int comma)
{
    JsonOut *out = &piece->out;
    if (!piece->is_found)
        renderer_begin(&piece->renderer, projection, out, 0);
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        Part *part = &piece->parts[i];
        part->size = 0;
        if (piece->chunks[i]->filled == 0)
            continue;
        if (comma || out->size > 0)
            json_byte(out, ',');
        if (part->valid == ALL_PLACES)
            put_found(out, part->found, 0, part->found->size);
        else
            put_chunk(&piece->renderer, piece->chunks[i], part, out);
    }
}

/* The bytes of the piece: those that were lent, if they were enough, else new ones, to be written; NULL with MemoryError.
 * Those that were lent keep their memory, which is used again soon: cut off, it would not be. */
static PyObject *piece_settle(const Piece *piece, PyObject *lent)
{
    Py_ssize_t size = (Py_ssize_t)piece->out.size;
    if (piece->out.is_lent && !piece->out.failed) {
        if (Py_SIZE(lent) != size) {
            Py_SET_SIZE((PyVarObject *)lent, size);
            PyBytes_AS_STRING(lent)[size] = 0;
        }
        return lent;
    }
    Py_DECREF(lent);
    return piece->out.failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize(NULL, size);
}

/* Make texts for what was rendered, to be filled. */
static void piece_prepare(Piece *piece, ChunkPool *pool)
{
    for (Part *part = piece->parts; part < piece->parts + piece->count; part++)
        if (part->size > 0)
            part->made = text_new(pool, part->size);
}

/* Write what was rendered to the texts for it, and all to the bytes that it was not written to. Without the lock. */
static void piece_copy(const Piece *piece, unsigned char *to)
{
    if (to != piece->out.data)
        memcpy(to, piece->out.data, piece->out.size);
    for (const Part *part = piece->parts; part < piece->parts + piece->count; part++)
        if (part->made != NULL) {
            memcpy(part->made->ends, part->ends, sizeof part->ends);
            text_fill(part->made, to + part->start);
        }
}

/* Let go of everything, and keep what was rendered, if all went well. */
static void piece_end(Piece *piece, ChunkPool *pool, const ProjectionObject *projection, int is_whole)
{
    for (Py_ssize_t i = 0; i < piece->count; i++) {
        const Part *part = &piece->parts[i];
        if (part->found != NULL)
            text_release(pool, part->found);
        if (part->made == NULL)
            continue;
        if (is_whole)
            fragment_keep(pool, piece->chunks[i], projection->number, part->made);
        text_release(pool, part->made);
    }
    json_free(&piece->out);
}

/* Make the piece; NULL with MemoryError. */
static PyObject *piece_render(Piece *piece, ChunkPool *pool, const ProjectionObject *projection, int comma)
{
    PyObject *text = piece_lend(piece, comma);
    if (text == NULL)
        return NULL;
    if (piece->count > 0) {
        Py_BEGIN_ALLOW_THREADS
        piece_make(piece, projection, comma);
        Py_END_ALLOW_THREADS
        text = piece_settle(piece, text);
    }
    if (text != NULL && !piece->is_found) {
        if (piece->is_kept)
            piece_prepare(piece, pool);
        Py_BEGIN_ALLOW_THREADS
        piece_copy(piece, (unsigned char *)PyBytes_AS_STRING(text));
        Py_END_ALLOW_THREADS
    }
    return text;
}

PyObject *projection_chunks(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    ProjectionObject *self = (ProjectionObject *)op;
    CoreState *state = core_of_type((PyTypeObject *)self->kind->record_type);
    SnapshotObject *snapshot = (SnapshotObject *)(count == 6 ? arguments[0] : NULL);
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
    piece->out = (JsonOut){0};
    piece->is_kept = arguments[5] == Py_True;
    piece_begin(piece, snapshot->pool, self, stop - start, bytes_max < 0 ? 0 : (size_t)bytes_max);
    PyObject *text = piece_render(piece, snapshot->pool, self, comma);
    piece_end(piece, snapshot->pool, self, text != NULL);
    start += piece->count;
    PyMem_Free(piece);
    return text == NULL ? NULL : Py_BuildValue("Nn", text, start);
}

PyObject *projection_count(PyObject *op, PyObject *snapshot)
{
    ProjectionObject *self = (ProjectionObject *)op;
    CoreState *state = core_of_type((PyTypeObject *)self->kind->record_type);
    if ((PyObject *)Py_TYPE(snapshot) != state->snapshot_type || ((SnapshotObject *)snapshot)->kind != self->kind)
        return PyErr_Format(PyExc_TypeError, "Projection.pieces: got %.200R, expected a snapshot of %U records", snapshot,
                            self->kind->name);
    return PyLong_FromSsize_t(Py_SIZE(snapshot));
}
