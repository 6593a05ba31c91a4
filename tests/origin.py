"""The process of which programs are forks: it has imported a module, and is told what each fork is to run."""

# Who calls: tests.ready, with a socket to itself (a descriptor) and the name of the module as arguments.
# A request is JSON: words, environment, directory, whether it leads a session. With it come descriptors: the
#   program's three streams, and one on which its process id and, at its end, its status are told.
# Invariants: a fork holds no descriptor of the origin and of other forks; its signals are as Python sets them.
# The origin ends when its socket does. It is nobody's child: many tests look whether theirs have all ended. It lets the
#   signals of the terminal pass, which are for the tests.

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from types import ModuleType

REQUEST_BYTES_MAX = 1 << 20
WORD = 4  # bytes of a process id or a status


def serve(channel):
    """Fork for each request. In a fork, return the request and its descriptors; in the origin None, at the end."""
    tellers = {}  # for each program: where its end is told
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([channel, ended], [], [])
        if ended in ready:
            os.read(ended, 1)
            tell_ends(tellers)
        if channel not in ready:
            continue
        request, descriptors, _, _ = socket.recv_fds(channel, REQUEST_BYTES_MAX, 4)
        if not request:
            return None
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for descriptor in (ended, end, channel.detach(), descriptors[3], *tellers.values()):
                os.close(descriptor)
            return json.loads(request), descriptors[:3]
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        tellers[pid] = descriptors[3]
        tell(tellers[pid], pid)


def tell_ends(tellers):
    """Tell of each program that has ended."""
    while tellers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        teller = tellers.pop(pid)
        tell(teller, status)
        os.close(teller)


def tell(teller, number):
    try:
        os.write(teller, number.to_bytes(WORD, sys.byteorder))
    except BrokenPipeError:  # nobody waits for this program any more
        return


def become(request, descriptors):
    """Make this process the program that was asked for, and return what it is to run."""
    words, environment, directory, leads_session = request
    if leads_session:
        os.setsid()
    for stream, descriptor in enumerate(descriptors):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main = sys.modules["__main__"] = ModuleType("__main__")
    if words[0] == "-c":
        text, name, sys.argv, sys.path[0] = words[1], "<string>", ["-c", *words[2:]], ""
    else:
        name, sys.argv, sys.path[0] = words[0], words, os.path.dirname(os.path.abspath(words[0]))
        main.__file__ = name
        with open(name, encoding="utf-8") as file:
            text = file.read()
    return compile(text, name, "exec", dont_inherit=True), main.__dict__


def run_origin():
    if os.fork():
        return
    descriptor, module = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what was imported is not looked at, and so not copied, by the collections of forks
    asked = serve(socket.socket(fileno=int(descriptor)))
    if asked is not None:
        exec(*become(*asked))


if __name__ == "__main__":
    run_origin()
