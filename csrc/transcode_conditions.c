/* csrc/transcode_conditions.c -- whether words of a projection are left out, by what is in a field; see transcode.h.
 *
 * Who calls: transcode.c, for each DO_UNLESS_ but DO_UNLESS_THERE, which it sees to by itself.
 * Twin: libactor/_core/_projection.py.
 */
#include "transcode.h"

static inline int is_empty(const unsigned char *at)
{
    PackedHead head = {0};
    if (at == NULL)
        return 1;
    packed_head(at, PACKED_NO_END, &head);
    return head.kind >= PACKED_TEXT && head.count == 0;
}

static int is_number(const PackedHead *head)
{
    return head->kind >= PACKED_INT && head->kind <= PACKED_FLOAT;
}

/* Whether two values are the same, in whatever form of msgpack each is: a number is, be it whole or not. */
static int is_same(const unsigned char *one, const unsigned char *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    for (uint64_t left = 1; left > 0; left--) {
        PackedHead a = {0}, b = {0};
        one = packed_head(one, PACKED_NO_END, &a);
        other = packed_head(other, PACKED_NO_END, &b);
        if (a.kind == PACKED_FLOAT || b.kind == PACKED_FLOAT) {
            if (!is_number(&a) || !is_number(&b) || packed_double(&a) != packed_double(&b))
                return 0;
        } else if (a.kind != b.kind || a.count != b.count || a.i != b.i)
            return 0;
        if (a.kind == PACKED_TEXT || a.kind == PACKED_BYTES) {
            if (memcmp(one, other, a.count) != 0)
                return 0;
            one += a.count;
            other += a.count;
        } else if (a.kind >= PACKED_ARRAY)
            left += a.kind == PACKED_MAP ? 2 * (uint64_t)a.count : a.count;
    }
    return 1;
}

static int is_text(const unsigned char *at, const unsigned char *text, int32_t count)
{
    PackedHead head = {0};
    at = packed_head(at, PACKED_NO_END, &head);
    return head.count == (uint32_t)count && memcmp(at, text, head.count) == 0;
}

static int is_whole_number(const unsigned char *at, int32_t number)
{
    PackedHead head = {0};
    packed_head(at, PACKED_NO_END, &head);
    return head.kind != PACKED_UINT && head.i == number;
}

int transcode_is_unless(const Transcoder *t, const int32_t *code, const unsigned char *field, Frame *frame)
{
    switch (code[0]) {
    case DO_UNLESS_FILLED:
        return is_empty(field);
    case DO_UNLESS_TRUE:
        return field == NULL || *field == 0xc2;
    case DO_UNLESS_TEXT:
        return field == NULL || !is_text(field, t->pool + code[2], code[3]);
    case DO_UNLESS_NUMBER:
        return field == NULL || !is_whole_number(field, code[2]);
    default:
        return is_same(field, frame_field(frame, code[2]));
    }
}
