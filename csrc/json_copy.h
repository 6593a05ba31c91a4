/* csrc/json_copy.h -- copying of short texts into JSON, sixteen bytes at a stretch.
 *
 * Who includes it: json_out.c; transcode_rows.c, whose texts are nearly always short and plain; tally.c.
 * Invariants: whoever calls has seen to the room, JSON_PADDING bytes more than there is to write; of texts and constants as
 *   many bytes behind them may be read. What is read or written too much is never looked at.
 */
#ifndef LIBACTOR_JSON_COPY_H
#define LIBACTOR_JSON_COPY_H

#include "json_out.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* By byte: 0 as it stands, 'u' \u00XX, else the letter behind the backslash. */
extern const char json_escapes[256];

/* Copy a constant; where it ends. */
static inline unsigned char *json_copy_raw(unsigned char *to, const unsigned char *from, size_t count)
{
    memcpy(to, from, JSON_PADDING); /* two instructions, where a copy of any size is a call */
    for (size_t done = JSON_PADDING; done < count; done += JSON_PADDING)
        memcpy(to + done, from + done, JSON_PADDING);
    return to + count;
}

#if defined(__SSE2__)
/* Which of 16 bytes do not stand for themselves, as bits. */
static inline unsigned json_marks(__m128i block)
{
    __m128i marked = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(marked, controls));
}

/* Whether so many bytes are the same. */
static inline int json_is_same(const unsigned char *one, const unsigned char *other, size_t count)
{
    if (count > 16)
        return memcmp(one, other, count) == 0;
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)one), _mm_loadu_si128((const __m128i *)other));
    return (~(unsigned)_mm_movemask_epi8(same) & ((1u << count) - 1)) == 0;
}

/* Copy bytes as long as they stand for themselves; how many there were. */
static inline size_t json_copy_plain(unsigned char *to, const unsigned char *from, size_t count)
{
    for (size_t done = 0; done < count; done += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(from + done));
        unsigned marks = json_marks(block);
        _mm_storeu_si128((__m128i *)(to + done), block);
        if (marks != 0) {
            size_t first = done + (size_t)__builtin_ctz(marks);
            return first < count ? first : count;
        }
    }
    return count;
}
#else
static inline int json_is_same(const unsigned char *one, const unsigned char *other, size_t count)
{
    return memcmp(one, other, count) == 0;
}

static inline size_t json_copy_plain(unsigned char *to, const unsigned char *from, size_t count)
{
    size_t done = 0;
    for (; done < count && json_escapes[from[done]] == 0; done++)
        to[done] = from[done];
    return done;
}
#endif

#endif
