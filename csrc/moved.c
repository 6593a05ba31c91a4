/* csrc/moved.c -- Moved: a value on its way to its one receiver, and move(), which puts it there.
 *
 * Why C: it is made and let go once for every value that is handed over (bench: move-extra). Twin:
 * libactor/_core/_moved.py. Who takes the value out: values.c, by the plan MOVED of this type.
 * Layout: 1 object  2 function of the module  3 type spec
 */
#include "moved.h"

/* ---- 1 object ---- */

#define SELF ((MovedObject *)op)

static int Moved_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->value);
    return 0;
}

static int Moved_clear(PyObject *op)
{
    Py_CLEAR(SELF->value);
    return 0;
}

void Moved_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Moved_clear(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

/* ---- 2 function of the module ---- */

PyObject *native_move(PyObject *module, PyObject *value)
{
    CoreState *core = PyModule_GetState(module);
    if (Py_IS_TYPE(value, (PyTypeObject *)core->moved_type))
        return Py_NewRef(value); /* it is on its way already */
    MovedObject *moved = PyObject_GC_New(MovedObject, (PyTypeObject *)core->moved_type);
    if (moved == NULL)
        return NULL;
    moved->value = (PyObject *)Py_TYPE(value) == core->owned_type ? PyObject_CallMethod(value, "release", NULL)
                                                                  : Py_NewRef(value);
    if (moved->value == NULL)
        Py_CLEAR(moved);
    else
        PyObject_GC_Track((PyObject *)moved);
    return (PyObject *)moved;
}

/* ---- 3 type spec ---- */

static PyMemberDef moved_members[] = {
    {"value", Py_T_OBJECT_EX, offsetof(MovedObject, value), Py_READONLY, "What is handed over."},
    {NULL},
};

static PyType_Slot moved_slots[] = {
    {Py_tp_doc, "A value on its way: see ``move``."},
    {Py_tp_traverse, Moved_traverse},
    {Py_tp_clear, Moved_clear},
    {Py_tp_dealloc, Moved_dealloc},
    {Py_tp_members, moved_members},
    {0, NULL},
};

PyType_Spec moved_spec = {
    .name = "libactor._core._native.Moved",
    .basicsize = sizeof(MovedObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = moved_slots,
};
