/* csrc/packed_head.c -- heads of msgpack values that take more than a byte, and the way over a whole value.
 *
 * Who calls: what looks at records, through packed_head.h.
 */
#include "packed_head.h"

/* By type byte from 0xc0 on: what it is, and how many bytes of number or length follow. */
static const struct {
    unsigned char kind, size;
} heads[] = {
    {PACKED_NIL, 0}, {PACKED_OTHER, 0}, {PACKED_BOOL, 0}, {PACKED_BOOL, 0},     /* 0xc0 */
    {PACKED_BYTES, 1}, {PACKED_BYTES, 2}, {PACKED_BYTES, 4},                    /* 0xc4 */
    {PACKED_OTHER, 0}, {PACKED_OTHER, 0}, {PACKED_OTHER, 0},                    /* 0xc7 */
    {PACKED_FLOAT, 4}, {PACKED_FLOAT, 8},                                       /* 0xca */
    {PACKED_UINT, 1}, {PACKED_UINT, 2}, {PACKED_UINT, 4}, {PACKED_UINT, 8},     /* 0xcc */
    {PACKED_INT, 1}, {PACKED_INT, 2}, {PACKED_INT, 4}, {PACKED_INT, 8},         /* 0xd0 */
    {PACKED_OTHER, 0}, {PACKED_OTHER, 0}, {PACKED_OTHER, 0}, {PACKED_OTHER, 0}, {PACKED_OTHER, 0}, /* 0xd4 */
    {PACKED_TEXT, 1}, {PACKED_TEXT, 2}, {PACKED_TEXT, 4},                       /* 0xd9 */
    {PACKED_ARRAY, 2}, {PACKED_ARRAY, 4}, {PACKED_MAP, 2}, {PACKED_MAP, 4},     /* 0xdc */
};

static double read_float(uint64_t number, int size)
{
    float narrow;
    double wide;
    uint32_t four = (uint32_t)number;
    memcpy(&narrow, &four, 4);
    memcpy(&wide, &number, 8);
    return size == 4 ? (double)narrow : wide;
}

const unsigned char *packed_long_head(const unsigned char *at, const unsigned char *end, PackedHead *head)
{
    unsigned code = *at;
    if (code < 0x90) { /* 0x80 to 0x8f */
        head->kind = PACKED_MAP;
        head->count = code & 0x0f;
        return at + 1;
    }
    int size = heads[code - 0xc0].size;
    head->kind = heads[code - 0xc0].kind;
    if (end - at <= size) {
        head->kind = PACKED_CUT;
        return at;
    }
    uint64_t number = size == 0 ? code == 0xc3 : packed_number(at + 1, size);
    switch (head->kind) {
    case PACKED_FLOAT:
        head->d = read_float(number, size);
        break;
    case PACKED_INT:
        head->i = (int64_t)(number << (64 - 8 * size)) >> (64 - 8 * size); /* gcc and clang shift the sign in */
        break;
    case PACKED_UINT:
        head->u = number;
        if (number <= INT64_MAX)
            head->kind = PACKED_INT;
        break;
    case PACKED_OTHER:
        return at;
    case PACKED_NIL:
        break;
    case PACKED_BOOL:
        head->i = (int64_t)number;
        break;
    default:
        head->count = (uint32_t)number;
    }
    return at + 1 + size;
}

/* A map of n has 2n values in it, an array n; a short text has its bytes behind the first. */
const PackedStep packed_steps[256] = {
    [0x00 ... 0x7f] = {1, 0},
    [0x80] = {1, 0}, {1, 2}, {1, 4}, {1, 6}, {1, 8}, {1, 10}, {1, 12}, {1, 14}, /* 0x80 */
    {1, 16}, {1, 18}, {1, 20}, {1, 22}, {1, 24}, {1, 26}, {1, 28}, {1, 30}, /* 0x88 */
    {1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {1, 7}, /* 0x90 */
    {1, 8}, {1, 9}, {1, 10}, {1, 11}, {1, 12}, {1, 13}, {1, 14}, {1, 15}, /* 0x98 */
    {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, /* 0xa0 */
    {9, 0}, {10, 0}, {11, 0}, {12, 0}, {13, 0}, {14, 0}, {15, 0}, {16, 0}, /* 0xa8 */
    {17, 0}, {18, 0}, {19, 0}, {20, 0}, {21, 0}, {22, 0}, {23, 0}, {24, 0}, /* 0xb0 */
    {25, 0}, {26, 0}, {27, 0}, {28, 0}, {29, 0}, {30, 0}, {31, 0}, {32, 0}, /* 0xb8 */
    {1, 0}, {0, 0}, {1, 0}, {1, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, /* 0xc0 */
    {0, 0}, {0, 0}, {5, 0}, {9, 0}, {2, 0}, {3, 0}, {5, 0}, {9, 0}, /* 0xc8 */
    {2, 0}, {3, 0}, {5, 0}, {9, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, /* 0xd0 */
    {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, /* 0xd8 */
    [0xe0 ... 0xff] = {1, 0},
};

const unsigned char *packed_skip_all(const unsigned char *at, const unsigned char *end, uint64_t left)
{
    while (left > 0) {
        PackedStep step = packed_steps[*at];
        if (step.size == 1 && step.more == 0) {
            at++; /* foreseen by the processor, which need not wait for the size then */
            left--;
            continue;
        }
        at += step.size;
        left += step.more;
        left--;
        if (step.size != 0)
            continue;
        PackedHead head = {0};
        at = packed_head(at, end, &head);
        if (head.kind == PACKED_TEXT || head.kind == PACKED_BYTES)
            at += head.count;
        else
            left += head.kind == PACKED_MAP ? 2 * (uint64_t)head.count : head.count;
    }
    return at;
}
