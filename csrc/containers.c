/* csrc/containers.c -- the walks of the ValueCopier through list, dict, tuple, set, frozenset, deque and bytearray.
 *
 * Why C, twin and tests: see values.c.
 * Hostile code runs inside: a plan's function, the __hash__ of a key, a finalizer, another thread meanwhile. So a container that
 *   can change is first copied as it stands, in one step; the walk goes through that copy, which nobody else holds.
 * Layout: 1 what is shared as it is  2 sequences and sets  3 dict  4 the table
 */
#include "values.h"

/* ---- 1 what is shared as it is ---- */

int copier_shares_all(CopierObject *self, PyObject *items)
{
    int shared = 1;
    if (PyTuple_CheckExact(items)) {
        for (Py_ssize_t i = 0; shared == 1 && i < PyTuple_GET_SIZE(items); i++)
            shared = copier_shares(self, Py_TYPE(PyTuple_GET_ITEM(items, i)));
        return shared;
    }
    PyObject *iterator = PyObject_GetIter(items), *item;
    if (iterator == NULL)
        return -1;
    while (shared == 1 && (item = PyIter_Next(iterator)) != NULL) {
        shared = copier_shares(self, Py_TYPE(item));
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : shared;
}

/* ---- 2 sequences and sets ---- */

static PyObject *list_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    PyObject *items = PyList_GetSlice(value, 0, PY_SSIZE_T_MAX);
    if (items != NULL && pass_items(pass, items, depth) < 0)
        Py_CLEAR(items);
    return items;
}

/* `build` of the copies of what `value` holds; `value` itself if it is `frozen` and they are what it holds. */
static PyObject *sequence_walk(Pass *pass, PyObject *value, Py_ssize_t depth, int frozen, PyObject *(*build)(PyObject *))
{
    PyObject *made = NULL, *items = PySequence_List(value);
    if (items == NULL)
        return NULL;
    int changed = pass_items(pass, items, depth);
    if (changed >= 0)
        made = frozen && !changed ? Py_NewRef(value) : build(items);
    Py_DECREF(items);
    return made;
}

static PyObject *tuple_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    return sequence_walk(pass, value, depth, 1, PyList_AsTuple);
}

static PyObject *frozenset_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    return sequence_walk(pass, value, depth, 1, PyFrozenSet_New);
}

static PyObject *set_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    PyObject *made = PySet_New(value), *walked = NULL;
    if (made == NULL)
        return NULL;
    int shared = copier_shares_all(pass->copier, made);
    if (shared == 1)
        return made;
    if (shared == 0)
        walked = sequence_walk(pass, made, depth, 0, PySet_New);
    Py_DECREF(made);
    return walked;
}

static PyObject *deque_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    PyObject *made = NULL, *bound = NULL, *items = PySequence_List(value);
    if (items == NULL || pass_items(pass, items, depth) < 0)
        goto done;
    bound = PyObject_GetAttrString(value, "maxlen");
    if (bound != NULL)
        made = PyObject_CallFunctionObjArgs(pass->copier->deque, items, bound, NULL);
done:
    Py_XDECREF(bound);
    Py_XDECREF(items);
    return made;
}

static PyObject *bytearray_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    return PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value));
}

/* ---- 3 dict ---- */

/* How much of a dict goes by reference as it is; -1 with an error. */
enum { ALL, SCALAR_KEYS, LESS };

static int copier_judges_dict(CopierObject *self, PyObject *dict)
{
    int scalar_keys = 1, all = 1;
    Py_ssize_t position = 0;
    PyObject *key, *entry;
    while ((scalar_keys || all) && PyDict_Next(dict, &position, &key, &entry)) {
        scalar_keys = scalar_keys && kind_is_scalar(Py_TYPE(key));
        if (all && (all = copier_shares(self, Py_TYPE(key))) > 0)
            all = copier_shares(self, Py_TYPE(entry));
        if (all < 0)
            return -1;
    }
    return all ? ALL : scalar_keys ? SCALAR_KEYS : LESS;
}

/* Replace the values of `made`, a dict of this pass alone, by their copies; 0, or -1 with an error. No key is asked
 * for its hash that could answer something new, so the dict keeps its keys. */
static int dict_replace_values(Pass *pass, PyObject *made, Py_ssize_t depth)
{
    Py_ssize_t position = 0;
    PyObject *key, *entry;
    while (PyDict_Next(made, &position, &key, &entry)) {
        if (kind_is_scalar(Py_TYPE(entry)))
            continue;
        Py_INCREF(key);
        Py_INCREF(entry);
        PyObject *copy = pass_copy(pass, entry, depth, Py_REFCNT(entry) > UNALIASED);
        int answer = copy == NULL ? -1 : copy == entry ? 0 : PyDict_SetItem(made, key, copy);
        Py_XDECREF(copy);
        Py_DECREF(entry);
        Py_DECREF(key);
        if (answer < 0)
            return -1;
    }
    return 0;
}

/* A dict of the copies of the keys and values of `source`, a dict of this pass alone. */
static PyObject *dict_rebuild(Pass *pass, PyObject *source, Py_ssize_t depth)
{
    PyObject *made = PyDict_New(), *key, *entry;
    Py_ssize_t position = 0;
    while (made != NULL && PyDict_Next(source, &position, &key, &entry)) {
        Py_INCREF(key);
        Py_INCREF(entry);
        PyObject *new_key = pass_copy(pass, key, depth, 1), *new_entry = NULL;
        if (new_key != NULL)
            new_entry = pass_copy(pass, entry, depth, 1);
        if (new_entry == NULL || PyDict_SetItem(made, new_key, new_entry) < 0)
            Py_CLEAR(made);
        Py_XDECREF(new_entry);
        Py_XDECREF(new_key);
        Py_DECREF(entry);
        Py_DECREF(key);
    }
    return made;
}

static PyObject *dict_walk(Pass *pass, PyObject *value, PyObject *Py_UNUSED(plan), Py_ssize_t depth)
{
    PyObject *made = PyDict_Copy(value), *rebuilt = NULL;
    if (made == NULL)
        return NULL;
    int verdict = copier_judges_dict(pass->copier, made);
    if (verdict == ALL || (verdict == SCALAR_KEYS && dict_replace_values(pass, made, depth) == 0))
        return made;
    if (verdict == LESS)
        rebuilt = dict_rebuild(pass, made, depth);
    Py_DECREF(made);
    return rebuilt;
}

/* ---- 4 the table ---- */

Walk copier_walk(CopierObject *self, PyTypeObject *kind)
{
    if (kind == &PyList_Type)
        return list_walk;
    if (kind == &PyDict_Type)
        return dict_walk;
    if (kind == &PyTuple_Type)
        return tuple_walk;
    if (kind == &PySet_Type)
        return set_walk;
    if (kind == &PyFrozenSet_Type)
        return frozenset_walk;
    if (kind == &PyByteArray_Type)
        return bytearray_walk;
    return (PyObject *)kind == self->deque ? deque_walk : NULL;
}
