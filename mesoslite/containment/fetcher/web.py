"""Web: files of HTTP and FTP servers."""

# Who calls: sources.py.
# Proxies are those of the environment. What a URI says of user and password is sent to its own origin, and is not sent
#   on when a server leads elsewhere; nor is what is for a proxy. Redirects are followed ten times at most, and lead to
#   HTTP alone.
# Source: Mesos 3rdparty/stout/include/stout/posix/net.hpp (download), which is libcurl.

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from .patience import Patience, PatientReader
from .problem import Problem
from .sources import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES = ("http", "https", "ftp")
_WEB = ("http", "https")
_SAFE = "%/:=&?~#+!$,;'@()*[]"


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def http_error_302(self, req, fp, code, msg, headers):  # type: ignore[no-untyped-def]
        """Follow an answer that leads elsewhere."""
        place = headers.get("location") or headers.get("uri") or ""
        if urllib.parse.urlsplit(place).scheme not in ("", *_WEB):
            fp.close()
            raise Problem(f"the server leads to {shown(place)[:200]!r}, which is not HTTP")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: urllib.request.Request, fp, code: int, msg: str, headers, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows ``req``."""
        there = _request(newurl)
        following = super().redirect_request(req, fp, code, msg, headers, there.full_url)
        if following is None:
            return None
        following.remove_header("Proxy-authorization")  # which is set again where the way leads through the proxy
        secret = there.unredirected_hdrs.get("Authorization")
        if secret is None and _origin(there.full_url) == _origin(req.full_url):
            secret = req.unredirected_hdrs.get("Authorization")
        if secret is not None:
            following.add_unredirected_header("Authorization", secret)
        self._patience.renew()
        return following


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


@contextmanager
def opened(uri: str, stall_seconds: float) -> Iterator[tuple[BinaryIO, int | None]]:
    """What to read a file from, and how many bytes it is to have, if its server says. Raises: Problem."""
    try:
        patience = Patience(stall_seconds)
        opener = urllib.request.build_opener(_Redirects(patience))
        with patience.waited():
            answer = opener.open(_request(uri), timeout=stall_seconds)
        with answer as response:
            status = getattr(response, "status", None)
            if status not in (None, 200):  # FTP has none
                raise Problem(f"the server answered {status}, and not 200")
            length = response.headers.get("Content-Length", "")
            yield cast(BinaryIO, PatientReader(response, patience)), int(length) if length.isdecimal() else None
    except urllib.error.HTTPError as error:
        error.close()
        raise Problem(f"the server answered {error.code}: {' '.join(str(error.reason).split())[:200]}") from error
    except TimeoutError as error:
        raise _stall(stall_seconds) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _stall(stall_seconds) from error
        raise Problem(f"{error.reason}") from error
    except http.client.IncompleteRead as error:
        raise Problem("the server ended before the file did") from error
    except http.client.HTTPException as error:
        raise Problem(f"{type(error).__name__}: {error}") from error


def _stall(seconds: float) -> Problem:
    return Problem(f"the server sent nothing, or less than a byte a second, for {seconds:g} seconds")


def _request(uri: str) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme not in _WEB or "@" not in parts.netloc:
        return urllib.request.Request(urllib.parse.quote(uri, safe=_SAFE), headers={"User-Agent": "mesoslite"})
    user, _, host = parts.netloc.rpartition("@")
    request = _request(parts._replace(netloc=host).geturl())
    pair = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
    request.add_unredirected_header("Authorization", f"Basic {pair}")
    return request
