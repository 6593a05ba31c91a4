/* csrc/actor.c -- the ActorCell, base of libactor.Actor: its id and its process; and what is known of each class.
 *
 * Why C: constructing an actor was a quarter of its whole life (bench/: spawn+stop), and two entries of its __dict__.
 * Twin: libactor/_core/_actor.py, where the contract is written down; both pass tests/runtime/test_actor.py.
 * The id can only be set by __init__: whoever puts an actor in the table or prints its PID relies on text.
 * Layout: 1 kinds  2 ids  3 the cell  4 type specs
 */
#include "actor.h"
#include <structmember.h>

#define SELF ((ActorObject *)op)

/* ---- 1 kinds ---- */

int bound_read(CoreState *core, PyObject *bounded, uint32_t *capacity, unsigned char *overflow)
{
    if (core_require(core->bound_of, "bound_of") < 0)
        return -1;
    PyObject *read = PyObject_CallOneArg(core->bound_of, bounded);
    int answer = read != NULL && PyArg_ParseTuple(read, "Ib:bound_of", capacity, overflow) ? 0 : -1;
    Py_XDECREF(read);
    return answer;
}

/* What the class says of its mailboxes; -1 with an exception. */
static int kind_learn(CoreState *core, KindObject *self)
{
    PyObject *bounded = _PyType_Lookup(self->owner, core->text_mailbox);
    PyObject *control = _PyType_Lookup(self->owner, core->text_control);
    if (control != NULL && PyFrozenSet_CheckExact(control) && PySet_GET_SIZE(control) != 0)
        self->control = Py_NewRef(control);
    if (bounded == NULL || bounded == Py_None)
        return 0;
    Py_INCREF(bounded);
    int answer = bound_read(core, bounded, &self->capacity, &self->overflow);
    Py_DECREF(bounded);
    return answer;
}

static PyObject *kind_new(CoreState *core, PyTypeObject *owner)
{
    PyObject *name = ((PyHeapTypeObject *)owner)->ht_name;
    PyObject *text = PyUnicode_FromObject(name); /* a subclass may have a lower() of its own */
    PyObject *prefix = text == NULL ? NULL : PyObject_CallMethod(text, "lower", NULL);
    Py_XDECREF(text);
    KindObject *self = prefix == NULL ? NULL : PyObject_New(KindObject, (PyTypeObject *)core->kind_type);
    if (self == NULL) {
        Py_XDECREF(prefix);
        return NULL;
    }
    self->owner = owner;
    self->name = Py_NewRef(name);
    self->prefix = prefix;
    self->control = NULL;
    self->capacity = 0;
    self->overflow = DROP_NEW;
    self->quick = 0;
    if (kind_learn(core, self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

KindObject *kind_of(CoreState *core, PyTypeObject *type)
{
    PyObject *found = _PyType_Lookup(type, core->text_kind);
    if (found != NULL && Py_IS_TYPE(found, (PyTypeObject *)core->kind_type)) {
        KindObject *known = (KindObject *)found;
        if (known->owner == type && known->name == ((PyHeapTypeObject *)type)->ht_name)
            return known;
    }
    PyObject *made = kind_new(core, type);
    if (made == NULL || PyType_Type.tp_setattro((PyObject *)type, core->text_kind, made) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    Py_DECREF(made); /* the class has it */
    return (KindObject *)made;
}

static void Kind_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    Py_DECREF(((KindObject *)op)->name);
    Py_DECREF(((KindObject *)op)->prefix);
    Py_XDECREF(((KindObject *)op)->control);
    PyObject_Free(op);
    Py_DECREF(type);
}

/* ---- 2 ids ---- */

/* `prefix`, of ASCII characters, followed by `number` in parentheses. */
static PyObject *id_text(PyObject *prefix, long long number)
{
    char digits[20];
    Py_ssize_t length = PyUnicode_GET_LENGTH(prefix), count = 0;
    for (long long rest = number; rest != 0; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    PyObject *id = PyUnicode_New(length + count + 2, 127);
    if (id == NULL)
        return NULL;
    char *text = (char *)PyUnicode_1BYTE_DATA(id);
    memcpy(text, PyUnicode_1BYTE_DATA(prefix), (size_t)length);
    text += length;
    *text++ = '(';
    while (count > 0)
        *text++ = digits[--count];
    *text = ')';
    return id;
}

PyObject *generate_id(CoreState *core, PyObject *prefix)
{
    PyObject *last = PyDict_GetItemWithError(core->sequences, prefix);
    if (last == NULL && PyErr_Occurred())
        return NULL;
    long long number = last == NULL ? 1 : PyLong_AsLongLong(last) + 1;
    PyObject *next = PyLong_FromLongLong(number);
    if (next == NULL || PyDict_SetItem(core->sequences, prefix, next) < 0) {
        Py_XDECREF(next);
        return NULL;
    }
    Py_DECREF(next);
    if (PyUnicode_IS_COMPACT_ASCII(prefix))
        return id_text(prefix, number);
    return PyUnicode_FromFormat("%U(%lld)", prefix, number);
}

PyObject *native_generate_id(PyObject *module, PyObject *prefix)
{
    if (!PyUnicode_Check(prefix))
        return PyErr_Format(PyExc_TypeError, "generate_id: got %R, expected text", prefix);
    PyObject *exact = PyUnicode_FromObject(prefix); /* a subclass may have a hash of its own */
    PyObject *id = exact == NULL ? NULL : generate_id(PyModule_GetState(module), exact);
    Py_XDECREF(exact);
    return id;
}

PyObject *native_exchange_sequences(PyObject *module, PyObject *sequences)
{
    CoreState *core = PyModule_GetState(module);
    if (!PyDict_CheckExact(sequences))
        return PyErr_Format(PyExc_TypeError, "exchange_sequences: got %R, expected a dict", sequences);
    PyObject *before = core->sequences;
    core->sequences = Py_NewRef(sequences);
    return before;
}

/* ---- 3 the cell ---- */

/* The id that was asked for, a new reference; NULL with the error by which policy refuses it. */
static PyObject *id_given(CoreState *core, PyObject *id)
{
    if (PyUnicode_Check(id) && PyUnicode_GET_LENGTH(id) > 0) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(id);
        if (PyUnicode_FindChar(id, '@', 0, length, 1) == -1 && PyUnicode_FindChar(id, '/', 0, length, 1) == -1)
            return PyUnicode_FromObject(id);
    }
    PyObject *error = core_require(core->refuse_id, "refuse_id") < 0 ? NULL : PyObject_CallOneArg(core->refuse_id, id);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

static int ActorCell_init(PyObject *op, PyObject *arguments, PyObject *keywords)
{
    CoreState *core = PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(op), &core_module));
    PyObject *id = Py_None;
    if (PyTuple_GET_SIZE(arguments) != 0 || keywords != NULL) {
        static char *names[] = {"id", NULL};
        if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:Actor", names, &id))
            return -1;
    }
    if (id != Py_None)
        id = id_given(core, id);
    else {
        KindObject *kind = kind_of(core, Py_TYPE(op));
        id = kind == NULL ? NULL : generate_id(core, kind->prefix);
    }
    if (id == NULL)
        return -1;
    Py_XSETREF(SELF->id, id);
    return 0;
}

static int ActorCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->process);
    return 0;
}

static int ActorCell_clear(PyObject *op)
{
    Py_CLEAR(SELF->process);
    return 0;
}

static void ActorCell_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    Py_CLEAR(SELF->process);
    Py_CLEAR(SELF->id);
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 4 type specs ---- */

static PyMemberDef actor_members[] = {
    {"_libactor_id", T_OBJECT_EX, offsetof(ActorObject, id), READONLY, "The name of the actor in its runtime."},
    {"_libactor_process", T_OBJECT, offsetof(ActorObject, process), 0,
     "The runtime's side of it; None before it is spawned."},
    {NULL},
};

static PyType_Slot actor_slots[] = {
    {Py_tp_doc, "What the runtime needs of an actor: its id and its process."},
    {Py_tp_init, ActorCell_init},
    {Py_tp_traverse, ActorCell_traverse},
    {Py_tp_clear, ActorCell_clear},
    {Py_tp_dealloc, ActorCell_dealloc},
    {Py_tp_members, actor_members},
    {0, NULL},
};

PyType_Spec actor_spec = {
    .name = "libactor._core._native.ActorCell",
    .basicsize = sizeof(ActorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = actor_slots,
};

static PyType_Slot kind_slots[] = {
    {Py_tp_doc, "What the core knows of one class of actors."},
    {Py_tp_dealloc, Kind_dealloc},
    {0, NULL},
};

PyType_Spec kind_spec = {
    .name = "libactor._core._native.Kind",
    .basicsize = sizeof(KindObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kind_slots,
};
