/* csrc/channel.c -- the ChannelCell: one connection's bytes: what waits to be sent, what has arrived.
 *
 * Why C: each call to another host and each answer passes through both ways (bench/: remote-ask). Twin:
 * libactor/_core/_channel.py, where the contract of each method is written down; both pass tests/runtime/test_channel.py.
 * Threads: one at a time reads and one at a time writes: who finds `reading` or `writing` set goes away. The GIL makes
 *   each look at them one step. It is let go of while the system waits, or copies much.
 * The descriptor stays open while either is set, so its number is nobody else's; whoever closes it sets both for good.
 * Bytes that arrive are hostile: wire.c makes frames of them, or says why not.
 * Layout: 1 asking Python  2 writing  3 reading  4 frames
 * What Python sees of it: channel_type.c.
 */
#include <errno.h>
#include <sys/socket.h>

#include "channel.h"
#include "wire.h"

/* As in libactor/_core/_channel.py. */
#define READ_BYTES_MAX (4 * READ_BYTES)
#define WRITE_BYTES (512 * 1024)
#define SPAN_NS 100000
#define DIRECT_BYTES (16 * 1024) /* that are handed to the system without letting go of the GIL */

#define NO_WAIT MSG_DONTWAIT
#define NOW (MSG_DONTWAIT | MSG_NOSIGNAL)

/* ---- 1 asking Python ---- */

int channel_ask(ChannelObject *self, const char *method, PyObject *argument)
{
    PyObject *result = argument == NULL ? PyObject_CallMethod((PyObject *)self, method, NULL)
                                        : PyObject_CallMethod((PyObject *)self, method, "(O)", argument);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Whether an exception is one of the system's. An OSError without a number is not: a signal's handler has raised it. */
static int channel_is_of_system(PyObject *error)
{
    if (!PyErr_GivenExceptionMatches(error, PyExc_OSError))
        return 0;
    PyObject *number = ((PyOSErrorObject *)error)->myerrno;
    return number != NULL && number != Py_None;
}

/* Break it because of the system's error that is being raised; what else is raised goes on. 0 or -1. */
static int channel_break(ChannelObject *self)
{
    PyObject *error = core_exception_take();
    if (!channel_is_of_system(error)) {
        core_exception_restore(error);
        return -1;
    }
    int answer = channel_ask(self, "break_", error);
    Py_DECREF(error);
    return answer;
}

/* How many bytes a method of the socket has moved, `result` being consumed; -1: none by now; -2 with an exception. */
static Py_ssize_t channel_count(PyObject *result)
{
    Py_ssize_t count = result == NULL ? -1 : PyLong_AsSsize_t(result);
    Py_XDECREF(result);
    if (count >= 0)
        return count;
    if (!PyErr_ExceptionMatches(PyExc_BlockingIOError))
        return -2;
    PyErr_Clear();
    return -1;
}

/* As channel_count, of a call of the system that answered `count`. */
static Py_ssize_t channel_count_direct(Py_ssize_t count)
{
    if (count >= 0)
        return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return -1;
    PyErr_SetFromErrno(PyExc_OSError);
    return -2;
}

/* ---- 2 writing ---- */

static Py_ssize_t channel_send(ChannelObject *self)
{
    Py_ssize_t size = Py_MIN(PyByteArray_GET_SIZE(self->outgoing), WRITE_BYTES);
    if (self->direct && size <= DIRECT_BYTES)
        return channel_count_direct(send(self->fd, PyByteArray_AS_STRING(self->outgoing), (size_t)size, NOW));
    PyObject *bytes = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(self->outgoing), size);
    if (bytes == NULL)
        return -2;
    Py_ssize_t count = channel_count(PyObject_CallMethod(self->sock, "send", "Oi", bytes, NOW));
    Py_DECREF(bytes);
    return count;
}

/* How much is left of the frame in which `sent` bytes end. Whoever breaks it may have emptied `outgoing` meanwhile. */
static Py_ssize_t channel_rest(ChannelObject *self, Py_ssize_t sent)
{
    const unsigned char *data = (unsigned char *)PyByteArray_AS_STRING(self->outgoing);
    Py_ssize_t at = self->cut, size = PyByteArray_GET_SIZE(self->outgoing);
    while (at < sent && size - at >= HEAD_BYTES)
        at += HEAD_BYTES + (Py_ssize_t)wire_frame_size(data + at);
    return Py_MAX(at - sent, 0);
}

int channel_took(ChannelObject *self, Py_ssize_t sent)
{
    int all = sent >= PyByteArray_GET_SIZE(self->outgoing);
    self->spoke = 1;
    self->node->bytes_sent += (unsigned long long)sent;
    self->cut = all ? 0 : channel_rest(self, sent);
    return all ? PyByteArray_Resize(self->outgoing, 0) : PySequence_DelSlice(self->outgoing, 0, sent);
}

/* Write until the system takes no more; `writing` is set. 0 or -1. */
static int channel_write(ChannelObject *self)
{
    self->flushed_ns = now_ns();
    while (PyByteArray_GET_SIZE(self->outgoing) != 0 && !channel_is_broken(self)) {
        self->may_write = 0; /* before the attempt: what the poller says of it afterwards is not lost */
        Py_ssize_t sent = channel_send(self);
        if (sent == -1)
            return channel_ask(self, "give_back", NULL); /* so that the poller tells when there is room */
        if (sent < 0)
            return channel_break(self);
        self->may_write = 1;
        if (channel_took(self, sent) < 0)
            return -1;
    }
    return 0;
}

int channel_flush(ChannelObject *self)
{
    int answer = 0;
    self->flush_due = 0;
    while (answer == 0 && PyByteArray_GET_SIZE(self->outgoing) != 0 && self->may_write && self->open &&
           !channel_is_broken(self) && !self->writing) {
        self->writing = 1;
        answer = channel_write(self);
        self->writing = 0;
    }
    if (answer == 0 && (self->waiting || self->finishing || self->leaving || channel_is_broken(self)))
        answer = channel_ask(self, "_go_on", NULL);
    return answer;
}

int channel_sent(ChannelObject *self, Py_ssize_t size, int at_once)
{
    self->node->frames_sent++;
    if (PyByteArray_GET_SIZE(self->outgoing) - size > self->buffer_max)
        return channel_ask(self, "_overflow", NULL);
    if (!at_once && self->flush_due)
        return 0;
    if (at_once || now_ns() - self->flushed_ns > SPAN_NS)
        return channel_flush(self);
    self->flush_due = 1;
    return channel_ask(self, "_flush_soon", NULL);
}

/* ---- 3 reading ---- */

/* recv that may wait, or copies much, without the GIL; until a signal's handler raises. */
static Py_ssize_t channel_recv_apart(ChannelObject *self, char *at, size_t room, int flags)
{
    for (;;) {
        Py_ssize_t count;
        Py_BEGIN_ALLOW_THREADS
        count = recv(self->fd, at, room, flags);
        Py_END_ALLOW_THREADS
        if (count >= 0 || errno != EINTR)
            return channel_count_direct(count);
        if (PyErr_CheckSignals() < 0)
            return -2;
    }
}

/* Read once into `room` bytes behind what is there. As channel_count. */
static Py_ssize_t channel_recv(ChannelObject *self, Py_ssize_t room, int flags)
{
    char *at = PyByteArray_AS_STRING(self->buffer) + self->filled;
    if (self->direct && (flags & NO_WAIT) != 0 && room <= READ_BYTES)
        return channel_count_direct(recv(self->fd, at, (size_t)room, flags));
    if (self->direct)
        return channel_recv_apart(self, at, (size_t)room, flags);
    PyObject *whole = PyMemoryView_FromObject(self->buffer);
    PyObject *view = whole == NULL ? NULL : PySequence_GetSlice(whole, self->filled, self->filled + room);
    PyObject *result = view == NULL ? NULL : PyObject_CallMethod(self->sock, "recv_into", "Oii", view, 0, flags);
    Py_XDECREF(view);
    Py_XDECREF(whole);
    return channel_count(result);
}

/* Move what is left to the front, and have room for more: the more of a large frame is there, the more. */
static int channel_make_space(ChannelObject *self)
{
    Py_ssize_t left = self->filled - self->start, size = PyByteArray_GET_SIZE(self->buffer);
    char *data = PyByteArray_AS_STRING(self->buffer);
    if (left == size) {
        PyObject *larger = PyByteArray_FromStringAndSize(NULL, 2 * size);
        if (larger == NULL)
            return -1;
        core_copy(PyByteArray_AS_STRING(larger), data, (size_t)size);
        Py_SETREF(self->buffer, larger);
    } else if (self->start != 0 && left != 0)
        memmove(data, data + self->start, (size_t)left);
    self->start = 0;
    self->filled = left;
    return 0;
}

/* ---- 4 frames ---- */

/* Serve the frames that are there as a whole; `reading` is set. 0 or -1. */
static int channel_serve_all(ChannelObject *self)
{
    PyObject *complaint = NULL, *frame;
    int answer = 0;
    while (answer == 0 && !channel_is_broken(self) &&
           (frame = wire_take_frame((unsigned char *)PyByteArray_AS_STRING(self->buffer), &self->start, self->filled,
                                    self->frame_max, &complaint)) != NULL) {
        self->node->frames_received++;
        answer = channel_serve(self, frame);
        Py_DECREF(frame);
    }
    if (complaint != NULL)
        (void)channel_ask(self, "_break_malformed", complaint);
    Py_XDECREF(complaint);
    PyObject *raised = core_exception_take();
    if (channel_make_space(self) < 0)
        core_exception_keep_first(&raised);
    self->behind = raised != NULL;
    core_exception_restore(raised);
    return raised == NULL ? 0 : -1;
}

/* Whether both sides know each other, after the handshake got what has arrived; -1 with an exception. */
static int channel_greet(ChannelObject *self)
{
    if (self->open)
        return 1;
    return channel_ask(self, "_greet", NULL) < 0 ? -1 : self->open;
}

int channel_read_once(ChannelObject *self, int flags, Py_ssize_t *count)
{
    if (self->behind) {
        *count = 1; /* there may be more */
        return channel_serve_all(self);
    }
    Py_ssize_t room = PyByteArray_GET_SIZE(self->buffer) - self->filled, got = channel_recv(self, room, flags);
    *count = 0;
    if (got == -1)
        return 0;
    if (got < 0)
        return channel_break(self);
    if (got == 0)
        return channel_ask(self, "_end_here", NULL);
    self->heard = 1;
    self->node->bytes_received += (unsigned long long)got;
    self->filled += got;
    *count = got == room ? got : -got;
    int open = channel_greet(self);
    return open <= 0 ? open : channel_serve_all(self);
}

/* Read until there is no more, or enough for this time; `reading` is set. 0 or -1. */
static int channel_receive(ChannelObject *self)
{
    Py_ssize_t rest = READ_BYTES_MAX, count;
    while (rest > 0 && !channel_is_broken(self)) {
        if (channel_read_once(self, NO_WAIT, &count) < 0)
            return -1;
        if (count == 0 || (count < 0 && !self->ending))
            return 0;
        rest -= count < 0 ? -count : count;
    }
    return channel_is_broken(self) ? 0 : channel_ask(self, "_read_soon", NULL);
}

/* Reading has failed: Python ends it, or sees that somebody goes on. 0, or -1 with the interrupt. */
static int channel_fail(ChannelObject *self)
{
    PyObject *error = core_exception_take();
    int answer = channel_ask(self, "_fail", error);
    Py_DECREF(error);
    return answer;
}

int channel_read(ChannelObject *self)
{
    int answer = 0;
    self->unread = 1;
    while (answer == 0 && self->unread && !channel_is_broken(self) && !self->reading) {
        self->unread = 0;
        self->reading = 1;
        answer = channel_receive(self);
        self->reading = 0;
        if (answer < 0)
            answer = channel_fail(self);
    }
    if (answer == 0 && self->leaving && !channel_is_broken(self))
        answer = channel_ask(self, "end_if_idle", NULL);
    if (answer == 0 && channel_is_broken(self))
        answer = channel_ask(self, "_close", NULL);
    return answer;
}

int channel_stands(ChannelObject *self, PyObject *mask)
{
    if (self->open)
        return 1;
    PyObject *answer = PyObject_CallMethod((PyObject *)self, "_begins", "(O)", mask);
    int stands = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return stands;
}
