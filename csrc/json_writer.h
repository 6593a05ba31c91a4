/* csrc/json_writer.h -- a JSON text that is written step by step: what is open, and what was not given out yet.
 *
 * Who includes it: json_writer.c, the steps; json_value.c, the values that they write.
 */
#ifndef LIBACTOR_JSON_WRITER_H
#define LIBACTOR_JSON_WRITER_H

#include "core.h"
#include "json_out.h"

#define DEPTH_MAX 256

enum { ROOT, ARRAY, OBJECT }; /* what a level is */

typedef struct {
    PyObject_HEAD
    PyObject *sink, *expand; /* owned; sink: NULL if pieces are taken */
    JsonOut out;
    size_t taken; /* bytes of `out` that are out already */
    size_t piece;
    int depth, is_busy, is_broken;
    int has_sink_raised; /* which broke the text */
    struct {
        char kind, is_filled, has_key; /* has_key: of an OBJECT, its value comes next */
    } levels[DEPTH_MAX + 1];
} WriterObject;

/* The next bytes, so many at most. */
PyObject *writer_take(WriterObject *self, size_t most);
/* Give pieces to the sink while there are so many bytes; 0, or -1 with its error. */
int writer_give(WriterObject *self, size_t least);
/* The same, after something was written. */
int writer_settle(WriterObject *self);
/* Raise an error of this kind; -1. */
int writer_refuse(PyObject *kind, const char *text);
/* 0 if a value may come now, behind a comma if it needs one. */
int writer_begin_value(WriterObject *self, const char *call);
/* 0, or -1 with ValueError, which names the call. */
int writer_open_level(WriterObject *self, int kind, const char *call);
void writer_close_level(WriterObject *self);
/* Bytes, by what writes a part of them, given out as they come. */
int writer_put_long(WriterObject *self, const unsigned char *bytes, size_t count,
                    void (*write)(JsonOut *, const unsigned char *, size_t));
void writer_put_raw(JsonOut *out, const unsigned char *bytes, size_t count);
int writer_put_key(WriterObject *self, PyObject *key);
/* A value with all that is in it, once writer_begin_value has let it. */
int writer_put_value(WriterObject *self, PyObject *value);

#endif
