"""What a task has written is shown as far as its agent shows it."""

import base64
from types import SimpleNamespace

import httpx2 as httpx
import msgspec

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


# Method: an agent that puts a file aside when it has six bytes, between two looks.
def test_output_in_rotation_is_shown_in_order_and_once(capfdbinary):
    files = {"stdout": b"one\n", "stderr": b""}

    def answer(request):
        wanted = msgspec.json.decode(request.content)["read_file"]
        data = files.get(wanted["path"].rpartition("/")[2])
        if data is None:
            return httpx.Response(404)
        page = {"size": len(data), "data": base64.b64encode(data[wanted["offset"] :]).decode()}
        return httpx.Response(200, json={"read_file": page})

    offer = SimpleNamespace(hostname="127.0.0.1", port=5051, framework_id="f")
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        output = SandboxOutput(client, offer, "task")
        output.copy()
        files |= {"stdout.1": b"one\n2\n", "stdout": b"3\n"}
        while output.copy():  # as behind a task that has ended
            pass
        before = capfdbinary.readouterr().out
        files["stdout"] = b"3\n4\n"
        output.copy()

    assert (before, capfdbinary.readouterr().out) == (b"one\n2\n3\n", b"4\n")
