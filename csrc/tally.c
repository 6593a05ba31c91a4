/* csrc/tally.c -- sums of named amounts: scalars added up, ranges and sets put together as text.
 *
 * Who calls: transcode.c. Items are structs with a name and one of: a number, ranges, a set of texts. What carries the
 *   same name is one member of the object that is written; names that are always there come first, the others in the
 *   order of their bytes. Of an item with several of them the number counts, then the ranges; of a name with items of
 *   several sorts, the sort of the first one; one that is always there is a number.
 * Sorted and then run through, so that a hundred thousand names, which no cluster has but a stranger may send, take no
 *   longer than they should.
 * Twin: libactor/_core/_projection.py. Layout: 1 ranges  2 sets  3 items  4 sums
 */
#include <stdlib.h>
#include "json_copy.h"
#include "transcode.h"

#define FEW 32 /* for so many the stack has room, and sorting by insertion is fastest */

/* ---- 1 ranges ---- */

typedef struct {
    __int128 begin, end; /* end included; whole numbers of a record, from -2^63 to 2^64 - 1 */
} Range;

static int compare_ranges(const void *one, const void *other)
{
    __int128 a = ((const Range *)one)->begin, b = ((const Range *)other)->begin;
    return (a > b) - (a < b);
}

static void write_number(JsonOut *out, __int128 number)
{
    if (number < 0)
        json_integer(out, (int64_t)number);
    else
        json_unsigned(out, (uint64_t)number);
}

/* As text, in quotes; those that touch are one. */
static void write_ranges(JsonOut *out, Range *ranges, size_t count)
{
    size_t last = 0;
    if (count > 1)
        qsort(ranges, count, sizeof *ranges, compare_ranges);
    for (size_t i = 1; i < count; i++) {
        if (ranges[i].begin > ranges[last].end + 1)
            ranges[++last] = ranges[i];
        else if (ranges[i].end > ranges[last].end)
            ranges[last].end = ranges[i].end;
    }
    json_raw(out, "\"[", 2);
    for (size_t i = 0; i < (count == 0 ? 0 : last + 1); i++) {
        if (i > 0)
            json_raw(out, ", ", 2);
        write_number(out, ranges[i].begin);
        json_byte(out, '-');
        write_number(out, ranges[i].end);
    }
    json_raw(out, "]\"", 2);
}

static const unsigned char *read_number(const unsigned char *at, __int128 *number)
{
    PackedHead head = {0};
    at = packed_head(at, PACKED_NO_END, &head);
    *number = head.kind == PACKED_UINT ? (__int128)head.u : (__int128)head.i;
    return at;
}

/* Take the ranges that are there, but for those that end before they begin; how many there are then. */
static size_t read_ranges(const unsigned char *items, Range *ranges, size_t count)
{
    PackedHead head = {0};
    const unsigned char *at = packed_head(items, PACKED_NO_END, &head);
    for (uint32_t left = head.count; left > 0; left--) {
        PackedHead pair = {0};
        const unsigned char *past = packed_head(at, PACKED_NO_END, &pair);
        if (pair.kind == PACKED_ARRAY) {
            read_number(read_number(past, &ranges[count].begin), &ranges[count].end);
            count += ranges[count].begin <= ranges[count].end;
        }
        at = packed_skip(at, PACKED_NO_END);
    }
    return count;
}

static size_t count_of(const unsigned char *items)
{
    PackedHead head = {0};
    packed_head(items, PACKED_NO_END, &head);
    return head.count;
}

void transcode_ranges(JsonOut *out, const unsigned char *items)
{
    Range few[FEW], *ranges = few;
    size_t room = count_of(items);
    if (room >= FEW && (ranges = malloc((room + 1) * sizeof *ranges)) == NULL) {
        out->failed = 1;
        return;
    }
    write_ranges(out, ranges, read_ranges(items, ranges, 0));
    if (ranges != few)
        free(ranges);
}

/* ---- 2 sets ---- */

/* The texts of a set behind those that were written; whether there were any. */
static int write_texts(JsonOut *out, const unsigned char *items, int is_first)
{
    PackedHead head = {0};
    const unsigned char *at = packed_head(items, PACKED_NO_END, &head);
    for (uint32_t left = head.count; left > 0; left--, is_first = 0) {
        PackedHead text = {0};
        at = packed_head(at, PACKED_NO_END, &text);
        if (!is_first)
            json_raw(out, ", ", 2);
        json_text_part(out, at, text.count);
        at += text.count;
    }
    return is_first;
}

void transcode_set(JsonOut *out, const unsigned char *items)
{
    json_raw(out, "\"{", 2);
    write_texts(out, items, 1);
    json_raw(out, "}\"", 2);
}

/* ---- 3 items ---- */

/* As in libactor/records/projection.py: the words of a spec, before the names that are always there. */
enum {
    LAYOUT, NAME, SCALAR, POWER, RANGES, SET, SUFFIX_IF, SUFFIX, SUFFIX_COUNT, WHERE, WHERE_SAME, WHERE_TEXT,
    WHERE_COUNT, GROUP, FIRST_COUNT, FIRST
};

typedef struct {
    const unsigned char *at, *name, *group, *value; /* group: NULL if there is only one */
    uint32_t name_size, group_size;
    int rank;        /* among the names that are always there; behind them the others */
    int is_suffixed;
    int sort;        /* the field that its value is in: SCALAR, RANGES or SET */
} Item;

static int compare_bytes(const unsigned char *one, size_t size, const unsigned char *other, size_t other_size)
{
    int answer = memcmp(one, other, size < other_size ? size : other_size);
    return answer != 0 ? answer : (size > other_size) - (size < other_size);
}

/* Whether they are members of different objects, or different ones of the same. */
static int compare_keys(const Item *one, const Item *other)
{
    int answer = one->group == NULL ? 0 : compare_bytes(one->group, one->group_size, other->group, other->group_size);
    if (answer == 0)
        answer = one->rank - other->rank;
    if (answer == 0)
        answer = compare_bytes(one->name, one->name_size, other->name, other->name_size);
    return answer != 0 ? answer : one->is_suffixed - other->is_suffixed;
}

static int compare_items(const void *one, const void *other)
{
    const Item *a = one, *b = other;
    int answer = compare_keys(a, b);
    return answer != 0 ? answer : (a->at > b->at) - (a->at < b->at); /* as they stand in the record */
}

static void sort_items(Item *items, size_t count)
{
    if (count > FEW) {
        qsort(items, count, sizeof *items, compare_items);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        Item item = items[i];
        size_t place = i;
        for (; place > 0 && compare_items(&items[place - 1], &item) > 0; place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
}

static const unsigned char *read_text(const unsigned char *at, uint32_t *size)
{
    PackedHead head = {0};
    at = packed_head(at, PACKED_NO_END, &head);
    *size = head.count;
    return at;
}

static int is_text(const unsigned char *field, const unsigned char *text, int32_t size)
{
    uint32_t count;
    if (field == NULL)
        return 0;
    field = read_text(field, &count);
    return count == (uint32_t)size && memcmp(field, text, count) == 0;
}

/* Neither nil, false nor empty. */
static inline int is_there(const unsigned char *field)
{
    PackedHead head = {0};
    if (field == NULL)
        return 0;
    if (*field <= 0x7f || (*field >= 0xca && *field <= 0xd3))
        return 1; /* a number, mostly */
    packed_head(field, PACKED_NO_END, &head);
    return head.kind == PACKED_BOOL ? head.i != 0 : head.kind < PACKED_TEXT || head.count > 0;
}

static const unsigned char *field_of(Frame *frame, int32_t number)
{
    return number < 0 ? NULL : frame_field(frame, number);
}

/* Make an item of a struct; 0 if it does not count. */
static int read_item(const Transcoder *t, const int32_t *spec, Frame *frame, Item *item)
{
    if (spec[WHERE] >= 0 &&
        is_text(frame_field(frame, spec[WHERE]), t->pool + spec[WHERE_TEXT], spec[WHERE_COUNT]) != spec[WHERE_SAME])
        return 0;
    item->sort = is_there(field_of(frame, spec[SCALAR])) ? SCALAR : is_there(field_of(frame, spec[RANGES])) ? RANGES : SET;
    item->value = field_of(frame, spec[item->sort]);
    if (!is_there(item->value))
        return 0;
    item->name = read_text(frame_field(frame, spec[NAME]), &item->name_size);
    item->is_suffixed = is_there(field_of(frame, spec[SUFFIX_IF]));
    item->group = NULL;
    if (spec[GROUP] >= 0)
        item->group = read_text(frame_field(frame, spec[GROUP]), &item->group_size);
    for (item->rank = 0; item->rank < spec[FIRST_COUNT]; item->rank++) {
        const int32_t *first = spec + FIRST + 2 * item->rank;
        if (!item->is_suffixed && item->name_size == (uint32_t)first[1] &&
            json_is_same(item->name, t->pool + first[0], item->name_size))
            return item->sort == SCALAR;
    }
    return 1;
}

/* ---- 4 sums ---- */

static void write_sum(Transcoder *t, const int32_t *spec, const Item *items, const Item *stop)
{
    double sum = 0;
    for (; items < stop; items++) {
        PackedHead head = {0};
        packed_head(items->value, PACKED_NO_END, &head);
        sum += items->sort == SCALAR ? packed_double(&head) : 0;
    }
    json_decimal(t->out, sum, spec[POWER]);
}

static void write_all_ranges(Transcoder *t, const Item *items, const Item *stop)
{
    Range few[FEW], *ranges = few;
    size_t room = 1, count = 0;
    for (const Item *item = items; item < stop; item++)
        room += item->sort == RANGES ? count_of(item->value) : 0;
    if (room > FEW && (ranges = malloc(room * sizeof *ranges)) == NULL) {
        t->out->failed = 1;
        return;
    }
    for (; items < stop; items++)
        if (items->sort == RANGES)
            count = read_ranges(items->value, ranges, count);
    write_ranges(t->out, ranges, count);
    if (ranges != few)
        free(ranges);
}

static void write_all_texts(Transcoder *t, const Item *items, const Item *stop)
{
    int is_first = 1;
    json_raw(t->out, "\"{", 2);
    for (; items < stop; items++)
        if (items->sort == SET)
            is_first = write_texts(t->out, items->value, is_first);
    json_raw(t->out, "}\"", 2);
}

static void write_name(Transcoder *t, const int32_t *spec, const unsigned char *name, uint32_t size, int is_suffixed)
{
    json_part(t->out);
    json_text_padded(t->out, name, size);
    if (is_suffixed && !t->out->failed) {
        t->out->size--; /* the quote */
        json_text_part(t->out, t->pool + spec[SUFFIX], (size_t)spec[SUFFIX_COUNT]);
        json_byte(t->out, '"');
    }
    json_byte(t->out, ':');
}

/* The object of items of one group, which are sorted. */
static void write_group(Transcoder *t, const int32_t *spec, const Item *item, const Item *stop)
{
    json_byte(t->out, '{');
    for (int rank = 0; rank < spec[FIRST_COUNT]; rank++) {
        const Item *began = item;
        const int32_t *first = spec + FIRST + 2 * rank;
        for (; item < stop && item->rank == rank; item++)
            ;
        write_name(t, spec, t->pool + first[0], (uint32_t)first[1], 0);
        write_sum(t, spec, began, item);
    }
    while (item < stop) {
        const Item *began = item;
        for (; item < stop && compare_keys(began, item) == 0; item++)
            ;
        write_name(t, spec, began->name, began->name_size, began->is_suffixed);
        if (began->sort == SCALAR)
            write_sum(t, spec, began, item);
        else if (began->sort == RANGES)
            write_all_ranges(t, began, item);
        else
            write_all_texts(t, began, item);
    }
    json_byte(t->out, '}');
}

static void write_groups(Transcoder *t, const int32_t *spec, const Item *item, const Item *stop)
{
    json_byte(t->out, '{');
    while (item < stop) {
        const Item *began = item;
        for (; item < stop && compare_bytes(began->group, began->group_size, item->group, item->group_size) == 0; item++)
            ;
        write_name(t, spec, began->group, began->group_size, 0);
        write_group(t, spec, began, item);
    }
    json_byte(t->out, '}');
}

const unsigned char *transcode_tally(Transcoder *t, const unsigned char *field, const int32_t *spec)
{
    Item few[FEW], *items = few;
    PackedHead head = {0};
    const unsigned char *at = packed_head(field, PACKED_NO_END, &head);
    if (head.count > FEW && (items = malloc(head.count * sizeof *items)) == NULL) {
        t->out->failed = 1;
        return NULL;
    }
    size_t count = 0;
    for (uint32_t left = head.count; left > 0; left--) {
        Frame frame;
        if (*at == 0xc0)
            at++;
        else {
            items[count].at = at;
            frame_begin(t, &frame, at, spec[LAYOUT]);
            at = frame_walk(&frame);
            count += (size_t)read_item(t, spec, &frame, &items[count]);
        }
    }
    sort_items(items, count);
    if (spec[GROUP] < 0)
        write_group(t, spec, items, items + count);
    else
        write_groups(t, spec, items, items + count);
    if (items != few)
        free(items);
    return at;
}
