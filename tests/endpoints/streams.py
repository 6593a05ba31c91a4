"""A scheduler over a raw socket: sends what the test says and reads chunks and records itself."""

import http.client
import json
import socket
from urllib.parse import urlsplit

from mesoslite.model.v1 import Records

from .fakes import BOUND

SUBSCRIBE = b'{"type": "SUBSCRIBE", "subscribe": {"framework_info": {"name": "f", "user": "u"}}}'
PATH = "/api/v1/scheduler"
JSON = {"Content-Type": "application/json"}


class Client:
    """One subscription; other calls go over connections of their own."""

    def __init__(self, url, receive_buffer=None):
        self.url = url
        address = urlsplit(url)
        self._address = (address.hostname, address.port)
        self._connection = http.client.HTTPConnection(*self._address, timeout=BOUND)
        self._receive_buffer = receive_buffer
        self._records = Records()
        self._events = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def subscribe(self, body=SUBSCRIBE, **headers):
        """Subscribe and read the first event."""
        self._connection.sock = socket.socket()
        if self._receive_buffer is not None:
            self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self._connection.sock.settimeout(BOUND)
        self._connection.sock.connect(self._address)
        self._connection.request("POST", PATH, body=body, headers={**JSON, **headers})
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.getheaders()}
        self.first = self.event()

    def event(self):
        """The next event; None at the proper end of the stream."""
        while not self._events:
            piece = self._response.read1(65536)
            if not piece:
                assert self._records.is_between_records
                return None
            self._events += [json.loads(record) for record in self._records.feed(piece)]
        return self._events.pop(0)

    def drain_is_cut(self):
        """Whether the stream breaks off instead of ending, once all that was sent is read."""
        try:
            while self._response.read1(1 << 20):
                pass
        except (http.client.IncompleteRead, ConnectionResetError):
            return True
        return not self._records.is_between_records

    def post(self, document, stream_id=""):
        """Send a call and return its status; the stream's own id unless another, or None for none, is given."""
        return self.pipeline([document], stream_id)[0]

    def pipeline(self, documents, stream_id=""):
        """Send calls one after the other without waiting; return their statuses."""
        given = self.headers["mesos-stream-id"] if stream_id == "" else stream_id
        extra = f"Mesos-Stream-Id: {given}\r\n" if given else ""
        bodies = [json.dumps(document).encode() for document in documents]
        heads = [
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            for body in bodies
        ]
        with socket.create_connection(self._address, timeout=BOUND) as connection:
            connection.sendall(b"".join([head + body for head, body in zip(heads, bodies, strict=True)]))
            received, marks = b"", b"HTTP/1.1 "
            while received.count(b"\r\n\r\n") < len(documents):
                piece = connection.recv(65536)
                assert piece, f"closed after {received!r}"
                received += piece
        return [int(part[:3]) for part in received.split(marks)[1:]]

    def close(self):
        """Close the connection."""
        if self._connection.sock is not None:
            self._connection.close()
        response = getattr(self, "_response", None)
        if response is not None:
            response.close()
