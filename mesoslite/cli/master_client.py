"""Master client: one question to a master over HTTP; what goes wrong ends the command in one line."""

# Who calls: commands that only ask (allocator.py, why.py), which import this when they run.
# One who waits is told what for, since a master that hangs accepts connections all the same.

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import msgspec

from mesoslite.framework.http import split_credential
from mesoslite.model import InvalidRequest

from .failure import fail, refuse, warn

TIMEOUT_SECONDS = 30.0  # an answer about every agent of a large cluster takes seconds
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 2.0  # after which it is said that the answer is waited for
REFUSAL_CHARACTERS = 500


def ask(master: str, path: str, parameters: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the answer to a GET as text, and what that means."""
    try:
        url, credential = split_credential(master)
    except InvalidRequest as error:
        refuse(error)
    try:
        with _told_to_wait(url):
            response = httpx.get(
                url + path,
                params=parameters,
                timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
                trust_env=False,
                follow_redirects=True,
                auth=credential,
            )
    except httpx.RemoteProtocolError as error:
        problem = f"who listens there does not speak HTTP ({error})"
        fail(f"--master {url}: {problem}; give the address of the master's HTTP API, which has a port of its own")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        fail(f"no answer from the master at {url} ({reason}); is it running there? give another by --master")
    if response.status_code != httpx.codes.OK:
        text = response.text[:REFUSAL_CHARACTERS] or response.reason_phrase
        fail(f"the master at {url} answers {response.status_code}: {text}")
    try:
        return response.text, msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        fail(f"{url} is no master of mesoslite: it answers {path} with something else ({error})")


@contextmanager
def _told_to_wait(url: str) -> Iterator[None]:
    """Say once that the master has not answered yet, if what is done in this context takes so long."""
    answered = threading.Event()

    def tell() -> None:
        if not answered.wait(SILENCE_SECONDS):
            warn(f"the master at {url} has not answered yet; waiting up to {TIMEOUT_SECONDS:g} s")

    threading.Thread(target=tell, name="patience", daemon=True).start()
    try:
        yield
    finally:
        answered.set()
