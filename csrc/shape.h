/* csrc/shape.h -- what a record of some type has to look like, and whether bytes do.
 *
 * Who includes it: shape.c, which checks; record_kind.c, which holds the shapes of a kind.
 */
#ifndef LIBACTOR_SHAPE_H
#define LIBACTOR_SHAPE_H

#include <stdint.h>
#include "packed_head.h"

/* As in libactor/_core/_record.py. */
enum {
    SHAPE_ANY, SHAPE_BOOL, SHAPE_INT, SHAPE_FLOAT, SHAPE_TEXT, SHAPE_BYTES, SHAPE_CHOICE, SHAPE_ARRAY, SHAPE_STRUCT,
    SHAPE_MAP
};
enum { FAULT_NONE, FAULT_CUT, FAULT_KIND, FAULT_UTF8, FAULT_CHOICE, FAULT_SHORT, FAULT_DEEP, FAULT_KEY,
       FAULT_BEHIND, FAULT_LARGE, FAULT_NO_ARRAY };

#define SHAPE_NESTING_MAX 64 /* of shapes in one another */
#define ANY_NESTING_MAX 32   /* of what may be anything */

typedef struct {
    uint8_t kind;
    uint8_t nullable; /* nil will do as well */
    uint16_t least;   /* of a STRUCT: fields that are there in every one */
    uint32_t first;   /* of a STRUCT: its first field's shape, the others follow; ARRAY, MAP: its items'; CHOICE: see below */
    uint32_t count;   /* fields of a STRUCT; of a CHOICE: how many numbers, from `first` on, of the type's choices */
} Shape;

/* A look at the bytes of one record. */
typedef struct {
    const unsigned char *start, *at, *end;
    const Shape *shapes;
    const int64_t *choices;
    int fault;
    int depth; /* steps of the path to the fault, innermost first: fields of structs, positions in arrays and maps */
    uint32_t path[SHAPE_NESTING_MAX + ANY_NESTING_MAX + 2];
} ShapeCheck;

/* Whether the bytes are one struct of the first shape, and nothing else; where fields `hot[0]` < `hot[1]` ... begin,
 * counted from the start, is put in `offsets`: 0 if one is left out. -1 with fault, at and path of `check`. */
int shape_check(ShapeCheck *check, const uint32_t *hot, uint32_t hot_count, uint32_t *offsets);

/* Whether the bytes are one value of a field of the first shape, and nothing else. -1: not. */
int shape_check_field(ShapeCheck *check, uint32_t number);

/* How many bytes the character at `at` takes, which is before `end`; 0 if it is no UTF-8. */
int utf8_character(const unsigned char *at, const unsigned char *end);
/* Whether bytes are UTF-8. */
int utf8_is_valid(const unsigned char *at, uint32_t count);

#endif
