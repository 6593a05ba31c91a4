/* csrc/unpack.c -- bytes of another host to the value that was written: unpack().
 *
 * Why C: it makes every object of every value that arrives (bench: remote-objects). Who calls: libactor/codec.py, with
 *   bytes that packed.c has looked at. Twin: libactor/_core/_unpack.py, the same values and the same complaints.
 * Here are lists, tuples, dicts and objects by their layouts; all else is made by `make`, of its code and its parts. A
 *   class is looked up once for each value: `find` gives its layout.
 * The bytes are hostile: 1. no length is believed before so many bytes are there.    2. no key whose hash a stranger can
 *   choose is put into a dict beside many others: `make` does that.    3. what is met again is counted each time.
 * Other threads and handlers of signals run between any two values (core_rest), and while large bytes are copied: all
 *   this is the call's own.
 * What is not finished nobody can see: lists and tuples are not tracked by the collector before, and the rest is made of
 *   parts that are all there.
 * Layout: 1 scalars  2 what was made  3 containers  4 one value
 */
#include "unpack.h"

enum { DICT_REST = 8192 /* keys and entries that go into a dict at a stretch */ };

/* ---- 1 scalars ---- */

int unpack_truncated(void)
{
    PyErr_SetString(PyExc_ValueError, "msgpack that ends too early");
    return -1;
}

/* The next `size` bytes as a number, which there are; 0 or -1. */
static int take_number(Unpacker *self, int size, uint64_t *number)
{
    if (self->end - self->at < size)
        return unpack_truncated();
    for (*number = 0; size > 0; size--)
        *number = *number << 8 | *self->at++;
    return 0;
}

/* The length of what begins with the byte `code`, of texts `first` 0xd9, of bytes 0xc4, which lies behind it. */
static int take_size(Unpacker *self, unsigned code, unsigned first, uint64_t *size)
{
    if (take_number(self, 1 << (code - first), size) < 0)
        return -1;
    return (uint64_t)(self->end - self->at) < *size ? unpack_truncated() : 0;
}

int unpack_text(Unpacker *self, const char **text, Py_ssize_t *size)
{
    uint64_t length = 0;
    if (self->at == self->end)
        return unpack_truncated();
    unsigned code = *self->at;
    if (code >= 0xa0 && code <= 0xbf) {
        self->at++;
        length = code & 0x1f;
        if ((uint64_t)(self->end - self->at) < length)
            return unpack_truncated();
    } else if (code >= 0xd9 && code <= 0xdb) {
        self->at++;
        if (take_size(self, code, 0xd9, &length) < 0)
            return -1;
    } else
        return 0;
    *text = (const char *)self->at;
    *size = (Py_ssize_t)length;
    self->at += length;
    return 1;
}

int unpack_array(Unpacker *self, Py_ssize_t *count)
{
    uint64_t number = 0;
    if (self->at == self->end)
        return unpack_truncated();
    unsigned code = *self->at;
    if (code >= 0x90 && code <= 0x9f) {
        self->at++;
        number = code & 0x0f;
    } else if (code == 0xdc || code == 0xdd) {
        self->at++;
        if (take_number(self, 2 << (code - 0xdc), &number) < 0)
            return -1;
    } else
        return 0;
    if ((uint64_t)(self->end - self->at) < number) /* each value is a byte at least */
        return unpack_truncated();
    *count = (Py_ssize_t)number;
    return 1;
}

static PyObject *take_float(Unpacker *self, int size)
{
    if (self->end - self->at < size)
        return unpack_truncated(), NULL;
    const char *bytes = (const char *)self->at;
    double value = size == 8 ? PyFloat_Unpack8(bytes, 0) : PyFloat_Unpack4(bytes, 0);
    self->at += size;
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

static PyObject *take_signed(Unpacker *self, int size)
{
    uint64_t number = 0;
    if (take_number(self, size, &number) < 0)
        return NULL;
    int unused = 64 - 8 * size;
    return PyLong_FromLongLong((int64_t)(number << unused) >> unused); /* gcc and clang shift the sign in */
}

/* What is neither text nor array. */
static PyObject *take_scalar(Unpacker *self)
{
    uint64_t number = 0;
    unsigned code = *self->at++;
    if (code <= 0x7f || code >= 0xe0)
        return PyLong_FromLong((signed char)code);
    if (code >= 0xd0 && code <= 0xd3)
        return take_signed(self, 1 << (code - 0xd0));
    if (code >= 0xcc && code <= 0xcf)
        return take_number(self, 1 << (code - 0xcc), &number) < 0 ? NULL : PyLong_FromUnsignedLongLong(number);
    if (code == 0xca || code == 0xcb)
        return take_float(self, 4 << (code - 0xca));
    if (code == 0xc0)
        Py_RETURN_NONE;
    if (code == 0xc2 || code == 0xc3)
        return PyBool_FromLong(code == 0xc3);
    if (code >= 0xc4 && code <= 0xc6) {
        if (take_size(self, code, 0xc4, &number) < 0)
            return NULL;
        self->at += number;
        return core_bytes(self->at - number, (Py_ssize_t)number);
    }
    return PyErr_Format(PyExc_ValueError, "msgpack with the byte %u, where no array, text, bytes or number begins", code);
}

/* ---- 2 what was made ---- */

/* Make room for twice as many entries, and a few at least; 0 or -1. */
static int grow(void **entries, Py_ssize_t *room, size_t size)
{
    Py_ssize_t wanted = Py_MAX(*room * 2, 32);
    void *grown = PyMem_Realloc(*entries, (size_t)wanted * size);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *entries = grown;
    *room = wanted;
    return 0;
}

static int push_entry(Unpacker *self, PyObject *value)
{
    if (self->parts_used == self->parts_room && grow((void **)&self->parts, &self->parts_room, sizeof(PyObject *)) < 0) {
        Py_XDECREF(value);
        return -1;
    }
    self->parts[self->parts_used++] = value;
    return 0;
}

int unpack_push(Unpacker *self, PyObject *value)
{
    return value == NULL ? -1 : push_entry(self, value);
}

int unpack_push_unset(Unpacker *self)
{
    return push_entry(self, NULL);
}

void unpack_drop(Unpacker *self, Py_ssize_t base)
{
    while (self->parts_used > base)
        Py_XDECREF(self->parts[--self->parts_used]);
}

int unpack_number(Unpacker *self, PyObject *value, Py_ssize_t before)
{
    if (self->made_used == self->made_room && grow((void **)&self->made, &self->made_room, sizeof(Made)) < 0)
        return -1;
    self->size++;
    self->made[self->made_used++] = (Made){Py_XNewRef(value), self->size - before};
    return 0;
}

/* What was made before, of an array of `count` values behind its code; NULL with a refusal. */
static PyObject *take_again(Unpacker *self, Py_ssize_t count)
{
    unsigned code = count == 2 && self->at < self->end ? *self->at : 0xc0;
    int is_int = code <= 0x7f || code >= 0xe0 || (code >= 0xcc && code <= 0xd3);
    PyObject *number = is_int ? take_scalar(self) : NULL;
    if (is_int && number == NULL)
        return NULL;
    Py_ssize_t place = is_int ? PyLong_AsSsize_t(number) : -1;
    Py_XDECREF(number);
    PyErr_Clear(); /* more than any place */
    if (place < 0 || place >= self->made_used || self->made[place].value == NULL)
        return PyErr_Format(self->refusal, "a number that stands for one of %zd parts, and does not", self->made_used);
    self->again += self->made[place].size;
    self->size += self->made[place].size;
    if (self->again > self->again_max)
        return PyErr_Format(self->refusal, "what is met again comes to more than %zd values; send them apart",
                            self->again_max);
    return Py_NewRef(self->made[place].value);
}

/* ---- 3 containers ---- */

/* A list or, if not, a tuple of the next `count` values. */
static PyObject *take_items(Unpacker *self, Py_ssize_t count, int is_list)
{
    PyObject *made = is_list ? PyList_New(count) : PyTuple_New(count);
    if (made == NULL || count == 0)
        return made;
    PyObject_GC_UnTrack(made);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = unpack_value(self);
        if (item == NULL) {
            Py_DECREF(made);
            return NULL;
        }
        if (is_list)
            PyList_SET_ITEM(made, i, item);
        else
            PyTuple_SET_ITEM(made, i, item);
    }
    PyObject_GC_Track(made);
    return made;
}

/* Push the next `count` values; 0 or -1. */
static int take_parts(Unpacker *self, Py_ssize_t count)
{
    for (; count > 0; count--)
        if (unpack_push(self, unpack_value(self)) < 0)
            return -1;
    return 0;
}

/* What Python makes of a code and the parts from `base` on, which it takes and whose bytes begin at `start`; whether such
 * values are numbered. One that is not, a long int say, is hashed and compared anew each time that it is met in a key. */
static PyObject *make_of_parts(Unpacker *self, PyObject *code, Py_ssize_t base, const unsigned char *start, int *numbered)
{
    PyObject *parts = PyList_New(self->parts_used - base), *made = NULL;
    if (parts == NULL)
        return NULL;
    for (Py_ssize_t i = base; i < self->parts_used; i++)
        PyList_SET_ITEM(parts, i - base, self->parts[i]);
    self->parts_used = base;
    PyObject *told = PyObject_CallFunctionObjArgs(self->make, code, parts, NULL);
    Py_DECREF(parts);
    if (told == NULL)
        return NULL;
    if (!PyTuple_CheckExact(told) || PyTuple_GET_SIZE(told) != 2)
        PyErr_Format(PyExc_TypeError, "got %R, expected a value and whether it is numbered", told);
    else {
        made = Py_NewRef(PyTuple_GET_ITEM(told, 0));
        *numbered = PyTuple_GET_ITEM(told, 1) == Py_True;
        self->size += *numbered ? 0 : 1 + (self->at - start) / PLAIN_BYTES;
    }
    Py_DECREF(told);
    return made;
}

/* Whether a stranger cannot choose many keys like the next value with one hash: those of texts and bytes are salted,
 * and there are few integers of 64 bits for each. */
static int is_salted(const Unpacker *self)
{
    unsigned code = self->at < self->end ? *self->at : 0x90;
    return !((code >= 0x90 && code <= 0x9f) || code == 0xdc || code == 0xdd || code == 0xca || code == 0xcb);
}

PyObject *unpack_dict_of(Unpacker *self, PyObject *dict, Py_ssize_t base)
{
    Py_ssize_t before = dict == NULL ? 0 : PyDict_GET_SIZE(dict);
    for (Py_ssize_t i = base; dict != NULL && i < self->parts_used; i += 2)
        if (((i - base) % DICT_REST == DICT_REST - 2 && core_rest(self->nothing) < 0) ||
            PyDict_SetItem(dict, self->parts[i], self->parts[i + 1]) < 0)
            Py_CLEAR(dict);
    if (dict != NULL && PyDict_GET_SIZE(dict) - before != (self->parts_used - base) / 2) {
        PyErr_SetString(PyExc_ValueError, "the same key comes twice");
        Py_CLEAR(dict);
    }
    unpack_drop(self, base);
    return dict;
}

/* A dict of the next `count` values, keys and entries in turn. */
static PyObject *take_dict(Unpacker *self, Py_ssize_t count)
{
    Py_ssize_t base = self->parts_used;
    const unsigned char *start = self->at;
    int salted = 1, numbered;
    PyObject *code;
    for (Py_ssize_t i = 0; i < count; i++) {
        salted &= i % 2 != 0 || is_salted(self);
        if (unpack_push(self, i % 2 == 0 ? unpack_key(self) : unpack_value(self)) < 0)
            return NULL;
    }
    if (count % 2 == 0 && (salted || count <= 2 * COLLISIONS_MAX))
        return unpack_dict_of(self, PyDict_New(), base);
    code = PyUnicode_FromString("dict");
    PyObject *made = code == NULL ? NULL : make_of_parts(self, code, base, start, &numbered);
    Py_XDECREF(code);
    return made;
}

/* What Python makes of the next `count` values. */
static PyObject *take_other(Unpacker *self, const char *text, Py_ssize_t size, Py_ssize_t count, int *numbered)
{
    Py_ssize_t base = self->parts_used;
    const unsigned char *start = self->at;
    PyObject *code = PyUnicode_DecodeUTF8(text, size, NULL), *made = NULL;
    if (code != NULL && take_parts(self, count) == 0)
        made = make_of_parts(self, code, base, start, numbered);
    Py_XDECREF(code);
    return made;
}

/* ---- 4 one value ---- */

/* What to call the first value of an array that is no text. */
static const char *kind_of(const Unpacker *self, Py_ssize_t count)
{
    unsigned code = count > 0 && self->at < self->end ? *self->at : 0xc0;
    if (code == 0xc0)
        return "NoneType";
    if (code == 0xc2 || code == 0xc3)
        return "bool";
    if (code == 0xca || code == 0xcb)
        return "float";
    if (code >= 0xc4 && code <= 0xc6)
        return "bytes";
    return (code >= 0x90 && code <= 0x9f) || code == 0xdc || code == 0xdd ? "list" : "int";
}

#define IS(code) (size == (Py_ssize_t)sizeof(code) - 1 && memcmp(text, code, sizeof(code) - 1) == 0)

/* The value of an array of `count` values; whether it is numbered. */
static PyObject *take_form(Unpacker *self, Py_ssize_t count, int *numbered)
{
    const char *text;
    Py_ssize_t size;
    int is_text = count == 0 ? 0 : unpack_text(self, &text, &size);
    if (is_text <= 0)
        return is_text < 0 ? NULL : PyErr_Format(self->refusal, "a value begins with a %s, expected the name of its form",
                                                 kind_of(self, count));
    if (IS("list") || IS("tuple"))
        return take_items(self, count - 1, text[0] == 'l');
    if (IS("dict"))
        return take_dict(self, count - 1);
    if (IS("object") && count == 5)
        return unpack_object(self);
    if (IS("again")) {
        *numbered = 0;
        return take_again(self, count);
    }
    return take_other(self, text, size, count - 1, numbered);
}

/* Let others run; 0, or -1 with what a handler of a signal raised. */
__attribute__((cold, noinline)) static int unpack_rest(Unpacker *self)
{
    self->rest_at = self->end - self->at > REST_BYTES ? self->at + REST_BYTES : self->end;
    return core_rest(self->nothing);
}

PyObject *unpack_value(Unpacker *self)
{
    const char *text;
    Py_ssize_t count, size, before = self->size;
    if (self->at >= self->rest_at && unpack_rest(self) < 0)
        return NULL;
    int numbered = 1, is_array = unpack_array(self, &count);
    if (is_array < 0)
        return NULL;
    if (!is_array) {
        int is_text = unpack_text(self, &text, &size);
        self->size++;
        return is_text == 0 ? take_scalar(self) : is_text < 0 ? NULL : PyUnicode_DecodeUTF8(text, size, NULL);
    }
    if (self->depth == self->depth_max)
        return PyErr_Format(self->refusal, "it is nested more than %zd deep", self->depth_max);
    self->depth++;
    PyObject *made = take_form(self, count, &numbered);
    self->depth--;
    if (made != NULL && numbered && unpack_number(self, made, before) < 0)
        Py_CLEAR(made);
    return made;
}
