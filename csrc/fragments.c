/* csrc/fragments.c -- what projections have made of chunks, kept while the chunks stay what they are; see chunk.h.
 *
 * Who calls: what renders snapshots finds and keeps; chunk.c shares, forgets and drops. All under the interpreter's lock.
 * Invariants: 1. the texts of which there are fragments take at most bytes_max bytes together.
 *   2. a text that somebody reads outlives the cache.    3. a chunk that others hold does not change, nor do its fragments
 *   but by being dropped: who renders it may note which places of a text are valid, and let go of the lock.
 * When a record changes: its neighbours, up to 31, were rendered with it, and to copy their text costs a tenth of making it.
 * Who makes room: one that was not used for four times as many uses as there are cached. If there is none, a new text is
 *   not kept. So of what is read from end to end, time and again, and is up to four times what there is room for, as much
 *   is found as there is room for; and what nobody reads any more goes after a few such rounds.
 * Rejected: always the one that was not used for the longest time. Of such rounds it finds nothing, if there is room for
 *   all but one: each goes shortly before its turn.
 * Layout: 1 texts  2 lists  3 finding and keeping  4 what Python sees
 */
#include "chunk.h"
#include <stdlib.h>

/* ---- 1 texts ---- */

/* What it takes of the pool's memory: whole blocks. */
static size_t memory_of(size_t size)
{
    return text_blocks(size) * TEXT_BLOCK;
}

/* Whether there is room for so much memory, or some that nobody uses any more. */
static int has_room(const ChunkPool *pool, size_t memory)
{
    if (memory > pool->bytes_max || pool->bytes + memory <= pool->bytes_max)
        return memory <= pool->bytes_max;
    return pool->hits + pool->misses - pool->oldest->used > (uint64_t)FRAGMENT_STALE * pool->cached;
}

Text *text_new(ChunkPool *pool, size_t size)
{
    size_t blocks = text_blocks(size), taken = 0;
    int is_kept = size <= UINT32_MAX && has_room(pool, memory_of(size));
    Text *text = is_kept ? malloc(sizeof *text + blocks * sizeof *text->blocks) : NULL;
    if (text == NULL)
        return NULL;
    text->holders = 1;
    text->fragments = 0;
    text->size = size;
    while (taken < blocks && (text->blocks[taken] = text_store_take(&pool->texts)) != NULL)
        taken++;
    if (taken == blocks)
        return text;
    while (taken > 0)
        text_store_give_back(&pool->texts, text->blocks[--taken]);
    free(text);
    return NULL;
}

void text_release(ChunkPool *pool, Text *text)
{
    if (--text->holders > 0)
        return;
    for (size_t blocks = text_blocks(text->size); blocks > 0;)
        text_store_give_back(&pool->texts, text->blocks[--blocks]);
    free(text);
}

void text_fill(Text *text, const unsigned char *from)
{
    size_t left = text->size;
    for (unsigned char *const *block = text->blocks; left > 0; block++, from += TEXT_BLOCK) {
        size_t size = left < TEXT_BLOCK ? left : TEXT_BLOCK;
        text_block_fill(*block, from, size);
        left -= size;
    }
    text_blocks_filled();
}

void text_read(const Text *text, size_t start, size_t size, unsigned char *to)
{
    while (size > 0) {
        size_t within = start % TEXT_BLOCK, part = TEXT_BLOCK - within < size ? TEXT_BLOCK - within : size;
        memcpy(to, text->blocks[start / TEXT_BLOCK] + within, part);
        start += part;
        to += part;
        size -= part;
    }
}

/* ---- 2 lists ---- */

static void list_add(ChunkPool *pool, Fragment *fragment)
{
    fragment->newer = NULL;
    fragment->older = pool->newest;
    *(pool->newest == NULL ? &pool->oldest : &pool->newest->newer) = fragment;
    pool->newest = fragment;
    pool->cached++;
}

static void list_remove(ChunkPool *pool, Fragment *fragment)
{
    *(fragment->newer == NULL ? &pool->newest : &fragment->newer->older) = fragment->older;
    *(fragment->older == NULL ? &pool->oldest : &fragment->older->newer) = fragment->newer;
    pool->cached--;
}

/* Cache a fragment of a chunk that is like this one; 0 without memory. */
static int add(ChunkPool *pool, Chunk *chunk, const Fragment *like)
{
    Fragment *fragment = malloc(sizeof *fragment);
    if (fragment == NULL)
        return 0;
    *fragment = *like;
    fragment->chunk = chunk;
    fragment->next = chunk->fragments;
    chunk->fragments = fragment;
    list_add(pool, fragment);
    fragment->text->holders++;
    if (fragment->text->fragments++ == 0)
        pool->bytes += memory_of(fragment->text->size);
    return 1;
}

static void drop(ChunkPool *pool, Fragment *fragment)
{
    Fragment **place = &fragment->chunk->fragments;
    while (*place != fragment)
        place = &(*place)->next;
    *place = fragment->next;
    list_remove(pool, fragment);
    if (--fragment->text->fragments == 0)
        pool->bytes -= memory_of(fragment->text->size);
    text_release(pool, fragment->text);
    free(fragment);
}

static void evict_oldest(ChunkPool *pool)
{
    drop(pool, pool->oldest);
    pool->evictions++;
}

/* ---- 3 finding and keeping ---- */

Fragment *fragment_look(const Chunk *chunk, uint64_t projection)
{
    Fragment *fragment = chunk->fragments;
    while (fragment != NULL && fragment->projection != projection)
        fragment = fragment->next;
    return fragment;
}

void fragment_use(ChunkPool *pool, Fragment *fragment)
{
    if (fragment != NULL && fragment->valid == ALL_PLACES)
        pool->hits++;
    else
        pool->misses++;
    if (fragment == NULL)
        return;
    list_remove(pool, fragment);
    list_add(pool, fragment);
    fragment->used = pool->hits + pool->misses;
}

void fragment_keep(ChunkPool *pool, Chunk *chunk, uint64_t projection, Text *text)
{
    size_t memory = memory_of(text->size);
    Fragment *found = fragment_look(chunk, projection);
    if (found != NULL && found->valid == ALL_PLACES)
        return;
    if (found != NULL)
        drop(pool, found);
    while (has_room(pool, memory)) {
        if (pool->bytes + memory <= pool->bytes_max) {
            add(pool, chunk, &(Fragment){.used = pool->hits + pool->misses, .projection = projection, .text = text,
                                         .valid = ALL_PLACES});
            return;
        }
        evict_oldest(pool);
    }
}

void fragments_share(ChunkPool *pool, const Chunk *chunk, Chunk *copy)
{
    for (const Fragment *fragment = chunk->fragments; fragment != NULL; fragment = fragment->next)
        if (!add(pool, copy, fragment))
            return; /* it is rendered anew */
}

void fragments_forget(ChunkPool *pool, Chunk *chunk, int place)
{
    for (Fragment *fragment = chunk->fragments, *next; fragment != NULL; fragment = next) {
        next = fragment->next;
        fragment->valid &= ~((uint32_t)1 << place);
        if (fragment->valid == 0)
            drop(pool, fragment);
    }
}

void fragments_drop(ChunkPool *pool, Chunk *chunk)
{
    while (chunk->fragments != NULL)
        drop(pool, chunk->fragments);
}

/* ---- 4 what Python sees ---- */

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
