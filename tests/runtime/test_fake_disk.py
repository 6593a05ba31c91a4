"""FakeDisk: a crash loses, tears or keeps what was not synced, and nothing else; and disks that lie, or are full."""

import errno
import itertools
import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from libactor.testing import FakeDisk
from libactor.testing.disk import BLOCK

pytestmark = pytest.mark.coreless

NAMES = ("a", "b", "c")


class Scripted:
    """Choices as they are written down, and tame ones after that; ``asked`` counts them."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def choose(self, count):
        if count < 2:
            return 0
        self.asked += 1
        return self.answers.pop(0) if self.answers else 0

    def chance(self, probability):
        if probability == 0:
            return False
        self.asked += 1
        return bool(self.answers.pop(0)) if self.answers else False


class Rolled:
    """Choices by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def choose(self, count):
        return self.random.randrange(count)

    def chance(self, probability):
        return self.random.random() < probability


def filled(choices, **faults):
    """A disk with a file ``a`` that is durable and holds 123."""
    disk = FakeDisk(choices)
    disk.write("a", b"123")
    disk.sync("a")
    disk.sync(".")
    for name, value in faults.items():
        setattr(disk, name, value)
    return disk


def test_what_was_synced_is_there_after_any_crash():
    for seed in range(100):
        disk = filled(Rolled(seed))
        disk.crash()
        assert (disk.list(), disk.read("a")) == (("a",), b"123")


def test_a_calm_crash_loses_nothing_and_makes_it_durable():
    choices = Scripted()
    disk = filled(choices)
    disk.append("a", b"45")
    disk.write("b", b"6")
    disk.crash()
    choices.answers = [1] * 20

    disk.crash()

    assert (disk.read("a"), disk.read("b")) == (b"12345", b"6")


def test_a_file_that_was_synced_and_whose_folder_was_not_may_be_gone():
    disk = FakeDisk(Scripted(1))
    disk.write("a", b"1")
    disk.sync("a")

    disk.crash()

    assert disk.list() == ()


def test_a_file_whose_folder_was_synced_and_who_was_not_may_be_empty():
    disk = FakeDisk(Scripted(1))
    disk.write("a", b"1")
    disk.sync(".")

    disk.crash()

    assert disk.read("a") == b""


def test_of_an_append_the_beginning_may_be_left():
    choices = Scripted()
    disk = filled(choices)
    disk.append("a", b"4567")
    choices.answers = [0, 3]  # no step is lost, three bytes are

    disk.crash()

    assert disk.read("a") == b"1234"


def test_any_block_that_was_not_synced_may_be_zeros_and_none_that_was():
    choices = Scripted()
    disk = FakeDisk(choices)
    disk.write("a", b"x" * (BLOCK + 10))
    disk.sync("a")
    disk.sync(".")
    disk.append("a", b"y" * (2 * BLOCK))
    choices.answers = [0, 0, True, True, False, True]

    disk.crash()

    assert disk.read("a") == b"x" * (BLOCK + 10) + bytes(BLOCK - 10) + b"y" * BLOCK + bytes(10)


def test_a_write_that_was_lost_leaves_what_was_there_and_one_that_was_torn_does_not():
    answers = []
    for script in ([1], [0, 2], [0, 0]):
        choices = Scripted()
        disk = filled(choices)
        disk.write("a", b"98")
        choices.answers = script
        disk.crash()
        answers.append(disk.read("a"))

    assert answers == [b"123", b"", b"98"]


def test_a_rename_is_made_or_not_and_never_half():
    found = set()
    for lost in (0, 1):
        choices = Scripted()
        disk = filled(choices)
        disk.write("b", b"new")
        disk.sync("b")
        disk.sync(".")
        disk.rename("b", "a")
        choices.answers = [lost]
        disk.crash()
        found.add((disk.list(), disk.read("a")))

    assert found == {(("a",), b"new"), (("a", "b"), b"123")}


def test_a_removed_file_may_come_back():
    choices = Scripted()
    disk = filled(choices)
    disk.remove("a")
    choices.answers = [1]

    disk.crash()

    assert disk.read("a") == b"123"


def test_a_folder_is_durable_by_the_one_above_it():
    choices = Scripted()
    disk = FakeDisk(choices)
    disk.make_folder("logs")
    disk.write("logs/1", b"1")
    disk.sync("logs/1")
    disk.sync("logs")
    choices.answers = [1]

    disk.crash()

    assert not disk.exists("logs")


def test_a_sync_that_lies_makes_nothing_durable():
    choices = Scripted()
    disk = filled(choices, lose_syncs=1.0)
    disk.append("a", b"45")
    choices.answers = [True, 1]

    disk.sync("a")
    disk.crash()

    assert disk.read("a") == b"123"


def test_a_full_disk_takes_a_part_and_says_so():
    choices = Scripted()
    disk = filled(choices, full=1.0)
    choices.answers = [True, 2]

    with pytest.raises(OSError, match="full") as caught:
        disk.append("a", b"456")

    assert caught.value.errno == errno.ENOSPC
    assert disk.read("a") == b"12345"


def test_a_disk_that_cannot_read_says_so_and_keeps_what_it_has():
    choices = Scripted()
    disk = filled(choices, fail_reads=0.5)
    choices.answers = [True]

    with pytest.raises(OSError, match="cannot read") as caught:
        disk.read("a")

    assert caught.value.errno == errno.EIO
    assert disk.read("a") == b"123"


def test_a_disk_without_faults_draws_nothing_until_it_crashes():
    choices = Scripted()
    disk = filled(choices)
    disk.append("a", b"4")
    disk.sync("a")
    disk.crash()

    assert (choices.asked, disk.crashes) == (0, 1)


@pytest.mark.parametrize("name", ["lose_syncs", "full", "fail_reads", "tear"])
@pytest.mark.parametrize("chance", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(name, chance):
    with pytest.raises(ValueError, match=f"got {name}="):
        FakeDisk(Scripted(), **{name: chance})


# Goal: a log that is appended to a thousand times between two syncs costs no copy of it each time.
def test_many_steps_between_two_syncs_are_kept_at_their_own_length():
    disk = FakeDisk(Rolled(1))

    for n in range(5000):
        disk.append("a", b"%04d" % n)
    file = disk._root.names["a"]

    assert sum(len(data) for _, data in file.steps) == 20_000
    assert disk.read("a")[-4:] == b"4999"


class Content:
    """What a file may hold after a crash, by the rules: the durable bytes, and the steps since."""

    def __init__(self):
        self.durable, self.steps = b"", []

    def now(self, count=None):
        data = self.durable
        for replaces, added in self.steps[:count]:
            data = added if replaces else data + added
        return data

    def allows(self, found):
        return any(self._allows(found, count) for count in range(len(self.steps) + 1))

    def _allows(self, found, count):
        whole = self.now(count)
        first = 0 if any(replaces for replaces, _ in self.steps[:count]) else len(self.durable)
        if not first <= len(found) <= len(whole) or found[:first] != self.durable[:first]:
            return False
        for _, group in itertools.groupby(range(first, len(found)), lambda offset: offset // BLOCK):
            offsets = list(group)
            got, wanted = found[offsets[0] : offsets[-1] + 1], whole[offsets[0] : offsets[-1] + 1]
            if got not in (wanted, bytes(len(wanted))):
                return False
        return True


class Machine(RuleBasedStateMachine):
    """Operations and crashes against what the rules allow."""

    def __init__(self):
        super().__init__()
        self.disk = FakeDisk(Rolled(0))
        self.names = {}  # name -> Content
        self.history = [{}]  # the names after each step since the folder was synced

    def note(self):
        self.history.append(dict(self.names))

    @rule(name=st.sampled_from(NAMES), data=st.binary(max_size=3) | st.integers(1, 3 * BLOCK).map(lambda n: b"z" * n))
    def append(self, name, data):
        self.put(name, (False, data))
        self.disk.append(name, data)

    @rule(name=st.sampled_from(NAMES), data=st.binary(max_size=2 * BLOCK))
    def write(self, name, data):
        self.put(name, (True, data))
        self.disk.write(name, data)

    def put(self, name, step):
        if name not in self.names:
            self.names[name] = Content()
            self.note()
        self.names[name].steps.append(step)

    @rule(name=st.sampled_from(NAMES))
    def sync(self, name):
        if name in self.names:
            content = self.names[name]
            content.durable, content.steps = content.now(), []
            self.disk.sync(name)

    @rule()
    def sync_folder(self):
        self.history = [dict(self.names)]
        self.disk.sync(".")

    @rule(old=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def rename(self, old, new):
        if old in self.names and old != new:
            self.names[new] = self.names.pop(old)
            self.note()
            self.disk.rename(old, new)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name):
        if name in self.names:
            del self.names[name]
            self.note()
            self.disk.remove(name)

    @rule(seed=st.integers(0, 1 << 32))
    def crash(self, seed):
        self.disk._choices = Rolled(seed)
        self.disk.crash()
        found = {name: self.disk.read(name) for name in self.disk.list()}
        allowed = [names for names in self.history if self.fits(names, found)]
        assert allowed, f"{found} after {self.history}"
        self.names = {}
        for name, data in found.items():
            self.names[name] = Content()
            self.names[name].durable = data
        self.history = [dict(self.names)]

    @staticmethod
    def fits(names, found):
        return names.keys() == found.keys() and all(names[name].allows(found[name]) for name in names)

    @rule(name=st.sampled_from(NAMES))
    def read(self, name):
        assert self.disk.exists(name) == (name in self.names)
        if name in self.names:
            assert self.disk.read(name) == self.names[name].now()


# Goal: synced data is never lost; what was not synced is lost, torn or kept, and nothing else. Method: a machine.
def test_a_crash_leaves_what_the_rules_allow():
    run_state_machine_as_test(Machine)


# Goal: the machine sees a disk that loses what was synced. Method: a sync that forgets to.
def test_the_machine_catches_a_sync_that_does_nothing(monkeypatch):
    monkeypatch.setattr(FakeDisk, "sync", lambda self, path: None)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine)
