"""SandboxOutput: what a task writes, as it writes it, from its sandbox on an agent to our own output."""

# Who calls: run.py, between notes; a call reads what there is and returns.
# Bytes are taken over as they are: READ_FILE carries them as base64, where /files/read would bend what is no text.
# What is put aside meanwhile, with `--container-logger=logrotate`, is followed by followed_file.py.
# Written without a buffer, so that a reader who has gone is noticed here and not when Python exits.
# The path is Mesos's virtual one, so this works with its agents too, and needs no look into the agent's state.

from __future__ import annotations

import base64
import itertools
import os
from typing import Any

import httpx2 as httpx
import msgspec

from libactor.http import host_and_port
from mesoslite.model import Offer, TaskID

from .failure import warn
from .followed_file import FollowedFile
from .master_client import REFUSAL_CHARACTERS

ADVICE = "; start the agent with a --hostname and --host by which this machine reaches it"
PAGE_BYTES = 64 << 10  # the most that an agent gives at once


class SandboxOutput:
    """Follows ``stdout`` and ``stderr`` of one task."""

    def __init__(self, client: httpx.Client, offer: Offer, task_id: TaskID) -> None:
        self._client = client
        self._url = f"http://{host_and_port(offer.hostname, offer.port)}/api/v1"
        self._run = f"/frameworks/{offer.framework_id}/executors/{task_id}/runs/latest"
        self._files = ((FollowedFile(self, "stdout"), 1), (FollowedFile(self, "stderr"), 2))
        self._open = True

    def close(self) -> None:
        """Copy nothing any more."""
        self._open = False

    def copy(self) -> bool:
        """Copy what has been written since the last call; False if there is nothing more for now.

        Raises: OSError, if our output cannot be written: BrokenPipeError, if nobody reads it any more.
        """
        if not self._open:
            return False
        try:
            more = [self._copy_file(file, target) for file, target in self._files]  # both, whatever the first says
            return any(more)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            self.close()
            advice = ADVICE if isinstance(error, httpx.ConnectError) else ""
            warn(f"the output of the task cannot be shown: {self._url}: {str(error) or type(error).__name__}{advice}")
            return False

    def read(self, name: str, offset: int, length: int = PAGE_BYTES) -> tuple[bytes, int]:
        """The bytes of a file from ``offset`` on, and its size; nothing and -1 while the file is not there."""
        page = self._ask("READ_FILE", {"path": f"{self._run}/{name}", "offset": offset, "length": length})
        return (base64.b64decode(page["data"]), int(page["size"])) if page else (b"", -1)

    def written(self, name: str) -> tuple[int, ...]:
        """When ``name.1``, ``name.2`` and so on were last written, in nanoseconds."""
        if self.read(f"{name}.1", 0, length=1)[1] < 0:
            return ()
        times = {
            file["path"].rpartition("/")[2]: int(file["mtime"]["nanoseconds"])
            for file in self._ask("LIST_FILES", {"path": self._run}).get("file_infos", ())
        }
        names = itertools.takewhile(times.__contains__, (f"{name}.{number}" for number in itertools.count(1)))
        return tuple([times[each] for each in names])

    def _copy_file(self, file: FollowedFile, target: int) -> bool:
        data, more = file.look()
        _write(target, data)
        return more

    def _ask(self, call: str, fields: dict[str, Any]) -> dict[str, Any]:
        """What the agent answers; nothing if there is no such file, as before the sandbox is made."""
        response = self._client.post(self._url, json={"type": call, call.lower(): fields})
        if response.status_code == 404:
            return {}
        if response.is_error:
            raise ValueError(f"it answers {response.status_code}: {response.text[:REFUSAL_CHARACTERS]}")
        answer: dict[str, Any] = msgspec.json.decode(response.content)[call.lower()]
        return answer


def _write(target: int, data: bytes) -> None:
    """Write all of ``data`` to a file descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
