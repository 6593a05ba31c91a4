/* csrc/msgpack.h -- msgpack, the scalars of it that we write: what every writer of bytes here has in common.
 *
 * Who includes it: wire.c, for frames; pack.c, for values that are no scalars. `at` has room for what is put there: nine
 *   bytes, and the contents of a text or of bytes. Source: the msgpack specification.
 */
#ifndef LIBACTOR_MSGPACK_H
#define LIBACTOR_MSGPACK_H

#include "core.h"

static inline char *put_number(char *at, uint64_t value, int bytes)
{
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift);
    return at;
}

/* A type byte, one of the four that follow `first`, and the number in 1, 2, 4 or 8 bytes. */
static inline char *put_unsigned(char *at, unsigned char first, uint64_t value)
{
    int width = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
    *at++ = (char)(first + width);
    return put_number(at, value, 1 << width);
}

static inline char *put_negative(char *at, int64_t value)
{
    int width = value >= INT8_MIN ? 0 : value >= INT16_MIN ? 1 : value >= INT32_MIN ? 2 : 3;
    *at++ = (char)(value >= -32 ? value : 0xd0 + width);
    return value >= -32 ? at : put_number(at, (uint64_t)value, 1 << width);
}

static inline char *put_block(char *at, unsigned char first, const char *bytes, Py_ssize_t size)
{
    at = put_unsigned(at, first, (uint64_t)size);
    memcpy(at, bytes, (size_t)size);
    return at + size;
}

static inline char *put_text(char *at, PyObject *value)
{
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(value, &size); /* kept by the str since it was asked for */
    if (size > 0x1f)
        return put_block(at, 0xd9, bytes, size);
    *at++ = (char)(0xa0 | size);
    memcpy(at, bytes, (size_t)size);
    return at + size;
}

static inline char *put_long(char *at, long long number)
{
    if (number < 0)
        return put_negative(at, number);
    if (number > 0x7f)
        return put_unsigned(at, 0xcc, (uint64_t)number);
    *at++ = (char)number;
    return at;
}

/* An int that fits, see below. */
static inline char *put_int(char *at, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow ? put_unsigned(at, 0xcc, PyLong_AsUnsignedLongLong(value)) : put_long(at, number);
}

/* Any scalar; an int is one that fits. */
static inline char *put_value(char *at, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return put_text(at, value);
    if (PyLong_CheckExact(value))
        return put_int(at, value);
    if (PyBytes_CheckExact(value))
        return put_block(at, 0xc4, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    if (PyFloat_CheckExact(value)) {
        *at++ = (char)0xcb;
        PyFloat_Pack8(PyFloat_AS_DOUBLE(value), at, 0); /* cannot fail: the float is one of the machine's own */
        return at + 8;
    }
    *at++ = (char)(value == Py_None ? 0xc0 : value == Py_True ? 0xc3 : 0xc2);
    return at;
}

/* How an array of `count` values begins. */
static inline char *put_array(char *at, size_t count)
{
    if (count < 16) {
        *at++ = (char)(0x90 | count);
        return at;
    }
    *at++ = (char)(count <= 0xffff ? 0xdc : 0xdd);
    return put_number(at, count, count <= 0xffff ? 2 : 4);
}

/* Whether an int is one of msgpack's; -1 with an exception. */
static inline int fits(PyObject *value)
{
    int overflow;
    PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow <= 0)
        return !overflow;
    if (PyLong_AsUnsignedLongLong(value) != (unsigned long long)-1 || !PyErr_Occurred())
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_OverflowError))
        return -1;
    PyErr_Clear();
    return 0;
}

#endif
