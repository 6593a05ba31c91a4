/* csrc/packed_head.h -- the head of a msgpack value: what begins here, and how much of it there is.
 *
 * Who includes it: what looks at records: shape.c, record.c, transcode.c. Nothing here needs Python or its lock.
 * A head is the type byte with the number or the length behind it; the bytes of a text or the items of an array follow.
 * No length is believed: whoever takes `count` bytes or items looks how many are left.
 * Source: the msgpack specification.
 */
#ifndef LIBACTOR_PACKED_HEAD_H
#define LIBACTOR_PACKED_HEAD_H

#include <stdint.h>
#include <string.h>

typedef enum {
    PACKED_NIL, PACKED_BOOL, PACKED_INT, PACKED_UINT, PACKED_FLOAT, PACKED_TEXT, PACKED_BYTES, PACKED_ARRAY, PACKED_MAP,
    PACKED_OTHER, /* an extension, or the byte that is none */
    PACKED_CUT    /* there are too few bytes */
} PackedKind;

typedef struct {
    uint32_t kind;  /* a PackedKind */
    uint32_t count; /* bytes of a text or of bytes, items of an array, pairs of a map */
    union {
        int64_t i;  /* of an int, and of a bool */
        uint64_t u; /* of an int of 2^63 and more */
        double d;
    };
} PackedHead;

static inline uint64_t packed_number(const unsigned char *at, int size)
{
    uint64_t number;
    uint32_t four;
    uint16_t two;
    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&two, at, 2);
        return __builtin_bswap16(two);
    case 4:
        memcpy(&four, at, 4);
        return __builtin_bswap32(four);
    default:
        memcpy(&number, at, 8);
        return __builtin_bswap64(number);
    }
}

/* As packed_head, for what its first byte does not say all of. */
const unsigned char *packed_long_head(const unsigned char *at, const unsigned char *end, PackedHead *head);

/* Read the head of the value at `at`; where what is behind it begins. Of what is cut or refused: `at`. */
static inline const unsigned char *packed_head(const unsigned char *at, const unsigned char *end, PackedHead *head)
{
    if (at == end) {
        head->kind = PACKED_CUT;
        return at;
    }
    unsigned code = *at;
    if ((code & 0xe0) == 0xa0) {
        head->kind = PACKED_TEXT;
        head->count = code & 0x1f;
        return at + 1;
    }
    if (code <= 0x7f || code >= 0xe0) {
        head->kind = PACKED_INT;
        head->i = (signed char)code;
        return at + 1;
    }
    if ((code & 0xf0) == 0x90) {
        head->kind = PACKED_ARRAY;
        head->count = code & 0x0f;
        return at + 1;
    }
    return packed_long_head(at, end, head);
}

/* By type byte: how many bytes a value takes that says so in its first one, and how many values are in it. Size 0: what
 * says so in the bytes behind. */
typedef struct {
    uint8_t size, more;
} PackedStep;

extern const PackedStep packed_steps[256];

/* Where the last of so many values ends that stand behind one another. */
const unsigned char *packed_skip_all(const unsigned char *at, const unsigned char *end, uint64_t left);

/* For `end`, of what was checked before: nothing is cut. */
#define PACKED_NO_END ((const unsigned char *)PTRDIFF_MAX)

/* Where the value at `at` ends. It was checked before: nothing is cut, and nothing else than values follows. */
static inline const unsigned char *packed_skip(const unsigned char *at, const unsigned char *end)
{
    PackedStep step = packed_steps[*at];
    if (step.size == 1 && step.more == 0)
        return at + 1; /* foreseen by the processor, which need not wait for the size then */
    return step.size != 0 && step.more == 0 ? at + step.size : packed_skip_all(at, end, 1);
}

#endif
