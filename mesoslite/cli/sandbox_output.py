"""SandboxOutput: what a task writes, as it writes it, from its sandbox on an agent to our own output."""

# Who calls: run.py, between notes; a call reads what there is and returns.
# Bytes are taken over as they are: READ_FILE carries them as base64, where /files/read would bend what is no text.
# A file that has become shorter was put aside by the agent (`--container-logger=logrotate`): its rest is in what it has
#   become, and then the new one begins.
# Written without a buffer, so that a reader who has gone is noticed here and not when Python exits.
# The path is Mesos's virtual one, so this works with its agents too, and needs no look into the agent's state.

from __future__ import annotations

import base64
import os
from typing import Any

import httpx2 as httpx
import msgspec

from libactor.http import host_and_port
from mesoslite.model import Offer, TaskID

from .failure import warn
from .master_client import REFUSAL_CHARACTERS

PAGES_MAX = 16  # read of one file in one call, so that a busy task does not keep us from anything else


class SandboxOutput:
    """Follows ``stdout`` and ``stderr`` of one task."""

    def __init__(self, client: httpx.Client, offer: Offer, task_id: TaskID) -> None:
        self._client = client
        self._url = f"http://{host_and_port(offer.hostname, offer.port)}/api/v1"
        self._run = f"/frameworks/{offer.framework_id}/executors/{task_id}/runs/latest"
        self._offsets = {"stdout": 0, "stderr": 0}
        self._open = True

    def close(self) -> None:
        """Copy nothing any more."""
        self._open = False

    def copy(self) -> bool:
        """Copy what has been written since the last call; False if there is nothing more for now.

        Raises: OSError, if our output cannot be written: BrokenPipeError, if nobody reads it any more.
        """
        return any([self._copy_file("stdout", 1), self._copy_file("stderr", 2)])

    def _copy_file(self, name: str, target: int) -> bool:
        for _ in range(PAGES_MAX):
            data, size = self._read(name, self._offsets[name])
            is_aside = 0 <= size < self._offsets[name]
            if is_aside:
                data, _ = self._read(f"{name}.1", self._offsets[name])
                if not data:
                    self._offsets[name] = 0
            self._offsets[name] += len(data)
            _write(target, data)
            if not is_aside and (not data or self._offsets[name] >= size):
                return False
        return True

    def _read(self, name: str, offset: int) -> tuple[bytes, int]:
        """The bytes of a file from ``offset`` on, and its size; nothing and -1 while the file is not there."""
        wanted = {"path": f"{self._run}/{name}", "offset": offset}
        if not self._open:
            return b"", -1
        try:
            response = self._client.post(self._url, json={"type": "READ_FILE", "read_file": wanted})
            if response.status_code == 404:  # the sandbox is not made yet
                return b"", -1
            if response.is_error:
                raise ValueError(f"it answers {response.status_code}: {response.text[:REFUSAL_CHARACTERS]}")
            answer: dict[str, Any] = msgspec.json.decode(response.content)["read_file"]
            return base64.b64decode(answer["data"]), int(answer["size"])
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            self.close()
            warn(f"the output of the task cannot be shown: {self._url}: {str(error) or type(error).__name__}")
            return b"", -1


def _write(target: int, data: bytes) -> None:
    """Write all of ``data`` to a file descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
