"""The pytest plugin: runtimes as fixtures, tests under many seeds, and what a failing one says."""

# Who calls: pytest, by the entry point that setup.cfg declares.
# A test that takes the fixture `deterministic` is run once for each seed, with all its function-scoped fixtures made
#   anew, until one run fails. That run's tape is shrunk by running the test again and again; the report then names
#   the seed, the file with the tape and the command that replays it.
# Rejected: one test item per seed. Two hundred items a test drown the report, and each failing one would be shrunk.

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from _pytest.runner import runtestprotocol

from libactor._core.clock import Clock
from libactor.runtime import Runtime
from libactor.testing.collector import held
from libactor.testing.deterministic import DeterministicRuntime
from libactor.testing.event_log import EventLog
from libactor.testing.leftovers import find_crashes, find_waiting
from libactor.testing.seeding import MARK, parse_seeds
from libactor.testing.shrinking import shrink
from libactor.testing.tape import Tape

SHRINK_SECONDS = 30.0
STEPS_TOLD = 60  # at the end of a replay
FIXTURE = "deterministic"
SETTLE_SECONDS = 60.0  # what actor_clock.settle() waits, unless told otherwise
OTHERS = ("actor_runtime", "actor_clock")  # fixtures of a runtime of another kind


class _Run:
    """One run of a test: what it is given, and what has come of it."""

    def __init__(self, seed: int | None, tape: Tape | None, replays: bool = False) -> None:
        self.seed = seed
        self.tape = tape
        self.replays = replays  # for somebody who wants to read what happens
        self.steps = ""
        self.runtime: DeterministicRuntime | None = None
        self.raised = False  # the test, a failure or a skip: what it leaves behind says nothing
        self.error: BaseException | None = None
        self.recorded: Tape | None = None  # at the moment of the failure

    def fail(self, error: BaseException) -> None:
        if self.error is None:
            self.error = error
            if self.runtime is not None:
                self.recorded = self.runtime.tape
                self.steps = self.runtime.log.text() if self.runtime.log is not None else ""


_run_key = pytest.StashKey[_Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addini("actor_strict", "a test fails if an error stops an actor (libactor)", type="bool", default=False)
    group = parser.getgroup("libactor", "deterministic runs of actors (libactor)")
    group.addoption("--actor-seed", metavar="SEEDS", help="run with this seed, with 1,5,9, or with 0-199")
    group.addoption("--actor-tape", metavar="FILE", help="make the choices that a tape says")
    group.addoption("--actor-tapes", metavar="DIR", default=".actor-tapes", help="where failing tapes go")
    group.addoption(
        "--actor-shrink",
        metavar="SECONDS",
        type=float,
        default=SHRINK_SECONDS,
        help="how long to look for a smaller tape; 0: not at all",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that will not do before any test runs; declare the marks."""
    config.addinivalue_line("markers", "actor_waits: handlers may still wait at an await when the test ends")
    config.addinivalue_line(
        "markers", "actor_strict(on=True, *, allow=()): the test fails if an error stops an actor, but those of allow"
    )
    try:
        _given_runs(config)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--actor-seed, --actor-tape: {error}") from error


@pytest.fixture
def actor_runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A runtime that is current while the test runs and closed afterwards; an actor that would not stop is an error."""
    with Runtime() as runtime:
        runtime.crashes = []
        yield runtime
    _refuse_crashes(request, runtime)


@pytest.fixture
def actor_clock(actor_runtime: Runtime) -> Clock:
    """The clock of ``actor_runtime``, paused: ``advance`` moves it, ``settle`` waits until nothing is left to do.

    A ``settle`` without a timeout raises TimeoutError after 60 s: see ``Clock.settle_within``.
    """
    actor_runtime.clock.pause()
    actor_runtime.clock.settle_within = SETTLE_SECONDS
    return actor_runtime.clock


@pytest.fixture
def deterministic(request: pytest.FixtureRequest) -> Iterator[DeterministicRuntime]:
    """A deterministic runtime that is current while the test runs, its seed from the test or the command line."""
    run = request.node.stash.get(_run_key, None) or _Run(0, None)
    log = EventLog(keep=STEPS_TOLD) if run.replays else False
    run.runtime = DeterministicRuntime(run.seed, run.tape, log=log)
    run.runtime.crashes = []
    run.runtime.__enter__()
    yield run.runtime
    may_wait = run.raised or request.node.get_closest_marker("actor_waits") is not None
    waiting = [] if may_wait else find_waiting(run.runtime)
    run.runtime.__exit__(None if run.error is None else type(run.error), run.error, None)
    if not run.raised:
        _refuse_crashes(request, run.runtime)
    if waiting:
        pytest.fail(
            f"the test is over, and nothing can end these waits: {'; '.join(waiting)}; complete or discard what is "
            "awaited, stop the actor, or mark the test with @pytest.mark.actor_waits",
            pytrace=False,
        )


def _refuse_crashes(request: pytest.FixtureRequest, runtime: Runtime) -> None:
    """If the test is a strict one, fail it for the actors that an error has stopped."""
    mark = request.node.get_closest_marker("actor_strict")
    strict = request.config.getini("actor_strict") if mark is None else (mark.args or (True,))[0]
    allowed = () if mark is None else mark.kwargs.get("allow", ())
    crashes = find_crashes(runtime, allowed if isinstance(allowed, tuple) else (allowed,)) if strict else []
    if crashes:
        pytest.fail(
            f"the test is strict, and errors have stopped actors: {'; '.join(crashes)}; an error that is meant stands "
            "in @pytest.mark.actor_strict(allow=...)",
            pytrace=False,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse fixtures and marks that would leave a test without the runs it seems to have."""
    names = getattr(item, "fixturenames", ())
    others = [name for name in OTHERS if name in names]
    if FIXTURE in names and others:
        pytest.fail(
            f"{item.name}: takes the fixtures {FIXTURE} and {' and '.join(others)}, which are two runtimes, and only "
            f"the inner one would run the actors; take {FIXTURE} alone, its clock is {FIXTURE}.clock",
            pytrace=False,
        )
    if hasattr(_function(item), MARK) and FIXTURE not in names:
        pytest.fail(
            f"{item.name}: marked with @seeds, but it does not take the fixture {FIXTURE}, which has the seed; add it "
            "to the test, or to a fixture that the test takes",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take note of the first failure, and of the choices up to it."""
    report = yield
    run = item.stash.get(_run_key, None)
    if run is not None and call.excinfo is not None:
        run.raised = True
        if report.failed:
            run.fail(call.excinfo.value)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test that takes the fixture once for each seed, until one fails."""
    if FIXTURE not in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with held():
        reports = _run_all(item)
        shared = pytest.CallInfo.from_call(
            lambda: item.session._setupstate.teardown_exact(nextitem),
            "teardown",
            reraise=(KeyboardInterrupt, pytest.exit.Exception),
        )
    if shared.excinfo is not None:
        reports.append(item.ihook.pytest_runtest_makereport(item=item, call=shared))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _run_all(item: pytest.Item) -> list[pytest.TestReport]:
    """The reports of the first run that fails, else of the last one."""
    runs = _given_runs(item.config) or [_Run(seed, None) for seed in getattr(_function(item), MARK, (0,))]
    reports: list[pytest.TestReport] = []
    for number, run in enumerate(runs, 1):
        reports = _run_once(item, run)
        failed = next((report for report in reports if report.failed), None)
        if failed is not None:
            failed.sections.append(("deterministic run", _explain(item, run, number, len(runs))))
        if failed is not None or any(report.skipped for report in reports):
            break
    return reports


def _run_once(item: pytest.Item, run: _Run) -> list[pytest.TestReport]:
    """One run; what the test shares with others stays set up."""
    item.stash[_run_key] = run
    try:
        return runtestprotocol(item, log=False, nextitem=cast("pytest.Item", item.parent))
    finally:
        del item.stash[_run_key]


def _function(item: pytest.Item) -> Any:
    return getattr(item, "function", None)


def _given_runs(config: pytest.Config) -> list[_Run]:
    """The runs that the command line asks for."""
    path, text = config.getoption("--actor-tape"), config.getoption("--actor-seed")
    if path is not None:
        if text is not None:
            raise ValueError("a tape has a seed of its own; leave --actor-seed out")
        return [_Run(None, Tape.load(path), replays=True)]
    seeds: Sequence[int] = () if text is None else parse_seeds(text)
    return [_Run(seed, None) for seed in seeds]


def _explain(item: pytest.Item, run: _Run, number: int, count: int) -> str:
    """What a failing run says: its seed, its tape, and how to run it again."""
    if run.recorded is None or run.error is None:
        return f"seed {run.seed}: failed before the runtime was made"
    lines = [f"seed: {run.recorded.seed}{f', number {number} of {count}' if count > 1 else ''}"]
    tape = run.recorded
    seconds = item.config.getoption("--actor-shrink")
    if run.steps:
        lines += [f"steps, the last {STEPS_TOLD}: number, nanoseconds, who, what", run.steps]
    if run.tape is None and seconds > 0:
        told: list[str] = []
        tape = _shrink(item, tape, seconds, told)
        lines.append(f"shrunk: from {len(run.recorded)} deviations to {told[-1] if told else 'no fewer'}")
    path = _tape_path(item, tape.seed)
    try:
        tape.save(path)
    except OSError as error:
        lines.append(f"tape: not written ({error}); give a folder by --actor-tapes\n{tape.to_json()}")
        return "\n".join(lines)
    here = Path(os.path.relpath(path, item.config.invocation_params.dir))
    root = Path(os.path.relpath(item.config.rootpath, item.config.invocation_params.dir))
    nodeid = item.nodeid if str(root) == "." else f"{root}/{item.nodeid}"
    lines.append(f"tape: {here}, {tape!r}")
    lines.append(f"replay: pytest {shlex.quote(nodeid)} --actor-tape {shlex.quote(str(here))}")
    return "\n".join(lines)


def _shrink(item: pytest.Item, tape: Tape, seconds: float, told: list[str]) -> Tape:
    def run(candidate: Tape) -> None:
        attempt = _Run(None, candidate)
        _run_once(item, attempt)
        if attempt.error is not None:
            raise attempt.error

    try:
        return shrink(run, tape, seconds=seconds, progress=told.append)
    except ValueError as error:  # it does not fail again: something outside of the runtime decides
        told.append(f"no fewer, because the test does not fail again with its own choices ({error})")
        return tape


def _tape_path(item: pytest.Item, seed: int) -> Path:
    name = re.sub(r"[^\w.-]+", "-", item.nodeid.rpartition("/")[2]).strip("-")
    folder = Path(item.config.getoption("--actor-tapes"))
    return item.config.rootpath / folder / f"{name}-{seed}.json"
