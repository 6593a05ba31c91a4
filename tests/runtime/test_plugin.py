"""The pytest plugin, by whole runs of pytest: fixtures, seeds, and what a failing test says to be replayed by."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from libactor.testing import seeds

pytestmark = [pytest.mark.real, pytest.mark.coreless]

RACE = """
import libactor as la
from libactor.testing import seeds

class Account(la.Actor):
    def __init__(self):
        super().__init__()
        self.balance = 0
    def read(self):
        return self.balance
    def write(self, balance):
        self.balance = balance

class Clerk(la.Actor):
    def pay_in(self, account, amount):
        la.dispatch(account, Account.read).then(
            la.defer(lambda balance: la.tell(account, Account.write, balance + amount)))

@seeds(50)
def test_race(deterministic):
    account = la.spawn(Account())
    for _ in range(5):
        la.delay(1.0, la.spawn(Clerk()), Clerk.pay_in, la.spawn(Account()), 1)
    la.tell(la.spawn(Clerk()), Clerk.pay_in, account, 1)
    la.delay(0.0, la.spawn(Clerk()), Clerk.pay_in, account, 2)
    deterministic.run_for(5)
    assert la.dispatch(account, Account.read).get() == 3
"""


@pytest.fixture
def run_pytest(tmp_path):
    """Run pytest on a test file in a folder of its own: how it ended, and what it put out."""

    def run(text: str | None, *arguments: str) -> tuple[int, str]:
        if text is not None:
            (tmp_path / "test_it.py").write_text(text)
            (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p no:timeout\n")
        loaded = [] if "-p" in arguments else ["-p", "libactor.testing.plugin"]
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path.cwd())}
        result = subprocess.run(
            [sys.executable, "-m", "pytest", *loaded, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        return result.returncode, result.stdout + result.stderr

    return run


def test_a_failing_test_says_seed_tape_and_command_and_the_command_replays_it(run_pytest, tmp_path):
    status, output = run_pytest(RACE)

    [(seed, number)] = re.findall(r"^seed: (\d+), number (\d+) of 50$", output, re.MULTILINE)
    [command] = re.findall(r"^replay: pytest (.*)$", output, re.MULTILINE)
    [tape] = (tmp_path / ".actor-tapes").iterdir()
    again = run_pytest(None, *shlex.split(command))
    plain = run_pytest(None, "--actor-seed", "0-3", "--actor-shrink", "0") if int(seed) > 3 else None

    assert (status, int(number)) == (1, int(seed) + 1)
    assert re.search(r"^shrunk: from \d+ deviations to [1-3] after \d+ runs$", output, re.MULTILINE)
    assert len(re.findall(r"\[\d+,\d+\]", tape.read_text())) <= 3
    assert again[0] == 1
    assert "seed: " + seed in again[1]
    assert "shrunk" not in again[1]
    assert re.search(r"^steps, the last .* account\(1\)@sim dispatch read", again[1], re.MULTILINE | re.DOTALL)
    assert plain is None or plain[0] == 0


def test_a_seed_on_the_command_line_takes_precedence(run_pytest):
    text = """
        from libactor.testing import seeds
        seen = []
        @seeds([5, 6])
        def test_marked(deterministic):
            seen.append(deterministic.seed)
        def test_plain(deterministic):
            seen.append(deterministic.seed)
        def test_seen():
            assert seen == {expected}
    """
    text = "\n".join(line[8:] for line in text.splitlines())

    plain = run_pytest(text.replace("{expected}", "[5, 6, 0]"))
    given = run_pytest(text.replace("{expected}", "[1, 3, 4, 1, 3, 4]"), "--actor-seed", "1,3-4")

    assert plain[0] == 0, plain[1]
    assert given[0] == 0, given[1]


def test_each_seed_gets_fixtures_of_its_own_and_shared_ones_stay(run_pytest):
    text = """
import pytest, libactor as la
from libactor.testing import seeds
made = []

@pytest.fixture(scope="module")
def shared():
    made.append("shared")
    yield
    made.append("shared is over")

@pytest.fixture
def pid(deterministic, shared):
    made.append(deterministic.seed)
    return la.spawn(la.Actor())

@seeds(3)
def test_one(pid):
    assert pid.id == "actor(1)"

def test_two():
    assert made == ["shared", 0, 1, 2]
"""

    status, output = run_pytest(text)

    assert status == 0, output
    assert "2 passed" in output


def test_skips_expected_failures_and_broken_fixtures_are_as_ever(run_pytest):
    text = """
import pytest, libactor as la
from libactor.testing import seeds

@seeds(3)
def test_skipped(deterministic):
    pytest.skip("no need")

@pytest.mark.xfail
@seeds(3)
def test_expected(deterministic):
    assert False

@pytest.fixture
def broken(deterministic):
    raise ValueError("broken")

def test_broken(broken):
    pass

def test_waits_for_ever(deterministic):
    promise = la.Promise()
    la.execute(la.spawn(la.Actor()), promise.future.get).get()

def test_leaves_a_handler_waiting(deterministic):
    deterministic.promise = la.Promise()
    la.execute(la.spawn(la.Actor()), deterministic.promise.future.get)
    deterministic.settle()
"""

    status, output = run_pytest(text)

    assert status == 1
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in output
    assert "Stuck: sim, seed 0" in output
    assert "still in a handler" in output


def test_the_other_fixtures_open_and_pause_a_runtime(run_pytest):
    text = """
import libactor as la

def test_runtime(actor_runtime):
    assert la.spawn(la.Actor())._process.runtime is actor_runtime

def test_clock(actor_runtime, actor_clock):
    fired = []
    actor_clock.timer(5, lambda: fired.append(1))
    actor_clock.advance(5)
    actor_clock.settle()
    assert actor_clock is actor_runtime.clock and fired == [1]
    assert actor_clock.settle_within == 60
"""

    status, output = run_pytest(text)

    assert status == 0, output


def test_two_kinds_of_runtimes_in_one_test_are_refused(run_pytest):
    text = """
import pytest, libactor as la

def test_runtime_first(actor_runtime, deterministic): pass
def test_clock_last(deterministic, actor_clock): pass
"""

    status, output = run_pytest(text)

    assert status == 1
    assert "2 errors" in output
    assert "takes the fixtures deterministic and actor_runtime and actor_clock, which are two runtimes" in output
    assert "its clock is deterministic.clock" in output


def test_seeds_without_the_fixture_that_has_them_are_refused(run_pytest):
    text = """
import pytest
from libactor.testing import seeds

@seeds(10)
def test_forgotten(): pass

@pytest.fixture
def shop(deterministic): return deterministic.seed

@seeds(10)
def test_by_way_of_another(shop): pass
"""

    status, output = run_pytest(text)

    assert status == 1
    assert "1 passed, 1 error" in output
    assert "test_forgotten: marked with @seeds, but it does not take the fixture deterministic" in output


WAITS = """
import asyncio, pytest, libactor as la
from libactor.testing import seeds

class Waits(la.Actor):
    def __init__(self, promise=None):
        super().__init__()
        self.promise = promise or la.Promise()
    async def never(self): await self.promise.future
    async def ask(self, other): await la.dispatch(other, Waits.never)
    async def rest(self):
        while True:
            await la.sleep(60)

@seeds(3)
def test_never(deterministic):
    pid, other = la.spawn(Waits()), deterministic.host("a").spawn(Waits())
    la.tell(pid, Waits.ask, pid)
    la.tell(other, Waits.never)

@pytest.mark.actor_waits
def test_is_told_so(deterministic):
    la.tell(la.spawn(Waits()), Waits.never)

def test_sleeps(deterministic):
    la.tell(la.spawn(Waits()), Waits.rest)
    deterministic.run_for(600)

def test_completes(deterministic):
    promise = la.Promise()
    la.tell(la.spawn(Waits(promise)), Waits.never)
    deterministic.settle()
    promise.set(1)

@pytest.mark.xfail
def test_expected(deterministic):
    la.tell(la.spawn(Waits()), Waits.never)
    deterministic.settle()
    assert False

def test_closes(deterministic):
    la.tell(la.spawn(Waits()), Waits.never)
    deterministic.close()
"""


def test_a_coroutine_that_waits_for_ever_at_the_end_fails_the_test(run_pytest):
    status, output = run_pytest(WAITS)

    assert status == 1
    assert "5 passed, 1 xfailed, 1 error" in output
    assert "ERROR at teardown of test_never" in output
    for waits in (
        "ask of waits(1)@sim awaits an answer of waits(1)@sim",
        "never of waits(1)@sim awaits a future",
        "never of waits(2)@a awaits a future",
    ):
        assert waits in output


STRICT = """
import pytest, libactor as la

class Fails(la.Actor):
    def fail(self): raise OSError("no disk")

def crash():
    pid = la.spawn(Fails())
    la.tell(pid, Fails.fail)
    la.wait(pid)

@pytest.mark.actor_strict
def test_strict(deterministic): crash()

@pytest.mark.actor_strict
def test_host(deterministic):
    with deterministic.host("a"): crash()

@pytest.mark.actor_strict
def test_threads(actor_runtime): crash()

@pytest.mark.actor_strict(allow=OSError)
def test_meant(deterministic): crash()

@pytest.mark.actor_strict(False)
def test_lenient(actor_runtime): crash()

def test_plain(deterministic): crash()
"""


def test_a_strict_test_fails_if_an_error_stops_an_actor(run_pytest):
    status, output = run_pytest(STRICT)
    by_ini = run_pytest(None, "-o", "actor_strict=true", "-k", "plain or lenient")

    assert status == 1
    assert "6 passed, 3 errors" in output
    assert "errors have stopped actors: fails(1)@sim by OSError('no disk')" in output
    assert "errors have stopped actors: fails(1)@a by OSError('no disk')" in output
    assert re.search(r"errors have stopped actors: fails\(\d\)@local-\d+ by OSError", output)
    assert (by_ini[0], "2 passed, 4 deselected, 1 error" in by_ini[1]) == (1, True), by_ini[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--actor-seed", "x"], "got 'x', expected a seed"),
        (["--actor-seed", "5-1"], "got '5-1'"),
        (["--actor-seed", ""], "expected a seed"),
        (["--actor-tape", "nowhere.json"], "nowhere.json"),
        (["--actor-tape", "test_it.py"], "no JSON"),
        (["--actor-tape", "test_it.py", "--actor-seed", "1"], "leave --actor-seed out"),
    ],
)
def test_options_that_will_not_do_are_refused_before_any_test(run_pytest, arguments, complaint):
    status, output = run_pytest("def test_it(): pass", *arguments)

    assert status == 4
    assert complaint in output


def test_the_package_imports_without_pytest():
    program = "import sys; sys.modules['pytest'] = None; import libactor.testing; libactor.testing.seeds(3)"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert (result.returncode, result.stderr) == (0, "")


def test_seeds_without_parentheses_says_what_is_missing():
    with pytest.raises(TypeError, match=r"got the function test_it, .*@seeds\(100\)"):

        @seeds
        def test_it() -> None: ...


def test_a_folder_that_cannot_be_written_is_told_and_the_tape_with_it(run_pytest, tmp_path):
    (tmp_path / "taken").write_text("a file")

    _, output = run_pytest(RACE, "--actor-tapes", "taken/tapes")

    assert "tape: not written" in output
    assert '"version":1' in output
    assert "INTERNALERROR" not in output


def test_a_test_that_exits_has_failed(run_pytest):
    _, output = run_pytest("def test_exits(deterministic):\n    raise SystemExit(3)\n")

    assert "FAILED" in output
    assert "INTERNALERROR" not in output


def test_a_range_with_more_seeds_than_anybody_runs_is_refused(run_pytest):
    _, output = run_pytest("def test_one(deterministic):\n    pass\n", "--actor-seed", "0-99999999999")

    assert "expected a range of at most" in output
    assert "INTERNALERROR" not in output
