/* csrc/chunk.h -- chunks of records, which collections and their snapshots share, and what was rendered of them.
 *
 * Who includes it: chunk.c, fragments.c, collection.c, snapshot.c; what renders snapshots.
 * A chunk belongs to those that hold it. Whoever holds it alone may change it; else a copy is changed instead, so that
 *   what a snapshot holds never changes. It keeps what was rendered of it, one text for each projection; when a record of
 *   it changes, of the text what is of the others. A copy shares the texts.
 * All under the interpreter's lock, but the reading of records by who holds the chunk, and of a text by who holds that.
 */
#ifndef LIBACTOR_CHUNK_H
#define LIBACTOR_CHUNK_H

#include "record.h"

#define CHUNK_RECORDS 32
#define ALL_PLACES UINT32_MAX /* a bit for each */
#define FREED_AT_ONCE 4096 /* records: some 0.3 ms */
#define FRAGMENT_STALE 4 /* see fragments.c */
#define FRAGMENT_BYTES_MAX (256 * 1024 * 1024) /* unless fragments_bound says another */

/* What a projection has made of the records of a chunk, commas between them. It never changes once it was filled. Held by
 * the fragments that are of it, and by who writes or reads it. */
typedef struct {
    Py_ssize_t holders;
    Py_ssize_t fragments;         /* of the holders */
    size_t size;
    uint32_t ends[CHUNK_RECORDS]; /* where the record at each place ends; if there was none, as the place before, or 0 */
    unsigned char *blocks[];      /* of the pool's store; full but for the last */
} Text;

/* What of a text is still what its projection makes of a chunk. It is cached, from its making to its end. */
typedef struct Fragment {
    struct Fragment *next;          /* of the same chunk */
    struct Chunk *chunk;            /* whose it is */
    struct Fragment *newer, *older; /* among those that are cached, by their last use */
    uint64_t used;                  /* how many uses, hits and misses, there had been by its last one */
    uint64_t projection;            /* its number, which no other ever has */
    Text *text;                     /* held */
    uint32_t valid;                 /* a bit for each place that is as the text has it: never none */
} Fragment;

typedef struct Chunk {
    struct Chunk *after; /* among those that wait to be freed */
    Py_ssize_t holders;
    int filled; /* how many records are there */
    RecordObject *records[CHUNK_RECORDS]; /* owned; NULL: nothing is there */
    Fragment *fragments; /* each of another projection */
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
RecordObject *chunk_put(ChunkPool *pool, Chunk *chunk, int place, RecordObject *record);
/* Free chunks that nobody holds, until so many records at least have been freed; how many chunks still wait. The last
 * record of a kind may take the kind along, and so run any code: call it when all else is done. */
Py_ssize_t chunks_free(ChunkPool *pool, Py_ssize_t records);
/* records_free(records=...) of the module. */
PyObject *native_records_free(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* ---- fragments.c ---- */

/* What is cached of what a projection has made of a chunk, else NULL. Good until the lock is let go of. */
Fragment *fragment_look(const Chunk *chunk, uint64_t projection);
/* Count a hit, if all of a text was found, else a miss; what was found is the last one that was used. */
void fragment_use(ChunkPool *pool, Fragment *fragment);
/* Cache a text that was filled, if there is room, in the place of what is left of an older one; if another thread has
 * rendered the same meanwhile, that stays. The caller holds the chunk and the text, and goes on to do so. */
void fragment_keep(ChunkPool *pool, Chunk *chunk, uint64_t projection, Text *text);
/* A chunk without fragments is a copy: what was rendered of the other was rendered of it. */
void fragments_share(ChunkPool *pool, const Chunk *chunk, Chunk *copy);
/* What was rendered of the record at a place holds no more: it changes. */
void fragments_forget(ChunkPool *pool, Chunk *chunk, int place);
/* Forget what was rendered of a chunk: it is freed. */
void fragments_drop(ChunkPool *pool, Chunk *chunk);
/* A text of so many bytes, which the caller holds and fills, ends included; NULL if there is no room to keep it, or
 * without memory: then nothing is lost but the time to render it again. */
Text *text_new(ChunkPool *pool, size_t size);
/* Let go of a text. */
void text_release(ChunkPool *pool, Text *text);
/* Write a text that the caller holds, or read some bytes of it. Without the lock. */
void text_fill(Text *text, const unsigned char *from);
void text_read(const Text *text, size_t start, size_t size, unsigned char *to);
/* fragments_bound(bytes_max) and fragments_counts() of the module. */
PyObject *native_fragments_bound(PyObject *module, PyObject *bytes_max);
PyObject *native_fragments_counts(PyObject *module, PyObject *none);

#endif
