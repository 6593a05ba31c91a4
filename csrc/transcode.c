/* csrc/transcode.c -- runs projections; see transcode.h.
 *
 * Who calls: projection.c, without the interpreter's lock, on the records of a snapshot one after the other.
 * The stack grows with the nesting of the program, which its compiler bounds, and of values that may be anything, which
 *   the check of the record has bounded.
 * Twin: libactor/_core/_projection.py, to the byte.
 * Layout: 1 values  2 fields  3 programs
 */
#include "transcode.h"

/* ---- 1 values ---- */

static const unsigned char *write_value(JsonOut *out, const unsigned char *at);

static const unsigned char *write_items(JsonOut *out, const unsigned char *at, uint32_t count)
{
    json_byte(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            json_byte(out, ',');
        at = write_value(out, at);
    }
    json_byte(out, ']');
    return at;
}

static const unsigned char *write_pairs(JsonOut *out, const unsigned char *at, uint32_t count)
{
    json_byte(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            json_byte(out, ',');
        at = write_value(out, at);
        json_byte(out, ':');
        at = write_value(out, at);
    }
    json_byte(out, '}');
    return at;
}

/* Write the value at `at`, whatever it is; where it ends. */
static const unsigned char *write_value(JsonOut *out, const unsigned char *at)
{
    PackedHead head = {0};
    at = packed_head(at, PACKED_NO_END, &head);
    switch (head.kind) {
    case PACKED_TEXT:
        json_text_padded(out, at, head.count);
        return at + head.count;
    case PACKED_BYTES:
        json_base64(out, at, head.count);
        return at + head.count;
    case PACKED_INT:
        json_integer(out, head.i);
        return at;
    case PACKED_UINT:
        json_unsigned(out, head.u);
        return at;
    case PACKED_FLOAT:
        json_double(out, head.d);
        return at;
    case PACKED_BOOL:
        json_raw(out, head.i ? "true" : "false", head.i ? 4 : 5);
        return at;
    case PACKED_ARRAY:
        return write_items(out, at, head.count);
    case PACKED_MAP:
        return write_pairs(out, at, head.count);
    default:
        json_raw(out, "null", 4);
        return at;
    }
}

static void write_text(JsonOut *out, const unsigned char *at)
{
    PackedHead head = {0};
    at = packed_head(at, PACKED_NO_END, &head);
    json_text_padded(out, at, head.count);
}

/* ---- 2 fields ---- */

const unsigned char *frame_search(Frame *frame, uint32_t number)
{
    for (; frame->found <= number; frame->found++) {
        const unsigned char *at = NULL;
        if (frame->found < frame->count) {
            at = frame->end != NULL ? frame->end : packed_skip(frame->last, PACKED_NO_END);
            frame->last = at;
            frame->end = NULL;
            if (*at == 0xc0) {
                frame->end = at + 1;
                at = NULL;
            }
        } else if (frame->layout[1 + frame->found] >= 0)
            at = frame->pool + frame->layout[1 + frame->found];
        frame->fields[frame->found] = at;
    }
    return frame->fields[number];
}

const unsigned char *frame_end(Frame *frame)
{
    const unsigned char *at = frame->end != NULL ? frame->end : packed_skip(frame->last, PACKED_NO_END);
    return frame->found < frame->count ? packed_skip_all(at, PACKED_NO_END, frame->count - frame->found) : at;
}

static int has_one(const unsigned char *at)
{
    PackedHead head = {0};
    packed_head(at, PACKED_NO_END, &head);
    return head.count == 1;
}

/* ---- 3 programs ---- */

static void run(Transcoder *t, int at, int words, Frame *frame);
static const unsigned char *run_whole(Transcoder *t, const int32_t *code, int at, const unsigned char *field);

/* Run words on each item; where the items end. */
static const unsigned char *run_each(Transcoder *t, const unsigned char *items, const int32_t *code, int at)
{
    Frame frame;
    PackedHead head = {0};
    const unsigned char *item = packed_head(items, PACKED_NO_END, &head);
    for (uint32_t left = head.count; left > 0; left--) {
        if (code[0] == DO_EACH_PAIR) {
            json_part(t->out);
            item = write_value(t->out, item);
            json_byte(t->out, ':');
        }
        if (code[2] == 0) {
            frame.fields[0] = *item == 0xc0 ? NULL : item;
            frame.found = 1;
            frame.count = 0; /* so that nobody asks for its end */
            run(t, at, code[3], &frame);
            item = packed_skip(item, PACKED_NO_END);
        } else
            item = transcode_item(t, at, code[3], item, code[2]);
    }
    return item;
}

/* What is done with a field that is there; where it ends, or NULL. */
static const unsigned char *run_value(Transcoder *t, const int32_t *code, const unsigned char *field)
{
    JsonOut *out = t->out;
    PackedHead head = {0};
    const unsigned char *past = packed_head(field, PACKED_NO_END, &head);
    switch (code[0]) {
    case DO_FLOAT:
        json_double(out, packed_double(&head));
        return past;
    case DO_SCALED:
        json_decimal(out, packed_double(&head), code[2]);
        return past;
    case DO_BASE64:
        json_base64(out, past, head.count);
        return past + head.count;
    case DO_RANGES:
        transcode_ranges(out, field);
        return NULL;
    case DO_SET:
        transcode_set(out, field);
        return NULL;
    case DO_TALLY:
        return run_whole(t, code, 0, field);
    default:
        return write_value(out, field);
    }
}

/* Write what is made of the parts of a value; where it ends, or NULL. */
static const unsigned char *run_parts(Transcoder *t, const int32_t *code, int at, const unsigned char *field)
{
    switch (code[0]) {
    case DO_ENTER:
        return transcode_item(t, at, code[3], field, code[2]);
    case DO_EACH_ROW:
        return transcode_rows(t, field, code, at);
    case DO_GROUPS:
        return transcode_groups(t, field, code, at);
    case DO_TALLY:
        return transcode_tally(t, field, t->code + code[2]);
    default:
        return run_each(t, field, code, at);
    }
}

/* The same, unless that was done of the same value a little before. What is in a value that is new is not looked for: where
 * nothing comes again, that costs most. */
static const unsigned char *run_whole(Transcoder *t, const int32_t *code, int at, const unsigned char *field)
{
    int is_own = (uintptr_t)field - (uintptr_t)t->record < (uintptr_t)t->end - (uintptr_t)t->record;
    if (t->memos == NULL || !is_own)
        return run_parts(t, code, at, field);
    TextMemo *memos = t->memos, *memo = text_memo_of(memos, code, field);
    const unsigned char *past = text_memo_write(memo, code, field, t->end, t->out);
    if (past != NULL)
        return past;
    size_t start = t->out->size;
    unsigned char before = text_last(t->out);
    t->memos = NULL;
    past = run_parts(t, code, at, field);
    t->memos = memos;
    if (past != NULL)
        *memo = (TextMemo){code, field, (size_t)(past - field), start, t->out->size - start, before};
    return past;
}

/* What has a field; how many words to pass over. */
static int run_field(Transcoder *t, const int32_t *code, int at, Frame *frame)
{
    JsonOut *out = t->out;
    const unsigned char *field = frame_field(frame, code[1]);
    switch (code[0]) {
    case DO_KEY:
        json_part(out);
        write_text(out, field);
        json_byte(out, ':');
        return 0;
    case DO_ENTER:
    case DO_EACH:
    case DO_EACH_PAIR:
    case DO_EACH_ROW:
        if (field != NULL)
            frame_note(frame, code[1], run_whole(t, code, at, field));
        return code[3];
    case DO_UNLESS_FILLED:
    case DO_UNLESS_TRUE:
        return transcode_is_unless(t, code, field, frame) ? code[2] : 0;
    case DO_UNLESS_DIFFERENT:
    case DO_UNLESS_NUMBER:
        return transcode_is_unless(t, code, field, frame) ? code[3] : 0;
    case DO_UNLESS_TEXT:
        return transcode_is_unless(t, code, field, frame) ? code[4] : 0;
    case DO_ONLY:
        if (field != NULL && has_one(field))
            frame_note(frame, code[1], run_each(t, field, code, at));
        return code[3];
    case DO_GROUPS:
        if (field == NULL)
            json_raw(out, "{}", 2);
        else
            frame_note(frame, code[1], run_whole(t, code, at, field));
        return code[6];
    default:
        if (field == NULL)
            json_raw(out, "null", 4);
        else
            frame_note(frame, code[1], run_value(t, code, field));
        return 0;
    }
}

/* The name of a number, which has one. */
static inline void run_choice(Transcoder *t, const int32_t *code, Frame *frame)
{
    PackedHead head = {0};
    const unsigned char *field = frame_field(frame, code[1]);
    if (field == NULL) {
        json_raw(t->out, "null", 4);
        return;
    }
    field = packed_head(field, PACKED_NO_END, &head);
    const int32_t *name = t->code + code[3] + 2 * (head.i - code[2]);
    json_raw_padded(t->out, t->pool + name[0], (size_t)name[1]);
    frame_note(frame, code[1], field);
}

/* A field as it is. */
static inline void run_plain(Transcoder *t, int32_t number, Frame *frame)
{
    const unsigned char *field = frame_field(frame, number);
    if (field == NULL)
        json_raw(t->out, "null", 4);
    else if ((*field & 0xe0) == 0xa0) { /* a short text */
        size_t count = *field & 0x1f;
        json_text_padded(t->out, field + 1, count);
        frame_note(frame, number, field + 1 + count);
    } else if (*field == 0xd9) {
        json_text_padded(t->out, field + 2, field[1]);
        frame_note(frame, number, field + 2 + field[1]);
    } else
        frame_note(frame, number, write_value(t->out, field));
}

static void run(Transcoder *t, int at, int words, Frame *frame)
{
    static const unsigned char sizes[] = {3, 3, 1, 2, 2, 2, 3, 4, 2, 2, 2, 4, 4, 4, 3, 3, 3, 4, 2, 3, 4, 5, 5, 4, 4, 7};
    JsonOut *out = t->out;
    for (int stop = at + words; at < stop;) {
        const int32_t *code = t->code + at;
        at += sizes[code[0]];
        switch (code[0]) {
        case DO_MEMBER:
            json_part(out);
            json_raw_padded(out, t->pool + code[1], (size_t)code[2]);
            break;
        case DO_RAW:
            json_raw_padded(out, t->pool + code[1], (size_t)code[2]);
            break;
        case DO_PART:
            json_part(out);
            break;
        case DO_UNLESS_THERE:
            at += frame_field(frame, code[1]) == NULL ? code[2] : 0;
            break;
        case DO_CHOICE:
            run_choice(t, code, frame);
            break;
        case DO_RAW_VALUE:
            json_raw_padded(out, t->pool + code[1], (size_t)code[2]);
            run_plain(t, code[3], frame);
            break;
        case DO_SKIP:
            at += code[1];
            break;
        default:
            at += run_field(t, code, at, frame);
        }
    }
}

void transcode(Transcoder *t, int at, int words, const unsigned char *record, int layout)
{
    Frame frame;
    frame_begin(t, &frame, record, layout);
    run(t, at, words, &frame);
}

const unsigned char *transcode_item(Transcoder *t, int at, int words, const unsigned char *item, int layout)
{
    Frame frame;
    frame_begin(t, &frame, item, layout);
    run(t, at, words, &frame);
    return frame_end(&frame);
}
