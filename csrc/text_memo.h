/* csrc/text_memo.h -- what was written of values that come again: a map from the bytes of a value to where its JSON stands.
 *
 * Who includes it: transcode.c, whose operations on arrays, maps and structs ask here first; projection.c, which has the
 *   memos. Resources and labels are the same in many tasks of a framework: to compare and to copy takes a tenth of the time.
 * A value is told by its first bytes. Since msgpack says in them where it ends, as many equal bytes as the other value has
 *   are the same value, and nobody has to look how long this one is.
 * Invariants: 1. memos live no longer than the records, which are held, and the text, which only grows.    2. a value is
 *   looked for only within the bytes of the record, and not among defaults.
 * Rejected: the last value only. With five frameworks in turn it would be another one, four times of five.
 */
#ifndef LIBACTOR_TEXT_MEMO_H
#define LIBACTOR_TEXT_MEMO_H

#include "json_out.h"

#define TEXT_MEMOS 64

typedef struct {
    const int32_t *code;       /* the operation; NULL: nothing yet */
    const unsigned char *from; /* the value */
    size_t size;               /* bytes of it */
    size_t start, count;       /* where its text is, and how many bytes it has */
    unsigned char before;      /* the byte before its text: whether that begins with a comma depends on it */
} TextMemo;

static inline unsigned char text_last(const JsonOut *out)
{
    return out->size == 0 ? '[' : out->data[out->size - 1];
}

/* The memo that a value has if it has one. JSON_PADDING bytes may be read. */
static inline TextMemo *text_memo_of(TextMemo *memos, const int32_t *code, const unsigned char *value)
{
    uint64_t first[2];
    memcpy(first, value, sizeof first);
    uint64_t mixed = first[0] ^ (first[1] << 7 | first[1] >> 57) ^ (uint64_t)(uintptr_t)code;
    return &memos[mixed * 0x9e3779b97f4a7c15u >> 58]; /* 6 bits: one of TEXT_MEMOS */
}

/* Write again what an operation wrote of the same value; where the value ends, or NULL: it is another one. */
static inline const unsigned char *text_memo_write(const TextMemo *memo, const int32_t *code, const unsigned char *value,
                                                   const unsigned char *end, JsonOut *out)
{
    if (memo->code != code || memo->size > (size_t)(end - value) || memo->before != text_last(out) ||
        memcmp(memo->from, value, memo->size) != 0 || !json_reserve(out, memo->count))
        return NULL;
    memcpy(out->data + out->size, out->data + memo->start, memo->count);
    out->size += memo->count;
    return value + memo->size;
}

#endif
