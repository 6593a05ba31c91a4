/* csrc/core.h -- what the files of the C core share: module state, type specs, small helpers.
 *
 * Who includes it: every .c file here. Sources of one extension module, libactor._core._native.
 * No globals: whatever a module instance needs is in CoreState, so that subinterpreters keep apart. The one exception
 *   is each thread's own: how deep it is in callbacks (callbacks.h).
 * Layout: 1 names of the Python twins  2 module state  3 helpers
 */
#ifndef LIBACTOR_CORE_H
#define LIBACTOR_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#define Py_T_OBJECT_EX T_OBJECT_EX
#endif

/* ---- 1 names of the Python twins ---- */

/* As in libactor/_core/_future.py. The three outcomes have the same number as state and as kind minus one. */
enum { PENDING, READY, FAILED, DISCARDED };
enum { ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED };

/* As in libactor/_core/_mailbox.py. */
enum { QUEUED, WAKE, CLOSED };

/* As in libactor/_core/_values.py. */
enum { SHARED, MOVED, REFUSED };
enum { TOO_DEEP, CYCLE, UNKNOWN };

/* ---- 2 module state ---- */

typedef struct {
    PyObject *report_unobserved; /* owned; NULL until set_reporters: then nothing is reported */
    PyObject *report_callback;   /* owned; as above */
    /* What the core asks Python for; configure() sets each, by the name it has here. Owned; NULL until then. */
    PyObject *future_type; /* the class of the futures that the core makes: libactor.Future */
} CoreState;

extern PyModuleDef core_module;
extern PyType_Spec future_spec;
extern PyType_Spec mailbox_spec;
extern PyType_Spec run_queue_spec;
extern PyType_Spec copier_spec;

/* ---- 3 helpers ---- */

/* The exception that is being raised, or NULL; it is no longer being raised afterwards. */
static inline PyObject *core_exception_take(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Raise what core_exception_take returned; steals the reference, NULL raises nothing. */
static inline void core_exception_restore(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    if (exception == NULL) {
        PyErr_Clear();
        return;
    }
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
#endif
}

/* 0 if a method got as many arguments as it wants, else -1 with TypeError. */
static inline int core_check_count(const char *method, Py_ssize_t got, Py_ssize_t wanted)
{
    if (got == wanted)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() got %zd arguments, expected %zd", method, got, wanted);
    return -1;
}

/* 0 if a constructor got no arguments, or belongs to a subclass whose own __init__ takes them; else -1, TypeError. */
static inline int core_check_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(arguments) == 0 && (keywords == NULL || PyDict_GET_SIZE(keywords) == 0))
        return 0;
    if (type->tp_init != PyBaseObject_Type.tp_init)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes no arguments", type->tp_name);
    return -1;
}

#endif
