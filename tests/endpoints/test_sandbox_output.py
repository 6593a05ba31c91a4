"""What a task has written is shown as far as its agent shows it."""

from types import SimpleNamespace

import httpx2 as httpx

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
