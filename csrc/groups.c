/* csrc/groups.c -- items of an array by the text in one of their fields: an object with an array for each text.
 *
 * Who calls: transcode.c. Groups come in the order of the bytes of their texts, items of a group as they stand in the
 *   record. Sorted, as in tally.c, so that a hundred thousand groups take no longer than they should.
 * Twin: libactor/_core/_projection.py.
 */
#include <stdlib.h>
#include "transcode.h"

/* As in libactor/records/groups.py: the operands of DO_GROUPS. */
enum { FIELD = 1, LAYOUT, GROUP, BUT, BUT_COUNT, WORDS };

typedef struct {
    const unsigned char *at, *group;
    uint32_t group_size;
} Item;

static int compare_groups(const Item *one, const Item *other)
{
    uint32_t size = one->group_size < other->group_size ? one->group_size : other->group_size;
    int answer = memcmp(one->group, other->group, size);
    return answer != 0 ? answer : (one->group_size > other->group_size) - (one->group_size < other->group_size);
}

static int compare_items(const void *one, const void *other)
{
    const Item *a = one, *b = other;
    int answer = compare_groups(a, b);
    return answer != 0 ? answer : (a->at > b->at) - (a->at < b->at);
}

/* Make the items of an array of structs, but for nil and those of the group that is left out; where the array ends. */
static const unsigned char *read_items(const Transcoder *t, const int32_t *code, const unsigned char *at, uint32_t left,
                                       Item *items, size_t *count)
{
    for (*count = 0; left > 0; left--) {
        Frame frame;
        PackedHead head = {0};
        if (*at == 0xc0) {
            at++;
            continue;
        }
        Item *item = &items[*count];
        item->at = at;
        frame_begin(t, &frame, at, code[LAYOUT]);
        item->group = packed_head(frame_field(&frame, code[GROUP]), PACKED_NO_END, &head);
        item->group_size = head.count;
        *count += code[BUT] < 0 || head.count != (uint32_t)code[BUT_COUNT] ||
                  memcmp(item->group, t->pool + code[BUT], head.count) != 0;
        at = frame_end(&frame);
    }
    return at;
}

const unsigned char *transcode_groups(Transcoder *t, const unsigned char *field, const int32_t *code, int at)
{
    PackedHead head = {0};
    const unsigned char *past = packed_head(field, PACKED_NO_END, &head);
    Item *items = malloc((head.count > 0 ? head.count : 1) * sizeof *items);
    size_t count;
    if (items == NULL) {
        t->out->failed = 1;
        return NULL;
    }
    past = read_items(t, code, past, head.count, items, &count);
    if (count > 1)
        qsort(items, count, sizeof *items, compare_items);
    json_byte(t->out, '{');
    for (size_t i = 0; i < count;) {
        size_t began = i;
        json_part(t->out);
        json_byte(t->out, '"');
        json_text_part(t->out, items[i].group, items[i].group_size);
        json_raw(t->out, "\":[", 3);
        for (; i < count && compare_groups(&items[began], &items[i]) == 0; i++)
            transcode(t, at, code[WORDS], items[i].at, code[LAYOUT]);
        json_byte(t->out, ']');
    }
    json_byte(t->out, '}');
    free(items);
    return past;
}
