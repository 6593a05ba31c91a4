/* csrc/values.c -- the ValueCopier: one value as its receiver gets it.
 *
 * Why C: every argument, message and result goes through it (bench/). Twin: libactor/_core/_values.py; both pass
 * tests/runtime/test_values.py. Policy stays in Python (libactor/_core/values.py): which classes are shared, what a
 * dataclass or a struct consists of, how an exception is made afresh, and what an error says.
 * Aliases: an object is looked up in the memo only if more hold it than the one it was found in: most are held once.
 * The stack: at most depth_max walks deep, whatever the value.
 * Layout: 1 plans  2 refusals  3 one object  4 one value, one call  5 life cycle  6 type spec
 */
#include "moved.h"
#include "values.h"

#define SELF ((CopierObject *)op)

/* ---- 1 plans ---- */

/* A new reference to the plan for `kind`, which is no container; NULL with an error. */
static PyObject *copier_plan(CopierObject *self, PyTypeObject *kind)
{
    Py_INCREF(kind); /* the __hash__ of its metaclass may take the last instance away from it */
    PyObject *plan = Py_XNewRef(PyDict_GetItemWithError(self->plans, (PyObject *)kind));
    if (plan == NULL && !PyErr_Occurred())
        plan = PyObject_CallOneArg(self->find_plan, (PyObject *)kind);
    Py_DECREF(kind);
    return plan;
}

static inline int plan_is(PyObject *plan, long wanted)
{
    return PyLong_CheckExact(plan) && PyLong_AsLong(plan) == wanted;
}

int copier_moves(PyObject *copier, PyTypeObject *kind)
{
    PyObject *plan = PyDict_GetItemWithError(((CopierObject *)copier)->plans, (PyObject *)kind);
    if (plan == NULL)
        PyErr_Clear(); /* a class that cannot be looked up is none of ours */
    return plan != NULL && plan_is(plan, MOVED);
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

PyObject *pass_details(Pass *pass)
{
    if (pass->name != NULL) {
        Py_ssize_t named = pass->keywords == NULL ? 0 : PyTuple_GET_SIZE(pass->keywords);
        Py_ssize_t place = pass->index - (pass->count - named);
        if (place >= 0)
            return PyTuple_Pack(2, PyTuple_GET_ITEM(pass->keywords, place), pass->name);
        return Py_BuildValue("(nO)", pass->index + 1, pass->name);
    }
    PyObject *details = PyTuple_New(pass->details_count);
    for (Py_ssize_t i = 0; details != NULL && i < pass->details_count; i++)
        PyTuple_SET_ITEM(details, i, Py_NewRef(pass->details[i]));
    return details;
}

/* Raise what the policy has to say of a value of type `kind`; NULL. */
static PyObject *pass_refuse(Pass *pass, int reason, PyTypeObject *kind)
{
    PyObject *details = pass_details(pass);
    if (details == NULL)
        return NULL;
    PyObject *where = pass->name == NULL ? pass->where : pass->copier->argument;
    PyObject *error = PyObject_CallFunction(pass->copier->refuse, "iOON", reason, kind, where, details);
    if (error == NULL)
        return NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return NULL;
}

/* ---- 3 one object ---- */

/* The copy that `walk` makes, or the one that was made when `value` was met before. */
static PyObject *pass_make(Pass *pass, PyObject *value, PyObject *plan, Walk walk, Py_ssize_t depth, int aliased)
{
    if (!aliased)
        return walk(pass, value, plan, depth + 1);
    MemoEntry *known = memo_find(&pass->memo, value);
    if (known->original != NULL)
        return known->copy == NULL ? pass_refuse(pass, CYCLE, Py_TYPE(value)) : Py_NewRef(known->copy);
    if (memo_open(&pass->memo, value) < 0)
        return NULL;
    PyObject *made = walk(pass, value, plan, depth + 1);
    if (made != NULL)
        memo_close(&pass->memo, value, made);
    return made;
}

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
        result = moved_check(value) ? Py_NewRef(((MovedObject *)value)->value) : PyObject_GetAttrString(value, "value");
    else if (depth > pass->copier->depth_max)
        result = pass_refuse(pass, TOO_DEEP, kind);
    else if (plan_is(plan, REFUSED))
        result = pass_refuse(pass, UNKNOWN, kind);
    else
        result = pass_make(pass, value, plan, object_walk, depth, aliased);
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

int pass_items(Pass *pass, PyObject *items, Py_ssize_t depth)
{
    int changed = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        if (kind_is_scalar(Py_TYPE(item)))
            continue;
        Py_INCREF(item);
        PyObject *copy = pass_copy(pass, item, depth, Py_REFCNT(item) > UNALIASED);
        Py_DECREF(item);
        if (copy == NULL)
            return -1;
        changed |= copy != item;
        if (PyList_SetItem(items, i, copy) < 0)
            return -1;
    }
    return changed;
}

/* ---- 4 one value, one call: once per argument, message and result ---- */

PyObject *copier_pass_one(CopierObject *self, PyObject *value, PyObject *where, PyObject *const *details,
                          Py_ssize_t details_count)
{
    Pass pass = {.copier = self, .where = where, .details = details, .details_count = details_count};
    if (pass_is_watched(&pass, &value, 1) < 0)
        return NULL;
    memo_init(&pass.memo);
    PyObject *result = pass_copy(&pass, value, 0, 1);
    memo_clear(&pass.memo);
    return result;
}

/* Pass the arguments from pass->index on. */
static int pass_arguments(Pass *pass, PyObject **values)
{
    int answer = 0;
    memo_init(&pass->memo);
    for (; answer == 0 && pass->index < pass->count; pass->index++) {
        PyObject *copy = pass_copy(pass, values[pass->index], 0, 1);
        if (copy == NULL)
            answer = -1;
        else
            Py_SETREF(values[pass->index], copy);
    }
    memo_clear(&pass->memo);
    return answer;
}

int copier_pass_from(CopierObject *self, PyObject **values, Py_ssize_t first, Py_ssize_t count, PyObject *keywords,
                     PyObject *name)
{
    Pass pass = {.copier = self, .name = name, .keywords = keywords, .count = count, .index = first};
    if (pass_is_watched(&pass, values, count) < 0)
        return -1;
    for (; pass.index < count; pass.index++) {
        if (moved_check(values[pass.index])) {
            Py_SETREF(values[pass.index], Py_NewRef(((MovedObject *)values[pass.index])->value));
            continue;
        }
        int shared = copier_shares(self, Py_TYPE(values[pass.index]));
        if (shared <= 0)
            return shared < 0 ? -1 : pass_arguments(&pass, values);
    }
    return 0;
}

static PyObject *Copier_moves(PyObject *op, PyObject *kind)
{
    if (!PyType_Check(kind))
        return PyErr_Format(PyExc_TypeError, "moves() got %R, expected a class", kind);
    return PyBool_FromLong(copier_moves(op, (PyTypeObject *)kind));
}

static PyObject *Copier_by_value(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 2) {
        PyErr_Format(PyExc_TypeError, "by_value() got %zd arguments, expected at least 2", count);
        return NULL;
    }
    return copier_pass(op, arguments[0], arguments[1], arguments + 2, count - 2);
}

/* 0 if `arguments` are those of all_by_value, else -1 with TypeError. */
static int copier_check_call(PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 && count != 3)
        PyErr_Format(PyExc_TypeError, "all_by_value() got %zd arguments, expected 2 or 3", count);
    else if (!PyTuple_CheckExact(arguments[0]))
        PyErr_Format(PyExc_TypeError, "all_by_value() got %R, expected a tuple", arguments[0]);
    else if (count == 3 && !PyTuple_CheckExact(arguments[2]))
        PyErr_Format(PyExc_TypeError, "all_by_value() got the names %R, expected a tuple", arguments[2]);
    else if (count == 3 && PyTuple_GET_SIZE(arguments[2]) > PyTuple_GET_SIZE(arguments[0]))
        PyErr_Format(PyExc_TypeError, "all_by_value() got the names %R, expected at most one for each value",
                     arguments[2]);
    else
        return 0;
    return -1;
}

static PyObject *Copier_all_by_value(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (copier_check_call(arguments, count) < 0)
        return NULL;
    PyObject *values = arguments[0], *result = NULL, *keywords = count == 3 ? arguments[2] : NULL;
    int shared = SELF->passed == NULL ? copier_shares_all(SELF, values) : 0;
    if (shared != 0)
        return shared < 0 ? NULL : Py_NewRef(values);
    Py_ssize_t size = PyTuple_GET_SIZE(values);
    PyObject **passed = PyMem_New(PyObject *, size);
    if (passed == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < size; i++)
        passed[i] = Py_NewRef(PyTuple_GET_ITEM(values, i));
    if (copier_pass_call(op, passed, size, keywords, arguments[1]) == 0)
        result = PyTuple_New(size);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (result != NULL)
            PyTuple_SET_ITEM(result, i, passed[i]);
        else
            Py_DECREF(passed[i]);
    }
    PyMem_Free(passed);
    return result;
}

/* ---- 5 life cycle ---- */

static int copier_fill(CopierObject *self)
{
    self->argument = PyUnicode_FromString("argument %s of %s");
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
    Py_VISIT(SELF->passed);
    Py_VISIT(SELF->delivered);
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
    Py_XDECREF(SELF->passed);
    Py_XDECREF(SELF->delivered);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 6 type spec ---- */

static PyMethodDef copier_methods[] = {
    {"moves", Copier_moves, METH_O,
     "moves($self, kind, /)\n--\n\nWhether values of this type hand over what they hold: those that move() makes."},
    {"by_value", (PyCFunction)(void (*)(void))Copier_by_value, METH_FASTCALL,
     "by_value($self, value, where, /, *details)\n--\n\n"
     "What the receiver gets for ``value``; ``where % details`` names it in an error."},
    {"all_by_value", (PyCFunction)(void (*)(void))Copier_all_by_value, METH_FASTCALL,
     "all_by_value($self, values, name, keywords=(), /)\n--\n\n"
     "The arguments of a call of ``name`` as its receiver gets them; ``keywords`` name the last of them."},
    {"watch", (PyCFunction)(void (*)(void))Copier_watch, METH_FASTCALL,
     "watch($self, passed, delivered, /)\n--\n\n"
     "Call ``passed(values, places)`` before values pass, and ``delivered(values)`` before their receiver gets them;\n"
     "None and None: no more. What they raise, the sender gets, and the receiver."},
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
