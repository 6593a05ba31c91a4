"""A shop over HTTP that not everybody may enter, with its help, its metrics and its page.

Run it:  python examples/http_guarded.py              it asks itself, and says what was answered
         python examples/http_guarded.py --port 8080  it serves until Ctrl-C:
             curl -u ann:tea -d 3 localhost:8080/shop/buy      curl localhost:8080/metrics
"""

import base64
import contextlib
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

import libactor as la
from libactor import http

USERS = {"ann": "tea", "bob": "jam"}


class Shop(la.Actor):
    def __init__(self) -> None:
        super().__init__("shop")
        self.sold = la.metrics.Counter("shop/sold")

    def on_start(self) -> None:
        self.runtime.metrics.add(self.sold)

    @la.route("/price", methods=["GET"])
    def price(self, request: http.Request) -> dict[str, int]:
        """What things cost, in pence."""
        return {"tea": 250}

    @la.route("/buy", methods=["POST"], realm="customers")
    def buy(self, request: http.Request, principal: http.Principal) -> str | http.Response:
        """Buy as many as the body says."""
        if not request.body.isdigit():
            return http.Response(400, "expected a whole number")
        self.sold += int(request.body)
        return f"{principal.value} has bought {int(request.body)}"


def ask(url: str, user: str = "", body: bytes | None = None) -> str:
    """The status and the first line of an answer."""
    given = base64.b64encode(f"{user}:{USERS.get(user, '')}".encode()).decode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Authorization": f"Basic {given}"})) as answer:
            return f"{answer.status} {answer.readline().decode().strip()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.readline().decode().strip()}"


def main(port: int | None) -> None:
    with tempfile.TemporaryDirectory() as directory, la.Runtime() as runtime:
        Path(directory, "index.html").write_text("<h1>Tea</h1>\n")
        runtime.spawn(Shop())
        options = {
            "realms": {"customers": http.Basic("customers", USERS)},
            "authorize": http.ByEndpoint({"/shop/buy": lambda request, who: who.value != "bob"}),
            "firewall": [http.DisabledPaths(["/__processes__"])],
            "system": {**http.own_routes(runtime), "/page": http.provide(directory)},
        }
        with http.serve(runtime, port=port or 0, **options) as server:
            if port is not None:
                print(f"serving at {server.url}; Ctrl-C ends it")
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
                return
            for path, user, body in [
                ("/shop/price", "", None), ("/shop/buy", "", b"3"), ("/shop/buy", "bob", b"3"),
                ("/shop/buy", "ann", b"3"), ("/__processes__", "", None), ("/page/index.html", "", None),
            ]:  # fmt: skip
                print(f"{user or 'somebody'} {path} -> {ask(server.url + path, user, body)}")


if __name__ == "__main__":
    main(int(sys.argv[2]) if sys.argv[1:2] == ["--port"] else None)
