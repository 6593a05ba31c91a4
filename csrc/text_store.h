/* csrc/text_store.h -- memory for texts that are kept: blocks of one size, cut from slabs that stay.
 *
 * Who includes it: chunk_pool.h, whose pool has one; fragments.c, which keeps texts in it.
 * A text lies in as many blocks as it needs, wherever those are: it is only ever written once and copied out.
 * Taking and giving back blocks touches none of them, so it is quick under the interpreter's lock: a page that is touched
 *   for the first time, or is in no cache any more, keeps nobody waiting but who writes the text, without the lock.
 * All under the interpreter's lock, but the bytes of a block, which are those of who has taken it.
 * Rejected: malloc of each text. Malloc returns memory to the system when much of it is free, or when a text is large,
 *   and a page that is touched for the first time costs 1 to 8 us on a virtual machine, more than to write it with JSON.
 *   Huge pages (madvise): no faster where the machine beneath has to find them first.
 */
#ifndef LIBACTOR_TEXT_STORE_H
#define LIBACTOR_TEXT_STORE_H

#include <stddef.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TEXT_BLOCK 4096

typedef struct TextSlab TextSlab;

typedef struct {
    TextSlab *slabs;       /* all of them, owned */
    unsigned char **unused; /* owned: blocks that were given back, with room for all that there are */
    size_t unused_count;
    unsigned char *fresh, *fresh_end; /* of the newest slab: blocks that nobody has had yet */
    size_t slab_count, taken; /* taken: blocks that somebody has */
} TextStore;

static inline size_t text_blocks(size_t size)
{
    return (size + TEXT_BLOCK - 1) / TEXT_BLOCK;
}

/* A block for the caller; NULL without memory. */
unsigned char *text_store_take(TextStore *store);
void text_store_give_back(TextStore *store, unsigned char *block);
/* Write the first bytes of a block, past the caches: what is kept is seldom read soon, and to write in memory what has not
 * been read takes it through the caches twice. */
static inline void text_block_fill(unsigned char *block, const unsigned char *text, size_t size)
{
    size_t done = 0;
#if defined(__SSE2__)
    for (; done + 64 <= size; done += 64)
        for (size_t part = done; part < done + 64; part += 16)
            _mm_stream_si128((__m128i *)(block + part), _mm_loadu_si128((const __m128i *)(text + part)));
#endif
    memcpy(block + done, text + done, size - done);
}

/* After blocks were written, before others read them. */
static inline void text_blocks_filled(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* Return all memory to the system if nobody has a block. */
void text_store_trim(TextStore *store);

#endif
