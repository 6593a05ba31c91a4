/* csrc/values.c -- the ValueCopier: one value as its receiver gets it.
 *
 * Why C: every argument, message and result goes through it (bench/). Twin: libactor/_core/_values.py; both pass
 * tests/runtime/test_values.py. Policy stays in Python (libactor/_core/values.py): which classes are shared, how
 * dataclasses, structs and exceptions are taken apart and built, and what an error says.
 * Aliases: an object is looked up in the memo only if more hold it than the container it was found in: most are held
 *   once. What a rule took apart may be held by anyone, and is always looked up.
 * The stack: at most depth_max walks deep, whatever the value.
 * Layout: 1 plans  2 refusals  3 one object  4 rules  5 Python methods  6 life cycle  7 type spec
 */
#include "values.h"

#define SELF ((CopierObject *)op)

/* ---- 1 plans ---- */

/* A new reference to the plan for `kind`, which is no container; NULL with an error. */
static PyObject *copier_plan(CopierObject *self, PyTypeObject *kind)
{
    PyObject *plan = PyDict_GetItemWithError(self->plans, (PyObject *)kind);
    if (plan != NULL)
        return Py_NewRef(plan);
    return PyErr_Occurred() ? NULL : PyObject_CallOneArg(self->find_plan, (PyObject *)kind);
}

static inline int plan_is(PyObject *plan, long wanted)
{
    return PyLong_CheckExact(plan) && PyLong_AsLong(plan) == wanted;
}

int copier_shares(CopierObject *self, PyTypeObject *kind)
{
    if (kind_is_scalar(kind))
        return 1;
    if (copier_walk(self, kind) != NULL)
        return 0;
    PyObject *plan = copier_plan(self, kind);
    if (plan == NULL)
        return -1;
    int shared = plan_is(plan, SHARED);
    Py_DECREF(plan);
    return shared;
}

/* ---- 2 refusals ---- */

/* Raise what the policy has to say of a value of type `kind`; NULL. */
static PyObject *pass_refuse(Pass *pass, int reason, PyTypeObject *kind)
{
    PyObject *details = PyTuple_New(pass->details_count);
    if (details == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < pass->details_count; i++)
        PyTuple_SET_ITEM(details, i, Py_NewRef(pass->details[i]));
    PyObject *error = PyObject_CallFunction(pass->copier->refuse, "iOON", reason, kind, pass->where, details);
    if (error == NULL)
        return NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return NULL;
}

/* ---- 3 one object ---- */

/* The copy that `walk` makes, or the one that was made when `value` was met before. */
static PyObject *pass_make(Pass *pass, PyObject *value, PyObject *rule, Walk walk, Py_ssize_t depth, int aliased)
{
    if (!aliased)
        return walk(pass, value, rule, depth + 1);
    MemoEntry *known = memo_find(&pass->memo, value);
    if (known->original != NULL)
        return known->copy == NULL ? pass_refuse(pass, CYCLE, Py_TYPE(value)) : Py_NewRef(known->copy);
    if (memo_open(&pass->memo, value) < 0)
        return NULL;
    PyObject *made = walk(pass, value, rule, depth + 1);
    if (made != NULL)
        memo_close(&pass->memo, value, made);
    return made;
}

static PyObject *rule_walk(Pass *pass, PyObject *value, PyObject *rule, Py_ssize_t depth);

/* As pass_copy, for what is neither scalar nor container. */
static PyObject *pass_copy_planned(Pass *pass, PyObject *value, Py_ssize_t depth, int aliased)
{
    PyTypeObject *kind = (PyTypeObject *)Py_NewRef(Py_TYPE(value)); /* finding its plan may give `value` another */
    PyObject *result = NULL, *plan = copier_plan(pass->copier, kind);
    if (plan == NULL)
        goto done;
    if (plan_is(plan, SHARED))
        result = Py_NewRef(value);
    else if (plan_is(plan, MOVED))
        result = PyObject_GetAttrString(value, "value");
    else if (depth > pass->copier->depth_max)
        result = pass_refuse(pass, TOO_DEEP, kind);
    else if (plan_is(plan, REFUSED))
        result = pass_refuse(pass, UNKNOWN, kind);
    else
        result = pass_make(pass, value, plan, rule_walk, depth, aliased);
done:
    Py_XDECREF(plan);
    Py_DECREF(kind);
    return result;
}

PyObject *pass_copy(Pass *pass, PyObject *value, Py_ssize_t depth, int aliased)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (kind_is_scalar(kind))
        return Py_NewRef(value);
    Walk walk = copier_walk(pass->copier, kind);
    if (walk == NULL)
        return pass_copy_planned(pass, value, depth, aliased);
    if (depth > pass->copier->depth_max)
        return pass_refuse(pass, TOO_DEEP, kind);
    if (kind == &PyTuple_Type || kind == &PyFrozenSet_Type) {
        int shared = copier_shares_all(pass->copier, value);
        if (shared != 0)
            return shared < 0 ? NULL : Py_NewRef(value);
    }
    return pass_make(pass, value, NULL, walk, depth, aliased);
}

int pass_items(Pass *pass, PyObject *items, Py_ssize_t depth, Py_ssize_t holders)
{
    int changed = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        if (kind_is_scalar(Py_TYPE(item)))
            continue;
        Py_INCREF(item);
        PyObject *copy = pass_copy(pass, item, depth, Py_REFCNT(item) > holders);
        Py_DECREF(item);
        if (copy == NULL)
            return -1;
        changed |= copy != item;
        if (PyList_SetItem(items, i, copy) < 0)
            return -1;
    }
    return changed;
}

/* ---- 4 rules ---- */

/* A rule is (apart, build, frozen): `apart(value)` gives a list of parts, `build(value, copies)` the copy. */
static PyObject *rule_walk(Pass *pass, PyObject *value, PyObject *rule, Py_ssize_t depth)
{
    PyObject *made = NULL;
    if (!PyTuple_CheckExact(rule) || PyTuple_GET_SIZE(rule) != 3)
        return PyErr_Format(PyExc_TypeError, "got the plan %R, expected a rule (apart, build, frozen)", rule);
    PyObject *apart = PyTuple_GET_ITEM(rule, 0), *build = PyTuple_GET_ITEM(rule, 1);
    int frozen = PyTuple_GET_ITEM(rule, 2) == Py_True;
    PyObject *parts = PyObject_CallOneArg(apart, value);
    if (parts == NULL)
        return NULL;
    if (!PyList_CheckExact(parts)) {
        PyErr_Format(PyExc_TypeError, "%R gave %R, expected a list of parts", apart, parts);
        goto done;
    }
    int changed = pass_items(pass, parts, depth, UNKNOWN_HOLDERS);
    if (changed >= 0)
        made = frozen && !changed ? Py_NewRef(value) : PyObject_CallFunctionObjArgs(build, value, parts, NULL);
done:
    Py_DECREF(parts);
    return made;
}

/* ---- 5 Python methods: once per argument, message and result ---- */

static PyObject *copier_by_value(CopierObject *self, PyObject *value, PyObject *where, PyObject *const *details,
                                 Py_ssize_t details_count)
{
    if (kind_is_scalar(Py_TYPE(value)))
        return Py_NewRef(value);
    Pass pass = {.copier = self, .where = where, .details = details, .details_count = details_count};
    memo_init(&pass.memo);
    PyObject *result = pass_copy(&pass, value, 0, 1);
    memo_clear(&pass.memo);
    return result;
}

static PyObject *Copier_by_value(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 2) {
        PyErr_Format(PyExc_TypeError, "by_value() got %zd arguments, expected at least 2", count);
        return NULL;
    }
    return copier_by_value(SELF, arguments[0], arguments[1], arguments + 2, count - 2);
}

/* Argument `index` of a call of `name`, counted from 0. */
static PyObject *copier_argument(CopierObject *self, PyObject *value, Py_ssize_t index, PyObject *name)
{
    PyObject *number = PyLong_FromSsize_t(index + 1);
    if (number == NULL)
        return NULL;
    PyObject *details[] = {number, name};
    PyObject *result = copier_by_value(self, value, self->argument, details, 2);
    Py_DECREF(number);
    return result;
}

static PyObject *Copier_all_by_value(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("all_by_value", count, 2) < 0)
        return NULL;
    PyObject *values = arguments[0];
    if (!PyTuple_CheckExact(values)) {
        PyErr_Format(PyExc_TypeError, "all_by_value() got %R, expected a tuple", values);
        return NULL;
    }
    int shared = copier_shares_all(SELF, values);
    if (shared != 0)
        return shared < 0 ? NULL : Py_NewRef(values);
    PyObject *passed = PyList_New(0), *result = NULL;
    for (Py_ssize_t i = 0; passed != NULL && i < PyTuple_GET_SIZE(values); i++) {
        PyObject *value = copier_argument(SELF, PyTuple_GET_ITEM(values, i), i, arguments[1]);
        if (value == NULL || PyList_Append(passed, value) < 0)
            Py_CLEAR(passed);
        Py_XDECREF(value);
    }
    if (passed != NULL)
        result = PyList_AsTuple(passed);
    Py_XDECREF(passed);
    return result;
}

/* ---- 6 life cycle ---- */

static int copier_fill(CopierObject *self)
{
    self->argument = PyUnicode_FromString("argument %d of %s");
    PyObject *collections = PyImport_ImportModule("collections");
    if (collections != NULL)
        self->deque = PyObject_GetAttrString(collections, "deque");
    Py_XDECREF(collections);
    return self->argument == NULL || self->deque == NULL ? -1 : 0;
}

static PyObject *Copier_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"plans", "find_plan", "refuse", "depth_max", NULL};
    PyObject *plans, *find_plan, *refuse;
    Py_ssize_t depth_max;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!OOn:ValueCopier", names, &PyDict_Type, &plans, &find_plan,
                                     &refuse, &depth_max))
        return NULL;
    CopierObject *self = (CopierObject *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->plans = Py_NewRef(plans);
    self->find_plan = Py_NewRef(find_plan);
    self->refuse = Py_NewRef(refuse);
    self->depth_max = depth_max;
    if (copier_fill(self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int Copier_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->plans);
    Py_VISIT(SELF->find_plan);
    Py_VISIT(SELF->refuse);
    Py_VISIT(SELF->deque);
    return 0;
}

/* No tp_clear: a pass relies on what the copier holds. A cycle through it goes through plans or a function, which the
 * collector takes apart. */
static void Copier_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->plans);
    Py_XDECREF(SELF->find_plan);
    Py_XDECREF(SELF->refuse);
    Py_XDECREF(SELF->argument);
    Py_XDECREF(SELF->deque);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 7 type spec ---- */

static PyMethodDef copier_methods[] = {
    {"by_value", (PyCFunction)(void (*)(void))Copier_by_value, METH_FASTCALL,
     "by_value($self, value, where, /, *details)\n--\n\n"
     "What the receiver gets for ``value``; ``where % details`` names it in an error."},
    {"all_by_value", (PyCFunction)(void (*)(void))Copier_all_by_value, METH_FASTCALL,
     "all_by_value($self, values, name, /)\n--\n\nThe arguments of a call of ``name`` as its receiver gets them."},
    {NULL},
};

static PyType_Slot copier_slots[] = {
    {Py_tp_doc, "Passes values by the plans of their types: shared, moved, copied or refused."},
    {Py_tp_new, Copier_new},
    {Py_tp_traverse, Copier_traverse},
    {Py_tp_dealloc, Copier_dealloc},
    {Py_tp_methods, copier_methods},
    {0, NULL},
};

PyType_Spec copier_spec = {
    .name = "libactor._core._native.ValueCopier",
    .basicsize = sizeof(CopierObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = copier_slots,
};
