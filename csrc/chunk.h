/* csrc/chunk.h -- chunks of records, which collections and their snapshots share, and what was rendered of them.
 *
 * Who includes it: chunk.c, fragments.c, collection.c, snapshot.c; what renders snapshots.
 * A chunk belongs to those that hold it. Whoever holds it alone may change it; else a copy is changed instead, so that
 *   what a snapshot holds never changes. It keeps what was rendered of it, one text for each projection, until it does.
 * All under the interpreter's lock, but the reading of records by who holds the chunk, and of a text by who holds the
 *   fragment.
 */
#ifndef LIBACTOR_CHUNK_H
#define LIBACTOR_CHUNK_H

#include "record.h"

#define CHUNK_RECORDS 32
#define FREED_AT_ONCE 4096 /* records: some 0.3 ms */
#define FRAGMENT_STALE 4 /* see fragments.c */
#define FRAGMENT_BYTES_MAX (256 * 1024 * 1024) /* unless fragments_bound says another */

/* What a projection has made of a chunk. Held by the cache for as long as `chunk` is set, and by who reads it. */
typedef struct Fragment {
    struct Fragment *next;          /* of the same chunk */
    struct Chunk *chunk;            /* whose it is; NULL: not any more */
    struct Fragment *newer, *older; /* among those that are cached, by their last use */
    Py_ssize_t holders;
    uint64_t used;                  /* of the cached ones: how many uses, hits and misses, there had been by its last one */
    uint64_t projection;            /* its number, which no other ever has */
    size_t size;
    unsigned char *blocks[]; /* of the pool's store; full but for the last */
} Fragment;

typedef struct Chunk {
    struct Chunk *after; /* among those that wait to be freed */
    Py_ssize_t holders;
    int filled; /* how many records are there */
    RecordObject *records[CHUNK_RECORDS]; /* owned; NULL: nothing is there */
    Fragment *fragments;
} Chunk;

/* ---- chunk.c ---- */

/* A new chunk without records, which the caller holds; NULL with MemoryError. */
Chunk *chunk_new(void);
/* Let go of a chunk. If nobody else holds it, it waits to be freed: see chunks_free. */
void chunk_release(ChunkPool *pool, Chunk *chunk);
/* The chunk to change in the place of `chunk`, which is let go of: itself, or a copy if others hold it. NULL with
 * MemoryError, and nothing was done. */
Chunk *chunk_own(ChunkPool *pool, Chunk *chunk);
/* Put a record, or NULL, at a place of a chunk that the caller alone holds; what was there, or NULL, is the caller's. */
RecordObject *chunk_put(Chunk *chunk, int place, RecordObject *record);
/* Free chunks that nobody holds, until so many records at least have been freed; how many chunks still wait. The last
 * record of a kind may take the kind along, and so run any code: call it when all else is done. */
Py_ssize_t chunks_free(ChunkPool *pool, Py_ssize_t records);
/* records_free(records=...) of the module. */
PyObject *native_records_free(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- fragments.c ---- */

/* What a projection has made of a chunk, if it is cached, else NULL. Nobody holds it for the caller yet. */
Fragment *fragment_look(const Chunk *chunk, uint64_t projection);
/* Hold what was found, as the last one that was used, and count a hit; of NULL a miss. */
void fragment_use(ChunkPool *pool, Fragment *fragment);
/* A fragment for a text of so many bytes, which the caller holds, fills, and keeps or releases; NULL if there is no room
 * to keep it, or without memory: then nothing is lost but the time to render it again. */
Fragment *fragment_new(ChunkPool *pool, uint64_t projection, size_t size);
/* Write or read the text of a fragment that the caller holds. Without the lock. */
void fragment_fill(Fragment *fragment, const unsigned char *text);
void fragment_copy(const Fragment *fragment, unsigned char *to);
/* Cache a fragment that was filled; the caller holds it no more. The caller holds the chunk. If there is one already (two
 * threads have rendered the same), that one stays; if others have taken the room meanwhile, those do. */
void fragment_keep(ChunkPool *pool, Chunk *chunk, Fragment *fragment);
/* Let go of a fragment that the caller holds, by fragment_use or fragment_new. */
void fragment_release(ChunkPool *pool, Fragment *fragment);
/* Forget what was rendered of a chunk: it changes, or is freed. */
void fragments_drop(ChunkPool *pool, Chunk *chunk);
/* fragments_bound(bytes_max) and fragments_counts() of the module. */
PyObject *native_fragments_bound(PyObject *module, PyObject *bytes_max);
PyObject *native_fragments_counts(PyObject *module, PyObject *none);

#endif
