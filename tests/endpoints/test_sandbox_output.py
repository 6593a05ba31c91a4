"""What a task has written is shown as far as its agent shows it."""

import base64
from types import SimpleNamespace

import httpx2 as httpx
import msgspec
import pytest

from mesoslite.cli.sandbox_output import SandboxOutput


def test_an_agent_that_refuses_to_show_the_output_is_told_once_with_its_reason(capsys):
    refusal = httpx.MockTransport(lambda request: httpx.Response(403, text="who has no principal is not allowed"))
    offer = SimpleNamespace(hostname="127.0.0.1", port=5051, framework_id="f")

    with httpx.Client(transport=refusal) as client:
        output = SandboxOutput(client, offer, "task")
        shown = output.copy(), output.copy()

    told = "the output of the task cannot be shown: http://127.0.0.1:5051/api/v1: it answers 403: "
    assert shown == (False, False)
    assert capsys.readouterr().err == f"mesoslite: {told}who has no principal is not allowed\n"


class Rotating:
    """An agent that puts what is written aside at ``limit`` bytes, and keeps the newest ``kept`` files of that."""

    def __init__(self, limit, kept):
        self.limit, self.kept, self.clock = limit, kept, 0
        self.files = {"stdout": b"", "stderr": b""}
        self.times = {}
        self.listed = 0
        self.after_reading = lambda: None

    def write(self, data):
        for byte in data:
            if len(self.files["stdout"]) == self.limit:
                for number in range(self.kept - 1, 0, -1):
                    self._move(f"stdout.{number}", f"stdout.{number + 1}")
                self._move("stdout", "stdout.1")
                self.files["stdout"] = b""
            self.files["stdout"] += bytes([byte])
            self.clock += 1
            self.times["stdout"] = self.clock

    def _move(self, old, new):
        if old in self.files:
            self.files[new], self.times[new] = self.files.pop(old), self.times[old]

    def answer(self, request):
        call = msgspec.json.decode(request.content)
        if call["type"] == "LIST_FILES":
            self.listed += 1
            infos = [{"path": f"/f/{name}", "mtime": {"nanoseconds": time}} for name, time in self.times.items()]
            return httpx.Response(200, json={"list_files": {"file_infos": infos}})
        wanted = call["read_file"]
        data = self.files.get(wanted["path"].rpartition("/")[2])
        if data is None:
            return httpx.Response(404)
        part = data[wanted["offset"] :][: wanted["length"]]
        page = {"size": len(data), "data": base64.b64encode(part).decode()}
        self.after_reading()
        return httpx.Response(200, json={"read_file": page})


@pytest.fixture
def rotating():
    return Rotating(limit=6, kept=3)


@pytest.fixture
def output(rotating):
    offer = SimpleNamespace(hostname="127.0.0.1", port=5051, framework_id="f")
    with httpx.Client(transport=httpx.MockTransport(rotating.answer)) as client:
        yield SandboxOutput(client, offer, "task")


def copy_all(output):
    while output.copy():
        pass


@pytest.mark.parametrize("length", range(1, 19))
def test_output_in_rotation_is_shown_in_order_and_once(rotating, output, capfdbinary, length):
    written = b"".join(b"%d\n" % number for number in range(40))
    for start in range(0, len(written), length):
        rotating.write(written[start : start + length])
        copy_all(output)

    assert capfdbinary.readouterr() == (written, b"")


def test_what_is_put_aside_before_the_first_look_is_shown(rotating, output, capfdbinary):
    rotating.write(b"one two three four five")
    copy_all(output)

    assert capfdbinary.readouterr().out == b"one two three four five"


def test_what_is_put_aside_while_it_is_read_is_shown_once(rotating, output, capfdbinary):
    rotating.write(b"012345")
    rest = [b"678", b"9abcdefg", b"h"]
    rotating.after_reading = lambda: rest and rotating.write(rest.pop(0))
    copy_all(output)

    assert capfdbinary.readouterr().out == b"0123456789abcdefgh"


def test_output_that_is_gone_before_it_was_read_is_told_once(rotating, output, capfdbinary):
    for letter in (b"a", b"b", b"c"):
        rotating.write(letter * 36)
        copy_all(output)

    told = b"mesoslite: stdout of the task is written faster than it can be read: some of it is not shown\n"
    assert capfdbinary.readouterr() == (b"a" * 24 + b"b" * 24 + b"c" * 24, told)


def test_a_sandbox_is_not_listed_unless_something_was_put_aside(rotating, output, capfdbinary):
    rotating.write(b"one")
    copy_all(output)

    assert (capfdbinary.readouterr().out, rotating.listed) == (b"one", 0)
