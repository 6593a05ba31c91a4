/* csrc/event.c -- the Event type: making events, letting go of them, and what Python may see of one.
 *
 * Why C: one is made and let go for every call and message (bench/). Twin: the classes of libactor/_core/_events.py.
 * Layout: 1 memory  2 what Python sees  3 type spec
 */
#include "event.h"
#include "mailbox.h"
#include "values.h"

#define SELF ((EventObject *)op)

/* ---- 1 memory: once per message ---- */

static size_t event_size(Py_ssize_t count)
{
    return offsetof(EventObject, values) + sizeof(PyObject *) * (size_t)(count + 1);
}

EventObject *event_new(CoreState *core, int kind, PyObject *what, PyObject *future, Py_ssize_t count)
{
    EventObject *event = count <= EVENT_VALUES_KEPT ? core->events_free : NULL;
    if (event != NULL) {
        core->events_free = (EventObject *)event->what;
        core->events_free_count--;
        Py_INCREF(core->event_type); /* which it still has */
        _Py_NewReference((PyObject *)event);
    } else {
        event = PyObject_Malloc(event_size(count <= EVENT_VALUES_KEPT ? EVENT_VALUES_KEPT : count));
        if (event == NULL)
            return (EventObject *)PyErr_NoMemory();
        PyObject_Init((PyObject *)event, (PyTypeObject *)core->event_type);
    }
    event->what = Py_NewRef(what);
    event->future = Py_XNewRef(future);
    event->names = NULL;
    event->count = (uint32_t)count;
    event->kind = (uint32_t)kind;
    return event;
}

/* Who waits for a call that was neither served nor dropped will never hear of it. Keeps the exception being raised. */
static void event_forsake(EventObject *event)
{
    PyObject *raised = core_exception_take();
    FutureObject *future = (FutureObject *)event->future;
    future->target = NULL;
    core_finalizing++;
    if (future_abandon(future, NULL) < 0)
        PyErr_WriteUnraisable(event->future);
    core_finalizing--;
    core_exception_restore(raised);
}

void Event_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    CoreState *core = core_of_type(type);
    if (event_is_call(SELF))
        event_forsake(SELF);
    Py_DECREF(SELF->what);
    Py_XDECREF(SELF->future);
    Py_XDECREF(SELF->names);
    for (uint32_t i = 1; i <= SELF->count; i++)
        Py_XDECREF(SELF->values[i]);
    if (SELF->count <= EVENT_VALUES_KEPT && core->events_free_count < EVENTS_FREE_MAX) {
        SELF->what = (PyObject *)core->events_free;
        core->events_free = SELF;
        core->events_free_count++;
    } else
        PyObject_Free(op);
    Py_DECREF(type);
}

void event_free_all(CoreState *core)
{
    while (core->events_free != NULL) {
        EventObject *event = core->events_free;
        core->events_free = (EventObject *)event->what;
        PyObject_Free(event);
    }
    core->events_free_count = EVENTS_FREE_MAX; /* the module goes: none is kept any more */
}

/* ---- 2 what Python sees ---- */

static const char *const kinds[] = {"dispatch", "tell", "execute", "message", "served"};

static PyObject *Event_kind(PyObject *op, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(kinds[SELF->kind]);
}

static PyObject *Event_arguments(PyObject *op, void *Py_UNUSED(closure))
{
    Py_ssize_t count = SELF->count - (SELF->names == NULL ? 0 : PyTuple_GET_SIZE(SELF->names));
    PyObject *arguments = PyTuple_New(count);
    for (Py_ssize_t i = 0; arguments != NULL && i < count; i++)
        PyTuple_SET_ITEM(arguments, i, Py_NewRef(SELF->values[i + 1]));
    return arguments;
}

static PyObject *Event_keywords(PyObject *op, void *Py_UNUSED(closure))
{
    PyObject *keywords = PyDict_New();
    Py_ssize_t named = SELF->names == NULL ? 0 : PyTuple_GET_SIZE(SELF->names);
    for (Py_ssize_t i = 0; keywords != NULL && i < named; i++)
        if (PyDict_SetItem(keywords, PyTuple_GET_ITEM(SELF->names, i), SELF->values[SELF->count - named + i + 1]) < 0)
            Py_CLEAR(keywords);
    return keywords;
}

/* The arguments of `event` in `copy`, which has room for them, by value; 0, or -1 with NotPassable. */
static int event_copy_values(CoreState *core, EventObject *event, EventObject *copy)
{
    for (uint32_t i = 1; i <= event->count; i++)
        copy->values[i] = Py_NewRef(event->values[i]);
    copy->names = Py_XNewRef(event->names);
    return copier_pass_call(core->copier, copy->values + 1, copy->count, copy->names, copy->what);
}

static PyObject *Event_copy(PyObject *op, PyObject *Py_UNUSED(none))
{
    CoreState *core = PyType_GetModuleState(Py_TYPE(op));
    if (SELF->kind == EVENT_SERVED)
        return PyErr_Format(PyExc_RuntimeError, "copy: the call of %R was served or dropped already", SELF->what);
    int message = SELF->kind == EVENT_MESSAGE;
    PyObject *what = message ? copier_pass(core->copier, SELF->what, core->text_message, NULL, 0) : Py_NewRef(SELF->what);
    PyObject *future = event_is_call(SELF) ? (PyObject *)future_new(core) : Py_XNewRef(SELF->future);
    EventObject *copy = NULL;
    if (what != NULL && !PyErr_Occurred())
        copy = event_new(core, (int)SELF->kind, what, future, SELF->count);
    if (copy != NULL && event_copy_values(core, SELF, copy) < 0)
        Py_CLEAR(copy);
    Py_XDECREF(what);
    Py_XDECREF(future);
    return (PyObject *)copy;
}

static PyObject *Event_serve(PyObject *op, PyObject *mailbox)
{
    if (mailbox_check(mailbox, "serve") < 0)
        return NULL;
    MailboxObject *process = (MailboxObject *)mailbox;
    if (process->actor == NULL || process->queue == NULL)
        return PyErr_Format(PyExc_RuntimeError, "serve: the actor of %R has stopped, or it is a bare mailbox", mailbox);
    if (event_serve(SELF, process) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Event_drop(PyObject *op, PyObject *mailbox)
{
    if (mailbox_check(mailbox, "drop") < 0 ||
        event_drop(SELF, (MailboxObject *)mailbox, "the actor has stopped") < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Event_refuse(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if (core_check_count("refuse", count, 3) < 0 || mailbox_check(arguments[0], "refuse") < 0)
        return NULL;
    int fails = PyObject_IsTrue(arguments[2]);
    if (fails < 0 || event_refuse(SELF, (MailboxObject *)arguments[0], arguments[1], fails) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Event_get_future(PyObject *op, void *Py_UNUSED(closure))
{
    return Py_NewRef(SELF->future == NULL ? Py_None : SELF->future);
}

static int Event_set_future(PyObject *op, PyObject *future, void *Py_UNUSED(closure))
{
    CoreState *core = PyType_GetModuleState(Py_TYPE(op));
    if (!event_is_call(SELF) || future == NULL || !future_check(core, future)) {
        PyErr_SetString(PyExc_TypeError, "future: only a call that was not served yet can be given another future");
        return -1;
    }
    event_leave(op);
    Py_SETREF(SELF->future, Py_NewRef(future));
    return 0;
}

/* ---- 3 type spec ---- */

static PyMethodDef event_methods[] = {
    {"copy", Event_copy, METH_NOARGS,
     "copy($self, /)\n--\n\n"
     "Another one like it: its values by value once more; of a call, with a future of its own. Raises: NotPassable."},
    {"serve", Event_serve, METH_O, "serve($self, process, /)\n--\n\nMake the call, in the turn of ``process``."},
    {"drop", Event_drop, METH_O,
     "drop($self, process, /)\n--\n\nTell whoever waits that ``process`` will never come to it."},
    {"refuse", (PyCFunction)(void (*)(void))Event_refuse, METH_FASTCALL,
     "refuse($self, process, error, fails, /)\n--\n\n"
     "As drop, because of ``error``: a future fails with it, if it ``fails``, or else is abandoned."},
    {NULL},
};

static PyMemberDef event_members[] = {
    {"what", T_OBJECT, offsetof(EventObject, what), READONLY,
     "The method's name, the callable or the message, by kind."},
    {NULL},
};

static PyGetSetDef event_properties[] = {
    {"future", Event_get_future, Event_set_future,
     "Who waits for the answer; of a message its sender. None if there is none.\n\n"
     "That of a call can be changed: who waited for it so far is then told nothing.", NULL},
    {"kind", Event_kind, NULL, "dispatch, tell, execute or message; served once a call was made or dropped.", NULL},
    {"arguments", Event_arguments, NULL, "The arguments without a name.", NULL},
    {"keywords", Event_keywords, NULL, "The arguments with a name.", NULL},
    {NULL},
};

static PyType_Slot event_slots[] = {
    {Py_tp_doc, "One call or message on its way to an actor."},
    {Py_tp_dealloc, Event_dealloc},
    {Py_tp_methods, event_methods},
    {Py_tp_members, event_members},
    {Py_tp_getset, event_properties},
    {0, NULL},
};

PyType_Spec event_spec = {
    .name = "libactor._core._native.Event",
    .basicsize = sizeof(EventObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = event_slots,
};
