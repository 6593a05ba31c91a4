/* csrc/shape.c -- whether bytes are a record of some type: one pass over all of them, which makes nothing.
 *
 * Who calls: record.c, with what arrives. The bytes may be a stranger's: 1. no length is believed before so many
 *   bytes are there; 2. the stack grows with the shapes, which are no deeper than SHAPE_NESTING_MAX, and with what may
 *   be anything, no deeper than ANY_NESTING_MAX; 3. texts are UTF-8, since nobody checks later.
 * What follows the fields that are known is from a newer version: it is to be well formed, and is kept.
 * Twin: libactor/_core/_record.py, with the same faults at the same places.
 * Layout: 1 texts  2 values  3 the whole
 */
#include "shape.h"

/* ---- 1 texts ---- */

/* How many bytes the character at `at` takes; 0 if it is none. At least 4 bytes may be read, the rest is no text. */
int utf8_character(const unsigned char *at, const unsigned char *end)
{
    unsigned code = *at;
    int size = code < 0x80 ? 1 : code < 0xc2 ? 0 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : code < 0xf5 ? 4 : 0;
    if (size == 0 || end - at < size)
        return 0;
    for (int i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((code == 0xe0 && at[1] < 0xa0) || (code == 0xed && at[1] > 0x9f) || (code == 0xf0 && at[1] < 0x90) ||
        (code == 0xf4 && at[1] > 0x8f)) /* what a shorter one says, surrogates, beyond the last */
        return 0;
    return size;
}

/* Whether all bytes are ASCII: eight at a time, the last ones with some that were looked at before. */
static inline int is_ascii(const unsigned char *at, uint32_t count)
{
    const unsigned char *end = at + count;
    uint64_t eight = 0, last = 0;
    if (count >= 8) {
        for (; end - at > 8; at += 8) {
            memcpy(&last, at, 8);
            eight |= last;
        }
        memcpy(&last, end - 8, 8);
    } else if (count >= 4) {
        memcpy(&eight, at, 4);
        memcpy(&last, end - 4, 4);
    } else {
        for (; at < end; at++)
            eight |= *at;
    }
    return !((eight | last) & 0x8080808080808080u);
}

int utf8_is_valid(const unsigned char *at, uint32_t count)
{
    const unsigned char *end = at + count;
    if (is_ascii(at, count))
        return 1;
    while (end - at >= 8 && is_ascii(at, 8))
        at += 8;
    while (at < end) {
        int size = *at < 0x80 ? 1 : utf8_character(at, end);
        if (size == 0)
            return 0;
        at += size;
    }
    return 1;
}

/* ---- 2 values ---- */

static int fault(ShapeCheck *check, int number)
{
    check->fault = number;
    return -1;
}

static int fault_within(ShapeCheck *check, uint32_t position)
{
    check->path[check->depth++] = position;
    return -1;
}

static int check_text(ShapeCheck *check, uint32_t count)
{
    if ((size_t)(check->end - check->at) < count)
        return fault(check, FAULT_CUT);
    if (!utf8_is_valid(check->at, count))
        return fault(check, FAULT_UTF8);
    check->at += count;
    return 0;
}

static int check_bytes(ShapeCheck *check, uint32_t count)
{
    if ((size_t)(check->end - check->at) < count)
        return fault(check, FAULT_CUT);
    check->at += count;
    return 0;
}

static int check_key(ShapeCheck *check)
{
    PackedHead head;
    const unsigned char *past = packed_head(check->at, check->end, &head);
    if (head.kind != PACKED_TEXT)
        return fault(check, head.kind == PACKED_CUT ? FAULT_CUT : FAULT_KEY);
    check->at = past;
    return check_text(check, head.count);
}

static int check_any(ShapeCheck *check, int nesting);

static int check_any_items(ShapeCheck *check, uint32_t count, int is_map, int nesting)
{
    if ((size_t)(check->end - check->at) < count)
        return fault(check, FAULT_CUT);
    if (nesting == ANY_NESTING_MAX)
        return fault(check, FAULT_DEEP);
    for (uint32_t i = 0; i < count; i++)
        if ((is_map && check_key(check) < 0) || check_any(check, nesting + 1) < 0)
            return fault_within(check, i);
    return 0;
}

static int check_any(ShapeCheck *check, int nesting)
{
    PackedHead head;
    const unsigned char *began = check->at;
    check->at = packed_head(began, check->end, &head);
    switch (head.kind) {
    case PACKED_TEXT:
        return check_text(check, head.count);
    case PACKED_BYTES:
        return check_bytes(check, head.count);
    case PACKED_ARRAY:
    case PACKED_MAP:
        return check_any_items(check, head.count, head.kind == PACKED_MAP, nesting);
    case PACKED_CUT:
        return fault(check, FAULT_CUT);
    case PACKED_OTHER:
        return fault(check, FAULT_KIND);
    default:
        return 0;
    }
}

static int check_value(ShapeCheck *check, const Shape *shape);

static int check_choice(ShapeCheck *check, const Shape *shape, int64_t number, const unsigned char *began)
{
    for (uint32_t i = 0; i < shape->count; i++)
        if (check->choices[shape->first + i] == number)
            return 0;
    check->at = began;
    return fault(check, FAULT_CHOICE);
}

static int check_items(ShapeCheck *check, const Shape *shape, uint32_t count)
{
    const Shape *item = check->shapes + shape->first;
    if ((size_t)(check->end - check->at) < count)
        return fault(check, FAULT_CUT);
    for (uint32_t i = 0; i < count; i++)
        if ((shape->kind == SHAPE_MAP && check_key(check) < 0) || check_value(check, item) < 0)
            return fault_within(check, i);
    return 0;
}

/* Pass a text of less than 32 bytes, all ASCII, where one is due: most of what there is. 0 if it is anything else. */
static inline int pass_short_text(ShapeCheck *check, const Shape *shape)
{
    const unsigned char *at = check->at;
    if (shape->kind != SHAPE_TEXT || at == check->end || (*at & 0xe0) != 0xa0)
        return 0;
    uint32_t count = *at & 0x1f;
    if ((size_t)(check->end - at) <= count || !is_ascii(at + 1, count))
        return 0;
    check->at = at + 1 + count;
    return 1;
}

static int check_field(ShapeCheck *check, const Shape *shape, uint32_t index)
{
    const Shape *field = index < shape->count ? check->shapes + shape->first + index : NULL;
    if (field != NULL && pass_short_text(check, field))
        return 0;
    int answer = field == NULL ? check_any(check, 0) : check_value(check, field);
    return answer < 0 ? fault_within(check, index) : 0;
}

static int check_fields(ShapeCheck *check, const Shape *shape, uint32_t count, const unsigned char *began)
{
    if (count < shape->least) {
        check->at = began;
        return fault(check, FAULT_SHORT);
    }
    for (uint32_t i = 0; i < count; i++)
        if (check_field(check, shape, i) < 0)
            return -1;
    return 0;
}

static int check_value(ShapeCheck *check, const Shape *shape)
{
    /* By kind of shape: the kinds of values that will do, as bits; of a CHOICE an int, of a STRUCT an array. */
    static const uint16_t expected[] = {
        [SHAPE_BOOL] = 1 << PACKED_BOOL, [SHAPE_INT] = 1 << PACKED_INT | 1 << PACKED_UINT,
        [SHAPE_FLOAT] = 1 << PACKED_FLOAT | 1 << PACKED_INT, [SHAPE_TEXT] = 1 << PACKED_TEXT,
        [SHAPE_BYTES] = 1 << PACKED_BYTES, [SHAPE_CHOICE] = 1 << PACKED_INT, [SHAPE_ARRAY] = 1 << PACKED_ARRAY,
        [SHAPE_STRUCT] = 1 << PACKED_ARRAY, [SHAPE_MAP] = 1 << PACKED_MAP};
    PackedHead head;
    const unsigned char *began = check->at;
    if (shape->kind == SHAPE_ANY)
        return check_any(check, 0);
    const unsigned char *past = packed_head(began, check->end, &head);
    if (!(expected[shape->kind] & 1 << head.kind)) {
        if (head.kind != PACKED_NIL || !shape->nullable)
            return fault(check, head.kind == PACKED_CUT ? FAULT_CUT : FAULT_KIND);
        check->at = past;
        return 0;
    }
    check->at = past;
    switch (shape->kind) {
    case SHAPE_TEXT:
        return check_text(check, head.count);
    case SHAPE_BYTES:
        return check_bytes(check, head.count);
    case SHAPE_CHOICE:
        return check_choice(check, shape, head.i, began);
    case SHAPE_STRUCT:
        return check_fields(check, shape, head.count, began);
    case SHAPE_ARRAY:
    case SHAPE_MAP:
        return check_items(check, shape, head.count);
    default:
        return 0;
    }
}

/* ---- 3 the whole ---- */

int shape_check(ShapeCheck *check, const uint32_t *hot, uint32_t hot_count, uint32_t *offsets)
{
    const Shape *shape = check->shapes;
    PackedHead head;
    const unsigned char *past = packed_head(check->start, check->end, &head);
    check->at = check->start;
    check->fault = FAULT_NONE;
    check->depth = 0;
    memset(offsets, 0, hot_count * sizeof *offsets);
    if (head.kind != PACKED_ARRAY)
        return fault(check, head.kind == PACKED_CUT ? FAULT_CUT : FAULT_KIND);
    if (head.count < shape->least)
        return fault(check, FAULT_SHORT);
    check->at = past;
    uint32_t next = 0;
    for (uint32_t i = 0; i < head.count; i++) {
        if (next < hot_count && hot[next] == i)
            offsets[next++] = (uint32_t)(check->at - check->start);
        if (check_field(check, shape, i) < 0)
            return -1;
    }
    return check->at == check->end ? 0 : fault(check, FAULT_BEHIND);
}

int shape_check_field(ShapeCheck *check, uint32_t number)
{
    check->at = check->start;
    check->fault = FAULT_NONE;
    check->depth = 0;
    return check_field(check, check->shapes, number) == 0 && check->at == check->end ? 0 : -1;
}
