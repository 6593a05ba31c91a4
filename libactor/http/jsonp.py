"""JSONP: a JSON answer as a script that calls a function of the page which asked for it."""

# Who calls: the application, as one of its last steps, for JSON answers to requests with ?jsonp=.
# The name stands in a script that a browser runs in a page of our address: only what can be the name of a function
#   passes, so that nobody who makes up a link can have other code run. `nosniff` keeps the answer from being anything
#   but a script.
# Line separators U+2028 and U+2029 are fine in JSON, and end a line in scripts of old browsers: they are escaped.
# Any page may include such a script and read what it says, with the password that the browser keeps for us: what must
#   not be read so belongs behind a realm whose credentials browsers do not send by themselves, such as JWT.
# Source: libprocess OK(JSON, jsonp); the Mesos web page, which calls itself back by names like angular.callbacks._7.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.http.request import Request

CALLBACK_MAX = 256  # characters of a name

_CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[[0-9]+\])*", re.ASCII)


def jsonp(request: Request, response: Response) -> Response:
    """``response`` as a script, if it is JSON and the request asks for that; 400 if it does so by a name that will not
    do."""
    if b"jsonp" not in request.query_string or response.header("content-type") != "application/json":
        return response
    callback = request.query.get("jsonp")
    if callback is None or not isinstance(response.body, bytes):
        return response
    try:
        script = as_script(callback, response.body)
    except ValueError as error:
        return Response(400, str(error))
    kept = [(name.decode(), value.decode()) for name, value in response.headers if name != b"content-type"]
    return Response(
        response.status, script, [*kept, ("content-type", "text/javascript"), ("x-content-type-options", "nosniff")]
    )


def as_script(callback: str, json: bytes) -> bytes:
    """The script that calls ``callback`` with the value of ``json``.

    Raises: ValueError for what is no name of a function, such as ``update`` or ``page.callbacks[0]``.
    """
    if len(callback) > CALLBACK_MAX or not _CALLBACK.fullmatch(callback):
        raise ValueError(
            f"jsonp: got {callback[:80]!r}, expected the name of a function, such as page.show, "
            f"of {CALLBACK_MAX} characters at most"
        )
    if b"\xe2\x80" in json:
        json = json.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return callback.encode() + b"(" + json + b");"
