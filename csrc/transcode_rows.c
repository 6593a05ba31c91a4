/* csrc/transcode_rows.c -- arrays of structs that hold nothing but texts, such as labels; see transcode.h.
 *
 * Who calls: transcode.c, for DO_EACH_ROW. Half of a task's JSON is its labels, {"key":"...","value":"..."}: all that there
 *   is to do is to copy constants and texts in turn, so it is done here without fields, frames and operations.
 * A row, among the words: how many texts; how many bytes of constants; (at, count) of the constant before each text, the
 *   quotes with it, the first one with a comma before it; (at, count) of what is behind the last one. Compiled by
 *   libactor/records/rows.py.
 * An item that is something else (fewer fields or more, nil, a text of more than 255 bytes) is written by the words of the
 *   operation, as without a row. So the twin in Python, libactor/_core/_projection.py, knows no rows.
 */
#include "json_copy.h"
#include "transcode.h"

#define TEXT_MAX 255 /* bytes of a text: as many as one byte says */

enum { FIELDS, CONSTANTS, FIRST }; /* words of a row: texts; bytes of all constants; the constants, two words each */

/* Where the text at `at` begins; NULL unless it is one of at most TEXT_MAX bytes. */
static inline const unsigned char *short_text(const unsigned char *at, size_t *count)
{
    if ((*at & 0xe0) == 0xa0) {
        *count = *at & 0x1f;
        return at + 1;
    }
    *count = at[1];
    return *at == 0xd9 ? at + 2 : NULL;
}

/* Write at `to` the rest of a text, which begins with what has to be escaped; where it ends, with `room` bytes behind it to
 * write to, or NULL without memory. */
static unsigned char *escape_rest(JsonOut *out, unsigned char *to, const unsigned char *text, size_t count, size_t room)
{
    out->size = (size_t)(to - out->data);
    json_text_part(out, text, count);
    return json_reserve(out, room) ? out->data + out->size : NULL;
}

/* Write the texts from `at` on, by a row; where they end, or NULL if one of them is none, or memory ran out: then nothing
 * that was written counts. There are `room` bytes to write to, enough if nothing has to be escaped. */
static const unsigned char *write_row(Transcoder *t, const int32_t *row, const unsigned char *at, int is_first, size_t room)
{
    JsonOut *out = t->out;
    unsigned char *to = out->data + out->size;
    const int32_t *constant = row + FIRST;
    size_t skipped = is_first ? 1 : 0; /* the comma */
    for (int32_t left = row[FIELDS]; left > 0; left--, constant += 2) {
        size_t count;
        const unsigned char *text = short_text(at, &count);
        if (text == NULL)
            return NULL;
        to = json_copy_raw(to, t->pool + constant[0] + skipped, (size_t)constant[1] - skipped);
        skipped = 0;
        size_t done = json_copy_plain(to, text, count);
        to += done;
        if (done < count && (to = escape_rest(out, to, text + done, count - done, room)) == NULL)
            return NULL;
        at = text + count;
    }
    to = json_copy_raw(to, t->pool + constant[0], (size_t)constant[1]);
    out->size = (size_t)(to - out->data);
    return at;
}

const unsigned char *transcode_rows(Transcoder *t, const unsigned char *items, const int32_t *code, int at)
{
    PackedHead head = {0};
    const unsigned char *item = packed_head(items, PACKED_NO_END, &head);
    const int32_t *row = t->code + code[4];
    size_t room = (size_t)row[CONSTANTS] + (size_t)row[FIELDS] * TEXT_MAX + JSON_PADDING;
    for (uint32_t i = 0; i < head.count && json_reserve(t->out, room); i++) {
        size_t began = t->out->size;
        const unsigned char *past = *item == (0x90 | row[FIELDS]) ? write_row(t, row, item + 1, i == 0, room) : NULL;
        if (past == NULL) {
            t->out->size = began;
            past = transcode_item(t, at, code[3], item, code[2]);
        }
        item = past;
    }
    return t->out->failed ? NULL : item;
}
