"""Frames: what two runtimes say to one another once they know each other."""

# Who calls: connections, which write and read them by append_frame and parse_frames of the core.
# On the wire: a length (4 bytes, big-endian) and a flat array in msgpack that begins with the number of its kind; the
#   rest is as in the list below. Arguments and results that msgpack has as scalars go as they are; where one of them is
#   more, all go as the bytes that the codec makes ("coded").
# Invariants: 1. a frame is read only once it is there as a whole, and its length was checked before.    2. nothing is
#   looked up by a name in a frame but actors of the runtime's table, methods that are marked and classes that are
#   imported.
# Calls are numbered by who asks, once for a connection.
# Source: none in libprocess, whose messages are HTTP requests; it has neither calls nor answers between hosts.

from __future__ import annotations

(
    TELL,  # id, method, arguments...: a call that nobody waits for
    CALL,  # number, id, method, arguments...
    POST,  # id, id and address of the sender or None twice, message coded
    ANSWER,  # number, value
    TELL_CODED,  # id, method, (arguments, those with a name) coded
    CALL_CODED,  # number, id, method, the same
    ANSWER_CODED,  # number, value coded
    FAILED,  # number, error coded
    DISCARDED,  # number
    ABANDONED,  # number, what has stopped the actor coded, or None
    DISCARD,  # number: who made a call asks for that
    LINK,  # id: somebody is to hear of its end
    UNLINK,  # id: nobody is any more
    EXITED,  # id, reason coded or None: an actor has stopped to which there was a link
    TERMINATE,  # id, inject
    BEAT,  # I am still there
    RETIRE,  # nothing new comes by this connection: there is a newer one
) = range(17)


class Malformed(Exception):
    """A frame is not what a frame can be; its connection is broken."""
