/* csrc/packed.c -- a look at bytes from a stranger, before anything is made of them: are they msgpack as we write it?
 *
 * Who calls: Python code, with each frame that is not small, before msgspec decodes it. Why C: it sees every byte of
 *   what other hosts send but the contents of texts. Twin: libactor/_core/_packed.py, which says what is refused and why.
 * Other threads run in between (core_rest): the buffer is held meanwhile, and each byte is looked at once.
 * Memory: a number for each level of nesting, on the stack; nothing is allocated.
 */
#include "packed.h"

typedef struct {
    const unsigned char *start, *at, *end;
    const unsigned char *rest_at; /* where others may run next */
    PyObject *nothing;            /* borrowed, for core_rest */
    Py_ssize_t depth, depth_max;
    uint32_t left[NESTING_MAX + 1]; /* values that are still to come, of the whole and of each array around `at` */
} Scan;

static int scan_truncated(void)
{
    PyErr_SetString(PyExc_ValueError, "msgpack that ends too early");
    return -1;
}

/* The next `size` bytes as a number. */
static int scan_number(Scan *scan, int size, uint32_t *number)
{
    if (scan->end - scan->at < size)
        return scan_truncated();
    for (*number = 0; size > 0; size--)
        *number = *number << 8 | *scan->at++;
    return 0;
}

static int scan_skip(Scan *scan, uint32_t count)
{
    if ((size_t)(scan->end - scan->at) < count)
        return scan_truncated();
    scan->at += count;
    return 0;
}

static int scan_array(Scan *scan, uint32_t count)
{
    if ((size_t)(scan->end - scan->at) < count) /* each value is a byte at least */
        return scan_truncated();
    if (scan->depth == scan->depth_max) {
        PyErr_Format(PyExc_ValueError, "msgpack that is nested more than %zd deep", scan->depth_max);
        return -1;
    }
    scan->left[++scan->depth] = count;
    return 0;
}

/* A text, bytes or an array, whose length takes `size` bytes. */
static int scan_sized(Scan *scan, int size, int is_array)
{
    uint32_t count;
    if (scan_number(scan, size, &count) < 0)
        return -1;
    return is_array ? scan_array(scan, count) : scan_skip(scan, count);
}

static int scan_value(Scan *scan)
{
    if (scan->at == scan->end)
        return scan_truncated();
    unsigned code = *scan->at++;
    if (code <= 0x7f || code >= 0xe0)
        return 0;
    if (code >= 0x90 && code <= 0x9f)
        return scan_array(scan, code & 0x0f);
    if (code >= 0xa0 && code <= 0xbf)
        return scan_skip(scan, code & 0x1f);
    switch (code) {
    case 0xc0: case 0xc2: case 0xc3: /* nil, false, true */
        return 0;
    case 0xc4: case 0xc5: case 0xc6: /* bytes */
        return scan_sized(scan, 1 << (code - 0xc4), 0);
    case 0xd9: case 0xda: case 0xdb: /* text */
        return scan_sized(scan, 1 << (code - 0xd9), 0);
    case 0xdc: case 0xdd:
        return scan_sized(scan, 2 << (code - 0xdc), 1);
    case 0xca: case 0xcb: /* floats */
        return scan_skip(scan, 4u << (code - 0xca));
    case 0xcc: case 0xcd: case 0xce: case 0xcf: /* unsigned */
        return scan_skip(scan, 1u << (code - 0xcc));
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: /* signed */
        return scan_skip(scan, 1u << (code - 0xd0));
    default:
        PyErr_Format(PyExc_ValueError, "msgpack with the byte %u at %zd, where no array, text, bytes or number begins",
                     code, (Py_ssize_t)(scan->at - scan->start - 1));
        return -1;
    }
}

/* Let others run; 0, or -1 with what a handler of a signal raised. */
__attribute__((cold, noinline)) static int scan_rest(Scan *scan)
{
    scan->rest_at = scan->end - scan->at > REST_BYTES ? scan->at + REST_BYTES : scan->end;
    return core_rest(scan->nothing);
}

static int scan_whole(Scan *scan)
{
    scan->left[0] = 1;
    for (;;) {
        while (scan->left[scan->depth] == 0)
            if (scan->depth-- == 0)
                break;
        if (scan->depth < 0)
            break;
        scan->left[scan->depth]--;
        if ((scan->at >= scan->rest_at && scan_rest(scan) < 0) || scan_value(scan) < 0)
            return -1;
    }
    if (scan->at < scan->end) {
        PyErr_Format(PyExc_ValueError, "msgpack with %zd bytes behind its end", (Py_ssize_t)(scan->end - scan->at));
        return -1;
    }
    return 0;
}

int packed_read_depth(const char *operation, PyObject *argument, Py_ssize_t *depth_max)
{
    *depth_max = PyLong_AsSsize_t(argument);
    if (*depth_max == -1 && PyErr_Occurred())
        return -1;
    if (*depth_max >= 0 && *depth_max <= NESTING_MAX)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s() got depth_max %zd, expected 0 to %d", operation, *depth_max, NESTING_MAX);
    return -1;
}

PyObject *native_check_packed(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Scan scan = {.nothing = ((CoreState *)PyModule_GetState(module))->nothing};
    Py_buffer view;
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "check_packed() got %zd arguments, expected data and depth_max", count);
        return NULL;
    }
    if (packed_read_depth("check_packed", arguments[1], &scan.depth_max) < 0)
        return NULL;
    if (PyObject_GetBuffer(arguments[0], &view, PyBUF_SIMPLE) < 0)
        return NULL;
    scan.start = scan.at = view.buf;
    scan.end = scan.start + view.len;
    scan.rest_at = view.len > REST_BYTES ? scan.start + REST_BYTES : scan.end;
    int answer = scan_whole(&scan);
    PyBuffer_Release(&view);
    if (answer < 0)
        return NULL;
    Py_RETURN_NONE;
}
