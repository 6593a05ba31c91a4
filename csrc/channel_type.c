/* csrc/channel_type.c -- the ChannelCell as Python sees it, and the TrafficCell.
 *
 * Thin: arguments in, answers out; channel.c does the work. Twin: libactor/_core/_channel.py.
 * Layout: 1 methods  2 life cycle  3 type specs
 */
#include "channel.h"

#define SELF ((ChannelObject *)op)

/* ---- 1 methods ---- */

/* 0 if __init__ was called, else -1 with RuntimeError. */
static int channel_check(ChannelObject *self)
{
    if (self->node != NULL)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "ChannelCell: __init__ was not called");
    return -1;
}

static PyObject *channel_none(int answer)
{
    return answer < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *ChannelCell_ready(PyObject *op, PyObject *given)
{
    unsigned long mask = PyLong_AsUnsignedLongMask(given);
    if (PyErr_Occurred() || channel_check(SELF) < 0)
        return NULL;
    int stands = channel_stands(SELF, given);
    if (stands <= 0)
        return channel_none(stands);
    if ((mask & CHANNEL_END) != 0)
        SELF->ending = 1;
    if ((mask & EPOLLOUT) != 0) {
        SELF->may_write = 1;
        if ((PyByteArray_GET_SIZE(SELF->outgoing) != 0 || SELF->finishing) && channel_flush(SELF) < 0)
            return NULL;
    }
    return channel_none((mask & (EPOLLIN | CHANNEL_END)) == 0 ? 0 : channel_read(SELF));
}

static PyObject *ChannelCell_read(PyObject *op, PyObject *Py_UNUSED(none))
{
    return channel_none(channel_check(SELF) < 0 ? -1 : channel_read(SELF));
}

static PyObject *ChannelCell_read_once(PyObject *op, PyObject *flags)
{
    long given = PyLong_AsLong(flags);
    Py_ssize_t count;
    if (PyErr_Occurred() || channel_check(SELF) < 0 || channel_read_once(SELF, (int)given, &count) < 0)
        return NULL;
    return PyLong_FromSsize_t(count);
}

static PyObject *ChannelCell_flush(PyObject *op, PyObject *Py_UNUSED(none))
{
    return channel_none(channel_check(SELF) < 0 ? -1 : channel_flush(SELF));
}

static PyObject *ChannelCell_sent(PyObject *op, PyObject *const *arguments, Py_ssize_t count)
{
    if ((count != 1 && core_check_count("sent", count, 2) < 0) || channel_check(SELF) < 0)
        return NULL;
    Py_ssize_t size = PyLong_AsSsize_t(arguments[0]);
    int at_once = count == 2 ? PyObject_IsTrue(arguments[1]) : 0;
    if (PyErr_Occurred())
        return NULL;
    return channel_none(channel_sent(SELF, size, at_once));
}

static PyObject *ChannelCell_took(PyObject *op, PyObject *count)
{
    Py_ssize_t sent = PyLong_AsSsize_t(count);
    if (sent == -1 && PyErr_Occurred())
        return NULL;
    if (sent < 0 || sent > PyByteArray_GET_SIZE(SELF->outgoing))
        sent = PyByteArray_GET_SIZE(SELF->outgoing); /* it was emptied meanwhile */
    return channel_none(channel_check(SELF) < 0 ? -1 : channel_took(SELF, sent));
}

static PyObject *ChannelCell_take_unsent(PyObject *op, PyObject *Py_UNUSED(none))
{
    Py_ssize_t size = PyByteArray_GET_SIZE(SELF->outgoing), cut = Py_MIN(SELF->cut, size);
    PyObject *unsent = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(SELF->outgoing) + cut, size - cut);
    SELF->cut = 0;
    if (unsent != NULL && PyByteArray_Resize(SELF->outgoing, 0) < 0)
        Py_CLEAR(unsent);
    return unsent;
}

static PyObject *ChannelCell_shrink(PyObject *op, PyObject *Py_UNUSED(none))
{
    if (SELF->filled != 0 || PyByteArray_GET_SIZE(SELF->buffer) <= READ_BYTES)
        Py_RETURN_NONE;
    PyObject *smaller = PyByteArray_FromStringAndSize(NULL, READ_BYTES);
    if (smaller == NULL)
        return NULL;
    Py_SETREF(SELF->buffer, smaller);
    Py_RETURN_NONE;
}

/* Set a flag that one thread at a time has; whether nobody had it. */
static PyObject *channel_begin(char *flag)
{
    int begun = !*flag;
    *flag = 1;
    return PyBool_FromLong(begun);
}

static PyObject *ChannelCell_begin_reading(PyObject *op, PyObject *Py_UNUSED(none))
{
    return channel_begin(&SELF->reading);
}

static PyObject *ChannelCell_begin_writing(PyObject *op, PyObject *Py_UNUSED(none))
{
    return channel_begin(&SELF->writing);
}

static PyObject *ChannelCell_end_reading(PyObject *op, PyObject *Py_UNUSED(none))
{
    SELF->reading = 0;
    Py_RETURN_NONE;
}

static PyObject *ChannelCell_end_writing(PyObject *op, PyObject *Py_UNUSED(none))
{
    SELF->writing = 0;
    Py_RETURN_NONE;
}

static PyObject *ChannelCell_take_arrived(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *bytes = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(SELF->buffer) + SELF->start,
                                                SELF->filled - SELF->start);
    if (bytes != NULL)
        SELF->start = SELF->filled = 0;
    return bytes;
}

static PyObject *ChannelCell_put_arrived(PyObject *op, PyObject *bytes)
{
    if (!PyBytes_CheckExact(bytes) || PyBytes_GET_SIZE(bytes) > PyByteArray_GET_SIZE(SELF->buffer))
        return PyErr_Format(PyExc_ValueError, "_put_arrived() expected bytes that were taken");
    memcpy(PyByteArray_AS_STRING(SELF->buffer), PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    SELF->start = 0;
    SELF->filled = PyBytes_GET_SIZE(bytes);
    Py_RETURN_NONE;
}

static PyObject *ChannelCell_number(PyObject *op, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLongLong(SELF->next++);
}

/* ---- 2 life cycle ---- */

static PyObject *ChannelCell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    ChannelObject *self = (ChannelObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL)
        return NULL;
    self->core = PyModule_GetState(PyType_GetModuleByDef(type, &core_module));
    self->heard = 1;
    self->fd = -1;
    self->outgoing = PyByteArray_FromStringAndSize(NULL, 0);
    self->buffer = PyByteArray_FromStringAndSize(NULL, READ_BYTES);
    self->serving = PyDict_New();
    self->calls = PyDict_New();
    if (self->outgoing == NULL || self->buffer == NULL || self->serving == NULL || self->calls == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int ChannelCell_init(PyObject *op, PyObject *arguments, PyObject *keywords)
{
    PyObject *node, *sock, *processes, *awaited, *context;
    Py_ssize_t frame_max, buffer_max, outside_max;
    int direct;
    PyTypeObject *traffic = (PyTypeObject *)SELF->core->traffic_type;
    if (!PyArg_ParseTuple(arguments, "O!OpO!O!Onnn:ChannelCell", traffic, &node, &sock, &direct, &PyDict_Type,
                          &processes, &PyDict_Type, &awaited, &context, &frame_max, &buffer_max, &outside_max))
        return -1;
    if (SELF->node != NULL || frame_max < 1) {
        PyErr_SetString(PyExc_ValueError, "ChannelCell: __init__ was called before, or its frames have no bytes");
        return -1;
    }
    PyObject *number = PyObject_CallMethod(sock, "fileno", NULL);
    long fd = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    if (fd < 0)
        return -1;
    SELF->fd = (int)fd;
    SELF->direct = (char)direct;
    SELF->frame_max = frame_max;
    SELF->buffer_max = buffer_max;
    SELF->outside_max = outside_max;
    SELF->sock = Py_NewRef(sock);
    SELF->processes = Py_NewRef(processes);
    SELF->awaited = Py_NewRef(awaited);
    SELF->context = Py_NewRef(context);
    SELF->node = (TrafficObject *)Py_NewRef(node);
    return 0;
}

static int ChannelCell_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(SELF->node);
    Py_VISIT(SELF->sock);
    Py_VISIT(SELF->broken);
    Py_VISIT(SELF->serving);
    Py_VISIT(SELF->processes);
    Py_VISIT(SELF->calls);
    Py_VISIT(SELF->awaited);
    Py_VISIT(SELF->context);
    return 0;
}

/* What its methods need stays: the dicts that close a cycle go with what is in them. */
static int ChannelCell_clear(PyObject *op)
{
    Py_CLEAR(SELF->broken);
    PyDict_Clear(SELF->serving);
    PyDict_Clear(SELF->calls);
    return 0;
}

static void ChannelCell_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(SELF->node);
    Py_XDECREF(SELF->sock);
    Py_XDECREF(SELF->outgoing);
    Py_XDECREF(SELF->buffer);
    Py_XDECREF(SELF->broken);
    Py_XDECREF(SELF->serving);
    Py_XDECREF(SELF->processes);
    Py_XDECREF(SELF->calls);
    Py_XDECREF(SELF->awaited);
    Py_XDECREF(SELF->context);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- 3 type specs ---- */

static PyMethodDef channel_methods[] = {
    {"ready", ChannelCell_ready, METH_O, "ready($self, mask, /)\n--\n\nThe poller says what the socket is ready for."},
    {"read", ChannelCell_read, METH_NOARGS, "read($self, /)\n--\n\nServe what has arrived."},
    {"flush", ChannelCell_flush, METH_NOARGS, "flush($self, /)\n--\n\nHand to the system what it takes of what waits."},
    {"sent", (PyCFunction)(void (*)(void))ChannelCell_sent, METH_FASTCALL,
     "sent($self, size, at_once=False, /)\n--\n\n"
     "A frame of ``size`` was put in: send it, now if ``at_once``, else soon, together with others."},
    {"_read_once", ChannelCell_read_once, METH_O,
     "_read_once($self, flags, /)\n--\n\n"
     "Read, and serve the frames that are complete; how much there was, negative if that was all by now."},
    {"_took", ChannelCell_took, METH_O, "_took($self, count, /)\n--\n\nThe system has taken so much of what waits."},
    {"_take_unsent", ChannelCell_take_unsent, METH_NOARGS,
     "_take_unsent($self, /)\n--\n\nTake out what waits: the frames of which nothing was sent."},
    {"_number", ChannelCell_number, METH_NOARGS, "_number($self, /)\n--\n\nThat of the next call."},
    {"_shrink", ChannelCell_shrink, METH_NOARGS,
     "_shrink($self, /)\n--\n\nGive back what a large frame took, if nothing is in it. Who reads may."},
    {"_begin_reading", ChannelCell_begin_reading, METH_NOARGS,
     "_begin_reading($self, /)\n--\n\nWhether the calling thread may read now: no other does."},
    {"_end_reading", ChannelCell_end_reading, METH_NOARGS, "_end_reading($self, /)\n--\n\nLet others read."},
    {"_begin_writing", ChannelCell_begin_writing, METH_NOARGS,
     "_begin_writing($self, /)\n--\n\nWhether the calling thread may write now: no other does."},
    {"_end_writing", ChannelCell_end_writing, METH_NOARGS, "_end_writing($self, /)\n--\n\nLet others write."},
    {"_take_arrived", ChannelCell_take_arrived, METH_NOARGS,
     "_take_arrived($self, /)\n--\n\nTake out what has arrived and was not served."},
    {"_put_arrived", ChannelCell_put_arrived, METH_O,
     "_put_arrived($self, data, /)\n--\n\nPut back what is left of it: frames."},
    {NULL},
};

static PyMemberDef channel_members[] = {
    {"node", T_OBJECT_EX, offsetof(ChannelObject, node), READONLY, "The runtime's place among others."},
    {"sock", T_OBJECT_EX, offsetof(ChannelObject, sock), READONLY, "The socket."},
    {"fd", T_INT, offsetof(ChannelObject, fd), READONLY, "Its descriptor."},
    {"outgoing", T_OBJECT_EX, offsetof(ChannelObject, outgoing), READONLY, "What waits to be sent."},
    {"_buffer", T_OBJECT_EX, offsetof(ChannelObject, buffer), READONLY, "What is read into."},
    {"broken", T_OBJECT, offsetof(ChannelObject, broken), 0, "Why it is broken; None while it is not."},
    {"serving", T_OBJECT_EX, offsetof(ChannelObject, serving), READONLY,
     "Futures of calls that are not answered, by the caller's number."},
    {"calls", T_OBJECT_EX, offsetof(ChannelObject, calls), READONLY,
     "By number: future, whose answer it is, what keeps the future alive."},
    {"lent", T_BOOL, offsetof(ChannelObject, lent), 0, "The poller leaves the socket alone, since threads that wait read."},
    {"open", T_BOOL, offsetof(ChannelObject, open), 0, "Both sides know each other: frames may be sent."},
    {"leaving", T_BOOL, offsetof(ChannelObject, leaving), 0, "Both sides have replaced it."},
    {"finishing", T_BOOL, offsetof(ChannelObject, finishing), 0, "When all is sent the peer is told that this was all."},
    {"heard", T_BOOL, offsetof(ChannelObject, heard), 0, "Something has arrived since the node last looked."},
    {"spoke", T_BOOL, offsetof(ChannelObject, spoke), 0, "Something was sent since then."},
    {"_may_write", T_BOOL, offsetof(ChannelObject, may_write), 0, "The system takes more."},
    {"_unread", T_BOOL, offsetof(ChannelObject, unread), 0, "Somebody has come to read while another thread did."},
    {"_behind", T_BOOL, offsetof(ChannelObject, behind), READONLY, "An interrupt has left frames that are not served."},
    {"_reads", T_BOOL, offsetof(ChannelObject, reading), READONLY, "A thread reads."},
    {"_writes", T_BOOL, offsetof(ChannelObject, writing), READONLY, "A thread writes."},
    {"_waiting", T_INT, offsetof(ChannelObject, waiting), 0, "Threads that wait for room."},
    {NULL},
};

static PyType_Slot channel_slots[] = {
    {Py_tp_doc, "The bytes of one connection. ``libactor.transport.channel.Channel`` derives from it."},
    {Py_tp_new, ChannelCell_new},
    {Py_tp_init, ChannelCell_init},
    {Py_tp_traverse, ChannelCell_traverse},
    {Py_tp_clear, ChannelCell_clear},
    {Py_tp_dealloc, ChannelCell_dealloc},
    {Py_tp_methods, channel_methods},
    {Py_tp_members, channel_members},
    {0, NULL},
};

PyType_Spec channel_spec = {
    .name = "libactor._core._native.ChannelCell",
    .basicsize = sizeof(ChannelObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = channel_slots,
};

static PyMemberDef traffic_members[] = {
    {"frames_sent", T_ULONGLONG, offsetof(TrafficObject, frames_sent), 0, NULL},
    {"frames_received", T_ULONGLONG, offsetof(TrafficObject, frames_received), 0, NULL},
    {"bytes_sent", T_ULONGLONG, offsetof(TrafficObject, bytes_sent), 0, NULL},
    {"bytes_received", T_ULONGLONG, offsetof(TrafficObject, bytes_received), 0, NULL},
    {NULL},
};

static PyType_Slot traffic_slots[] = {
    {Py_tp_doc, "What the connections of one runtime have carried."},
    {Py_tp_members, traffic_members},
    {0, NULL},
};

PyType_Spec traffic_spec = {
    .name = "libactor._core._native.TrafficCell",
    .basicsize = sizeof(TrafficObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = traffic_slots,
};
