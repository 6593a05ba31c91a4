"""`mesoslite sim`: seeds, one seed, a tape; what is said of a failure; and Ctrl-C."""

import os
import signal
import subprocess
import sys

import pytest

from mesoslite.sim import ALL

from .conftest import mesoslite_here, start


@pytest.fixture
def failing(monkeypatch):
    """No run is without fault."""

    def step(self, world):
        if world.leader is not None:
            raise self.violation("a master leads")

    monkeypatch.setattr(ALL[0], "step", step)


def test_one_seed_says_how_it_went():
    status, output, _ = mesoslite_here("sim", "--seed", 4)

    assert status == 0
    assert b"every invariant holds" in output
    assert b"agents," in output


def test_some_seeds_are_counted():
    status, output, _ = mesoslite_here("sim", "--seeds", 2, "--first", 8, "--jobs", 1)

    assert status == 0
    assert b"\n2 seeds, " in output
    assert output.endswith(b"0 failed\n")


def test_the_invariants_are_listed():
    status, output, _ = mesoslite_here("sim", "--invariants")

    assert status == 0
    assert [line.split()[0].decode() for line in output.splitlines()] == [kind.invariant for kind in ALL]


def test_a_failure_is_shown_and_can_be_replayed(failing, tmp_path):
    status, output, _ = mesoslite_here("sim", "--seed", 4, "--shrink", 1, "--tapes", tmp_path)

    text = output.decode()
    assert status == 1
    assert "R1: a master leads" in text
    assert f"replay: mesoslite sim --tape {tmp_path}/4.json" in text
    status, output, _ = mesoslite_here("sim", "--tape", tmp_path / "4.json")
    assert status == 1
    assert "R1: a master leads" in output.decode()


def test_many_seeds_go_on_after_a_failure_if_told_so(failing):
    status, output, _ = mesoslite_here("sim", "--seeds", 2, "--jobs", 1, "--keep-going")

    assert status == 1
    assert b"2 failed" in output
    assert b"failed: 0, 1;" in output


@pytest.mark.parametrize("text", [None, "", "{}", "not JSON"])
def test_a_tape_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "tape.json"
    if text is not None:
        path.write_text(text)

    status, _, errors = mesoslite_here("sim", "--tape", path)

    assert status == 2
    assert errors.startswith("mesoslite: --tape")


# A terminal sends Ctrl-C to all of its processes.
@pytest.mark.real
@pytest.mark.parametrize(
    ("send", "number", "status"), [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)]
)
def test_a_signal_ends_all_of_its_processes(send, number, status, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = start("sim", "--seeds", 100000, "--jobs", 2, start_new_session=True)
    with process:
        assert process.stdout.readline() == b"seeds 0 to 99999\n"
        send(process.pid, number)

        output, errors = process.communicate(timeout=120)

    assert (process.returncode, output, errors) == (status, b"", b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_whoever_wants_no_more_outcomes_leaves_no_files(tmp_path):
    program = "from mesoslite.sim import run_many; outcomes = run_many(range(3), 2); next(outcomes); outcomes.close()"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)

    assert list(tmp_path.iterdir()) == []
