/* csrc/calls.c -- dispatch, tell, execute and post: how a call or message gets into an actor's mailbox.
 *
 * Why C: once per message, in the sender's thread (bench/). Twin: libactor/_core/_calls.py, which see for the
 * contract; libactor/messages.py gives them their types. Policy stays in Python: names that are not what they seem
 * (method_name).
 * Layout: 1 the method  2 the event  3 functions of the module
 */
#include "calls.h"
#include "pid.h"
#include "values.h"

/* ---- 1 the method ---- */

/* Whether a private name, which the compiler stores under another one. */
static int name_is_private(PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    return length > 2 && PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_' &&
           !(PyUnicode_READ_CHAR(name, length - 1) == '_' && PyUnicode_READ_CHAR(name, length - 2) == '_');
}

PyObject *call_plain_method(MailboxObject *mailbox, PyObject *method)
{
    if (!PyFunction_Check(method) || mailbox->kind == NULL)
        return NULL;
    PyFunctionObject *function = (PyFunctionObject *)method;
    PyObject *found = _PyType_Lookup((PyTypeObject *)mailbox->kind, function->func_name);
    int plain = (((PyCodeObject *)function->func_code)->co_flags & CO_ASYNC_GENERATOR) == 0;
    if (plain && (found == method || (found != NULL && !name_is_private(function->func_name))))
        return function->func_name;
    return NULL;
}

/* The name to look `method` up by on the actor, a new reference; NULL with TypeError if its class has none such. */
static PyObject *method_name(CoreState *core, MailboxObject *mailbox, PyObject *method, PyObject *operation)
{
    PyObject *name = call_plain_method(mailbox, method);
    if (name != NULL)
        return Py_NewRef(name);
    return PyObject_CallFunctionObjArgs(core->method_name, mailbox->kind, method, operation, NULL);
}

/* ---- 2 the event ---- */

/* A new event with the call of `arguments[1]` and what follows, by value; NULL with an exception. */
static EventObject *call_event(CoreState *core, int kind, MailboxObject *mailbox, PyObject *operation,
                               PyObject *future, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *name = method_name(core, mailbox, arguments[1], operation);
    if (name == NULL)
        return NULL;
    Py_ssize_t values = count - 2 + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    EventObject *event = event_new(core, kind, name, future, values);
    Py_DECREF(name);
    if (event == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < values; i++)
        event->values[i + 1] = Py_NewRef(arguments[i + 2]);
    event->names = Py_XNewRef(names);
    if (copier_pass_call(core->copier, event->values + 1, values, names, event->what) < 0)
        Py_CLEAR(event);
    return event;
}

/* ---- 3 functions of the module ---- */

static int check_call(const char *operation, Py_ssize_t count, Py_ssize_t wanted, const char *usage)
{
    if (count >= wanted)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s: got %zd arguments, expected %s", operation, count, usage);
    return -1;
}

/* Put `event`, which is consumed, into the mailbox, for which one who is `patient` may wait; 0, or -1 with an
 * exception. */
static int deliver(MailboxObject *mailbox, EventObject *event, int patient)
{
    int answer = mailbox_deliver(mailbox, (PyObject *)event, patient);
    Py_DECREF(event);
    return answer;
}

PyObject *native_tell(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    if (check_call("tell", count, 2, "tell(pid, method, ...)") < 0)
        return NULL;
    MailboxObject *mailbox = pid_receiver(core, arguments[0], "tell");
    if (mailbox == NULL)
        return NULL;
    EventObject *event = call_event(core, EVENT_TELL, mailbox, core->text_tell, NULL, arguments, count, names);
    int answer = event == NULL ? -1 : deliver(mailbox, event, 1);
    Py_DECREF(mailbox);
    return answer < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *native_prepare(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    if (check_call("prepare", count, 3, "prepare(operation, pid, method, ...)") < 0)
        return NULL;
    const char *operation = PyUnicode_AsUTF8(arguments[0]);
    MailboxObject *mailbox = operation == NULL ? NULL : pid_receiver(core, arguments[1], operation);
    if (mailbox == NULL)
        return NULL;
    EventObject *event = call_event(core, EVENT_TELL, mailbox, arguments[0], NULL, arguments + 1, count - 1, names);
    Py_DECREF(mailbox);
    return (PyObject *)event;
}

PyObject *call_ask(MailboxObject *mailbox, EventObject *event, FutureObject *future, int patient)
{
    if (event == NULL)
        goto failed;
    future->target = (PyObject *)mailbox;
    if (deliver(mailbox, event, patient) < 0)
        goto failed;
    return (PyObject *)future;
failed:
    future->target = NULL; /* whoever has the event, it is in no mailbox */
    Py_DECREF(future);
    return NULL;
}

PyObject *native_dispatch(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    if (check_call("dispatch", count, 2, "dispatch(pid, method, ...)") < 0)
        return NULL;
    MailboxObject *mailbox = pid_receiver(core, arguments[0], "dispatch");
    FutureObject *future = mailbox == NULL ? NULL : future_new(core);
    PyObject *asked = NULL;
    if (future != NULL)
        asked = call_ask(mailbox,
                    call_event(core, EVENT_DISPATCH, mailbox, core->text_dispatch, (PyObject *)future, arguments,
                               count, names),
                    future, 1);
    Py_XDECREF(mailbox);
    return asked;
}

PyObject *native_execute(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    if (count != 2 || names != NULL)
        return PyErr_Format(PyExc_TypeError, "execute: expected execute(pid, callable)");
    if (!PyCallable_Check(arguments[1]))
        return PyErr_Format(PyExc_TypeError, "execute: got %R, expected a callable without arguments", arguments[1]);
    MailboxObject *mailbox = pid_receiver(core, arguments[0], "execute");
    FutureObject *future = mailbox == NULL ? NULL : future_new(core);
    PyObject *asked = NULL;
    if (future != NULL)
        asked = call_ask(mailbox, event_new(core, EVENT_EXECUTE, arguments[1], (PyObject *)future, 0), future, 1);
    Py_XDECREF(mailbox);
    return asked;
}

/* Who is said to send, borrowed; NULL with TypeError. */
static PyObject *post_sender(CoreState *core, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count < 2 || count + named > 3 ||
        (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "sender") != 0)) {
        PyErr_SetString(PyExc_TypeError, "post: expected post(pid, message) or post(pid, message, sender)");
        return NULL;
    }
    if (count + named == 3 && arguments[2] != Py_None) {
        if (Py_IS_TYPE(arguments[2], (PyTypeObject *)core->pid_type))
            return arguments[2];
        return PyErr_Format(PyExc_TypeError, "post: got the sender %R, expected a PID, or None", arguments[2]);
    }
    return running_mailbox == NULL ? Py_None : running_mailbox->pid;
}

PyObject *native_post(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    CoreState *core = PyModule_GetState(module);
    PyObject *sender = post_sender(core, arguments, count, names);
    MailboxObject *mailbox = sender == NULL ? NULL : pid_receiver(core, arguments[0], "post");
    if (mailbox == NULL)
        return NULL;
    PyObject *message = copier_pass(core->copier, arguments[1], core->text_message, NULL, 0);
    EventObject *event = message == NULL ? NULL : event_new(core, EVENT_MESSAGE, message, sender, 0);
    int answer = event == NULL ? -1 : deliver(mailbox, event, 1);
    Py_XDECREF(message);
    Py_DECREF(mailbox);
    return answer < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *native_running(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_NewRef(running_mailbox == NULL ? Py_None : (PyObject *)running_mailbox);
}
