"""A process that is a cluster or its master lets nobody wait: for the collector, the lock, or what was rendered."""

import gc
import sys

import pytest

from libactor.records import fragments_bound
from mesoslite.cli.dev import dev
from mesoslite.cli.master import master
from mesoslite.cli.prompt import COLLECT_AFTER, SWITCH_SECONDS, prompt
from mesoslite.cli.state_cache import DEFAULT_BYTES, set_state_cache


@pytest.fixture
def cache():
    before = fragments_bound(0)
    yield
    fragments_bound(before)


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


@pytest.mark.parametrize(("module", "command", "starts"), [("dev", dev, "_start"), ("master", master, "_serve")])
def test_commands_have_them_set(monkeypatch: pytest.MonkeyPatch, cache, module, command, starts):
    seen = []

    def start(*_: object) -> None:
        seen.append((gc.get_threshold(), round(sys.getswitchinterval(), 6)))
        sys.exit()

    monkeypatch.setattr(f"mesoslite.cli.{module}.{starts}", start)

    with pytest.raises(SystemExit):
        command(port=0)

    assert seen == [(COLLECT_AFTER, SWITCH_SECONDS)]


def test_what_is_rendered_is_kept_in_as_much_memory_as_told_or_some_of_the_machines(cache):
    assert set_state_cache(3) == fragments_bound(0) == 3 * 2**20
    assert 0 < set_state_cache(None) <= DEFAULT_BYTES
