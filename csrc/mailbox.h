/* csrc/mailbox.h -- the Mailbox as the other files of the core see it.
 *
 * Who includes it: mailbox.c and mailbox_type.c, which are the type; calls.c, which puts into it; turn.c, which serves it; help.c.
 * A Mailbox is the C half of an actor's Process (libactor/process.py derives from it); one alone is a bare queue.
 */
#ifndef LIBACTOR_MAILBOX_H
#define LIBACTOR_MAILBOX_H

#include "event.h"
#include "extras.h"
#include "future.h"
#include "ring.h"
#include "run_queue.h"
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *weak_references; /* borrowed list head, kept by the weakref machinery */
    Ring events;
    PyObject *actor;       /* owned: whose methods are called; NULL before there is one and after the end */
    PyObject *kind;        /* owned: its class, which stays */
    PyObject *pid;         /* its address: owned, except while `lent` */
    PyObject *reason;      /* owned: what stopped it; NULL before, None if it was terminated */
    PyObject *runtime;     /* owned: where the actor lives; NULL for a bare mailbox */
    PyObject *delegates;   /* owned dict: to whom messages of a class go on; NULL or None if there is none */
    PyObject *linkers;     /* owned: who is to hear of its end, a dict by order of linking; None once that is being told */
    PyObject *linked;      /* owned dict: those of whose end it is to hear. Both no_links before the first */
    RunQueueObject *queue; /* owned: where it is put when it has something to do; NULL for a bare mailbox */
    FutureObject *stopped; /* owned: ready once the actor is gone; NULL until somebody asks */
    MailboxExtras *extras; /* owned block: what only few actors have; NULL until then */
    char awake;            /* it has been scheduled and is not idle yet */
    char closed;           /* the actor has stopped: nothing enters */
    char gone;             /* and whoever waited for its end was told */
    char queued;           /* it stands in the run queue */
    char running;          /* a thread is in one of its turns */
    char starting;         /* on_start is to be called, before all else */
    char started;          /* it has returned */
    char ending;           /* the actor is to stop, ahead of what waits */
    char stopping;         /* its end has begun */
    char distant;          /* it only stands for an actor of another host */
    char lent;             /* the PID, which leads here, owns this and is not owned by it: see pid.h */
    unsigned char quick;   /* turns since one last took too long, counted up to QUICK_TURNS */
} MailboxObject;

enum { QUICK_TURNS = 4 }; /* that make an actor fit to be helped */

void Mailbox_dealloc(PyObject *op); /* by which the type is known */

/* 0 if `object` is a mailbox, else -1 with TypeError. */
int mailbox_check(PyObject *object, const char *method);

/* Where an event goes: after or ahead of what waits; by the control lane. */
enum { LAST, FIRST, BY_LANE };

/* Put `event` in at that place, without scheduling anybody: QUEUED, WAKE or CLOSED; -1 with MemoryError. */
int mailbox_insert(MailboxObject *self, PyObject *event, int place);

/* As mailbox_deliver, at that place, whether there is room or not. */
int mailbox_send(MailboxObject *self, PyObject *event, int place);

/* Note that `event` is in no mailbox any more, so that its future does not lead there. */
static inline void event_leave(PyObject *event)
{
    if (event_check(event) && event_is_call((EventObject *)event))
        ((FutureObject *)((EventObject *)event)->future)->target = NULL;
}

/* The next event, or None: then the mailbox is idle. */
PyObject *mailbox_take(MailboxObject *self);

/* Refuse every further event; a list of those that were inside. */
PyObject *mailbox_close(MailboxObject *self);

/* The first event of all, now the caller's; NULL if there is none. */
PyObject *mailbox_take_any(MailboxObject *self);

/* As mailbox_deliver, by the control lane: ahead of what else waits, and although the actor is held. */
int mailbox_deliver_urgent(MailboxObject *self, PyObject *event);

/* The extras of a mailbox, made when first asked for; NULL with MemoryError. */
MailboxExtras *mailbox_extras(MailboxObject *self);

/* Drop an event that is not served; -1 with an exception. */
int mailbox_drop(MailboxObject *self, PyObject *event);

/* The future that is ready once the actor is gone, a new reference; NULL with an exception. */
FutureObject *mailbox_stopped(MailboxObject *self);

/* -1 with the error for whoever uses an actor of the parent in the child of a fork. */
int mailbox_refuse_orphan(MailboxObject *self);

/* Put it on its run queue, unless it stands there; 0, or -1 with MemoryError. */
int mailbox_enqueue(MailboxObject *self);

/* Whether a turn would find something to do. */
static inline int mailbox_has_work(MailboxObject *self)
{
    MailboxExtras *extras = self->extras;
    if (self->starting || self->ending)
        return 1;
    if (extras != NULL && extras->life != NULL)
        return extras->life_due;
    if (extras != NULL && (extras->urgent.count != 0 || extras->overdue != 0))
        return 1;
    return self->events.count != 0 && (extras == NULL || !extras->held);
}

/* ---- lanes.c ---- */

/* As mailbox_deliver, for a mailbox with extras: by the lane that the event belongs to, if there is room. */
int mailbox_route(MailboxObject *self, PyObject *event, int patient);

/* Note that an event is in the ordinary ring, or has left it. The mailbox has extras. */
void mailbox_count(MailboxObject *self, PyObject *event);
void mailbox_discount(MailboxObject *self, PyObject *event);

/* Let every thread go on that waits for room: there will be none. */
void mailbox_release_blocked(MailboxObject *self);

/* Put `event` in, whose reference stays the caller's, and see that it is served; if the actor has stopped drop it.
 * Where there is no room one who is `patient` waits, if the bound says so and the thread may. -1 with an exception. */
static inline int mailbox_enter(MailboxObject *self, PyObject *event, int patient)
{
    return self->extras == NULL ? mailbox_send(self, event, LAST) : mailbox_route(self, event, patient);
}

/* Deal with an event that has come for an actor that has stopped: hand it on, to the same place in the mailbox of its
 * newest incarnation, or drop it. Where there is no room, see mailbox_enter. -1 with an exception. */
int mailbox_hand_on(MailboxObject *self, PyObject *event, int place, int patient);

/* 1 if the network of the queue, which has one, takes `event` over; 0 if not, -1 with an exception. */
int mailbox_ask_network(MailboxObject *self, PyObject *event);

/* 1 if the network of the queue, if there is one, sees that an actor elsewhere is asked to stop; 0 if not, -1. */
int mailbox_terminate_elsewhere(MailboxObject *self, int inject);

/* As mailbox_enter, unless a network takes the event over: see stepping.c. */
static inline int mailbox_deliver(MailboxObject *self, PyObject *event, int patient)
{
    if (self->queue != NULL && self->queue->network != NULL) {
        int taken = mailbox_ask_network(self, event);
        if (taken != 0)
            return taken < 0 ? -1 : 0;
    }
    return mailbox_enter(self, event, patient);
}

/* ---- stash.c ---- */

/* Why an event in the stash is a dead letter. */
#define WAS_ASIDE "the actor has stopped, and had set it aside"

/* After the event `aside` of the extras was served: keep it, unless its handler `failed`; -1 with an exception. */
int mailbox_keep_aside(MailboxObject *self, int failed);

/* Whether the event that is being served is to be set aside. */
static inline int mailbox_sets_aside(MailboxObject *self, EventObject *event)
{
    return self->extras != NULL && self->extras->aside == (PyObject *)event;
}

PyObject *Mailbox_set_aside(PyObject *op, PyObject *none);
PyObject *Mailbox_put_back(PyObject *op, PyObject *none);

/* ---- life.c ---- */

/* Start the actor, or end it, whichever is next; -1 with what on_start raised. */
int mailbox_live(MailboxObject *self);

/* See that the mailbox is served, in which something is to be done now; -1 with MemoryError. */
int mailbox_awaken(MailboxObject *self);

/* End the actor, in its own turn: on_stop, drop what waits, tell links, release waiters. If on_stop is to be waited for,
 * all but that comes later, by mailbox_leave. */
int mailbox_stop(MailboxObject *self, PyObject *reason);
int mailbox_leave(MailboxObject *self);

/* Log what is being raised on the way out, even SystemExit, because the way goes on. */
void mailbox_report(MailboxObject *self, const char *what);

/* Ask it to: ahead of what waits, or, if `last` is not NULL, by that event after it. -1 with an exception. */
int mailbox_terminate(MailboxObject *self, PyObject *last);

/* A turn took too long: this actor, and those of its class that are spawned next, are not fit to be helped. */
void mailbox_warn(MailboxObject *self);

PyObject *Mailbox_stop(PyObject *op, PyObject *reason);
PyObject *Mailbox_open_linkers(PyObject *op, PyObject *none);

/* ---- stepping.c ---- */

PyObject *Mailbox_peek(PyObject *op, PyObject *none);
PyObject *Mailbox_awaiting(PyObject *op, PyObject *none);
PyObject *Mailbox_waiting(PyObject *op, PyObject *number);
PyObject *Mailbox_crash(PyObject *op, PyObject *reason);
PyObject *Mailbox_arrive(PyObject *op, PyObject *event);

/* ---- turn.c ---- */

/* The actor in whose handler this thread is, and the event that is served there; NULL outside. Borrowed. */
extern _Thread_local MailboxObject *running_mailbox;
extern _Thread_local PyObject *running_event;

/* Serve events until none is left, the turn is over or `until` (may be NULL) is; `now` is the time at its beginning
 * and at its end. */
void mailbox_run_turn(MailboxObject *self, FutureObject *until, int64_t *now);

/* Deliver `result`, which is consumed and may be NULL, to whoever waits for what the event called. -1 with what ends the
 * actor. */
int event_answer(CoreState *core, EventObject *event, MailboxObject *mailbox, PyObject *result);

int event_serve(EventObject *event, MailboxObject *mailbox);

/* Let go of an event that is not served, and tell whoever waits for it; `why` is for the log. */
int event_drop(EventObject *event, MailboxObject *mailbox, const char *why);

/* As event_drop, because of `error`, a MailboxFull: a future fails with it, if it `fails`, or else is abandoned. */
int event_refuse(EventObject *event, MailboxObject *mailbox, PyObject *error, int fails);

#endif
