/* csrc/fragments.c -- what projections have made of chunks, kept while the chunks stay what they are; see chunk.h.
 *
 * Who calls: what renders snapshots finds and keeps; chunk.c drops. All under the interpreter's lock.
 * Invariants: 1. a fragment is cached exactly while `chunk` is set: then it is in the list of its chunk and in that of
 *   the pool, and one of its holders is the cache.    2. the cached ones have at most bytes_max bytes together.
 *   3. a text that somebody reads outlives the cache.
 * Who makes room: one that was not used for four times as many uses as there are cached. If there is none, a new text is
 *   not kept. So of what is read from end to end, time and again, and is up to four times what there is room for, as much
 *   is found as there is room for; and what nobody reads any more goes after a few such rounds.
 * Rejected: always the one that was not used for the longest time. Of such rounds it finds nothing, if there is room for
 *   all but one: each goes shortly before its turn.
 * Layout: 1 lists  2 finding and keeping  3 what Python sees
 */
#include "chunk.h"
#include <stdlib.h>

/* ---- 1 lists ---- */

static void list_add(ChunkPool *pool, Fragment *fragment)
{
    fragment->newer = NULL;
    fragment->older = pool->newest;
    *(pool->newest == NULL ? &pool->oldest : &pool->newest->newer) = fragment;
    pool->newest = fragment;
    fragment->used = pool->hits + pool->misses;
    pool->cached++;
}

static void list_remove(ChunkPool *pool, Fragment *fragment)
{
    *(fragment->newer == NULL ? &pool->newest : &fragment->newer->older) = fragment->older;
    *(fragment->older == NULL ? &pool->oldest : &fragment->older->newer) = fragment->newer;
    pool->cached--;
}

/* What it takes of the pool's memory: whole blocks. */
static size_t memory_of(size_t size)
{
    return text_blocks(size) * TEXT_BLOCK;
}

static void drop(ChunkPool *pool, Fragment *fragment)
{
    Fragment **place = &fragment->chunk->fragments;
    while (*place != fragment)
        place = &(*place)->next;
    *place = fragment->next;
    list_remove(pool, fragment);
    pool->bytes -= memory_of(fragment->size);
    fragment->chunk = NULL;
    fragment_release(pool, fragment);
}

static void evict_oldest(ChunkPool *pool)
{
    drop(pool, pool->oldest);
    pool->evictions++;
}

/* Whether there is room for so much memory, or some that nobody uses any more. */
static int has_room(const ChunkPool *pool, size_t memory)
{
    if (memory > pool->bytes_max || pool->bytes + memory <= pool->bytes_max)
        return memory <= pool->bytes_max;
    return pool->hits + pool->misses - pool->oldest->used > (uint64_t)FRAGMENT_STALE * pool->cached;
}

/* ---- 2 finding and keeping ---- */

Fragment *fragment_look(const Chunk *chunk, uint64_t projection)
{
    Fragment *fragment = chunk->fragments;
    while (fragment != NULL && fragment->projection != projection)
        fragment = fragment->next;
    return fragment;
}

void fragment_use(ChunkPool *pool, Fragment *fragment)
{
    if (fragment == NULL) {
        pool->misses++;
        return;
    }
    pool->hits++;
    list_remove(pool, fragment);
    list_add(pool, fragment);
    fragment->holders++;
}

Fragment *fragment_new(ChunkPool *pool, uint64_t projection, size_t size)
{
    size_t blocks = text_blocks(size), taken = 0;
    Fragment *fragment = has_room(pool, memory_of(size)) ? malloc(sizeof *fragment + blocks * sizeof *fragment->blocks) : NULL;
    if (fragment == NULL)
        return NULL;
    *fragment = (Fragment){.holders = 1, .projection = projection, .size = size};
    while (taken < blocks && (fragment->blocks[taken] = text_store_take(&pool->texts)) != NULL)
        taken++;
    if (taken == blocks)
        return fragment;
    while (taken > 0)
        text_store_give_back(&pool->texts, fragment->blocks[--taken]);
    free(fragment);
    return NULL;
}

void fragment_fill(Fragment *fragment, const unsigned char *text)
{
    size_t left = fragment->size;
    for (unsigned char *const *block = fragment->blocks; left > 0; block++, text += TEXT_BLOCK) {
        size_t size = left < TEXT_BLOCK ? left : TEXT_BLOCK;
        text_block_fill(*block, text, size);
        left -= size;
    }
    text_blocks_filled();
}

void fragment_copy(const Fragment *fragment, unsigned char *to)
{
    size_t left = fragment->size;
    for (unsigned char *const *block = fragment->blocks; left > 0; block++, to += TEXT_BLOCK) {
        size_t size = left < TEXT_BLOCK ? left : TEXT_BLOCK;
        memcpy(to, *block, size);
        left -= size;
    }
}

void fragment_keep(ChunkPool *pool, Chunk *chunk, Fragment *fragment)
{
    size_t memory = memory_of(fragment->size);
    int is_kept = fragment_look(chunk, fragment->projection) == NULL && has_room(pool, memory);
    while (is_kept && pool->bytes + memory > pool->bytes_max) {
        evict_oldest(pool);
        is_kept = has_room(pool, memory);
    }
    if (!is_kept) {
        fragment_release(pool, fragment);
        return;
    }
    fragment->chunk = chunk;
    fragment->next = chunk->fragments;
    chunk->fragments = fragment;
    list_add(pool, fragment);
    pool->bytes += memory;
}

void fragment_release(ChunkPool *pool, Fragment *fragment)
{
    if (--fragment->holders > 0)
        return;
    for (size_t blocks = text_blocks(fragment->size); blocks > 0;)
        text_store_give_back(&pool->texts, fragment->blocks[--blocks]);
    free(fragment);
}

void fragments_drop(ChunkPool *pool, Chunk *chunk)
{
    while (chunk->fragments != NULL)
        drop(pool, chunk->fragments);
}

/* ---- 3 what Python sees ---- */

PyObject *native_fragments_bound(PyObject *module, PyObject *bytes_max)
{
    ChunkPool *pool = &((CoreState *)PyModule_GetState(module))->chunks;
    if (!PyLong_CheckExact(bytes_max))
        return PyErr_Format(PyExc_TypeError, "fragments_bound: got %.200R, expected a whole number of bytes; 0 keeps nothing",
                            bytes_max);
    int overflow;
    long long bound = PyLong_AsLongLongAndOverflow(bytes_max, &overflow);
    int is_small = overflow < 0 || (overflow == 0 && bound < 0);
    if (is_small || overflow > 0 || bound > PY_SSIZE_T_MAX)
        return PyErr_Format(PyExc_ValueError, "fragments_bound: got a number of bytes that is too %s, expected 0 to %zd; "
                            "0 keeps nothing", is_small ? "small" : "large", PY_SSIZE_T_MAX);
    size_t before = pool->bytes_max;
    pool->bytes_max = (size_t)bound;
    while (pool->bytes > pool->bytes_max)
        evict_oldest(pool);
    text_store_trim(&pool->texts);
    return PyLong_FromSize_t(before);
}

PyObject *native_fragments_counts(PyObject *module, PyObject *Py_UNUSED(none))
{
    const ChunkPool *pool = &((CoreState *)PyModule_GetState(module))->chunks;
    return Py_BuildValue("KKKn", (unsigned long long)pool->hits, (unsigned long long)pool->misses,
                         (unsigned long long)pool->evictions, (Py_ssize_t)pool->bytes);
}
