"""A process that is a cluster lets nobody wait for long passes of the collector, or for the interpreter's lock."""

import gc
import sys

import pytest

from mesoslite.cli.dev import dev
from mesoslite.cli.prompt import COLLECT_AFTER, SWITCH_SECONDS, prompt


def test_settings_of_the_process_hold_for_as_long_as_the_cluster_runs():
    def settings():
        return gc.get_threshold(), round(sys.getswitchinterval(), 6)

    before = settings()

    with prompt():
        inside = settings()

    assert inside == (COLLECT_AFTER, SWITCH_SECONDS)
    assert settings() == before


def test_an_error_leaves_nothing_set():
    before = gc.get_threshold(), sys.getswitchinterval()

    try:
        with prompt():
            raise OSError
    except OSError:
        pass

    assert (gc.get_threshold(), sys.getswitchinterval()) == before


def test_dev_has_them_set(monkeypatch: pytest.MonkeyPatch):
    seen = []

    def start(*_: object) -> None:
        seen.append((gc.get_threshold(), round(sys.getswitchinterval(), 6)))
        sys.exit()

    monkeypatch.setattr("mesoslite.cli.dev._start", start)

    with pytest.raises(SystemExit):
        dev(port=0)

    assert seen == [(COLLECT_AFTER, SWITCH_SECONDS)]
