/* csrc/json_powers.c -- the powers of ten that json_double needs, 10^-292 to 10^324: the first 128 bits of each, rounded up.
 *
 * Who calls: module.c, when the module is made. Exact: whole numbers of some 1,200 bits, times ten or by ten.
 * All interpreters of a process write the same, so it does not matter which is first.
 */
#include "json_out.h"

#define WORDS 40 /* of 32 bits, the lowest first */
#define POWERS_BELOW 292
#define POWERS_ABOVE 324

uint64_t json_powers[617][2];

/* Bits `first` and the 63 above, of a number without bits below 0. */
static uint64_t bits_from(const uint32_t *number, int first)
{
    uint64_t bits = 0;
    for (int i = 63; i >= 0; i--) {
        int bit = first + i;
        bits = bits << 1 | (bit < 0 ? 0 : number[bit / 32] >> bit % 32 & 1);
    }
    return bits;
}

static void keep(uint64_t *power, const uint32_t *number)
{
    int size = WORDS * 32, is_exact = 1;
    while ((number[(size - 1) / 32] >> (size - 1) % 32 & 1) == 0)
        size--;
    for (int bit = 0; bit < size - 128; bit++)
        is_exact &= (number[bit / 32] >> bit % 32 & 1) == 0;
    uint64_t high = bits_from(number, size - 64), low = bits_from(number, size - 128) + !is_exact;
    power[0] = high + (low == 0 && !is_exact);
    power[1] = low;
}

void json_powers_fill(void)
{
    uint32_t number[WORDS] = {1};
    if (json_powers[0][0] != 0)
        return;
    for (int k = 0; k <= POWERS_ABOVE; k++) {
        keep(json_powers[POWERS_BELOW + k], number);
        uint64_t carry = 0;
        for (int i = 0; i < WORDS; i++, carry >>= 32)
            number[i] = (uint32_t)(carry += (uint64_t)number[i] * 10);
    }
    memset(number, 0, sizeof number);
    number[WORDS - 1] = 0x80000000u; /* 2^1279: what is lost below it is far below 128 bits of the last quotient */
    for (int k = 1; k <= POWERS_BELOW; k++) {
        uint64_t rest = 0;
        for (int i = WORDS - 1; i >= 0; i--, rest %= 10) {
            rest = rest << 32 | number[i];
            number[i] = (uint32_t)(rest / 10);
        }
        number[0] |= 1; /* no quotient is exact: something is left below */
        keep(json_powers[POWERS_BELOW - k], number);
        number[0] &= ~1u;
    }
}
