/* csrc/watch.c -- what debug mode sees of the values that a ValueCopier passes.
 *
 * Why C: the copier is, and must tell. Twin: libactor/_core/_values.py. What is looked for: libactor/debugging.py.
 * Where debug mode is off this costs a test for each value that is no scalar.
 */
#include "values.h"

/* `count` objects as a tuple. */
static PyObject *tuple_of(PyObject *const *values, Py_ssize_t count)
{
    PyObject *made = PyTuple_New(count);
    for (Py_ssize_t i = 0; made != NULL && i < count; i++)
        PyTuple_SET_ITEM(made, i, Py_NewRef(values[i]));
    return made;
}

/* The name of the place where argument or value `pass->index` stands, as an error has it. */
static PyObject *pass_place(Pass *pass)
{
    PyObject *details = pass_details(pass), *place = NULL;
    if (details != NULL)
        place = PyUnicode_Format(pass->name == NULL ? pass->where : pass->copier->argument, details);
    Py_XDECREF(details);
    return place;
}

static PyObject *pass_places(Pass *pass, Py_ssize_t count)
{
    PyObject *places = PyTuple_New(count);
    Pass one = *pass;
    for (one.index = 0; places != NULL && one.index < count; one.index++) {
        PyObject *place = pass_place(&one);
        if (place == NULL)
            Py_CLEAR(places);
        else
            PyTuple_SET_ITEM(places, one.index, place);
    }
    return places;
}

/* The call may end debug mode, so what is called is held. */
static int call_watcher(PyObject *watcher, PyObject *first, PyObject *second)
{
    Py_INCREF(watcher);
    PyObject *answer = PyObject_CallFunctionObjArgs(watcher, first, second, NULL);
    Py_DECREF(watcher);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int watch_pass(Pass *pass, PyObject *const *values, Py_ssize_t count)
{
    PyObject *all = tuple_of(values, count), *places = all == NULL ? NULL : pass_places(pass, count);
    int answer = places == NULL ? -1 : call_watcher(pass->copier->passed, all, places);
    Py_XDECREF(places);
    Py_XDECREF(all);
    return answer;
}

int watch_delivery(CopierObject *self, PyObject *const *values, Py_ssize_t count)
{
    PyObject *all = tuple_of(values, count);
    int answer = all == NULL ? -1 : call_watcher(self->delivered, all, NULL);
    Py_XDECREF(all);
    return answer;
}

PyObject *Copier_watch(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    CopierObject *self = (CopierObject *)op;
    if (core_check_count("watch", count, 2) < 0)
        return NULL;
    Py_XSETREF(self->passed, arguments[0] == Py_None ? NULL : Py_NewRef(arguments[0]));
    Py_XSETREF(self->delivered, arguments[1] == Py_None ? NULL : Py_NewRef(arguments[1]));
    Py_RETURN_NONE;
}
