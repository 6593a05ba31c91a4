/* csrc/unpack.h -- one value that is read from bytes: what unpack.c and unpack_object.c share.
 *
 * Layout: 1 object  2 steps of unpack.c  3 steps of unpack_object.c
 */
#ifndef LIBACTOR_UNPACK_H
#define LIBACTOR_UNPACK_H

#include "layout.h"
#include "packed.h"

/* ---- 1 object ---- */

#define COLLISIONS_MAX 16 /* keys with one hash, in one dict, as in libactor/forms.py */

enum { KEYS = 128, FINDS = 32, KEY_BYTES_MAX = 32, PLAIN_BYTES = 256 /* that count as one more value */ };

typedef struct {
    PyObject *value; /* owned; NULL: a part of an object, which is never met again */
    Py_ssize_t size; /* the values in it, those met again counted each time */
} Made;

/* A class that was looked up. */
typedef struct {
    const unsigned char *names; /* of it, in the bytes that are read; NULL: a free place */
    Py_ssize_t names_size;
    PyObject *plan;   /* owned: (layout, count of parts, names of the fields, whether it is a struct) */
    Layout layout;    /* of that */
    Py_ssize_t count; /* of parts */
    PyObject *fields; /* borrowed of the plan: tuple of str */
    int is_struct;
} Find;

/* One value that is read. */
typedef struct {
    const unsigned char *at, *end;
    const unsigned char *rest_at; /* where others may run next */
    Py_ssize_t depth, depth_max, again_max;
    Py_ssize_t size;  /* values that were read so far, those met again counted each time */
    Py_ssize_t again; /* of that, what was met again */
    PyObject *refusal, *find, *make; /* borrowed from the caller */
    PyObject *nothing;               /* borrowed, for core_rest */
    PyObject **parts;                /* owned each: of what is not finished yet */
    Py_ssize_t parts_used, parts_room;
    Made *made; /* what is finished, by number */
    Py_ssize_t made_used, made_room;
    PyObject *keys[KEYS]; /* owned: short keys that were met, by their bytes */
    Find finds[FINDS];    /* by the names of the class */
} Unpacker;

/* ---- 2 steps of unpack.c ---- */

/* The next value, a new reference; NULL with an exception. */
PyObject *unpack_value(Unpacker *self);

/* Raise that the bytes end too early; -1. */
int unpack_truncated(void);

/* 1 and the next text, behind which the reader stands; 0 if no text is next; -1 with an exception. */
int unpack_text(Unpacker *self, const char **text, Py_ssize_t *size);

/* As above, for the head of an array: how many values it has. */
int unpack_array(Unpacker *self, Py_ssize_t *count);

/* Put `value`, a new reference or NULL, on the stack of parts; 0, or -1 with an exception. */
int unpack_push(Unpacker *self, PyObject *value);

/* Put on it that nothing stands there: NULL; 0 or -1. */
int unpack_push_unset(Unpacker *self);

/* Let go of the parts from `base` on. */
void unpack_drop(Unpacker *self, Py_ssize_t base);

/* Give the next number to `value`, or to a part that is never met again: NULL. `before` was the size then. 0 or -1. */
int unpack_number(Unpacker *self, PyObject *value, Py_ssize_t before);

/* Put the parts from `base` on, keys and entries in turn, into `dict`, and drop them. The dict; or NULL with an
 * exception, which is there already if `dict` is NULL. */
PyObject *unpack_dict_of(Unpacker *self, PyObject *dict, Py_ssize_t base);

/* ---- 3 steps of unpack_object.c ---- */

/* As unpack_value, where a key is expected: short texts are made once. */
PyObject *unpack_key(Unpacker *self);

/* What is behind the code of an object. */
PyObject *unpack_object(Unpacker *self);

#endif
