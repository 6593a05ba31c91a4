/* csrc/objects.c -- the walk of the ValueCopier through objects of a class: dataclasses, structs, named tuples.
 *
 * Why C, twin and tests: see values.c. What an object consists of is a Layout, found once per class
 *   by libactor/_core/layouts.py.
 * No code of the class runs: state goes from the places where it lies in the original to the same places in the copy.
 *   So there is no __init__, no setter, no getter; a frozen class can be written, and an attribute that is not set stays so.
 * Hostile code runs inside all the same, where a part is copied. So the parts are taken out first, all of them.
 * Layout: 1 layouts  2 parts  3 the copy  4 the walk
 */
#include "layout.h"
#include "values.h"

/* ---- 1 layouts ---- */

enum { LAYOUT_FIELDS = 6 };

static int layout_complain(PyObject *plan)
{
    PyErr_Format(PyExc_TypeError, "got the plan %R, expected SHARED, MOVED, REFUSED, a Layout or a function", plan);
    return -1;
}

int layout_parse(Layout *layout, PyObject *plan)
{
    if (!PyTuple_Check(plan) || PyTuple_GET_SIZE(plan) != LAYOUT_FIELDS)
        return layout_complain(plan);
    layout->kind = (PyTypeObject *)PyTuple_GET_ITEM(plan, 0);
    layout->slots = PyTuple_GET_ITEM(plan, 1);
    layout->state = PyTuple_GET_ITEM(plan, 2);
    layout->has_items = PyTuple_GET_ITEM(plan, 3) == Py_True;
    layout->is_frozen = PyTuple_GET_ITEM(plan, 4) == Py_True;
    layout->shallow = PyTuple_GET_ITEM(plan, 5);
    if (!PyType_Check((PyObject *)layout->kind) || !PyTuple_CheckExact(layout->slots) ||
        (layout->has_items && !PyType_IsSubtype(layout->kind, &PyTuple_Type)) ||
        (layout->state != Py_None && Py_TYPE(layout->state) != &PyGetSetDescr_Type))
        return layout_complain(plan);
    return 0;
}

/* 0, or -1 with TypeError if `plan` is no layout of the class that `value` has by now. */
static int layout_read(Layout *layout, PyObject *plan, PyObject *value)
{
    if (layout_parse(layout, plan) < 0)
        return -1;
    if (Py_TYPE(value) == layout->kind)
        return 0;
    PyErr_Format(PyExc_TypeError, "a %s turned into a %s while it was copied; let objects keep their class",
                 layout->kind->tp_name, Py_TYPE(value)->tp_name);
    return -1;
}

PyObject **layout_slot(PyObject *object, PyObject *slot)
{
    PyMemberDescrObject *descriptor = (PyMemberDescrObject *)slot;
    if (Py_TYPE(slot) != &PyMemberDescr_Type || descriptor->d_member->type != Py_T_OBJECT_EX ||
        !PyObject_TypeCheck(object, PyDescr_TYPE(slot))) {
        PyErr_Format(PyExc_TypeError, "%R is no slot of a %s", slot, Py_TYPE(object)->tp_name);
        return NULL;
    }
    return (PyObject **)((char *)object + descriptor->d_member->offset);
}

/* ---- 2 parts ---- */

enum { PARTS_ON_STACK = 12, HOLDERS = 2 /* of a part that only its object holds: that, and we */ };

/* What an object consists of: at first its own, then the copies. */
typedef struct {
    PyObject **values; /* owned; NULL: a slot that is not set */
    Py_ssize_t count;
    PyObject *state; /* owned dict, or NULL */
    int changed;     /* at least one is another object than in the original */
    PyObject *first[PARTS_ON_STACK];
} Parts;

static void parts_clear(Parts *parts)
{
    for (Py_ssize_t i = 0; i < parts->count; i++)
        Py_XDECREF(parts->values[i]);
    Py_XDECREF(parts->state);
    if (parts->values != parts->first)
        PyMem_Free(parts->values);
}

/* Take hold of the slots, or of the items, of `value`; 0, or -1 with an error. */
static int parts_take(Parts *parts, const Layout *layout, PyObject *value)
{
    Py_ssize_t count = layout->has_items ? PyTuple_GET_SIZE(value) : PyTuple_GET_SIZE(layout->slots);
    *parts = (Parts){.values = parts->first};
    if (count > PARTS_ON_STACK && (parts->values = PyMem_New(PyObject *, count)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; parts->count < count; parts->count++) {
        PyObject **place = layout->has_items ? &PyTuple_GET_ITEM(value, parts->count)
                                             : layout_slot(value, PyTuple_GET_ITEM(layout->slots, parts->count));
        if (place == NULL)
            return -1;
        parts->values[parts->count] = Py_XNewRef(*place);
    }
    return 0;
}

/* Replace each by its copy; 0, or -1 with an error. */
static int parts_pass(Parts *parts, Pass *pass, Py_ssize_t depth)
{
    for (Py_ssize_t i = 0; i < parts->count; i++) {
        PyObject *part = parts->values[i];
        if (part == NULL || kind_is_scalar(Py_TYPE(part)))
            continue;
        PyObject *copy = pass_copy(pass, part, depth, Py_REFCNT(part) > HOLDERS);
        if (copy == NULL)
            return -1;
        parts->changed |= copy != part;
        Py_SETREF(parts->values[i], copy);
    }
    return 0;
}

/* 1 if both dicts have the same objects under the same keys; 0, or -1 with an error. */
static int state_is_same(PyObject *state, PyObject *other)
{
    Py_ssize_t position = 0;
    PyObject *key, *entry;
    if (PyDict_GET_SIZE(state) != PyDict_GET_SIZE(other))
        return 0;
    while (PyDict_Next(state, &position, &key, &entry)) {
        Py_INCREF(key); /* its __hash__ or __eq__ may take it out of the dict */
        PyObject *found = PyDict_GetItemWithError(other, key);
        Py_DECREF(key);
        if (found != entry)
            return PyErr_Occurred() ? -1 : 0;
    }
    return 1;
}

/* As parts_pass, for what stands in the __dict__ of `value`. */
static int parts_pass_state(Parts *parts, Pass *pass, const Layout *layout, PyObject *value, Py_ssize_t depth)
{
    PyObject *state = PyObject_GenericGetDict(value, NULL);
    int same = -1;
    if (state != NULL && (parts->state = copier_walk(pass->copier, &PyDict_Type)(pass, state, NULL, depth)) != NULL)
        same = layout->is_frozen && !parts->changed && state_is_same(parts->state, state);
    Py_XDECREF(state);
    parts->changed |= same == 0;
    return same < 0 ? -1 : 0;
}

/* ---- 3 the copy ---- */

/* Put the parts where `made`, which nobody else uses, has its slots; 0, or -1 with an error. */
static int parts_put(Parts *parts, const Layout *layout, PyObject *made)
{
    for (Py_ssize_t i = 0; i < parts->count; i++) {
        PyObject **place = layout_slot(made, PyTuple_GET_ITEM(layout->slots, i));
        if (place == NULL)
            return -1;
        Py_XSETREF(*place, Py_XNewRef(parts->values[i]));
    }
    return 0;
}

/* An object to be filled; NULL with an error. */
static PyObject *layout_make(const Layout *layout, PyObject *value, Py_ssize_t item_count)
{
    if (layout->shallow == Py_None)
        return layout->kind->tp_alloc(layout->kind, item_count);
    PyObject *made = PyObject_CallOneArg(layout->shallow, value);
    if (made == NULL || (Py_TYPE(made) == layout->kind && made != value))
        return made;
    PyErr_Format(PyExc_TypeError, "%R gave %R, expected another %s", layout->shallow, made, layout->kind->tp_name);
    Py_DECREF(made);
    return NULL;
}

static PyObject *parts_build(Parts *parts, const Layout *layout, PyObject *value)
{
    PyObject *made = layout_make(layout, value, layout->has_items ? parts->count : 0);
    if (made == NULL)
        return NULL;
    for (Py_ssize_t i = 0; layout->has_items && i < parts->count; i++)
        PyTuple_SET_ITEM(made, i, Py_NewRef(parts->values[i]));
    if ((!layout->has_items && parts_put(parts, layout, made) < 0) ||
        (parts->state != NULL && Py_TYPE(layout->state)->tp_descr_set(layout->state, made, parts->state) < 0))
        Py_CLEAR(made);
    else if (PyObject_IS_GC(made) && !PyObject_GC_IsTracked(made))
        PyObject_GC_Track(made); /* a struct of scalars is not tracked, and now it may hold others */
    return made;
}

/* ---- 4 the walk ---- */

PyObject *object_walk(Pass *pass, PyObject *value, PyObject *plan, Py_ssize_t depth)
{
    Layout layout;
    Parts parts;
    PyObject *made = NULL;
    if (PyCallable_Check(plan))
        return PyObject_CallOneArg(plan, value);
    if (layout_read(&layout, plan, value) < 0)
        return NULL;
    if (parts_take(&parts, &layout, value) < 0 || parts_pass(&parts, pass, depth) < 0)
        goto done;
    if (layout.state != Py_None && parts_pass_state(&parts, pass, &layout, value, depth) < 0)
        goto done;
    made = layout.is_frozen && !parts.changed ? Py_NewRef(value) : parts_build(&parts, &layout, value);
done:
    parts_clear(&parts);
    return made;
}
