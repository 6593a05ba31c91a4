/* csrc/json_out.c -- JSON text that grows; see json_out.h.
 *
 * As Mesos writes it, and RapidJSON, which Mesos uses: quotes, backslashes and controls are escaped, all else is UTF-8 as
 *   it stands; numbers are whole or shortest decimals.
 * Source: RFC 8259; base64 of RFC 4648.
 * Layout: 1 room  2 texts  3 whole numbers
 */
#include <stdlib.h>
#include "json_copy.h"

/* ---- 1 room ---- */

#define ROOM_MIN 1024

int json_grow(JsonOut *out, size_t more)
{
    size_t room = out->room < ROOM_MIN ? ROOM_MIN : out->room + out->room / 2;
    if (out->failed)
        return 0;
    if (room < out->size + more)
        room = out->size + more;
    unsigned char *data = realloc(out->is_lent ? NULL : out->data, room);
    if (data == NULL) {
        out->failed = 1;
        out->room = out->size; /* so that each further write comes here */
        return 0;
    }
    if (out->is_lent && out->size > 0)
        memcpy(data, out->data, out->size);
    out->is_lent = 0;
    out->data = data;
    out->room = room;
    return 1;
}

void json_free(JsonOut *out)
{
    if (!out->is_lent)
        free(out->data);
    memset(out, 0, sizeof *out);
}

/* ---- 2 texts ---- */

const char json_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u', [0x05] = 'u', [0x06] = 'u', [0x07] = 'u',
    [0x0b] = 'u', [0x0e] = 'u', [0x0f] = 'u', [0x10] = 'u', [0x11] = 'u', [0x12] = 'u', [0x13] = 'u', [0x14] = 'u',
    [0x15] = 'u', [0x16] = 'u', [0x17] = 'u', [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u', [0x1c] = 'u',
    [0x1d] = 'u', [0x1e] = 'u', [0x1f] = 'u'};

static void escape(JsonOut *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[6] = {'\\', json_escapes[byte], '0', '0', digits[byte >> 4], digits[byte & 15]};
    json_raw(out, text, json_escapes[byte] == 'u' ? 6 : 2);
}

/* As json_copy_plain, of a text behind which nothing may be read. */
static size_t copy_bare(unsigned char *to, const unsigned char *from, size_t count)
{
    size_t whole = count & ~(size_t)15, done = json_copy_plain(to, from, whole);
    if (done < whole)
        return done;
    for (; done < count && json_escapes[from[done]] == 0; done++)
        to[done] = from[done];
    return done;
}

static inline void write_part(JsonOut *out, const unsigned char *text, size_t count, int padded)
{
    while (count > 0 && json_reserve(out, count + JSON_PADDING)) {
        unsigned char *to = out->data + out->size;
        size_t done = padded ? json_copy_plain(to, text, count) : copy_bare(to, text, count);
        out->size += done;
        if (done < count)
            escape(out, text[done++]);
        text += done;
        count -= done;
    }
}

void json_text_part(JsonOut *out, const unsigned char *text, size_t count)
{
    write_part(out, text, count, 0);
}

void json_text(JsonOut *out, const unsigned char *text, size_t count)
{
    json_byte(out, '"');
    write_part(out, text, count, 0);
    json_byte(out, '"');
}

void json_text_padded(JsonOut *out, const unsigned char *text, size_t count)
{
    if (!json_reserve(out, count + JSON_PADDING + 2))
        return;
    unsigned char *to = out->data + out->size;
    *to++ = '"';
    size_t done = json_copy_plain(to, text, count);
    if (done == count) { /* nearly always */
        to[count] = '"';
        out->size += count + 2;
        return;
    }
    out->size += 1 + done;
    write_part(out, text + done, count - done, 1);
    json_byte(out, '"');
}

void json_base64_part(JsonOut *out, const unsigned char *bytes, size_t count)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!json_reserve(out, (count + 2) / 3 * 4))
        return;
    unsigned char *to = out->data + out->size;
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        *to++ = letters[three >> 18];
        *to++ = letters[three >> 12 & 63];
        *to++ = left > 1 ? letters[three >> 6 & 63] : '=';
        *to++ = left > 2 ? letters[three & 63] : '=';
    }
    out->size = (size_t)(to - out->data);
}

void json_base64(JsonOut *out, const unsigned char *bytes, size_t count)
{
    json_byte(out, '"');
    json_base64_part(out, bytes, count);
    json_byte(out, '"');
}

/* ---- 3 whole numbers ---- */

static const char pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

unsigned char *json_put_digits(unsigned char *to, uint64_t number)
{
    static const uint64_t powers[] = {
        0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
        1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
        1000000000000000000, 10000000000000000000u,
    };
    int digits = (64 - __builtin_clzll(number | 1)) * 1233 >> 12; /* of ten, as of two: one too few, or right */
    digits += number >= powers[digits];
    unsigned char *stop = to + digits, *at = stop;
    for (; number >= 100; number /= 100)
        memcpy(at -= 2, pairs + 2 * (number % 100), 2);
    if (number >= 10)
        memcpy(at - 2, pairs + 2 * number, 2);
    else
        at[-1] = (unsigned char)('0' + number);
    return stop;
}

void json_unsigned(JsonOut *out, uint64_t number)
{
    if (json_reserve(out, 20))
        out->size = (size_t)(json_put_digits(out->data + out->size, number) - out->data);
}

void json_integer(JsonOut *out, int64_t number)
{
    if (number < 0)
        json_byte(out, '-');
    json_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}
