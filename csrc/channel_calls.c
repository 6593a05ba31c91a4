/* csrc/channel_calls.c -- what the commonest frames mean: a plain call to or from another host, its answer.
 *
 * Who calls: channel.c, with each frame; a future, with the Reply that waits for it; stepping.c, with what is sent.
 * Twin: the methods of the same names in libactor/transport/serving.py and asking.py, which get whatever is not plain:
 *   coded values, an actor or a method that is not there, a bound, failures.
 * A frame is what wire.c makes of hostile bytes: scalars only. Here is checked that they are those of its kind; if they
 *   are not, Python says why.
 * Layout: 1 calls from there  2 the reply  3 calls to there  4 frames
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
    Py_INCREF(name);
    int answer = deliver(self, mailbox, EVENT_TELL, name, NULL, frame, 3);
    Py_DECREF(name);
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

/* ---- 3 calls to there ---- */

enum { PLAIN_VALUES_MAX = 8, KEPT_BYTES = 4096 };

/* Put the frame of a call in; as wire_append. `number` is NULL for one that nobody waits for. */
static Py_ssize_t put_event(ChannelObject *self, PyObject *number, PyObject *pid, EventObject *event)
{
    PyObject *values[4 + PLAIN_VALUES_MAX];
    Py_ssize_t count = 0;
    values[count++] = PyLong_FromLong(number == NULL ? TELL : CALL); /* a small int: always there */
    if (number != NULL)
        values[count++] = number;
    values[count++] = ((PIDObject *)pid)->id;
    values[count++] = event->what;
    for (uint32_t i = 1; i <= event->count; i++)
        values[count++] = event->values[i];
    Py_ssize_t size = wire_append(self->outgoing, self->frame_max, values, count);
    Py_DECREF(values[0]);
    return size;
}

static PyObject *pass_discard(PyObject *call, PyObject *Py_UNUSED(none))
{
    return PyObject_CallMethod(PyTuple_GET_ITEM(call, 0), "_discard", "O", PyTuple_GET_ITEM(call, 1));
}

static PyMethodDef discard_method = {"discard", pass_discard, METH_NOARGS, "Ask the other side for a discard."};

/* Have the other side hear of a discard; 0 or -1. */
static int watch_discard(ChannelObject *self, PyObject *number, FutureObject *future)
{
    PyObject *call = PyTuple_Pack(2, (PyObject *)self, number);
    PyObject *function = call == NULL ? NULL : PyCFunction_New(&discard_method, call);
    int answer = function == NULL ? -1 : future_subscribe(future, ON_DISCARD, function);
    Py_XDECREF(function);
    Py_XDECREF(call);
    return answer;
}

/* 1 if the calling thread may read the answer itself, which was noted; 0 if the worker is to; -1 with an exception. */
static int note_reader(ChannelObject *self, PyObject *future)
{
    PyObject *workers = PyObject_GetAttr(self->context, self->core->text_workers);
    Py_XDECREF(workers);
    if (workers == NULL)
        return -1;
    if (workers != Py_None)
        return 0;
    return PyDict_SetItem(self->awaited, future, (PyObject *)self) < 0 ? -1 : 1;
}

/* The call of `number`, as it stood in the table, a new reference; NULL if there is none, or with an exception. */
static PyObject *settle(ChannelObject *self, PyObject *number)
{
    PyObject *call = Py_XNewRef(PyDict_GetItemWithError(self->calls, number));
    if (call == NULL)
        return NULL;
    PyObject *future = PyList_CheckExact(call) && PyList_GET_SIZE(call) == 3 ? PyList_GET_ITEM(call, 0) : Py_None;
    int awaited = future_check(self->core, future) ? PyDict_Contains(self->awaited, future) : -1;
    if (awaited < 0 || PyDict_DelItem(self->calls, number) < 0 ||
        (awaited > 0 && PyDict_DelItem(self->awaited, future) < 0))
        Py_CLEAR(call);
    return call;
}

/* The call was not sent: take it back. 0, or -1 with the exception that was raised before or now. */
static int take_back(ChannelObject *self, PyObject *number)
{
    PyObject *raised = core_exception_take();
    Py_XDECREF(settle(self, number));
    core_exception_keep_first(&raised);
    core_exception_restore(raised);
    return raised == NULL ? 0 : -1;
}

/* What there is to do for a call whose frame of `size` was put in; 0 or -1. */
static int follow_call(ChannelObject *self, PyObject *number, PyObject *call, FutureObject *future, Py_ssize_t size)
{
    if ((size > KEPT_BYTES && channel_ask(self, "_let_go", call) < 0) || watch_discard(self, number, future) < 0 ||
        channel_sent(self, size, PyDict_GET_SIZE(self->calls) == 1) < 0)
        return -1;
    return channel_is_broken(self) ? channel_ask(self, "tell_broken", NULL) : 0;
}

/* The call is in the table before anybody can answer it. */
static int offer_call(ChannelObject *self, PyObject *pid, EventObject *event)
{
    FutureObject *future = (FutureObject *)Py_NewRef(event->future);
    PyObject *number = PyLong_FromLongLong(self->next++);
    PyObject *call = Py_BuildValue("[OOO]", future, pid, event);
    int answer = number == NULL || call == NULL ? -1 : PyDict_SetItem(self->calls, number, call);
    if (answer == 0) {
        int reads = note_reader(self, (PyObject *)future);
        if (reads == 0 && self->lent)
            reads = channel_ask(self, "give_back", NULL);
        Py_ssize_t size = reads < 0 ? -2 : put_event(self, number, pid, event);
        answer = size <= 0 ? take_back(self, number) : follow_call(self, number, call, future, size) < 0 ? -1 : 1;
    }
    Py_XDECREF(call);
    Py_XDECREF(number);
    Py_DECREF(future);
    return answer;
}

static int offer_tell(ChannelObject *self, PyObject *pid, EventObject *event)
{
    Py_ssize_t size = put_event(self, NULL, pid, event);
    if (size <= 0)
        return size == -2 ? -1 : 0;
    return channel_sent(self, size, 0) < 0 ? -1 : 1;
}

int channel_offer(ChannelObject *self, PyObject *pid, EventObject *event)
{
    if (event->names != NULL || event->count > PLAIN_VALUES_MAX || channel_is_broken(self) ||
        PyByteArray_GET_SIZE(self->outgoing) > self->outside_max)
        return 0;
    return event->kind == EVENT_DISPATCH ? offer_call(self, pid, event)
           : event->kind == EVENT_TELL   ? offer_tell(self, pid, event)
                                         : 0;
}

static int take_answer(ChannelObject *self, PyObject *frame)
{
    if (PyTuple_GET_SIZE(frame) != 3 || !PyLong_CheckExact(PyTuple_GET_ITEM(frame, 1)))
        return 0;
    PyObject *call = settle(self, PyTuple_GET_ITEM(frame, 1));
    if (call == NULL)
        return PyErr_Occurred() ? -1 : 0;
    int answer = future_answer((FutureObject *)PyList_GET_ITEM(call, 0), PyTuple_GET_ITEM(frame, 2), 0);
    Py_DECREF(call); /* not before: its event would abandon the future */
    return answer < 0 ? -1 : 1;
}

/* ---- 4 frames ---- */

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
    switch (number) {
    case TELL:
        return take_tell(self, frame);
    case CALL:
        return take_call(self, frame);
    case ANSWER:
        return take_answer(self, frame);
    default:
        return 0;
    }
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
