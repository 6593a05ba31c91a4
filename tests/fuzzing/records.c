/* tests/fuzzing/records.c -- feeds bytes that nobody has made on purpose to the check of records and to projections.
 *
 * Who calls: tests/fuzzing/records.py, which writes the file of kinds, programs and seeds, compiles this together with
 *   the files of csrc/ that need no Python, and runs it: records CASES OUTPUT EXECUTIONS SEED
 * How: csrc/ is compiled with -fsanitize=address,undefined and -fsanitize-coverage=trace-pc, which calls us at each edge.
 *   An input that went over an edge more often than any before it is kept, and inputs that are kept are changed further:
 *   as bytes, and as values, whose heads are replaced, whose lengths lie, which are put in the places of others.
 * Invariants that are looked at: 1. what is refused is refused at an offset within it, with a fault and a path that are
 *   some.  2. what is accepted is passed over from its first byte to its last.  3. every program writes JSON of it, in
 *   UTF-8, no more than its size allows, twice the same, and ends where the record ends.  4. without memory nothing is
 *   written beyond what there is.  The sanitizers look at the rest. What fails is written to OUTPUT.
 * Rejected: libFuzzer and AFL, which need another compiler than the one that the project is built with.
 * Layout: 1 coverage  2 cases  3 JSON  4 one input  5 mutations  6 the loop
 */
#include <stdio.h>
#include <stdlib.h>
#include "shape.h"
#include "transcode.h"

/* ---- 1 coverage ---- */

#define EDGES (1 << 16)

static uint8_t edges[EDGES], seen[EDGES]; /* how often in this run; the most of any run, as bits */
static uintptr_t edge_before;
static int is_counting;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_set_death_callback(void (*callback)(void));

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t here = (uintptr_t)__builtin_return_address(0);
    if (!is_counting)
        return;
    uint8_t *count = &edges[(edge_before ^ here * 0x9e3779b1u >> 8) % EDGES];
    *count += *count < 255;
    edge_before = here * 0x85ebca6bu >> 9;
}

/* How many edges were gone over more often than ever before, by powers of two. */
static int count_new(void)
{
    int found = 0;
    for (int i = 0; i < EDGES; i++) {
        if (edges[i] == 0)
            continue;
        uint8_t bit = (uint8_t)(1 << (31 - __builtin_clz(edges[i])));
        found += (seen[i] & bit) == 0;
        seen[i] |= bit;
    }
    return found;
}

/* ---- 2 cases ---- */

typedef struct {
    uint8_t *bytes;
    uint32_t size;
} Blob;

typedef struct {
    Blob code, pool;
    uint32_t words, layout, longest; /* of its constants, in bytes */
} Case;

typedef struct {
    Blob shapes, choices, hot;
    uint32_t count;
    Case *cases;
} Kind;

static Kind *kinds;
static uint32_t kind_count;
static Blob *corpus; /* grows */
static uint32_t *corpus_kind, corpus_count, corpus_room;

static void stop(const char *why)
{
    fprintf(stderr, "records: %s\n", why);
    abort();
}

static uint32_t read_number(FILE *file)
{
    uint32_t number;
    if (fread(&number, sizeof number, 1, file) != 1)
        stop("the file of cases is cut");
    return number;
}

static Blob read_blob(FILE *file, size_t padding)
{
    Blob blob = {.size = read_number(file)};
    blob.bytes = calloc(blob.size + padding + (blob.size + padding == 0), 1);
    if (blob.bytes == NULL || fread(blob.bytes, 1, blob.size, file) != blob.size)
        stop("the file of cases is cut");
    return blob;
}

static void keep(uint32_t kind, Blob blob)
{
    if (corpus_count == corpus_room) {
        corpus_room = corpus_room * 2 + 64;
        corpus = realloc(corpus, corpus_room * sizeof *corpus);
        corpus_kind = realloc(corpus_kind, corpus_room * sizeof *corpus_kind);
        if (corpus == NULL || corpus_kind == NULL)
            stop("no memory");
    }
    corpus[corpus_count] = blob;
    corpus_kind[corpus_count++] = kind;
}

static void read_cases(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        stop("the file of cases cannot be opened");
    kind_count = read_number(file);
    kinds = calloc(kind_count, sizeof *kinds);
    for (Kind *kind = kinds; kind < kinds + kind_count; kind++) {
        kind->shapes = read_blob(file, 0);
        kind->choices = read_blob(file, 0);
        kind->hot = read_blob(file, 0);
        kind->count = read_number(file);
        kind->cases = calloc(kind->count, sizeof *kind->cases);
        for (Case *one = kind->cases; one < kind->cases + kind->count; one++) {
            one->code = read_blob(file, 0);
            one->words = read_number(file);
            one->layout = read_number(file);
            one->longest = read_number(file);
            one->pool = read_blob(file, JSON_PADDING);
        }
    }
    for (uint32_t left = read_number(file); left > 0; left--) {
        uint32_t kind = read_number(file);
        keep(kind, read_blob(file, 0));
    }
    fclose(file);
}

/* ---- 3 JSON ---- */

#define JSON_NESTING_MAX 256

/* Where the value at `at` ends, NULL: it is none. NaN and Infinity are some. */
static const uint8_t *json_value(const uint8_t *at, const uint8_t *end, int nesting);

static const uint8_t *json_word(const uint8_t *at, const uint8_t *end, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0 ? at + size : NULL;
}

static const uint8_t *json_string(const uint8_t *at, const uint8_t *end)
{
    if (at == end || *at++ != '"')
        return NULL;
    while (at < end && *at != '"') {
        int size = utf8_character(at, end);
        if (size == 0 || *at < 0x20)
            return NULL;
        if (*at != '\\') {
            at += size;
            continue;
        }
        if (++at == end || (*at == 'u' && end - at < 5) || strchr("\"\\bfnrtu", *at) == NULL)
            return NULL;
        for (int i = 1; *at == 'u' && i <= 4; i++)
            if (strchr("0123456789ABCDEFabcdef", at[i]) == NULL)
                return NULL;
        at += *at == 'u' ? 5 : 1;
    }
    return at < end ? at + 1 : NULL;
}

static const uint8_t *json_number(const uint8_t *at, const uint8_t *end)
{
    int digits = 0;
    at += at < end && *at == '-';
    if (at < end && *at == 'I')
        return json_word(at, end, "Infinity");
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        digits++;
    if (digits == 0 || (digits > 1 && at[-digits] == '0'))
        return NULL;
    if (at < end && *at == '.') {
        const uint8_t *began = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == began)
            return NULL;
    }
    if (at < end && *at == 'e') {
        at += 1 + (end - at > 1 && at[1] == '-');
        const uint8_t *began = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == began)
            return NULL;
    }
    return at;
}

static const uint8_t *json_parts(const uint8_t *at, const uint8_t *end, int nesting)
{
    uint8_t close = *at == '{' ? '}' : ']';
    if (nesting == JSON_NESTING_MAX)
        return NULL;
    if (++at < end && *at == close)
        return at + 1;
    for (; at != NULL && at < end; at++) {
        if (close == '}') {
            at = json_string(at, end);
            if (at == NULL || at == end || *at++ != ':')
                return NULL;
        }
        at = json_value(at, end, nesting + 1);
        if (at == NULL || at == end || (*at != ',' && *at != close))
            return NULL;
        if (*at == close)
            return at + 1;
    }
    return NULL;
}

static const uint8_t *json_value(const uint8_t *at, const uint8_t *end, int nesting)
{
    if (at == end)
        return NULL;
    switch (*at) {
    case '"':
        return json_string(at, end);
    case '{':
    case '[':
        return json_parts(at, end, nesting);
    case 't':
        return json_word(at, end, "true");
    case 'f':
        return json_word(at, end, "false");
    case 'n':
        return json_word(at, end, "null");
    case 'N':
        return json_word(at, end, "NaN");
    default:
        return json_number(at, end);
    }
}

/* ---- 4 one input ---- */

static uint64_t accepted, rendered, starved;
static const char *output;
static Blob now; /* what is looked at */
static uint64_t memory_left = UINT64_MAX; /* how many more times there is memory */

void *__real_malloc(size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *data, size_t size);

static int has_memory(void)
{
    if (memory_left == UINT64_MAX)
        return 1;
    memory_left -= memory_left > 0;
    return memory_left > 0;
}

void *__wrap_malloc(size_t size) { return has_memory() ? __real_malloc(size) : NULL; }
void *__wrap_realloc(void *data, size_t size) { return has_memory() ? __real_realloc(data, size) : NULL; }

static void write_failing(void)
{
    FILE *file = fopen(output, "wb");
    if (file == NULL)
        return;
    fwrite(now.bytes, 1, now.size, file);
    fclose(file);
    fprintf(stderr, "records: the input that failed is in %s\n", output);
}

static void expect(int is_so, const char *what)
{
    if (is_so)
        return;
    write_failing();
    stop(what);
}

static void look_at_program(const Kind *kind, const Case *one, const uint8_t *record, uint64_t memory)
{
    JsonOut out = {0}, again = {0};
    Transcoder transcoder = {.code = (const int32_t *)one->code.bytes, .pool = one->pool.bytes, .out = &out};
    memory_left = memory;
    const uint8_t *end = transcode_item(&transcoder, 0, (int)one->words, record, (int)one->layout);
    memory_left = UINT64_MAX;
    expect(end == record + now.size, "a program ends elsewhere than its record");
    if (memory != UINT64_MAX) {
        starved += (uint64_t)out.failed;
        json_free(&out);
        return;
    }
    expect(!out.failed, "a program failed");
    size_t most = ((size_t)now.size + 1) * (one->words + 1) * (one->longest + 32);
    expect(out.size <= most, "a program wrote more than its record has");
    expect(json_value(out.data, out.data + out.size, 0) == out.data + out.size, "a program wrote what is no JSON");
    transcoder.out = &again;
    transcode(&transcoder, 0, (int)one->words, record, (int)one->layout);
    expect(again.size == out.size && memcmp(out.data, again.data, out.size) == 0, "a program wrote two texts");
    json_free(&out);
    json_free(&again);
    rendered++;
}

static void look_at_fault(const ShapeCheck *check)
{
    expect(check->at >= check->start && check->at <= check->end, "the offset of a fault is not within the record");
    expect(check->fault > FAULT_NONE && check->fault < FAULT_LARGE, "there is no fault");
    expect(check->depth >= 0 && check->depth <= SHAPE_NESTING_MAX + ANY_NESTING_MAX + 2, "a path is too long");
}

/* Check it, and run each program on it if it is accepted; whether it was. */
static int look_at(uint32_t number, Blob input, uint64_t memory)
{
    const Kind *kind = &kinds[number];
    uint32_t offsets[16];
    uint8_t *exact = malloc(input.size + (input.size == 0)), *record = malloc(input.size + JSON_PADDING);
    if (exact == NULL || record == NULL)
        stop("no memory");
    now = input;
    memcpy(exact, input.bytes, input.size);
    ShapeCheck check = {.start = exact, .end = exact + input.size, .shapes = (const Shape *)kind->shapes.bytes,
                        .choices = (const int64_t *)kind->choices.bytes};
    int is_good = shape_check(&check, (const uint32_t *)kind->hot.bytes, kind->hot.size / 4, offsets) == 0;
    if (is_good) {
        memcpy(record, input.bytes, input.size);
        memset(record + input.size, 0, JSON_PADDING);
        expect(packed_skip(record, record + input.size) == record + input.size, "a record ends elsewhere");
        for (uint32_t i = 0; i < kind->hot.size / 4; i++)
            expect(offsets[i] < input.size, "a hot field begins behind the record");
        for (uint32_t i = 0; i < kind->count; i++)
            look_at_program(kind, &kind->cases[i], record, memory);
        accepted++;
    } else
        look_at_fault(&check);
    free(exact);
    free(record);
    return is_good;
}

/* ---- 5 mutations ---- */

#define INPUT_MAX 4096

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % (below == 0 ? 1 : below));
}

/* Where values begin, as far as they can be told; how many. */
static uint32_t find_values(const uint8_t *bytes, uint32_t size, uint32_t *places, uint32_t room)
{
    const uint8_t *at = bytes, *end = bytes + size;
    uint32_t count = 0;
    while (at < end && count < room) {
        PackedHead head = {0};
        places[count++] = (uint32_t)(at - bytes);
        const uint8_t *past = packed_head(at, end, &head);
        if (past == at)
            break;
        int is_long = head.kind == PACKED_TEXT || head.kind == PACKED_BYTES;
        if (is_long && (size_t)(end - past) < head.count)
            break;
        at = past + (is_long ? head.count : 0);
    }
    return count;
}

/* Where the value at a place ends, of those that are known: the parts of what has parts are behind it. */
static uint32_t end_of(const uint8_t *bytes, uint32_t size, const uint32_t *places, uint32_t count, uint32_t which)
{
    for (uint64_t left = 1; left > 0 && which < count; left--, which++) {
        PackedHead head = {0};
        packed_head(bytes + places[which], bytes + size, &head);
        if (head.kind == PACKED_ARRAY || head.kind == PACKED_MAP)
            left += head.kind == PACKED_MAP ? 2 * (uint64_t)head.count : head.count;
    }
    return which < count ? places[which] : size;
}

/* Put `more` bytes in the place of those from start to stop. */
static void splice(Blob *blob, uint32_t start, uint32_t stop, const uint8_t *bytes, uint32_t more)
{
    static uint8_t copy[INPUT_MAX];
    if (more > INPUT_MAX || blob->size - (stop - start) > INPUT_MAX - more)
        return;
    if (more > 0)
        memcpy(copy, bytes, more);
    memmove(blob->bytes + start + more, blob->bytes + stop, blob->size - stop);
    if (more > 0)
        memcpy(blob->bytes + start, copy, more);
    blob->size = blob->size - (stop - start) + more;
}

static void mutate_bytes(Blob *blob)
{
    static const uint8_t heads[] = {0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc2,
                                    0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2,
                                    0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff};
    uint32_t at = draw(blob->size), left = blob->size - at;
    uint8_t some[8];
    for (int i = 0; i < 8; i++)
        some[i] = draw(2) ? heads[draw(sizeof heads)] : (uint8_t)draw(256);
    switch (draw(6)) {
    case 0:
        if (left > 0)
            blob->bytes[at] ^= (uint8_t)(1 << draw(8));
        break;
    case 1:
        if (left > 0)
            blob->bytes[at] = some[0];
        break;
    case 2:
        splice(blob, at, at, some, 1 + draw(8));
        break;
    case 3:
        splice(blob, at, at + draw(left < 8 ? left + 1 : 8), NULL, 0);
        break;
    case 4:
        blob->size = at;
        break;
    default:
        splice(blob, at, at + draw(left < 8 ? left + 1 : 8), some, draw(9));
    }
}

/* A number, a text or a length in the place of a head: what is next to a bound, or much. */
static void mutate_head(Blob *blob, uint32_t start, uint32_t stop)
{
    static const uint64_t numbers[] = {0, 1, 31, 32, 127, 128, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
                                       1ull << 53, INT64_MAX, 1ull << 63, UINT64_MAX, 0x7ff0000000000000,
                                       0x7ff8000000000001, 0x0000000000000001, 0x4330000000000000};
    static const uint8_t wide[] = {0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd9, 0xda, 0xdb, 0xc4,
                                   0xc5, 0xc6, 0xdc, 0xdd, 0xde, 0xdf};
    static const uint8_t sizes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 1, 2, 4, 2, 4, 2, 4};
    uint32_t which = draw(sizeof wide);
    uint64_t number = numbers[draw(sizeof numbers / sizeof *numbers)];
    uint8_t head[9] = {wide[which]};
    for (int i = 0; i < sizes[which]; i++)
        head[1 + i] = (uint8_t)(number >> 8 * (sizes[which] - 1 - i));
    splice(blob, start, stop, head, 1u + sizes[which]);
}

static uint32_t kind_at(const Blob *blob, uint32_t place)
{
    PackedHead head = {0};
    packed_head(blob->bytes + place, blob->bytes + blob->size, &head);
    return head.kind;
}

static void mutate_value(Blob *blob)
{
    static uint32_t places[INPUT_MAX], others[INPUT_MAX];
    uint32_t count = find_values(blob->bytes, blob->size, places, INPUT_MAX), which = draw(count);
    if (count == 0)
        return;
    uint32_t start = places[which], stop = end_of(blob->bytes, blob->size, places, count, which);
    const Blob *other = &corpus[draw(corpus_count)];
    uint32_t more = find_values(other->bytes, other->size, others, INPUT_MAX), from = draw(more);
    for (int tries = draw(8); tries > 0 && more > 0 && kind_at(other, others[from]) != kind_at(blob, start); tries--)
        from = draw(more); /* one of the same kind fits more often */
    switch (draw(6)) {
    case 0: /* another value, of any record */
        if (more > 0)
            splice(blob, start, stop, other->bytes + others[from],
                   end_of(other->bytes, other->size, others, more, from) - others[from]);
        break;
    case 1: /* twice */
        splice(blob, start, start, blob->bytes + start, stop - start);
        break;
    case 2: /* not at all */
        splice(blob, start, stop, NULL, 0);
        break;
    case 3: /* nil */
        splice(blob, start, stop, (const uint8_t *)"\xc0", 1);
        break;
    case 4: /* one more or less in the head */
        blob->bytes[start] = (uint8_t)(blob->bytes[start] + (draw(2) ? 1 : 255));
        break;
    default:
        mutate_head(blob, start, draw(2) ? stop : start + 1);
    }
}

/* ---- 6 the loop ---- */

static void run_one(uint32_t kind, Blob input, uint64_t memory)
{
    memset(edges, 0, sizeof edges);
    edge_before = kind * 0x9e37u;
    is_counting = 1;
    look_at(kind, input, memory);
    is_counting = 0;
    if (memory != UINT64_MAX || count_new() == 0)
        return;
    Blob copy = {malloc(input.size + 1), input.size};
    if (copy.bytes == NULL)
        stop("no memory");
    memcpy(copy.bytes, input.bytes, input.size);
    keep(kind, copy);
}

int main(int count, char **arguments)
{
    static uint8_t room[INPUT_MAX + 64];
    if (count != 5)
        stop("expected CASES OUTPUT EXECUTIONS SEED");
    read_cases(arguments[1]);
    output = arguments[2];
    __sanitizer_set_death_callback(write_failing);
    uint64_t executions = strtoull(arguments[3], NULL, 10), done = 0;
    random_state = strtoull(arguments[4], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    json_powers_fill();
    uint32_t seeds = corpus_count;
    for (uint32_t i = 0; i < seeds; i++)
        for (uint32_t kind = 0; kind < kind_count; kind++)
            if (corpus[i].size <= INPUT_MAX)
                run_one(kind, corpus[i], UINT64_MAX);
    for (; done < executions; done++) {
        uint32_t which = draw(draw(4) == 0 ? corpus_count : corpus_count < 256 ? corpus_count : 256);
        which = corpus_count - 1 - which; /* rather what was found last */
        Blob input = {room, corpus[which].size};
        if (input.size > INPUT_MAX)
            continue;
        memcpy(room, corpus[which].bytes, input.size);
        for (uint32_t left = 1 + draw(draw(4) + 1); left > 0; left--)
            draw(3) == 0 ? mutate_bytes(&input) : mutate_value(&input);
        run_one(corpus_kind[which], input, draw(32) == 0 ? draw(6) : UINT64_MAX);
    }
    int found = 0;
    for (int i = 0; i < EDGES; i++)
        found += seen[i] != 0;
    printf("%llu executions, %llu accepted, %llu renderings, %llu without memory, %d edges, %u inputs kept\n",
           (unsigned long long)done, (unsigned long long)accepted, (unsigned long long)rendered,
           (unsigned long long)starved, found, corpus_count - seeds);
    return 0;
}
