"""Programs in Python that begin at once: forks of a process that has imported what they would import first."""

# Who calls: tests that start many programs. To import mesoslite takes a quarter of a second, most of what such a
#   program costs. The process that forks is tests/origin.py; each process of tests has one for each such module.
# A program has its own arguments, environment, directory, descriptors and session, is the module __main__, and ends as
#   programs do: its threads are waited for, what was registered is called, and the interpreter is taken down.
# It differs in this from one that Python starts: texts have the same hashes in all, and imports have read the
#   environment of the tests. One whose environment sets otherwise what they read is started by Python, and with
#   THOROUGH=1 all are.
# Only what a program imports itself may be imported for it, else nobody sees that it forgets to.
# Rejected: to fork the process that runs the tests. It is large, and has threads that the fork would not have.

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.origin import WORD

ORIGIN = Path(__file__).with_name("origin.py")
READ_BY_IMPORTS = ("LIBACTOR_", "PYTHON")  # how the names begin


class Program(subprocess.Popen):
    """As Popen, of Python and ``arguments``: ``-c``, a program and words for it, or a file and words for it.

    ``imports`` is the module that the program imports first; ``python`` are options of Python.
    Of the options of Popen these are taken: the streams and how they are read, env, cwd and start_new_session.
    """

    def __init__(self, imports, arguments, *, python=(), env=None, cwd=None, start_new_session=False, **options):
        self._imports, self._python, self._words = imports, python, [os.fspath(argument) for argument in arguments]
        self._environment = dict(os.environ if env is None else env)
        self._rest = os.fspath(cwd or os.getcwd()), start_new_session
        self._told = None  # of a fork: where its end is told
        command = [sys.executable, *python, *self._words]
        super().__init__(command, env=env, cwd=cwd, start_new_session=start_new_session, **options)

    def _execute_child(self, *order):
        if os.environ.get("THOROUGH") or self._is_read_otherwise():
            super()._execute_child(*order)
            return
        pipes = order[10:16]
        streams = [number if end == -1 else end for number, end in enumerate((pipes[0], pipes[3], pipes[5]))]
        request = [self._words, self._environment, *self._rest]
        self.pid, self._told = origin(self._imports, *self._python).fork(request, streams)
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def _is_read_otherwise(self):
        names = [name for name in os.environ | self._environment if name.startswith(READ_BY_IMPORTS)]
        return any(os.environ.get(name) != self._environment.get(name) for name in names)

    def _try_wait(self, wait_flags):
        if self._told is None:
            return super()._try_wait(wait_flags)
        if wait_flags & os.WNOHANG and not select.select([self._told], [], [], 0)[0]:
            return 0, 0
        status = read_word(self._told)
        os.close(self._told)
        return self.pid, status

    def _internal_poll(self, *arguments, **options):
        if self._told is None:
            return super()._internal_poll(*arguments, **options)
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self._handle_exitstatus(status)
        return self.returncode


class Origin:
    """A process of Python with some options that has imported a module, and forks."""

    def __init__(self, imports, *python):
        self._channel, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_end:
            command = [sys.executable, *python, ORIGIN, str(its_end.fileno()), imports]
            subprocess.run(command, pass_fds=[its_end.fileno()], stdin=subprocess.DEVNULL, check=True)
        atexit.register(self._channel.close)  # which ends it

    def fork(self, request, streams):
        """Have a program begin; its process id, and the descriptor where its status will be read."""
        told, teller = os.pipe()
        with os.fdopen(teller, "wb"):
            socket.send_fds(self._channel, [json.dumps(request).encode()], [*streams, teller])
        return read_word(told), told


origin = cache(Origin)


def run(imports, arguments, *, timeout=60, **options):
    """Run a program to its end, or for ``timeout`` seconds: as subprocess.run, which captures what it puts out."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    with Program(imports, arguments, **options) as program:
        try:
            output, errors = program.communicate(timeout=timeout)
        finally:
            program.kill()  # nothing, if it has ended
    return subprocess.CompletedProcess(program.args, program.returncode, output, errors)


def read_word(descriptor):
    word = os.read(descriptor, WORD)
    assert len(word) == WORD, "the process that forks programs has gone: see the error output of the tests"
    return int.from_bytes(word, sys.byteorder)
