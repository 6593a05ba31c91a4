/* csrc/transcode.h -- a projection: a small program that writes JSON from the bytes of a record.
 *
 * Who includes it: transcode.c and tally.c, which run programs; projection.c, which holds them.
 * Nothing here needs Python or its lock. The record was checked when it was made, and the program when it was compiled
 *   (libactor/records/projection.py): nothing is checked again, and nothing can fail but memory.
 */
#ifndef LIBACTOR_TRANSCODE_H
#define LIBACTOR_TRANSCODE_H

#include "json_out.h"
#include "packed_head.h"
#include "text_memo.h"

/* As in libactor/_core/_projection.py, which says what each does. Operands, each a word, in brackets. */
enum {
    DO_RAW,       /* (at, count)           a constant */
    DO_MEMBER,    /* (at, count)           the name of a member, a constant, behind a comma if it needs one */
    DO_PART,      /*                       that comma alone */
    DO_KEY,       /* (field)               the text in a field as the name of a member */
    DO_VALUE,     /* (field)               as it is */
    DO_FLOAT,     /* (field)               a number, with a fraction if it is whole */
    DO_SCALED,    /* (field, power)        a whole number of 10^-power, as a number with a fraction */
    DO_CHOICE,    /* (field, least, table) the name of a number: words of `table` are (at, count) from `least` on */
    DO_BASE64,    /* (field) */
    DO_RANGES,    /* (field)               pairs of whole numbers as "[a-b, c-d]" */
    DO_SET,       /* (field)               texts as "{a, b}" */
    DO_ENTER,     /* (field, layout, words) run so many words on the struct there, if there is one */
    DO_EACH,      /* (field, layout, words) run them on each item; layout 0: items are no structs, but field 0 */
    DO_EACH_PAIR, /* (field, layout, words) as EACH, on the values of a map, each with its key as the name of a member */
    DO_UNLESS_THERE, /* (field, words)     skip words if the field is left out or nil */
    DO_UNLESS_FILLED, /* (field, words)    or empty */
    DO_UNLESS_TRUE, /* (field, words)      or false */
    DO_UNLESS_DIFFERENT, /* (field, other, words) skip words if two fields hold the same */
    DO_SKIP,      /* (words) */
    DO_TALLY,     /* (field, spec) see tally.c */
    DO_RAW_VALUE, /* (at, count, field)    a constant, and a field as it is */
    DO_EACH_ROW,  /* (field, layout, words, row) as EACH; items that are nothing but texts by `row`: see transcode_rows.c */
    DO_UNLESS_TEXT, /* (field, at, count, words) skip words unless the field is this text, a constant */
    DO_UNLESS_NUMBER, /* (field, number, words) unless it is this number; false is 0, true is 1 */
    DO_ONLY,      /* (field, layout, words) as EACH, on the item of an array that has one alone */
    DO_GROUPS,    /* (field, layout, group, at, count, words) see groups.c; at: -1, or the group that is left out */
    DO_COUNT
};

#define TRANSCODE_FIELDS_MAX 64

/* A layout, among the words: how many fields of a struct are looked at; for each of them, where its default is among the
 * constants, in msgpack, or -1 if that is nil. */

typedef struct {
    const int32_t *code;
    const unsigned char *pool; /* constants, and JSON_PADDING bytes */
    JsonOut *out;
    TextMemo *memos;                    /* TEXT_MEMOS of them; NULL: nothing is remembered */
    int words, layout;                  /* of the program, and of the record */
    const unsigned char *record, *end; /* the one that is written */
} Transcoder;

/* Where the fields of one struct begin. They are looked for when they are asked for: most programs go through a struct
 * in the order of its fields, and whoever has written one knows where the next begins. */
typedef struct {
    const int32_t *layout;
    const unsigned char *pool;
    const unsigned char *fields[TRANSCODE_FIELDS_MAX]; /* the first `found` ones; NULL: nil */
    const unsigned char *last, *end; /* where the last one found begins and ends; end NULL: nobody has looked yet */
    uint32_t found, count;           /* count: fields that the record has */
} Frame;

/* Write what `words` words from `at` on say of the struct at `record`, which has this layout. */
void transcode(Transcoder *transcoder, int at, int words, const unsigned char *record, int layout);

/* Begin with the struct at `at`, or with nil, which has no fields. */
static inline void frame_begin(const Transcoder *transcoder, Frame *frame, const unsigned char *at, int layout)
{
    PackedHead head;
    head.count = 0;
    frame->layout = transcoder->code + layout;
    frame->pool = transcoder->pool;
    frame->end = packed_head(at, PACKED_NO_END, &head);
    frame->last = NULL;
    frame->found = 0;
    frame->count = head.count;
}

/* As frame_field, of one that was not found yet. */
const unsigned char *frame_search(Frame *frame, uint32_t number);

/* Where a field begins, or its default; NULL: nil. */
static inline const unsigned char *frame_field(Frame *frame, int32_t number)
{
    if ((uint32_t)number < frame->found)
        return frame->fields[number];
    const unsigned char *at = frame->end;
    if ((uint32_t)number == frame->found && frame->found < frame->count && at != NULL && *at != 0xc0) {
        frame->last = at; /* it is the next one, as nearly always */
        frame->end = NULL;
        return frame->fields[frame->found++] = at;
    }
    return frame_search(frame, (uint32_t)number);
}

/* Find all fields at once, in a struct whose fields are small; where it ends. frame_note and frame_end are not for it. */
static inline const unsigned char *frame_walk(Frame *frame)
{
    uint32_t found = 0, known = (uint32_t)frame->layout[0];
    const unsigned char *at = frame->end;
    for (; found < frame->count && found < known; found++) {
        frame->fields[found] = *at == 0xc0 ? NULL : at;
        at = packed_skip(at, PACKED_NO_END);
    }
    if (found < frame->count)
        at = packed_skip_all(at, PACKED_NO_END, frame->count - found);
    frame->found = frame->count = found;
    return at;
}

/* Say where a field ends. */
static inline void frame_note(Frame *frame, int32_t number, const unsigned char *end)
{
    if ((uint32_t)number + 1 == frame->found && (uint32_t)number < frame->count)
        frame->end = end;
}

/* Where the struct ends. */
const unsigned char *frame_end(Frame *frame);

/* A number, be it whole or not. */
static inline double packed_double(const PackedHead *head)
{
    return head->kind == PACKED_FLOAT ? head->d : head->kind == PACKED_UINT ? (double)head->u : (double)head->i;
}

/* Run words on the item at `item`, a struct; where it ends. */
const unsigned char *transcode_item(Transcoder *transcoder, int at, int words, const unsigned char *item, int layout);

/* Of transcode_conditions.c: whether the words behind a test are left out. */
int transcode_is_unless(const Transcoder *transcoder, const int32_t *code, const unsigned char *field, Frame *frame);

/* Of transcode_rows.c: DO_EACH_ROW, whose words are at `at`; where the items end. */
const unsigned char *transcode_rows(Transcoder *transcoder, const unsigned char *items, const int32_t *code, int at);

/* Of tally.c. */
/* Where the items end. */
const unsigned char *transcode_tally(Transcoder *transcoder, const unsigned char *items, const int32_t *spec);
void transcode_ranges(JsonOut *out, const unsigned char *items);
void transcode_set(JsonOut *out, const unsigned char *items);

/* Of groups.c: where the items end. `at` is where the words for each item begin. */
const unsigned char *transcode_groups(Transcoder *transcoder, const unsigned char *items, const int32_t *code, int at);

#endif
