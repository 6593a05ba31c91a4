/* csrc/channel.h -- the ChannelCell as the other files of the core see it.
 *
 * Who includes it: channel.c, which is the type; channel_calls.c, for what frames mean; stepping.c, which offers calls.
 * A ChannelCell is the C half of one TCP connection with another runtime (libactor/transport/channel.py derives from it).
 * Methods of the Python half that it calls by their names: `_serve`, `break_` and so on, for all that is rare.
 */
#ifndef LIBACTOR_CHANNEL_H
#define LIBACTOR_CHANNEL_H

#include "mailbox.h"

/* What the connections of one runtime have carried; libactor/transport/node.py derives from it. */
typedef struct {
    PyObject_HEAD
    unsigned long long frames_sent, frames_received, bytes_sent, bytes_received;
} TrafficObject;

typedef struct {
    PyObject_HEAD
    CoreState *core;     /* of the module that the type belongs to */
    TrafficObject *node; /* owned; NULL before __init__ */
    PyObject *sock;      /* owned: the socket, or what makes one secret */
    PyObject *outgoing;  /* owned bytearray: what waits to be sent */
    PyObject *buffer;    /* owned bytearray: what has arrived, from `start` to `filled`. Who reads may replace it */
    PyObject *broken;    /* owned: why it is; NULL or None while it is not */
    PyObject *serving;   /* owned dict: number to future of calls from there that are not answered */
    PyObject *processes; /* owned dict: id to process, of the runtime here; NULL before it is known */
    PyObject *calls;     /* owned dict: number to [future, PID, event or None] of calls to there */
    PyObject *awaited;   /* owned dict: future to helper, of all connections; see libactor/waiting.py */
    PyObject *context;   /* owned: what the calling thread serves; see libactor/context.py */
    long long next;      /* number of a call */
    Py_ssize_t frame_max, buffer_max, outside_max;
    Py_ssize_t start, filled;
    Py_ssize_t cut; /* bytes at the front of `outgoing` that are the rest of a frame whose others were sent */
    int64_t flushed_ns;
    int fd;       /* borrowed from the socket */
    int waiting;  /* threads that wait for room */
    char direct;  /* the bytes on the descriptor are the frames: there is no encryption between */
    char open, leaving, finishing, heard, spoke, may_write, flush_due, ending, unread;
    char reading, writing; /* a thread does */
    char behind;           /* an interrupt has left frames in the buffer that are not served */
    char lent;             /* the poller leaves the socket to threads that wait */
} ChannelObject;

static inline int channel_is_broken(const ChannelObject *self)
{
    return self->broken != NULL && self->broken != Py_None;
}

/* Call a method of the Python half with one argument, or without if that is NULL; 0, or -1 with an exception. */
int channel_ask(ChannelObject *self, const char *method, PyObject *argument);

/* ---- channel.c ---- */

#define READ_BYTES (256 * 1024) /* of the buffer that is read into, which grows for one frame that is larger */
#define CHANNEL_END (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* A frame of `size` bytes was put into `outgoing`: send it, now if `at_once`, else soon. 0 or -1. */
int channel_sent(ChannelObject *self, Py_ssize_t size, int at_once);

/* What flush, read and _read_once do: 0, or -1 with an exception. */
int channel_flush(ChannelObject *self);

/* The system has taken so many bytes of `outgoing`; 0 or -1. */
int channel_took(ChannelObject *self, Py_ssize_t sent);

int channel_read(ChannelObject *self);
int channel_read_once(ChannelObject *self, int flags, Py_ssize_t *count);

/* Whether it stands, so that what the poller says, `mask`, is of its bytes; -1 with an exception. */
int channel_stands(ChannelObject *self, PyObject *mask);

/* ---- channel_calls.c ---- */

/* Serve a frame, a tuple; 0, or -1 with what is no Exception. */
int channel_serve(ChannelObject *self, PyObject *frame);

/* Send `event` to the actor at `pid`, if it is plain: 1, and it has been taken over; 0, and nothing was done; -1. */
int channel_offer(ChannelObject *self, PyObject *pid, EventObject *event);

extern PyType_Spec reply_spec;

#endif
