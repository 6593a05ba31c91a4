/* csrc/chunk_pool.h -- what the chunks of one interpreter have in common.
 *
 * Who includes it: core.h, whose CoreState has one; chunk.h says what a chunk and a fragment are.
 */
#ifndef LIBACTOR_CHUNK_POOL_H
#define LIBACTOR_CHUNK_POOL_H

#include <stddef.h>
#include <stdint.h>
#include "text_store.h"

typedef struct ChunkPool {
    struct Chunk *waiting; /* chunks that nobody holds, to be freed; linked by `after` */
    ptrdiff_t waiting_count;
    struct Fragment *newest, *oldest; /* fragments that are cached, by their last use; linked by `newer` and `older` */
    size_t bytes, bytes_max;          /* of memory that the texts of those take */
    size_t cached;                    /* how many those are */
    TextStore texts;                  /* where those are */
    uint64_t hits, misses, evictions; /* evictions: dropped for want of room, not for a change */
} ChunkPool;

#endif
