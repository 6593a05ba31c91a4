/* csrc/chunk.c -- chunks of records; see chunk.h.
 *
 * Who calls: collections, snapshots.
 * Freed in slices: to free a record takes some 50 ns, so letting go of a snapshot of a million, which nobody else holds
 *   any more, would stop all actors for 50 ms. Chunks that nobody holds wait in a list instead, with what was rendered
 *   of them: each change of a collection frees a few, and a worker that has nothing to do the rest.
 * Layout: 1 holding  2 changing  3 freeing
 */
#include "chunk.h"

/* ---- 1 holding ---- */

Chunk *chunk_new(void)
{
    Chunk *chunk = PyMem_Calloc(1, sizeof *chunk);
    if (chunk == NULL)
        PyErr_NoMemory();
    else
        chunk->holders = 1;
    return chunk;
}

void chunk_release(ChunkPool *pool, Chunk *chunk)
{
    if (--chunk->holders > 0)
        return;
    chunk->after = pool->waiting;
    pool->waiting = chunk;
    pool->waiting_count++;
}

/* ---- 2 changing ---- */

Chunk *chunk_own(ChunkPool *pool, Chunk *chunk)
{
    if (chunk->holders == 1)
        return chunk;
    Chunk *copy = chunk_new();
    if (copy == NULL)
        return NULL;
    copy->filled = chunk->filled;
    for (int i = 0; i < CHUNK_RECORDS; i++)
        copy->records[i] = (RecordObject *)Py_XNewRef((PyObject *)chunk->records[i]);
    fragments_share(pool, chunk, copy);
    chunk->holders--;
    return copy;
}

RecordObject *chunk_put(ChunkPool *pool, Chunk *chunk, int place, RecordObject *record)
{
    RecordObject *before = chunk->records[place];
    fragments_forget(pool, chunk, place);
    chunk->filled += (record != NULL) - (before != NULL);
    chunk->records[place] = (RecordObject *)Py_XNewRef((PyObject *)record);
    return before;
}

/* ---- 3 freeing ---- */

Py_ssize_t chunks_free(ChunkPool *pool, Py_ssize_t records)
{
    while (pool->waiting != NULL && records > 0) {
        Chunk *chunk = pool->waiting;
        pool->waiting = chunk->after;
        pool->waiting_count--;
        records -= chunk->filled > 0 ? chunk->filled : 1;
        fragments_drop(pool, chunk);
        for (int i = 0; i < CHUNK_RECORDS; i++)
            Py_XDECREF(chunk->records[i]);
        PyMem_Free(chunk);
    }
    return pool->waiting_count;
}

PyObject *native_records_free(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t records = FREED_AT_ONCE;
    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "records_free() got %zd arguments, expected 1 at most", count);
    if (count == 1 && (records = PyLong_AsSsize_t(arguments[0])) == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromSsize_t(chunks_free(&((CoreState *)PyModule_GetState(module))->chunks, records));
}
