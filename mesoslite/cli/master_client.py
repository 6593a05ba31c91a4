"""Master client: one question to a master over HTTP; what goes wrong ends the command in one line."""

# Who calls: commands that only ask (allocator.py), which import this when they run.

from typing import Any

import httpx2 as httpx
import msgspec

from mesoslite.framework.http import split_credential
from mesoslite.model import InvalidRequest

from .failure import fail, refuse

TIMEOUT_SECONDS = 30.0  # an answer about every agent of a large cluster takes seconds
REFUSAL_CHARACTERS = 500


def ask(master: str, path: str, parameters: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the answer to a GET as text, and what that means."""
    try:
        url, credential = split_credential(master)
    except InvalidRequest as error:
        refuse(error)
    try:
        response = httpx.get(
            url + path,
            params=parameters,
            timeout=TIMEOUT_SECONDS,
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
