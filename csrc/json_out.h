/* csrc/json_out.h -- JSON text that grows: strings, numbers and what is ready, behind one another.
 *
 * Who includes it: json_writer.c, which is told by Python what to write; transcode.c, which reads it out of records.
 * Nothing here needs Python or its lock, so that several threads may write at once, each to a text of its own.
 * Should memory run out, `failed` is set and the rest is dropped: whoever takes the text looks there.
 */
#ifndef LIBACTOR_JSON_OUT_H
#define LIBACTOR_JSON_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    unsigned char *data; /* owned, by malloc, unless it is lent; NULL: nothing was written yet */
    size_t size, room;
    int failed;
    int is_lent; /* data is somebody else's: should it be too small, the text goes on in memory of its own */
} JsonOut;

/* 1 if there is room for `more` bytes afterwards, else 0. */
int json_grow(JsonOut *out, size_t more);

static inline int json_reserve(JsonOut *out, size_t more)
{
    return out->room - out->size >= more || json_grow(out, more);
}

static inline void json_byte(JsonOut *out, unsigned char byte)
{
    if (json_reserve(out, 1))
        out->data[out->size++] = byte;
}

/* Bytes behind a text that json_text_padded may read, and behind what json_raw_padded copies. */
#define JSON_PADDING 16

/* What is JSON already; there are JSON_PADDING bytes behind it that may be read. */
static inline void json_raw_padded(JsonOut *out, const unsigned char *bytes, size_t count)
{
    if (!json_reserve(out, count + JSON_PADDING))
        return;
    unsigned char *to = out->data + out->size;
    memcpy(to, bytes, JSON_PADDING); /* two instructions, where a copy of any size is a call */
    for (size_t done = JSON_PADDING; done < count; done += JSON_PADDING)
        memcpy(to + done, bytes + done, JSON_PADDING);
    out->size += count;
}

/* What is JSON already. */
static inline void json_raw(JsonOut *out, const void *bytes, size_t count)
{
    if (count != 0 && json_reserve(out, count)) {
        memcpy(out->data + out->size, bytes, count);
        out->size += count;
    }
}

/* A comma, unless what is written next is the first member of its object or item of its array. */
static inline void json_part(JsonOut *out)
{
    unsigned char last = out->size == 0 ? '[' : out->data[out->size - 1];
    if (last != '{' && last != '[')
        json_byte(out, ',');
}

void json_free(JsonOut *out);
/* UTF-8, in quotes. */
void json_text(JsonOut *out, const unsigned char *text, size_t count);
/* The same, of a text with JSON_PADDING bytes behind it that may be read. */
void json_text_padded(JsonOut *out, const unsigned char *text, size_t count);
/* Without the quotes: a part of one. */
void json_text_part(JsonOut *out, const unsigned char *text, size_t count);
/* Bytes as base64, in quotes. */
void json_base64(JsonOut *out, const unsigned char *bytes, size_t count);
/* The same without quotes; parts fit together if all but the last are of a multiple of 3 bytes. */
void json_base64_part(JsonOut *out, const unsigned char *bytes, size_t count);
void json_integer(JsonOut *out, int64_t number);
void json_unsigned(JsonOut *out, uint64_t number);
/* The shortest decimal that is this very double, with a fraction or an exponent; Infinity and NaN as such. */
void json_double(JsonOut *out, double number);

/* number / 10^power, of power 0 to 9, as json_double would write the double next to it. */
void json_decimal(JsonOut *out, double number, int power);

/* Write a whole number at `to`, where there is room for 20 digits; where it ends. */
unsigned char *json_put_digits(unsigned char *to, uint64_t number);

/* The 617 powers of ten that json_double needs, from 10^-292 on, 128 bits each: high half, low half. */
extern uint64_t json_powers[617][2];
/* Work them out, before the first json_double. */
void json_powers_fill(void);

#endif
