/* csrc/policy.c -- what the C core is told by Python once: the types and functions by which it decides what is not its own.
 *
 * Who calls: libactor/_core/__init__.py at import, by configure() and set_reporters(); module.c, when the module goes.
 * Needs the GIL. Each policy is an owned reference in CoreState, NULL until it is set.
 */
#include "policy.h"
#include "mailbox.h"

static const struct {
    const char *name;
    size_t offset; /* of the owned PyObject * in CoreState */
} policies[] = {
    {"future_type", offsetof(CoreState, future_type)}, {"get_slowly", offsetof(CoreState, get_slowly)},
    {"copy_value", offsetof(CoreState, copy_value)},   {"pass_answer", offsetof(CoreState, pass_answer)},
    {"process_type", offsetof(CoreState, process_type)}, {"opened", offsetof(CoreState, opened)},
    {"current_runtime", offsetof(CoreState, current_runtime)}, {"refuse_id", offsetof(CoreState, refuse_id)},
    {"terminate_event", offsetof(CoreState, terminate_event)},
    {"bound_of", offsetof(CoreState, bound_of)},
    {"may_block", offsetof(CoreState, may_block)},
    {"method_name", offsetof(CoreState, method_name)},
    {"owned_type", offsetof(CoreState, owned_type)},
    {"running_loop", offsetof(CoreState, running_loop)},
    {"copier", offsetof(CoreState, copier)},
    {"defer_slowly", offsetof(CoreState, defer_slowly)},
    {"moved_error", offsetof(CoreState, moved_error)},
    {"discarded_error", offsetof(CoreState, discarded_error)},
    {"is_exclusive", offsetof(CoreState, is_exclusive)},
    {"refuse_awaited", offsetof(CoreState, refuse_awaited)},
    {"explain_escaped", offsetof(CoreState, explain_escaped)},
};

static PyObject **policy_slot(CoreState *state, size_t index)
{
    return (PyObject **)((char *)state + policies[index].offset);
}

/* 0 if the core may make futures of `kind`, else -1 with TypeError. */
static int policy_check_future(CoreState *state, PyObject *kind)
{
    PyTypeObject *type = (PyTypeObject *)kind, *base = (PyTypeObject *)state->cell_type;
    if (PyType_Check(kind) && PyType_IsSubtype(type, base) &&
        core_adds_no_fields(type, (size_t)base->tp_basicsize, base->tp_weaklistoffset))
        return 0;
    PyErr_Format(PyExc_TypeError, "configure() got %R as future_type, expected a subclass of FutureCell that adds no "
                 "fields", kind);
    return -1;
}

/* 0 if spawn may make processes of `kind`, else -1 with TypeError. */
static int policy_check_process(PyObject *kind)
{
    PyTypeObject *type = PyType_Check(kind) ? (PyTypeObject *)kind : NULL;
    while (type != NULL && type->tp_dealloc != Mailbox_dealloc)
        type = type->tp_base;
    if (type != NULL)
        return 0;
    PyErr_Format(PyExc_TypeError, "configure() got %R as process_type, expected a subclass of Mailbox", kind);
    return -1;
}

static int policy_set(CoreState *state, PyObject *name, PyObject *value)
{
    if (PyUnicode_CompareWithASCIIString(name, "future_type") == 0 && policy_check_future(state, value) < 0)
        return -1;
    if (PyUnicode_CompareWithASCIIString(name, "process_type") == 0 && policy_check_process(value) < 0)
        return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        if (PyUnicode_CompareWithASCIIString(name, policies[i].name) == 0) {
            Py_XSETREF(*policy_slot(state, i), Py_NewRef(value));
            return 0;
        }
    PyErr_Format(PyExc_TypeError, "configure() got the unknown name %R", name);
    return -1;
}

PyObject *policy_configure(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (core_check_count("configure", count, 0) < 0)
        return NULL;
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
        if (policy_set(PyModule_GetState(module), PyTuple_GET_ITEM(names, i), arguments[i]) < 0)
            return NULL;
    Py_RETURN_NONE;
}

PyObject *policy_set_reporters(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"unobserved", "callback", NULL};
    PyObject *unobserved, *callback;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO:set_reporters", names, &unobserved, &callback))
        return NULL;
    CoreState *state = PyModule_GetState(module);
    Py_XSETREF(state->report_unobserved, Py_NewRef(unobserved));
    Py_XSETREF(state->report_callback, Py_NewRef(callback));
    Py_RETURN_NONE;
}

int policy_traverse(CoreState *state, visitproc visit, void *arg)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        Py_VISIT(*policy_slot(state, i));
    return 0;
}

void policy_clear(CoreState *state)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        Py_CLEAR(*policy_slot(state, i));
}
