/* csrc/json_double.c -- the shortest decimal that is a double, without the interpreter's lock.
 *
 * Who calls: whatever writes JSON, through json_out.h.
 * How: what rounds to the double is an interval around it. Scaled by a power of ten, so that there are two whole numbers
 *   or a few more in it, its ends and the double itself are whole numbers of 64 bits with all that is below them marked
 *   in the last bit ("rounded to odd"), which is all that is to be known of them.
 * Thousandths, such as times and amounts are, are found by one multiplication and one division.
 * Rejected: PyOS_double_to_string, which needs the lock; printf and strtod, 17 times slower, which obey the locale.
 * Source: R. Giulietti, "The Schubfach way to render doubles", 2020; where the exponent begins: RapidJSON.
 * Layout: 1 digits  2 text
 */
#include <math.h>
#include "json_out.h"

/* ---- 1 digits ---- */

#define POWER_MIN (-292)
#define HIDDEN (1ull << 52)

typedef struct {
    uint64_t digits;
    int exponent; /* of ten */
} Decimal;

/* floor(log10(2^e)), floor(log10(2^e * 3/4)), floor(log2(10^e)), for all e that occur. */
static int log10_of_power(int e) { return e * 1262611 >> 22; }
static int log10_of_three_quarters(int e) { return (e * 1262611 - 524031) >> 22; }
static int log2_of_power(int e) { return e * 1741647 >> 19; }

/* The upper 64 bits of power * number, of 192; the last one set if there is anything below. */
static uint64_t scale(const uint64_t *power, uint64_t number)
{
    unsigned __int128 low = (unsigned __int128)power[1] * number;
    unsigned __int128 high = (unsigned __int128)power[0] * number + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* Of a positive double, from its bits. */
static Decimal shortest(uint64_t significand, int exponent)
{
    int is_normal = exponent != 0;
    uint64_t c = is_normal ? significand | HIDDEN : significand;
    int q = (is_normal ? exponent : 1) - 1075;
    if (q <= 0 && q > -53 && (c & ((1ull << -q) - 1)) == 0)
        return (Decimal){c >> -q, 0}; /* a whole number */
    int is_near = significand == 0 && exponent > 1; /* the double below is half as far as the one above */
    int k = is_near ? log10_of_three_quarters(q) : log10_of_power(q);
    int shift = q + log2_of_power(-k) + 1;
    const uint64_t *power = json_powers[-k - POWER_MIN];
    uint64_t odd = c & 1; /* the ends of the interval belong to it only if the double is even */
    uint64_t below = scale(power, (4 * c - 2 + (uint64_t)is_near) << shift) + odd;
    uint64_t middle = scale(power, 4 * c << shift);
    uint64_t above = scale(power, (4 * c + 2) << shift) - odd;
    uint64_t s = middle / 4, tens = s / 10;
    if (s >= 10) {
        int lower = below <= 40 * tens, upper = 40 * tens + 40 <= above;
        if (lower != upper)
            return (Decimal){tens + (uint64_t)upper, k + 1};
    }
    int lower = below <= 4 * s, upper = 4 * s + 4 <= above;
    if (lower != upper)
        return (Decimal){s + (uint64_t)upper, k};
    return (Decimal){s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1))), k};
}

/* ---- 2 text ---- */

#define POINT_MIN (-6) /* the point stands at least there, counted from the first digit, or there is an exponent */
#define POINT_MAX 21

static void write_exponent(JsonOut *out, const char *digits, int count, int exponent)
{
    json_raw(out, digits, 1);
    if (count > 1) {
        json_byte(out, '.');
        json_raw(out, digits + 1, (size_t)count - 1);
    }
    json_byte(out, 'e');
    json_integer(out, exponent);
}

/* `digits` with the point behind the first `point` of them, which may be none, or more than there are. */
static void write_point(JsonOut *out, const char *digits, int count, int point)
{
    static const char zeros[] = "000000000000000000000";
    if (point <= 0) {
        json_raw(out, "0.", 2);
        json_raw(out, zeros, (size_t)-point);
        json_raw(out, digits, (size_t)count);
    } else if (point >= count) {
        json_raw(out, digits, (size_t)count);
        json_raw(out, zeros, (size_t)(point - count));
        json_raw(out, ".0", 2);
    } else {
        json_raw(out, digits, (size_t)point);
        json_byte(out, '.');
        json_raw(out, digits + point, (size_t)(count - point));
    }
}

static void write_positive(JsonOut *out, uint64_t bits)
{
    char digits[20];
    Decimal decimal = shortest(bits & (HIDDEN - 1), (int)(bits >> 52));
    for (; decimal.digits % 10 == 0; decimal.digits /= 10)
        decimal.exponent++;
    int count = (int)(json_put_digits((unsigned char *)digits, decimal.digits) - (unsigned char *)digits);
    int point = count + decimal.exponent;
    if (point > POINT_MIN && point <= POINT_MAX)
        write_point(out, digits, count, point);
    else
        write_exponent(out, digits, count, point - 1);
}

static void write_any(JsonOut *out, double number)
{
    uint64_t bits;
    if (isnan(number)) {
        json_raw(out, "NaN", 3);
        return;
    }
    if (signbit(number))
        json_byte(out, '-');
    number = fabs(number);
    memcpy(&bits, &number, sizeof bits);
    if (isinf(number))
        json_raw(out, "Infinity", 8);
    else if (bits == 0)
        json_raw(out, "0.0", 3);
    else
        write_positive(out, bits);
}

/* number / 10^power, with one digit behind the point at least, and no more than it takes. */
static inline void write_fixed(JsonOut *out, uint64_t number, int power)
{
    static const uint64_t scales[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    uint64_t whole = number / scales[power], rest = number % scales[power];
    if (!json_reserve(out, 20 + 2 + 9))
        return;
    unsigned char *to = json_put_digits(out->data + out->size, whole);
    *to++ = '.';
    if (rest == 0)
        *to++ = '0';
    else {
        for (int place = power - 1; place >= 0; place--, rest /= 10)
            to[place] = (unsigned char)('0' + rest % 10);
        to += power;
        while (to[-1] == '0')
            to--;
    }
    out->size = (size_t)(to - out->data);
}

/* Decimals of up to 15 digits: no other one so short is the same double, so it is the shortest. */
#define EXACT_MAX 1e15

void json_double(JsonOut *out, double number)
{
    if (number >= 0.001 && number < EXACT_MAX / 1000) {
        int64_t thousandths = (int64_t)(number * 1000 + 0.5);
        if ((double)thousandths / 1000 == number) {
            write_fixed(out, (uint64_t)thousandths, 3);
            return;
        }
    }
    write_any(out, number);
}

void json_decimal(JsonOut *out, double number, int power)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    double least = power <= 3 ? 1 : powers[power]; /* less may need an exponent */
    if (!(number >= least && number < EXACT_MAX && number == (double)(int64_t)number))
        json_double(out, number / powers[power]);
    else if (power == 3)
        write_fixed(out, (uint64_t)number, 3); /* divided by what is known here */
    else
        write_fixed(out, (uint64_t)number, power);
}
