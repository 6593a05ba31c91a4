/* csrc/pid.c -- the PID: the address of one actor.
 *
 * Why C: one is made for each actor, and looked into for each message (bench/: spawn+stop). Twin: libactor/_core/_pid.py;
 * both pass tests/runtime/test_pid.py. Nothing can be assigned; a restart has it lead to the next incarnation.
 * Layout: 1 making and looking  2 Python methods  3 life cycle  4 type spec
 */
#include "pid.h"

#define SELF ((PIDObject *)op)

/* ---- 1 making and looking ---- */

PyObject *pid_new(CoreState *core, PyObject *id, PyObject *address, PyObject *process)
{
    PIDObject *self = PyObject_GC_New(PIDObject, (PyTypeObject *)core->pid_type);
    if (self == NULL)
        return NULL;
    self->weak_references = NULL;
    self->id = Py_NewRef(id);
    self->address = Py_NewRef(address);
    self->process = Py_NewRef(process);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

MailboxObject *pid_receiver(CoreState *core, PyObject *pid, const char *operation)
{
    if (!Py_IS_TYPE(pid, (PyTypeObject *)core->pid_type))
        return (void *)PyErr_Format(PyExc_TypeError, "%s: got %R, expected a PID, as spawn returns it", operation, pid);
    MailboxObject *mailbox = pid_mailbox(pid);
    if (mailbox->queue != NULL)
        return (MailboxObject *)Py_NewRef((PyObject *)mailbox);
    return (void *)PyErr_Format(PyExc_RuntimeError, "%s: %S is being collected, with its runtime that was never closed",
                                operation, pid);
}

/* ---- 2 Python methods ---- */

static PyObject *PID_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"id", "address", "process", NULL};
    PyObject *id, *address, *process;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "UUO:PID", names, &id, &address, &process) ||
        mailbox_check(process, "PID") < 0)
        return NULL;
    if (((MailboxObject *)process)->runtime == NULL)
        return PyErr_Format(PyExc_TypeError, "PID: got a bare mailbox, expected the process of an actor");
    return pid_new(PyType_GetModuleState(type), id, address, process);
}

static PyObject *PID_compare(PyObject *op, PyObject *other, int operation)
{
    if (!Py_IS_TYPE(other, Py_TYPE(op)) || (operation != Py_EQ && operation != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    PIDObject *one = SELF, *two = (PIDObject *)other;
    int equal = one == two || (PyUnicode_Compare(one->id, two->id) == 0 &&
                               PyUnicode_Compare(one->address, two->address) == 0);
    if (PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t PID_hash(PyObject *op)
{
    Py_hash_t id = PyObject_Hash(SELF->id), address = id == -1 ? -1 : PyObject_Hash(SELF->address);
    if (address == -1)
        return -1;
    Py_hash_t hash = (Py_hash_t)((size_t)id * 1000003u ^ (size_t)address);
    return hash == -1 ? -2 : hash;
}

static PyObject *PID_str(PyObject *op)
{
    return PyUnicode_FromFormat("%U@%U", SELF->id, SELF->address);
}

static PyObject *PID_repr(PyObject *op)
{
    return PyUnicode_FromFormat("<PID %U@%U>", SELF->id, SELF->address);
}

/* As copy.copy and copy.deepcopy have it of whatever cannot change. */
static PyObject *PID_copy(PyObject *op, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(op);
}

/* ---- 3 life cycle ---- */

static int PID_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->process); /* no tp_clear: the process lets go of its PID */
    return 0;
}

static void PID_dealloc(PyObject *op)
{
    MailboxObject *mailbox = pid_mailbox(op);
    if (mailbox->lent && mailbox->pid == op) {
        mailbox->lent = 0;
        if (Py_REFCNT(mailbox) != 1) {
            _Py_NewReference(op); /* somebody else has the mailbox: it owns its PID again */
            return;
        }
        mailbox->pid = NULL;
    }
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, PID_dealloc)
    if (SELF->weak_references != NULL)
        PyObject_ClearWeakRefs(op);
    PyTypeObject *type = Py_TYPE(op);
    Py_DECREF(SELF->id);
    Py_DECREF(SELF->address);
    Py_DECREF(SELF->process);
    PyObject_GC_Del(op);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* ---- 4 type spec ---- */

static PyMethodDef pid_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "PID[Counter]: the type of the PIDs of counters."},
    {"__copy__", PID_copy, METH_NOARGS, "__copy__($self, /)\n--\n\nItself: it cannot change."},
    {"__deepcopy__", PID_copy, METH_O, "__deepcopy__($self, memo, /)\n--\n\nItself: it cannot change."},
    {NULL},
};

static PyMemberDef pid_members[] = {
    {"id", T_OBJECT_EX, offsetof(PIDObject, id), READONLY, "The name of the actor within its runtime."},
    {"address", T_OBJECT_EX, offsetof(PIDObject, address), READONLY, "Of its runtime."},
    {"_process", T_OBJECT_EX, offsetof(PIDObject, process), READONLY, "Its mailbox."},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(PIDObject, weak_references), Py_READONLY, NULL},
    {NULL},
};

static PyType_Slot pid_slots[] = {
    {Py_tp_doc, "``id@address`` of an actor; stays valid, and equal, after the actor has stopped.\n\n"
                "``PID[Counter]`` is one of an actor of class ``Counter``; it serves wherever one of its base is expected."},
    {Py_tp_new, PID_new},
    {Py_tp_richcompare, PID_compare},
    {Py_tp_hash, PID_hash},
    {Py_tp_str, PID_str},
    {Py_tp_repr, PID_repr},
    {Py_tp_traverse, PID_traverse},
    {Py_tp_dealloc, PID_dealloc},
    {Py_tp_methods, pid_methods},
    {Py_tp_members, pid_members},
    {0, NULL},
};

PyType_Spec pid_spec = {
    .name = "libactor.PID",
    .basicsize = sizeof(PIDObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pid_slots,
};
