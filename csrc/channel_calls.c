/* csrc/channel_calls.c -- what the commonest frames mean: a plain call from another host, its answer.
 *
 * Who calls: channel.c, with each frame; a future, with the Reply that waits for it. Twin: the methods of the same names
 *   in libactor/transport/serving.py and asking.py, which get whatever is not plain: coded values, an actor or a method
 *   that is not there, a bound, failures.
 * A frame is what wire.c makes of hostile bytes: scalars only. Here is checked that they are those of its kind; if they
 *   are not, Python says why.
 * Layout: 1 calls from there  2 the reply  3 frames
 */
#include "channel.h"
#include "calls.h"
#include "pid.h"
#include "wire.h"

/* As in libactor/transport/frames.py. */
enum { TELL, CALL, POST, ANSWER };

/* ---- 1 calls from there ---- */

/* The mailbox of the actor `id`, borrowed, that `method` of is for other hosts, and its name as the core calls it,
 * borrowed too; NULL if there is none, or anything about it is not plain; or with an exception. */
static MailboxObject *find_method(ChannelObject *self, PyObject *id, PyObject *method, PyObject **name)
{
    if (!PyUnicode_CheckExact(id) || !PyUnicode_CheckExact(method))
        return NULL;
    PyObject *process = PyDict_GetItemWithError(self->processes, id);
    if (process == NULL || mailbox_check(process, "serve") < 0)
        return NULL;
    MailboxObject *mailbox = (MailboxObject *)process;
    if (mailbox->kind == NULL || mailbox->closed || mailbox->queue == NULL || mailbox->queue->network != NULL ||
        mailbox->extras != NULL)
        return NULL;
    PyObject *marked = _PyType_Lookup((PyTypeObject *)mailbox->kind, self->core->text_remote);
    PyObject *function = marked == NULL || !PyDict_CheckExact(marked) ? NULL : PyDict_GetItemWithError(marked, method);
    *name = function == NULL ? NULL : call_plain_method(mailbox, function);
    return *name == NULL ? NULL : mailbox;
}

/* Put the call of `name` with what is in `frame` from `first` on into the mailbox; 0, or -1 with an exception. */
static int deliver(ChannelObject *self, MailboxObject *mailbox, int kind, PyObject *name, PyObject *future,
                   PyObject *frame, Py_ssize_t first)
{
    Py_ssize_t count = PyTuple_GET_SIZE(frame) - first;
    EventObject *event = event_new(self->core, kind, name, future, count);
    if (event == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        event->values[i + 1] = Py_NewRef(PyTuple_GET_ITEM(frame, first + i));
    if (future != NULL)
        ((FutureObject *)future)->target = (PyObject *)mailbox;
    int answer = mailbox_enter(mailbox, (PyObject *)event, 0);
    if (answer < 0 && future != NULL)
        ((FutureObject *)future)->target = NULL;
    Py_DECREF(event);
    return answer;
}

/* 1 if it was made, 0 if Python is to make it, -1 with an exception. The same for those below. */
static int take_tell(ChannelObject *self, PyObject *frame)
{
    PyObject *name;
    if (PyTuple_GET_SIZE(frame) < 3)
        return 0;
    MailboxObject *mailbox = find_method(self, PyTuple_GET_ITEM(frame, 1), PyTuple_GET_ITEM(frame, 2), &name);
    if (mailbox == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(mailbox);
    int answer = deliver(self, mailbox, EVENT_TELL, name, NULL, frame, 3);
    Py_DECREF(mailbox);
    return answer < 0 ? -1 : 1;
}

/* ---- 2 the reply ---- */

/* What is owed for one call. It stands in the callbacks of the future, which own it. */
typedef struct {
    PyObject_HEAD
    ChannelObject *channel; /* these are owned */
    PyObject *number;
    MailboxObject *process;
    PyObject *method; /* its name, for errors */
} ReplyObject;

static ReplyObject *reply_new(ChannelObject *channel, PyObject *number, MailboxObject *process, PyObject *method)
{
    ReplyObject *self = PyObject_GC_New(ReplyObject, (PyTypeObject *)channel->core->reply_type);
    if (self == NULL)
        return NULL;
    self->channel = (ChannelObject *)Py_NewRef(channel);
    self->number = Py_NewRef(number);
    self->process = (MailboxObject *)Py_NewRef(process);
    self->method = Py_NewRef(method);
    PyObject_GC_Track(self);
    return self;
}

/* Send a plain value: 1 if it was, 0 if Python is to answer, -1 with an exception. */
static int reply_plainly(ReplyObject *self, FutureObject *future)
{
    ChannelObject *channel = self->channel;
    if (future->state != READY)
        return 0;
    int owed = PyDict_Contains(channel->serving, self->number);
    if (owed <= 0)
        return owed;
    PyObject *kind = PyLong_FromLong(ANSWER); /* a small int: always there */
    PyObject *values[] = {kind, self->number, future->value == NULL ? Py_None : future->value};
    Py_ssize_t size = wire_append(channel->outgoing, channel->frame_max, values, 3);
    Py_DECREF(kind);
    if (size <= 0)
        return size == -2 ? -1 : 0;
    if (PyDict_DelItem(channel->serving, self->number) < 0)
        return -1;
    return channel_sent(channel, size, PyDict_GET_SIZE(channel->serving) == 0) < 0 ? -1 : 1;
}

static int reply_by_python(ReplyObject *self, FutureObject *future)
{
    PyObject *result =
        future->state == PENDING
            ? PyObject_CallMethod((PyObject *)self->channel, "_abandon", "OO", self->number, self->process)
            : PyObject_CallMethod((PyObject *)self->channel, "_answer", "OOOO", self->number, self->process, self->method,
                                  future);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int reply_arrive(PyObject *op, PyObject *future)
{
    ReplyObject *self = (ReplyObject *)op;
    int answer = reply_plainly(self, (FutureObject *)future);
    if (answer == 0)
        answer = reply_by_python(self, (FutureObject *)future);
    if (answer >= 0)
        return 0;
    PyObject *interrupt = NULL;
    callbacks_report(self->channel->core->report_callback, op, core_exception_take(), &interrupt);
    core_exception_restore(interrupt);
    return interrupt == NULL ? 0 : -1;
}

static int Reply_traverse(PyObject *op, visitproc visit, void *arg)
{
    ReplyObject *self = (ReplyObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->channel);
    Py_VISIT(self->process);
    return 0;
}

static void Reply_dealloc(PyObject *op)
{
    ReplyObject *self = (ReplyObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_DECREF(self->channel);
    Py_DECREF(self->number);
    Py_DECREF(self->process);
    Py_DECREF(self->method);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyType_Slot reply_slots[] = {
    {Py_tp_doc, "What is owed for a call from another host."},
    {Py_tp_traverse, Reply_traverse},
    {Py_tp_dealloc, Reply_dealloc},
    {0, NULL},
};

PyType_Spec reply_spec = {
    .name = "libactor._core._native.Reply",
    .basicsize = sizeof(ReplyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reply_slots,
};

/* Have `reply` hear what comes of a fresh future; 0, or -1 with MemoryError. */
static int reply_await(ReplyObject *reply, FutureObject *future)
{
    Callback callback = {Py_NewRef((PyObject *)reply), ON_REPLY};
    if (callbacks_append(&future->callbacks, callback) < 0) {
        Py_DECREF(reply); /* the caller holds another reference */
        return -1;
    }
    future->flags |= OBSERVED;
    future_track(future);
    return 0;
}

/* The future of the call, and its reply, before anybody can serve it. */
static FutureObject *owe(ChannelObject *self, PyObject *number, MailboxObject *mailbox, PyObject *method)
{
    FutureObject *future = future_new(self->core);
    ReplyObject *reply = future == NULL ? NULL : reply_new(self, number, mailbox, method);
    if (reply == NULL || PyDict_SetItem(self->serving, number, (PyObject *)future) < 0 ||
        reply_await(reply, future) < 0)
        Py_CLEAR(future);
    Py_XDECREF(reply);
    return future;
}

static int take_call(ChannelObject *self, PyObject *frame)
{
    PyObject *name;
    if (PyTuple_GET_SIZE(frame) < 4 || !PyLong_CheckExact(PyTuple_GET_ITEM(frame, 1)))
        return 0;
    MailboxObject *mailbox = find_method(self, PyTuple_GET_ITEM(frame, 2), PyTuple_GET_ITEM(frame, 3), &name);
    if (mailbox == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(mailbox);
    Py_INCREF(name);
    FutureObject *future = owe(self, PyTuple_GET_ITEM(frame, 1), mailbox, PyTuple_GET_ITEM(frame, 3));
    int answer = future == NULL ? -1 : deliver(self, mailbox, EVENT_DISPATCH, name, (PyObject *)future, frame, 4);
    Py_XDECREF(future);
    Py_DECREF(name);
    Py_DECREF(mailbox);
    return answer < 0 ? -1 : 1;
}

/* ---- 3 frames ---- */

static int serve_plainly(ChannelObject *self, PyObject *frame)
{
    PyObject *kind = PyTuple_GET_SIZE(frame) == 0 ? NULL : PyTuple_GET_ITEM(frame, 0);
    if (kind == NULL || !PyLong_CheckExact(kind))
        return 0;
    long number = PyLong_AsLong(kind);
    if (number == -1 && PyErr_Occurred()) {
        PyErr_Clear(); /* it is larger than any kind */
        return 0;
    }
    return number == CALL ? take_call(self, frame) : number == TELL ? take_tell(self, frame) : 0;
}

int channel_serve(ChannelObject *self, PyObject *frame)
{
    int answer = serve_plainly(self, frame);
    if (answer == 0)
        return channel_ask(self, "_serve", frame);
    if (answer > 0)
        return 0;
    PyObject *error = core_exception_take(); /* of one frame, which must not keep the others from theirs */
    answer = channel_ask(self, "_report", error);
    Py_DECREF(error);
    return answer;
}
