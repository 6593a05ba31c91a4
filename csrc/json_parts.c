/* csrc/json_parts.c -- where the members of a large JSON array or object are, so that it can be read a part at a time.
 *
 * Who calls: libactor/http/large_json.py. The scan goes by texts, brackets and commas alone, without the GIL: other
 *   threads go on meanwhile, however large the document is. What is between them is looked at by who reads the parts.
 * Invariant: nothing recurses, so nesting costs nothing.
 * Twin: libactor/_core/_json_parts.py.
 */
#include "json_parts.h"

#include <stdlib.h>

enum { NO_PROBLEM, NO_MEMORY, NO_CONTAINER, OPEN_TEXT, OPEN_CONTAINER, WRONG_BRACKET, NO_MEMBER, NO_COLON, NO_END };

static const char *const problems[] = {
    [NO_CONTAINER] = "expected an array or an object", [OPEN_TEXT] = "a string does not end",
    [OPEN_CONTAINER] = "an array or an object does not end", [WRONG_BRACKET] = "the bracket closes nothing",
    [NO_MEMBER] = "expected a value", [NO_COLON] = "expected a name, a colon and a value",
    [NO_END] = "expected the end",
};

typedef struct {
    Py_ssize_t start, stop, value;
} Part;

typedef struct {
    const unsigned char *data;
    Py_ssize_t at, stop, size;
    Py_ssize_t member, colon; /* where the present member begins, and its colon; -1: none */
    int is_object, problem;
    Part *parts;
    Py_ssize_t count, room;
} Split;

static int is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static void skip_space(Split *split)
{
    while (split->at < split->stop && is_space(split->data[split->at]))
        split->at++;
}

static int add_part(Split *split, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t value)
{
    if (split->count == split->room) {
        Py_ssize_t room = split->room > 0 ? 2 * split->room : 64;
        Part *grown = realloc(split->parts, (size_t)room * sizeof *grown);
        if (grown == NULL) {
            split->problem = NO_MEMORY;
            return -1;
        }
        split->parts = grown;
        split->room = room;
    }
    split->parts[split->count++] = (Part){start, stop, value};
    return 0;
}

/* A member ends before ``at``: it joins the run before it, begins another, or is large and stands alone. */
static int end_member(Split *split)
{
    Py_ssize_t start = split->member, stop = split->at;
    while (stop > start && is_space(split->data[stop - 1]))
        stop--;
    if (stop == start) {
        split->problem = NO_MEMBER;
        return -1;
    }
    if (stop - start > split->size) {
        if (split->is_object && split->colon < 0) {
            split->problem = NO_COLON;
            return -1;
        }
        return add_part(split, start, stop, split->is_object ? split->colon + 1 : start);
    }
    Part *last = split->count > 0 ? &split->parts[split->count - 1] : NULL;
    if (last != NULL && last->value < 0 && stop - last->start <= split->size) {
        last->stop = stop;
        return 0;
    }
    return add_part(split, start, stop, -1);
}

static int begin_member(Split *split)
{
    skip_space(split);
    split->member = split->at;
    split->colon = -1;
    return 0;
}

/* Go behind the text that begins here. */
static int skip_text(Split *split)
{
    const unsigned char *data = split->data;
    Py_ssize_t at = split->at + 1, stop = split->stop;
    for (; at < stop && data[at] != '"'; at++)
        if (data[at] == '\\')
            at++;
    if (at >= stop) {
        split->problem = OPEN_TEXT;
        return -1;
    }
    split->at = at + 1;
    return 0;
}

/* The outermost bracket is closed here. */
static int end_container(Split *split)
{
    if (split->data[split->at] != (split->is_object ? '}' : ']')) {
        split->problem = WRONG_BRACKET;
        return -1;
    }
    if ((split->count > 0 || split->at > split->member) && end_member(split) < 0)
        return -1;
    split->at++;
    skip_space(split);
    if (split->at < split->stop) {
        split->problem = NO_END;
        return -1;
    }
    return 1;
}

/* Take the byte that matters here; 1 at the end of the container. */
static int take_byte(Split *split, Py_ssize_t *depth)
{
    switch (split->data[split->at]) {
    case '"':
        return skip_text(split);
    case '[':
    case '{':
        ++*depth;
        break;
    case ']':
    case '}':
        if (--*depth == 0)
            return end_container(split);
        break;
    case ',':
        if (*depth == 1) {
            if (end_member(split) < 0)
                return -1;
            split->at++;
            return begin_member(split);
        }
        break;
    case ':':
        if (*depth == 1 && split->colon < 0)
            split->colon = split->at;
        break;
    }
    split->at++;
    return 0;
}

static void split_members(Split *split)
{
    Py_ssize_t depth = 1;
    skip_space(split);
    if (split->at == split->stop || (split->data[split->at] != '[' && split->data[split->at] != '{')) {
        split->problem = NO_CONTAINER;
        return;
    }
    split->is_object = split->data[split->at++] == '{';
    begin_member(split);
    while (split->at < split->stop) {
        int answer = take_byte(split, &depth);
        if (answer != 0)
            return;
    }
    split->problem = OPEN_CONTAINER;
}

static PyObject *parts_list(const Split *split)
{
    PyObject *list = PyList_New(split->count);
    for (Py_ssize_t i = 0; list != NULL && i < split->count; i++) {
        const Part *part = &split->parts[i];
        PyObject *entry = Py_BuildValue("(nnn)", part->start, part->stop, part->value);
        if (entry == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, entry);
    }
    return list;
}

PyObject *native_json_parts(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t numbers[3];
    if (count != 4 || !PyBytes_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "json_parts() expects bytes, start, stop and size");
        return NULL;
    }
    for (int i = 0; i < 3; i++) {
        numbers[i] = PyNumber_AsSsize_t(arguments[i + 1], PyExc_OverflowError);
        if (numbers[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    if (numbers[0] < 0 || numbers[0] > numbers[1] || numbers[1] > PyBytes_GET_SIZE(arguments[0]) || numbers[2] < 1) {
        PyErr_SetString(PyExc_ValueError, "json_parts() expects a part of the bytes, and a size above zero");
        return NULL;
    }
    Split split = {.data = (const unsigned char *)PyBytes_AS_STRING(arguments[0]),
                   .at = numbers[0], .stop = numbers[1], .size = numbers[2]};
    Py_BEGIN_ALLOW_THREADS
    split_members(&split);
    Py_END_ALLOW_THREADS
    PyObject *list = NULL;
    if (split.problem == NO_PROBLEM)
        list = parts_list(&split);
    else if (split.problem == NO_MEMORY)
        PyErr_NoMemory();
    else
        PyErr_Format(PyExc_ValueError, "%s (byte %zd)", problems[split.problem], split.at);
    free(split.parts);
    return list;
}
