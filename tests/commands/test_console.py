"""What the console of a master or an agent shows of its log: what its last line does not say anyway."""

import logging

import pytest

import libactor as la
from mesoslite.cli.node_options import begin_logging
from mesoslite.model import MesosliteError


# Goal: an agent that leaves out a broken checkpoint (--no-strict), or a seat that has another master stand, says so.
def test_the_console_leaves_out_what_ends_the_program_and_not_what_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = la.foreseen(MesosliteError("a file is broken"))
    with monkeypatch.context() as patched:
        patched.setattr(logging.root, "handlers", [])
        patched.setattr(logging.root, "level", logging.root.level)
        begin_logging("INFO", "slave", None)
        for level in (logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger("mesoslite").log(level, "%s", error)

    assert [line.split()[2:] for line in capsys.readouterr().err.splitlines()] == [["WARNING", *str(error).split()]]
