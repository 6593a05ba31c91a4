/* csrc/unpack_object.c -- objects of classes out of bytes of another host: dataclasses, structs, named tuples.
 *
 * Who calls: unpack.c, for each array of the form "object": module and name of the class, its items or what stands in
 *   each slot as a list of one or none, and its __dict__. Twin: libactor/_core/_unpack.py.
 * What runs of a class: the constructor of structs, with all fields by name, as when msgspec decodes: __post_init__.
 *   Nothing of dataclasses and named tuples. All parts are there before the object is made.
 * The lists around the parts are no values that anybody could have twice: they have numbers, and nobody may ask for them.
 * Layout: 1 keys  2 classes  3 parts  4 the object  5 function of the module
 */
#include "unpack.h"

/* ---- 1 keys ---- */

static size_t hash_of(const unsigned char *bytes, Py_ssize_t size)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)size;
    for (Py_ssize_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

/* The place of a short key; NULL if it is not kept. */
static PyObject **key_place(Unpacker *self, const char *text, Py_ssize_t size)
{
    return size > KEY_BYTES_MAX ? NULL : &self->keys[hash_of((const unsigned char *)text, size) % KEYS];
}

/* The text; one that was met is taken from `place`. */
static PyObject *make_key(PyObject **place, const char *text, Py_ssize_t size)
{
    PyObject *known = place == NULL ? NULL : *place;
    if (known != NULL && PyUnicode_IS_COMPACT_ASCII(known) && PyUnicode_GET_LENGTH(known) == size &&
        memcmp(PyUnicode_1BYTE_DATA(known), text, (size_t)size) == 0)
        return Py_NewRef(known);
    PyObject *made = PyUnicode_DecodeUTF8(text, size, NULL);
    if (made != NULL && place != NULL)
        Py_XSETREF(*place, Py_NewRef(made));
    return made;
}

PyObject *unpack_key(Unpacker *self)
{
    const char *text;
    Py_ssize_t size;
    int is_text = unpack_text(self, &text, &size);
    if (is_text <= 0)
        return is_text < 0 ? NULL : unpack_value(self);
    self->size++;
    return make_key(key_place(self, text, size), text, size);
}

/* ---- 2 classes ---- */

/* Keep what `find` said of a class; 0, or -1 with an exception. */
static int find_fill(Unpacker *self, Find *found, PyObject *plan)
{
    Find fresh = {.plan = plan};
    if (!PyTuple_Check(plan) || PyTuple_GET_SIZE(plan) != 4 || !PyTuple_CheckExact(PyTuple_GET_ITEM(plan, 2))) {
        PyErr_Format(PyExc_TypeError, "got the plan %R, expected a Layout, a count, names and a bool", plan);
        return -1;
    }
    fresh.count = PyLong_AsSsize_t(PyTuple_GET_ITEM(plan, 1));
    fresh.fields = PyTuple_GET_ITEM(plan, 2);
    fresh.is_struct = PyTuple_GET_ITEM(plan, 3) == Py_True;
    if (layout_parse(&fresh.layout, PyTuple_GET_ITEM(plan, 0)) < 0 || PyErr_Occurred())
        return -1;
    Py_ssize_t slots = PyTuple_GET_SIZE(fresh.layout.slots), fields = PyTuple_GET_SIZE(fresh.fields);
    if (fresh.count < 0 || (!fresh.layout.has_items && fresh.count != slots) || (fresh.is_struct && fresh.count != fields)) {
        PyErr_Format(PyExc_TypeError, "got the plan %R, expected as many parts as slots and, of a struct, fields", plan);
        return -1;
    }
    for (Py_ssize_t i = 0; i < fields; i++) { /* so that attributes are the class's own texts */
        Py_ssize_t size;
        PyObject *field = PyTuple_GET_ITEM(fresh.fields, i);
        const char *text = PyUnicode_AsUTF8AndSize(field, &size);
        PyObject **place = text == NULL ? NULL : key_place(self, text, size);
        if (place != NULL)
            Py_XSETREF(*place, Py_NewRef(field));
        else if (text == NULL)
            return -1;
    }
    Py_INCREF(plan);
    Py_XSETREF(found->plan, plan);
    *found = fresh;
    return 0;
}

/* What `find` says of a class; NULL with an exception. */
static PyObject *ask_of_class(Unpacker *self, const char *module, Py_ssize_t module_size, const char *name,
                              Py_ssize_t name_size)
{
    PyObject *plan = NULL, *first = PyUnicode_DecodeUTF8(module, module_size, NULL);
    PyObject *second = first == NULL ? NULL : PyUnicode_DecodeUTF8(name, name_size, NULL);
    if (second != NULL)
        plan = PyObject_CallFunctionObjArgs(self->find, first, second, NULL);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return plan;
}

/* The class of the next two texts, as it stands until another is looked for; NULL with an exception. */
static Find *take_class(Unpacker *self)
{
    const char *module, *name;
    Py_ssize_t module_size, name_size;
    const unsigned char *names = self->at;
    int is_text = unpack_text(self, &module, &module_size);
    if (is_text > 0)
        is_text = unpack_text(self, &name, &name_size);
    if (is_text < 0)
        return NULL;
    if (!is_text) {
        PyErr_SetString(self->refusal, "the form 'object' is not known, or not given two names; let both run one release");
        return NULL;
    }
    Py_ssize_t names_size = self->at - names;
    Find *found = &self->finds[hash_of(names, names_size) % FINDS];
    if (found->names != NULL && found->names_size == names_size && memcmp(found->names, names, (size_t)names_size) == 0)
        return found;
    PyObject *plan = ask_of_class(self, module, module_size, name, name_size);
    int answer = plan == NULL ? -1 : find_fill(self, found, plan);
    Py_XDECREF(plan);
    if (answer < 0)
        return NULL;
    found->names = names;
    found->names_size = names_size;
    return found;
}

/* ---- 3 parts ---- */

static int complain_of_form(const Layout *layout, const char *what, const char *code)
{
    PyErr_Format(PyExc_TypeError, "%s of a %s are expected as a %s", what, layout->kind->tp_name, code);
    return -1;
}

/* The head of an array of the form `code`: how many parts it has; -1 with an exception. */
static Py_ssize_t take_head(Unpacker *self, const Layout *layout, const char *what, const char *code)
{
    const char *text;
    Py_ssize_t count, size;
    int is_array = unpack_array(self, &count), is_text = 0;
    if (is_array > 0 && count > 0)
        is_text = unpack_text(self, &text, &size);
    if (is_array < 0 || is_text < 0)
        return -1;
    if (is_text && size == (Py_ssize_t)strlen(code) && memcmp(text, code, (size_t)size) == 0)
        return count - 1;
    return complain_of_form(layout, what, code);
}

/* Push what stands in one slot, NULL for nothing; 0 or -1. */
static int take_slot(Unpacker *self, const Layout *layout)
{
    Py_ssize_t before = self->size, count = take_head(self, layout, "the slots", "list");
    if (count < 0)
        return -1;
    if (count > 1)
        return complain_of_form(layout, "the slots", "list of one or none");
    int answer = count == 0 ? unpack_push_unset(self) : unpack_push(self, unpack_value(self));
    return answer < 0 ? -1 : unpack_number(self, NULL, before);
}

/* Push all items or slots, of which an object has to have as many; 0 or -1. */
static int take_parts(Unpacker *self, const Find *found)
{
    Py_ssize_t before = self->size, count = take_head(self, &found->layout, "the parts", "list");
    if (count < 0)
        return -1;
    if (count != found->count) {
        PyErr_Format(PyExc_ValueError, "%s has %zd fields, and %zd were sent", found->layout.kind->tp_name,
                     found->count, count);
        return -1;
    }
    for (; count > 0; count--)
        if ((found->layout.has_items ? unpack_push(self, unpack_value(self)) : take_slot(self, &found->layout)) < 0)
            return -1;
    return unpack_number(self, NULL, before);
}

/* Push names and values of attributes in turn; 0 or -1. */
static int take_state(Unpacker *self, const Layout *layout)
{
    Py_ssize_t before = self->size, count = take_head(self, layout, "the attributes", "dict");
    if (count < 0)
        return -1;
    if (count % 2 != 0)
        return complain_of_form(layout, "the attributes", "dict of names and values in turn");
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *part = i % 2 == 0 ? unpack_key(self) : unpack_value(self);
        if (unpack_push(self, part) < 0)
            return -1;
        if (i % 2 == 0 && !PyUnicode_CheckExact(part))
            return complain_of_form(layout, "the attributes", "dict from text");
    }
    return unpack_number(self, NULL, before);
}

/* ---- 4 the object ---- */

static PyObject *make_tuple(const Layout *layout, PyObject **parts, Py_ssize_t count)
{
    PyObject *made = layout->kind->tp_alloc(layout->kind, count);
    for (Py_ssize_t i = 0; made != NULL && i < count; i++)
        PyTuple_SET_ITEM(made, i, Py_NewRef(parts[i]));
    return made;
}

static PyObject *make_struct(const Find *found, PyObject **parts)
{
    PyTypeObject *kind = found->layout.kind;
    for (Py_ssize_t i = 0; i < found->count; i++)
        if (parts[i] == NULL)
            return PyErr_Format(PyExc_ValueError, "%s was sent without %U", kind->tp_name,
                                PyTuple_GET_ITEM(found->fields, i));
    PyObject *made = PyObject_Vectorcall((PyObject *)kind, parts, 0, found->fields);
    if (made == NULL || Py_TYPE(made) == kind)
        return made;
    PyErr_Format(PyExc_TypeError, "%s made a %s", kind->tp_name, Py_TYPE(made)->tp_name);
    Py_DECREF(made);
    return NULL;
}

/* As object.__new__ does, and no other. */
static PyObject *make_plain(const Layout *layout, PyObject **parts, Py_ssize_t count)
{
    if (layout->kind->tp_new != PyBaseObject_Type.tp_new)
        return PyErr_Format(PyExc_TypeError, "%s makes its objects itself", layout->kind->tp_name);
    PyObject *none = PyTuple_New(0);
    PyObject *made = none == NULL ? NULL : PyBaseObject_Type.tp_new(layout->kind, none, NULL);
    Py_XDECREF(none);
    for (Py_ssize_t i = 0; made != NULL && i < count; i++) {
        PyObject **place = layout_slot(made, PyTuple_GET_ITEM(layout->slots, i));
        if (place == NULL)
            Py_CLEAR(made);
        else
            Py_XSETREF(*place, Py_XNewRef(parts[i]));
    }
    return made;
}

/* Give `made` the attributes from `base` on, and drop them; 0 or -1. */
static int put_state(Unpacker *self, const Layout *layout, PyObject *made, Py_ssize_t base)
{
    PyObject *state = layout->state == Py_None ? NULL : PyObject_GenericGetDict(made, NULL);
    if (layout->state != Py_None && state == NULL)
        return -1;
    int is_fresh = state != NULL && PyDict_GET_SIZE(state) == 0; /* if not, what is there may be sent as well */
    PyObject *sent = unpack_dict_of(self, is_fresh ? Py_NewRef(state) : PyDict_New(), base);
    int answer = sent == NULL ? -1 : is_fresh || state == NULL ? 0 : PyDict_Update(state, sent);
    Py_XDECREF(sent);
    Py_XDECREF(state);
    return answer;
}

PyObject *unpack_object(Unpacker *self)
{
    Py_ssize_t base = self->parts_used;
    Find *place = take_class(self);
    if (place == NULL)
        return NULL;
    Find found = *place; /* the place may be taken by another class meanwhile, so the plan is held */
    PyObject *held = Py_NewRef(found.plan), *made = NULL;
    self->depth++;
    if     (take_parts(self, &found) == 0 && take_state(self, &found.layout) == 0) {
        PyObject **parts = self->parts + base;
        made = found.layout.has_items ? make_tuple(&found.layout, parts, found.count)
               : found.is_struct      ? make_struct(&found, parts)
                                      : make_plain(&found.layout, parts, found.count);
    }
    self->depth--;
    if (made != NULL && put_state(self, &found.layout, made, base + found.count) < 0)
        Py_CLEAR(made);
    unpack_drop(self, base);
    Py_DECREF(held);
    return made;
}

/* ---- 5 function of the module ---- */

static void unpack_clear(Unpacker *self)
{
    unpack_drop(self, 0);
    for (Py_ssize_t i = 0; i < self->made_used; i++)
        Py_XDECREF(self->made[i].value);
    for (size_t i = 0; i < KEYS; i++)
        Py_XDECREF(self->keys[i]);
    for (size_t i = 0; i < FINDS; i++)
        Py_XDECREF(self->finds[i].plan);
    PyMem_Free(self->parts);
    PyMem_Free(self->made);
}

PyObject *native_unpack(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("unpack", count, 6) < 0)
        return NULL;
    if (!PyBytes_CheckExact(arguments[0]))
        return PyErr_Format(PyExc_TypeError, "unpack() got a %s, expected bytes", Py_TYPE(arguments[0])->tp_name);
    Unpacker self = {.refusal = arguments[3], .find = arguments[4], .make = arguments[5]};
    self.again_max = PyLong_AsSsize_t(arguments[2]);
    if (PyErr_Occurred() || packed_read_depth("unpack", arguments[1], &self.depth_max) < 0)
        return NULL;
    self.at = (const unsigned char *)PyBytes_AS_STRING(arguments[0]);
    self.end = self.at + PyBytes_GET_SIZE(arguments[0]);
    self.rest_at = self.end - self.at > REST_BYTES ? self.at + REST_BYTES : self.end;
    self.nothing = ((CoreState *)PyModule_GetState(module))->nothing;
    PyObject *made = unpack_value(&self);
    if (made != NULL && self.at < self.end) {
        PyErr_Format(PyExc_ValueError, "msgpack with %zd bytes behind its end", (Py_ssize_t)(self.end - self.at));
        Py_CLEAR(made);
    }
    unpack_clear(&self);
    return made;
}
