/* csrc/module.c -- the module libactor._core._native: the types of the C core, its constants and its policy.
 *
 * Who imports it: libactor/_core/_impl.py, and nobody else. One instance per interpreter, each with a state of its own.
 * Needs the GIL: the types rely on it for atomicity, and a build without the GIL turns it on at import.
 * Layout: 1 policy  2 contents  3 life cycle  4 definition
 */
#include "core.h"
#include "hops.h"

/* ---- 1 policy ---- */

static const struct {
    const char *name;
    size_t offset; /* of the owned PyObject * in CoreState */
} policies[] = {
    {"future_type", offsetof(CoreState, future_type)}, {"get_slowly", offsetof(CoreState, get_slowly)},
    {"copy_value", offsetof(CoreState, copy_value)},   {"pass_answer", offsetof(CoreState, pass_answer)},
};

static PyObject **policy_slot(CoreState *state, size_t index)
{
    return (PyObject **)((char *)state + policies[index].offset);
}

static int policy_set(CoreState *state, PyObject *name, PyObject *value)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        if (PyUnicode_CompareWithASCIIString(name, policies[i].name) == 0) {
            Py_XSETREF(*policy_slot(state, i), Py_NewRef(value));
            return 0;
        }
    PyErr_Format(PyExc_TypeError, "configure() got the unknown name %R", name);
    return -1;
}

static PyObject *native_configure(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (core_check_count("configure", count, 0) < 0)
        return NULL;
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
        if (policy_set(PyModule_GetState(module), PyTuple_GET_ITEM(names, i), arguments[i]) < 0)
            return NULL;
    Py_RETURN_NONE;
}

static PyObject *native_set_reporters(PyObject *module, PyObject *arguments, PyObject *keywords)
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

static PyMethodDef native_functions[] = {
    {"set_reporters", (PyCFunction)(void (*)(void))native_set_reporters, METH_VARARGS | METH_KEYWORDS,
     "set_reporters($module, /, unobserved, callback)\n--\n\n"
     "Name who hears of failures that have no other place to go.\n\n"
     "``unobserved(exception)``: a future failed and went away before anybody looked. ``callback(function,\n"
     "exception)``: a callback of a future raised; the completing thread is not at fault and goes on."},
    {"configure", (PyCFunction)(void (*)(void))native_configure, METH_FASTCALL | METH_KEYWORDS,
     "configure($module, /, **policy)\n--\n\nName what the core asks Python for: see libactor/_core/_policy.py."},
    {"hop", (PyCFunction)(void (*)(void))native_hop, METH_FASTCALL,
     "hop($module, function, /, *arguments)\n--\n\n"
     "Go on to the next future of a chain; when HOPS_MAX stand on the stack, as soon as it has unwound."},
    {"hop_on", native_hop_on, METH_NOARGS,
     "hop_on($module, /)\n--\n\nMake the hops that were put off: before the calling thread waits for one."},
    {NULL},
};

/* ---- 2 contents ---- */

static const struct {
    const char *name;
    int value;
} constants[] = {
    {"PENDING", PENDING},     {"READY", READY},           {"FAILED", FAILED},
    {"DISCARDED", DISCARDED}, {"ON_READY", ON_READY},     {"ON_FAILED", ON_FAILED},
    {"ON_ANY", ON_ANY},       {"ON_DISCARD", ON_DISCARD}, {"ON_DISCARDED", ON_DISCARDED},
    {"QUEUED", QUEUED},       {"WAKE", WAKE},             {"ON_ABANDONED", ON_ABANDONED},
    {"CLOSED", CLOSED},       {"SHARED", SHARED},         {"MOVED", MOVED},
    {"REFUSED", REFUSED},     {"TOO_DEEP", TOO_DEEP},     {"CYCLE", CYCLE},
    {"UNKNOWN", UNKNOWN},
};

static int native_add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL)
        return -1;
    int answer = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return answer;
}

/* What the core itself looks up by its state. */
static int native_fill(PyObject *module)
{
    CoreState *state = PyModule_GetState(module);
    state->cell_type = PyObject_GetAttrString(module, "FutureCell");
    state->future_type = Py_XNewRef(state->cell_type);
    return state->cell_type == NULL ? -1 : 0;
}

static int native_exec(PyObject *module)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(constants); i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    if (native_add_type(module, &future_spec) < 0 || native_fill(module) < 0)
        return -1;
    if (native_add_type(module, &promise_spec) < 0)
        return -1;
    if (native_add_type(module, &mailbox_spec) < 0)
        return -1;
    if (native_add_type(module, &run_queue_spec) < 0)
        return -1;
    return native_add_type(module, &copier_spec);
}

/* ---- 3 life cycle ---- */

static int native_traverse(PyObject *module, visitproc visit, void *arg)
{
    CoreState *state = PyModule_GetState(module);
    Py_VISIT(state->report_unobserved);
    Py_VISIT(state->report_callback);
    Py_VISIT(state->cell_type);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        Py_VISIT(*policy_slot(state, i));
    return 0;
}

static int native_clear(PyObject *module)
{
    CoreState *state = PyModule_GetState(module);
    Py_CLEAR(state->report_unobserved);
    Py_CLEAR(state->report_callback);
    Py_CLEAR(state->cell_type);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(policies); i++)
        Py_CLEAR(*policy_slot(state, i));
    return 0;
}

static void native_free(void *module)
{
    native_clear(module);
}

/* ---- 4 definition ---- */

static PyModuleDef_Slot native_slots[] = {
    {Py_mod_exec, native_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "libactor._core._native",
    .m_doc = "The core of libactor in C; libactor/_core/_impl.py chooses between it and its Python twin.",
    .m_size = sizeof(CoreState),
    .m_methods = native_functions,
    .m_slots = native_slots,
    .m_traverse = native_traverse,
    .m_clear = native_clear,
    .m_free = native_free,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&core_module);
}
