"""shrink: fewer and smaller deviations, the same failure, within its bounds."""

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime, Tape, shrink

LONG = Tape(1, {"schedule": {place: 1 + place % 7 for place in range(200)}, "network": {3: 9, 40: 5}})


def fail_if(*needed: tuple[str, int, int]):
    """A run that fails if the tape has these deviations, or larger ones at the same places."""

    def run(tape: Tape) -> None:
        has = all(tape.streams.get(stream, {}).get(place, 0) >= least for stream, place, least in needed)
        assert not has, "the fault"

    return run


@pytest.mark.parametrize(
    "needed",
    [
        (),
        (("schedule", 199, 1),),
        (("schedule", 0, 1), ("schedule", 99, 2)),
        (("network", 3, 4), ("schedule", 50, 1), ("schedule", 51, 2)),
    ],
)
def test_what_is_not_needed_is_taken_off_and_the_rest_made_small(needed):
    small = shrink(fail_if(*needed), LONG)

    assert small == Tape.of(1, needed)


def test_a_run_that_does_not_fail_is_refused():
    with pytest.raises(ValueError, match="does not fail"):
        shrink(lambda tape: None, LONG)


# Goal: one fault does not turn into another. Method: fewer deviations fail as well, but elsewhere.
def test_only_the_same_failure_counts():
    def run(tape: Tape) -> None:
        if len(tape) < 10:
            raise ValueError("another fault")
        raise ValueError("the fault")

    assert len(shrink(run, LONG)) == 10


def test_the_first_cause_says_where_it_failed():
    def run(tape: Tape) -> None:
        with DeterministicRuntime(tape=tape):
            pid = la.spawn(la.Actor())
            la.execute(pid, one if len(tape) > 5 else two).get()

    def one() -> None:
        raise KeyError("one")

    def two() -> None:
        raise KeyError("two")

    assert len(shrink(run, LONG)) == 6


def test_the_number_of_runs_is_bounded_and_progress_is_told():
    runs, told = [], []

    def run(tape: Tape) -> None:
        runs.append(tape)
        fail_if(("schedule", 7, 1))(tape)

    shrink(run, LONG, attempts=5, progress=told.append)

    assert len(runs) == 6
    assert told == ["101 after 2 runs", "51 after 3 runs", "50 after 5 runs"]


# Goal: what is of no use goes in few runs. Method: many streams of two kinds, of which one is needed.
def test_whole_kinds_of_choices_are_taken_off_first():
    streams = {f"{kind} {number}": {0: 1} for number in range(50) for kind in ("step", "link")}
    told = []

    small = shrink(
        fail_if(("step 7", 0, 1)),
        Tape(1, streams),
        attempts=2,
        progress=told.append,
        kind=lambda stream: stream.split()[0],
    )

    assert set(small.streams) == {name for name in streams if name.startswith("step")}
    assert told == ["50 after 1 runs"]


def test_no_time_leaves_the_tape_as_it_is():
    assert shrink(fail_if(), LONG, seconds=0) == LONG
    assert shrink(fail_if(), LONG, seconds=0, kind=str) == LONG


def test_ctrl_c_goes_through():
    def run(tape: Tape) -> None:
        if len(tape) < len(LONG):
            raise KeyboardInterrupt
        raise ValueError("the fault")

    with pytest.raises(KeyboardInterrupt):
        shrink(run, LONG)


class Account(la.Actor):
    """Two steps where one is needed: what comes between them is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.balance = 0

    def read(self) -> int:
        return self.balance

    def write(self, balance: int) -> None:
        self.balance = balance


class Clerk(la.Actor):
    def pay_in(self, account: la.PID[Account], amount: int) -> None:
        la.dispatch(account, Account.read).then(
            la.defer(lambda balance: la.tell(account, Account.write, balance + amount))
        )


def pay_in_twice(tape: Tape, rt: DeterministicRuntime | None = None) -> None:
    with rt or DeterministicRuntime(tape=tape) as current:
        account = la.spawn(Account())
        for number in range(8):  # others, who have nothing to do with it
            la.delay(1.0, la.spawn(Clerk()), Clerk.pay_in, la.spawn(Account()), number)
        one, two = la.spawn(Clerk()), la.spawn(Clerk())
        la.tell(one, Clerk.pay_in, account, 1)
        la.delay(0.0, two, Clerk.pay_in, account, 2)
        current.run_for(5)
        balance = la.dispatch(account, Account.read).get()
    assert balance == 3


def find_race() -> Tape:
    for seed in range(50):
        rt = DeterministicRuntime(seed)
        try:
            pay_in_twice(Tape(seed), rt)
        except AssertionError:
            return rt.tape
    raise LookupError("no seed of 50 shows the race")


def test_a_lost_update_is_found_by_some_seed_and_shrunk_to_a_few_choices():
    pay_in_twice(Tape(0))  # the plain run does not show it
    tape = find_race()

    small = shrink(pay_in_twice, tape)

    assert len(tape) > 20
    assert 0 < len(small) <= 3
    with pytest.raises(AssertionError):
        pay_in_twice(small)
