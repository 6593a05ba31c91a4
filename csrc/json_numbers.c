/* csrc/json_numbers.c -- the numbers of one thing of many: packed, until their text is wanted, and that text.
 *
 * Who calls: libactor/metrics/rows.py packs, libactor/metrics/json_text.py writes. Half a million numbers go through here
 *   for one snapshot, most of them zeros.
 * Packed they are doubles behind one another, in bytes, which the garbage collector does not look at.
 * Twin: libactor/_core/_json_numbers.py.
 */
#include "json_numbers.h"

#include <math.h>

#include "json_out.h"

#define TEXT_USUAL 16384 /* bytes; what is longer goes on in memory of its own */

static int pack_number(unsigned char *to, PyObject *value)
{
    double number = PyLong_CheckExact(value) ? PyLong_AsDouble(value) : PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    if (!isfinite(number)) {
        PyErr_SetString(PyExc_ValueError, "pack_numbers() expects finite numbers");
        return -1;
    }
    memcpy(to, &number, sizeof number);
    return 0;
}

PyObject *native_pack_numbers(PyObject *module, PyObject *values)
{
    PyObject *items = PySequence_Tuple(values); /* which no number's __float__ changes meanwhile */
    if (items == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(items);
    PyObject *packed = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(double));
    for (Py_ssize_t i = 0; packed != NULL && i < count; i++) {
        unsigned char *to = (unsigned char *)PyBytes_AS_STRING(packed) + i * (Py_ssize_t)sizeof(double);
        if (pack_number(to, PyTuple_GET_ITEM(items, i)) < 0)
            Py_CLEAR(packed);
    }
    Py_DECREF(items);
    return packed;
}

static void write_number(JsonOut *out, const char *packed)
{
    static const char zero[sizeof(double)];
    double number;
    if (memcmp(packed, zero, sizeof zero) == 0) {
        json_raw(out, "0.0", 3);
        return;
    }
    memcpy(&number, packed, sizeof number);
    json_double(out, number);
}

static void write_numbers(JsonOut *out, PyObject *between, PyObject *labels, const char *packed)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(labels); i++) {
        PyObject *label = PyTuple_GET_ITEM(labels, i);
        if (i > 0)
            json_raw(out, PyBytes_AS_STRING(between), (size_t)PyBytes_GET_SIZE(between));
        json_raw(out, PyBytes_AS_STRING(label), (size_t)PyBytes_GET_SIZE(label));
        write_number(out, packed + i * (Py_ssize_t)sizeof(double));
    }
}

/* 0, or -1 with its error. */
static int check_arguments(PyObject *const *arguments, Py_ssize_t count)
{
    int fits = count == 3 && PyBytes_CheckExact(arguments[0]) && PyTuple_CheckExact(arguments[1])
               && PyBytes_CheckExact(arguments[2]);
    for (Py_ssize_t i = 0; fits && i < PyTuple_GET_SIZE(arguments[1]); i++)
        fits = PyBytes_CheckExact(PyTuple_GET_ITEM(arguments[1], i));
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, "join_numbers() expects bytes, a tuple of bytes, and bytes");
        return -1;
    }
    if (PyBytes_GET_SIZE(arguments[2]) != PyTuple_GET_SIZE(arguments[1]) * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "join_numbers() expects as many numbers as labels");
        return -1;
    }
    return 0;
}

PyObject *native_join_numbers(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    unsigned char usual[TEXT_USUAL];
    JsonOut out = {.data = usual, .room = sizeof usual, .is_lent = 1};
    if (check_arguments(arguments, count) < 0)
        return NULL;
    write_numbers(&out, arguments[0], arguments[1], PyBytes_AS_STRING(arguments[2]));
    PyObject *text = out.failed ? PyErr_NoMemory()
                                : PyBytes_FromStringAndSize((const char *)out.data, (Py_ssize_t)out.size);
    json_free(&out);
    return text;
}
